"""SurveyMonkey, Jisc, REDCap, LimeSurvey, SPSS, Google Forms, SmartSurvey: each difficulty once."""

from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyreadstat
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.programme import Programme
from pipeline.reading import jisc, limesurvey, microsoft_forms, plain, redcap, surveymonkey
from pipeline.reading.canonical import Reading, read
from pipeline.reading.cells import UNRECOGNISED
from pipeline.reading.headings import joined, plain_text
from pipeline.reading.mapping import Mapping
from pipeline.reading.tabular import Unreadable, read_records
from pipeline.vocabulary import Platform

Rows = list[list[str]]
Read = Callable[..., Reading]


@pytest.fixture
def reading(
    programme: Programme, mapped: Callable[[str], Mapping], delimited: Callable[..., bytes]
) -> Read:
    """Reads rows, or bytes, of a platform; the questionnaire's items are what `phq4` says."""

    def make(
        platform: str, rows: Rows | bytes, participant: str, phq4: Any, **said: Any
    ) -> Reading:
        whole = {
            "organisation": "cumbria",
            "source": "phq",
            "kind": "questionnaire",
            "platform": platform,
            "files": "*",
            "participant": participant,
            "wave": {"constant": "baseline"},
            "instruments": {"phq4": phq4 if isinstance(phq4, dict) else {"columns": phq4}},
            **said,
        }
        if whole["kind"] != "questionnaire":
            del whole["wave"], whole["instruments"]
        content = rows if isinstance(rows, bytes) else delimited(rows)
        return read(content, mapped(yaml.safe_dump(whole, sort_keys=False)), programme)

    return make


def only(found: Reading) -> pl.DataFrame:
    assert len(found.blocks) == 1
    return found.blocks[0].rows


def items(found: Reading) -> list[tuple[int | None, ...]]:
    return only(found).select("^item_.*$").rows()


def test_every_platform_says_in_one_sentence_what_it_is() -> None:
    assert all(
        platform.meaning.count(".") == 1 + (".sav" in platform.meaning) for platform in Platform
    )


# SurveyMonkey

MONKEY_METADATA = ["Respondent ID", "Collector ID", "Start Date", "IP Address", "Custom Data 1"]
MONKEY_HEADINGS = [
    [*MONKEY_METADATA, "<p>Over the last&nbsp;<b>2 weeks</b></p>", *[""] * 3, "Gender", "", "",
     "No"],
    [*[""] * 5, *(f"Item {letter}" for letter in "abcd"), "Female", "Male",
     "Other (please specify)", "Open-Ended Response"],
]  # fmt: skip
WEEKS = "Over the last 2 weeks"


def monkey(*rows: list[str]) -> Rows:
    who = ["123", "9", "1/5/26 9:05", "192.0.2.1", "x"]
    return [*MONKEY_HEADINGS, *([*who, *cells] for cells in rows)]


def test_surveymonkey_joins_two_header_records_by_name_and_by_place(reading: Read) -> None:
    file = monkey(["0", "1", "2", "3", "", "", "", "PC 1"], ["3", "", "1", "0", "", "", "", "PC 2"])
    found = reading(
        "surveymonkey",
        file,
        "No",
        f"{WEEKS} | #{{item}}",
        columns={"completed_on": "Start Date"},
        date_format="%m/%d/%y %H:%M",
    )
    assert items(found) == [(0, 1, 2, 3), (3, None, 1, 0)]
    assert only(found)["row_number"].to_list() == [3, 4]
    assert only(found)["identifier"].to_list() == ["PC 1", "PC 2"]
    assert only(found)["completed_on"].to_list() == [date(2026, 1, 5)] * 2
    assert found.columns_left_out == ("Custom Data 1", "IP Address", "Respondent ID")
    table = surveymonkey.read(read_records(b"a,b,,\n,x,y,z\n1,2,3,4\n"))
    assert table.columns == ["a", "b | x", "b | y", "b | z"]
    assert {*table.derived} == {"b", "b | #1", "b | #2", "b | #3"}


