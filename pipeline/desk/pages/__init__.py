"""The pages of the desk: one module a subject, and the one list of all of them.

What belongs here: what each page asks for and puts on record. What stays out: HTTP, sessions and
tokens (`pipeline/desk/app.py`), HTML (`templates/`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from pipeline.desk.answers import Answer, Visit
from pipeline.desk.pages import links, overdue, releases, submissions, texts, today, trail
from pipeline.vocabulary import Role


@dataclass(frozen=True, slots=True)
class Place:
    """An address, who may go there, and what it shows (`get`) or puts on record (`post`)."""

    path: str
    role: Role
    get: Callable[[Visit], Answer] | None
    post: Callable[[Visit], Answer] | None = None


_ONE = "/submissions/{submission}"

PAGES: tuple[Place, ...] = (
    Place("/", Role.VIEWER, today.show),
    Place("/submissions", Role.VIEWER, submissions.show_list),
    Place(_ONE, Role.VIEWER, submissions.show_one),
    Place(f"{_ONE}/accept", Role.STEWARD, submissions.ask_to_accept, submissions.accept_it),
    Place(f"{_ONE}/return", Role.STEWARD, submissions.ask_to_return, submissions.return_it),
    Place(
        f"{_ONE}/rows/{{row:int}}/waive",
        Role.STEWARD,
        submissions.ask_to_waive,
        submissions.waive_it,
    ),
    Place(f"{_ONE}/pack", Role.STEWARD, None, submissions.hand_out_a_pack),
    Place("/links", Role.VIEWER, links.show_list),
    Place("/links/{pair}", Role.STEWARD, links.show_one, links.judge_it),
    Place("/texts", Role.STEWARD, texts.show_counts),
    Place("/texts/next", Role.STEWARD, texts.show_next),
    Place("/texts/{text}", Role.STEWARD, texts.show_one, texts.judge_it),
    Place("/overdue", Role.VIEWER, overdue.show),
    Place("/trail", Role.VIEWER, trail.show),
    Place("/releases", Role.VIEWER, releases.show, releases.ask),
    Place("/releases/{release}/approve", Role.RELEASER, releases.show_request, releases.approve),
)
