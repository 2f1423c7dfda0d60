"""Deciding at the desk: what goes on record, and what is answered where something has changed."""

import html
import threading
from datetime import timedelta

import pytest
from desk_home import (
    BEFORE,
    FORCE,
    HELD,
    NOW,
    PAIR,
    REJECTED,
    WARNED,
    Browser,
    Served,
    add_account,
    hidden,
    publish_again,
    put_texts,
    row,
    said,
    submission,
    usual_rows,
)

from pipeline import tables
from pipeline.approvals import requests_of
from pipeline.desk.state import Desk
from pipeline.quality.comments import JUDGED, judgements_of
from pipeline.quality.decisions import Ruling
from pipeline.review import FILE_IS_GONE
from pipeline.status import waiting_for_a_steward
from pipeline.storage.desk_queries import Snapshot, Snapshots, Sought
from pipeline.vocabulary import DecisionAction, EntryKind, Role

ACCEPT, RETURN = f"/submissions/{HELD}/accept", f"/submissions/{HELD}/return"
WAIVE = f"/submissions/{WARNED}/rows/4/waive"
UNTIL = str((NOW + timedelta(days=30)).date())


@pytest.fixture
def other(served: Served):
    with served.browser("b.steward") as browser:
        yield browser


def actions(served: Served) -> list[tuple[str, str, str]]:
    found = served.home.stewardship.decisions()
    return [(d.action.value, d.steward, d.reason) for d in found]


def test_a_file_is_found_looked_at_and_accepted(served: Served, steward: Browser) -> None:
    assert f"{FORCE}, roster" in said(steward.get("/"))
    assert HELD in steward.get("/submissions").text
    page = said(steward.get(f"/submissions/{HELD}"))
    assert "far fewer rows than the one before it" in page
    assert "participant key missing" in page
    done = steward.fill(ACCEPT, reason=" the force\n explained it ")
    assert "counts from the next run on" in said(steward.follow(done))
    assert actions(served) == [("accept", "a.steward", "the force explained it")]
    after = said(steward.get(f"/submissions/{HELD}"))
    assert "Waiting for the next run." in after
    assert HELD not in steward.get("/submissions").text, "it waits for nobody any more"
    assert HELD in steward.get("/submissions?show=decided").text

    publish_again(served.home, usual_rows())
    assert "Waiting for the next run." not in said(steward.get(f"/submissions/{HELD}"))
    assert HELD not in steward.get("/submissions?show=decided").text


def test_each_decision_is_undone_by_the_other(served: Served, steward: Browser) -> None:
    for path in (RETURN, ACCEPT, RETURN):
        assert steward.fill(path, reason="asked again").status_code == 303
    assert [act for act, *_ in actions(served)] == ["return", "accept", "return"]


@pytest.mark.parametrize("reason", ["", "   ", "\n", "x" * 501])
def test_a_decision_needs_a_reason(served: Served, steward: Browser, reason: str) -> None:
    assert steward.fill(ACCEPT, reason=reason).status_code == 422
    assert actions(served) == []


@pytest.mark.parametrize(
    ("name", "act", "sentence"),
    [
        (WARNED, "accept", "counts already"),
        (REJECTED, "accept", "rejects it, which no decision can change"),
        ("no--such--thing", "accept", "no page of that address"),
    ],
)
def test_what_cannot_be_decided_is_said_before_anybody_writes_a_reason(
    steward: Browser, name: str, act: str, sentence: str
) -> None:
    answer = steward.get(f"/submissions/{name}/{act}")
    assert answer.status_code in {404, 422}
    assert sentence in said(answer)


