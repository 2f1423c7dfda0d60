"""The `muster inspect` command: what a file seems to be, and the mapping that would read it.

What stays out: telling it (`pipeline/reading/detection.py`). The file's own name goes into a
mapping only as far as none of its words could be a person's.
"""

import json
import re
from dataclasses import asdict
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.commands.console import DEFAULT_HOME, Exit, HomeOption, JsonOption, opened, stop

if TYPE_CHECKING:
    from pipeline.programme import Programme
    from pipeline.reading.detection import Proposal
    from pipeline.reading.trial import Trial
    from pipeline.storage.home import Home

_MASKED = re.compile(r"(?:[ _.-]*\*+[ _.-]*)+")


def inspect(
    file: Annotated[Path, typer.Argument(help="An export, wherever it lies.")],
    home: HomeOption = DEFAULT_HOME,
    organisation: Annotated[
        str | None, typer.Option(help="Who sent it; told by the landing folder it lies in.")
    ] = None,
    source: Annotated[
        str | None, typer.Option(help="What to call the source; told by the file's name.")
    ] = None,
    wave: Annotated[str | None, typer.Option(help="The wave, if the file is of one.")] = None,
    participant: Annotated[
        str | None, typer.Option(metavar="COLUMN", help="The column that says whose a row is.")
    ] = None,
    sheet: Annotated[str | None, typer.Option(help="The sheet of a workbook that counts.")] = None,
    write: Annotated[bool, typer.Option(help="Write the mapping into sources/.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what an export seems to be, which columns identify people, and how to read it.

    With --write the mapping is written to sources/<organisation>/<source>.yaml. It is a proposal:
    look at it before the next `muster run`. No cell of the file is shown or kept.
    """
    from pipeline.reading.detection import propose
    from pipeline.reading.records import Unreadable
    from pipeline.reading.trial import tried

    here = opened(home)
    programme = here.programme
    if wave is not None and wave not in programme.wave_names:
        stop(f"--wave: the programme has {', '.join(programme.wave_names)}.")
    if organisation is None and file.parent.name in programme.known_organisations:
        organisation = file.parent.name
    if organisation is not None and organisation not in programme.known_organisations:
        stop(
            f"--organisation: {organisation} is neither in the reference list nor declared in "
            "programme.yaml."
        )
    shown = _shown(file.name, programme)
    chosen = source or _source_name(shown)
    content = _content(file, programme.limits.file_bytes)
    try:
        made = propose(
            content,
            programme,
            organisation=organisation,
            source=chosen,
            files=_pattern(shown),
            words=file.stem,
            wave=wave,
            participant=participant,
            sheet=sheet,
        )
        text = mapping_text(made)
        trial = None if made.open or made.kind is None else tried(content, text, programme)
    except Unreadable as unreadable:
        typer.echo(f"This file cannot be read: {unreadable}.", err=True)
        raise SystemExit(Exit.NEEDS_A_STEWARD) from None
    if as_json:
        typer.echo(json.dumps(_as_json(made, trial), indent=2, ensure_ascii=False))
    else:
        typer.echo("\n".join(_told(made, trial)))
        if not write:
            typer.echo(f"\n{text}")
    if write:
        _write(here, made, text)
    elif made.open:
        raise SystemExit(Exit.NEEDS_A_STEWARD)


def mapping_text(made: "Proposal") -> str:
    """The proposed mapping as YAML."""
    import yaml

    from pipeline.reading.mapping_schema import SCHEMA_LINE

    body = yaml.safe_dump(made.mapping, sort_keys=False, allow_unicode=True, width=100)
    return f"{SCHEMA_LINE}\n# Proposed by `muster inspect`: look at it before it is used.\n{body}"


def _content(file: Path, most: int) -> bytes:
    try:
        if file.stat().st_size > most:
            stop("the file is larger than limits.file_megabytes in programme.yaml allows.")
        return file.read_bytes()
    except OSError:
        stop("the file cannot be opened; is its name right, and may you read it?")


def _shown(name: str, programme: "Programme") -> str:
    """The file's name without words that could be a person's; waves and instruments stay."""
    from pipeline.privacy.file_names import masked_file_name

    known = [*programme.wave_names, *programme.instruments]
    spelled = "|".join(re.escape(word).replace("_", "[ _-]?") for word in known)
    parts = re.split(rf"(?i)({spelled})(?![A-Za-z0-9])", name)
    return "".join(
        part if place % 2 else masked_file_name(part) for place, part in enumerate(parts) if part
    )


def _pattern(shown: str) -> str:
    """What names of later files are like: masked words, years and dates may be any."""
    stem, dot, suffix = shown.rpartition(".")
    open_ = _MASKED.sub("*", re.sub(r"20\d\d([-_]\d\d[-_]\d\d)?", "*", stem if dot else shown))
    return re.sub(r"\*+", "*", f"{open_}*{dot}{suffix}")


def _source_name(shown: str) -> str:
    words = re.findall(r"[a-z][a-z0-9_]*", Path(shown).stem.replace("***", " ").lower())
    return "-".join(word.strip("_") for word in words[:4]) or "export"


def _told(made: "Proposal", trial: "Trial | None") -> list[str]:
    from pipeline.vocabulary import Kind

    headers = "one header row" if made.header_records == 1 else f"{made.header_records} header rows"
    lines = [
        ("File", f"{made.form}; {headers}, {made.rows:,} rows, {made.columns} columns"),
        ("Platform", f"{made.platform.value}: {made.platform.meaning}"),
        ("Kind", made.kind.value if made.kind else "not told"),
    ]
    for items in made.items:
        coding = items.coding.get("coding", "numbers")
        lines.append(
            (
                "Instrument",
                f"{items.instrument}, {len(items.columns)} items in {items.pattern} ({coding})",
            )
        )
    if made.kind == Kind.QUESTIONNAIRE:
        lines.append(("Wave", made.waves or "not told"))
    lines.append(("Officer", f"column `{made.mapping.get('participant', 'not told')}`"))
    lines.append(("Identifying", ", ".join(made.identifying) or "nothing else found"))
    if left := made.mapping.get("leave_out"):
        lines.append(("Not carried", ", ".join(left)))
    if trial is not None:
        lines.append(("Read so", trial.sentence))
    lines += [("Open", question) for question in made.open]
    return [f"{name:<12} {said}" for name, said in lines]


def _as_json(made: "Proposal", trial: "Trial | None") -> dict[str, Any]:
    said = asdict(made) | {
        "platform": made.platform.value,
        "kind": made.kind.value if made.kind else None,
    }
    return said | {"trial": asdict(trial) if trial else None}


def _write(here: "Home", made: "Proposal", text: str) -> None:
    if made.kind is None:
        stop("The file is neither a questionnaire nor a register that is known; write its mapping.")
    if made.open:
        stop(f"Nothing is written until it is said {'; '.join(made.open)}.")
    path = PurePosixPath("sources", made.mapping["organisation"], f"{made.mapping['source']}.yaml")
    if (here.root / path).exists():
        stop(f"{path} is there already; choose another name with --source, or edit it.")
    here.put(path, text.encode("utf-8"))
    typer.echo(f"\nWrote {path}. Put the file into landing/{made.mapping['organisation']}/, then")
    typer.echo("`muster run`.")
