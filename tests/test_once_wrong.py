"""What was once wrong and must stay right, across rooms; each test names the situation."""

from datetime import date, datetime

import polars as pl
import pytest
from odd_files import book
from pydantic import ValidationError

from pipeline import reference, tables
from pipeline.intake import take_in
from pipeline.privacy.file_names import masked_file_name
from pipeline.privacy.pseudonyms import Pseudonymiser, normalised_identifier
from pipeline.programme import IdentifierSettings, UnusableConfiguration, parse_programme
from pipeline.quality.standing import Enrolment, standing_responses
from pipeline.quality.verdicts import quarantine
from pipeline.reading import qualtrics
from pipeline.reading.canonical import read
from pipeline.reading.mapping import parse_mapping
from pipeline.reading.tabular import Unreadable, read_records
from pipeline.reference import Instrument
from pipeline.vocabulary import DuplicatePolicy

EXAMPLE = reference.example_programme().replace("[proqol5]", "[proqol5, phq4]")
P = parse_programme(EXAMPLE)
Q = """organisation: cumbria
source: phq
kind: questionnaire
files: "*"
participant: id
wave: {constant: baseline}
instruments:
  phq4: {columns: "Q{item}"}
"""
HEAD = "id,Q1,Q2,Q3,Q4\n"
ROSTER = 'organisation: cumbria\nsource: r\nkind: roster\nfiles: "*"\nparticipant: id\n'


def mapped(text):
    return parse_mapping(text, "sources/cumbria/phq.yaml", P)


def rows(text, content):
    return (
        read(content if isinstance(content, bytes) else content.encode(), mapped(text), P)
        .blocks[0]
        .rows
    )


def taken(text, content):
    return take_in(
        content.encode(),
        mapped(text),
        P,
        Pseudonymiser((b"k" * 32,), "t", P.identifiers),
        date(2026, 6, 30),
    )


def refused(text):
    with pytest.raises(UnusableConfiguration) as error:
        mapped(text)
    return str(error.value)


# In YAML `yes:` is a truth, so the field cannot be called that.
def test_consent_as_documented():
    assert mapped(Q + 'consent: {column: Consent, agreed: ["I agree"]}\n').consent.agreed == (
        "I agree",
    )


# a wild duration ends the whole intake run, not the row
@pytest.mark.parametrize("cell", ["99999999999", "NaN", "inf"])
def test_absurd_duration(cell):
    text = Q + "columns: {duration_seconds: S}\n"
    found = rows(text, f"id,Q1,Q2,Q3,Q4,S\na,0,1,2,3,{cell}\n")
    assert found["duration_seconds"].to_list() == [None]
    assert found["unrecognised"].to_list() == [["duration_seconds"]]


# a column called row_number ends the whole intake run
def test_column_called_row_number():
    assert rows(Q, "row_number,id,Q1,Q2,Q3,Q4\n9,a,0,1,2,3\n")["row_number"].to_list() == [2]


# true dates of a workbook are never in the mapping's format
def test_day_cells_of_a_workbook():
    text = ROSTER + 'columns: {enrolled_on: Joined}\ndate_format: "%d/%m/%Y"\n'
    found = rows(text, book([["id", "Joined"], ["a", datetime(2026, 1, 5)]]))
    assert found["enrolled_on"].to_list() == [date(2026, 1, 5)]


# standing policy: the row number in its file outweighs the order of arrival
@pytest.mark.parametrize(("policy", "stays"), [("last", "newer"), ("first_complete", "older")])
def test_policy_across_submissions_without_days(policy, stays):
    frame = pl.DataFrame(
        [
            {"submission_id": s, "arrived": a, "row_number": r}
            for s, a, r in (("older", 0, 10), ("newer", 1, 2))
        ],
        schema_overrides={"arrived": pl.Int32, "row_number": pl.Int32},
    ).with_columns(
        organisation=pl.lit("cumbria"),
        participant_id=pl.lit("v1-a"),
        wave=pl.lit("baseline"),
        instrument=pl.lit("phq4"),
        completed_on=pl.lit(None, pl.Date),
        items=pl.lit([0, 1, 2, 3], pl.List(pl.UInt8)),
        items_answered=pl.lit(4, pl.Int32),
        flags=pl.lit([], pl.List(pl.String)),
    )
    nobody = pl.DataFrame(schema={"participant_id": pl.String, "enrolled_on": pl.Date})
    left = pl.DataFrame(schema={"participant_id": pl.String, "departed_on": pl.Date})
    programme = P.model_copy(update={"duplicates": DuplicatePolicy(policy)})
    standing = standing_responses(frame, Enrolment(nobody, frozenset()), left, programme)
    assert standing.counting["submission_id"].to_list() == [stays]


