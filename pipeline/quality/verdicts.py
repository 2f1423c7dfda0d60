"""What becomes of each submission, and the accounting that proves no row was lost.

What belongs here: contract results, decisions and records -> verdicts; counts ->
`quality.submissions` and `quality.quarantine`. What stays out: thresholds and Great Expectations
(`checks/`), and what a steward may decide (`pipeline/review.py`).
"""

from collections.abc import Iterable, Sequence
from datetime import date

import polars as pl

from pipeline import tables
from pipeline.quality.decisions import WAIVERS, Decision, newest_on_submissions
from pipeline.quality.judgement import as_findings
from pipeline.quality.rules import STANDING_RULES
from pipeline.quality.standing import STANDING_FINDINGS
from pipeline.submissions import UNMAPPED, Record
from pipeline.vocabulary import DecisionAction, Delivery, QuarantineStatus, Severity, Verdict

VERDICTS = pl.Schema(
    {
        "submission_id": pl.String(),
        "verdict": pl.String(),
        "reason": pl.String(),
        "replaced_by": pl.String(),
        "decided_by": pl.String(),
        "failed_contract": pl.String(),
    }
)

CHECK_RESULTS = tables.CHECKS.frame_schema
"""What a judged contract says, in the columns of `quality.checks`."""

_COUNTING = frozenset({Verdict.ACCEPTED, Verdict.ACCEPTED_WITH_WARNINGS})
# The worst finding decides; a check that broke is worse than one that warns, and never bad data.
_ORDER = (Verdict.REJECTED, Verdict.HELD, Verdict.ACCEPTED_WITH_WARNINGS)
_STANDING = sorted(rule.name for rule in STANDING_RULES)
CONTRACT = "contract"
NOT_JUDGED = "has not been judged yet"
"""Said of a contract on which nothing can be decided before it was."""
RETURNED = "returned"
"""Stands where a rule or contract would: the rows of a file that a steward sent back."""


class AccountingError(Exception):
    """Rows were lost or counted twice: a defect of Muster, never of the data."""


def known_records(records: Iterable[Record], known_at: date | None = None) -> list[Record]:
    """Records received by a day, in the order of arrival.

    Left out are those whose bytes have since arrived under a source that takes them in: a file
    that waited for its mapping is not two submissions.
    """
    listed = [r for r in records if known_at is None or r.received_at.date() <= known_at]
    taken_in = {(r.sha256, r.source != UNMAPPED) for r in listed}
    return [r for r in listed if r.source != UNMAPPED or (r.sha256, True) not in taken_in]


def verdicts_of(
    records: Sequence[Record],
    checks: pl.DataFrame,
    expected: pl.DataFrame,
    decisions: Iterable[Decision] = (),
) -> pl.DataFrame:
    """One verdict a submission (VERDICTS).

    Args:
        records: submissions in the order in which they arrived.
        checks: CHECK_RESULTS.
        expected: submission_id and contract, one row for each contract that has to be judged.
        decisions: what stewards decided, in order; the newest on a submission is heard.

    A file whose very bytes count for another organisation is held, unless a steward lets it count.

    """
    judged = set(checks.select("submission_id", "contract").unique().iter_rows())
    missing = {
        submission_id: contract
        for submission_id, contract in expected.select("submission_id", "contract").iter_rows()
        if (submission_id, contract) not in judged
    }
    failures: dict[str, list[dict[str, str | bool | None]]] = {}
    for row in checks.filter(~pl.col("passed").fill_null(False)).iter_rows(named=True):
        failures.setdefault(row["submission_id"], []).append(row)
    decided = newest_on_submissions(decisions)
    rows = []
    counted: dict[str, Record] = {}
    for record in records:
        by_contract = _verdict(record, failures.get(record.submission_id, []), missing)
        first = counted.get(record.sha256, record)
        may_count = record.problem is None and record.submission_id not in missing
        if may_count and first.organisation != record.organisation:
            by_contract = _as_a_copy(by_contract, first)
        settled = _as_decided(by_contract, decided.get(record.submission_id), may_count)
        if settled[1] in _COUNTING:
            counted.setdefault(record.sha256, record)
        rows.append(settled)
    frame = pl.DataFrame(rows, schema=VERDICTS, orient="row")
    return _with_replacements(frame, records)


_Row = tuple[str | None, ...]


