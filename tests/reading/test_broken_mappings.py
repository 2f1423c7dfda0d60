"""Broken mappings, each with the exact sentence: what it names, the line, and what to do.

A row is one slip: a sound mapping in which one text is replaced by another.
"""
# ruff: noqa: E501 - a table is read a row a line.

import pytest

from pipeline.programme import Programme, UnusableConfiguration
from pipeline.reading.mapping import parse_mapping

QUESTIONNAIRE = """\
organisation: cumbria
source: phq
kind: questionnaire
files: "phq*.csv"
participant: number
wave: {constant: baseline}
instruments:
  phq4: {columns: "Q1_{item}"}
"""
WIDE = QUESTIONNAIRE.replace(
    "{constant: baseline}", "{suffixes: {pre: baseline, post: session_10}}"
).replace("{item}", "{item}_{wave}")
ROSTER = """\
organisation: cumbria
source: roster
kind: roster
files: "roster*"
participant: number
columns: {rank: Grade, enrolled_on: Joined}
"""
ATTENDANCE = """\
organisation: cumbria
source: register
kind: attendance
files: "register*"
participant: number
columns: {session_number: No, attended: Came}
"""
DEPARTURES = ATTENDANCE.replace("attendance", "departures").replace(
    "session_number: No, attended: Came", "departed_on: Left, departure_kind: Why"
)
CODED = QUESTIONNAIRE.replace(
    "participant: number", "code: {mother: Mother, birthday: Day, school: School, eyes: Eyes}"
)

