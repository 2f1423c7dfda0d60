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
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import polars as pl

from pipeline.programme import Identifiers, IdentifierSettings
from pipeline.reading.cells import LOST_DIGITS

_BYTES = 10
"""Of a hash kept: 80 bits, so that among a million officers two meet with p < 1e-12."""

_AS_DECIMAL = re.compile(r"(?<=\d)\.0+$")
_LOOKS_LIKE = dict(
    zip(
        "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0423"
        "\u0425\u0430\u0435\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0391\u0392\u0395"
        "\u0396\u0397\u0399\u039a\u039c\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf",
        "ABESIJKMHOPCTYXaeopcyxijsABEZHIKMNOPTYXo",
        strict=True,
    )
)
"""Cyrillic and Greek letters that cannot be told from Latin ones by eye (Unicode Technical Standard
39, confusables): typed on another keyboard, or put there to be another officer."""
PSEUDONYM = rf"v(\d+)-[0-9a-f]{{{2 * _BYTES}}}"
"""What a pseudonym looks like; the group is the version of its key."""
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
        by_version: dict[int, list[str]] = {}
        for pseudonym in pseudonyms.drop_nulls().unique().to_list():
            by_version.setdefault(self._version_of(pseudonym), []).append(pseudonym)
        newest: dict[str, str] = {}
        for version, old in by_version.items():
            newest.update(zip(old, _through(self.keys, version, old), strict=True))
        return pseudonyms.replace_strict(newest, return_dtype=pl.String)

    def _version_of(self, pseudonym: str) -> int:
        found = re.fullmatch(PSEUDONYM, pseudonym)
        version = int(found[1]) if found else 0
        if not 1 <= version <= len(self.keys):
            raise ValueError("no pseudonym of these keys")
        return version

    def _participants(self, home_force: str, identifiers: list[str]) -> list[str | None]:
        settings = self.identifiers.of(home_force)
        normalised = [normalised_identifier(identifier, settings) for identifier in identifiers]
        return self._chained("participant", home_force, normalised)

    def _labels(self, what: str, organisation: str, labels: list[str]) -> list[str | None]:
        return self._chained(what, organisation, [_one_spelling(label) for label in labels])

    def _chained(self, what: str, where: str, texts: list[str], *before: str) -> list[str | None]:
        """Pseudonyms of texts, each through every key and after the same; None for an empty one."""
        beginning = b"".join(with_length(part) for part in (what, self.programme, where, *before))
        messages = (with_length(text) for text in texts if text)
        first = _pseudonyms(1, self.keys[0], beginning, messages)
        newest = iter(_through(self.keys, 1, first))
        return [next(newest) if text else None for text in texts]

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


def with_length(text: str) -> bytes:
    """A text with its length in front, so that no two fields of a message run together."""
    encoded = text.encode("utf-8")
    return len(encoded).to_bytes(4, "big") + encoded


def _through(keys: Sequence[bytes], version: int, pseudonyms: list[str]) -> list[str]:
    """Pseudonyms of a version through every key that is newer."""
    for newer, key in enumerate(keys[version:], start=version + 1):
        messages = (pseudonym.encode("ascii") for pseudonym in pseudonyms)
        pseudonyms = _pseudonyms(newer, key, b"", messages)
    return pseudonyms


def _pseudonyms(version: int, key: bytes, beginning: bytes, messages: Iterable[bytes]) -> list[str]:
    """HMAC-SHA256 (RFC 2104) of `beginning` and each message, shortened, with the version in front.

    Key and beginning are hashed once for all of them, and what `hmac` gives comes out. It is not
    used since its own copies take half as long again.
    """
    named, digits = f"v{version}-", 2 * _BYTES
    block = (key if len(key) <= _BLOCK else sha256(key).digest()).ljust(_BLOCK, b"\0")
    inner, outer = sha256(block.translate(_INNER)), sha256(block.translate(_OUTER))
    inner.update(beginning)
    made = []
    for message in messages:
        of_message, around = inner.copy(), outer.copy()
        of_message.update(message)
        around.update(of_message.digest())
        made.append(named + around.hexdigest()[:digits])
    return made


_BLOCK = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


def _one_spelling(text: str) -> str:
    if text.isascii() and text.isalnum():
        return text.casefold()
    if not text.isascii():
        text = "".join(map(_plain, unicodedata.normalize("NFKC", text)))
    # A spreadsheet that took a column for decimals wrote 4711 as 4711.0.
    return _SEPARATORS.sub("", _AS_DECIMAL.sub("", text.strip())).casefold()


def _plain(sign: str) -> str:
    """A sign as a British keyboard has it, where it only looks or reads otherwise.

    Signs that are not seen, and the dashes of word processors, are no part of a number; digits of
    other scripts are digits; and a letter that looks like a Latin one was meant as it.
    """
    category = unicodedata.category(sign)
    if category == "Cf":
        return ""
    if category == "Pd":
        return "-"
    if category == "Nd":
        return str(unicodedata.decimal(sign))
    return _LOOKS_LIKE.get(sign, sign)


def heading_digest(heading: str, key: bytes) -> str:
    """What a column is known by whose heading is not kept.

    Keyed, since headings can name people and could be guessed. With the oldest key, which stays:
    unlike a pseudonym it is not carried on when the key is rotated.
    """
    return hmac.digest(key, f"heading\n{heading}".encode(), "sha256")[:_BYTES].hex()


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
    if identifier.isascii() and identifier.isalnum():
        # Most are; and without a sign in it no number lost its digits.
        normalised = identifier.casefold()
    elif re.match(LOST_DIGITS, identifier.strip()):
        return ""
    else:
        normalised = _one_spelling(identifier)
    for prefix in settings.prefixes:
        normalised = normalised.removeprefix(_one_spelling(prefix))
    return normalised.lstrip("0") if settings.strip_leading_zeros else normalised
