"""For the operator: on a disk that is full or read-only nothing is acknowledged and nothing half done."""

from __future__ import annotations

import errno
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from schemas.errors import Unavailable
from service.app import App
from service.audit import LogCheck, verify_log
from service.audit.rows import verify_rows
from tests.journey.command_line import Inside, refused
from tests.journey.stories import MOMENT, ripe, sealed
from tests.journey.web_fixtures import charge, door_to, make_app

BALLAST = "ballast"


def mount(*words: object) -> None:
    subprocess.run(["mount", *map(str, words)], capture_output=True, check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 24 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    try:
        mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", folder)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this machine does not let us mount a file system of our own")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def fill(disk: Path) -> None:
    """Take what room there is left."""
    with (disk / BALLAST).open("wb", buffering=0) as out:
        for size in (1 << 16, 1 << 12, 1):
            try:
                while out.write(b"\0" * size):
                    pass
            except OSError as error:
                assert error.errno == errno.ENOSPC


def checked(app: App) -> LogCheck:
    with app.store.read() as reader:
        check = verify_log(reader.audit_log(), reader.audit_head())
        verify_rows(reader, check)
    return check


def standing(app: App) -> tuple[int, int]:
    with app.store.read() as reader:
        return reader.counts().messages, reader.audit_head().size


def refused_when_full(app: App) -> tuple[int, int]:
    """Take messages in until one is refused; what stood before that one."""
    intake = app.intake()
    for n in range(500):
        before = standing(app)
        try:
            intake.receive(sealed(*ripe(f"F{n}")), MOMENT)
        except Unavailable as error:
            assert error.code == "disk-full" and "free space" in error.reason
            return before
    raise AssertionError("the disk never became full")


def test_on_a_full_disk_nothing_is_taken_in_and_nothing_is_shown(disk: Path, tmp_path: Path) -> None:
    app = make_app(disk)
    app.store.upgrade()
    door = door_to(app)
    assert door.send(charge("A1")).status_code < 300
    fill(disk)
    before = refused_when_full(app)
    assert standing(app) == before, "nothing of what was refused is there"
    answer = door.send(*(charge(f"B{n}", f"b{n}") for n in range(200)))
    assert answer.status_code == 503 and answer.json["code"] == "disk-full", answer.data
    shown = door.get("/v1/accounts/GEN/A1/why")
    assert shown.status_code == 503 and shown.json["code"] == "read-not-recorded", shown.data
    assert standing(app) == before
    assert checked(app).divergences == []
    app.close()

    home = Inside(tmp_path, {"BATON_HOME": str(disk), "BATON_DATABASE_URL": f"sqlite:///{disk}/baton.db"})
    words = ("audit", "export", "A1", "-o", "x.zip", "--purpose", "p", "--recipient", "r")
    # The key that signs is made first; a disk without room for it must not be left with half of one.
    assert "[no-key]" in refused(home.baton(*words), 2)
    assert not (disk / "audit.key").exists()
    home.settings["BATON_AUDIT_KEY"] = str(tmp_path / "audit.key")
    assert "[disk-full]" in refused(home.baton(*words), 1)
    del home.settings["BATON_AUDIT_KEY"]
    assert not list(tmp_path.glob("*.zip")) and not list(tmp_path.glob(".baton-*"))
    assert "[read-not-recorded]" in refused(home.baton("why", "A1"), 1)

    (disk / BALLAST).unlink()
    assert home.baton(*words).returncode == 0 and home.baton("why", "A1").returncode == 0
    app = make_app(disk)
    app.intake().receive(sealed(*ripe("A9")), MOMENT)
    assert standing(app)[1] > before[1] and checked(app).divergences == []
    app.close()
    with sqlite3.connect(disk / "baton.db") as database:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_on_a_read_only_disk_nothing_is_taken_in_and_nothing_is_shown(disk: Path, tmp_path: Path) -> None:
    import json

    home = Inside(tmp_path, {"BATON_HOME": str(disk), "BATON_DATABASE_URL": f"sqlite:///{disk}/baton.db"})
    (tmp_path / "one.json").write_text(json.dumps([charge("A1")]))
    (tmp_path / "two.json").write_text(json.dumps([charge("A2", "c2")]))
    assert home.baton("ingest", "one.json").returncode == 0
    kept = (disk / "baton.db").read_bytes()
    mount("-o", "remount,ro", disk)
    words = ("audit", "export", "A1", "-o", "x.zip", "--purpose", "p", "--recipient", "r")
    for command in (("ingest", "two.json"), ("why", "A1"), words):
        ran = home.baton(*command)
        line = refused(ran, 1)
        assert "[disk-error]" in line or "[database-read-only]" in line, line
        assert ran.stdout == ""
    assert not list(tmp_path.glob("*.zip"))
    assert (disk / "baton.db").read_bytes() == kept
    mount("-o", "remount,rw", disk)
    assert home.baton("ingest", "two.json").returncode == 0
    ran = home.baton("audit", "verify", "--json")
    assert ran.returncode == 0 and json.loads(ran.stdout)["whole"], ran
