"""Object storage as a place for the lake: S3 and what speaks as S3 does, by `lake.yaml`.

What belongs here: what that file may say, requests with their retries, many of them at once, and a
sentence for what goes wrong. What stays out: what the files mean (`lake.py`).

Credentials come from the environment or from the machine's own role, and no file of Muster's holds
any. No sentence quotes what the other side said, since that may name them.
"""

import errno
import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from urllib.parse import urlsplit

import yaml
from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError
from obstore.store import from_url
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pipeline.storage.objects import Objects
from pipeline.written import UnusableConfiguration, Written, wrong

A = TypeVar("A")
B = TypeVar("B")

LAKE_FILE: Final = "lake.yaml"
_SCHEMES: Final = ("s3", "az")
_AT_ONCE: Final = 16
"""Requests under way at a time: many small files wait for the network more than they load it."""
_LISTED_AT_ONCE: Final = 1_000
_RETRIES: Final = 6
_SECONDS: Final = {"connect": 5, "request": 120, "retrying": 60}


class LakeSettings(BaseModel):
    """Where the lake lies on object storage. Without this file it lies in the home folder."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, use_attribute_docstrings=True, hide_input_in_errors=True
    )

    at: str = Field(min_length=1)
    """Bucket and prefix, such as s3://evaluation/lake."""
    endpoint: str | None = None
    """Address of a server that speaks as S3 does; Amazon's own if not given."""
    region: str | None = Field(None, pattern=r"^[a-z0-9-]+$")
    """Region of the bucket; AWS_REGION if not given."""
    allow_http: bool = False
    """Speak to the endpoint without TLS: for a server on this machine."""

    @model_validator(mode="after")
    def _can_be_used(self) -> Self:
        at = urlsplit(self.at)
        if "@" in at.netloc or at.query or at.fragment:
            raise wrong("credentials never stand in a file; set them in the environment", "at")
        if at.scheme not in _SCHEMES or not at.netloc or not at.path.strip("/"):
            raise wrong("bucket and prefix are expected, such as s3://evaluation/lake", "at")
        if at.scheme == "az" and self.region is not None:
            raise wrong("a region is for s3:// alone; take it out", "region")
        if self.endpoint is not None:
            endpoint = urlsplit(self.endpoint)
            if "@" in endpoint.netloc:
                problem = "credentials never stand in a file; set them in the environment"
                raise wrong(problem, "endpoint")
            if endpoint.scheme not in {"http", "https"} or not endpoint.hostname:
                raise wrong("an address is expected, such as https://s3.force.example", "endpoint")
            if endpoint.scheme == "http" and not self.allow_http:
                problem = (
                    "rows would cross the network for all to read; write https, or allow_http: "
                    "true for a server on this machine"
                )
                raise wrong(problem, "endpoint")
        return self

    def written(self) -> str:
        """The text of a file that says the same."""
        said = self.model_dump(mode="json", exclude_defaults=True)
        return yaml.safe_dump(said, sort_keys=False)

    @property
    def place(self) -> str:
        """Bucket and prefix as every sentence names them."""
        return self.at.rstrip("/")


def parse_lake_settings(text: str) -> LakeSettings:
    """What the file says; raises UnusableConfiguration with one sentence."""
    written = Written.of(text, LAKE_FILE)
    if not isinstance(written.said, dict):
        raise written.unusable((), "`at` is expected; see docs/object-storage.md")
    try:
        return LakeSettings.model_validate(written.said)
    except ValidationError as error:
        raise written.refused(error, LakeSettings) from None


def lake_settings_of(
    at: str, endpoint: str | None, region: str | None, allow_http: bool
) -> LakeSettings:
    """The same of what was said on the command line."""
    said = {"at": at, "endpoint": endpoint, "region": region, "allow_http": allow_http}
    given = {name: value for name, value in said.items() if value}
    return parse_lake_settings(yaml.safe_dump(given))


@lru_cache(maxsize=8)
def remote_objects(settings: LakeSettings) -> Objects:
    """The place that settings name; one for a process, since connections are kept."""
    return RemoteObjects(settings)


