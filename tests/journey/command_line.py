"""Runs `baton` as a person would: a process of its own, with a home of its own and none of our settings."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BATON = [sys.executable, "-m", "service.cli"]
SECONDS = 60


@dataclass
class Home:
    """A folder to run in and the settings in force there."""

    folder: Path
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environ(self) -> dict[str, str]:
        plain = {k: v for k, v in os.environ.items() if not k.startswith(("BATON_", "COLUMNS"))}
        return (
            plain
            | {"BATON_HOME": str(self.folder), "BATON_SETTLING_SECONDS": "0", "PYTHONPATH": str(ROOT)}
            | self.settings
        )

    def baton(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end; `more` adds to the environment."""
        return subprocess.run(
            [*BATON, *map(str, words)],
            env=self.environ | more,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=SECONDS,
            check=False,
        )

    def start(self, *words: object, **more: str) -> subprocess.Popen[str]:
        """Start one command, leading a group of its own, and leave it running; its output goes to pipes."""
        return subprocess.Popen(
            [*BATON, *map(str, words)],
            env=self.environ | more,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            start_new_session=True,
        )


class Inside(Home):
    """The same commands in this process, where many are run one after another: starting takes longest."""

    def baton(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        """Run one command to its end, with the same settings, folder and streams of its own."""
        from service.cli.entry import run

        out, err, code = StringIO(), StringIO(), 0
        before, environ = Path.cwd(), dict(os.environ)
        try:
            os.chdir(self.folder)
            os.environ.clear()
            os.environ.update(self.environ | more)
            with redirect_stdout(out), redirect_stderr(err):
                run(list(map(str, words)))
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 1
        finally:
            os.environ.clear()
            os.environ.update(environ)
            os.chdir(before)
        return subprocess.CompletedProcess(list(map(str, words)), code, out.getvalue(), err.getvalue())


def refused(ran: subprocess.CompletedProcess[str], exit_code: int) -> str:
    """The one line with which a command refused; fails on a trace, on more lines and on another exit code."""
    lines = ran.stderr.strip().splitlines()
    assert ran.returncode == exit_code, ran
    assert len(lines) == 1 and lines[0].startswith("baton: ") and lines[0].endswith("]"), ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout
    return lines[0]