def test_a_row_is_waived_only_while_its_file_lies_there(
    served: Served, steward: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = steward.fill(WAIVE, reason="it is right", until=UNTIL)
    assert FILE_IS_GONE in said(gone)
    assert actions(served) == []
    monkeypatch.setattr(Desk, "file_is_there", lambda *_: True)
    done = steward.fill(WAIVE, reason="it is right", until=UNTIL)
    assert done.status_code == 303
    (decision,) = served.home.stewardship.decisions()
    assert (decision.row_number, decision.rule) == (4, "too_many_unanswered")
    assert str(decision.until) == UNTIL


@pytest.mark.parametrize("until", ["", "soon", "2025-03-01", "2024-01-01"])
def test_a_waiver_ends_on_a_later_day(served: Served, steward: Browser, until: str) -> None:
    assert steward.fill(WAIVE, reason="it is right", until=until).status_code == 422
    assert actions(served) == []


def test_rules_that_cannot_be_waived_are_not_offered(steward: Browser) -> None:
    page = steward.get(f"/submissions/{WARNED}?rule=wave_unknown").text
    assert "rows/70" not in page
    answer = steward.get(f"/submissions/{WARNED}/rows/70/waive")
    assert answer.status_code == 422
    assert "cannot be waived" in said(answer)


# ------------------------------------------------------------------- two at once, and stale


def test_a_page_that_somebody_else_overtook_says_what_changed(
    served: Served, steward: Browser, other: Browser
) -> None:
    form = {**hidden(steward.get(RETURN)), "reason": "send it again"}
    assert other.fill(ACCEPT, reason="it is the whole force").status_code == 303
    answer = steward.post(RETURN, form)
    assert answer.status_code == 409
    assert "b.steward accepted it on" in said(answer)
    assert "it is the whole force" in said(answer)
    assert [act for act, *_ in actions(served)] == ["accept"]


def test_of_two_who_decide_in_one_moment_one_is_told_of_the_other(
    served: Served, steward: Browser, other: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have looked, and neither has written: the store itself lets one through."""
    forms = {
        steward: {**hidden(steward.get(RETURN)), "reason": "send it again"},
        other: {**hidden(other.get(ACCEPT)), "reason": "explained"},
    }
    record, together = Desk.record, threading.Barrier(2, timeout=30)

    def at_once(desk: Desk, rulings: list[Ruling], must_hold: object) -> None:
        together.wait()
        record(desk, rulings, must_hold)

    monkeypatch.setattr(Desk, "record", at_once)
    answers = {}

    def decide(browser: Browser, path: str) -> None:
        answers[path] = browser.post(path, forms[browser])

    threads = [
        threading.Thread(target=decide, args=(steward, RETURN)),
        threading.Thread(target=decide, args=(other, ACCEPT)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(a.status_code for a in answers.values()) == [303, 409]
    assert len(actions(served)) == 1


def test_a_submission_that_was_replaced_meanwhile(served: Served, steward: Browser) -> None:
    form = {**hidden(steward.get(ACCEPT)), "reason": "explained"}
    newer = f"{FORCE}--roster--000000000009"
    rows = usual_rows()
    rows[tables.SUBMISSIONS][1]["replaced_by"] = newer
    rows[tables.SUBMISSIONS].append(submission(newer))
    publish_again(served.home, rows)
    answer = steward.post(ACCEPT, form)
    assert answer.status_code == 409
    assert f"The newer file {newer} has replaced it" in said(answer)
    assert actions(served) == []
    assert "decide about that one" in said(steward.get(ACCEPT))


def test_a_verdict_that_a_run_changed(served: Served, steward: Browser) -> None:
    form = {**hidden(steward.get(RETURN)), "reason": "send it again"}
    rows = usual_rows()
    rows[tables.SUBMISSIONS][1].update(verdict="accepted", reason=None)
    publish_again(served.home, rows)
    answer = steward.post(RETURN, form)
    assert answer.status_code == 409
    assert "The submission is now accepted." in said(answer)
    assert actions(served) == []


@pytest.mark.parametrize("version", ["", "x", "1", "-1-ab", "9" * 30 + "-ab"])
def test_a_form_without_a_version_is_not_taken(
    served: Served, steward: Browser, version: str
) -> None:
    form = {**hidden(steward.get(ACCEPT)), "reason": "explained", "version": version}
    assert steward.post(ACCEPT, form).status_code == 422
    assert actions(served) == []


# ------------------------------------------------------------------------------- escaping


@pytest.mark.parametrize(
    "reason",
    [
        '<script>alert("x")</script>',
        "=HYPERLINK('http://x')",
        '"><img src=x onerror=y>',
        "{{ 7*7 }}",
    ],
)
def test_a_reason_is_shown_as_it_was_written_and_does_nothing(
    steward: Browser, reason: str
) -> None:
    assert steward.fill(RETURN, reason=reason).status_code == 303
    for path in (f"/submissions/{HELD}", "/trail"):
        page = steward.get(path)
        assert "<script" not in page.text
        assert "<img src=x" not in page.text
        assert "49" not in said(page).split("returned")[-1][:40]

    assert (
        html.escape(reason, quote=True).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")
        in steward.get("/trail").text
    )


# --------------------------------------------------------------------- links, texts, releases


def test_a_pair_of_codes_is_judged(served: Served, steward: Browser, other: Browser) -> None:
    path = f"/links/{PAIR}"
    assert "4 of 6 elements are the same" in said(steward.get("/links"))
    stale = {**hidden(other.get(path)), "says": "part", "reason": "two, they say"}
    assert steward.fill(path, says="", reason="x").status_code == 422
    assert steward.fill(path, says="link", reason="").status_code == 422
    done = steward.fill(path, says="link", reason="the facilitator asked the group")
    assert "1 judgement waits for the next run" in said(steward.follow(done))
    answer = other.post(path, stale)
    assert answer.status_code == 409
    assert "A steward said that they are one officer&#39;s" in said(answer)
    again = steward.fill(path, says="link", reason="again")
    assert again.status_code == 422
    (entry,) = served.home.stewardship.entries(EntryKind.LINK_JUDGED)
    assert entry.body["judgement"] == "link"
    assert steward.get("/links/nowhere").status_code == 404


def judged(served: Served) -> dict[str, tuple[bool, tuple[str, ...], tuple[tuple[int, int], ...]]]:
    entries = served.home.stewardship.entries(*JUDGED)
    found = judgements_of(entries, served.home.pseudonymiser())
    return {name: (j.approved, j.themes, j.spans) for name, j in found.items()}


def test_texts_are_read_one_at_a_time_and_more_of_them_covered(
    served: Served, steward: Browser
) -> None:
    first = steward.follow(steward.get("/texts/next"))
    path = str(first.url.path)
    assert "Canaryname" in first.text
    form = {**hidden(first), "judgement": "approve", "cover": ["2", "4", "5"], "theme": "groups"}
    done = steward.post(path, form)
    (found,) = judged(served).values()
    assert found == (True, ("groups",), ((4, 14), (18, 27)))
    second = steward.follow(steward.follow(done))
    assert "nothing to add" in said(second).replace("  ", " ")
    assert (
        steward.post(str(second.url.path), {**hidden(second), "judgement": "reject"}).status_code
        == 422
    )
    form = {**hidden(second), "judgement": "reject", "reason": "it says nothing"}
    done = steward.post(str(second.url.path), form)
    assert done.status_code == 303
    assert steward.get("/texts/next").headers["location"] == "/texts"
    store = (served.home.root / "stewardship.sqlite").read_bytes()
    assert b"Canaryname" not in store
    again = steward.get(path)
    assert again.text.count("checked") == 4, "what was chosen before is chosen still"


def test_a_text_that_reads_otherwise_by_now(served: Served, steward: Browser) -> None:
    path = steward.get("/texts/next").headers["location"]
    form = {**hidden(steward.get(path)), "judgement": "approve"}
    put_texts(served.home, "another", text="more", digest="other")
    answer = steward.post(path, form)
    assert answer.status_code == 409
    assert "It reads otherwise by now" in said(answer)
    assert judged(served) == {}


def test_a_text_that_somebody_else_judged_meanwhile(
    served: Served, steward: Browser, other: Browser
) -> None:
    path = steward.get("/texts/next").headers["location"]
    form = {**hidden(steward.get(path)), "judgement": "approve"}
    other.fill(path, judgement="reject", reason="a place that everybody knows")
    answer = steward.post(path, form)
    assert answer.status_code == 409
    assert "b.steward rejected it on" in said(answer)
    assert [approved for approved, *_ in judged(served).values()] == [False]


def ask_for(served: Served, name: str = "2025-spring") -> None:
    with served.browser("a.releaser") as browser:
        assert browser.fill("/releases", release=name, reason="for the board").status_code == 303


def test_a_second_person_approves_a_release(served: Served) -> None:
    ask_for(served)
    path = "/releases/2025-spring/approve"
    with served.browser("a.releaser") as own:
        assert "You asked for it yourself" in said(own.get(path))
        token = hidden(own.get("/account"))["token"]
        version = next(iter(requests_of(served.home.stewardship.entries()).values())).version
        form = {"token": token, "version": version, "reason": "I say so"}
        assert own.post(path, form).status_code == 422
    with served.browser("b.releaser") as second:
        stale = {**hidden(second.get(path)), "reason": "looked at it"}
        assert second.fill(path, reason="").status_code == 422
        done = second.fill(path, reason="purpose and files looked at")
        assert "approved by b.releaser" in said(second.follow(done))
        assert second.post(path, stale).status_code == 409
    with served.browser("a.steward") as steward:
        assert steward.get(path).status_code == 403
    (asked,) = requests_of(served.home.stewardship.entries()).values()
    assert (asked.asked_by, asked.approved_by) == ("a.releaser", "b.releaser")


def test_one_person_with_two_spellings_is_no_second_person(served: Served) -> None:
    ask_for(served)
    entries = served.home.stewardship.entries()
    (asked,) = requests_of(entries).values()
    assert asked.is_by("A.Releaser")


def test_a_release_is_asked_for_once_a_day(served: Served) -> None:
    ask_for(served)
    with served.browser("b.releaser") as second:
        answer = second.fill("/releases", release="2025-spring", reason="me too")
        assert answer.status_code == 409
        assert second.fill("/releases", release="../x", reason="y").status_code == 422
        form = hidden(second.get("/releases"))
        rows = usual_rows()
        rows[tables.BUILD][0]["as_of"] = (NOW + timedelta(days=1)).date()
        publish_again(served.home, rows)
        late = second.post("/releases", {**form, "release": "other", "reason": "y"})
        assert late.status_code == 409
        assert "now as of 2025-03-02" in said(late)


# ---------------------------------------------------------------------------------- lists


def test_a_page_fetches_no_more_than_it_shows(
    served: Served, steward: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = usual_rows()
    rows[tables.SUBMISSIONS] = [
        submission(f"{FORCE}--answers--{n:012x}", received_at=NOW.replace(tzinfo=None))
        for n in range(60)
    ]
    rows[tables.QUARANTINE] = [
        row(f"{FORCE}--answers--{0:012x}", number) for number in range(2, 2_000)
    ]
    publish_again(served.home, rows)
    fetched = []
    fetch = Snapshot.rows

    def counting(snapshot: Snapshot, *asked: object) -> list[dict[str, object]]:
        found = fetch(snapshot, *asked)
        fetched.append(len(found))
        return found

    monkeypatch.setattr(Snapshot, "rows", counting)
    listed = steward.get("/submissions?show=all&page=3")
    assert listed.text.count('scope="row"') == 10
    assert "Page 3 of 3" in said(listed)
    one = steward.get(f"/submissions/{FORCE}--answers--{0:012x}?page=50")
    assert "1,961" not in said(one)
    assert "Page 50 of 100" in said(one)
    assert max(fetched) <= 25
    for page in ("0", "-1", "x", "9" * 40):
        assert steward.get(f"/submissions?page={page}").status_code == 200


def test_filters_narrow_the_list(steward: Browser) -> None:
    def listed(query: str) -> set[str]:
        page = steward.get(f"/submissions?{query}").text
        return {name for name in (HELD, BEFORE, WARNED, REJECTED) if f"/{name}" in page}

    assert listed("") == {HELD, REJECTED}
    assert listed("show=all") == {HELD, BEFORE, WARNED, REJECTED}
    assert listed("show=all&verdict=held") == {HELD}
    assert listed("show=all&kind=roster") == {HELD, BEFORE}
    assert listed("show=all&organisation=nowhere") == set()
    assert listed("show=all&verdict=%27%20OR%201=1--") == {HELD, BEFORE, WARNED, REJECTED}


def test_what_waits_is_what_the_command_line_says(served: Served) -> None:
    every = served.home.warehouse
    snapshots = Snapshots(every)
    with snapshots.newest() as snapshot:
        frame = snapshot.frame("SELECT * FROM quality.submissions")
        found = {r["submission_id"] for r in snapshot.submissions(Sought(waiting=True), limit=99)}
    assert found == set(waiting_for_a_steward(frame)["submission_id"]) == {HELD, REJECTED}
    snapshots.close()


def test_overdue_counts_are_rough(viewer: Browser) -> None:
    page = said(viewer.get("/overdue"))
    assert "under 10 15 under 10" in page
    assert " 13 " not in page


def test_the_trail_has_everything_newest_first(served: Served, steward: Browser) -> None:
    steward.fill(RETURN, reason="send it again")
    ask_for(served)
    page = said(steward.get("/trail")).partition("Why")[2]
    assert page.index("release asked") < page.index("send it again") < page.index("account opened")
    only = said(steward.get("/trail?about=return"))
    assert "send it again" in only
    assert "2025-spring" not in only
    assert "Nothing like that" in said(steward.get("/trail?by=nobody"))
    assert "argon2" not in steward.get("/trail").text


def test_a_new_snapshot_is_read_without_a_restart(served: Served, steward: Browser) -> None:
    assert "2 submissions wait" in said(steward.get("/"))
    rows = usual_rows()
    rows[tables.SUBMISSIONS] = rows[tables.SUBMISSIONS][:2]
    for _ in range(3):
        publish_again(served.home, rows)
        assert "1 submission waits" in said(steward.get("/"))


def test_an_account_added_while_the_desk_runs_may_sign_in(served: Served) -> None:
    add_account(served.home, "late.comer", Role.VIEWER)
    with served.browser("late.comer") as browser:
        assert browser.get("/").status_code == 200


def test_what_was_decided_on_the_command_line_is_seen(served: Served, steward: Browser) -> None:
    form = {**hidden(steward.get(RETURN)), "reason": "send it again"}
    ruling = Ruling(
        submission_id=HELD, action=DecisionAction.ACCEPT, steward="typed", reason="by hand"
    )
    served.home.stewardship.record([ruling], NOW)
    assert "by hand" in said(steward.get(f"/submissions/{HELD}"))
    assert steward.post(RETURN, form).status_code == 409
