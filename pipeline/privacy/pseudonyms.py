"""Keyed pseudonyms of officers, session groups and facilitators.

What belongs here: bringing identifiers to one spelling and hashing them under a chain of keys.
What stays out: where keys are kept (`pipeline/storage/keys.py`).

v1 is HMAC-SHA256 of key 1 over programme, home force and normalised identifier, each with its
length in front, so that no two inputs run together; v(n+1) is the HMAC of key n+1 over v(n), so
keys are rotated without identifiers. An unkeyed hash would be a look-up table: there are few
enough collar numbers to hash them all. A code is hashed as a whole and element by element, with
the element's name.
"""

import hmac
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

import polars as pl

from pipeline.programme import Identifiers, IdentifierSettings
from pipeline.reading.cells import LOST_DIGITS

_BYTES = 10
"""Of a hash kept: 80 bits, so that among a million officers two meet with p < 1e-12."""

_AS_DECIMAL = re.compile(r"(?<=\d)\.0+$")
_PSEUDONYM = re.compile(rf"v(\d+)-[0-9a-f]{{{2 * _BYTES}}}")
_SEPARATORS = re.compile(r"[\s\-_/.]+")


@dataclass(frozen=True, slots=True)
class Pseudonymiser:
    """Turns identifiers into pseudonyms; never shown, since it holds keys and identifiers."""

    keys: tuple[bytes, ...] = field(repr=False)
    programme: str
    identifiers: Identifiers
    _known: dict[tuple[str, str], dict[str, str | None]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )
    """Officers met before, by what is named and within what: the same ones stand in file after
    file. In memory only."""

    def participants(self, rows: pl.DataFrame) -> pl.Series:
        """`participant_id` for rows with `home_force` and `identifier`; null where either is."""
        return self._of_unique(rows, "home_force", "identifier", self._participants)

    def labels(self, rows: pl.DataFrame, column: str, organisation: str) -> pl.Series:
        """Pseudonyms of the session groups or facilitators in `column` of one organisation."""
        named = rows.with_columns(pl.lit(organisation).alias("organisation"))
        return self._of_unique(named, "organisation", column, partial(self._labels, column))

    def coded(self, rows: pl.DataFrame, elements: Sequence[str]) -> tuple[pl.Series, pl.Series]:
        """`participant_id` and the elements' hashes for rows with `home_force` and `code`.

        `code` lists the elements in the order of `elements`, and the hashes come in the same order,
        null for an element that is missing or of which nothing is left. A code that lacks one is
        nobody else's: beside it, `occasion` is hashed, so that two of them never meet by that
        alone. One that lacks more names nobody.
        """
        asked = rows.select("home_force", "code", "occasion")
        distinct = asked.unique().drop_nulls()
        whole, hashes = [], []
        for force, code, occasion in distinct.iter_rows():
            spelt = [normalised_element(said) if said else "" for said in code]
            hashes.append(self._elements(force, elements, spelt))
            whole.append(self._whole_code(force, elements, spelt, occasion))
        made = distinct.with_columns(
            pl.Series("whole", whole, pl.String), pl.Series("hashes", hashes, pl.List(pl.String))
        )
        found = asked.join(made, on=asked.columns, how="left", maintain_order="left")
        return found["whole"].alias("participant_id"), found["hashes"].alias("code")

    def _whole_code(
        self, force: str, elements: Sequence[str], spelt: list[str], occasion: str
    ) -> str | None:
        missing = spelt.count("")
        if missing > 1:
            return None
        parts = [part for pair in zip(elements, spelt, strict=True) for part in pair]
        (made,) = self._chained("code", force, [occasion if missing else "complete"], *parts)
        return made

    def _elements(self, force: str, elements: Sequence[str], spelt: list[str]) -> list[str | None]:
        known = self._known.setdefault(("code element", force), {})
        made: list[str | None] = []
        for element, text in zip(elements, spelt, strict=True):
            both = f"{element}\n{text}"
            if text and both not in known:
                (known[both],) = self._chained("code element", force, [text], element)
            made.append(known[both] if text else None)
        return made

    def carried_on(self, pseudonyms: pl.Series) -> pl.Series:
        """Pseudonyms of any version as they are under the newest key; null stays null.

        What is on record (tombstones, links, digests) keeps the version it was written with. Raises
        ValueError for what is no pseudonym of these keys, without quoting it.
        """
        every = pseudonyms.drop_nulls().unique().to_list()
        newest = [_carried_on(pseudonym, self.keys) for pseudonym in every]
        return pseudonyms.replace_strict(every, newest, return_dtype=pl.String)

    def _participants(self, home_force: str, identifiers: list[str]) -> list[str | None]:
        settings = self.identifiers.of(home_force)
        normalised = [normalised_identifier(identifier, settings) for identifier in identifiers]
        return self._chained("participant", home_force, normalised)

    def _labels(self, what: str, organisation: str, labels: list[str]) -> list[str | None]:
        return self._chained(what, organisation, [_one_spelling(label) for label in labels])

    def _chained(self, what: str, where: str, texts: list[str], *before: str) -> list[str | None]:
        """Pseudonyms of texts, each through every key and after the same; None for an empty one."""
        beginning = b"".join(_with_length(part) for part in (what, self.programme, where, *before))
        # The key and what is the same for all of them are hashed once.
        begun = hmac.new(self.keys[0], beginning, "sha256")

        def continued(text: str) -> str:
            own = begun.copy()
            own.update(_with_length(text))
            return _named(own.hexdigest(), 1)

        pseudonyms = [continued(text) if text else None for text in texts]
        return [_through(self.keys, first, 1) if first else None for first in pseudonyms]

    def _of_unique(
        self,
        rows: pl.DataFrame,
        within: str,
        column: str,
        pseudonyms_of: Callable[[str, list[str]], list[str | None]],
    ) -> pl.Series:
        """Python runs once for each identifier that was not met before, not once a row."""
        places = rows.select(within, column).drop_nulls().group_by(within)
        named = places.agg(pl.col(column).unique())
        found = []
        for where, names in named.iter_rows():
            known = self._known.setdefault((column, where), {})
            new = [name for name in names if name not in known]
            known.update(zip(new, pseudonyms_of(where, new), strict=True))
            found.append([known[name] for name in names])
        pseudonyms = pl.Series("pseudonym", found, dtype=pl.List(pl.String))
        # Nearly every file speaks of one force, and joining on one column takes half the time.
        on = [column] if rows[within].n_unique() == 1 else [within, column]
        return rows.select(on).join(
            named.with_columns(pseudonyms).explode(column, "pseudonym").select(*on, "pseudonym"),
            on=on,
            how="left",
            maintain_order="left",
        )["pseudonym"]


