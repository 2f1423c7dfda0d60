"""Becomes another program that is asked to end as soon as the process that started it is gone.

Run as a script: `tied.py <process id of the starter> <program> <arguments>`. What stays out:
everything else, imports of Muster's own included, so that it takes a moment only.

A starter that is killed (SIGKILL, out of memory) cannot end its children itself, so the kernel is
asked to. It is asked in the child, after the fork: code between fork and exec (`preexec_fn`) may
stop for ever where the starter has threads. Systems without the call go without.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    starter, program = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != starter:
            return  # It was gone before the kernel was asked.
    os.execv(program, sys.argv[2:])  # noqa: S606 - a program of the environment Muster runs in


if __name__ == "__main__":
    main()
