"""Starts, remembers and ends the processes of one private node; nothing is ever ended by name."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from adapters.nodes import minder
from schemas.errors import ConfigRefused, Unavailable

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """Says nothing: the default where nobody asked to be told."""


def free_port(wanted: int = 0) -> int:
    """A free TCP port on loopback: the wanted one where it is free, else one the kernel picks."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError:
            if not wanted:
                raise
            return free_port()
        return int(probe.getsockname()[1])


def last_lines(path: Path, count: int = 3) -> str:
    """The end of a log file on one line, for an error message; empty when there is none."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n")
    except OSError:
        return ""
    return " | ".join([line.strip() for line in lines if line.strip()][-count:])[:600]


@dataclass(frozen=True, slots=True)
class Launch:
    """One process to start; `gentle` is the signal that ends it in good order."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    log: Path
    gentle: int = signal.SIGTERM
    user: int | None = None
    group: int | None = None


class Keeper:
    """The processes of the node in one directory. They are ended when `owner_pid` goes, however it goes."""

    def __init__(self, directory: Path, owner_pid: int | None = None) -> None:
        self.directory = directory
        self._owner_pid = owner_pid or os.getpid()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._minder: subprocess.Popen[bytes] | None = None

    def clear_the_place(self) -> None:
        """Ends what an owner that has gone left behind in this directory.

        Raises: ConfigRefused when a node is running there for an owner that is alive.
        """
        left = {name: p for name, p in minder.recorded(self.directory).items() if _is_running(p)}
        if left:
            owner = self._state().get("owner") or [0, 0]
            if minder.started_at(owner[0]) == owner[1]:
                raise ConfigRefused(
                    "node-in-use",
                    f"a private node is running in {self.directory} for process {owner[0]}; "
                    "stop that one or use another directory",
                )
        self.end_all()

    def start(self, launch: Launch) -> int:
        """Starts a process in its own session, away from the terminal's Ctrl-C, and remembers it.

        Raises: ConfigRefused when the program cannot be started at all.
        """
        with launch.log.open("ab") as log:
            try:
                child = subprocess.Popen(
                    list(launch.argv),
                    env=dict(launch.env),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.directory,
                    start_new_session=True,
                    user=launch.user,
                    group=launch.group,
                    extra_groups=None if launch.user is None else [],
                )
            except OSError as error:
                reason = f"cannot start {launch.argv[0]}: {error.strerror}"
                raise ConfigRefused("node-start-failed", reason) from error
        self._children[launch.name] = child
        processes = minder.recorded(self.directory)
        processes[launch.name] = (child.pid, minder.started_at(child.pid) or 0, launch.gentle)
        self._write(processes)
        self._mind()
        return child.pid

    def pid(self, name: str) -> int | None:
        """The id of a process of the node while it runs."""
        entry = minder.recorded(self.directory).get(name)
        return entry[0] if entry and _is_running(entry) else None

    def end(self, name: str, *, at_once: bool = False) -> None:
        """Ends one process: in good order, or with SIGKILL `at_once`. Nothing happens when it has gone."""
        processes = minder.recorded(self.directory)
        entry = processes.pop(name, None)
        if entry is not None:
            minder.end(entry[0], entry[1], signal.SIGKILL if at_once else entry[2])
        child = self._children.pop(name, None)
        if child is not None:
            child.wait()  # it has ended; this only collects its exit status
        if entry is not None:
            self._write(processes)

    def end_all(self) -> None:
        """Ends every process of the node in good order, the last started first, and then the minder."""
        for name in reversed(list(minder.recorded(self.directory))):
            self.end(name)
        if self._minder is not None:
            self._minder.terminate()
            self._minder.wait()
            self._minder = None

    def wait_until(self, ready: Callable[[], bool], name: str, log: Path, timeout_seconds: float) -> None:
        """Waits until the node answers.

        Raises: Unavailable when its process ends, or does not answer in time; the log's end is named.
        """
        deadline = time.monotonic() + timeout_seconds
        while not ready():
            if self.pid(name) is None:
                raise Unavailable("node-ended", f"{name} ended while starting; see {log}: {last_lines(log)}")
            if time.monotonic() > deadline:
                self.end_all()
                raise Unavailable(
                    "node-start-timeout",
                    f"{name} did not answer within {timeout_seconds:.0f} s; see {log}: {last_lines(log)}",
                )
            time.sleep(0.05)

    def _mind(self) -> None:
        if self._minder is None or self._minder.poll() is not None:
            started = minder.started_at(self._owner_pid) or 0
            self._minder = subprocess.Popen(
                [
                    sys.executable,
                    "-I",
                    minder.__file__,
                    str(self.directory),
                    str(self._owner_pid),
                    str(started),
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _state(self) -> dict[str, list[int]]:
        try:
            state = json.loads((self.directory / minder.STATE_FILE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, processes: Mapping[str, tuple[int, int, int]]) -> None:
        owner = (self._owner_pid, minder.started_at(self._owner_pid) or 0)
        target = self.directory / minder.STATE_FILE
        staged = target.with_suffix(".new")
        staged.write_text(json.dumps({"owner": owner, "processes": processes}), encoding="utf-8")
        staged.replace(target)  # the minder reads at any moment and must never see half a file


def _is_running(entry: tuple[int, int, int]) -> bool:
    return minder.started_at(entry[0]) == entry[1]