# `4711.0` (a number column with a gap, saved by pandas) is officer 47110
def test_decimal_collar_number():
    plain = IdentifierSettings()
    assert normalised_identifier("4711.0", plain) != normalised_identifier("47110", plain)
    assert normalised_identifier("4711.0", plain) == normalised_identifier("4711", plain)


# a Qualtrics file whose extra header rows were deleted loses its first officer
def test_qualtrics_with_one_header_record():
    text = Q.replace("files:", "platform: qualtrics\nfiles:")
    try:
        found = rows(
            text,
            "StartDate," + HEAD + "2026-01-05 08:00:00,a,0,1,2,3\n2026-01-05 09:00:00,b,0,1,2,3\n",
        )
    except Unreadable:
        return
    assert found["identifier"].to_list() == ["a", "b"]


# errors against the programme name no line (docs: every error names file and line)
@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("cumbria", "narnia", 1),
        ("baseline", "week_9", 6),
        ("phq4", "pss10", 8),
        ("cumbria", "essex-vru", 1),
    ],
)
def test_line_of_errors_against_the_programme(old, new, line):
    assert refused(Q.replace(old, new)).startswith(f"sources/cumbria/phq.yaml line {line}: ")


# settings that can never work are taken without a word
@pytest.mark.parametrize(
    "extra",
    [
        "home_force: cumbira\n",
        "home_force: {column: F, values: {Cumbria Police: cumbira}}\n",
        "home_force: essex-vru\n",
        'date_format: "dd/mm/yyyy"\n',
        "values: {gendre: {F: female}}\n",
    ],
)
def test_settings_that_cannot_work(extra):
    refused(Q + extra)


def test_a_value_that_means_nothing():
    refused(ROSTER + "columns: {rank: R}\nvalues: {rank: {T/DS: sarge}}\n")


def test_two_suffixes_for_one_wave():
    wide = Q.replace("{constant: baseline}", "{suffixes: {a: baseline, b: baseline}}")
    refused(wide.replace("Q{item}", "Q{item}_{wave}"))


def test_a_source_called_as_files_without_one():
    refused(Q.replace("source: phq", "source: unmapped"))


def test_a_wave_column_understands_the_waves_own_names():
    text = Q.replace("{constant: baseline}", "{column: W}")
    try:
        mapping = mapped(text)
    except UnusableConfiguration:
        return
    found = read(b"id,Q1,Q2,Q3,Q4,W\na,0,1,2,3,baseline\n", mapping, P).blocks[0].rows
    assert found["wave"].to_list() == ["baseline"]


# cells of spaces
def test_a_cell_of_spaces_is_blank():
    found = rows(Q + 'missing: ["-99"]\n', HEAD + "a, ,\u00a0,-99 ,3\n")
    assert found.select("^item_.*$").row(0) == (None, None, None, 3)


def test_a_row_of_spaces_is_blank():
    found = read((HEAD + " , , , , \na,0,1,2,3\n").encode(), mapped(Q), P)
    assert (found.rows_blank, found.blocks[0].rows["row_number"].to_list()) == (1, [3])


def test_a_group_of_spaces_has_no_pseudonym():
    made = Pseudonymiser((b"k" * 32,), "t", P.identifiers)
    assert made.labels(
        pl.DataFrame({"session_group": [" "]}), "session_group", "kent"
    ).to_list() == [None]


