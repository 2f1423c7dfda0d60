"""Every real export is read with a mapping alone; what it must give is counted without the reader.

These files hold questionnaires of their own, so the tests declare instruments with as many items.
Figures come from the csv module, from SPSS's codes as printed here, or were counted by hand.
"""

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import date
from types import MappingProxyType
from typing import Any

import polars as pl
import pytest
import yaml

from pipeline import reference
from pipeline.intake import TakenIn, take_in
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.programme import Programme, parse_programme
from pipeline.reading.canonical import Reading, read
from pipeline.reading.mapping import Mapping, parse_mapping
from pipeline.reading.tabular import Unreadable
from pipeline.reference import Instrument

Said = dict[str, Any]
CHARACTERS = (
    "Please state whether you view the following characters favorably, unfavorably, or are "
    "unfamiliar with him/her."
)
VIEWS = {
    "Unfamiliar (N/A)": 0,
    "Very unfavorably": 1,
    "Somewhat unfavorably": 2,
    "Neither favorably nor unfavorably (neutral)": 3,
    "Somewhat favorably": 4,
    "Very favorably": 5,
}
PHASES = "Wie häufig setzen Sie informelle Modelle in den folgenden Phasen der Entwicklung ein?"
OTHER_PHASES = (
    "In welchen anderen (nicht oben genannten) Phasen setzen Sie noch informelle Modelle ein? "
    "(Trennen Sie unterschiedliche Zwecke mit Komma.)"
)
OFTEN = {"gar nicht": 0, "selten": 1, "eher selten": 2, "eher häufig": 3, "sehr häufig": 4}
WAVES = {
    "dose_1_arm_1": "baseline",
    "visit_1_arm_1": "session_5",
    "dose_2_arm_1": "session_7",
    "visit_2_arm_1": "session_10",
    "first_dose_arm_2": "baseline",
    "first_visit_arm_2": "session_5",
}


def declared(name: str, items: int, minimum: int, maximum: int) -> Instrument:
    return Instrument.model_validate(
        {
            "instrument": name,
            "title": name,
            "items": items,
            "minimum": minimum,
            "maximum": maximum,
            "anchors": [str(answer) for answer in range(minimum, maximum + 1)],
            "reversed": [],
            "unanswered_allowed": items,
            "band_system": "none",
            "bands": [
                {
                    "band": "any",
                    "level": "low",
                    "lowest": minimum * items,
                    "highest": maximum * items,
                }
            ],
            "subscales": [
                {"subscale": "all", "items": list(range(1, items + 1)), "better": "higher"}
            ],
            "licence": "none",
            "source": "these tests",
        }
    )


@pytest.fixture
def of_these_files(monkeypatch: pytest.MonkeyPatch) -> Programme:
    """A programme with the questionnaires that the real exports hold."""
    own = {
        entry.instrument: entry
        for entry in (
            declared("choice", 1, 1, 2),
            declared("morale", 4, 0, 5),
            declared("characters", 14, 0, 5),
            declared("phases", 5, 0, 4),
            declared("likely", 3, 1, 4),
        )
    }
    known = MappingProxyType({**reference.instruments(), **own})
    monkeypatch.setattr(reference, "instruments", lambda: known)
    names = ", ".join(["proqol5", "phq4", "pss10", *own])
    return parse_programme(reference.example_programme().replace("[proqol5]", f"[{names}]"))


def questionnaire(platform: str, participant: str, instrument: Said, **said: Any) -> Said:
    return {
        "kind": "questionnaire",
        "platform": platform,
        "participant": participant,
        "wave": {"constant": "baseline"},
        "instruments": instrument,
        **said,
    }


def register(kind: str, platform: str, participant: str, **said: Any) -> Said:
    return {"kind": kind, "platform": platform, "participant": participant, **said}