class RemoteObjects:
    """Files of one bucket below one prefix. Raises UnusableConfiguration where it cannot be used.

    Every request is made again if it fails, up to six times within a minute.
    """

    def __init__(self, settings: LakeSettings) -> None:
        self._place = settings.place
        config = {"endpoint": settings.endpoint, "region": settings.region}
        options: dict[str, Any] = {
            "config": {name: value for name, value in config.items() if value is not None},
            "client_options": {
                "allow_http": settings.allow_http,
                "connect_timeout": timedelta(seconds=_SECONDS["connect"]),
                "timeout": timedelta(seconds=_SECONDS["request"]),
            },
            "retry_config": {
                "max_retries": _RETRIES,
                "retry_timeout": timedelta(seconds=_SECONDS["retrying"]),
                "backoff": {
                    "init_backoff": timedelta(milliseconds=100),
                    "max_backoff": timedelta(seconds=5),
                    "base": 2,
                },
            },
        }
        self._store: Any = self._asked(lambda: from_url(self._place, **options))

    def listed(self, below: str) -> dict[str, int]:
        def found() -> dict[str, int]:
            pages = self._store.list(below or None, chunk_size=_LISTED_AT_ONCE)
            return {str(file["path"]): int(file["size"]) for page in pages for file in page}

        return {name: size for name, size in self._asked(found).items() if _is_named(name)}

    def folders(self, below: str) -> list[str]:
        found = self._asked(lambda: self._store.list_with_delimiter(below or None))
        names = [prefix.rstrip("/").rpartition("/")[2] for prefix in found["common_prefixes"]]
        return [name for name in names if _is_named(name)]

    def sources(self, names: Sequence[str]) -> list[Path | bytes]:
        return list(self._at_once(self._content, names))

    def contents(self, names: Sequence[str]) -> list[bytes | None]:
        return self._at_once(self._content_if_there, names)

    def _content(self, name: str) -> bytes:
        return self._asked(lambda: bytes(self._store.get(name).bytes()))

    def _content_if_there(self, name: str) -> bytes | None:
        try:
            return self._content(name)
        except FileNotFoundError:
            return None

    def is_whole(self, name: str, size: int, listed: Mapping[str, int]) -> bool:
        # What is there was put whole.
        return listed.get(name) == size

    def put(self, files: Mapping[str, bytes]) -> None:
        self._at_once(lambda name: self.commit(name, files[name]), list(files))

    def settle(self, below: str) -> None:
        """Nothing is left to do: whoever was answered had put it for good."""

    def commit(self, name: str, content: bytes) -> None:
        # In one part: parts of a killed upload stay, where no listing shows them.
        self._asked(lambda: self._store.put(name, content, use_multipart=False))

    def remove(self, names: Collection[str]) -> None:
        if names:
            self._asked(lambda: self._store.delete(list(names)))

    def remove_below(self, below: str) -> None:
        self.remove(self.listed(below))

    def recover(self, below: str) -> int:  # noqa: ARG002
        """Nothing is left: a put is whole or was none."""
        return 0

    def _at_once(self, do: Callable[[A], B], each: Sequence[A]) -> list[B]:
        if len(each) < 2:
            return [do(one) for one in each]
        with ThreadPoolExecutor(min(_AT_ONCE, len(each))) as threads:
            return list(threads.map(do, each))

    def _asked(self, request: Callable[[], A]) -> A:
        """What a request answers; FileNotFoundError, or UnusableConfiguration in our own words."""
        try:
            return request()
        except FileNotFoundError as error:
            # Of a bucket that is not there every file is missing.
            refusal = (
                self._no_bucket()
                if _says(error, _NO_BUCKET)
                else FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            )
        except (BaseError, ValueError, OSError) as error:
            refusal = self._refusal(error)
        # Raised outside the handler, so that what the other side said is not even the context.
        raise refusal

    def _refusal(self, error: Exception) -> Exception:
        if _says(error, _NO_BUCKET):
            return self._no_bucket()
        refused = isinstance(error, PermissionDeniedError | UnauthenticatedError)
        if refused or _says(error, _REFUSED):
            return UnusableConfiguration(
                f"the lake at {self._place} refuses access; give the credentials in the "
                "environment, or this machine's role, the right to list, read, write and delete "
                "there (docs/object-storage.md)."
            )
        return UnusableConfiguration(
            f"the lake at {self._place} cannot be reached or does not answer as it should; look at "
            f"the network, at endpoint and region in {LAKE_FILE}, and whether the environment has "
            "credentials (docs/object-storage.md)."
        )

    def _no_bucket(self) -> Exception:
        return UnusableConfiguration(
            f"{LAKE_FILE}: there is no bucket or container for {self._place}; make it, or put its "
            "name right."
        )


_NO_BUCKET: Final = ("NoSuchBucket", "ContainerNotFound")
_REFUSED: Final = ("403 Forbidden", "401 Unauthorized", "AccessDenied")


def _says(error: Exception, words: Collection[str]) -> bool:
    return any(word in str(error) for word in words)


def _is_named(name: str) -> bool:
    return not any(part.startswith(".") for part in name.split("/"))
