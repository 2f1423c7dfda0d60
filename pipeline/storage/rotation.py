"""Rotating the key: every pseudonym of the lake carried on to a newer one, or none.

What belongs here: the order of the steps. What stays out: how rows are carried on and what must
stay as it was (`pipeline/privacy/rotation.py`).

A copy of the lake is written beside it and proven, then takes effect by one put. Killed before,
the copy and the new key go; killed after, the next one who holds the lock finishes what is left
(`Home.recover`, `Home.settle_keys`). No landing file is needed, and none is read.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.intake import PSEUDONYMS
from pipeline.privacy.key_checks import Key, made_with, must_be_right
from pipeline.privacy.pseudonyms import Pseudonymiser
from pipeline.privacy.rotation import Counting, Tally, carried_on, left_behind
from pipeline.programme import UnusableConfiguration
from pipeline.storage.home import Home
from pipeline.storage.keys import await_key, load_keys
from pipeline.storage.lake import Lake
from pipeline.storage.moving import empty_beside


class RotationFailed(Exception):
    """What was carried on is not what it was before; nothing was changed. Holds no pseudonym."""


@dataclass(frozen=True, slots=True)
class Rotated:
    """What came of a rotation."""

    version: int
    place: str
    """Where the key is."""
    submissions: int
    incomplete: int
    """Folders that a power cut had left short, and that no run had made again."""
    tally: Tally

    @property
    def counts(self) -> dict[str, int]:
        """What the audit trail keeps of it."""
        return {
            "submissions": self.submissions,
            "rows": sum(n for (_, kept_as), n in self.tally.rows.items() if kept_as == "accepted"),
            "officers": self.tally.distinct.get("officers", 0),
        }


def rotate(home: Home, steward: str, reason: str, now: datetime) -> Rotated:
    """Carry the home on to the next key, which is made unless it is there already.

    For the one who holds the home's lock and has called `Home.recover`. A lake that was put back
    from a copy of before a rotation is carried on to the key that is on record. Raises
    UnusableConfiguration for keys that are not those of this home, and RotationFailed.
    """
    keys = _keys_to_rotate_to(home)
    empty_beside(home)
    try:
        rotated = _carried_on(home, keys, steward, reason)
    finally:
        # Brought to its end, or undone, whichever it was.
        home.recover()
    home.settle_keys(now)
    return rotated


def _carried_on(home: Home, keys: Sequence[Key], steward: str, reason: str) -> Rotated:
    """Everything up to the put by which the new pseudonyms take effect."""
    newest, programme, lake = keys[-1], home.programme, home.lake
    pseudonymiser = Pseudonymiser(
        tuple(key.secret for key in keys), programme.programme, programme.identifiers
    )
    submission_ids = [record.submission_id for record in lake.records()]
    with lake.carried_on_to(newest.version) as copy:
        for submission_id in submission_ids:
            try:
                copy.take_over(
                    lake, submission_id, lambda rows: carried_on(rows, PSEUDONYMS, pseudonymiser)
                )
            except ValueError:
                raise RotationFailed(
                    f"{submission_id} holds what is no pseudonym of these keys"
                ) from None
        rotated = Rotated(
            version=newest.version,
            place=newest.place,
            submissions=len(submission_ids),
            incomplete=lake.count_folders() - len(submission_ids),
            tally=_proven(lake, copy, submission_ids, newest.version),
        )
        copy.put_down(
            made_with(keys, programme.programme),
            {"steward": steward, "reason": reason, "counts": rotated.counts},
        )
    return rotated


def _keys_to_rotate_to(home: Home) -> tuple[Key, ...]:
    """The keys in use with the next one, which may be there already."""
    lake = home.lake
    keys = load_keys(home.secrets, os.environ, in_force=lake.version)
    known = home.taken_up(keys)
    in_use = known.version if known else lake.version
    must_be_right(keys[:in_use], home.programme.programme, known)
    if lake.version < in_use and lake.holds_anything():
        return keys[:in_use]
    if len(keys) > in_use:
        return keys[: in_use + 1]
    if not keys[-1].place.startswith("secrets/"):
        raise UnusableConfiguration(
            f"the keys are in the environment, where Muster cannot put another; set MUSTER_KEY_"
            f"{in_use + 1} to 64 random hexadecimal digits (`openssl rand -hex 32` makes them), "
            "for every process that uses this home, and rotate again."
        )
    return (*keys, await_key(home.secrets, in_use + 1))


def _proven(lake: Lake, copy: Lake, submission_ids: list[str], version: int) -> Tally:
    """What was counted before and, read again from the disk, after; RotationFailed if they differ.

    Beside the counts, every column that holds no pseudonym must hold what it held.
    """
    before, after = Counting(PSEUDONYMS), Counting(PSEUDONYMS)
    for submission_id in submission_ids:
        carried = dict(copy.frames(submission_id))
        for kept_as, rows in lake.frames(submission_id):
            new = carried.pop(kept_as)
            before.add(submission_id, kept_as, rows)
            after.add(submission_id, kept_as, new)
            if not rows.drop(PSEUDONYMS, strict=False).equals(new.drop(PSEUDONYMS, strict=False)):
                raise RotationFailed(f"other columns of {submission_id} changed")
            if behind := left_behind(new, version):
                raise RotationFailed(
                    f"{', '.join(behind)} of {submission_id} would stay under an older key"
                )
        if carried:
            raise RotationFailed(f"{submission_id} has more than it had")
    tally = after.tally()
    if differences := before.tally().differences(tally):
        raise RotationFailed(f"{' and '.join(differences)} would change")
    return tally