def as_numbers(pseudonyms: pl.Series) -> pl.Series:
    """The first 63 bits of each hash (Int64), in the order of the pseudonyms."""
    digits = pseudonyms.str.tail(2 * _BYTES).str.head(16)
    return (digits.str.to_integer(base=16, dtype=pl.UInt64) // 2).cast(pl.Int64)


def _with_length(text: str) -> bytes:
    encoded = text.encode("utf-8")
    return len(encoded).to_bytes(4, "big") + encoded


def _carried_on(pseudonym: str, keys: Sequence[bytes]) -> str:
    found = _PSEUDONYM.fullmatch(pseudonym)
    version = int(found[1]) if found else 0
    if not 1 <= version <= len(keys):
        raise ValueError("no pseudonym of these keys")
    return _through(keys, pseudonym, version)


def _through(keys: Sequence[bytes], pseudonym: str, version: int) -> str:
    """One pseudonym of a version through every key that is newer."""
    for newer, key in enumerate(keys[version:], start=version + 1):
        pseudonym = _shortened(key, pseudonym.encode("ascii"), newer)
    return pseudonym


def _shortened(key: bytes, message: bytes, version: int) -> str:
    return _named(hmac.digest(key, message, "sha256").hex(), version)


def _named(digits: str, version: int) -> str:
    return f"v{version}-{digits[: 2 * _BYTES]}"


def _one_spelling(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text.casefold()
    if not text.isascii():
        # Signs that are not seen, and the dashes of word processors, are no part of a number.
        text = "".join(
            "-" if unicodedata.category(sign) == "Pd" else sign
            for sign in unicodedata.normalize("NFKC", text)
            if unicodedata.category(sign) != "Cf"
        )
    # A spreadsheet that took a column for decimals wrote 4711 as 4711.0.
    return _SEPARATORS.sub("", _AS_DECIMAL.sub("", text.strip())).casefold()


def normalised_element(said: str) -> str:
    """One spelling of an element of a code; empty where nothing of it is left.

    Accents are left out, since the same officer writes them now and then, and a number loses its
    leading zeros: the seventh of a month is 7 and 07.
    """
    spelt = "".join(
        sign
        for sign in unicodedata.normalize("NFKD", _one_spelling(said))
        if not unicodedata.combining(sign)
    )
    return (spelt.lstrip("0") or "0") if spelt.isdecimal() else spelt


def normalised_identifier(identifier: str, settings: IdentifierSettings) -> str:
    """One spelling of an officer's identifier; empty where nothing of it is left.

    Whether leading zeros count is a setting of the force: stripping them can merge two officers,
    keeping them can split one. Of a number that lost its digits (`1.2E+06`) nothing is left: it
    would make one officer of many.
    """
    if re.match(LOST_DIGITS, identifier.strip()):
        return ""
    normalised = _one_spelling(identifier)
    for prefix in settings.prefixes:
        normalised = normalised.removeprefix(_one_spelling(prefix))
    return normalised.lstrip("0") if settings.strip_leading_zeros else normalised
