"""A real worker process for a test, and waiting for what it does."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.journey.command_line import BATON, Home

END_SECONDS = 30


@contextmanager
def working(home: Home, log: Path) -> Iterator[subprocess.Popen[str]]:
    """A worker process, its output in a file; at the end it must be alive, and stop in good order."""
    with log.open("w") as file:
        worker = subprocess.Popen(
            [*BATON, "worker"], env=home.environ, cwd=home.folder, stdout=file, stderr=file, text=True
        )
    try:
        yield worker
        assert worker.poll() is None, "the worker is alive"
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(END_SECONDS) == 0
    finally:
        if worker.poll() is None:
            worker.kill()
            worker.wait()


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until it is true, or fail with these words."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)
