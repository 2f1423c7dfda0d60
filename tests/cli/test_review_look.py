"""The `muster review` commands that only look: what is there, for a reader and for a script."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from smtp_server import mail_server

from pipeline import cli, tables
from pipeline.entries import Act
from pipeline.storage.home import Home
from pipeline.storage.warehouse import read_table
from pipeline.vocabulary import EntryKind, LinkJudgement

WHY = ("--reason", "the force explained it")


def told(muster: Any, *arguments: str) -> Any:
    said = muster("review", *arguments, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_submissions_are_counted_by_verdict_and_age_and_listed(
    muster, reviewed: Path, names: dict[str, str]
) -> None:
    found = told(muster, "submissions")
    assert found["by_verdict"] == {"accepted": 1, "held": 2, "rejected": 1}
    assert found["in_all"] == 4
    assert [age["submissions"] for age in found["waiting_by_days"]] == [3, 0, 0, 0]
    assert {each["submission_id"] for each in found["submissions"]} == {*names.values()}
    said = muster("review", "submissions", "--verdict", "held", "--limit", "1")
    assert "In force: 1 accepted, 2 held, 1 rejected" in said.out
    assert "Waiting for a steward: 3 for 0 to 1 days" in said.out
    assert said.out.count("simulated-force-01--answers--") == 1
    assert "… and 1 more" in said.out
    muster("review", "return", names["odd"], *WHY)
    assert told(muster, "submissions")["waiting_by_days"][0]["submissions"] == 2


def test_rows_are_listed_by_number_and_rule(muster, reviewed: Path, names: dict[str, str]) -> None:
    found = told(muster, "rows", names["odd"])
    assert [(r["row_number"], r["rule"]) for r in found["rows"]] == [
        (5, "too_many_unanswered"),
        (6, "too_many_unanswered"),
        (6, "wave_unknown"),
    ]
    assert all("participant_id" not in row for row in found["rows"])
    some = told(muster, "rows", names["odd"], "--rule", "wave_unknown", "--limit", "1")
    assert (some["rows_in_all"], len(some["rows"])) == (1, 1)
    said = muster("review", "rows", names["odd"], "--skip", "1", "--limit", "1")
    assert said.out.startswith("row      6  reject  open      too_many_unanswered")
    assert "… and 1 more" in said.out


def test_a_file_is_set_beside_the_one_before_it(muster, reviewed: Path) -> None:
    # All were received at one moment: the order of arrival tells them apart.
    arrived = read_table(Home(reviewed).warehouse, tables.SUBMISSIONS).sort("place")
    first, second, *_ = arrived["submission_id"]
    assert arrived["place"].to_list() == [1, 2, 3, 4]
    assert arrived["received_at"].n_unique() == 1
    alone = muster("review", "compare", first)
    assert alone.code == cli.Exit.UNUSABLE
    assert "first file of its source" in alone.err
    found = told(muster, "compare", second)
    assert (found["submission_id"], found["before"]) == (second, first)
    lines = {line["name"]: line for line in found["lines"]}
    assert {"Rows read", "Rows in quarantine"} <= {*lines}
    shown = muster("review", "compare", second)
    assert f"before: {first}" in shown.out
    assert "Rows in quarantine" in shown.out


def test_decisions_are_listed_with_what_no_run_has_heard(
    muster, reviewed: Path, names: dict[str, str]
) -> None:
    assert muster("review", "decisions").out == "Nothing was decided.\n"
    muster("review", "accept", names["odd"], *WHY)
    muster("review", "return", names["good"], *WHY)
    every = told(muster, "decisions")
    assert [(each["action"], each["waits_for_the_next_run"]) for each in every] == [
        ("accept", True),
        ("return", True),
    ]
    (own,) = told(muster, "decisions", names["good"][-12:])
    assert own["submission_id"] == names["good"]
    shown = muster("review", "decisions", names["odd"])
    assert f"{names['odd']}: accept: the force explained it. Waits for the next" in shown.out
    assert muster("review", "decisions", "nonesuch").code == cli.Exit.UNUSABLE


def test_the_trail_says_who_did_what_and_why_and_shows_no_pseudonym(
    muster, reviewed: Path, names: dict[str, str]
) -> None:
    muster("review", "accept", names["odd"], *WHY)
    judged = {"codes": ["v1-abc", "v1-def"], "judgement": LinkJudgement.LINK.value}
    act = Act(kind=EntryKind.LINK_JUDGED, steward="other", reason="same person", body=judged)
    Home(reviewed).stewardship.enter([act], datetime.now(UTC))
    newest, decided, *_ = told(muster, "trail")
    assert (newest["by"], newest["act"], newest["reason"]) == (
        "other",
        "link_judged",
        "same person",
    )
    assert (decided["by"], decided["act"]) == ("data.steward", "accept")
    assert decided["submission_id"] == names["odd"]
    shown = muster("review", "trail")
    assert f"data.steward  accept ({names['odd']}): the force explained it" in shown.out
    assert "v1-" not in shown.out + json.dumps(told(muster, "trail"))
    assert [line["act"] for line in told(muster, "trail", "--by", "other")] == ["link_judged"]
    assert [line["act"] for line in told(muster, "trail", "--about", "accept")] == ["accept"]
    assert "Nothing of that kind" in muster("review", "trail", "--about", "waive").out
    wrong = muster("review", "trail", "--about", "acept")
    assert (wrong.code, "perhaps `accept` is meant" in wrong.err) == (cli.Exit.UNUSABLE, True)


def test_overdue_waves_are_counted_roughly(muster, reviewed: Path) -> None:
    assert told(muster, "overdue") == json.loads(muster("status", "--overdue", "--json").out)
    assert muster("review", "overdue").out.startswith("As of 2025-03-01")


def test_it_is_said_who_is_told_by_mail_and_tried(muster, reviewed: Path) -> None:
    assert "there is no notices.yaml" in muster("review", "notices").out
    with mail_server() as server:
        (reviewed / "notices.yaml").write_text(
            f"{{host: localhost, port: {server.port}, tls: none, from: m@force.example, "
            "to: [s@force.example]}"
        )
        said = muster("review", "notices", "--test")
    assert said.out.splitlines() == [
        "1 recipients are told by mail; of 0 files they were.",
        "Sent a test; the server refused 0 recipients.",
    ]
    assert "Subject: Muster: a test" in server.mails[0]
    failed = muster("review", "notices", "--test")
    assert failed.code == cli.Exit.UNUSABLE
    assert "The test was not sent: the mail server cannot be reached." in failed.err


@pytest.mark.parametrize("command", ["submissions", "rows", "compare", "overdue", "decisions"])
def test_before_the_first_run_there_is_nothing_to_look_at(command: str, muster, home: Path) -> None:
    assert muster("init").code == 0
    given = ["x"] if command in {"rows", "compare"} else []
    said = muster("review", command, *given)
    assert said.code == cli.Exit.UNUSABLE
    assert "`muster run` makes it" in said.err


def test_contracts_are_written_as_pages(muster, reviewed: Path) -> None:
    said = muster("review", "docs")
    assert said.code == 0, said.err
    page = (reviewed / "contracts" / "questionnaire_phq4.html").read_text("utf-8")
    assert "not_too_many_rows_quarantined (0.4)" in page
