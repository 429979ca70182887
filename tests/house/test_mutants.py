"""The list of small breaks that no test notices: each is judged, and is still one of code that exists."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIST = ROOT / "tests" / "mutants.tsv"
JUDGEMENTS = {"equivalent", "accepted"}


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


WEAK = """
from service.core.words import why_a_case_moved


def test_what_was_found_is_told():
    assert why_a_case_moved("G46", "A dispute is open.") == "A dispute is open."
    assert why_a_case_moved("PAID_IN_FULL", "whatever") == "The debt was paid in full."
"""


def test_what_a_weak_test_does_not_notice_is_told_and_what_it_notices_is_not(tmp_path: Path) -> None:
    """Nothing here asks about an account that is open again, nor about a gate that said nothing."""
    weak, results = tmp_path / "test_weak.py", tmp_path / "results.tsv"
    weak.write_text(WEAK)
    given = ["service/core/words.py", "--only", "why_a_case_moved", "--tests", weak, "--results", results]
    given += ["--histories", "9"]
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "mutating.py", *given], capture_output=True, text=True, check=False
    )
    outcomes = {line.split("\t")[2]: line.split("\t")[3] for line in results.read_text().splitlines()}
    assert outcomes["if reason in CASE_REASONS → if False"] == "noticed"
    assert outcomes["'RESPONSIBILITY_REOPENED' → 'RESPONSIBILITY_REOPENED~'"] == "SURVIVED"
    assert "SURVIVED" in done.stdout and "if reason in CASE_REASONS" not in done.stdout
    assert "not noticed by any test" in done.stdout.splitlines()[-1] and done.returncode == 1


def test_tests_that_fail_by_themselves_tell_nothing(tmp_path: Path) -> None:
    wrong = tmp_path / "test_wrong.py"
    wrong.write_text("def test_wrong():\n    assert False\n")
    given = ["service/core/words.py", "--only", "why_a_case_moved", "--tests", wrong]
    given += ["--results", tmp_path / "results.tsv"]
    done = subprocess.run(
        [sys.executable, ROOT / "deploy" / "mutating.py", *given], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and "fails without any mutant" in done.stderr
