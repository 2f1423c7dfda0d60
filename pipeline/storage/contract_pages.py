"""The folder of pages about contracts in the home folder: written whole, or not at all.

What stays out: what the pages say (`checks/pages.py`).
"""

from collections.abc import Mapping
from pathlib import Path

from pipeline.storage import atomic


def write_pages(folder: Path, pages: Mapping[str, bytes]) -> None:
    """Let these pages be all that the folder holds."""

    def fill(new: Path) -> None:
        for name, content in pages.items():
            (new / name).write_bytes(content)

    atomic.replace_folder(folder, fill)
