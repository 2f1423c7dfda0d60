"""Free texts: how many wait, and reading one at a time.

What stays out: what may be judged (`pipeline/review_comments.py`). No text is logged, kept or put
on record; a page that shows one is not stored by browsers either.
"""

from collections.abc import Sequence
from urllib.parse import urlencode

from pipeline.desk.answers import Answer, Elsewhere, NotFound, Page, Refused, Stale, Visit
from pipeline.desk.state import Texts
from pipeline.entries import Entry
from pipeline.quality.comments import JUDGED, Judgement, judgements_of
from pipeline.review import NotPossible
from pipeline.review_comments import Text, counted, find_text, judgement, next_waiting, spans_of
from pipeline.vocabulary import CommentState

_DONE = {
    "approved": "Approved. It is in core.comments from the next run on.",
    "rejected": "Rejected. It is in no table.",
}
_LONGEST_NAME = 16


def show_counts(visit: Visit) -> Answer:
    texts = visit.desk.texts()
    counts: dict[str, dict[str, int]] = {}
    for each in counted(texts.frame) if texts else []:
        counts.setdefault(each.organisation, {})[each.state] = each.texts
    return Page(
        "texts.html",
        {
            "looked": texts is not None,
            "counts": counts,
            "states": [*CommentState],
            "waiting": sum(n.get(CommentState.WAITING, 0) for n in counts.values()),
            "done": _DONE.get(visit.query.get("done", "")),
        },
    )


def show_next(visit: Visit) -> Answer:
    """The text that has waited longest, of one organisation or of all."""
    organisation, done = visit.asked("organisation"), visit.asked("done")
    texts = _texts(visit)
    found = next_waiting(texts.frame, organisation)
    kept = {"organisation": organisation, "done": done}
    query = urlencode({name: value for name, value in kept.items() if value})
    path = f"/texts/{found.comment_id}" if found else "/texts"
    return Elsewhere(f"{path}?{query}" if query else path)


def show_one(visit: Visit) -> Answer:
    texts = _texts(visit)
    text = _text(visit, texts)
    judged = judgements_of(visit.desk.entries(*JUDGED), texts.pseudonymiser).get(text.comment_id)
    of_it = counted(texts.frame)
    return Page(
        "text.html",
        {
            "text": text,
            "judged": judged,
            "covered": _covered_words(text, judged),
            "themes": visit.desk.programme.themes,
            "version": _version(judged),
            "organisation": visit.asked("organisation"),
            "left": sum(c.texts for c in of_it if c.state == CommentState.WAITING),
            "done": _DONE.get(visit.query.get("done", "")),
        },
    )


def judge_it(visit: Visit) -> Answer:
    texts = _texts(visit)
    text = _text(visit, texts)
    approved = {"approve": True, "reject": False}.get(visit.said("judgement"))
    if approved is None:
        raise Refused("Say whether the text is approved or rejected.")
    reason = visit.said("reason")
    if not approved and not reason:
        raise Refused("Say why it is rejected, without a word of the text.")

    def must_be_as_shown(entries: Sequence[Entry]) -> None:
        found = judgements_of(entries, texts.pseudonymiser).get(text.comment_id)
        if _version(found) != visit.said("version"):
            raise Stale(_changes(found), f"/texts/{text.comment_id}")

    must_be_as_shown(visit.desk.entries(*JUDGED))
    words = ",".join(visit.chosen("cover"))
    act = judgement(
        text,
        approved=approved,
        steward=visit.account.name,
        reason=reason,
        themes=_themes(visit) if approved else (),
        spans=spans_of(words, text) if approved and words else (),
    )
    visit.desk.enter(act, must_be_as_shown)
    kept = {"organisation": visit.said("organisation")}
    done = {"done": "approved" if approved else "rejected"}
    return Elsewhere("/texts/next?" + urlencode({k: v for k, v in {**kept, **done}.items() if v}))


def _texts(visit: Visit) -> Texts:
    found = visit.desk.texts()
    if found is None:
        raise NotFound
    return found


def _text(visit: Visit, texts: Texts) -> Text:
    name = visit.path["text"]
    if len(name) != _LONGEST_NAME:
        raise NotFound
    try:
        return find_text(name, texts.frame)
    except NotPossible:
        raise Stale(
            ["It reads otherwise by now, belongs to a file that was replaced, or was erased."],
            "/texts",
        ) from None


def _themes(visit: Visit) -> tuple[str, ...]:
    known = visit.desk.programme.themes
    return tuple(theme for theme in known if theme in visit.chosen("theme"))


def _covered_words(text: Text, judged: Judgement | None) -> frozenset[int]:
    """Numbers of the words that were covered when it was approved."""
    covered: set[int] = set()
    place = 0
    for number, word in text.words:
        start = text.text.index(word, place)
        place = start + len(word)
        if judged and any(first < place and start < last for first, last in judged.spans):
            covered.add(number)
    return frozenset(covered)


def _version(judged: Judgement | None) -> str:
    return "nothing" if judged is None else judged.judged_at.isoformat()


def _changes(judged: Judgement | None) -> list[str]:
    if judged is None:
        return ["What was judged of it does not hold any more."]
    what = "approved it" if judged.approved else "rejected it"
    return [f"{judged.steward} {what} on {judged.judged_at:%Y-%m-%d at %H:%M} (UTC)."]
