"""One process tree for `baton run`: parts are started, watched, restarted, and stopped together."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Final

from service.logs import Log

STOP_SECONDS: Final = 30.0
WATCH_SECONDS: Final = 0.2
RESTART_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0)
REFUSED: Final = 2
"""Exit code of a part that refuses its configuration: starting it again would not help."""


UNDER_TREE: Final = "BATON_UNDER_TREE"
"""Set for parts of a tree: their standard input ends when the tree does."""


@dataclass(slots=True)
class Part:
    """One child process: its name and the `baton` command line it runs."""

    name: str
    arguments: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    starts: int = 0
    wait_rounds: int = field(default=0)


class Tree:
    """Starts parts and keeps them running until stopped."""

    def __init__(self, parts: Sequence[Part], environ: Mapping[str, str], log: Log) -> None:
        self._parts = parts
        self._environ = dict(environ)
        self._log = log

    def start(self) -> None:
        """Start every part."""
        for part in self._parts:
            self._spawn(part)

    def watch(self, stop: Event) -> int:
        """Keep the parts running until `stop` is set; 0, or 2 when a part refuses its configuration."""
        while not stop.wait(WATCH_SECONDS):
            for part in self._parts:
                code = part.process.poll() if part.process else None
                if code is None:
                    continue
                if code == REFUSED:
                    return REFUSED
                if part.wait_rounds == 0:
                    wait = RESTART_SECONDS[min(part.starts - 1, len(RESTART_SECONDS) - 1)]
                    self._log.warning("part ended, starting it again", child=part.name, exit_code=code)
                    part.wait_rounds = max(1, round(wait / WATCH_SECONDS))
                else:
                    part.wait_rounds -= 1
                    if part.wait_rounds == 0:
                        self._spawn(part)
        return 0

    def stop(self) -> None:
        """Ask every part to finish its batch and end; kill what has not ended in time."""
        running = [p.process for p in self._parts if p.process and p.process.poll() is None]
        for process in running:
            process.terminate()
        for process in running:
            try:
                process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def _spawn(self, part: Part) -> None:
        part.starts += 1
        # The part reads the other end: when this process is gone, however it went, the part sees it and ends.
        part.process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", *part.arguments],
            env=self._environ | {UNDER_TREE: "1"},
            stdin=subprocess.PIPE,
        )
