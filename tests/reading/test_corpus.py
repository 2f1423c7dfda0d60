"""Files as they really arrive (`tests/support/corpus.py`): exactly the rows, or the sentence."""

from collections.abc import Callable

import polars as pl
import pytest
from corpus import CORPUS, Case

from pipeline.programme import Programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.cells import UNRECOGNISED
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable


def shown(row: dict[str, object], mapping: Mapping) -> str:
    """A canonical row in the notation of the table."""
    words = [str(row["row_number"]), str(row["identifier"] or "-")]
    if mapping.instruments:
        items = [row[f"item_{n}"] for n in range(1, 5)]
        signs = {None: "-", UNRECOGNISED: "?"}
        words.append("".join(str(signs.get(item, item)) for item in items))
    asked = {"service_years": "service_band"}
    words += [str(row[asked.get(name, name)] or "-") for name in mapping.columns]
    marks = row["unrecognised"]
    assert isinstance(marks, list)
    return " ".join([*words, *(f"!{mark}" for mark in marks)])


def rows_of(found: Reading, mapping: Mapping) -> tuple[str, ...]:
    rows = pl.concat([block.rows for block in found.blocks])
    assert found.rows_in_file == found.rows_blank + rows.height
    return tuple(shown(row, mapping) for row in rows.iter_rows(named=True))


@pytest.mark.parametrize("case", CORPUS.values(), ids=CORPUS)
def test_each_file_is_read_exactly_or_refused_in_one_sentence(
    case: Case, mapped: Callable[[str], Mapping], programme: Programme
) -> None:
    content = case.content.encode() if isinstance(case.content, str) else case.content
    mapping = mapped(case.mapping)
    here = programme.model_copy(update={"limits": case.limits})
    if isinstance(case.expected, tuple):
        assert rows_of(read(content, mapping, here), mapping) == case.expected
        return
    with pytest.raises(Unreadable) as refused:
        read(content, mapping, here)
    assert str(refused.value) == case.expected
    # A chained error would carry what the parser quotes of the file.
    assert refused.value.__cause__ is None
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_the_corpus_is_whole() -> None:
    refused = [case for case in CORPUS.values() if isinstance(case.expected, str)]
    assert len(CORPUS) == 168
    assert len(refused) == 71


def test_no_sentence_quotes_what_a_file_holds() -> None:
    for name, case in CORPUS.items():
        if isinstance(case.expected, str):
            assert "Zebedee" not in case.expected, name
            assert "\n" not in case.expected, name
            assert not case.expected.endswith("."), name
