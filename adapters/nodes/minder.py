"""Waits until an owner process has gone, then ends the processes of the node it left behind.

A private broker must not outlive the program it was started for, even when that program is killed. This
file is run by its path, alone (`python -I minder.py DIRECTORY OWNER_PID OWNER_STARTED`), so it imports the
standard library only.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

STATE_FILE = "processes.json"
LOOK_EVERY_SECONDS = 1.0
GRACE_SECONDS = 20.0


def started_at(pid: int) -> int | None:
    """The kernel's start time of a process in clock ticks since boot; None when it has gone or is a zombie.

    A process id alone may have been given to another program since; the pair cannot.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


def recorded(directory: Path) -> dict[str, tuple[int, int, int]]:
    """Name of each process of the node with its id, its start time and the signal that ends it gently."""
    try:
        entries = json.loads((directory / STATE_FILE).read_text(encoding="utf-8"))["processes"]
    except (OSError, ValueError, KeyError):
        return {}
    return {name: (int(pid), int(start), int(gentle)) for name, (pid, start, gentle) in entries.items()}


def end(pid: int, start: int, gentle: int, grace_seconds: float = GRACE_SECONDS) -> None:
    """Asks a process to end, waits, and kills it when the grace is over. Harmless when it has gone."""
    deadline = time.monotonic() + grace_seconds
    sent = False
    while started_at(pid) == start:
        overdue = time.monotonic() > deadline
        if overdue or not sent:
            try:
                os.kill(pid, signal.SIGKILL if overdue else gentle)
            except ProcessLookupError:
                return
            sent = True
        time.sleep(0.02)


def main(directory: Path, owner_pid: int, owner_started: int) -> None:
    """Looks once a second; leaves as soon as the node has been stopped by its owner."""
    while processes := recorded(directory):
        if started_at(owner_pid) != owner_started:
            for pid, start, gentle in processes.values():
                end(pid, start, gentle)
            return
        time.sleep(LOOK_EVERY_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