@pytest.mark.parametrize(
    ("cells", "gender", "unrecognised"),
    [
        (["Female", "", ""], "female", []),
        (["1", "", ""], "female", []),
        (["", "2", ""], "male", []),
        (["0", "1", "0"], "male", []),
        (["", "", "as Zebedee says"], "other", []),
        (["Female", "Male", ""], None, ["gender"]),
        (["", "", ""], None, []),
    ],
)
def test_a_question_with_a_column_for_each_option_is_one_answer(
    cells: list[str], gender: str | None, unrecognised: list[str], reading: Read
) -> None:
    found = reading(
        "surveymonkey",
        monkey(["0", "1", "2", "3", *cells, "PC 1"]),
        "No",
        f"{WEEKS} | #{{item}}",
        columns={"gender": "Gender"},
        values={"gender": {"Other (please specify)": "other"}},
    )
    assert only(found)["gender"].to_list() == [gender]
    assert only(found)["unrecognised"].to_list() == [unrecognised]
    assert found.columns_unknown == 0
    assert "Zebedee" not in str(only(found).rows())


def test_an_item_with_a_column_for_each_option_is_one_answer(reading: Read) -> None:
    options = ["Not at all", "Several days", "More than half the days", "Nearly every day"]
    questions = [cell for item in range(1, 5) for cell in (f"{item}. …", "", "", "")]
    chosen = [["", "x", "", ""], ["x", "", "", ""], [""] * 4, ["", "x", "x", ""]]
    file = [
        ["id", *questions],
        ["", *options * 4],
        ["7", *(cell for cells in chosen for cell in cells)],
    ]
    found = reading("surveymonkey", file, "id", {"columns": "{item}. …", "coding": "labels"})
    assert items(found) == [(1, 0, None, UNRECOGNISED)]


def test_an_answer_of_its_own_column_counts_beside_an_option_to_specify(reading: Read) -> None:
    columns, derived = joined(["Gender", ""], ["Response", "Other (please specify)"])
    assert columns == ["Gender | Response", "Gender | Other (please specify)"]
    frame = pl.DataFrame({columns[0]: ["Male", "", None], columns[1]: ["", "who?", None]})
    assert frame.select(derived["Gender"].alias("Gender"))["Gender"].to_list() == [
        "Male",
        "Other (please specify)",
        "",
    ]


def test_questions_asked_twice_and_choices_given_twice_have_names_of_their_own() -> None:
    columns, _ = joined(["Q", "", "Q", ""], ["a", "a", "a", ""])
    assert columns == ["Q | a", "Q | a#2", "Q#2 | a", "Q#2 | #2"]


def test_surveymonkey_without_its_second_header_record(reading: Read) -> None:
    file = [["Respondent ID", "1", "2", "3", "4"], ["5", "0", "1", "2", "3"]]
    found = reading("surveymonkey", file, "Respondent ID", "{item}")
    assert items(found) == [(0, 1, 2, 3)]
    assert only(found)["row_number"].to_list() == [2]


def test_contact_details_asked_by_surveymonkey_are_left_out() -> None:
    file = b"Respondent ID,Contact,,\n,Name,Phone Number,Rank\n1,Zebedee,5550100,PC\n"
    table = surveymonkey.read(read_records(file))
    assert table.left_out(set()) == ["Contact | Name", "Contact | Phone Number", "Respondent ID"]
    assert table.unknown(set()) == ["Contact | Rank"]


@given(st.text(max_size=40))
def test_html_goes_from_headings_and_nothing_comes_of_it(text: str) -> None:
    assert plain_text(f"<p class='x'>{'a'}</p>") == "a"
    assert "\n" not in plain_text(text)
    assert plain_text("1 < 2 &amp; 3 > 2") == "1 < 2 & 3 > 2"


# Jisc Online Surveys


