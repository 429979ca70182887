"""From files to answers: `ingest`, then `why`, `cases`, `case`, `parked` over one home."""

import json
import os
import pty
import re
import subprocess
from datetime import UTC, datetime, timedelta

import pytest
from command_line import BATON, Home, refused

from service.demo import (
    OLD_STATEMENTS,
    YOUNG_STATEMENTS,
    account_file,
    broken_file,
    first_remittance,
)

TODAY = datetime.now(UTC).date()
CONTRACT = {
    "account", "as_of", "summary", "balance", "currency", "responsibility", "determination", "gates",
    "decision", "case", "timeline", "counterfactual", "audit",
}  # fmt: skip


def write_files(folder):
    folder.mkdir()
    (folder / "1.json").write_bytes(account_file("A1001", YOUNG_STATEMENTS, TODAY))
    (folder / "2.json").write_bytes(account_file("A1002", OLD_STATEMENTS, TODAY))
    (folder / "3.835").write_bytes(first_remittance("A1001", TODAY))
    (folder / "4.835").write_bytes(first_remittance("A1002", TODAY))
    (folder / "5.json").write_bytes(broken_file(TODAY))


@pytest.fixture(scope="module")
def lived_in(tmp_path_factory):
    """A home with two accounts, one case and one parked message; and what ingesting them said."""
    home = Home(tmp_path_factory.mktemp("lived-in"))
    write_files(home.folder / "in")
    return home, home.baton("ingest", "--feed", "demo", "in")


def test_ingest_in_a_pipe_says_a_line_a_file_and_what_was_parked(lived_in):
    _, ran = lived_in
    lines = ran.stdout.splitlines()
    assert ran.returncode == 1, ran
    assert lines[0] == "in/1.json: accepted, 7 new facts"
    assert lines[4] == "in/5.json: parked, 0 new facts, 1 part parked"
    assert lines[5].startswith("5 files: 4 accepted, 0 duplicate, 1 parked;")
    assert "$.data.amount" in ran.stdout and "12.345" not in ran.stdout
    assert "\x1b" not in ran.stdout and max(map(len, lines)) <= 100


def test_the_same_files_again_change_nothing(lived_in):
    home, _ = lived_in
    ran = home.baton("ingest", "--feed", "demo", "in", "--json")
    told = json.loads(ran.stdout)
    assert (told["files"], told["duplicate"], told["accepted"], told["facts"]) == (5, 5, 0, 0)


