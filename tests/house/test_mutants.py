"""The list of small breaks that no test notices: each is judged, and is still one of code that exists."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "mutants.tsv"
JUDGEMENTS = {"equivalent", "not worth a test"}


def rows() -> list[list[str]]:
    return [line.split("\t") for line in LIST.read_text().splitlines()]


@pytest.fixture(scope="module")
def mutation() -> ModuleType:
    place = ROOT / "deploy" / "mutation.py"
    spec = importlib.util.spec_from_file_location("mutation", place)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["mutation"] = module
    spec.loader.exec_module(module)
    return module


def test_every_judged_break_says_why_nobody_has_to_notice_it() -> None:
    head, *judged = rows()
    assert head == ["file", "function", "change", "judgement", "because"]
    for row in judged:
        assert len(row) == 5 and row[3] in JUDGEMENTS and len(row[4]) > 10, row
    assert judged == sorted(judged)
    assert len({tuple(row[:3]) for row in judged}) == len(judged)


def test_every_judged_break_is_still_one_of_code_that_exists(mutation: ModuleType) -> None:
    for path in {row[0] for row in rows()[1:]}:
        made = {mutant.name for mutant in mutation.mutants(path)}
        for row in rows()[1:]:
            if row[0] == path:
                assert tuple(row[:3]) in made, row


def test_a_break_is_made_where_it_is_said(mutation: ModuleType) -> None:
    found = mutation.mutants("service/core/bearers.py")
    assert found and all(mutant.path == "service/core/bearers.py" for mutant in found)
    assert all("→" in mutant.change and mutant.line > 0 for mutant in found)
