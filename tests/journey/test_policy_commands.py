"""A compliance owner changes a waiting period: check, compare, publish, and a second person approves."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from adapters.store import Store
from schemas.canonical import from_bytes
from schemas.errors import BatonError, ConfigRefused, PolicyRefused
from schemas.facts import AccountRef, Message
from service.app import App
from service.cli.entry import error_line
from service.cli.policy import policy as group
from service.cli.table import baton as group_of_all
from service.config import load
from tests.journey.command_line import ROOT, Home, refused

EXAMPLES = ROOT / "docs" / "examples"
HOUSE = EXAMPLES / "house-policy.toml"


class Here(Home):
    """The same commands in this process: a hundred starts of Python would take longer than all they do."""

    def baton(self, *words: object, **more: str) -> subprocess.CompletedProcess[str]:
        env: dict[str, str | None] = dict.fromkeys(k for k in os.environ if k.startswith("BATON_"))
        arguments = [str(word) for word in words]
        ran = CliRunner().invoke(group_of_all, arguments, env={**env, **self.environ, **more})
        if ran.exception is None or isinstance(ran.exception, SystemExit):
            return subprocess.CompletedProcess(arguments, ran.exit_code, ran.stdout, ran.stderr)
        assert isinstance(ran.exception, BatonError), ran.exception
        code = 2 if isinstance(ran.exception, (ConfigRefused, PolicyRefused)) else 1
        return subprocess.CompletedProcess(arguments, code, ran.stdout, error_line(ran.exception) + "\n")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    store.upgrade()
    store.close()
    return Here(tmp_path)


def published(home: Home, pack: Path = HOUSE, by: str = "Ann") -> str:
    ran = home.baton("policy", "publish", pack, "--by", by, "--json")
    assert ran.returncode == 0, ran.stderr
    return str(json.loads(ran.stdout)["sha256"])


def history(home: Home) -> list[dict[str, str]]:
    return list(json.loads(home.baton("policy", "history", "--json").stdout))


def test_a_waiting_period_is_changed_by_two_people(home: Home) -> None:
    assert home.baton("policy", "check", HOUSE).returncode == 0
    told = json.loads(home.baton("policy", "diff", "in-force", HOUSE, "--json").stdout)
    assert {
        "what": "G41 min_days for open_case",
        "scope": None,
        "from": "2027-01-01",
        "until": None,
        "before": "60 days",
        "after": "75 days",
    } in told
    sha256 = published(home)
    assert [row["state"] for row in history(home)] == ["proposed", "in force"]
    assert "same-person" in refused(home.baton("policy", "approve", sha256, "--by", "ann"), 1)
    assert home.baton("policy", "approve", sha256[:12], "--by", "Bob", "--note", "seen").returncode == 0
    rows = history(home)
    assert [row["state"] for row in rows] == ["in force", "superseded"]
    assert (rows[0]["proposed_by"], rows[0]["settled_by"], rows[0]["settled_note"]) == ("Ann", "Bob", "seen")
    assert rows[0]["settled_as"] and rows[1]["proposed_by"] == "baton"
    shown = json.loads(home.baton("policy", "show", "--gate", "G41", "--on", "2027-01-01", "--json").stdout)
    value = shown["gates"][0]["parameters"][0]["values"]["open_case"]
    assert shown["sha256"] == sha256 and value == {"value": 75, "set_by": "our-hospital@2027.1"}
    assert "another policy" in home.baton("doctor").stdout


def test_what_lies_on_disk_decides_nothing_until_it_is_approved(home: Home) -> None:
    published(home)
    folder = home.folder / "packs"
    folder.mkdir()
    (folder / "ours.toml").write_text(HOUSE.read_text())
    shown = home.baton("policy", "show", "--json", BATON_POLICY_DIR=str(folder)).stdout
    assert "our-hospital" not in json.loads(shown)["version"]
    settings = {"BATON_POLICY_DIR": str(folder), "BATON_POLICY_SOURCE": "disk"}
    assert "our-hospital" in json.loads(home.baton("policy", "show", "--json", **settings).stdout)["version"]
    assert "from disk" in home.baton("doctor", **settings).stdout


def test_a_withdrawn_proposal_stays_in_the_history(home: Home) -> None:
    sha256 = published(home)
    assert home.baton("policy", "withdraw", sha256, "--by", "Bob", "--note", "too long").returncode == 0
    assert "settled-before" in refused(home.baton("policy", "approve", sha256, "--by", "Cat"), 1)
    row = history(home)[0]
    assert (row["state"], row["settled_note"]) == ("withdrawn", "too long")


def test_a_folder_of_packs_is_laid_over_the_bundled_ones_or_stands_alone(tmp_path: Path) -> None:
    home = Here(tmp_path)
    folder = tmp_path / "packs"
    folder.mkdir()
    (folder / "ours.toml").write_text(HOUSE.read_text())
    here = {"BATON_POLICY_DIR": str(folder)}
    shown = json.loads(home.baton("policy", "show", "--disk", "--json", **here).stdout)
    assert {pack["file"] for pack in shown["packs"]} >= {"ours.toml", "us_federal.toml"}
    alone = home.baton("policy", "show", "--disk", BATON_POLICY_BUNDLED="no", **here)
    assert "gate-without-citation" in refused(alone, 2)
    assert not (tmp_path / "baton.db").exists()


def test_a_wrong_pack_is_refused_with_file_and_line(home: Home) -> None:
    wrong = home.folder / "wrong.toml"
    wrong.write_text(HOUSE.read_text().replace("min_days", "min_day") + "\n[gates.G99]\ncitation = 'x'\n")
    ran = home.baton("policy", "check", wrong)
    line = wrong.read_text().splitlines().index('name = "min_day"') + 1
    assert ran.returncode == 2 and f"error: wrong.toml:{line}: " in ran.stdout
    assert "[unknown-gate]" in ran.stdout and "Refused: 2 wrong." in ran.stdout
    assert f"wrong.toml:{line}" in refused(home.baton("policy", "publish", wrong, "--by", "Ann"), 2)
    assert "unknown-parameter" in refused(home.baton("cases", BATON_POLICY_DIR=str(_folder_of(wrong))), 2)


def _folder_of(pack: Path) -> Path:
    folder = pack.parent / "folder"
    folder.mkdir()
    pack.rename(folder / pack.name)
    return folder


def test_a_value_without_effect_is_a_warning_and_with_strict_a_no(home: Home) -> None:
    idle = home.folder / "idle.toml"
    idle.write_text(
        '[policy]\nid = "ny"\nversion = "1"\n[scope]\nstate = ["NY"]\n[gates.G41]\ncitation = "c"\n'
        '[[gates.G41.value]]\nname = "min_days"\nvalue = 5\nunit = "days"\n'
    )
    ran = home.baton("policy", "check", idle)
    assert ran.returncode == 0 and "warning: idle.toml:8: " in ran.stdout
    assert home.baton("policy", "check", "--strict", idle).returncode == 1


def test_the_scope_of_an_account_shows_who_sets_its_values(home: Home) -> None:
    ny = home.folder / "ny.toml"
    ny.write_text(
        '[policy]\nid = "ny"\nversion = "1"\n[scope]\nstate = ["NY"]\n[gates.G41]\ncitation = "PHL"\n'
        '[[gates.G41.value]]\nname = "min_days"\nstage = "open_case"\nvalue = 300\nunit = "days"\n'
    )
    folder = {"BATON_POLICY_DIR": str(_folder_of(ny))}
    words = ("policy", "show", "--disk", "--gate", "G41", "--scope", "state=ny,payer_kind=commercial")
    assert "300 days [ny@1]" in home.baton(*words, **folder).stdout
    wrong = home.baton("policy", "show", "--scope", "county=Kings", **folder)
    assert wrong.returncode == 2 and "KEY is one of facility" in wrong.stderr
    assert "no-such-gate" in refused(home.baton("policy", "show", "--gate", "G00", **folder), 1)


def test_a_running_process_decides_by_what_was_approved_meanwhile(home: Home) -> None:
    app = App(load({"BATON_HOME": str(home.folder)}))
    try:
        intake, before = app.intake(), app.policy.sha256
        sha256 = published(home)
        assert home.baton("policy", "approve", sha256, "--by", "Bob").returncode == 0
        until = time.monotonic() + 10
        while app.policy.sha256 == before:
            assert time.monotonic() < until
            time.sleep(0.2)
        moment = app.moment()
        body = (EXAMPLES / "account.json").read_bytes()
        intake.receive(
            [Message.of(body, feed="f", format="json", door="file", received_at=moment.now)], moment
        )
        with app.store.read() as reader:
            record = reader.latest_decision(AccountRef("GEN", "A2001"))
        assert record is not None and from_bytes(record.content)["policy"]["sha256"] == sha256
    finally:
        app.close()


def test_the_commands_of_the_group_are_listed() -> None:
    assert {"show", "check", "diff", "publish", "approve", "withdraw", "history"} <= set(group.commands)


LIST = (
    "Code\tDescription\tStart\tStop\n1\tWords of the list about one\n"
    "Q9\tWords about a new one\t2026-01-01\nQ8\tOld\t\t01/31/2020\n"
)


def test_a_licensed_list_is_kept_at_home_and_shown_beside_our_words_alone(home: Home) -> None:
    listed = home.folder / "list.tsv"
    listed.write_text(LIST)
    ran = home.baton("policy", "import-codes", listed)
    assert ran.returncode == 0 and "3 reason codes kept; the policy does not know 1" in ran.stdout
    assert 'codes = ["Q9"]\nclass = "REVIEW"' in ran.stdout and "Words" not in ran.stdout
    entry = ran.stdout.split("For a pack of your own:")[1]
    pack = home.folder / "pack.toml"
    pack.write_text(f'[policy]\nid = "ours"\nversion = "1"\n{entry}')
    assert home.baton("policy", "check", pack).returncode == 0
    assert (home.folder / "official_codes.json").stat().st_mode & 0o077 == 0
    for name in ("account.json", "remittance.835"):
        assert home.baton("ingest", EXAMPLES / name).returncode == 0
    told = home.baton("why", "A2001").stdout
    assert "Official description (licensed)" in told and "PR-1: Words of the list about one" in told
    assert "Words of the list" not in home.baton("why", "A2001", "--json").stdout
    with sqlite3.connect(home.folder / "baton.db") as database:
        kept = b"".join(content for (content,) in database.execute("SELECT content FROM decision"))
    assert kept and b"Words of the list" not in kept


@pytest.mark.parametrize(
    "text", ["1\n", "1,a,b,c,d\n", "not a code,x\n", "1,x,soon\n", ",\n", "", "\x00,x\n"]
)
def test_a_list_that_is_none_is_refused_without_quoting_it(home: Home, text: str) -> None:
    listed = home.folder / "list.csv"
    listed.write_text(text)
    line = refused(home.baton("policy", "import-codes", listed), 1)
    assert "soon" not in line and "not a code" not in line
    assert not (home.folder / "official_codes.json").exists()
