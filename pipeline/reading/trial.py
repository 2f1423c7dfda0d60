"""What a mapping makes of a file, counted: so that somebody can see whether it is the right one.

What stays out: row rules (`pipeline/quality`), which judge every row when the file is taken in.
"""

from dataclasses import dataclass

import polars as pl

from pipeline.programme import Programme
from pipeline.reading.canonical import read
from pipeline.reading.cells import CODE_INCOMPLETE, CODE_UNUSABLE, NOBODYS_ROW, UNRECOGNISED
from pipeline.reading.mapping import parse_mapping


@dataclass(frozen=True, slots=True)
class Trial:
    """Counts of rows, and of those that something is missing from."""

    rows: int
    without_participant: int
    without_wave: int
    with_unknown_answers: int
    with_unknown_cells: int
    unknown: tuple[str, ...]
    """The fields whose cells are not understood somewhere."""

    @property
    def sentence(self) -> str:
        troubles = [
            f"{n:,} {what}"
            for n, what in (
                (self.without_participant, "do not say whose they are"),
                (self.without_wave, "are of no known wave"),
                (self.with_unknown_answers, "hold an answer that is none"),
                (self.with_unknown_cells, f"hold no known {' or '.join(self.unknown)}"),
            )
            if n
        ]
        return f"{self.rows:,} rows; " + (", ".join(troubles) or "every cell is understood")


_OF_IDENTITY = {"participant", NOBODYS_ROW, CODE_INCOMPLETE, CODE_UNUSABLE}


def tried(content: bytes, text: str, programme: Programme) -> Trial:
    """What the mapping in `text` makes of a file; raises Unreadable if it cannot read it."""
    mapping = parse_mapping(text, "the proposed mapping", programme)
    trials = []
    unknown: set[str] = set()
    for block in read(content, mapping, programme).blocks:
        rows = block.rows.filter(~pl.col("is_test"))
        items = [pl.col(name) for name in rows.columns if name.startswith("item_")]
        of_a_wave = pl.col("wave").is_not_null() if "wave" in rows.columns else pl.lit(True)
        no_answer = [(item == UNRECOGNISED).fill_null(False) for item in items]
        unknown |= {*rows["unrecognised"].explode().drop_nulls()} - _OF_IDENTITY
        trials.append(
            (
                rows.height,
                rows.filter(pl.all_horizontal(pl.col("identifier", "code").is_null())).height,
                rows.filter(~of_a_wave).height,
                rows.filter(pl.any_horizontal([pl.lit(False), *no_answer])).height,
                rows.filter(pl.col("unrecognised").list.len() > 0).height,
            )
        )
    total, whose, wave, answer, cell = (sum(counted) for counted in zip(*trials, strict=True))
    return Trial(total, whose, wave, answer, cell, tuple(sorted(unknown)))
