"""A proposal reads each platform's simulated export as what was drawn, without editing."""

import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from pipeline.reading.detection import propose
from pipeline.reading.mapping import parse_mapping
from pipeline.reading.canonical import read
from pipeline.simulation.plan import Layout

sys.path.append(str(Path(__file__).parents[1] / "simulation"))
from test_read_back import files, drawn, found  # noqa: E402


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("seed", [3, 11])
def test_a_proposal_reads_what_was_drawn(layout, seed):
    for sheet, written, programme in files(layout, 60, seed):
        made = propose(
            written.content,
            programme,
            organisation=sheet.organisation.organisation,
            source="x",
            files="*",
            words=sheet.file_name,
        )
        assert made.open == (), (made.open, made)
        text = yaml.safe_dump(made.mapping, sort_keys=False, allow_unicode=True)
        mapping = parse_mapping(text, "sources/x.yaml", programme)
        assert mapping.platform.value == written.mapping["platform"]
        reading = read(written.content, mapping, programme)
        assert found(reading) == drawn(sheet, written), text