def _as_a_copy(by_contract: _Row, first: Record) -> _Row:
    """Whoever is in a file that two organisations sent would be two officers if both counted.

    It is said beside what a contract holds the file for: whoever accepts it overrules both.
    """
    submission_id, verdict, reason, _, _, contract = by_contract
    if verdict == Verdict.REJECTED:
        return by_contract
    copy = (
        f"the same file counts for {first.organisation} already, as {first.submission_id}; return "
        "the one that landed in the wrong folder, or accept this one if both are meant to count"
    )
    if verdict == Verdict.HELD:
        return (submission_id, verdict, f"{reason}; and {copy}", None, CONTRACT, contract)
    return (submission_id, Verdict.HELD, copy, None, CONTRACT, None)


def _as_decided(by_contract: _Row, decision: Decision | None, may_count: bool) -> _Row:
    """What a steward's decision makes of a verdict; one that cannot apply changes nothing.

    Accepting lets count what contracts hold, never what they reject, nor what nobody could read
    or has judged yet. Returning is always possible.
    """
    if decision is None:
        return by_contract
    submission_id, verdict = by_contract[:2]
    said = (decision.reason, None, decision.steward)
    if decision.action == DecisionAction.RETURN:
        return (submission_id, Verdict.REJECTED, *said, RETURNED)
    if decision.action == DecisionAction.ACCEPT and verdict == Verdict.HELD and may_count:
        return (submission_id, Verdict.ACCEPTED, *said, None)
    return by_contract


def _verdict(
    record: Record, failures: list[dict[str, str | bool | None]], missing: dict[str, str]
) -> _Row:
    submission_id = record.submission_id
    if record.problem is not None:
        return (submission_id, Verdict.HELD, record.problem, None, CONTRACT, None)
    if submission_id in missing:
        contract = missing[submission_id]
        reason = f"the contract {contract} {NOT_JUDGED}; run `muster run` again"
        return (submission_id, Verdict.HELD, reason, None, CONTRACT, contract)
    worst: tuple[int, dict[str, str | bool | None]] | None = None
    for failure in failures:
        verdict = Verdict.HELD if failure["passed"] is None else Verdict(str(failure["severity"]))
        rank = _ORDER.index(verdict)
        if worst is None or rank < worst[0]:
            worst = (rank, failure)
    if worst is None:
        return (submission_id, Verdict.ACCEPTED, None, None, CONTRACT, None)
    rank, failure = worst
    reason = (
        f"the check {failure['expectation']} of contract {failure['contract']} could not be "
        "carried out; this says nothing about the data"
        if failure["passed"] is None
        else str(failure["sentence"])
    )
    contract = f"{failure['contract']}.{failure['expectation']}"
    return (submission_id, _ORDER[rank], reason, None, CONTRACT, contract)


def _with_replacements(verdicts: pl.DataFrame, records: Sequence[Record]) -> pl.DataFrame:
    """Mark each submission of a cumulative source that a newer good one replaces."""
    verdict = dict(verdicts.select("submission_id", "verdict").iter_rows())
    newest: dict[tuple[str, str], str] = {}
    for record in records:
        if record.delivery == Delivery.CUMULATIVE and verdict[record.submission_id] in _COUNTING:
            newest[record.organisation, record.source] = record.submission_id
    place = {record.submission_id: i for i, record in enumerate(records)}
    replaced_by = []
    for record in records:
        newer = newest.get((record.organisation, record.source))
        is_older = newer is not None and place[newer] > place[record.submission_id]
        replaced_by.append(newer if is_older else None)
    return verdicts.with_columns(pl.Series("replaced_by", replaced_by, dtype=pl.String))


def good(verdicts: pl.DataFrame) -> pl.DataFrame:
    """Verdicts on submissions that count or would count, had a newer one not replaced them."""
    return verdicts.filter(pl.col("verdict").is_in(sorted(_COUNTING)))


def counting(verdicts: pl.DataFrame) -> list[str]:
    """Submissions whose accepted rows count, in the order given."""
    return good(verdicts).filter(pl.col("replaced_by").is_null())["submission_id"].to_list()


