"""Keyed pseudonyms of officers, session groups and facilitators.

What belongs here: bringing identifiers to one spelling and hashing them under a chain of keys.
What stays out: where keys are kept (`pipeline/storage/keys.py`).

v1 is HMAC-SHA256 of key 1 over programme, home force and normalised identifier, each with its
length in front, so that no two inputs run together; v(n+1) is the HMAC of key n+1 over v(n), so
keys are rotated without identifiers. An unkeyed hash would be a look-up table: there are few
enough collar numbers to hash them all.
"""

import base64
import hmac
import re
import unicodedata
from dataclasses import dataclass, field

import polars as pl

from pipeline.programme import Identifiers, IdentifierSettings

_CHARACTERS = 16
"""Base32 characters kept: 80 bits, so that among a million officers two meet with p < 1e-12."""

_SEPARATORS = re.compile(r"[\s\-_/.]+")


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Turns identifiers into pseudonyms; never shown, since it holds the keys."""

    keys: tuple[bytes, ...] = field(repr=False)
    programme: str
    identifiers: Identifiers

    def participants(self, rows: pl.DataFrame) -> pl.Series:
        """`participant_id` for rows with `home_force` and `identifier`; null where either is."""
        return self._of_unique(rows, "home_force", "identifier", self._participant)

    def labels(self, rows: pl.DataFrame, column: str, organisation: str) -> pl.Series:
        """Pseudonyms of the session groups or facilitators in `column` of one organisation."""
        named = rows.with_columns(pl.lit(organisation).alias("organisation"))
        return self._of_unique(
            named,
            "organisation",
            column,
            lambda within, label: self._chained(column, within, _one_spelling(label)),
        )

    def _participant(self, home_force: str, identifier: str) -> str | None:
        normalised = normalised_identifier(identifier, self.identifiers.of(home_force))
        return self._chained("participant", home_force, normalised) if normalised else None

    def _chained(self, what: str, *fields: str) -> str:
        first = b"".join(
            len(part).to_bytes(4, "big") + part
            for part in (text.encode("utf-8") for text in (what, self.programme, *fields))
        )
        pseudonym = _shortened(self.keys[0], first, 1)
        for version, key in enumerate(self.keys[1:], start=2):
            pseudonym = _shortened(key, pseudonym.encode("ascii"), version)
        return pseudonym

    def _of_unique(self, rows: pl.DataFrame, within: str, column: str, pseudonym) -> pl.Series:  # type: ignore[no-untyped-def]
        # Python runs once for each different identifier, not once for each row.
        unique = rows.select(within, column).unique().drop_nulls()
        pseudonyms = [pseudonym(*pair) for pair in unique.iter_rows()]
        known = unique.with_columns(pl.Series("pseudonym", pseudonyms, dtype=pl.String))
        joined = rows.select(within, column).join(
            known, on=[within, column], how="left", maintain_order="left"
        )
        return joined["pseudonym"]


def _shortened(key: bytes, message: bytes, version: int) -> str:
    digest = base64.b32encode(hmac.digest(key, message, "sha256")).decode("ascii").lower()
    return f"v{version}-{digest[:_CHARACTERS]}"


def _one_spelling(text: str) -> str:
    return _SEPARATORS.sub("", unicodedata.normalize("NFKC", text)).casefold()


def normalised_identifier(identifier: str, settings: IdentifierSettings) -> str:
    """One spelling of an officer's identifier; empty where nothing of it is left.

    Whether leading zeros count is a setting of the force: stripping them can merge two officers,
    keeping them can split one.
    """
    normalised = _one_spelling(identifier)
    for prefix in settings.prefixes:
        normalised = normalised.removeprefix(_one_spelling(prefix))
    return normalised.lstrip("0") if settings.strip_leading_zeros else normalised