# labels of the mapping that are written as the export writes them
def test_labels_with_their_number_and_in_german():
    text = Q.replace(
        '{columns: "Q{item}"}',
        '{columns: "Q{item}", coding: labels, labels: {"Never (0)": 0, Weiß nicht: 1, often: 2}}',
    )
    found = rows(text, HEAD + "a,Never (0),Weiß nicht,often,Often (2)\n")
    assert found.select("^item_.*$").row(0) == (0, 1, 2, 2)


def test_a_hard_space_inside_a_label():
    text = Q.replace('{columns: "Q{item}"}', '{columns: "Q{item}", coding: labels}')
    found = rows(text, HEAD + "a,Not\u00a0at all,Not  at all,not at all,not at all\n")
    assert found.select("^item_.*$").row(0) == (0, 0, 0, 0)


def test_a_value_with_sharp_s():
    text = Q + "columns: {gender: G}\nvalues: {gender: {Groß: other}}\n"
    assert rows(text, "id,Q1,Q2,Q3,Q4,G\na,0,1,2,3,Groß\n")["gender"].to_list() == ["other"]


# blank rows above the headings
def test_row_numbers_of_a_workbook_with_blank_rows_on_top():
    content = book([[None], [None], ["id", "Q1", "Q2", "Q3", "Q4"], ["a", 0, 1, 2, 3]])
    assert rows(Q, content)["row_number"].to_list() == [4]


def test_a_csv_with_a_blank_first_line():
    try:
        found = rows(Q, "\n" + HEAD + "a,0,1,2,3\n")
    except Unreadable as refused:
        assert "quote" not in str(refused), "there is no quote in the file"
        return
    assert found["row_number"].to_list() == [3]


def test_line_ends_of_an_old_mac():
    assert rows(Q, (HEAD + "a,0,1,2,3\n").replace("\n", "\r")).height == 1


# labels of ethnicity, which the docstring promises
@pytest.mark.parametrize(
    ("label", "group"), [("indian", "asian"), ("irish", "white"), ("african", "black")]
)
def test_ethnicity_by_label(label, group):
    assert reference.ethnicity_groups()[label] == group


# a value in the message of a failed cast
def test_conform_never_names_a_value():
    frame = pl.DataFrame(
        {
            "participant_id": ["a"],
            "organisation": ["k"],
            "session_number": ["Zebedee"],
            "cancelled": [False],
        }
    )
    with pytest.raises(Exception) as error:  # noqa: PT011
        tables.ATTENDANCE.conform(frame)
    assert "Zebedee" not in str(error.value)


# two files taken in by one run have one received_at, so nothing is ever resolved
def test_a_correction_received_in_the_same_run_resolves():
    moment = datetime(2026, 6, 30)
    bad = pl.DataFrame(
        [
            {
                "submission_id": "a",
                "row_number": 2,
                "rule": "answer_out_of_range",
                "column_name": None,
                "severity": "reject",
                "participant_id": "v1-a",
                "wave": "baseline",
                "instrument": "phq4",
                "session_number": None,
            }
        ],
        schema_overrides={"column_name": pl.String, "session_number": pl.Int32},
    )
    sound = pl.DataFrame(
        [{"participant_id": "v1-a", "wave": "baseline", "instrument": "phq4", "submission_id": "b"}]
    )
    # In the order of arrival, as `submissions` had its records.
    received = pl.DataFrame(
        {
            "submission_id": ["a", "b"],
            "received_at": [moment, moment],
            "replaced_by": ["b", None],
            "failed_contract": [None, None],
        },
        schema_overrides={"failed_contract": pl.String},
    )
    assert quarantine([bad], sound, received)["status"].to_list() == ["resolved"]


# legacy Qualtrics keeps its meaning in the second header record
LEGACY = (
    "V1,V4,V5,V6,V7,Q1,\n"
    "ResponseID,ExternalDataReference,EmailAddress,IPAddress,Status,Text,\n"
    "R_1,PC1,z@x,1.2.3.4,1,2,\n"
)