def test_jisc_in_codes_and_in_labels(reading: Read) -> None:
    urn = "356806-356797-33882794"
    coded = [["URN", "Q1_1_a", "Q1_2_a", "Q1_3_a", "Q1_4_a", "StartDate"], [urn, *"1234", "x"]]
    found = reading("jisc", coded, "URN", {"columns": "Q1_{item}_a", "offset": -1})
    assert items(found) == [(0, 1, 2, 3)]
    assert (found.columns_left_out, found.columns_unknown) == ((), 0)
    labels = ["Not at all", "Several days", "More than half the days", "Nearly every day"]
    labelled = [
        ["Unique Response Number", "No", "1.1", "1.2", "1.3", "1.4"],
        [urn, "PC 1", *labels],
    ]
    found = reading("jisc", labelled, "No", {"columns": "1.{item}", "coding": "labels"})
    assert items(found) == [(0, 1, 2, 3)]
    assert found.columns_left_out == ("Unique Response Number",)


def test_jisc_urns_of_merged_waves_are_left_out() -> None:
    assert jisc.read(read_records(b"URN,URN_post,Q1\n1,2,3\n")).left_out({"Q1"}) == [
        "URN",
        "URN_post",
    ]


# REDCap

PHQ = ["phq_1", "phq_2", "phq_3", "phq_4"]
EVENTS = [
    ["record_id", "redcap_event_name", "redcap_repeat_instrument", "redcap_repeat_instance",
     "collar", "sex", "agree___1", "enrol_complete", "phq_timestamp", *PHQ, "phq_complete"],
    ["1", "enrol_arm_1", "", "", "PC 1", "F", "1", "2", "", *[""] * 4, ""],
    ["1", "base_arm_1", "", "", "", "", "", "", "2026-01-05 09:00:00", *"0123", "2"],
    ["1", "end_arm_1", "", "", "", "", "", "", "[not completed]", "3", "", "", "", "0"],
    ["2", "enrol_arm_1", "", "", "PC 2", "M", "0", "2", "", *[""] * 4, ""],
    ["2", "base_arm_1", "", "", "", "", "", "", "", *[""] * 4, "0"],
    ["2", "end_arm_1", "", "", "", "", "", "", "", *[""] * 4, "1"],
    ["3", "base_arm_1", "", "", "", "", "", "", "", *"3210", "2"],
]  # fmt: skip
OF_EVENTS: dict[str, Any] = {
    "wave": {
        "column": "redcap_event_name",
        "values": {"base_arm_1": "baseline", "end_arm_1": "session_10"},
    },
    "columns": {"completed_on": "phq_timestamp", "gender": "sex"},
    "date_format": "%Y-%m-%d %H:%M:%S",
    "consent": {"column": "agree___1", "agreed": ["1"]},
}


def test_redcap_carries_what_stands_once_for_a_record(reading: Read) -> None:
    found = reading("redcap", EVENTS, "collar", "phq_{item}", **OF_EVENTS)
    rows = only(found)
    assert rows.select("row_number", "identifier", "wave", "gender", "consent").rows() == [
        (3, "PC 1", "baseline", "female", True),
        (4, "PC 1", "session_10", "female", True),
        (7, "PC 2", "session_10", "male", False),
        (8, None, "baseline", None, False),
    ]
    assert items(found) == [(0, 1, 2, 3), (3, None, None, None), (None,) * 4, (3, 2, 1, 0)]
    # Enrolment of two, and the form that nobody opened.
    assert (found.rows_in_file, found.rows_blank) == (7, 3)
    assert found.columns_left_out == ("record_id",)
    assert found.columns_unknown == 0


def test_a_redcap_survey_that_was_not_submitted_has_no_day_and_is_no_test(reading: Read) -> None:
    rows = only(reading("redcap", EVENTS, "collar", "phq_{item}", **OF_EVENTS))
    assert rows["completed_on"].to_list() == [date(2026, 1, 5), None, None, None]
    assert rows["unrecognised"].to_list() == [[]] * 4
    assert not rows["is_test"].any()


def test_redcap_carries_downwards_what_was_said_last(reading: Read) -> None:
    head = ["id", "redcap_event_name", "agree", *PHQ]
    events = ["base", "middle", "end"]
    said = ["yes", "no", ""]
    file = [
        head,
        *(["1", event, agrees, *"0000"] for event, agrees in zip(events, said, strict=True)),
    ]
    consent = {"column": "agree", "agreed": ["yes"]}
    found = reading("redcap", file, "id", "phq_{item}", consent=consent)
    assert only(found)["consent"].to_list() == [True, False, False]