def test_why_keeps_its_contract(lived_in):
    home, _ = lived_in
    ran = home.baton("why", "GEN/A1002", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(told) >= CONTRACT
    assert (told["account"], told["balance"], told["determination"]) == ("GEN/A1002", "142.17", "final")
    assert told["decision"]["outcomes"]["open_case"] == "allow" and told["case"]["status"] == "open"
    assert sum(float(share["amount"]) for share in told["responsibility"]) == pytest.approx(142.17)


def test_why_for_a_person_names_the_sum_and_what_binds(lived_in):
    home, _ = lived_in
    ran = home.baton("why", "A1001")
    assert (ran.returncode, ran.stderr) == (0, "")
    review = TODAY + timedelta(60 - YOUNG_STATEMENTS[0])
    assert "142.17" in ran.stdout and f"until {review}" in ran.stdout
    lines = ran.stdout.splitlines()
    assert "…" in next(line for line in lines if "G41" in line)
    assert "\x1b" not in ran.stdout and max(map(len, lines)) <= 100
    assert "None" not in ran.stdout and "{" not in ran.stdout


def test_why_on_an_ascii_terminal_uses_other_marks(lived_in):
    home, _ = lived_in
    ran = home.baton("why", "A1001", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0 and "~ G41" in ran.stdout


def test_why_can_be_asked_as_of_another_day(lived_in):
    home, _ = lived_in
    told = json.loads(home.baton("why", "A1001", "--as-of", TODAY + timedelta(60), "--json").stdout)
    assert told["as_of"] == str(TODAY + timedelta(60))
    assert told["decision"]["outcomes"]["open_case"] == "allow"


def test_an_account_nobody_knows_is_exit_1(lived_in):
    home, _ = lived_in
    assert "[no-such-account]" in refused(home.baton("why", "GEN/A9"), 1)


def test_cases_lists_the_one_there_is(lived_in):
    home, _ = lived_in
    told = json.loads(home.baton("cases", "--json").stdout)
    (case,) = told["items"]
    assert (case["account"], case["status"], case["amount"]) == ("GEN/A1002", "open", "142.17")
    assert "No recalled cases." in home.baton("cases", "--status", "recalled").stdout
    table = home.baton("cases").stdout.splitlines()
    assert table[0].split() == ["case", "account", "status", "amount", "reason"] and "142.17" in table[1]


def test_a_case_shows_what_made_it(lived_in):
    home, _ = lived_in
    (case,) = json.loads(home.baton("cases", "--json").stdout)["items"]
    told = json.loads(home.baton("case", case["id"], "--json").stdout)
    assert told["id"] == case["id"]
    text = home.baton("case", case["id"]).stdout
    assert "opened" in text and "142.17" in text and "baton why GEN/A1002" in text
    refused(home.baton("case", "no-such-case"), 1)


def test_what_is_parked_can_be_seen_and_tried_again(lived_in):
    home, _ = lived_in
    (item,) = json.loads(home.baton("parked", "list", "--json").stdout)["items"]
    assert "$.data.amount" in home.baton("parked", "list").stdout
    shown = home.baton("parked", "show", item["id"])
    assert shown.returncode == 0 and "demo" in shown.stdout and "12.345" not in shown.stdout
    assert json.loads(home.baton("parked", "show", item["id"], "--json").stdout)["id"] == item["id"]
    refused(home.baton("parked", "show", 999), 1)
    refused(home.baton("parked", "retry", 999), 1)
    again = home.baton("parked", "retry", item["id"])
    assert again.returncode == 1 and "parked" in again.stdout


def test_the_clock_can_be_told_the_day(lived_in, tmp_path):
    home = Home(tmp_path / "other")
    home.folder.mkdir()
    write_files(home.folder / "in")
    home.baton("ingest", "in")
    ran = home.baton("clock", "--once", "--as-of", TODAY + timedelta(30))
    assert (ran.returncode, ran.stderr) == (0, "")
    cases = json.loads(home.baton("cases", "--json").stdout)["items"]
    assert sorted(case["account"] for case in cases) == ["GEN/A1001", "GEN/A1002"]


def on_a_terminal(home, *words):
    """Everything a command writes when its output and errors are a terminal."""
    ours, theirs = pty.openpty()
    child = subprocess.Popen(
        [*BATON, *words], env=home.environ | {"TERM": "xterm", "COLUMNS": "90"}, cwd=home.folder,
        stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs, close_fds=True,
    )  # fmt: skip
    os.close(theirs)
    said = b""
    try:
        while some := os.read(ours, 65536):
            said += some
    except OSError:
        pass  # how a terminal says that the other side has gone
    os.close(ours)
    return child.wait(30), said.decode()


def test_a_terminal_gets_a_progress_bar_and_colours(tmp_path):
    home = Home(tmp_path)
    write_files(home.folder / "in")
    code, said = on_a_terminal(home, "ingest", "in")
    assert code == 1
    assert "Reading" in said and "100%" in said and "in/1.json: accepted" not in said
    code, said = on_a_terminal(home, "why", "A1001")
    assert code == 0 and "\x1b[33m" in said
    assert max(len(re.sub(r"\x1b\[[0-9;]*m", "", line)) for line in said.splitlines()) <= 90


def test_no_color_is_honoured_on_a_terminal(lived_in):
    home, _ = lived_in
    quiet = Home(home.folder, {"NO_COLOR": "1"})
    _, said = on_a_terminal(quiet, "why", "A1001")
    assert "G41" in said and "\x1b" not in said
