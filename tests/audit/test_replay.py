"""For the auditor: what was decided is decided again, bit for bit, anywhere; what is not is told."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from pathlib import Path

import pytest

from tests.journey.command_line import ROOT, Home

EXAMPLES = ROOT / "docs" / "examples"
ENVIRONMENTS = [
    {"PYTHONHASHSEED": "0", "TZ": "UTC", "LC_ALL": "C"},
    {"PYTHONHASHSEED": "1", "TZ": "America/New_York", "LC_ALL": "tr_TR.UTF-8"},
    {"PYTHONHASHSEED": "random", "TZ": "Pacific/Apia", "LC_ALL": "ar_EG.UTF-8"},
]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    for name in ("account.json", "remittance.835", "correction.835"):
        assert home.baton("ingest", EXAMPLES / name).returncode == 0
    return home


def changed(home: Home, statement: str) -> dict:
    """What replay says after somebody who owns the database took the triggers away and changed a row."""
    database = sqlite3.connect(next(home.folder.rglob("baton.db")))
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    assert database.execute(statement).rowcount
    database.commit()
    database.close()
    ran = home.baton("replay", "--json")
    assert ran.returncode == 1, ran
    return json.loads(ran.stdout)


def test_everything_comes_out_the_same_in_every_environment(home: Home) -> None:
    said = set()
    for environment in ENVIRONMENTS:
        ran = home.baton("replay", "--json", **environment)
        assert ran.returncode == 0, ran
        said.add(ran.stdout)
    assert len(said) == 1
    found = json.loads(said.pop())
    assert found["decisions"] > 1 and found["messages"] == 3 and found["differences"] == 0


def other_pythons() -> list[str]:
    """Other versions of Python here that Baton runs on: on the path, or kept by pyenv."""
    found: dict[str, str] = {}
    kept = sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))
    for one in [*map(shutil.which, ("python3.12", "python3.13", "python3.14")), *map(str, kept)]:
        asked = [one, "-c", "import sys; print(*sys.version_info[:2])"] if one else ["false"]
        said = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.split()
        if len(said) == 2 and (int(said[0]), int(said[1])) > (3, 11) and one:
            found[said[1]] = one
    return list(found.values())


@pytest.mark.soak
def test_everything_comes_out_the_same_under_every_python_that_is_here(home: Home, tmp_path: Path) -> None:
    """Each gets an environment of its own with Baton installed as a user installs it, which takes minutes."""
    pythons = other_pythons()
    if not pythons:
        pytest.skip("no other Python from 3.12 on is here")
    here = home.baton("replay", "--json")
    for n, python in enumerate(pythons):
        place = tmp_path / f"python{n}"
        subprocess.run([python, "-m", "venv", place], check=True)
        subprocess.run([place / "bin" / "pip", "install", "-q", ROOT], check=True, capture_output=True)
        environ = {k: v for k, v in home.environ.items() if k != "PYTHONPATH"}
        there = subprocess.run(
            [place / "bin" / "baton", "replay", "--json"],
            env=environ | {"TZ": "Asia/Kathmandu", "PYTHONHASHSEED": "7"},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (there.returncode, there.stdout) == (0, here.stdout), python


def test_a_decision_that_was_changed_comes_out_otherwise(home: Home) -> None:
    found = changed(
        home,
        "UPDATE decision SET content = CAST(replace(CAST(content AS TEXT), '2026', '2027') AS BLOB)"
        " WHERE seq = (SELECT max(seq) FROM decision)",
    )
    assert [kind for kind, *_ in found["told"]] == ["decision"]


def test_a_fact_that_no_message_states_is_told(home: Home) -> None:
    found = changed(home, "DELETE FROM message WHERE seq = (SELECT max(seq) FROM message)")
    assert {kind for kind, *_ in found["told"]} >= {"fact-missing"}


def test_an_account_that_does_not_stand_at_its_last_decision_is_told(home: Home) -> None:
    found = changed(home, "UPDATE account SET decision_id = (SELECT min(id) FROM decision WHERE seq = 1)")
    assert [kind for kind, *_ in found["told"]] == ["head"]
