"""Rules that need what other submissions say, and rows that give way to rows of other submissions.

What belongs here: judging accepted rows against who enrolled and who left, and which of several
rows for one measurement counts. What stays out: rules that a file alone can answer
(`judgement.py`). All of it is worked out anew in every run, so a late roster frees what waited
for it.
"""

from dataclasses import dataclass

import polars as pl

from pipeline.programme import Programme, UnusableConfiguration
from pipeline.quality.judgement import (
    FINDINGS,
    as_findings,
    best_response_first,
    names_of_broken,
)
from pipeline.quality.rules import RULES, is_waivable
from pipeline.vocabulary import Kind, Severity

STANDING_FINDINGS = pl.Schema({"submission_id": pl.String(), **FINDINGS})


@dataclass(frozen=True, slots=True)
class Standing:
    """Rows that count, findings, and how many sound rows of each submission were superseded."""

    counting: pl.DataFrame
    findings: pl.DataFrame
    superseded: pl.DataFrame


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What rosters say: whom they name, and which organisations send them."""

    people: pl.DataFrame
    """One row an officer: participant_id, enrolled_on."""
    organisations: frozenset[str]

    def unlinked(self) -> pl.Expr:
        """True for rows of an organisation with rosters whose officer no roster names."""
        return pl.col("organisation").is_in(sorted(self.organisations)) & ~pl.col(
            "participant_id"
        ).is_in(self.people["participant_id"].implode())


def enrolment_of(roster: pl.DataFrame) -> Enrolment:
    """What accepted roster rows say; `enrolled_on` is the earliest of an officer's.

    Of a transferred officer only rows under their first pseudonym say when they enrolled: the day
    on which the next force listed them says nothing about what they answered before.
    """
    first = pl.col("known_as") == pl.col("participant_id")
    people = roster.group_by("participant_id").agg(pl.col("enrolled_on").filter(first).min())
    return Enrolment(people, frozenset(roster["organisation"].unique()))


def shares_unlinked(rows: pl.DataFrame, enrolment: Enrolment) -> pl.DataFrame:
    """submission_id and share_unlinked: share of accepted rows whose officer is on no roster.

    Submissions of organisations that send no roster are left out: nothing can be said of them.
    """
    return (
        rows.filter(pl.col("organisation").is_in(sorted(enrolment.organisations)))
        .group_by("submission_id")
        .agg(enrolment.unlinked().mean().alias("share_unlinked"))
    )


def standing_registers(kind: Kind, rows: pl.DataFrame, enrolment: Enrolment) -> Standing:
    """Registers of one kind: unknown officers are quarantined, older rows superseded.

    `rows` has submission_id and `arrived`, the place of its submission in the order of arrival, and
    `known_as`, the pseudonym they came under: a newer row replaces what its own organisation said
    of an officer under the same pseudonym, and nothing else. What organisations tell differently
    is for the ledger to settle. Departures say whether they are `contradicting`.
    """
    findings = [STANDING_FINDINGS.to_frame()]
    if kind != Kind.ROSTER:
        unlinked = rows.select(enrolment.unlinked()).to_series()
        findings.append(_findings(rows.filter(unlinked), "participant_not_enrolled"))
        rows = rows.filter(~unlinked)
    if kind == Kind.DEPARTURES:
        findings.append(_findings(rows.filter("contradicting"), "transfers_contradict"))
        too_early = _before_enrolment(rows, enrolment)
        findings.append(_findings(rows.filter(too_early), "departed_before_enrolment"))
        rows = rows.filter(~too_early)
    key = {
        Kind.ROSTER: ["known_as", "organisation"],
        Kind.ATTENDANCE: ["known_as", "organisation", "session_number"],
        Kind.DEPARTURES: ["known_as", "organisation"],
    }[kind]
    newest_first = rows.sort(["arrived", "row_number"], descending=True)
    counting = newest_first.unique(key, keep="first", maintain_order=True)
    if kind == Kind.ATTENDANCE:
        findings.append(_findings(_on_a_later_day(counting), "session_on_two_days"))
    return _standing(rows, counting, findings)


def _before_enrolment(departures: pl.DataFrame, enrolment: Enrolment) -> pl.Series:
    enrolled = departures.select("participant_id", "departed_on").join(
        enrolment.people, on="participant_id", how="left", maintain_order="left"
    )
    return (enrolled["departed_on"] < enrolled["enrolled_on"]).fill_null(False)


def _on_a_later_day(attendance: pl.DataFrame) -> pl.DataFrame:
    """Rows of sessions that their group held on an earlier day too."""
    session = ["organisation", "session_group", "session_number"]
    held = attendance.filter(
        ~pl.col("cancelled").fill_null(False),
        pl.col("session_group").is_not_null(),
        pl.col("held_on").is_not_null(),
    )
    firsts = held.group_by(session).agg(
        pl.col("held_on").min().alias("first"), pl.col("held_on").max().alias("last")
    )
    repeated = firsts.filter(pl.col("first") < pl.col("last"))
    return (
        held.join(repeated, on=session, how="inner", maintain_order="left")
        .filter(pl.col("held_on") > pl.col("first"))
        .select(attendance.columns)
    )


def _must_be_declared(rows: pl.DataFrame, programme: Programme) -> None:
    """Answers that were taken in are not dropped because a name was edited in a file."""
    declared = {"wave": programme.wave_names, "instrument": programme.instruments}
    for what, names in declared.items():
        for stranger, n in rows[what].value_counts().sort(what).iter_rows():
            if stranger not in names:
                raise UnusableConfiguration(
                    f"programme.yaml does not declare the {what} {stranger} any more, which {n} "
                    "responses in the lake answer; declare it again, or return their files with "
                    "`muster review return`."
                )


def standing_responses(
    rows: pl.DataFrame,
    enrolment: Enrolment,
    departures: pl.DataFrame,
    programme: Programme,
    *,
    waivers: pl.DataFrame | None = None,
    let_in: pl.DataFrame | None = None,
    coded: pl.Series | None = None,
) -> Standing:
    """Responses of every submission that counts: judged, then one for each measurement.

    The response that stays where several submissions hold one is chosen by the programme's
    policy, as within a file. One that counts by a waiver never displaces one that needs none.
    Raises UnusableConfiguration for responses to a wave or an instrument that the programme does
    not have any more.

    Args:
        rows: accepted responses with submission_id and `arrived`.
        enrolment: whom the rosters name.
        departures: participant_id and departed_on, one row an officer.
        programme: for its policy, and how early a response may be.
        waivers: WAIVERS in force, for the rules that are judged here.
        let_in: quarantined rows that count while waivers hold, with the columns of `rows`.
        coded: the officers who are known by a code, which another may share.

    """
    waived = pl.Series([False]).new_from_index(0, rows.height)
    if let_in is not None and let_in.height:
        waived = pl.concat([waived, pl.Series([True]).new_from_index(0, let_in.height)])
        rows = pl.concat([rows, let_in.select(rows.columns)])
    _must_be_declared(rows, programme)
    judged = rows.join(
        enrolment.people.select("participant_id", "enrolled_on"),
        on="participant_id",
        how="left",
        maintain_order="left",
    ).join(
        departures.select("participant_id", "departed_on"),
        on="participant_id",
        how="left",
        maintain_order="left",
    )
    early = pl.col("enrolled_on") - pl.col("completed_on")
    allowed = pl.duration(days=programme.early_response_days)
    broken = judged.select(
        enrolment.unlinked().alias("participant_not_enrolled"),
        (pl.col("completed_on") > pl.col("departed_on"))
        .fill_null(False)
        .alias("completed_after_departure"),
        (early > allowed).fill_null(False).alias("completed_before_enrolment"),
        ((early > pl.duration(days=0)) & (early <= allowed))
        .fill_null(False)
        .alias("completed_shortly_before_enrolment"),
        _under_a_shared_code(coded).alias("code_shared"),
    )
    findings = [STANDING_FINDINGS.to_frame()]
    findings += [_findings(rows.filter(broken[name]), name) for name in broken.columns]
    rejecting = [name for name in broken.columns if RULES[name].severity == Severity.REJECT]
    warning = [name for name in broken.columns if RULES[name].severity == Severity.WARN]
    flags = names_of_broken(broken, warning)
    if waivers is not None and waivers.height:
        exempt = _exempt(rows, broken.select(rejecting), waivers)
        broken = broken.with_columns(broken[name] & ~exempt[name] for name in rejecting)
        waived = waived | exempt.select(pl.any_horizontal(pl.all())).to_series()
        flags = flags.list.concat(names_of_broken(exempt, rejecting))
    unsound = broken.select(pl.any_horizontal(rejecting)).to_series()
    sound = _with_more(rows, flags).with_columns(waived.alias("waived")).filter(~unsound)
    keys, descending = best_response_first(programme.duplicates, ["arrived", "row_number"])
    if waived.any():
        keys, descending = ["waived", *keys], [False, *descending]
    ranked = _ranked_first(
        sound.with_columns(
            (pl.col("items_answered") == pl.col("items").list.len()).alias("complete")
        ),
        ["participant_id", "wave", "instrument"],
        [*keys, "submission_id"],
        [*descending, False],
    )
    counting = ranked.drop("complete", "waived")
    return _standing(sound, counting, findings)


def _with_more(rows: pl.DataFrame, flags: pl.Series) -> pl.DataFrame:
    """The rows with these flags behind their own; mostly there are none, and lists take long."""
    if flags.list.len().sum() == 0:
        return rows
    return rows.with_columns(pl.col("flags").list.concat(flags))


def _under_a_shared_code(coded: pl.Series | None) -> pl.Expr:
    """True for responses whose code answered the same wave and instrument on two days or more."""
    if coded is None or coded.is_empty():
        return pl.lit(False)
    days = pl.col("completed_on").drop_nulls().n_unique()
    of_one_code = days.over("participant_id", "wave", "instrument")
    return pl.col("participant_id").is_in(coded.implode()) & (of_one_code > 1)


def _ranked_first(
    rows: pl.DataFrame, key: list[str], order: list[str], descending: list[bool]
) -> pl.DataFrame:
    """The first of the rows with one key by `order`, which settles every tie; rows stay in place.

    Hardly a row shares its key with another, and only those that do are sorted.
    """
    repeated = rows.select(pl.struct(key).is_duplicated()).to_series()
    if not repeated.any():
        return rows
    places = pl.int_range(rows.height, dtype=pl.UInt32, eager=True)
    first = (
        rows.with_columns(places.alias("place"))
        .filter(repeated)
        .sort(order, descending=descending, nulls_last=True)
        .unique(key, keep="first", maintain_order=True)["place"]
    )
    return rows.filter(~repeated | places.is_in(first.implode()))


def _exempt(rows: pl.DataFrame, broken: pl.DataFrame, waivers: pl.DataFrame) -> pl.DataFrame:
    """Like `broken`: true where the row broke the rule and the rule is waived for it."""
    place = ["submission_id", "row_number"]
    by_row = waivers.group_by(place).agg(pl.col("rule").alias("waived_rules"))
    found = rows.select(place).join(by_row, on=place, how="left", maintain_order="left")
    return broken.select(
        broken[name]
        & found["waived_rules"].list.contains(name).fill_null(False)
        & is_waivable(name)
        for name in broken.columns
    )


def _findings(rows: pl.DataFrame, name: str) -> pl.DataFrame:
    rule = RULES[name]
    column = rule.column if isinstance(rule.column, str) else None
    return as_findings(rows, pl.lit(name), pl.lit(column), rule.severity)


def _standing(
    sound: pl.DataFrame, counting: pl.DataFrame, findings: list[pl.DataFrame]
) -> Standing:
    before = sound.group_by("submission_id").len("before")
    after = counting.group_by("submission_id").len("after")
    superseded = before.join(after, on="submission_id", how="left").select(
        "submission_id",
        (pl.col("before").cast(pl.Int64) - pl.col("after").fill_null(0).cast(pl.Int64)).alias(
            "rows_superseded"
        ),
    )
    superseded = superseded.sort("submission_id")
    return Standing(counting, pl.concat(findings), superseded)