def test_redcap_in_labels(reading: Read) -> None:
    file = [
        ["Study ID", "Event Name", "Collar number", "Gym (choice=Monday)", "Complete?",
         *(f"Item {place}" for place in range(1, 5)), "Complete?"],
        ["1", "Enrolment (Arm 1: A)", "PC 1", "Checked", "Complete", *[""] * 4, ""],
        ["1", "Start (Arm 1: A)", "", "", "", *["Not at all"] * 4, "Complete"],
        ["1", "End (Arm 1: A)", "", "", "", *[""] * 4, "Incomplete"],
        ["1", "Later (Arm 1: A)", "", "", "", *[""] * 4, "Unverified"],
    ]  # fmt: skip
    found = reading("redcap", file, "Collar number", {"columns": "Item {item}", "coding": "labels"})
    assert only(found)["row_number"].to_list() == [3, 5]
    assert only(found)["identifier"].to_list() == ["PC 1", "PC 1"]
    assert items(found) == [(0, 0, 0, 0), (None,) * 4]
    assert found.rows_blank == 2


def test_redcap_repeats_are_rows_of_a_register(reading: Read) -> None:
    file = [
        ["record_id", "redcap_repeat_instrument", "redcap_repeat_instance", "collar", "cell_group",
         "came", "session_complete", "weight", "other_complete"],
        ["1", "", "", "PC 1", "A", "", "", "", ""],
        ["1", "session", "1", "", "", "1", "2", "", ""],
        ["1", "session", "2", "", "", "0", "2", "", ""],
        ["1", "other", "1", "", "", "", "", "80", "2"],
    ]  # fmt: skip
    found = reading(
        "redcap",
        file,
        "collar",
        None,
        kind="attendance",
        columns={
            "session_number": "redcap_repeat_instance",
            "attended": "came",
            "session_group": "cell_group",
        },
    )
    assert only(found).select(
        "row_number", "identifier", "session_number", "attended", "session_group"
    ).rows() == [(3, "PC 1", 1, True, "A"), (4, "PC 1", 2, False, "A")]


def test_a_redcap_roster_has_everybody(reading: Read) -> None:
    file = [
        ["record_id", "redcap_event_name", "rank", "joined"],
        ["1", "enrol", "PC", ""],
        ["1", "later", "", "2026-01-05"],
        ["1", "last", "", ""],
        ["2", "enrol", "", ""],
        ["2", "later", "", ""],
    ]
    found = reading(
        "redcap", file, "record_id", None, kind="roster",
        columns={"rank": "rank", "enrolled_on": "joined"},
    )  # fmt: skip
    day = date(2026, 1, 5)
    assert only(found).select("row_number", "identifier", "rank_group", "enrolled_on").rows() == [
        (2, "1", "constable", day),
        (3, "1", "constable", day),
        (5, "2", None, None),
    ]


@pytest.mark.parametrize(
    ("column", "identifies"),
    [
        ("first_name", True),
        ("ec_phone", True),
        ("next_of_kin_contact_address", True),
        ("Date of birth", True),
        ("redcap_survey_identifier", True),
        ("given_births", False),
        ("redcap_event_name", False),
        ("gym___0", False),
    ],
)
def test_redcap_fields_that_identify_by_their_names(column: str, identifies: bool) -> None:
    table = redcap.read(read_records(f"record_id,{column}\n1,2\n".encode()))
    assert (column in table.left_out({"record_id"})) == identifies


# LimeSurvey

LIME = ["id", "submitdate", "lastpage", "startlanguage", "seed", "ipaddr", "token"]
BOTH = [
    "id. Response ID",
    "submitdate. Date submitted",
    "token. Access code",
    *(f"Q1[SQ00{place}]. How often? [Item {place}]" for place in range(1, 5)),
]


