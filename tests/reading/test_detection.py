"""What a file seems to be: platform, instruments, waves, officers and days, and what stays open."""

import pytest
import yaml

from pipeline.programme import parse_programme
from pipeline.reading.canonical import read
from pipeline.reading.detection import Proposal, propose
from pipeline.reading.mapping import parse_mapping
from pipeline.reading.platforms import platform_of
from pipeline.reading.records import Unreadable
from pipeline.reading.tabular import read_records
from pipeline.reading.trial import tried
from pipeline.reading.wave_words import wave_meant
from pipeline.vocabulary import Kind, Platform

PROGRAMME = parse_programme("""
programme: detected
title: Detected
instruments: [proqol5, phq4]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
waves:
  - {wave: baseline, due_after_days: 0}
  - {wave: session_5, due_after_days: 56}
  - {wave: session_10, due_after_days: 126}
  - {wave: follow_up_3m, due_after_days: 217, follow_up: true}
  - {wave: follow_up_12m, due_after_days: 500, follow_up: true}
arms: [programme, waiting_list]
""")
OFFICERS = [f"KE{number:04d}" for number in range(1, 9)]


def proposal(text: str, *, organisation: str | None = "kent", **said: str) -> Proposal:
    return propose(
        text.encode(), PROGRAMME, organisation=organisation, source="x", files="*", **said
    )


def sheet(headings: str, row: str) -> str:
    """Headings, and one row for each officer; `{n}` is the officer's place and `{o}` the number."""
    rows = [row.format(n=n, o=officer) for n, officer in enumerate(OFFICERS)]
    return "\n".join([headings, *rows])


PHQ = ",".join(f"Q4_{item}" for item in range(1, 5))


@pytest.mark.parametrize(
    ("text", "wave"),
    [
        ("baseline", "baseline"),
        ("Before the first session", "baseline"),
        ("PRE", "baseline"),
        ("t0", "baseline"),
        ("Session 5", "session_5"),
        ("after session no. 5", "session_5"),
        ("s5", "session_5"),
        ("S10", "session_10"),
        ("SESSION_10", "session_10"),
        ("session_5_arm_1", "session_5"),
        ("the last session", "session_10"),
        ("3m", "follow_up_3m"),
        ("three months later", "follow_up_3m"),
        ("Follow-up 3 months", "follow_up_3m"),
        ("one year later", "follow_up_12m"),
        ("12 months", "follow_up_12m"),
        ("session 6", None),
        ("6 months", None),
        ("some time in spring", None),
        ("address", None),
        ("Sometimes", None),
        ("15", None),
    ],
)
def test_waves_in_peoples_own_words(text: str, wave: str | None) -> None:
    assert wave_meant(text, PROGRAMME.wave_names) == wave


@pytest.mark.parametrize(
    ("headings", "platform"),
    [
        ("StartDate,RecordedDate,ResponseId,Q1", Platform.QUALTRICS),
        ("V1,V2\nResponseID,Name", Platform.QUALTRICS),
        ("ID,Start time,Completion time,Email,Name,Q1", Platform.MICROSOFT_FORMS),
        ("Respondent ID,Collector ID,Start Date", Platform.SURVEYMONKEY),
        ("RespondentID,Have you seen any", Platform.SURVEYMONKEY),
        ("id,submitdate,lastpage,startlanguage", Platform.LIMESURVEY),
        ("Response ID,Date submitted,Last page", Platform.LIMESURVEY),
        ("study_id,redcap_event_name,age", Platform.REDCAP),
        ("record_id,age,demographics_complete", Platform.REDCAP),
        ("UserID,UserNo,Name", Platform.SMARTSURVEY),
        ("Unique Response Number,Q1", Platform.JISC),
        ("Timestamp,Email Address,Q1", Platform.GOOGLE_FORMS),
        ("Collar number,Rank", Platform.CSV),
    ],
)
def test_platforms_by_their_headings(headings: str, platform: Platform) -> None:
    assert platform_of(read_records(f"{headings}\n1,2\n".encode())) == platform


def test_the_form_of_a_file_is_said() -> None:
    text = sheet(f"Collar number;Wave;{PHQ.replace(',', ';')}", "{o};Baseline;1;2;0;3")
    made = propose(text.encode("utf-16"), PROGRAMME, organisation="kent", source="x", files="*")
    assert made.form == "text, UTF-16, semicolons between cells"
    assert (made.rows, made.columns, made.header_records) == (8, 6, 1)
    assert made.kind == Kind.QUESTIONNAIRE
    assert [items.instrument for items in made.items] == ["phq4"]


