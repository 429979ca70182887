"""For an on-call engineer: no bytes from outside make a reader raise; what would is kept as a file."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "deploy" / "fuzzing.py"


@pytest.fixture
def fuzzing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fuzzing", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_no_entry_point_raises_on_broken_input(tmp_path: Path) -> None:
    words = [sys.executable, PROGRAM, "--seconds", "2", "--seed", "7", "--blindly", "--crashes", tmp_path]
    ran = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=240)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("none raised") == 8 and list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_no_entry_point_raises_on_input_that_coverage_guides(tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="there is no atheris for this Python on this machine")
    words = [sys.executable, PROGRAM, "--seconds", "7", "--seed", "7", "--crashes", tmp_path]
    ran = subprocess.run(words, capture_output=True, encoding="utf-8", timeout=400)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count(": Done ") == 8 and list(tmp_path.iterdir()) == []


def test_a_reader_that_raises_is_told_of_and_its_input_kept(fuzzing: ModuleType, tmp_path: Path) -> None:
    def fragile(data: bytes) -> None:
        assert b"\x00" not in data

    fuzzing.TARGETS["json"] = (lambda: fragile, fuzzing.TARGETS["json"][1])
    assert fuzzing.blindly("json", 20, 1, tmp_path) == 1
    (kept,) = tmp_path.iterdir()
    assert b"\x00" in kept.read_bytes() and kept.name.startswith("json-")


def test_a_target_that_does_not_exist_is_wrong_usage() -> None:
    ran = subprocess.run([sys.executable, PROGRAM, "edi"], capture_output=True, encoding="utf-8")
    assert ran.returncode == 2 and "edi" in ran.stderr