PHASES_OF = questionnaire(
    "limesurvey",
    # Nobody can be told from this file; the column that all left blank says so of every row.
    f"{PHASES} | {OTHER_PHASES}",
    {"phases": {"columns": f"{PHASES} | #{{item}}", "coding": "labels", "labels": OFTEN}},
)
SEX = {"gender": {"0": "female", "1": "male"}}
MAPPINGS: dict[str, tuple[str, Said]] = {
    "qualtrics": (
        "qualtrics/sample.csv",
        questionnaire("qualtrics", "ResponseId", {"choice": {"columns": "Q{item}"}}),
    ),
    "qualtrics, legacy": (
        "qualtrics/sample_legacy.csv",
        questionnaire("qualtrics", "V1", {"choice": {"columns": "Q{item}"}}),
    ),
    "jisc": (
        "jisc/mindful_prepost_wide.csv",
        questionnaire(
            "jisc",
            "URN",
            {
                "phq4": {"columns": "PHQ_{item}_{wave}", "offset": -1},
                "pss10": {"columns": "PSS_{item}_{wave}", "offset": -1},
            },
            wave={"suffixes": {"pre": "baseline", "post": "session_10"}},
        ),
    ),
    "surveymonkey": (
        "surveymonkey/star_wars.csv",
        questionnaire(
            "surveymonkey",
            "RespondentID",
            {
                "characters": {
                    "columns": f"{CHARACTERS} | #{{item}}",
                    "coding": "labels",
                    "labels": VIEWS,
                }
            },
            columns={"gender": "Gender"},
        ),
    ),
    "limesurvey": ("limesurvey/expert_survey_de.csv", PHASES_OF),
    "limesurvey, workbook": ("limesurvey/expert_survey_de.xlsx", PHASES_OF | {"sheet": "Data"}),
    "redcap, events": (
        "redcap/longitudinal/data.csv",
        questionnaire(
            "redcap",
            "study_id",
            {"morale": {"columns": "pmq{item}"}},
            wave={"column": "redcap_event_name", "values": WAVES},
            columns={"gender": "sex"},
            values=SEX,
        ),
    ),
    "redcap, events, roster": (
        "redcap/longitudinal/data.csv",
        register(
            "roster",
            "redcap",
            "study_id",
            columns={"enrolled_on": "date_enrolled", "gender": "sex"},
            values=SEX,
        ),
    ),
    "redcap, survey": (
        "redcap/survey/data.csv",
        register(
            "roster",
            "redcap",
            "participant_id",
            columns={"gender": "sex"},
            consent={"column": "consent___1", "agreed": ["1"]},
        ),
    ),
    "redcap, repeats": (
        "redcap/repeating-instruments/data.csv",
        register(
            "attendance",
            "redcap",
            "record_id",
            columns={
                "session_number": "redcap_repeat_instance",
                "held_on": "date_bp",
                "attended": "bp_complete",
            },
            values={"attended": {"2": "yes"}},
        ),
    ),
    "redcap, decimal comma": (
        "redcap/decimal-comma/data.csv",
        register("roster", "redcap", "record_id"),
    ),
    "spss": (
        "spss/jisc_example.sav",
        questionnaire(
            "spss",
            "URN",
            {"likely": {"columns": "Q14_{item}_a"}},
            consent={"column": "Q1", "agreed": ["By clicking this button I consent"]},
        ),
    ),
}


@pytest.fixture
def content_of(real_export: Callable[[str], bytes]) -> Callable[[str], bytes]:
    return lambda situation: real_export(MAPPINGS[situation][0])


def mapped(said: Said, programme: Programme) -> Mapping:
    text = yaml.safe_dump(
        {"organisation": "cumbria", "source": "real", "files": "*", **said}, sort_keys=False
    )
    return parse_mapping(text, "sources/cumbria/real.yaml", programme)


@pytest.fixture
def reading(
    of_these_files: Programme, content_of: Callable[[str], bytes]
) -> Callable[[str], Reading]:
    def make(situation: str) -> Reading:
        mapping = mapped(MAPPINGS[situation][1], of_these_files)
        return read(content_of(situation), mapping, of_these_files)

    return make


