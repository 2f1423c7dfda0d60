"""Waves that are due and overdue, in counts that managers may see.

What stays out: who the officers are; `muster remind` writes that for one person.
"""

from pipeline.desk.answers import Answer, Page, Visit
from pipeline.status import follow_up_of


def show(visit: Visit) -> Answer:
    organisation = visit.asked("organisation")
    with visit.desk.snapshot() as snapshot:
        found = follow_up_of(snapshot.build(), snapshot.follow_up_due())
    return Page(
        "overdue.html",
        {
            "found": found,
            "organisations": sorted({wave.organisation for wave in found.waves}),
            "organisation": organisation,
            "waves": [w for w in found.waves if organisation in (None, w.organisation)],
        },
    )
