"""Slips in a programme file, each with the exact sentence: what it names, the line, what to do.

A row is one slip: a sound programme in which one text is replaced by another.
"""
# ruff: noqa: E501 - a table is read a row a line.

import pytest

from pipeline.programme import UnusableConfiguration, parse_programme

SOUND = """\
programme: small
title: A small programme
instruments: [proqol5]
primary: {instrument: proqol5, subscale: burnout, from_wave: baseline, to_wave: session_10}
sessions: {planned: 10, days_between: 14}
waves:
  - {wave: baseline, due_after_days: 0, opens_days_before: 42}
  - wave: session_10
    due_after_days: 140
    opens_days_before: 14
    closes_days_after: 0
    not_held_by: [essex]
grace_days: 7
arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 140}]
organisations:
  - {organisation: study, name: A study, kind: other}
cohorts:
  - {organisation: kent, cohort: one, starts_on: 2026-01-05}
  - {organisation: kent, cohort: all, starts_on: 2026-02-02}
duplicates: first_complete
identifiers: {forces: {kent: {prefixes: [PC]}}}
thresholds: {quarantined_hold: 0.3}
baseline_sd: {proqol5: {burnout: 5.2}}
contacts: [{organisation: kent, name: Simulated Contact, email: contact@simulated.invalid}]
"""

