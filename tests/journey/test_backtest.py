"""For whoever sets policy: what a draft would have done over the stored history; asking changes nothing."""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest
from command_line import Home, refused

from service.demo import OLD_STATEMENTS, YOUNG_STATEMENTS, account_file, first_remittance

TODAY = datetime.now(UTC).date()
PACKS = Path(__file__).resolve().parents[2] / "service" / "policies"
DAYS = 'name = "min_days"\nstage = "open_case"\nvalue = 60'
LEAST = 'name = "min_balance"\nstage = "open_case"\nvalue = "25.00"'


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two accounts of 142.17: one ripe, one whose first statement is 40 days old."""
    made = Home(tmp_path_factory.mktemp("backtest"))
    folder = made.folder / "in"
    folder.mkdir()
    for number, statements in (("A1001", YOUNG_STATEMENTS), ("A1002", OLD_STATEMENTS)):
        (folder / f"{number}.json").write_bytes(account_file(number, statements, TODAY))
        (folder / f"{number}.835").write_bytes(first_remittance(number, TODAY))
    assert made.baton("ingest", "in").returncode == 0
    return made


def draft(home: Home, name: str, old: str, new: str) -> Path:
    text = (PACKS / "house_default.toml").read_text()
    assert text.count(old) == 1
    folder = home.folder / name
    folder.mkdir()
    (folder / "house_default.toml").write_text(text.replace(old, new))
    return folder / "house_default.toml"


def tables(home: Home) -> str:
    """One digest over every row of every table."""
    found = hashlib.sha256()
    with sqlite3.connect(home.folder / "baton.db") as connection:
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
        for (name,) in names.fetchall():
            for row in connection.execute(f"SELECT * FROM {name} ORDER BY rowid"):
                found.update(repr((name, row)).encode())
    return found.hexdigest()


def asked(home: Home, path: Path, *more: object) -> dict:
    ran = home.baton("policy", "backtest", path, "--json", *more)
    assert (ran.returncode, ran.stderr) == (0, ""), ran
    told: dict = json.loads(ran.stdout)
    return told


def test_a_draft_that_waits_less_lets_the_young_account_in_and_the_sums_add_up(home: Home) -> None:
    told = asked(home, draft(home, "sooner", DAYS, DAYS.replace("60", "30")), "--processes", 1)
    assert told["in_force"] == {"cases": 1, "amount": "142.17"}
    assert told["draft"] == {"cases": 2, "amount": "284.34"}
    assert told["difference"] == {"cases": 1, "amount": "142.17"}
    moves = {m["move"]: (m["accounts"], m["amount"]) for m in told["moves"]}
    assert moves == {"enters": (1, "142.17"), "earlier": (1, "0.00")}
    gates = {(g["name"], g["move"]) for g in told["by"]["gate"]}
    assert gates == {("G41", "enters"), ("G41", "earlier")}


def test_a_draft_with_a_higher_minimum_keeps_the_ripe_account_out_and_names_the_gate(home: Home) -> None:
    path = draft(home, "higher", LEAST, LEAST.replace("25.00", "200.00"))
    told = asked(home, path, "--csv", home.folder / "out.csv", "--chart", home.folder / "out.svg")
    assert told["difference"] == {"cases": -1, "amount": "-142.17"}
    assert told["by"]["gate"] == [{"name": "G42", "move": "leaves", "accounts": 1, "amount": "-142.17"}]
    (line,) = csv.DictReader((home.folder / "out.csv").open())
    assert (line["number"], line["move"], line["gates"]) == ("A1002", "leaves", "G42")
    picture = ElementTree.parse(home.folder / "out.svg").getroot()
    assert picture.tag.endswith("svg") and "G42" in "".join(picture.itertext())


def test_a_draft_that_waits_longer_names_the_gate_that_makes_a_case_later(home: Home) -> None:
    told = asked(home, draft(home, "longer", DAYS, DAYS.replace("60", "62")), "--processes", 1)
    assert told["difference"] == {"cases": 0, "amount": "0.00"}
    assert told["by"]["gate"] == [{"name": "G41", "move": "later", "accounts": 1, "amount": "0.00"}]


def test_asking_changes_no_row_of_any_table(home: Home) -> None:
    before = tables(home)
    ran = home.baton("policy", "backtest", home.folder / "sooner", "--until", TODAY + timedelta(90))
    assert ran.returncode == 0 and "nothing was changed" in ran.stdout, ran
    assert tables(home) == before


def test_the_policy_in_force_itself_changes_nothing(home: Home) -> None:
    told = asked(home, PACKS)
    assert (told["moves"], told["difference"]) == ([], {"cases": 0, "amount": "0.00"})


def test_two_processes_count_what_one_counts(home: Home) -> None:
    path = home.folder / "sooner"
    assert asked(home, path, "--processes", 2) == asked(home, path, "--processes", 1)


def test_a_draft_that_does_not_hold_together_is_refused(home: Home) -> None:
    path = home.folder / "broken.toml"
    path.write_text('[policy]\nid = "x"\nversion = "1"\n[gates.G99]\ncitation = "c"\n')
    assert "[unknown-gate]" in refused(home.baton("policy", "backtest", path), 2)


def test_a_cluster_counts_what_one_process_counts(home: Home) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed (extra cluster)")
    path = draft(home, "clustered", DAYS, DAYS.replace("60", "30"))
    alone = asked(home, path, "--processes", 1)
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, host="127.0.0.1", dashboard_address=None
    ) as cluster:
        together = asked(home, path, "--scheduler", cluster.scheduler_address)
    assert together == alone


def test_a_scheduler_that_does_not_answer_is_said_plainly(home: Home) -> None:
    pytest.importorskip("distributed", reason="Dask is not installed (extra cluster)")
    path = draft(home, "nowhere", DAYS, DAYS.replace("60", "30"))
    ran = home.baton("policy", "backtest", path, "--scheduler", "not-an-address")
    assert ran.returncode == 2
    assert "no Dask scheduler answers there" in ran.stderr and "Traceback" not in ran.stderr
