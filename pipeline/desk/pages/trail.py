"""The audit trail: who decided what, when and why, newest first.

What stays out: pseudonyms and texts, which some entries point to.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from pipeline.desk.answers import Answer, Page, Visit
from pipeline.desk.paging import PER_PAGE, Pager, page_asked
from pipeline.storage.stewardship import OnRecord
from pipeline.vocabulary import AccountAct, DecisionAction, EntryKind


def _about_text(body: Mapping[str, Any]) -> str:
    judged = "approved" if body["approved"] else "rejected"
    more = ", with more covered" if body["approved"] and body["spans"] else ""
    return f"{body['question']}, {judged}{more}"


_ABOUT: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    EntryKind.RELEASED: lambda body: f"{body['release']}, as of {body['as_of']}",
    EntryKind.RELEASE_ASKED: lambda body: f"{body['release']}, as of {body['as_of']}",
    EntryKind.RELEASE_APPROVED: (
        lambda body: f"{body['release']}, as of {body['as_of']}, asked for by {body['asked_by']}"
    ),
    EntryKind.PACK_WRITTEN: lambda body: str(body["submission_id"]),
    EntryKind.NOTICE_SENT: lambda body: f"{len(body['submissions'])} files",
    EntryKind.REMINDED: lambda body: f"{body['organisation']}, as of {body['as_of']}",
    EntryKind.LINK_JUDGED: (
        lambda body: "one officer's codes" if body["judgement"] == "link" else "two officers' codes"
    ),
    EntryKind.TEXT_JUDGED: _about_text,
    EntryKind.PACK_WRITTEN: lambda body: str(body["submission_id"]),
    EntryKind.KEY_RECORDED: lambda body: f"key {body['version']}",
    EntryKind.KEY_ROTATED: lambda body: f"key {body['version']}",
}
"""What of the body of a kind is shown; of kinds that are not named here, nothing is."""


def show(visit: Visit) -> Answer:
    about, by = visit.asked("about"), visit.asked("by")
    page = page_asked(visit.query)
    # One line more than is shown says whether there is another page.
    found = visit.desk.trail(about, by, PER_PAGE + 1, (page - 1) * PER_PAGE)
    pager = Pager(page, None, visit.query, more=len(found) > PER_PAGE)
    return Page(
        "trail.html",
        {
            "lines": [(line, about_of(line)) for line in found[:PER_PAGE]],
            "pager": pager,
            "about": about,
            "by": by,
            "acts": [*DecisionAction, *EntryKind, *AccountAct],
        },
    )


def about_of(line: OnRecord) -> str:
    """What an act was about, as anybody with an account may see it."""
    if line.account is not None:
        return f"{line.account}, {line.role}" if line.role else line.account
    if line.row_number is not None:
        return f"row {line.row_number}, {line.rule}, until {line.until}"
    shown = _ABOUT.get(line.act)
    try:
        return shown(line.body) if shown else ""
    except KeyError:
        # An entry of an earlier version may lack what later ones say.
        return ""
