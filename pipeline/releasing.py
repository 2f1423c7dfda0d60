"""Making a release of a home folder: load, one domain call, write, put on record.

What stays out: which figures may be printed (`pipeline/privacy/disclosure`), what tables hold
(`pipeline/publishing`), how they are written (`pipeline/storage/releases.py`) and what a person is
told (`pipeline/commands/release.py`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

from pipeline import __version__, tables
from pipeline.approvals import Request, approved
from pipeline.entries import Act
from pipeline.orchestration.state import work_left
from pipeline.privacy.disclosure.audit import Progress
from pipeline.privacy.disclosure.rules import Rules
from pipeline.programme import UnusableConfiguration
from pipeline.publishing.documents import documents_of
from pipeline.publishing.provenance import content_hash, inputs_of, settings_hash
from pipeline.publishing.release import Release, release_of
from pipeline.publishing.remembered import as_frame, from_frame, without
from pipeline.publishing.report.context import About
from pipeline.storage import locks
from pipeline.storage.code import git_commit, release_code_hash, versions
from pipeline.storage.home import Home
from pipeline.storage.releases import Made, manifest_of
from pipeline.storage.warehouse import Build, must_have_build, read_table
from pipeline.vocabulary import EntryKind

_EVALUATED: Final = (
    tables.TRAJECTORY,
    tables.ROBUSTNESS,
    tables.RELIABILITY,
    tables.COMPARABILITY,
    tables.SUBMISSIONS,
)
"""What only the evaluation can say; everything else is made of core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is asked for: a release called so, of the warehouse of a day, by whom and why."""

    name: str
    as_of: date
    steward: str
    reason: str


def make_release(
    home: Home,
    order: Order,
    now: Callable[[], datetime],
    waiting: Callable[[], None],
    progress: Progress | None = None,
) -> Made:
    """Make, audit and write a release under the home's lock, all of it or nothing.

    `waiting` is called if a run has to be waited for, and `now` when things are dated. Raises
    UnusableConfiguration where name or warehouse will not do, and `control.Unsafe`, with nothing
    written, where the audit does not pass.
    """
    # What is wrong with the file, or the name, is said before anybody waits.
    _ = home.programme
    home.releases.check_name(order.name)
    _must_be_approved(home, order)
    with locks.held(home.lock, waiting):
        home.recover()
        build = _warehouse_as_of(home, order.as_of)
        # A name may have been taken while we waited, or asked for anew.
        home.releases.check_name(order.name)
        _must_be_approved(home, order)
        _put_on_record(home, order, now())
        before = names_of_releases(home)
        release = audited(home, home.warehouse, build.as_of, before, progress)
        made = home.releases.write(
            order.name,
            release.tables,
            manifest_of(order.name, len(before) + 1, _about(home, build, release, before), now()),
            as_frame(release.next),
            documents_of(release.tables, home.programme, _for_readers(home, order, build)),
        )
        _put_on_record(home, order, now())
        home.releases.back_up()
    return made


def names_of_releases(home: Home) -> list[str]:
    """Every release that was ever made here, in order, whether its folder is still there or not."""
    entered = [entry.body["release"] for entry in home.stewardship.entries(EntryKind.RELEASED)]
    return list(dict.fromkeys([*entered, *(made.name for made in home.releases.made())]))


def _warehouse_as_of(home: Home, day: date) -> Build:
    """What the warehouse was built from, if it is of that day and that is all there is."""
    build = must_have_build(home.warehouse)
    if build.as_of != day:
        raise UnusableConfiguration(
            f"The warehouse is as of {build.as_of}; `muster run` brings it up to date, or "
            f"`--as-of {build.as_of}` releases it as it is."
        )
    if not work_left(home, build.as_of, build.known_at).nothing:
        raise UnusableConfiguration(
            "Files, settings or decisions have changed since the warehouse was made; `muster run "
            f"--as-of {build.as_of}` brings it up to date."
        )
    return build


def _must_be_approved(home: Home, order: Order) -> None:
    """Refuse what two people have to agree on and did not; UnusableConfiguration."""
    if not home.programme.releases_need_two or _approval(home, order.name, order.as_of):
        return
    raise UnusableConfiguration(
        f"releases_need_two in programme.yaml: no second person has approved {order.name} as of "
        f"{order.as_of}. At the desk (`muster desk`) one releaser asks for it and another approves "
        "it; an approval is for one name and one day."
    )


def _approval(home: Home, name: str, as_of: date) -> Request | None:
    kinds = (EntryKind.RELEASE_ASKED, EntryKind.RELEASE_APPROVED)
    return approved(home.stewardship.entries(*kinds), name, as_of)


def audited(
    home: Home,
    warehouse: Path,
    as_of: date,
    earlier: Sequence[str],
    progress: Progress | None = None,
) -> Release:
    """The release of a warehouse beside the releases of this home that came before it, by name.

    Raises what `release_of` raises, and UnusableConfiguration where what the last of them left for
    those after it is lost.
    """
    before = None
    if earlier:
        carried_on = home.pseudonymiser().carried_on
        # A copy that was put back may be from before somebody was erased.
        kept = without(home.releases.remembered(earlier[-1]), home.withdrawals().erased, carried_on)
        before = from_frame(kept, carried_on)
    people, waves, scores = (
        read_table(warehouse, table)
        for table in (tables.PARTICIPANTS, tables.PARTICIPANT_WAVES, tables.SCORES)
    )
    return release_of(
        people,
        waves,
        scores,
        home.programme,
        as_of,
        evaluated={table.name: read_table(warehouse, table) for table in _EVALUATED},
        before=before,
        progress=progress,
    )


def account_of(home: Home, warehouse: Path, rules: Rules) -> dict[str, Any]:
    """From what a release is made, of which a manifest holds a copy (`provenance.Account`)."""
    return {
        "programme_sha256": settings_hash(home.programme.model_dump(mode="json")),
        "rules": rules.as_numbers(),
        "code": {
            "version": __version__,
            "commit": git_commit(),
            "sha256": release_code_hash(),
        },
        "software": dict(versions()),
        "inputs": inputs_of(read_table(warehouse, tables.SUBMISSIONS), home.mapping_hashes()),
    }


def _put_on_record(home: Home, order: Order, now: datetime) -> None:
    """Enter every release that is not on record: this one, and one whose maker was killed."""
    entered = {entry.body["release"] for entry in home.stewardship.entries(EntryKind.RELEASED)}
    acts = [
        Act(
            kind=EntryKind.RELEASED,
            steward=order.steward,
            reason=order.reason,
            body={
                "release": made.name,
                "as_of": made.manifest["as_of"],
                "manifest_sha256": made.manifest_hash,
                **_who_agreed(home, made),
            },
        )
        for made in home.releases.made()
        if made.name not in entered
    ]
    if acts:
        home.stewardship.enter(acts, now)


def _for_readers(home: Home, order: Order, build: Build) -> About:
    return About(
        release=order.name,
        as_of=build.as_of,
        known_at=build.known_at,
        version=__version__,
        simulated=home.holds_simulation(),
    )


def _who_agreed(home: Home, made: Made) -> Mapping[str, str]:
    """Who asked for a release and who approved it; nothing where nobody did."""
    found = _approval(home, made.name, date.fromisoformat(made.manifest["as_of"]))
    if found is None or found.approved_by is None:
        return {}
    return {"asked_by": found.asked_by, "approved_by": found.approved_by}


def _about(home: Home, build: Build, release: Release, before: Sequence[str]) -> Mapping[str, Any]:
    hashes = {made.name: made.manifest_hash for made in home.releases.made()}
    shares = release.shares
    return {
        "programme": home.programme.programme,
        "title": home.programme.title,
        "as_of": str(build.as_of),
        "known_at": str(build.known_at) if build.known_at else None,
        "version": __version__,
        "previous": {"release": before[-1], "manifest_sha256": hashes.get(before[-1])}
        if before
        else None,
        "tables": {
            name: {**shares[name], "sha256": content_hash(frame)}
            for name, frame in release.tables.items()
        },
        **account_of(home, home.warehouse, release.rules),
    }
