"""Simulated codes: how often values, slips and blanks occur, and what files and truth say."""

import csv
import io
from datetime import date

import numpy as np
import polars as pl
import pytest
import yaml

from pipeline.programme import parse_programme
from pipeline.reading.canonical import read
from pipeline.reading.mapping import parse_mapping
from pipeline.simulation import SimulationPlan, simulate
from pipeline.simulation.codes import (
    BLANK,
    ELEMENTS,
    Carelessness,
    draw_codes,
    given_codes,
    in_words,
)

PLAN = SimulationPlan(
    as_of=date(2026, 6, 30), organisations=3, participants=120, codes=Carelessness(0.1, 0.05)
)


def test_elements_are_named_in_order_and_their_shares_add_up() -> None:
    assert [element.name for element in ELEMENTS] == sorted(element.name for element in ELEMENTS)
    for element in ELEMENTS:
        assert len(element.values) == len(set(element.values)) == len(element.shares)
        assert sum(element.shares) == pytest.approx(1)


def test_slips_and_blanks_occur_as_often_as_said() -> None:
    rng = np.random.default_rng(1)
    codes = draw_codes(rng, 2_000)
    given = given_codes(rng, codes, 5, Carelessness(slip=0.1, blank=0.05))
    blank = given == BLANK
    assert blank.mean() == pytest.approx(0.05, abs=0.005)
    assert (given != codes[:, None, :])[~blank].mean() == pytest.approx(0.1, abs=0.005)
    assert (given_codes(rng, codes, 2, Carelessness(0, 0)) == codes[:, None, :]).all()


def test_a_blank_is_an_empty_cell() -> None:
    words = in_words(np.array([[BLANK] * len(ELEMENTS), [0] * len(ELEMENTS)]))
    assert words.row(0) == (None,) * len(ELEMENTS)
    assert words.row(1) == tuple(element.values[0] for element in ELEMENTS)


def test_the_truth_says_whose_every_code_is() -> None:
    files = {str(file.path): file.content for file in simulate(PLAN)}
    truth = pl.read_csv(io.BytesIO(files["truth/codes.csv"]), infer_schema=False)
    (organisation,) = truth["organisation"].unique()
    mapping = files[f"sources/{organisation}/proqol5.yaml"].decode()
    assert set(yaml.safe_load(mapping)["code"]) == {element.name for element in ELEMENTS}
    programme = parse_programme(files["programme.yaml"].decode(), "programme.yaml")
    (block,) = read(
        files[f"landing/{organisation}/proqol5.csv"],
        parse_mapping(mapping, "proqol5.yaml", programme),
        programme,
    ).blocks
    told = truth.select(
        pl.col("row_number").cast(pl.Int32),
        said=pl.concat_list(element.name for element in ELEMENTS),
    )
    both = block.rows.join(told, on="row_number").drop_nulls("code")
    assert both.height > 100
    assert both["code"].to_list() == both["said"].to_list()
    numbers = truth["officer_number"].unique()
    # Somebody may have written one into a comment: those are planted, to be covered.
    landed = csv.reader(io.StringIO(files[f"landing/{organisation}/proqol5.csv"].decode()))
    assert not {*numbers} & {cell.strip() for row in landed for cell in row}


def test_without_codes_everybody_gives_a_number() -> None:
    plan = SimulationPlan(as_of=date(2026, 6, 30), organisations=3, participants=60)
    assert "truth/codes.csv" not in {str(file.path) for file in simulate(plan)}
