"""What officers add in their own words: invented, harmless, and often naming somebody.

What stays out: where the comment stands, which is the platform's (the modules beside this one).
Telephone numbers are of the range that is kept for drama and belongs to nobody.
"""

from typing import Any, Final

import polars as pl

COMMENT_QUESTION: Final = "Is there anything you would like to add?"
_QUESTION: Final = "anything_to_add"
_SHARE: Final = 0.3

_HARMLESS: Final = (
    "The room was too small, the time was right",
    "I will come again, and I may bring the rest of the shift",
    "Nights make it hard to get to the sessions",
    "More time between jobs would help more than a form",
    "It was good to hear that others think the same",
    "Nothing to add after 10 sessions",
    "Please mark the dates earlier, in 2025 we had two weeks",
)


def commented(mapping: dict[str, Any], column: str) -> dict[str, pl.Expr]:
    """The cell of an open question, of which the mapping is told."""
    mapping["comments"] = {_QUESTION: column}
    return {column: _comment()}


def _comment() -> pl.Expr:
    """Three in ten write something; half of that names, numbers or dates somebody."""
    led_by = pl.col("facilitator").str.split(" ").list.last()
    phone = pl.format("07700 900{}", (pl.col("officer") % 1000).cast(pl.String).str.zfill(3))
    reference = pl.format("42/{}/25", (pl.col("officer") * 7 % 90_000 + 10_000).cast(pl.String))
    colleague = pl.coalesce(pl.col("name").shift(), pl.col("name"))
    naming = (
        pl.format("Please thank Sgt {} for the group", led_by),
        pl.format("This is {}, ring me on {} if anything is unclear", "name", phone),
        pl.format("I sat with {} and it helped us both", colleague),
        pl.format("My collar number is {}, please pass this on", "number"),
        pl.format("Write to {} and I will say more", pl.col("email").str.to_uppercase()),
        pl.format("It was the job of {} that stayed with me", reference),
        pl.format("{} here again. You have my number", pl.col("given").str.to_lowercase()),
    )
    said = [text for pair in zip(naming, map(pl.lit, _HARMLESS), strict=True) for text in pair]
    chosen = (pl.col("luck") / _SHARE * len(said)).floor()
    return pl.coalesce(
        pl.when((pl.col("luck") < _SHARE) & (chosen == place)).then(text)
        for place, text in enumerate(said)
    )