def test_answers_that_count_from_one_are_shifted() -> None:
    made = proposal(sheet(f"Collar number,Wave,{PHQ}", "{o},Baseline,1,2,3,4"))
    assert made.mapping["instruments"] == {"phq4": {"columns": "Q4_{item}", "offset": -1}}


def test_answers_in_no_scale_are_no_instrument() -> None:
    made = proposal(sheet(f"Collar number,Wave,{PHQ}", "{o},Baseline,17,2,30,4"))
    assert made.items == ()
    assert made.kind is None


@pytest.mark.parametrize(("numbers", "item"), [("0{}", "{item:02}"), ("00{}", "{item:03}")])
def test_items_numbered_with_zeros_in_front(numbers: str, item: str) -> None:
    headings = ",".join(f"SQ{numbers.format(place)}" for place in range(1, 5))
    made = proposal(sheet(f"Collar number,Wave,{headings}", "{o},Baseline,1,2,0,3"))
    assert made.mapping["instruments"] == {"phq4": {"columns": f"SQ{item}"}}


def test_columns_numbered_with_a_gap_are_no_instrument() -> None:
    made = proposal(sheet("Collar number,Wave,Q1,Q2,Q3,Q5", "{o},Baseline,1,2,0,3"))
    assert made.items == ()


def test_waves_side_by_side() -> None:
    wide = ",".join(f"Q{item}_{wave}" for wave in ("pre", "s10") for item in range(1, 5))
    text = sheet(
        f"Collar number,Done_pre,Done_s10,{wide}", "{o},2026-01-0{n},2026-05-2{n}" + ",1" * 8
    )
    made = proposal(text.replace("2026-01-00", "2026-01-09"))
    assert made.open == ()
    assert made.mapping["wave"] == {"suffixes": {"pre": "baseline", "s10": "session_10"}}
    assert made.mapping["instruments"] == {"phq4": {"columns": "Q{item}_{wave}"}}
    assert made.mapping["columns"] == {"completed_on": "Done_{wave}"}


def test_what_cannot_be_told_is_asked_for_with_the_option_that_says_it() -> None:
    text = sheet(f"Nickname,{PHQ}", "owl {n},1,2,0,3")
    made = proposal(text, organisation=None)
    assert made.open == (
        "which column says whose a row is (--participant COLUMN)",
        "which organisation sent it (--organisation NAME)",
        "which wave it is (--wave NAME)",
    )
    told = proposal(text, participant="Nickname", wave="session_5")
    assert told.open == ()
    assert told.mapping["participant"] == "Nickname"
    assert told.mapping["wave"] == {"constant": "session_5"}


def test_the_wave_of_the_files_name_counts_where_no_column_says_one() -> None:
    text = sheet(f"Collar number,{PHQ}", "{o},1,2,0,3")
    assert proposal(text, words="proqol session_10 May").mapping["wave"] == {
        "constant": "session_10"
    }


def test_a_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(Unreadable, match="no column `Badge`"):
        proposal(sheet(f"Collar number,{PHQ}", "{o},1,2,0,3"), participant="Badge")


def test_officers_are_told_by_what_cells_look_like_where_headings_say_nothing() -> None:
    made = proposal(sheet(f"Q1,Q2,{PHQ}", "{o},Baseline,1,2,0,3"))
    assert made.mapping["participant"] == "Q1"


@pytest.mark.parametrize(
    ("day", "date_format"),
    [
        ("{n}/01/2026", "auto"),
        ("2{n}/01/2026", "%d/%m/%Y"),
        ("01/2{n}/2026", "%m/%d/%Y"),
        ("2{n}-Jan-2026", "%d-%b-%Y"),
        ("2026-01-2{n}", "%Y-%m-%d"),
        ("2026-01-2{n} 09:15:00", "%Y-%m-%d %H:%M:%S"),
    ],
)
def test_days_and_the_order_of_day_and_month(day: str, date_format: str) -> None:
    text = sheet(f"Collar number,Completed on,Wave,{PHQ}", f"{{o}},{day},Baseline,1,2,0,3")
    made = proposal(text.replace(",0/01", ",9/01"))
    assert made.mapping["columns"]["completed_on"] == "Completed on"
    assert made.mapping["date_format"] == date_format


def test_columns_that_identify_are_named_and_not_carried() -> None:
    text = sheet(
        f"Collar number,Full name,Contact,Wave,Mood,{PHQ}",
        "{o},Simulated Officer {n},o{n}@simulated.invalid,Baseline,fine,1,2,0,3",
    )
    made = proposal(text)
    assert {*made.identifying} == {"Full name", "Contact"}
    assert {*made.mapping["leave_out"]} == {"Contact", "Mood"}
    mapping = parse_mapping(yaml.safe_dump(made.mapping), "x.yaml", PROGRAMME)
    reading = read(text.encode(), mapping, PROGRAMME)
    assert reading.columns_unknown == 0


