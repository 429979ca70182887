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


def test_a_key_that_the_log_does_not_know_signs_nothing_and_a_new_one_is_named_in_the_log(home: Home) -> None:
    first = home.baton("audit", "checkpoint")
    assert first.returncode == 0
    key = home.folder / "audit.key"
    old = key.read_bytes()
    key.unlink()
    for words in (
        ("checkpoint",),
        ("key",),
        ("export", "A2001", "-o", "x.zip", "--purpose", "p", "--recipient", "r"),
    ):
        assert "[another-key]" in refused(home.baton("audit", *words), 2)
        assert not key.exists()
    assert "[another-key]" in refused(home.baton("clock"), 2)
    key.write_bytes(old)
    key.chmod(0o600)
    told = home.baton("audit", "key").stdout.split()
    renewed = home.baton("audit", "key", "--new").stdout.split()
    assert renewed != told and home.baton("audit", "key").stdout.split() == renewed
    assert (home.folder / f"audit.key.{told[0]}").read_bytes() == old
    assert key.stat().st_mode & 0o077 == 0
    second = home.baton("audit", "checkpoint")
    elsewhere = home.folder / "elsewhere.txt"
    elsewhere.write_text(first.stdout + second.stdout)
    check = home.baton("audit", "verify", "--checkpoints", elsewhere, "--key", told[1], "--key", renewed[1])
    assert check.returncode == 0, check
    one = home.baton("audit", "verify", "--checkpoints", elsewhere, "--key", told[1])
    assert one.returncode == 1, one