# fmt: off
SLIPS = [
    (CODED, "code:", "participant: number\ncode:", 6, "code: an officer is known by `participant` or by a code; keep one."),
    (CODED, ", eyes: Eyes", "", 5, "code: a code has at least 4 elements; with fewer, two officers often have the same."),
    (CODED, "eyes: Eyes", "eyes: Day", 5, "code.eyes: `Day` is the column of birthday already; each column is one element."),
    (CODED, "eyes: Eyes", "eyes: \"Eyes_{wave}\"", 5, "code.eyes: a code stands once a row; name its column as it is called."),
    (CODED, "eyes: Eyes", "eyes: Q1_2", 8, "instruments.phq4.columns: `Q1_2` is the column of eyes already; each column is one thing."),
    (CODED, "eyes: Eyes", "eyes: \"#0\"", 5, "code.eyes: columns are counted from 1, as in #1."),
    (CODED, "eyes: Eyes", "Eyes: Eyes", 5, "code.Eyes: use small letters, digits, `_` and single hyphens, as in proqol-wave_1."),
    (CODED, "eyes: Eyes", "eyes: []", 5, "code.eyes: text is expected here, one word or line."),
    (CODED, "{mother: Mother, birthday: Day, school: School, eyes: Eyes}", "Mother", 5, "code: entries such as `key: value` are expected here, indented below it."),
    (DEPARTURES, "participant: number", "code: {a: A, b: B, c: C, d: D}", 5, "code: a list of departures names officers by `participant`."),
    (QUESTIONNAIRE, "instruments:", "columns: {rank: Grade}\ninstruments:", 7, "columns.rank: rank is not a field of kind questionnaire; it may be arm, gender, completed_on or duration_seconds."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: number}\ninstruments:", 7, "comments.more: `number` is the column of participant already; each column is one thing."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: Q1_2}\ninstruments:", 7, "comments.more: `Q1_2` is the column of phq4 already; each column is one thing."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: T, other: T}\ninstruments:", 7, "comments.other: `T` is the column of more already; each column is one thing."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: \"T_{wave}\"}\ninstruments:", 7, "comments.more: {wave} is for wide files, whose `wave` gives `suffixes`."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: \"T_{item}\"}\ninstruments:", 7, "comments.more: {item} is for the columns of an instrument."),
    (QUESTIONNAIRE, "instruments:", "comments: {more: \"#0\"}\ninstruments:", 7, "comments.more: columns are counted from 1, as in #1."),
    (ROSTER, "columns:", "comments: {more: T}\ncolumns:", 6, "comments: only a questionnaire has free text that is taken in."),
    (QUESTIONNAIRE, "files: \"phq*.csv\"", "files: *.csv", 4, "this is not valid YAML; text that begins with * or & needs quotes, as in \"*.csv\"."),
    (QUESTIONNAIRE, "participant: number", "participant: @number", 5, "this is not valid YAML; text that begins with %, @ or ` needs quotes, as in \"%d/%m/%Y\"."),
    (QUESTIONNAIRE, "participant: number", "participant: Number: collar", 5, "this is not valid YAML; text with a colon and a space in it needs quotes around it."),
    (QUESTIONNAIRE, "participant: number", "participant: 'number", 5, "this is not valid YAML; a quote that opens here never closes."),
    (QUESTIONNAIRE, "participant: number", "participant: 'officer's number'", 5, "this is not valid YAML; check indentation and quotes here and above."),
    (QUESTIONNAIRE, "participant: number", "participant: !number", 5, "this is not valid YAML; text that begins with ! needs quotes around it."),
    (QUESTIONNAIRE, "{constant: baseline}", "{constant: baseline", 6, "this is not valid YAML; a bracket or brace that opens here never closes."),
    (QUESTIONNAIRE, "  phq4:", "\tphq4:", 8, "this is not valid YAML; a tab stands where only spaces may; indent with spaces."),
    (QUESTIONNAIRE, "kind: quest", " kind: quest", 3, "this is not valid YAML; text with a colon and a space in it needs quotes around it."),
    (QUESTIONNAIRE, "\"phq*.csv\"", "\"phq\\d.csv\"", 4, "this is not valid YAML; a backslash needs single quotes around the text, as in 'a\\b'."),
    (QUESTIONNAIRE, "source: phq", "source: ph\u0000q", 2, "this is not valid YAML; a sign that cannot be seen stands here; delete it."),
    (QUESTIONNAIRE, "source: phq", "---\nsource: phq", 2, "this is not valid YAML; a file holds one document; take out the line `---`."),
    (QUESTIONNAIRE, "source: phq", "source: phq\nsource: proqol", 3, "`source` stands twice, in line 2 too; keep one of them."),
    (QUESTIONNAIRE, "  phq4: {columns: \"Q1_{item}\"}", "  phq4: {columns: \"Q1_{item}\"}\n  phq4: {columns: \"Q2_{item}\"}", 9, "`phq4` stands twice, in line 8 too; keep one of them."),
    (QUESTIONNAIRE, "source: phq", "{source}: phq", 2, "a key is plain text; text that begins with { or [ needs quotes around it."),
    (QUESTIONNAIRE, "participant: number", "participant: &it [*it]", 5, "an alias names what it stands in; write it out."),
    (QUESTIONNAIRE, "files:", "fils:", 4, "fils: there is no such field; perhaps `files` is meant."),
    (QUESTIONNAIRE, "files:", "glob:", 4, "glob: there is no such field; it may be organisation, source, kind, platform, files, delivery, participant, code, home_force, wave, instruments, sessions, columns, comments, values, date_format, sheet, consent, missing, missing_in or leave_out."),
    (QUESTIONNAIRE, "participant: number\n", "", 1, "participant: it is missing: the column that identifies an officer; where officers give a code instead, name its elements under `code`."),
    (QUESTIONNAIRE, "participant: number", "participant:", 5, "participant: text is expected here, one word or line."),
    (QUESTIONNAIRE, "participant: number", "participant: \"\"", 5, "participant: it is empty; write something, or take the line out."),
    (QUESTIONNAIRE, "participant: number", "participant: []", 5, "participant: the list is empty; write at least one entry."),
    (QUESTIONNAIRE, "participant: number", "participant: {column: number}", 5, "participant: text is expected here, one word or line."),
    (QUESTIONNAIRE, "\"Q1_{item}\"}", "\"Q1_{item}\", codes: labels}", 8, "instruments.phq4.codes: there is no such field; it may be columns, first, coding, offset, reversed or labels."),
    (QUESTIONNAIRE, "{columns: \"Q1_{item}\"}", "{column: \"Q1_{item}\"}", 8, "instruments.phq4.column: there is no such field; perhaps `columns` is meant."),
    (QUESTIONNAIRE, "{columns: \"Q1_{item}\"}", "\"Q1_{item}\"", 8, "instruments.phq4: entries such as `key: value` are expected here, indented below it."),
    (QUESTIONNAIRE, "{constant: baseline}", "baseline", 6, "wave: entries such as `key: value` are expected here, indented below it."),
    (QUESTIONNAIRE, "instruments:\n", "instruments: phq4\n#", 7, "instruments: entries such as `key: value` are expected here, indented below it."),
    (QUESTIONNAIRE, "source: phq", "source: Phq 2026", 2, "source: use small letters, digits, `_` and single hyphens, as in proqol-wave_1."),
    (QUESTIONNAIRE, "source: phq", "source: unmapped", 2, "source: `unmapped` is what files without a mapping are called."),
    (QUESTIONNAIRE, "source: phq", "source: ppppppppppppppppppppppppppppppppppppppppppppppppppppppppppppp", 2, "source: it is longer than 60 signs; choose a shorter one."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionaire", 3, "kind: `questionaire` is not known; perhaps `questionnaire` is meant."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: survey", 3, "kind: `survey` is not known; it may be questionnaire, roster, attendance or departures."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\nplatform: Qualtrics", 4, "platform: `Qualtrics` is not known; perhaps `qualtrics` is meant."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\ndelivery: daily", 4, "delivery: `daily` is not known; it may be cumulative or incremental."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\nmissing: -99", 4, "missing: a list is expected here, such as [one, two]."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\nmissing_in: [-99]", 4, "missing_in: entries such as `key: value` are expected here, indented below it."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\nconsent: {column: Consent}", 4, "consent.agreed: it is missing: what cells say of those who agreed."),
    (QUESTIONNAIRE, "kind: questionnaire", "kind: questionnaire\nconsent: {column: Consent, agreed: []}", 4, "consent.agreed: the list is empty; write at least one entry."),
    (QUESTIONNAIRE, "\"phq*.csv\"", "\"cumbria/phq*.csv\"", 4, "files: name the files without a folder, as in proqol*.csv."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_1\"", 8, "instruments.phq4.columns: {item} is needed where the item number stands, as in Q4_{item}, or {letter}, or a list of the columns."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{number}\"", 8, "instruments.phq4.columns: {item} is needed where the item number stands, as in Q4_{item}, or {letter}, or a list of the columns."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q{item}_{letter}\"", 8, "instruments.phq4.columns: {item} is needed where the item number stands, as in Q4_{item}, or {letter}, or a list of the columns."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{letter}\", first: 3", 8, "instruments.phq4.first: `first` is for {item}; letters begin with a."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", first: -1", 8, "instruments.phq4.first: at least 0 is expected here."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "[Q1, Q2, Q3]", 8, "instruments.phq4.columns: 3 columns are listed, and phq4 has 4 items."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "[Q1, Q2, Q3, Q2]", 8, "instruments.phq4.columns.3: `Q2` is listed twice; each item has its own."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "[\"Q{item}\", Q2, Q3, Q4]", 8, "instruments.phq4.columns: a list names each column; {item} is for a single pattern."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "[Q1, Q2, Q3, Q4], first: 3", 8, "instruments.phq4.first: `first` is for {item}; a list says each column."),
    (QUESTIONNAIRE, "phq4: {columns: \"Q1_{item}\"}", "proqol5: {columns: \"Q1_{letter}\"}", 8, "instruments.proqol5.columns: proqol5 has 30 items, more than letters; list its columns."),
    (QUESTIONNAIRE, "\"Q1_{item}\"}", "\"Q1_{item}\"}\n  proqol5: {columns: \"Q1_{item}\"}", 9, "instruments.proqol5.columns: `Q1_1` is the column of phq4 already; each column is one thing."),
    (QUESTIONNAIRE, "participant: number", "participant: Q1_2", 8, "instruments.phq4.columns: `Q1_2` is the column of participant already; each column is one thing."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: words", 8, "instruments.phq4.coding: `words` is not known; it may be numeric or labels."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", offset: one", 8, "instruments.phq4.offset: a whole number is expected here, such as 14."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", offset: 0.5", 8, "instruments.phq4.offset: a whole number is expected here, such as 14."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", reversed: backwards", 8, "instruments.phq4.reversed: true or false is expected here."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: labels, reversed: true", 8, "instruments.phq4.reversed: `reversed` is for numbers; `labels` say the answers."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: labels, offset: 1", 8, "instruments.phq4.offset: `offset` is for numbers; `labels` say the answers."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", labels: {Never: 0}", 8, "instruments.phq4.labels: labels are given, so `coding: labels` is needed."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: labels, labels: {Never: none}", 8, "instruments.phq4.labels.Never: a whole number is expected here, such as 14."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: labels, labels: {Never: 0, Always: 4}", 8, "instruments.phq4.labels.Always: 4 is no answer of phq4, which has 0 to 3."),
    (QUESTIONNAIRE, "\"Q1_{item}\"", "\"Q1_{item}\", coding: labels, labels: {Never: 0, NEVER: 1}", 8, "instruments.phq4.labels.NEVER: the label is given two answers; keep one of them."),
    (QUESTIONNAIRE, "phq4:", "phq9:", 8, "instruments.phq9: phq9 is not one that the programme file declares; perhaps `phq4` is meant."),
    (QUESTIONNAIRE, "phq4:", "pss10:", 8, "instruments.pss10: pss10 is not one that the programme file declares; it may be proqol5 or phq4."),
    (QUESTIONNAIRE, "instruments:\n  phq4: {columns: \"Q1_{item}\"}\n", "", 1, "instruments: a questionnaire names at least one, other kinds none."),
    (ROSTER, "columns:", "instruments: {phq4: {columns: \"Q{item}\"}}\ncolumns:", 6, "instruments: a questionnaire names at least one, other kinds none."),
    (QUESTIONNAIRE, "wave: {constant: baseline}\n", "", 1, "wave: a questionnaire says where its wave is found, other kinds not."),
    (ROSTER, "columns:", "wave: {constant: baseline}\ncolumns:", 6, "wave: a questionnaire says where its wave is found, other kinds not."),
    (QUESTIONNAIRE, "{constant: baseline}", "{}", 6, "wave: give exactly one of `constant`, `column`, `suffixes` or `windows`."),
    (QUESTIONNAIRE, "{constant: baseline}", "{constant: baseline, column: Wave}", 6, "wave: give exactly one of `constant`, `column`, `suffixes` or `windows`."),
    (QUESTIONNAIRE, "{constant: baseline}", "{constant: baseline, values: {Start: baseline}}", 6, "wave.values: `values` explain a column; name it with `column`, or take them out."),
    (QUESTIONNAIRE, "{constant: baseline}", "{constant: basline}", 6, "wave.constant: basline is not one that the programme file declares; perhaps `baseline` is meant."),
    (QUESTIONNAIRE, "{constant: baseline}", "{column: Wave, values: {Start: baseline, Week 9: week_9}}", 6, "wave.values.Week 9: week_9 is not one that the programme file declares; it may be baseline, session_5, session_7, session_10, follow_up_3m, follow_up_6m or follow_up_12m."),
    (WIDE, "post: session_10", "post: baseline", 6, "wave.suffixes: two suffixes stand for one wave; give each wave one."),
    (WIDE, "post: session_10", "post: session_11", 6, "wave.suffixes.post: session_11 is not one that the programme file declares; perhaps `session_10` is meant."),
    (WIDE, "_{wave}\"", "\"", 8, "instruments.phq4.columns: {wave} stands in `columns` exactly when `wave` gives `suffixes`."),
    (WIDE, "\"Q1_{item}_{wave}\"", "[\"a_{wave}\", \"b_{wave}\", \"c_{wave}\", \"d\"]", 8, "instruments.phq4.columns: {wave} stands in `columns` exactly when `wave` gives `suffixes`."),
    (QUESTIONNAIRE, "{item}", "{item}_{wave}", 8, "instruments.phq4.columns: {wave} stands in `columns` exactly when `wave` gives `suffixes`."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 2026-01-05, to: 2026-02-01}}}", 6, "wave.windows: windows need the day of each response; name completed_on under `columns`."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 2026-01-05, to: 2025-02-01}}}", 6, "wave.windows.baseline.to: `to` lies before `from`; write the earlier day as `from`."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 2026-02-30, to: 2026-03-01}}}", 6, "wave.windows.baseline.from: a day is expected here, such as 2026-09-30."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 05/01/2026, to: 2026-03-01}}}", 6, "wave.windows.baseline.from: a day is expected here, such as 2026-09-30."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 20260105, to: 2026-03-01}}}", 6, "wave.windows.baseline.from: write the day as 2026-01-05, with hyphens."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 2026-01-05}}}", 6, "wave.windows.baseline.to: it is missing: the last day, such as 2026-02-01."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {baseline: {from: 2026-01-05, until: 2026-02-01}}}", 6, "wave.windows.baseline.until: there is no such field; it may be from or to."),
    (QUESTIONNAIRE, "{constant: baseline}", "\n  windows:\n    baseline: {from: 2026-01-05, to: 2026-02-01}\n    session_5: {from: 2026-02-01, to: 2026-03-31}", 9, "wave.windows.session_5: the days of session_5 begin before those of baseline end; a day belongs to one wave."),
    (QUESTIONNAIRE, "{constant: baseline}", "{windows: {start: {from: 2026-01-05, to: 2026-02-01}}}\ncolumns: {completed_on: Done}", 6, "wave.windows.start: start is not one that the programme file declares; it may be baseline, session_5, session_7, session_10, follow_up_3m, follow_up_6m or follow_up_12m."),
    (QUESTIONNAIRE, "participant: number", "participant: number\ncolumns: {rank: Grade}", 6, "columns.rank: rank is not a field of kind questionnaire; it may be arm, gender, completed_on or duration_seconds."),
    (QUESTIONNAIRE, "participant: number", "participant: number\ncolumns: {complete_on: Done}", 6, "columns.complete_on: complete_on is not a field of kind questionnaire; perhaps `completed_on` is meant."),
    (QUESTIONNAIRE, "participant: number", "participant: number\ncolumns: {completed_on: \"Done_{wave}\"}", 6, "columns.completed_on: {wave} is for wide files, whose `wave` gives `suffixes`."),
    (QUESTIONNAIRE, "participant: number", "participant: number\ncolumns: {completed_on: \"Done_{item}\"}", 6, "columns.completed_on: {item} is for the columns of an instrument."),
    (QUESTIONNAIRE, "participant: number", "participant: number\ncolumns: {completed_on: \"#0\"}", 6, "columns.completed_on: columns are counted from 1, as in #1."),
    (QUESTIONNAIRE, "participant: number", "participant: \"#0\"", 5, "participant: columns are counted from 1, as in #1."),
    (ATTENDANCE, ", attended: Came", "", 6, "columns: kind attendance needs attended; name its column."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}\n", "", 1, "columns: kind attendance needs session_number; name its column."),
    (DEPARTURES, "departed_on: Left, ", "", 6, "columns: kind departures needs departed_on; name its column."),
    (ROSTER, "columns:", "values: {gender: {X: other}}\ncolumns:", 6, "values.gender: gender is not among this mapping's columns."),
    (ROSTER, "columns:", "values: {enrolled_on: {Monday: 2026-01-05}}\ncolumns:", 6, "values.enrolled_on: cells of enrolled_on are no words; take the entry out."),
    (ROSTER, "columns:", "values: {rank: {T/DS: serrgeannt}}\ncolumns:", 6, "values.rank.T/DS: rank cannot mean serrgeannt; perhaps `sergeant` is meant."),
    (ROSTER, "columns:", "values: {rank: sergeant}\ncolumns:", 6, "values.rank: entries such as `key: value` are expected here, indented below it."),
    (DEPARTURES, "columns:", "values: {departure_kind: {Retired: left}}\ncolumns:", 6, "values.departure_kind.Retired: departure_kind cannot mean left; it may be left_organisation or withdrew."),
    (ATTENDANCE, "columns:", "values: {attended: {Sick: absent}}\ncolumns:", 6, "values.attended.Sick: attended cannot mean absent; it may be 0, 1, false, no, true or yes."),
    (ROSTER, "columns: {", "values: {arm: {Later: waiting}}\ncolumns: {arm: Arm, ", 6, "values.arm.Later: waiting is not one that the programme file declares; perhaps `waiting-list` is meant."),
    (ROSTER, "columns:", "date_format: dd/mm/yyyy\ncolumns:", 6, "date_format: write it with percent signs, as in %d/%m/%Y, or auto."),
    (ROSTER, "columns:", "date_format: \"%d/%m/%Y %Q\"\ncolumns:", 6, "date_format: %Q is no code; %d, %m and %Y are expected."),
    (ROSTER, "columns:", "date_format: \"%d/%m\"\ncolumns:", 6, "date_format: it has no year; %d, %m and %Y are expected."),
    (ROSTER, "cumbria", "cumbira", 1, "organisation: cumbira is neither in the reference list nor declared under `organisations` in programme.yaml; perhaps `cumbria` is meant."),
    (ROSTER, "cumbria", "narnia", 1, "organisation: narnia is neither in the reference list nor declared under `organisations` in programme.yaml."),
    (ROSTER, "cumbria", "essex-vru", 1, "home_force: a violence reduction unit's source says which force its officers are of."),
    (ROSTER, "columns:", "home_force: cumbira\ncolumns:", 6, "home_force: cumbira is not a force that is known; perhaps `cumbria` is meant."),
    (ROSTER, "columns:", "home_force: {column: Force, values: {A: essex-vru}}\ncolumns:", 6, "home_force.values.A: essex-vru is not a force that is known; perhaps `essex` is meant."),
    (ROSTER, "columns:", "home_force: {values: {A: essex}}\ncolumns:", 6, "home_force.column: it is missing: the column's heading, or `#3` for the third column."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}", "sessions: {columns: Session}", 6, "sessions.columns: {session} is needed where the session's number stands, as in Session {session}."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}", "sessions: {columns: {one: Session 1}}", 6, "sessions.columns.one: a whole number is expected here, such as 14."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}", "sessions: {columns: {1: Session 1, 11: Session 11}}", 6, "sessions.columns.11: 11 is not one of the programme's 10 sessions."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}", "sessions: {dates: {1: 2026-01-05}}", 6, "sessions.columns: it is missing: a column name with `{session}` for the session's number, or number -> column name."),
    (ATTENDANCE, "columns: {session_number: No, attended: Came}", "sessions: {columns: \"S{session}\", dates: {1: 2026-13-05}}", 6, "sessions.dates.1: a day is expected here, such as 2026-09-30."),
    (ATTENDANCE, "columns:", "sessions: {columns: \"S{session}\"}\ncolumns:", 7, "columns.session_number: session_number is what a session's own column says."),
    (ROSTER, "columns:", "sessions: {columns: \"S{session}\"}\ncolumns:", 6, "sessions: only a register of attendance has a column a session."),
    (DEPARTURES, "departed_on", "new_number: To, departed_on", 6, "columns: new_force and new_number are given together; a number is one officer's only within a force."),
    (DEPARTURES, "columns: {", "values: {new_force: {Narnia Police: narnia}}\ncolumns: {new_force: Force, new_number: To, ", 6, "values.new_force.Narnia Police: narnia is not a force that is known; see docs/mappings.md for the words."),
    (ROSTER, "rank: Grade", "joined_on: Since, service_years: Years", 6, "columns.joined_on: give service_years or joined_on, not both."),
    (ROSTER, "rank: Grade, enrolled_on: Joined", "joined_on: Since", 6, "columns.joined_on: it needs enrolled_on, the day up to which service counts."),
]
# fmt: on


@pytest.mark.parametrize("sound", [QUESTIONNAIRE, WIDE, ROSTER, ATTENDANCE, DEPARTURES])
def test_the_mappings_in_which_slips_are_made_are_sound(sound: str, programme: Programme) -> None:
    assert parse_mapping(sound, "m.yaml", programme).organisation == "cumbria"


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip[2][:40])
def test_a_slip_is_one_sentence_with_its_line_and_a_remedy(
    slip: tuple[str, str, str, int, str], programme: Programme
) -> None:
    sound, there, put, line, sentence = slip
    assert there in sound
    with pytest.raises(UnusableConfiguration) as refused:
        parse_mapping(sound.replace(there, put, 1), "m.yaml", programme)
    assert str(refused.value) == f"m.yaml line {line}: {sentence}"
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_there_are_many_different_sentences() -> None:
    assert len({sentence for *_, sentence in SLIPS}) >= 90
