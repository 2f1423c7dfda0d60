"""Who else may read what is written into a home folder: nobody, or a group that was let in.

What belongs here: the rule, and putting it in force for a process. What stays out: files that are
private whatever the home folder says (`keys.py`, `releases.py`, `stewardship.py`, `home.py`).
"""

import os
from pathlib import Path
from typing import Final

_OWNER_ALONE: Final = 0o077
_GROUP_MAY_READ: Final = 0o027
_READ_AND_ENTER: Final = 0o050
_OTHERS: Final = 0o007


def masked(root: Path) -> int:
    """What is taken from the mode of new files: all of group and others, or a little less.

    The home folder is the setting. A group may read where it may read and enter that folder and
    others may not (`chmod 2750`). What everybody may enter was not thought about, such as a folder
    that was made under the usual mask, so it lets nobody in.
    """
    try:
        mode = root.stat().st_mode
    except OSError:
        return _OWNER_ALONE
    is_let_in = mode & _READ_AND_ENTER == _READ_AND_ENTER and not mode & _OTHERS
    return _GROUP_MAY_READ if is_let_in else _OWNER_ALONE


def keep_from_others(root: Path) -> None:
    """Let nothing that this process writes from now on be read by more than the home folder says.

    A mask of the process rather than modes of files, since DuckDB, SQLite, Polars and Dagster
    write by themselves. It is never made wider than it was.
    """
    os.umask(os.umask(_OWNER_ALONE) | masked(root))
