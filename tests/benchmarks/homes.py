"""Simulated homes that are measured: many exports, late files kept aside, and many small files.

What stays out: what is measured on them (`landing.py`, `commands.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

import yaml

from pipeline.simulation import Layout, SimulatedFile, SimulationPlan, simulate
from pipeline.storage.home import Home

AS_OF = date(2026, 6, 30)
REGISTERS = ("roster", "attendance", "departures")
ROWS_OF_A_SMALL_FILE = 10
WAVES = ("baseline", "session_5", "session_7", "session_10")
SIX_WAVES = (*WAVES, "follow_up_3m", "follow_up_6m")
_LATE = "late"
_QUALTRICS = {Layout.QUALTRICS_NUMERIC, Layout.QUALTRICS_LABELS}


@dataclass(frozen=True)
class Size:
    """How large everything is; the small one lets a test run each benchmark in seconds."""

    organisations: int
    participants: int
    pairs: int
    late_files: int
    late_rows: int
    small_files: int
    draws: int
    many_draws: int


FULL = Size(64, 266_000, 5, 5, 500, 5_000, 200, 2_000)
SMALL = Size(3, 60, 1, 1, 5, 12, 20, 40)


@dataclass
class Simulated:
    """What a home holds."""

    files: int = 0
    rows: int = 0
    megabytes: float = 0.0
    register_files: int = 0
    register_megabytes: float = 0.0


def landing_home(
    root: Path,
    size: Size,
    *,
    registers: bool,
    layout: Layout = Layout.QUALTRICS_NUMERIC,
    aside: Path | None = None,
) -> Simulated:
    """A home with every export; a few rows of one are put `aside`, as files of a source of its own.

    Without registers it has questionnaires only. Rows are counted in Qualtrics files alone.
    """
    home, held = Home(root), Simulated()
    mapping = b""
    for file in _simulated(size.organisations, size.participants, layout):
        content = file.content
        match _place(file.path):
            case "mapping":
                mapping = content = of_closed_questions(content)
            case "register" | "register mapping" if not registers:
                continue
            case "register":
                held.register_files += 1
                held.register_megabytes += len(content) / 1e6
            case "questionnaires":
                if aside is not None and held.files == 0:
                    content = _without_late_rows(home, file, mapping, size, aside)
                held.files += 1
                if layout in _QUALTRICS:
                    held.rows += len(_records(content)[1])
                held.megabytes += len(content) / 1e6
        home.put(file.path, content)
    home.create("")
    return held


def evaluated_home(root: Path, officers: int, organisations: int, as_of: date) -> Simulated:
    """A home of six waves with registers, from which some officers leave after each wave."""
    home, held = Home(root), Simulated()
    plan = SimulationPlan(
        as_of=as_of,
        organisations=organisations,
        participants=officers,
        faults=False,
        layouts=(Layout.QUALTRICS_NUMERIC,),
        waves=SIX_WAVES,
        a_file_a_wave=True,
    )
    for file in simulate(plan):
        content = file.content
        match _place(file.path):
            case "mapping":
                content = of_closed_questions(content)
            case "register":
                held.register_files += 1
                held.register_megabytes += len(content) / 1e6
            case "questionnaires":
                held.files += 1
                held.rows += len(_records(content)[1])
                held.megabytes += len(content) / 1e6
        home.put(file.path, content)
    home.create("")
    return held


def small_files_home(root: Path, size: Size) -> Simulated:
    """A home whose questionnaires come in files of ten responses that add up."""
    home, held = Home(root), Simulated()
    mapping = b""
    # Four waves of each officer, and a few files more than are asked for.
    officers = size.small_files * ROWS_OF_A_SMALL_FILE // len(WAVES) + 200 * len(WAVES)
    for file in _simulated(min(size.organisations, 50), officers):
        match _place(file.path):
            case "other":
                home.put(file.path, file.content)
            case "mapping":
                mapping = file.content
            case "questionnaires":
                adding_up = yaml.safe_load(mapping) | {"delivery": "incremental"}
                source = PurePosixPath("sources", file.path.parts[1], f"{adding_up['source']}.yaml")
                home.put(source, yaml.safe_dump(adding_up).encode())
                head, rows = _records(file.content)
                for first in range(0, len(rows), ROWS_OF_A_SMALL_FILE):
                    if held.files == size.small_files:
                        break
                    some = rows[first : first + ROWS_OF_A_SMALL_FILE]
                    name = f"{file.path.stem}-{first:05d}.csv"
                    home.put(file.path.with_name(name), b"".join([head, *some]))
                    held.files += 1
                    held.rows += len(some)
    home.create("")
    return held


def _simulated(
    organisations: int, participants: int, layout: Layout = Layout.QUALTRICS_NUMERIC
) -> Iterator[SimulatedFile]:
    return simulate(
        SimulationPlan(
            as_of=AS_OF,
            organisations=organisations,
            participants=participants,
            dropout=False,
            faults=False,
            layouts=(layout,),
            waves=WAVES,
            a_file_a_wave=True,
        )
    )


def of_closed_questions(mapping: bytes) -> bytes:
    """A mapping that carries no free text, which is measured by itself (`comments.py`)."""
    declared = yaml.safe_load(mapping)
    asked = declared.pop("comments", {})
    return yaml.safe_dump(declared | {"leave_out": list(asked.values())}).encode()


def _place(path: PurePosixPath) -> str:
    if path.parts[0] not in {"landing", "sources"}:
        return "other"
    is_register = path.name.startswith(REGISTERS)
    if path.parts[0] == "sources":
        return "register mapping" if is_register else "mapping"
    return "register" if is_register else "questionnaires"


def _records(content: bytes) -> tuple[bytes, list[bytes]]:
    """Header records, whose texts run over lines, and rows, which do not."""
    lines = content.splitlines(keepends=True)
    last = max(place for place, line in enumerate(lines) if b"ImportId" in line)
    return b"".join(lines[: last + 1]), lines[last + 1 :]


def _without_late_rows(
    home: Home, file: SimulatedFile, mapping: bytes, size: Size, aside: Path
) -> bytes:
    head, rows = _records(file.content)
    kept = rows[: -size.late_files * size.late_rows]
    late = rows[len(kept) :]
    organisation = file.path.parts[1]
    adding_up = yaml.safe_load(mapping) | {
        "source": _LATE,
        "files": f"{_LATE}*.csv",
        "delivery": "incremental",
    }
    home.put(
        PurePosixPath("sources", organisation, f"{_LATE}.yaml"), yaml.safe_dump(adding_up).encode()
    )
    folder = aside / organisation
    folder.mkdir(parents=True)
    for number in range(size.late_files):
        some = late[number * size.late_rows : (number + 1) * size.late_rows]
        (folder / f"{_LATE}-{number + 1}.csv").write_bytes(b"".join([head, *some]))
    return b"".join([head, *kept])