@pytest.mark.parametrize("separator", [". ", "._."])
def test_limesurvey_with_codes_and_texts_goes_by_codes(separator: str, reading: Read) -> None:
    head = [heading.replace(". ", separator, 1) for heading in BOTH]
    found = reading("limesurvey", [head, ["1", "", "t", *"0123"]], "token", "Q1[SQ00{item}]")
    assert items(found) == [(0, 1, 2, 3)]
    assert found.columns_unknown == 0


@pytest.mark.parametrize("heading", ["Q1[SQ00{}]", "How often? [Item {}]"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_limesurvey_with_codes_or_texts(
    heading: str, delimiter: str, reading: Read, delimited: Callable[..., bytes]
) -> None:
    head = [*LIME, *(heading.format(place) for place in range(1, 5))]
    told = ["1", "2026-01-05 10:00:00", "3", "en", "77", "192.0.2.1", "tok", *"0123"]
    late = ["2", "", "1", "en", "78", "192.0.2.2", "tik", "3", "", "", ""]
    blank = [""] * len(head)
    content = delimited([head, told, late, blank], delimiter)
    for pattern in (heading.replace("{}", "{item}"), f"{heading.partition('[')[0]}[#{{item}}]"):
        found = reading(
            "limesurvey", content, "token", pattern,
            columns={"completed_on": "submitdate"}, date_format="%Y-%m-%d %H:%M:%S",
        )  # fmt: skip
        assert items(found) == [(0, 1, 2, 3), (3, None, None, None)]
        assert only(found)["completed_on"].to_list() == [date(2026, 1, 5), None]
        # A blank submitdate is an unfinished response, not a test: rules judge what it answers.
        assert not only(found)["is_test"].any()
        assert (found.rows_blank, found.columns_left_out) == (1, ("ipaddr",))
        assert found.columns_unknown == 0


def test_limesurvey_answers_with_broken_labels(reading: Read) -> None:
    head = [*LIME, "Q1", "Q2", "Q3", "Q4"]
    rest = ["1", "1980-01-01 00:00:00", "", "", "", "", "tok"]
    said: dict[str, Any] = {
        "columns": {"completed_on": "submitdate"},
        "date_format": "%Y-%m-%d %H:%M:%S",
    }
    found = reading(
        "limesurvey", [head, [*rest, "(3)", "2)", "1", "(x)"]], "token", "Q{item}", **said
    )
    assert items(found) == [(3, 2, 1, UNRECOGNISED)]
    assert only(found)["completed_on"].to_list() == [None]
    assert only(found)["unrecognised"].to_list() == [[]]
    labels = {"Never": 0, "2": 2, "3": 3}
    coding = {"columns": "Q{item}", "coding": "labels", "labels": labels}
    found = reading(
        "limesurvey", [head, [*rest, "(3)", "2)", "never", "Never\u00a0"]], "token", coding
    )
    assert items(found) == [(3, 2, 0, 0)]


def test_limesurvey_with_two_header_records_and_names_that_repeat(reading: Read) -> None:
    head = [["No", "How?", "", "", "", "Why?", ""], ["No", "a", "a", "b", "c", "a", "Other"]]
    found = reading("limesurvey", [*head, ["PC 1", *"0123", "x", "y"]], "No | No", "How? | #{item}")
    assert items(found) == [(0, 1, 2, 3)]
    assert only(found)["row_number"].to_list() == [3]
    table = limesurvey.read(read_records(b"Other,Other,Other\n1,2,3\n"))
    assert table.columns == ["Other", "Other#2", "Other#3"]


# SPSS


@pytest.fixture
def sav(tmp_path: Path) -> Callable[..., bytes]:
    def make(columns: dict[str, list[Any]], *, compress: bool = False, **said: Any) -> bytes:
        path = tmp_path / "made.sav"
        pyreadstat.write_sav(pl.DataFrame(columns), str(path), compress=compress, **said)
        return path.read_bytes()

    return make


ANCHORS = {0: "Not at all", 1: "Several days", 2: "More than half the days", 3: "Nearly every day"}
SAV: dict[str, list[Any]] = {
    "URN": ["a-1", "a-2"],
    "Q1": [0.0, 3.0],
    "Q2": [1.0, None],
    "Q3": [2.0, 99.0],
    "Q4": [3.0, 2.5],
    "sex": [1.0, 2.0],
    "done": [datetime(2026, 1, 5, 10), None],
}
SAV_SAID: dict[str, Any] = {
    "variable_value_labels": {
        **{name: {**ANCHORS, 99: "No answer"} for name in ("Q1", "Q2", "Q3", "Q4")},
        "sex": {1: "Male", 2: "Female"},
    },
    "missing_ranges": {name: [99] for name in ("Q1", "Q2", "Q3", "Q4")},
}


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("coding", ["numeric", "labels"])
@pytest.mark.parametrize("platform", ["spss", "jisc", "csv"])
def test_spss_gives_codes_or_labels_as_the_mapping_reads_them(
    platform: str, coding: str, compress: bool, reading: Read, sav: Callable[..., bytes]
) -> None:
    found = reading(
        platform,
        sav(SAV, compress=compress, **SAV_SAID),
        "URN",
        {"columns": "Q{item}", "coding": coding},
        columns={"gender": "sex", "completed_on": "done"},
    )
    assert items(found) == [(0, 1, 2, 3), (3, None, None, UNRECOGNISED)]
    assert only(found)["gender"].to_list() == ["male", "female"]
    assert only(found)["completed_on"].to_list() == [date(2026, 1, 5), None]
    assert only(found)["row_number"].to_list() == [2, 3]


def test_spss_codes_stay_codes_where_a_code_stands_for_a_missing_answer(
    reading: Read, sav: Callable[..., bytes]
) -> None:
    labels = {"variable_value_labels": SAV_SAID["variable_value_labels"]}
    content = sav({**SAV, "Q4": [3.0, 99.0]}, **labels)
    found = reading("spss", content, "URN", "Q{item}", missing=["", "99"])
    assert items(found) == [(0, 1, 2, 3), (3, None, None, None)]


@given(st.data())
def test_a_damaged_spss_file_is_refused_in_one_sentence(data: st.DataObject) -> None:
    content = data.draw(st.sampled_from([b"$FL2", b"$FL3"])) + data.draw(st.binary(max_size=400))
    with pytest.raises(Unreadable, match="SPSS file"):
        read_records(content)


def test_an_spss_file_that_is_cut_short_is_refused(sav: Callable[..., bytes]) -> None:
    content = sav(SAV, **SAV_SAID)
    for cut in (20, len(content) // 2, len(content) - 3):
        with pytest.raises(Unreadable, match="SPSS file is damaged or cut short"):
            read_records(content[:cut])


# Google Forms, SmartSurvey, Microsoft Forms


def test_google_forms_and_smartsurvey_say_what_identifies() -> None:
    google = plain.read_google_forms(
        read_records(b"Timestamp,Email Address,Username,Q1\n1,2,3,4\n")
    )
    assert google.left_out({"Q1"}) == ["Email Address", "Username"]
    assert google.unknown({"Q1"}) == []
    smart = plain.read_smartsurvey(
        read_records(
            b"UserID,UserNo,Name,Email,IP Address,Unique ID,Started,Ended,Q1\n" + b"1," * 8 + b"2\n"
        )
    )
    assert smart.left_out({"Q1"}) == [
        "Email",
        "IP Address",
        "Name",
        "Unique ID",
        "UserID",
        "UserNo",
    ]
    assert smart.unknown({"Q1"}) == []


FORMS = ["Id", "Start time", "Completion time", "Email", "Name"]


@pytest.mark.parametrize(
    ("headings", "columns"),
    [
        ([*FORMS, "Email", "Name2", "Q"], [*FORMS, "Email#2", "Name2", "Q"]),
        ([*FORMS[:3], "Q", "Email", "Name"], [*FORMS[:3], "Q", "Email#2", "Name#2"]),
        (["Id", "Start time", "Email", "Q"], ["Id", "Start time", "Email", "Q"]),
        (["Email", "Q"], ["Email#2", "Q"]),
    ],
)
def test_forms_metadata_goes_by_its_place(headings: list[str], columns: list[str]) -> None:
    content = (",".join(headings) + "\n" + ",".join("x" * len(headings)) + "\n").encode()
    table = microsoft_forms.read(read_records(content))
    assert table.columns == columns
    named = sorted(name for name in columns if name[:4] in {"Emai", "Name"})
    assert table.left_out({"Q"}) == named
    assert table.unknown({"Q"}) == []


def test_a_csv_copy_of_forms_in_windows_1252(
    reading: Read, delimited: Callable[..., bytes]
) -> None:
    questions = ["Caf\u00e9 1", "Caf\u00e9 2", "Caf\u00e9 3", "Caf\u00e9 4"]
    points = [f"{kind} - {question}" for question in questions for kind in ("Points", "Feedback")]
    told = ["Not at all", "Several days;", "Nearly every day", ""]
    rows = [
        [*FORMS, "Total points", "Quiz feedback", *questions, *points],
        ["1", "", "", "anonymous", "", "0", "", *told, *[""] * 8],
        ["2", "", "", "Anonymous ", "", "0", "", *told, *[""] * 8],
    ]
    content = delimited(rows).decode().encode("cp1252")
    found = reading(
        "microsoft_forms", content, "Email", {"columns": "Caf\u00e9 {item}", "coding": "labels"}
    )
    # All who did not sign in would otherwise be one officer.
    assert only(found)["identifier"].to_list() == [None, None]
    assert items(found) == [(0, 1, 3, None)] * 2
    assert found.columns_unknown == 0


# Qualtrics


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_qualtrics_in_every_dress(
    delimiter: str, encoding: str, reading: Read, delimited: Callable[..., bytes]
) -> None:
    rows = [
        ["Finished", "ExternalReference", "Q1_1", "Q1_2", "Q1_3", "Q1_4", "Q1_4"],
        ["Beendet", "Ref", "Little\ninterest", "Down", "Nervous", "Worry", "Worry"],
        [f'{{"ImportId":"QID{place}","timeZone":"Z"}}' for place in range(7)],
        ["False", "PC 1", "Not at all (0)", "Several days", "", "Nearly every day", "x"],
    ]
    content = delimited(rows, delimiter).decode().encode(encoding)
    found = reading(
        "qualtrics", content, "ExternalReference", {"columns": "Q1_{item}", "coding": "labels"}
    )
    assert items(found) == [(0, 1, None, 3)]
    assert not only(found)["is_test"].any()
    assert only(found)["row_number"].to_list() == [4]


@pytest.mark.parametrize("platform", [platform.value for platform in Platform])
def test_every_platform_reads_a_workbook(
    platform: str, reading: Read, workbook: Callable[..., bytes]
) -> None:
    content = workbook([("id", "Q1", "Q2", "Q3", "Q4"), ("PC 1", 0, 1, 2, 3), ("PC 2", 3, 2, 1, 0)])
    found = reading(platform, content, "id", "Q{item}")
    assert items(found) == [(0, 1, 2, 3), (3, 2, 1, 0)]
    assert only(found)["identifier"].to_list() == ["PC 1", "PC 2"]


cells = st.sampled_from(["Zebedee", "", " ", "4", "id", "Q1", "(6)", "[not completed]", "Q[SQ001]"])


@pytest.mark.parametrize("platform", [platform.value for platform in Platform])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(tables=st.lists(st.lists(cells, min_size=3, max_size=3), min_size=1, max_size=6))
def test_whatever_cells_say_a_file_is_read_or_refused_without_quoting_them(
    platform: str, tables: Rows, reading: Read
) -> None:
    head = ["id", "Q1", "Q2", "Q3", "Q4"]
    try:
        found = reading(platform, [head, *([*row, "0", "1"] for row in tables)], "id", "Q{item}")
    except Unreadable as refused:
        assert "Zebedee" not in str(refused)
    else:
        assert found.rows_in_file - found.rows_blank == only(found).height