@pytest.fixture
def taken(
    of_these_files: Programme, content_of: Callable[[str], bytes]
) -> Callable[[str], TakenIn]:
    def make(situation: str) -> TakenIn:
        return take_in(
            content_of(situation),
            mapped(MAPPINGS[situation][1], of_these_files),
            of_these_files,
            Pseudonymiser((b"k" * 32,), "t", of_these_files.identifiers),
            date(2026, 6, 30),
        )

    return make


def table(content: bytes, encoding: str = "utf-8-sig", delimiter: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(content.decode(encoding)), delimiter=delimiter))


def records(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


def items(rows: pl.DataFrame) -> list[tuple[int | None, ...]]:
    return rows.select("^item_.*$").rows()


def test_every_real_export_has_a_mapping(real_export: Callable[[str], bytes]) -> None:
    real_export("README.md")
    mapped_files = {name for name, _ in MAPPINGS.values()}
    assert {name.partition("/")[0] for name in mapped_files} == {
        "jisc",
        "limesurvey",
        "qualtrics",
        "redcap",
        "spss",
        "surveymonkey",
    }
    assert len(mapped_files) == 11


@pytest.mark.parametrize("situation", ["qualtrics", "qualtrics, legacy"])
def test_qualtrics(situation: str, reading: Callable[[str], Reading]) -> None:
    found = reading(situation)
    assert found.blocks[0].rows["identifier"].to_list() == ["R_2YPOQ602ER1jkf1"]
    assert items(found.blocks[0].rows) == [(2,)]
    assert found.rows_in_file == 1
    left_out = {name.partition("#")[0] for name in found.columns_left_out}
    if situation == "qualtrics":
        assert {"IPAddress", "RecipientEmail", "LocationLatitude"} < left_out
    else:
        assert {"V3", "V5", "V6", "LocationLatitude"} <= left_out


@pytest.mark.parametrize(("instrument", "code"), [("phq4", "PHQ"), ("pss10", "PSS")])
@pytest.mark.parametrize("suffix", ["pre", "post"])
def test_jisc(
    instrument: str,
    code: str,
    suffix: str,
    reading: Callable[[str], Reading],
    content_of: Callable[[str], bytes],
) -> None:
    found = reading("jisc")
    block = next(b for b in found.blocks if b.instrument and b.instrument.instrument == instrument)
    wave = {"pre": "baseline", "post": "session_10"}[suffix]
    rows = block.rows.filter(pl.col("wave") == wave)
    count = len(block.rows.select("^item_.*$").columns)
    told = [
        [record[f"{code}_{item}_{suffix}"] for item in range(1, count + 1)]
        for record in records(content_of("jisc"))
    ]
    answered = [[int(cell) - 1 for cell in cells if cell != "NA"] for cells in told]
    assert rows.height == sum(bool(cells) for cells in answered)
    read_sum = sum(answer for row in items(rows) for answer in row if answer is not None)
    assert read_sum == sum(map(sum, answered))
    assert found.rows_in_file == 129
    assert "URN_post" in found.columns_left_out


def test_surveymonkey(
    reading: Callable[[str], Reading], content_of: Callable[[str], bytes]
) -> None:
    rows = reading("surveymonkey").blocks[0].rows
    told = table(content_of("surveymonkey"), "cp1252")[2:]
    assert rows.height == len(told) == 1186
    assert rows["identifier"].to_list() == [cells[0] for cells in told]
    expected = [
        tuple(VIEWS[cell.strip()] if cell else None for cell in cells[15:29]) for cells in told
    ]
    assert sorted(items(rows), key=str) == sorted(expected, key=str)
    assert Counter(rows["gender"].to_list()) == {"female": 549, "male": 497, None: 140}
    assert rows["row_number"].to_list()[0] == 3


@pytest.mark.parametrize("situation", ["limesurvey", "limesurvey, workbook"])
def test_limesurvey(
    situation: str, reading: Callable[[str], Reading], content_of: Callable[[str], bytes]
) -> None:
    found = reading(situation)
    rows = found.blocks[0].rows
    told = table(content_of("limesurvey"), delimiter=";")[2:]
    assert rows.height == found.rows_in_file == len(told) == 45
    expected = [tuple(OFTEN[cell] if cell else None for cell in cells[12:17]) for cells in told]
    assert items(rows.sort("row_number")) == expected
    assert rows["identifier"].null_count() == 45


def test_redcap_with_events(
    reading: Callable[[str], Reading], content_of: Callable[[str], bytes]
) -> None:
    found = reading("redcap, events")
    told = [
        (
            place,
            record["study_id"],
            WAVES[record["redcap_event_name"]],
            *(int(record[f"pmq{item}"]) for item in range(1, 5)),
        )
        for place, record in enumerate(records(content_of("redcap, events")), start=2)
        if record["pmq1"]
    ]
    rows = found.blocks[0].rows
    assert rows.select("row_number", "identifier", "wave", "^item_.*$").rows() == told
    assert len(told) == 10
    assert (found.rows_in_file, found.rows_blank) == (18, 8)
    # Said once, on the row of the event at which each was enrolled.
    whose = dict(rows.select("identifier", "gender").iter_rows())
    assert whose == {"100": "male", "220": "female", "304": "female"}
    assert set(rows["gender"].to_list()) == {"male", "female"}
    assert rows["gender"].null_count() == 0


def test_redcap_as_a_roster(reading: Callable[[str], Reading]) -> None:
    found = reading("redcap, events, roster")
    assert found.blocks[0].rows.select("identifier", "enrolled_on", "gender").rows() == [
        ("100", date(2015, 4, 2), "male"),
        ("220", date(2015, 4, 2), "female"),
        ("304", date(2015, 4, 2), "female"),
    ]
    assert {"first_name", "last_name", "telephone_1", "email", "dob"} < {*found.columns_left_out}


def test_redcap_survey(reading: Callable[[str], Reading]) -> None:
    found = reading("redcap, survey")
    assert found.blocks[0].rows.select("identifier", "consent").rows() == [
        ("1", True),
        ("2", False),
    ]
    assert {"email", "first_name", "last_name", "address", "redcap_survey_identifier"} < {
        *found.columns_left_out
    }


def test_a_redcap_survey_that_nobody_answered_says_so(
    of_these_files: Programme, content_of: Callable[[str], bytes]
) -> None:
    said = questionnaire(
        "redcap",
        "participant_id",
        {"morale": {"columns": "pmq{item}"}},
        columns={"completed_on": "participant_morale_questionnaire_timestamp"},
    )
    with pytest.raises(Unreadable, match="no row of the file holds anything"):
        read(content_of("redcap, survey"), mapped(said, of_these_files), of_these_files)


def test_redcap_with_repeats(
    reading: Callable[[str], Reading], content_of: Callable[[str], bytes]
) -> None:
    rows = reading("redcap, repeats").blocks[0].rows
    told = [
        (
            record["record_id"],
            int(record["redcap_repeat_instance"]),
            date.fromisoformat(record["date_bp"]),
            True,
        )
        for record in records(content_of("redcap, repeats"))
        if record["redcap_repeat_instrument"] == "bp"
    ]
    assert rows.select("identifier", "session_number", "held_on", "attended").rows() == told


def test_redcap_with_decimal_commas(reading: Callable[[str], Reading]) -> None:
    found = reading("redcap, decimal comma")
    assert found.blocks[0].rows["identifier"].to_list() == ["1", "2", "3", "4"]
    assert found.columns_left_out == ("name",)


# As SPSS shows them, case by case.
LIKELY = [
    (1, 1, 1), (4, 4, 1), (2, 4, 1), (4, 4, 1), (3, 4, 1), (4, 4, 1), (4, 4, 1),
    (None, None, 1), (4, 4, 1), (3, 3, 1), (4, 4, 1), (4, 3, 1), (3, 3, 1),
]  # fmt: skip
LABELS = {"Very Likely": 1, "Likely": 2, "Unlikely": 3, "Very Unlikely": 4}


@pytest.mark.parametrize("coding", ["numeric", "labels"])
def test_spss(coding: str, of_these_files: Programme, content_of: Callable[[str], bytes]) -> None:
    answers: Said = {"columns": "Q14_{item}_a", "coding": coding}
    said = MAPPINGS["spss"][1] | {"instruments": {"likely": answers}}
    if coding == "labels":
        answers["labels"] = LABELS
    rows = read(content_of("spss"), mapped(said, of_these_files), of_these_files).blocks[0].rows
    assert items(rows) == LIKELY
    assert rows["consent"].all()
    assert rows["identifier"][0] == "356806-356797-33882794"
    assert rows["row_number"].to_list() == list(range(2, 15))


CANARIES = {
    "qualtrics": {"ResponseId", "IPAddress", "LocationLatitude", "LocationLongitude", "Q2"},
    "jisc": {"URN", "URN_post"},
    "redcap, events": {
        "first_name", "last_name", "telephone_1", "email", "dob", "comments", "study_comments",
        "vob7", "vob14", "next_of_kin_contact_name", "next_of_kin_contact_address",
    },
    "redcap, events, roster": {"first_name", "last_name", "telephone_1", "email", "dob"},
    "redcap, survey": {"email", "dob"},
    "redcap, repeats": {"first_name", "dob"},
    "redcap, decimal comma": {"name"},
}  # fmt: skip
"""Columns with names, numbers, addresses and free text, by the file's own headings."""


def told_by(taken_in: TakenIn) -> str:
    frames = (taken_in.accepted, taken_in.findings, taken_in.profile)
    return "\n".join(str(frame.rows()) for frame in frames)


def absent(cells: Iterable[str], text: str) -> None:
    canaries = {cell for cell in cells if len(cell) > 2 and not cell.isdigit()}
    canaries |= {cell for cell in cells if len(cell) > 6}
    assert canaries
    assert not [cell for cell in canaries if cell in text]


@pytest.mark.parametrize("situation", CANARIES)
def test_nothing_that_identifies_is_in_what_may_be_written(
    situation: str, taken: Callable[[str], TakenIn], content_of: Callable[[str], bytes]
) -> None:
    found = records(content_of(situation))
    if situation == "qualtrics":
        found = found[2:]
    cells = {record[column] for record in found for column in CANARIES[situation]}
    absent(cells - {"NA"}, told_by(taken(situation)))


def test_nor_is_it_where_headings_take_two_records(
    taken: Callable[[str], TakenIn], content_of: Callable[[str], bytes]
) -> None:
    legacy = table(content_of("qualtrics, legacy"))[2]
    absent(
        [legacy[0], legacy[2], legacy[5], legacy[11], legacy[12]],
        told_by(taken("qualtrics, legacy")),
    )
    answers = table(content_of("surveymonkey"), "cp1252")[2:]
    absent({cells[0] for cells in answers}, told_by(taken("surveymonkey")))
    written = table(content_of("limesurvey"), delimiter=";")[2:]
    texts = {cells[place] for cells in written for place in (6, 11, 29, 37)} - {""}
    absent(texts, told_by(taken("limesurvey")))


@pytest.mark.parametrize("situation", MAPPINGS)
def test_every_row_is_accounted_for(situation: str, taken: Callable[[str], TakenIn]) -> None:
    found = taken(situation)
    rejected = found.findings.filter(pl.col("severity") == "reject")["row_number"].n_unique()
    if situation != "jisc":
        # A wide file gives several rows each; its blank post waves are no rows.
        assert found.rows_read == found.rows_in_file - found.rows_blank
        assert found.rows_read == found.accepted.height + found.rows_withdrawn + rejected
    assert found.rows_quarantined == found.rows_read - found.rows_withdrawn - found.accepted.height