def test_legacy_qualtrics_marks_previews():
    table = qualtrics.read(read_records(LEGACY.encode()))
    assert table.rows(["Q1"], table.body())["\nis_test"].to_list() == [True]


def test_legacy_qualtrics_reports_what_identifies():
    left_out = qualtrics.read(read_records(LEGACY.encode())).left_out({"Q1"})
    assert {"V1", "V4", "V5", "V6"} <= set(left_out)


# first names that are months, and numbers in pairs, stay in file names
@pytest.mark.parametrize(
    "name", ["export April Jones.csv", "June Smith.csv", "export 47 11 22.csv"]
)
def test_months_that_are_first_names(name):
    masked = masked_file_name(name)
    assert not {"April", "June", "47"} & set(masked.replace(".", " ").split())


# an instrument that contradicts itself
SMALL = {
    "instrument": "small",
    "title": "S",
    "items": 3,
    "minimum": 1,
    "maximum": 2,
    "anchors": ["no", "yes"],
    "reversed": [3],
    "unanswered_allowed": 1,
    "band_system": "s",
    "licence": "n",
    "source": "n",
    "bands": [
        {"band": "a", "level": "low", "lowest": 3, "highest": 4},
        {"band": "b", "level": "high", "lowest": 5, "highest": 6},
    ],
    "subscales": [{"subscale": "all", "items": [1, 2, 3], "better": "higher"}],
}


def test_a_band_that_ends_before_it_begins():
    bands = [
        *SMALL["bands"][:1],
        {"band": "x", "level": "moderate", "lowest": 5, "highest": 4},
        SMALL["bands"][1],
    ]
    with pytest.raises(ValidationError):
        Instrument.model_validate({**SMALL, "bands": bands})


def test_two_subscales_of_one_name():
    with pytest.raises(ValidationError):
        Instrument.model_validate({**SMALL, "subscales": SMALL["subscales"] * 2})


# a programme that names what is not there
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "duplicates: first_complete",
            'cohorts: [{organisation: narnia, cohort: "1", starts_on: 2026-09-07}]',
        ),
        ("due_after_days: 70", "due_after_days: 70, not_held_by: [narnia]"),
        (
            "duplicates: first_complete",
            "thresholds: {quarantined_hold: 0.9, quarantined_reject: 0.1}",
        ),
        ("wave: session_5,", "wave: enrolled,"),
        ("instruments: [proqol5, phq4]", "instruments: [proqol5, phq4, phq4]"),
    ],
)
def test_a_programme_that_names_what_is_not_there(old, new):
    assert old in EXAMPLE
    with pytest.raises(UnusableConfiguration):
        parse_programme(EXAMPLE.replace(old, new))


# bytes of other kinds of file are taken for windows-1252
@pytest.mark.parametrize(
    "content",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR",
        bytes.fromhex("D0CF11E0A1B11AE1") + bytes(500),
        b"%PDF-1.4\n%\xe2\xe3\n1 0 obj\n",
    ],
    ids=["png", "old workbook", "pdf"],
)
def test_other_kinds_of_file(content):
    with pytest.raises(Unreadable):
        read_records(content)


# characters that are not seen, and dashes of word processors, split an officer in two
@pytest.mark.parametrize("spelling", ["\u200b4711", "47\u00ad11", "47\u201311", "\ufeff4711"])
def test_unseen_characters(spelling):
    assert normalised_identifier(spelling, IdentifierSettings()) == "4711"


# cells that are not understood and that no rule names
@pytest.mark.parametrize("field", ["cancelled", "minutes", "duration_seconds"])
def test_a_cell_not_understood_is_found(field):
    if field == "duration_seconds":
        found = taken(Q + "columns: {duration_seconds: S}\n", "id,Q1,Q2,Q3,Q4,S\na,0,1,2,3,soon\n")
    else:
        text = ROSTER.replace("kind: roster", "kind: attendance")
        text += f"columns: {{session_number: n, attended: a, {field}: x}}\n"
        found = taken(text, "id,n,a,x\na,1,yes,perhaps\n")
    assert found.findings.height == 1
    assert field.removesuffix("_seconds") in found.findings["rule"].item()
