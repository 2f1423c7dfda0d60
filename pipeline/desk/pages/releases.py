"""Releases: asking for one, and a second person approving it.

What stays out: making it (`muster release make`), and who may approve what
(`pipeline/approvals.py`).
"""

from collections.abc import Sequence

from pipeline.approvals import Request, approval, request, requests_of
from pipeline.desk.answers import Answer, Elsewhere, NotFound, Page, Refused, Stale, Visit
from pipeline.entries import Entry
from pipeline.vocabulary import EntryKind, Role

_KINDS = (EntryKind.RELEASE_ASKED, EntryKind.RELEASE_APPROVED)
_DONE = {
    "asked": "Asked for. Another person with the role releaser has to approve it.",
    "approved": "Approved. Whoever runs Muster can make the release now.",
}


def show(visit: Visit) -> Answer:
    made = visit.desk.releases()
    names = {each.name for each in made}
    with visit.desk.snapshot() as snapshot:
        as_of = snapshot.as_of()
    open_requests = [r for r in _requests(visit).values() if r.release not in names]
    return Page(
        "releases.html",
        {
            "made": list(reversed(made)),
            "requests": open_requests,
            "as_of": as_of,
            "may_ask": visit.may(Role.RELEASER),
            "needs_two": visit.desk.programme.releases_need_two,
            "done": _DONE.get(visit.query.get("done", "")),
        },
    )


def ask(visit: Visit) -> Answer:
    if not visit.may(Role.RELEASER):
        raise Refused("Releases are asked for by an account with the role releaser.")
    name, why = visit.said("release"), visit.said("reason")
    if any(each.name == name for each in visit.desk.releases()):
        raise Refused("There is a release of that name already; choose another.")
    with visit.desk.snapshot() as snapshot:
        as_of = snapshot.as_of()
    if str(as_of) != visit.said("as_of"):
        raise Stale([f"A run has ended since. The warehouse is now as of {as_of}."], "/releases")
    act = request(name, as_of, asked_by=visit.account.name, reason=why)

    def nobody_asked(entries: Sequence[Entry]) -> None:
        known = requests_of(entries).get(name)
        if known is not None and known.as_of == as_of:
            raise Stale(
                [f"{known.asked_by} has asked for it already, as of {known.as_of}."], "/releases"
            )

    visit.desk.enter(act, nobody_asked)
    return Elsewhere("/releases?done=asked")


def show_request(visit: Visit) -> Answer:
    found = _request(visit)
    return Page(
        "release.html",
        {
            "request": found,
            "is_own": found.is_by(visit.account.name),
            "needs_two": visit.desk.programme.releases_need_two,
        },
    )


def approve(visit: Visit) -> Answer:
    found = _request(visit)
    act = approval(found, approved_by=visit.account.name, reason=visit.said("reason"))
    shown = visit.said("version")

    def must_be_as_shown(entries: Sequence[Entry]) -> None:
        now = requests_of(entries).get(found.release)
        if now is None or now.version != shown:
            raise Stale(_changes(now), "/releases")

    must_be_as_shown(visit.desk.entries(*_KINDS))
    visit.desk.enter(act, must_be_as_shown)
    return Elsewhere("/releases?done=approved")


def _requests(visit: Visit) -> dict[str, Request]:
    return requests_of(visit.desk.entries(*_KINDS))


def _request(visit: Visit) -> Request:
    found = _requests(visit).get(visit.path["release"])
    if found is None:
        raise NotFound
    return found


def _changes(now: Request | None) -> list[str]:
    if now is None:
        return ["Nobody asks for it any more."]
    if now.approved_by:
        return [f"{now.approved_by} has approved it already."]
    return [f"{now.asked_by} has asked for it anew, as of {now.as_of}."]
