"""For the auditor: `baton audit verify` answers with its exit code, so that a schedule can ask it."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from tests.journey.command_line import ROOT, Home, refused


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    assert home.baton("ingest", ROOT / "docs" / "examples" / "account.json").returncode == 0
    return home


def test_a_whole_log_is_exit_code_0_and_a_changed_one_is_exit_code_1(home: Home) -> None:
    whole = home.baton("audit", "verify", "--json", "--log-only")
    assert (whole.returncode, json.loads(whole.stdout)["whole"]) == (0, True)
    database = sqlite3.connect(next(home.folder.rglob("baton.db")))
    for (trigger,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        database.execute(f'DROP TRIGGER "{trigger}"')
    database.execute("UPDATE audit_content SET content = content || ' ' WHERE seq = 2")
    database.commit()
    database.close()
    changed = home.baton("audit", "verify", "--json", "--log-only")
    assert (changed.returncode, json.loads(changed.stdout)["divergences"][0]["entry"]) == (1, 2)


def test_a_check_resumes_from_its_file_and_a_bad_file_is_refused(home: Home) -> None:
    words = ("audit", "verify", "--log-only", "--json", "--resume", home.folder / "checked.json")
    first = json.loads(home.baton(*words).stdout)
    assert home.baton("ingest", ROOT / "docs" / "examples" / "remittance.835").returncode == 0
    second = home.baton(*words)
    assert second.returncode == 0 and json.loads(second.stdout)["entries"] > first["entries"]
    assert json.loads((home.folder / "checked.json").read_text())["size"] > first["entries"]
    (home.folder / "checked.json").write_text("{}")
    refused(home.baton(*words), 2)
