"""Baton's parts as real processes, started for one scenario and stopped after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from schemas.errors import BatonError
from service.bench import machine

STOP_SECONDS: Final = 30.0
ROOT: Final = Path(__file__).resolve().parents[2]


class ChildEnded(BatonError):
    """A part of Baton ended while it was measured."""


@dataclass(frozen=True, slots=True)
class Child:
    """One running part and where it logs."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def cpu_seconds(self) -> float:
        """Processor time so far."""
        return machine.cpu_seconds(self.process.pid)

    @property
    def rss_mb(self) -> float:
        """Resident memory now."""
        return machine.rss_mb(self.process.pid)

    def check(self) -> None:
        """See that it still runs.

        Raises:
            ChildEnded: it does not.
        """
        code = self.process.poll()
        if code is not None:
            raise ChildEnded(
                "part-ended",
                f"baton {self.name} ended with {code} while it was measured",
                where=str(self.log),
            )


def environment(settings: Mapping[str, str]) -> dict[str, str]:
    """This process's environment for a child: these settings of Baton's alone, and our code on its path."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
    path = os.pathsep.join(filter(None, [str(ROOT), inherited.get("PYTHONPATH")]))
    return inherited | {"PYTHONPATH": path} | dict(settings)


def spawn(name: str, arguments: Sequence[str], settings: Mapping[str, str], folder: Path) -> Child:
    """Start `baton ARGUMENTS` in `folder`."""
    log = folder / f"{name}.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [sys.executable, "-m", "service.cli", *arguments],
            env=environment(settings),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    return Child(name, process, log)


@contextmanager
def running(workers: int, settings: Mapping[str, str], folder: Path) -> Iterator[list[Child]]:
    """Some workers and a relay, ended in good order."""
    started = []
    try:
        started.append(spawn("relay", ["relay"], settings, folder))
        started += [spawn(f"worker-{n + 1}", ["worker"], settings, folder) for n in range(workers)]
        yield started
    finally:
        for child in started:
            child.process.terminate()
        for child in started:
            _end(child)


def _end(child: Child) -> None:
    try:
        child.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()
