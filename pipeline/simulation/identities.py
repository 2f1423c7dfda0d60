"""Invented identifiers: officer numbers, names, e-mail and IP addresses, response numbers.

What belongs here: strings that identify nobody, are unique, and are odd enough that a search for
one of them in any file finds only places that really hold it. What stays out: who bears them.
"""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Serials = npt.NDArray[np.int64]

_ALPHABET: Final = pl.Series(list("0123456789ABCDEFGHJKMNPQRSTVWXYZ"))
_SYLLABLES: Final = pl.Series(
    consonant + vowel for consonant in "bdfgklmnprstvwyz" for vowel in "ao"
)
_GIVEN: Final = pl.Series(
    f"{syllable}sim" for syllable in ("Al", "Ben", "Car", "Dor", "El", "Fen", "Gor", "Hal")
)
# Documentation ranges (RFC 5737): no machine has an address in them.
_NETWORKS: Final = pl.Series(["192.0.2.", "198.51.100.", "203.0.113."])


def officer_numbers(seed: int, serials: Serials) -> pl.Series:
    """A collar number such as SIM7K3Q9X for each serial below 2**30; distinct for distinct ones."""
    return _joined([pl.lit("SIM"), *_letters(_scattered(seed, serials, bits=30), 6)])


def response_numbers(seed: int, serials: Serials) -> pl.Series:
    """A response id such as R_SIM0K3Q9X7A for each serial below 2**40."""
    return _joined([pl.lit("R_SIM"), *_letters(_scattered(seed, serials, bits=40), 8)])


def names(seed: int, serials: Serials) -> pl.DataFrame:
    """Given and family name, e-mail address and IP address for each serial below 2**25.

    Family names have 13 letters and are distinct; given names and IP addresses are shared.
    """
    scattered = _scattered(seed, serials, bits=25)
    syllables = [_SYLLABLES.gather((scattered >> (5 * i)) % 32) for i in range(5)]
    family = _joined([pl.lit("Sim"), *syllables])
    given = _GIVEN.gather((scattered >> 3) % len(_GIVEN))
    ip = _joined(
        [
            _NETWORKS.gather(scattered % len(_NETWORKS)),
            pl.Series((scattered >> 5) % 254 + 1).cast(pl.String),
        ]
    )
    return pl.DataFrame({"given": given, "family": family, "ip": ip}).with_columns(
        pl.concat_str("given", pl.lit(" "), "family").alias("name"),
        pl.concat_str("given", pl.lit("."), "family", pl.lit("@simulated.invalid"))
        .str.to_lowercase()
        .alias("email"),
    )


def _scattered(seed: int, serials: Serials, bits: int) -> Serials:
    """A one-to-one scattering of serials below 2**bits: an odd factor has an inverse."""
    mask = np.uint64(2**bits - 1)
    # Unsigned products wrap around at 2**64, of which 2**bits is a divisor.
    product = serials.astype(np.uint64) * np.uint64(0x5851F42D4C957F2D)
    return ((product + np.uint64(seed * 7_368_787 % 2**bits)) & mask).astype(np.int64)


def _letters(scattered: Serials, count: int) -> list[pl.Series]:
    return [_ALPHABET.gather((scattered >> (5 * i)) % 32) for i in range(count)]


def _joined(parts: list[pl.Expr | pl.Series]) -> pl.Series:
    columns = [part.alias(f"part {i}") for i, part in enumerate(parts)]
    series = [part for part in columns if isinstance(part, pl.Series)]
    order = [part if isinstance(part, pl.Expr) else pl.col(part.name) for part in columns]
    return pl.DataFrame(series).select(pl.concat_str(order).alias("joined")).to_series()
