"""For the newcomer: every command in README.md and docs/ runs as written, and every link leads somewhere.

Each page runs from its top to its end in a folder of its own that holds docs/examples. In a `console` block a
command stands after `$ `; `# until stopped` marks one that runs until told to stop, `# exit 1` one whose
answer is "no", `# sets up` one of README's two commands, which run whole elsewhere. A `python` block runs in
the same folder; `sh` blocks run against a real `baton web`, its address and key in BATON_URL and BATON_KEY.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pytest

from service.app import App
from service.config import load
from service.web import SCOPES, create_key

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EVERY_PAGE = [*PAGES, *sorted((ROOT / "docs" / "adr").glob("*.md"))]
BATON = [sys.executable, "-m", "service.cli"]


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page in order: language and text."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@dataclass
class Place:
    """A scratch installation with the files that the pages speak of."""

    folder: Path
    environ: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for file in (ROOT / "docs" / "examples").iterdir():
            (self.folder / file.name).write_bytes(file.read_bytes())
        self.environ |= {k: v for k, v in os.environ.items() if not k.startswith("BATON_")}
        self.environ |= {"PYTHONPATH": str(ROOT), "NO_COLOR": "1", "BATON_HTTP_PORT": "0"}

    def run(self, arguments: list[str], expected: int = 0, given: str = "") -> str:
        done = subprocess.run(
            arguments, cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=120,
            check=False, input=given,
        )  # fmt: skip
        assert done.returncode == expected, f"{arguments}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done.stdout

    def run_until_stopped(self, arguments: list[str]) -> None:
        log = self.folder / "run.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*BATON, *arguments], cwd=self.folder, env=self.environ, stdout=stream, stderr=stream
            )
        until = time.monotonic() + 40
        while "Running." not in log.read_text():
            assert process.poll() is None and time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(40) == 0, log.read_text()

    @contextmanager
    def web(self) -> Iterator[None]:
        """A running `baton web` over this place's database."""
        log = self.folder / "web.log"
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [*BATON, "web"], cwd=self.folder, env=self.environ, stdout=stream, stderr=stream
            )
        try:
            until = time.monotonic() + 20
            while not (found := re.search(r'"port": ?(\d+)', log.read_text())):
                assert process.poll() is None and time.monotonic() < until, log.read_text()
                time.sleep(0.05)
            self.environ |= {"BATON_URL": f"http://127.0.0.1:{found[1]}", "BATON_KEY": self.key()}
            yield
        finally:
            process.terminate()
            assert process.wait(30) == 0

    def key(self) -> str:
        app = App(load({"BATON_HOME": str(self.folder / "var")}))
        try:
            return create_key(app.store, SCOPES, datetime.now(UTC))
        finally:
            app.close()


ONE_BY_ONE = """
import json, sys
from service.cli.entry import run
for words, expected in json.load(sys.stdin):
    try:
        run(words)
    except SystemExit as ended:
        if ended.code != expected:
            sys.exit(f"baton {' '.join(words)}: exit code {ended.code}, not {expected}")
"""
"""Runs command lines one after another as `baton` does, in one process: to start Python takes the longest."""


def run_commands(lines: list[str], place: Place) -> None:
    """Run the commands of a block in order, each with the exit code that its comment names."""
    waiting: list[tuple[list[str], int]] = []

    def run_waiting() -> None:
        if waiting:
            place.run([sys.executable, "-c", ONE_BY_ONE], given=json.dumps(waiting))
            waiting.clear()

    for line in lines:
        text, _, comment = line.partition("  # ")
        words = shlex.split(text)
        if "sets up" in comment:
            script = ROOT / words[0]
            assert script.exists() and os.access(script, os.X_OK)
            continue
        assert words[0] == "baton", f"not a baton command: {line}"
        if "until stopped" in comment:
            run_waiting()
            place.run_until_stopped(words[1:])
        else:
            waiting.append((words[1:], 1 if "exit 1" in comment else 0))
    run_waiting()


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_of_the_page_runs(page: Path, tmp_path: Path) -> None:
    place = Place(tmp_path)
    with ExitStack() as open_doors:
        for language, text in blocks(page):
            if language == "console":
                run_commands([line[2:] for line in text.splitlines() if line.startswith("$ ")], place)
            elif language == "python":
                place.run([sys.executable, "-c", text])
            elif language == "sh":
                if shutil.which("curl") is None:
                    pytest.skip("curl is not installed; the page's HTTP examples need it")
                if "BATON_URL" not in place.environ:
                    open_doors.enter_context(place.web())
                place.run(["bash", "-euo", "pipefail", "-c", text])
            elif language == "toml":
                tomllib.loads(text)


@pytest.mark.slow
def test_the_example_files_tell_what_the_pages_say_they_tell(tmp_path: Path) -> None:
    place = Place(tmp_path)

    def cases() -> list[tuple[str, str, str]]:
        told = place.run([*BATON, "cases", "--json"])
        return [(case["account"], case["status"], case["amount"]) for case in json.loads(told)["items"]]

    place.run([*BATON, "ingest", "remittance.835", "account.json"])
    assert cases() == [("GEN/A2001", "open", "142.17")]
    place.run([*BATON, "ingest", "correction.835"])
    assert cases() == [("GEN/A2001", "recalled", "0.00")]
    place.run([*BATON, "ingest", "broken.json"], expected=1)


def test_every_page_that_shows_a_command_shows_it_in_a_block_that_is_run() -> None:
    stray = [
        f"{page.name}: {line.strip()}"
        for page in PAGES
        for language, text in blocks(page)
        if language != "console"
        for line in text.splitlines()
        if line.strip().startswith(("baton ", "$ baton "))
    ]
    assert stray == []


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    heads = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def links(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", text))


@pytest.mark.parametrize("page", EVERY_PAGE, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_link_inside_the_house_leads_somewhere(page: Path) -> None:
    broken = []
    for link in links(page):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = unquote(link).partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md", ROOT / "docs" / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = [(page.parent / unquote(link).partition("#")[0]).resolve() for link in links(page)]
        waiting += [target for target in targets if target.is_file()]
    assert [page for page in EVERY_PAGE if page not in seen] == []


@pytest.mark.parametrize("picture", sorted((ROOT / "docs" / "images").glob("*.svg")), ids=lambda p: p.name)
def test_a_picture_is_well_formed_says_what_it_shows_and_is_shown(picture: Path) -> None:
    root = ET.fromstring(picture.read_text(encoding="utf-8"))
    assert root.get("aria-label")
    assert not [e for e in root.iter() if e.tag.endswith(("script", "image", "foreignObject"))]
    assert any(f"images/{picture.name})" in page.read_text(encoding="utf-8") for page in PAGES)