def test_no_cell_is_quoted() -> None:
    text = sheet(
        f"Collar number,Remarks,Wave,{PHQ}", "{o},ask Simulated Officer {n},Baseline,1,2,0,3"
    )
    said = repr(proposal(text))
    assert not any(officer in said for officer in OFFICERS)
    assert "Simulated Officer" not in said


def test_a_file_without_headings_is_refused_since_headings_are_quoted() -> None:
    with pytest.raises(Unreadable, match="first row seems to hold somebody's data"):
        proposal("KE1,o1@simulated.invalid,1\nKE2,o2@simulated.invalid,2\n")


def test_a_units_officers_need_their_force() -> None:
    units = [
        name
        for name, known in PROGRAMME.known_organisations.items()
        if known.kind == "violence_reduction_unit"
    ]
    text = sheet(f"Collar number,Wave,{PHQ}", "{o},Baseline,1,2,0,3")
    assert proposal(text, organisation=units[0]).open == (
        "which force the officers are of (home_force in the mapping)",
    )
    forces = sheet(f"Collar number,Force,Wave,{PHQ}", "{o},Kent Police,Baseline,1,2,0,3")
    assert proposal(forces, organisation=units[0]).mapping["home_force"] == {"column": "Force"}


REGISTERS = {
    Kind.ROSTER: (
        "Collar number,Rank,Session group,Enrolled on,Gender",
        "{o},PC,G1,2026-01-0{n},F",
        {"rank", "session_group", "enrolled_on", "gender"},
    ),
    Kind.ATTENDANCE: (
        "Officer number,Session,Date of session,Present,Apologies",
        "{o},1,2026-01-09,Yes,",
        {"session_number", "held_on", "attended", "absence_reason"},
    ),
    Kind.DEPARTURES: (
        "Warrant no,Left on,Type",
        "{o},2026-01-09,leaver",
        {"departed_on", "departure_kind"},
    ),
}


@pytest.mark.parametrize("kind", REGISTERS)
def test_registers_by_their_headings(kind: Kind) -> None:
    headings, row, fields = REGISTERS[kind]
    made = proposal(sheet(headings, row).replace("2026-01-00", "2026-01-08"))
    assert made.kind == kind
    assert {*made.mapping["columns"]} == fields
    assert made.mapping["date_format"] == "%Y-%m-%d"
    assert made.open == ()


def test_a_trial_counts_what_is_missing() -> None:
    rows = [
        f"{officer if n else ''},{'Baseline' if n != 1 else 'spring'},{'x' if n == 2 else 1},2,0,3"
        for n, officer in enumerate(OFFICERS)
    ]
    text = "\n".join([f"Collar number,Wave,{PHQ}", *rows])
    made = proposal(text)
    trial = tried(text.encode(), yaml.safe_dump(made.mapping), PROGRAMME)
    assert trial.sentence == (
        "8 rows; 1 do not say whose they are, 1 are of no known wave, 1 hold an answer that is none"
    )
    sound = sheet(f"Collar number,Wave,{PHQ}", "{o},Baseline,1,2,0,3")
    said = tried(sound.encode(), yaml.safe_dump(made.mapping), PROGRAMME).sentence
    assert said == "8 rows; every cell is understood"


def test_two_grids_of_one_size_are_asked_about() -> None:
    other = PHQ.replace("Q4", "Q7")
    made = proposal(sheet(f"Collar number,Wave,{PHQ},{other}", "{o},Baseline" + ",1,2,0,3" * 2))
    assert made.open == (
        "which columns have phq4, since several seem to (instruments in the mapping)",
    )


def test_where_officers_went_is_not_whose_numbers_they_have() -> None:
    left = "Collar number,Left on,Type,Moved to,Number there"
    made = proposal(sheet(left, "{o},2026-03-02,withdrew,Essex Police,{o}"))
    assert made.kind == Kind.DEPARTURES
    assert made.mapping["participant"] == "Collar number"
    assert "home_force" not in made.mapping
    assert made.mapping["columns"] == {
        "departed_on": "Left on",
        "departure_kind": "Type",
        "new_force": "Moved to",
        "new_number": "Number there",
    }
    alone = proposal(sheet("Collar number,Left on,Type,Moved to", "{o},2026-03-02,withdrew,kent"))
    assert "home_force" not in alone.mapping
    assert set(alone.mapping["columns"]) == {"departed_on", "departure_kind"}
