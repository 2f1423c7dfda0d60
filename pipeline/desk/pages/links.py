"""Codes that may be one officer's: which pairs wait, and saying whether they are.

What stays out: what may be said (`pipeline/review_links.py`).
"""

from collections.abc import Sequence
from urllib.parse import quote

from pipeline.desk.answers import Answer, Elsewhere, NotFound, Page, Refused, Stale, Visit
from pipeline.desk.paging import PER_PAGE, Pager, page_asked
from pipeline.entries import Entry
from pipeline.privacy.linkage import Judged, judgements
from pipeline.review_links import CodePair, code_pairs, judge
from pipeline.storage.desk_queries import Snapshot
from pipeline.vocabulary import EntryKind, LinkJudgement, LinkStatus

OPEN = frozenset({LinkStatus.OPEN.value, LinkStatus.CONTRADICTED.value})
_WHOSE = {LinkJudgement.LINK: "one officer's", LinkJudgement.PART: "two officers'"}
_DONE = {
    "link": "Put on record: one officer's. The next run links them.",
    "part": "Put on record: two officers'. The next run keeps them apart.",
}


def show_list(visit: Visit) -> Answer:
    wanted = visit.asked("show") or "waiting"
    statuses = OPEN if wanted == "waiting" else {status.value for status in LinkStatus}
    with visit.desk.snapshot() as snapshot:
        pager = Pager(page_asked(visit.query), snapshot.count_links(statuses), visit.query)
        frame = snapshot.links(statuses, limit=PER_PAGE, offset=pager.offset)
    heard = visit.desk.heard_links()
    entries = visit.desk.entries(EntryKind.LINK_JUDGED)
    return Page(
        "links.html",
        {
            "pairs": code_pairs(frame, [*LinkStatus]),
            "pager": pager,
            "show": wanted,
            "unheard": sum(entry.entry not in heard for entry in entries),
            "done": _DONE.get(visit.query.get("done", "")),
        },
    )


def show_one(visit: Visit) -> Answer:
    with visit.desk.snapshot() as snapshot:
        pair = _pair(snapshot, visit.path["pair"])
    said = _said_of(pair, _judged(visit, visit.desk.entries(EntryKind.LINK_JUDGED)))
    return Page("link.html", {"pair": pair, "said": said, "version": _version(pair, said)})


def judge_it(visit: Visit) -> Answer:
    try:
        says = LinkJudgement(visit.said("says"))
    except ValueError:
        raise Refused("Say whether the codes are one officer's or two officers'.") from None
    if not visit.said("reason"):
        raise Refused("Say why; whoever reads the figures later will ask.")
    with visit.desk.snapshot() as snapshot:
        pair = _pair(snapshot, visit.path["pair"])
    carried_on = visit.desk.pseudonymiser().carried_on

    def must_be_as_shown(entries: Sequence[Entry]) -> None:
        judged = judgements([e for e in entries if e.kind == EntryKind.LINK_JUDGED], carried_on)
        said = _said_of(pair, judged)
        if _version(pair, said) != visit.said("version"):
            changes = [f"A steward said that they are {_WHOSE[each.says]}." for each in said]
            raise Stale([*changes, _now(pair)], f"/links/{quote(pair.pair, safe='')}")

    entries = visit.desk.entries(EntryKind.LINK_JUDGED)
    must_be_as_shown(entries)
    act = judge(
        pair,
        says,
        steward=visit.account.name,
        reason=visit.said("reason"),
        before=judgements(entries, carried_on),
    )
    visit.desk.enter(act, must_be_as_shown)
    return Elsewhere(f"/links?done={says.value}")


def _pair(snapshot: Snapshot, name: str) -> CodePair:
    found = code_pairs(snapshot.link(name), [*LinkStatus])
    if not found:
        raise NotFound
    return found[0]


def _judged(visit: Visit, entries: Sequence[Entry]) -> Sequence[Judged]:
    """What was said of pairs, under the newest key; no key is asked for where nothing was said."""
    return judgements(entries, visit.desk.pseudonymiser().carried_on) if entries else []


def _said_of(pair: CodePair, judged: Sequence[Judged]) -> list[Judged]:
    names = {pair.code_id, pair.other_code_id}
    return [each for each in judged if {*each.pair} == names]


def _version(pair: CodePair, said: Sequence[Judged]) -> str:
    newest = said[-1].says.value if said else "nothing"
    return f"{len(said)}-{newest}-{pair.status.value}"


def _now(pair: CodePair) -> str:
    return f"The pair is now {pair.status.value}: {pair.status.meaning}"
