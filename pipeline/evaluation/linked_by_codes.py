"""What changes say of officers who are known by codes: how many links may be wrong or missing.

What belongs here: carrying `core.link_errors` to where a change is read. What stays out: the
estimates (`pipeline/privacy/link_errors.py`), and correcting a change for them.
"""

import polars as pl

from pipeline.vocabulary import LinkErrorMethod

_PAIR = ("organisation", "from_wave", "to_wave")


def with_link_notes(changes: pl.DataFrame, link_errors: pl.DataFrame) -> pl.DataFrame:
    """`tables.PAIRED_CHANGE` rows with a note wherever officers are linked by codes.

    The note of `all` adds up what organisations expect; it has no limits, since theirs do not add
    up.
    """
    told = link_errors.filter(pl.col("method") == LinkErrorMethod.CHANCE_AND_ERRORS.value)
    if told.is_empty():
        return changes
    own = told.select(
        *_PAIR,
        said=pl.format(
            "{} linked by codes: {} of the links may be wrong, {} missed",
            "linked",
            _expected("wrong"),
            pl.when(pl.col("missed").is_null())
            .then(pl.lit("an unknown number"))
            .otherwise(_expected("missed")),
        ),
    )
    total = (
        told.group_by("from_wave", "to_wave")
        .agg(pl.col("linked", "wrong", "missed").sum())
        .select(
            pl.lit("all").alias("organisation"),
            "from_wave",
            "to_wave",
            said=pl.format(
                "{} of the officers linked by codes: about {} of the links may be wrong, {} missed",
                "linked",
                pl.col("wrong").round(1),
                pl.col("missed").round(1),
            ),
        )
    )
    joined = changes.join(
        pl.concat([own, total]), on=list(_PAIR), how="left", maintain_order="left"
    )
    both = pl.concat_str("note", "said", separator="; ", ignore_nulls=True)
    note = pl.when(pl.col("said").is_null()).then(pl.col("note")).otherwise(both)
    return joined.with_columns(note.alias("note")).drop("said")


def _expected(name: str) -> pl.Expr:
    limits = (pl.col(f"{name}_{limit}").cast(pl.Int64) for limit in ("low", "high"))
    return pl.format("about {} ({} to {})", pl.col(name).round(1), *limits)
