"""Columns that several tables have, and short ways to write one.

What stays out: columns of one table alone, which stand with it.
"""

from collections.abc import Iterable

from pipeline import vocabulary
from pipeline.tables.table import Column, Type


def one_of(terms: Iterable[vocabulary.Term]) -> str:
    return "; ".join(f"{term}: {term.meaning.rstrip('.')}" for term in terms)


def text(name: str, description: str, *, nullable: bool = True) -> Column:
    return Column(name, Type.TEXT, description, nullable=nullable)


def count(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, Type.WHOLE, description, unit)


def number(name: str, description: str, unit: str | None = None) -> Column:
    return Column(name, Type.NUMBER, description, unit)


POINTS = "points on the subscale"
OFFICERS = "officers"
ORGANISATION = text("organisation", "Police force or violence reduction unit.", nullable=False)
PARTICIPANT = text(
    "participant_id", "Pseudonym of an officer, with its key version in front.", nullable=False
)
WAVE = text("wave", "Measuring point, as the programme names it.", nullable=False)
INSTRUMENT = text("instrument", "Questionnaire.", nullable=False)
RESPONSE = Column(
    "response_id",
    Type.KEY,
    "Participant, wave and instrument in one number, the same in every snapshot.",
    nullable=False,
)
SUBSCALE = text("subscale", "Subscale of the instrument.", nullable=False)
ALL_ORGANISATIONS = text(
    "organisation", "Organisation that enrolled the officers; `all` is the total.", nullable=False
)
ALL_ARMS = text("arm", "Arm of the programme; `all` is the total.", nullable=False)
NOTE = text(
    "note", "Why a figure is NULL, and how the interval was made where that is not the default."
)
FROM_WAVE = text("from_wave", "Earlier wave.", nullable=False)
NAMED_BEFOREHAND = Column(
    "named_beforehand",
    Type.TRUTH,
    "The primary contrast of the programme file, of the arm that it speaks of: `all` unless some "
    "arms have begun by its waves and others have not. Every other row is secondary.",
    nullable=False,
)
TO_WAVE = text("to_wave", "Later wave.", nullable=False)
