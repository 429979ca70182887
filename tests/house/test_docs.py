"""For the newcomer: every command in README.md and docs/ runs as written.

A command stands after `$ ` in a `console` block. `# until stopped` marks one that runs until told to stop;
`# exit 1` one whose answer is "no"; `# sets up` one of README's two commands, which other tests run whole.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BATON = [sys.executable, "-m", "service.cli"]


def commands(page: Path) -> list[str]:
    """The commands of one page, in order."""
    blocks = re.findall(r"^```console\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE)
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith("$ ")]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, str]]]:
    """A scratch installation with the files that the pages speak of."""
    folder = tmp_path_factory.mktemp("docs")
    examples = ROOT / "docs" / "examples"
    for file in examples.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    environ = {k: v for k, v in os.environ.items() if not k.startswith("BATON_")}
    environ |= {
        "PYTHONPATH": str(ROOT),
        "BATON_HOME": str(folder / "var"),
        "NO_COLOR": "1",
        "BATON_HTTP_PORT": "0",
    }
    yield folder, environ


def run(command: str, folder: Path, environ: dict[str, str]) -> None:
    text, _, comment = command.partition("  # ")
    words = shlex.split(text)
    assert words[0] == "baton", f"not a baton command: {command}"
    arguments = [*BATON, *words[1:]]
    if "until stopped" in comment:
        process = subprocess.Popen(
            arguments, cwd=folder, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        time.sleep(3)
        assert process.poll() is None, process.communicate()
        process.send_signal(signal.SIGTERM)
        _, stderr = process.communicate(timeout=40)
        assert process.returncode == 0, stderr.decode()
        return
    done = subprocess.run(
        arguments, cwd=folder, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    expected = 1 if "exit 1" in comment else 0
    assert done.returncode == expected, f"{command}\n{done.stdout}\n{done.stderr}"
    assert "Traceback" not in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_every_command_of_the_page_runs(page: Path, place: tuple[Path, dict[str, str]]) -> None:
    folder, environ = place
    for command in commands(page):
        if "sets up" in command:
            script = ROOT / command.split()[0]
            assert script.exists() and os.access(script, os.X_OK)
            continue
        run(command, folder, environ)


def test_every_page_that_shows_a_command_shows_it_in_a_block_that_is_run() -> None:
    stray = [
        f"{page.name}: {line.strip()}"
        for page in PAGES
        for block in re.findall(
            r"^```(?:sh|bash|shell)\n(.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE
        )
        for line in block.splitlines()
        if line.strip().startswith(("baton ", "$ baton "))
    ]
    assert stray == []
