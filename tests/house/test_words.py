"""For the lawyer: no wording of a licensed code list is shipped.

Official descriptions of X12 codes are licensed, so they are not here to compare with. Whoever has a licence
points BATON_X12_LIST at their own list (one description a line, or CSV or TSV with the description in any
column) and runs this module; what it prints names places, never the wording.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = "BATON_X12_LIST"
RUN = 6
"""So many words in a row are wording; fewer are how anybody would say it."""

SHORTEST = 4
"""A description of fewer words than RUN counts whole, down to this; below it, it is a term of the trade."""

TEXTS = ("*.md", "*.toml", "*.py", "*.json", "*.svg", "*.sh", "NOTICE", "Makefile", "run", "test")
SHIPPED = (
    "README.md",
    "NOTICE",
    "Makefile",
    "pyproject.toml",
    ".ci",
    "deploy",
    "docs",
    "schemas",
    "adapters",
    "service",
)


def files(places: Iterable[str], root: Path = ROOT) -> Iterator[Path]:
    for place in places:
        path = root / place
        if path.is_file():
            yield path
        for file in sorted(path.rglob("*")) if path.is_dir() else ():
            if file.is_file() and any(file.match(pattern) for pattern in TEXTS):
                yield file


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower().replace("'", ""))


def runs(text: str) -> set[tuple[str, ...]]:
    """Every run of words of an official description that would be wording, were it shipped."""
    said = words(text)
    if len(said) < RUN:
        return {tuple(said)} if len(said) >= SHORTEST else set()
    return {tuple(said[n : n + RUN]) for n in range(len(said) - RUN + 1)}


def read_list(text: str) -> dict[tuple[str, ...], int]:
    """Each run of the list with the line it stands on."""
    found: dict[tuple[str, ...], int] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for column in re.split(r"\t|\"?,\"|\|", line):
            for run in runs(column):
                found.setdefault(run, number)
    return found


def borrowed(shipped: str, official: dict[tuple[str, ...], int]) -> Iterator[tuple[int, int]]:
    """Where shipped text repeats a run of the list: line here (counted from 1), line there.

    Words run on over line ends, comment signs and quotes.
    """
    at = [(word, number) for number, line in enumerate(shipped.splitlines(), 1) for word in words(line)]
    for size in sorted({len(run) for run in official}):
        for n in range(len(at) - size + 1):
            there = official.get(tuple(word for word, _ in at[n : n + size]))
            if there is not None:
                yield at[n][1], there


MADE_UP = (
    'code,"description"\n'
    'Z1,"The purple elephant must be fed before any balloon is released"\n'
    'Z2,"Balloon not inflated properly"\n'
    'Z3,"Elephant"\n'
)


def test_a_repeated_run_is_found_over_line_ends_and_signs() -> None:
    shipped = '# A rule: purple ELEPHANT must\n# "be fed, before" anything else\n'
    assert list(borrowed(shipped, read_list(MADE_UP))) == [(1, 2)]


def test_a_short_description_counts_whole_and_a_single_term_not_at_all() -> None:
    official = read_list(MADE_UP)
    assert list(borrowed("x\nbecause the balloon (not inflated) properly flew", official)) == [(2, 3)]
    assert list(borrowed("An elephant; a balloon that was not inflated", official)) == []


def test_own_words_about_the_same_thing_pass() -> None:
    shipped = "Feed the purple elephant first; only then let a balloon go."
    assert list(borrowed(shipped, read_list(MADE_UP))) == []


def test_no_wording_of_the_official_list_is_shipped() -> None:
    if LIST not in os.environ:
        pytest.skip(f"no official list here: it is licensed; set {LIST} to the path of your own copy")
    official = read_list(Path(os.environ[LIST]).read_text(encoding="utf-8", errors="replace"))
    assert official, f"{LIST} holds no description"
    found = [
        f"{file.relative_to(ROOT)}:{here} repeats line {there} of the list"
        for file in files(SHIPPED)
        for here, there in borrowed(file.read_text(encoding="utf-8"), official)
    ]
    assert found == []


def test_every_shipped_place_is_there() -> None:
    assert [place for place in SHIPPED if not (ROOT / place).exists()] == []
    assert len(list(files(SHIPPED))) > 100
