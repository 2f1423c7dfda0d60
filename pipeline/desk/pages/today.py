"""The first page: what waits for whom, in counts, and the files that have waited longest.

What stays out: each subject's own page.
"""

from pipeline.desk.answers import Answer, Page, Visit
from pipeline.desk.charts import Bar, bars
from pipeline.desk.pages.links import OPEN
from pipeline.storage.desk_queries import Aged, Sought
from pipeline.vocabulary import CommentState

_LISTED = 6


def show(visit: Visit) -> Answer:
    desk = visit.desk
    with desk.snapshot() as snapshot:
        decided = desk.decided(snapshot)
        sought = Sought(waiting=True)
        found = snapshot.submissions(sought, decided.on_the_whole, limit=_LISTED)
        ages = snapshot.ages(decided.on_the_whole, desk.now())
        texts = sum(
            row["texts"]
            for row in snapshot.comment_counts()
            if row["state"] == CommentState.WAITING
        )
        context = {
            "as_of": snapshot.as_of(),
            "waiting": sum(aged.submissions for aged in ages),
            "expired": snapshot.expired(),
            "links": snapshot.count_links(OPEN),
        }
    return Page(
        "today.html",
        {
            **context,
            "texts": texts,
            "unheard": len(decided.unheard),
            "listed": [
                {**row, "days": max((desk.today - row["received_at"].date()).days, 0)}
                for row in found
            ],
            "ages": bars([Bar(_band(aged), aged.submissions) for aged in ages]),
            "title_of_programme": desk.programme.title,
            "is_simulated": desk.home.holds_simulation(),
        },
    )


def _band(aged: Aged) -> str:
    if aged.days_to is None:
        return f"{aged.days_from} days or more"
    return f"{aged.days_from} to {aged.days_to} days"