def submissions(
    records: Sequence[Record],
    verdicts: pl.DataFrame,
    standing_findings: pl.DataFrame,
    superseded: pl.DataFrame,
    accepted: pl.DataFrame,
    *,
    waivers: pl.DataFrame | None = None,
    let_in: pl.DataFrame | None = None,
    disappeared: pl.DataFrame | None = None,
    kept: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """`quality.submissions`, with the accounting checked; raises AccountingError.

    Args:
        records: submissions in the order in which they arrived.
        verdicts: VERDICTS.
        standing_findings: what rules across submissions found (STANDING_FINDINGS).
        superseded: submission_id and rows_superseded.
        accepted: submission_id and rows_accepted, counted from the rows that count, not derived,
            so that the sum proves something.
        waivers: WAIVERS in force.
        let_in: the quarantined rows that were judged across submissions because of them.
        disappeared: submission_id and rows_disappeared of the files that replaced others.
        kept: submission_id and rows_kept: sound rows of replaced files that were judged across
            submissions all the same, since their officers stopped collection.

    """
    kept_rows = {} if kept is None else dict(kept.iter_rows())
    gone = {} if disappeared is None else dict(disappeared.iter_rows())
    rejecting = standing_findings.filter(pl.col("severity") == Severity.REJECT)
    if waivers is not None:
        rejecting = rejecting.join(waivers, on=WAIVERS.names(), how="anti")
    rejected_later = _rows_by_submission(rejecting)
    freed = {} if let_in is None else _rows_by_submission(let_in)
    superseded_rows = dict(superseded.select("submission_id", "rows_superseded").iter_rows())
    accepted_rows = dict(accepted.select("submission_id", "rows_accepted").iter_rows())
    decided = {row["submission_id"]: row for row in verdicts.iter_rows(named=True)}
    rows = []
    for record in records:
        decision = decided[record.submission_id]
        counts: dict[str, int | None] = dict.fromkeys(
            ("accepted", "quarantined", "superseded", "held", "withdrawn")
        )
        if record.rows_read is not None:
            sound = record.rows_accepted or 0
            counts = {
                "accepted": 0,
                "quarantined": record.rows_quarantined or 0,
                "superseded": 0,
                "held": 0,
                "withdrawn": record.rows_withdrawn or 0,
            }
            if decision["replaced_by"] is None and decision["verdict"] == Verdict.HELD:
                counts["held"] = sound
            elif decision["replaced_by"] is None and decision["verdict"] == Verdict.REJECTED:
                counts["quarantined"] = sound + (record.rows_quarantined or 0)
            else:
                given_way = 0
                if decision["replaced_by"] is not None:
                    given_way = sound - kept_rows.get(record.submission_id, 0)
                counts["accepted"] = accepted_rows.get(record.submission_id, 0)
                counts["superseded"] = given_way + superseded_rows.get(record.submission_id, 0)
                counts["quarantined"] = (
                    (record.rows_quarantined or 0)
                    - freed.get(record.submission_id, 0)
                    + rejected_later.get(record.submission_id, 0)
                )
            total = sum(n or 0 for n in counts.values())
            if total != record.rows_read:
                raise AccountingError(
                    f"{record.submission_id}: {record.rows_read} rows read, {total} accounted for"
                )
        rows.append(
            {
                **record.model_dump(include=_KEPT),
                "received_at": record.received_at.replace(tzinfo=None),
                **{f"rows_{name}": n for name, n in counts.items()},
                "rows_disappeared": gone.get(record.submission_id),
                **{k: decision[k] for k in ("verdict", "reason", "replaced_by", "decided_by")},
            }
        )
    if not rows:
        return tables.SUBMISSIONS.empty()
    return tables.SUBMISSIONS.conform(pl.DataFrame(rows, infer_schema_length=None))


def _rows_by_submission(rows: pl.DataFrame) -> dict[str, int]:
    """How many rows of each submission there are, however many rules one of them broke."""
    each = (
        rows.unique([name for name in _ROW if name in rows.columns]).group_by("submission_id").len()
    )
    return dict(each.iter_rows())


_RESPONSE = ["submission_id", "row_number", "wave", "instrument"]
_ROW = [*_RESPONSE, "session_number"]
"""What tells one row from another: a wide file's row may hold several measurements."""

_KEPT = {
    "submission_id",
    "organisation",
    "source",
    "kind",
    "file_name",
    "sha256",
    "place",
    "rows_in_file",
    "rows_read",
}


def rejected_rows(verdicts: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Sound rows of rejected submissions as findings, under the contract that failed.

    `verdicts` is VERDICTS; `rows` are those that intake accepted, of one kind.
    """
    failed = rows.join(verdicts, on="submission_id", maintain_order="left")
    return as_findings(failed, pl.col("failed_contract"), pl.lit(None), Severity.REJECT)


def quarantine(
    findings: Sequence[pl.DataFrame],
    responses: pl.DataFrame,
    submissions: pl.DataFrame,
    *,
    ever_waived: pl.DataFrame | None = None,
    waivers: pl.DataFrame | None = None,
    let_in: pl.DataFrame | None = None,
    registers: pl.DataFrame | None = None,
    sources: pl.DataFrame | None = None,
) -> pl.DataFrame:
    """`quality.quarantine` from every finding (STANDING_FINDINGS).

    A rejected row is resolved when a submission that arrived later brought the response that
    counts for the same participant, wave and instrument; of a register, the row that counts for the
    same officer, and session, of the same organisation and kind.

    Args:
        findings: of every origin.
        responses: those that count.
        submissions: VERDICTS, in the order of arrival: several that one run took in were received
            at the same moment.
        ever_waived: WAIVERS of any time.
        waivers: WAIVERS in force.
        let_in: rows that were quarantined by themselves and count while those hold.
        registers: REGISTERED, the rows of registers that count.
        sources: submission_id, organisation and kind of every submission, for those.

    """
    received = submissions.select("submission_id").with_row_index("arrived")
    every = pl.concat([f.select(STANDING_FINDINGS.names()) for f in findings]).join(
        received, on="submission_id", maintain_order="left"
    )
    sound = responses.select("participant_id", "wave", "instrument", "submission_id").join(
        received, on="submission_id"
    )
    returned = submissions.filter(pl.col("failed_contract") == RETURNED)["submission_id"]
    nothing = WAIVERS.to_frame()
    marked = (
        every.join(
            sound,
            on=["participant_id", "wave", "instrument"],
            how="left",
            suffix="_sound",
            maintain_order="left",
        )
        .pipe(_with_registers, received, registers, sources)
        .pipe(_marked, "ever", nothing if ever_waived is None else ever_waived, WAIVERS.names())
        .pipe(_marked, "holds", nothing if waivers is None else waivers, WAIVERS.names())
        .pipe(_marked, "in", nothing if let_in is None else let_in, _RESPONSE)
    )
    return tables.QUARANTINE.conform(marked.with_columns(_status(returned).alias("status")))


REGISTERED = pl.Schema(
    {
        "submission_id": pl.String(),
        "kind": pl.String(),
        "organisation": pl.String(),
        "participant_id": pl.String(),
        "session_number": pl.Int32(),
    }
)
"""Whom rows of registers that count are about, and who said so."""


def _with_registers(
    findings: pl.DataFrame,
    received: pl.DataFrame,
    registers: pl.DataFrame | None,
    sources: pl.DataFrame | None,
) -> pl.DataFrame:
    """Findings whose `arrived_sound` is also that of the newest row of a register that counts."""
    if registers is None or sources is None or registers.is_empty():
        return findings
    about = ["kind", "organisation", "participant_id", "session_number"]
    newest = (
        registers.join(findings.select("participant_id").unique(), on="participant_id", how="semi")
        .join(received, on="submission_id")
        .group_by(about)
        .agg(pl.col("arrived").max().alias("arrived_register"))
    )
    return (
        findings.join(sources, on="submission_id", how="left", maintain_order="left")
        # A roster has no session, so NULL is like NULL there; no row that counts is nobody's.
        .join(newest, on=about, how="left", nulls_equal=True, maintain_order="left")
        .with_columns(pl.max_horizontal("arrived_sound", "arrived_register").alias("arrived_sound"))
    )


def _status(returned: pl.Series) -> pl.Expr:
    """Status of each finding (QuarantineStatus). A warning of a row that counts stays open."""
    rejecting = pl.col("severity") == Severity.REJECT
    came_later = (pl.col("arrived_sound") > pl.col("arrived")).fill_null(False)
    # A rule across submissions exempts a row that is in the lake; any other lets the row in anew.
    counts = pl.col("holds") & (pl.col("in") | pl.col("rule").is_in(_STANDING))
    return (
        pl.when(rejecting & came_later)
        .then(pl.lit(QuarantineStatus.RESOLVED.value))
        .when(pl.col("submission_id").is_in(returned.implode()))
        .then(pl.lit(QuarantineStatus.RETURNED.value))
        .when(rejecting & counts)
        .then(pl.lit(QuarantineStatus.WAIVED.value))
        .when(rejecting & pl.col("ever") & ~pl.col("holds"))
        .then(pl.lit(QuarantineStatus.EXPIRED.value))
        .otherwise(pl.lit(QuarantineStatus.OPEN.value))
    )


def _marked(rows: pl.DataFrame, name: str, among: pl.DataFrame, key: list[str]) -> pl.DataFrame:
    """Rows with a column that says whether each is among others, by a key that may hold NULL."""
    if among.is_empty():
        return rows.with_columns(pl.lit(False).alias(name))
    keys = among.select(key).unique().with_columns(pl.lit(True).alias(name))
    return rows.join(
        keys, on=key, how="left", nulls_equal=True, maintain_order="left"
    ).with_columns(pl.col(name).fill_null(False))
