"""A home with a good, a held, a rejected and an unreadable file of simulated answers."""

from pathlib import Path

from homes import Muster
from small_programme import MAPPING, PROGRAMME

HEADER = "Number,Wave,Done,Q1,Q2,Q3,Q4"
FILES = {
    "answers-good.csv": ["SIMR00001,Start,2025-01-06,0,1,2,3", "SIMR00002,Start,,1,1,2,3"],
    # Two of five rows are not sound, so the file is held; nothing of row 6 could count.
    "answers-odd.csv": [
        "SIMR00003,Start,2025-01-06,0,1,2,3",
        "SIMR00004,Start,2025-01-06,0,1,2,3",
        "SIMR00005,Start,2025-01-06,0,1,2,3",
        "SIMR00006,Start,2025-01-06,3,,,",
        "SIMR00007,,2025-01-06,3,,,",
    ],
    "answers-poor.csv": [
        "SIMR00008,Start,,0,1,2,3",
        "SIMR00009,Start,,,,,3",
        "SIMR00010,,,0,1,2,3",
    ],
    "answers-void.csv": None,
}


def made_at(home: Path) -> None:
    """Make the home and take its files in, in processes of their own."""
    for folder in ("sources", "landing"):
        (home / folder / "simulated-force-01").mkdir(parents=True)
    (home / "programme.yaml").write_text(PROGRAMME)
    (home / "sources" / "simulated-force-01" / "answers.yaml").write_text(MAPPING)
    for name, rows in FILES.items():
        text = "" if rows is None else "\n".join([HEADER, *rows])
        (home / "landing" / "simulated-force-01" / name).write_text(text)
    apart = Muster(home)
    apart("init")
    apart("run", "--as-of", "2025-03-01", expected=1)