# fmt: off
SLIPS = [
    ("title: A small", "title: @A small", 2, "this is not valid YAML; text that begins with %, @ or ` needs quotes, as in \"%d/%m/%Y\"."),
    ("title: A small", "title: Small: a", 2, "this is not valid YAML; text with a colon and a space in it needs quotes around it."),
    ("[proqol5]", "[proqol5", 3, "this is not valid YAML; a bracket or brace that opens here never closes."),
    ("title: A small", "\ttitle: A small", 2, "this is not valid YAML; a tab stands where only spaces may; indent with spaces."),
    ("title: A small programme\n", "title: A\ntitle: B\n", 3, "`title` stands twice, in line 2 too; keep one of them."),
    ("grace_days: 7\n", "---\ngrace_days: 7\n", 13, "this is not valid YAML; a file holds one document; take out the line `---`."),
    ("title:", "titel:", 2, "titel: there is no such field; perhaps `title` is meant."),
    ("title: A small programme\n", "", 1, "title: it is missing: what reports call the evaluation."),
    ("title: A small programme", "title:", 2, "title: text is expected here, one word or line."),
    ("title: A small programme", "title: \"\"", 2, "title: it is empty; write something, or take the line out."),
    ("title: A small programme", "title: [A, B]", 2, "title: text is expected here, one word or line."),
    ("programme: small", "programme: Small Programme", 1, "programme: use small letters, digits, `_` and single hyphens, as in proqol-wave_1."),
    ("programme: small", "programme: sssssssssssssssssssssssssssssssssssssssssssssssssssssssssssss", 1, "programme: it is longer than 60 signs; choose a shorter one."),
    ("instruments: [proqol5]", "instruments: proqol5", 3, "instruments: a list is expected here, such as [one, two]."),
    ("instruments: [proqol5]", "instruments: []", 3, "instruments: the list is empty; write at least one entry."),
    ("instruments: [proqol5]", "instruments: [proqol]", 3, "instruments.0: proqol is not an instrument that Muster has; perhaps `proqol5` is meant."),
    ("instruments: [proqol5]", "instruments: [gad7]", 3, "instruments.0: gad7 is not an instrument that Muster has; it may be phq4, proqol5 or pss10."),
    ("instruments: [proqol5]", "instruments: [proqol5]\nthemes: [a, b, a]", 4, "themes.2: a is listed twice; keep one of them."),
    ("instruments: [proqol5]", "instruments: [proqol5, proqol5]", 3, "instruments.1: proqol5 is listed twice; keep one of them."),
    ("instruments: [proqol5]", "instruments: [phq4]", 4, "primary.instrument: proqol5 is not among the programme's instruments; it may be phq4."),
    ("subscale: burnout", "subscale: burn_out", 4, "primary.subscale: proqol5 has no subscale burn_out; perhaps `burnout` is meant."),
    ("subscale: burnout, ", "", 4, "primary.subscale: it is missing: the subscale of that questionnaire."),
    ("from_wave: baseline", "from_wave: basline", 4, "primary.from_wave: basline is not one of the waves; perhaps `baseline` is meant."),
    ("to_wave: session_10", "to_wave: session_11", 4, "primary.to_wave: session_11 is not one of the waves; perhaps `session_10` is meant."),
    ("to_wave: session_10", "to_wave: baseline", 4, "primary.to_wave: baseline does not come after baseline, which is from_wave; name a later wave."),
    ("from_wave: baseline, to_wave: session_10", "from_wave: session_10, to_wave: baseline", 4, "primary.to_wave: baseline does not come after session_10, which is from_wave; name a later wave."),
    ("primary: {instrument", "primary: burnout\n#{instrument", 4, "primary: entries such as `key: value` are expected here, indented below it."),
    ("planned: 10", "planned: ten", 5, "sessions.planned: a whole number is expected here, such as 14."),
    ("planned: 10", "planned: -1", 5, "sessions.planned: at least 0 is expected here."),
    ("planned: 10", "planned: 100000", 5, "sessions.planned: at most 60 is expected here."),
    ("days_between: 14", "days_between: 0", 5, "sessions.days_between: at least 1 is expected here."),
    ("days_between: 14", "every: 14", 5, "sessions.every: there is no such field; it may be planned or days_between."),
    ("wave: session_10\n", "wave: Session 10\n", 8, "waves.1.wave: use small letters, digits, `_` and single hyphens, as in proqol-wave_1."),
    ("wave: session_10\n", "wave: baseline\n", 8, "waves.1.wave: baseline is another wave's name already; choose another."),
    ("wave: session_10\n", "wave: dropout\n", 8, "waves.1.wave: dropout is what tables call another stage; choose another name."),
    ("    due_after_days: 140\n", "", 8, "waves.1.due_after_days: it is missing: how many days after the cohort's first session it falls due."),
    ("due_after_days: 140", "due_after_days: week 20", 9, "waves.1.due_after_days: a whole number is expected here, such as 14."),
    ("due_after_days: 140", "due_after_days: 14.5", 9, "waves.1.due_after_days: a whole number is expected here, such as 14."),
    ("due_after_days: 140", "due_after_days: 1000000", 9, "waves.1.due_after_days: at most 36500 is expected here."),
    ("due_after_days: 140", "due_after_days: 0", 9, "waves.1.due_after_days: session_10 falls due on the same day as baseline; each wave needs a day of its own."),
    ("due_after_days: 140", "due_after_days: -7", 9, "waves.1.due_after_days: session_10 falls due before baseline, which stands above it; list waves in the order in which they fall due."),
    ("opens_days_before: 14\n", "opens_days_before: -14\n", 10, "waves.1.opens_days_before: at least 0 is expected here."),
    ("opens_days_before: 14\n", "opens_days_before: 182\n", 10, "waves.1.opens_days_before: session_10 would open no later than baseline, the wave before it; write at most 181 here, or let baseline open earlier."),
    ("opens_days_before: 14\n", "opens_before: 14\n", 10, "waves.1.opens_before: there is no such field; perhaps `opens_days_before` is meant."),
    ("due_after_days: 140", "due_after_days: 20", 11, "waves.1.closes_days_after: session_10 would close no later than baseline, the wave before it; write at least 9 here, or let baseline close earlier."),
    ("due_after_days: 0, opens", "due_after_days: 0, closes_days_after: 200, opens", 11, "waves.1.closes_days_after: session_10 would close no later than baseline, the wave before it; write at least 61 here, or let baseline close earlier."),
    ("    not_held_by: [essex]\n", "    not_held_by: [essex]\n    follow_up: later\n", 13, "waves.1.follow_up: true or false is expected here."),
    ("    not_held_by: [essex]\n", "    not_held_by: [essex]\n    grace_days: -1\n", 13, "waves.1.grace_days: at least 0 is expected here."),
    ("    not_held_by: [essex]\n", "    not_held_by: [essex]\n    grace_days: a week\n", 13, "waves.1.grace_days: a whole number is expected here, such as 14."),
    ("    not_held_by: [essex]\n", "    not_held_by: [essex]\n    grace_days: 5000\n", 13, "waves.1.grace_days: at most 3650 is expected here."),
    ("[essex]", "essex", 12, "waves.1.not_held_by: a list is expected here, such as [one, two]."),
    ("[essex]", "[essx]", 12, "waves.1.not_held_by.0: essx is neither in the reference list nor declared under `organisations`; perhaps `essex` is meant."),
    ("[essex]", "[narnia]", 12, "waves.1.not_held_by.0: narnia is neither in the reference list nor declared under `organisations`."),
    ("[essex]", "[essex, kent, essex]", 12, "waves.1.not_held_by.2: essex is listed twice; keep one of them."),
    ("grace_days: 7", "grace_days: -7", 13, "grace_days: at least 0 is expected here."),
    ("grace_days: 7", "grace_day: 7", 13, "grace_day: there is no such field; perhaps `grace_days` is meant."),
    ("[programme, {arm", "[programme, Programme, {arm", 14, "arms.1: Programme is another arm's name already; choose another."),
    ("[programme, {arm", "[programme, All, {arm", 14, "arms.1: `all` is what tables call the total; choose another name."),
    ("[programme, {arm", "[{arm", 14, "arms.0.role: officers of whom no arm is known are put into the first one; list one of role programme first."),
    ("[programme, {arm", "[the programme, {arm", 14, "arms.0: use letters, digits, `_` and hyphens, as in Waiting-list_2."),
    ("arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 140}]", "arms: []", 14, "arms: the list is empty; write at least one entry."),
    ("arms: [programme, {arm: waiting_list, role: waiting_list, begins_after_days: 140}]", "arms: programme", 14, "arms: a list is expected here, such as [one, two]."),
    ("arm: waiting_list, role", "arm: programme, role", 14, "arms.1: programme is another arm's name already; choose another."),
    ("{arm: waiting_list, role", "{name: waiting_list, role", 14, "arms.1.name: there is no such field; it may be arm, role or begins_after_days."),
    ("arm: waiting_list, role: waiting_list", "role: waiting_list", 14, "arms.1.arm: it is missing: what rosters and tables call the group."),
    ("role: waiting_list", "role: waitlist", 14, "arms.1.role: `waitlist` is not known; perhaps `waiting_list` is meant."),
    ("role: waiting_list", "role: control", 14, "arms.1.role: `control` is not known; it may be programme, comparison or waiting_list."),
    ("role: waiting_list", "role: comparison", 14, "arms.1.begins_after_days: a comparison group holds no sessions that could begin; take the entry out, or write role: waiting_list."),
    (", begins_after_days: 140", "", 14, "arms.1.role: a waiting list begins later than the others; write begins_after_days, or role: comparison if it never does."),
    ("begins_after_days: 140", "begins_after_days: soon", 14, "arms.1.begins_after_days: a whole number is expected here, such as 14."),
    ("begins_after_days: 140", "begins_after_days: -140", 14, "arms.1.begins_after_days: at least 0 is expected here."),
    ("kind: other", "kind: club", 16, "organisations.0.kind: `club` is not known; it may be police_force, violence_reduction_unit or other."),
    ("kind: other", "kind: force", 16, "organisations.0.kind: `force` is not known; it may be police_force, violence_reduction_unit or other."),
    ("{organisation: study,", "{organisation: all,", 16, "organisations.0.organisation: `all` is what tables call the total; choose another name."),
    ("{organisation: study, name: A study, kind: other}", "{organisation: study, name: A study, kind: other}\n  - {organisation: study, name: Another, kind: other}", 17, "organisations.1.organisation: study is declared twice; keep one of them."),
    ("{organisation: kent, cohort: one", "{organisation: knet, cohort: one", 18, "cohorts.0.organisation: knet is neither in the reference list nor declared under `organisations`; perhaps `kent` is meant."),
    ("[{organisation: kent, name", "[{organisation: narnia, name", 24, "contacts.0.organisation: narnia is neither in the reference list nor declared under `organisations`."),
    ("contacts: [{", "contacts: [{organisation: kent, name: B, email: b@simulated.invalid}, {", 24, "contacts.1.organisation: kent has two contacts, and reminders go to one person only."),
    ("name: Simulated Contact", "name: \"\"", 24, "contacts.0.name: it is empty; write something, or take the line out."),
    (", email: contact@simulated.invalid", "", 24, "contacts.0.email: it is missing: where reminders are sent."),
    ("{organisation: kent, cohort: one", "{organisation: narnia, cohort: one", 18, "cohorts.0.organisation: narnia is neither in the reference list nor declared under `organisations`."),
    ("cohort: all,", "cohort: one,", 19, "cohorts.1.cohort: cohort one of kent is declared twice; keep one of them."),
    ("cohort: all,", "", 19, "cohorts.1.cohort: it is missing: what rosters call the cohort."),
    ("2026-01-05", "2026-02-30", 18, "cohorts.0.starts_on: a day is expected here, such as 2026-09-30."),
    ("2026-01-05", "05/01/2026", 18, "cohorts.0.starts_on: a day is expected here, such as 2026-09-30."),
    ("2026-01-05", "20260105", 18, "cohorts.0.starts_on: write the day as 2026-01-05, with hyphens."),
    ("2026-01-05", "1767571200.0", 18, "cohorts.0.starts_on: write the day as 2026-01-05, with hyphens."),
    ("2026-01-05", "2026-01-05 09:30", 18, "cohorts.0.starts_on: a day is expected here, such as 2026-09-30."),
    ("2026-01-05", "0206-01-05", 18, "cohorts.0.starts_on: 206 cannot be meant; a year from 2000 to 2099 is expected."),
    ("2026-01-05", "1926-01-05", 18, "cohorts.0.starts_on: 1926 cannot be meant; a year from 2000 to 2099 is expected."),
    ("2026-01-05", "2206-01-05", 18, "cohorts.0.starts_on: 2206 cannot be meant; a year from 2000 to 2099 is expected."),
    ("duplicates: first_complete", "duplicates: best", 20, "duplicates: `best` is not known; it may be first_complete, last or most_complete."),
    ("duplicates: first_complete", "duplicates: first", 20, "duplicates: `first` is not known; it may be first_complete, last or most_complete."),
    ("duplicates: first_complete", "early_response_days: -1", 20, "early_response_days: at least 0 is expected here."),
    ("duplicates: first_complete", "prorate: sometimes", 20, "prorate: true or false is expected here."),
    ("duplicates: first_complete", "limits: {rows: 0}", 20, "limits.rows: at least 1 is expected here."),
    ("duplicates: first_complete", "limits: {file_megabytes: 2GB}", 20, "limits.file_megabytes: a whole number is expected here, such as 14."),
    ("{forces: {kent", "{forces: {knet", 21, "identifiers.forces.knet: knet is neither in the reference list nor declared under `organisations`; perhaps `kent` is meant."),
    ("{forces: {kent", "{force: {kent", 21, "identifiers.force: there is no such field; perhaps `forces` is meant."),
    ("{kent: {prefixes: [PC]}}", "{kent: {prefixes: PC}}", 21, "identifiers.forces.kent.prefixes: a list is expected here, such as [one, two]."),
    ("quarantined_hold: 0.3", "quarantined_hold: 30%", 22, "thresholds.quarantined_hold: a number is expected here, such as 0.25."),
    ("quarantined_hold: 0.3", "quarantined_hold: 30", 22, "thresholds.quarantined_hold: at most 1 is expected here."),
    ("quarantined_hold: 0.3", "quarantined_hold: 0.9", 22, "thresholds.quarantined_hold: quarantined_reject (0.6) is less than quarantined_hold (0.9); limits must not fall from warn to hold to reject."),
    ("quarantined_hold: 0.3", "quarantined_hold: 0.3, quarantined_reject: 0.1", 22, "thresholds.quarantined_reject: quarantined_reject (0.1) is less than quarantined_hold (0.3); limits must not fall from warn to hold to reject."),
    ("quarantined_hold: 0.3", "quarantined_warn: 0.3", 22, "thresholds.quarantined_warn: quarantined_hold (0.25) is less than quarantined_warn (0.3); limits must not fall from warn to hold to reject."),
    ("burnout: 5.2", "burnout: 0", 23, "baseline_sd.proqol5.burnout: more than 0 is expected here."),
    ("burnout: 5.2", "burnout: .inf", 23, "baseline_sd.proqol5.burnout: a number is expected here, such as 0.25."),
    ("burnout: 5.2", "burnout: inf", 23, "baseline_sd.proqol5.burnout: a number is expected here, such as 0.25."),
    ("burnout: 5.2", "joy: 5.2", 23, "baseline_sd.proqol5.joy: proqol5 has no subscale joy; it may be compassion_satisfaction, burnout or secondary_traumatic_stress."),
    ("{proqol5: {burnout: 5.2}}", "{gad7: {total: 5.2}}", 23, "baseline_sd.gad7: gad7 is not an instrument that Muster has; it may be phq4, proqol5 or pss10."),
    ("{proqol5: {burnout: 5.2}}", "{proqol5: 5.2}", 23, "baseline_sd.proqol5: entries such as `key: value` are expected here, indented below it."),
    ("programme: small", "- small", 2, "this is not valid YAML; check indentation and quotes here and above."),
]
# fmt: on


def test_the_programme_in_which_slips_are_made_is_sound() -> None:
    assert parse_programme(SOUND).wave_names == ("baseline", "session_10")


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip[1][:40])
def test_a_slip_is_one_sentence_with_its_line_and_a_remedy(slip: tuple[str, str, int, str]) -> None:
    there, put, line, sentence = slip
    assert there in SOUND
    with pytest.raises(UnusableConfiguration) as refused:
        parse_programme(SOUND.replace(there, put, 1))
    assert str(refused.value) == f"programme.yaml line {line}: {sentence}"
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_there_are_many_different_sentences() -> None:
    assert len({sentence for *_, sentence in SLIPS}) >= 80
