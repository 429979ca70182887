"""`baton inspect` and the files that people give: everything decodable is told, nothing is stored."""

import json
import os
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from command_line import BATON, Home

from service.demo import (
    Decided,
    account_file,
    broken_file,
    correcting_remittance,
    first_remittance,
    remittance,
)

TODAY = date(2026, 6, 30)
KEYS = {"path", "format", "messages", "accounts", "totals", "facts", "findings"}
TOTALS = {
    "transactions", "claims", "service_lines", "charge", "paid", "patient_responsibility",
    "patient_adjustments", "provider_adjustments", "payment",
}  # fmt: skip


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def files(home):
    (home.folder / "a.835").write_bytes(first_remittance("A1", TODAY))
    (home.folder / "b.json").write_bytes(account_file("A1002", (40, 10), TODAY))
    return home.folder


def test_a_remittance_is_told_by_the_contract(home, files):
    ran = home.baton("inspect", "a.835", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert set(told) == KEYS and set(told["totals"]) == TOTALS
    assert (told["path"], told["format"], told["messages"], told["accounts"]) == (
        "a.835",
        "x12.835",
        1,
        ["A1"],
    )
    assert told["totals"] == {
        "transactions": 1, "claims": 1, "service_lines": 0, "charge": "600.00", "paid": "357.83",
        "patient_responsibility": "142.17", "patient_adjustments": "142.17", "provider_adjustments": "0.00",
        "payment": "357.83",
    }  # fmt: skip
    decided = next(fact for fact in told["facts"] if fact["type"] == "claim.adjudicated")
    assert decided["account"] == "GEN/A1" and len(decided["source"]["sha256"]) == 64
    assert "CLP" in decided["source"]["where"] and decided["data"]["paid"] == "357.83"


def test_several_files_are_one_object_a_line(home, files):
    ran = home.baton("inspect", ".", "--json")
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [(one["path"], one["format"]) for one in told] == [("a.835", "x12.835"), ("b.json", "json")]
    assert told[1]["messages"] == 7 and len(told[1]["facts"]) == 7


def test_nothing_is_stored(home, files):
    home.baton("inspect", ".")
    assert sorted(p.name for p in home.folder.iterdir()) == ["a.835", "b.json"]


def test_what_would_park_is_a_finding_and_exit_1(home, files):
    (home.folder / "c.json").write_bytes(broken_file(TODAY))
    ran = home.baton("inspect", "a.835", "c.json", "--json")
    told = [json.loads(line) for line in ran.stdout.splitlines()]
    assert ran.returncode == 1 and len(told) == 2
    (finding,) = told[1]["findings"]
    assert set(finding) == {"severity", "code", "where", "message"}
    assert (
        finding["severity"] == "error"
        and finding["where"] == "$.data.amount"
        and "12.345" not in finding["message"]
    )


@pytest.mark.parametrize("body", [b"", b"\0\1\2" * 100, b"ISA*00", b"{", b"MSH|^~\\&|A|B\rPID|1\r", b"hello"])
def test_what_cannot_be_read_still_has_every_key(home, body):
    (home.folder / "x").write_bytes(body)
    ran = home.baton("inspect", "x", "--json")
    told = json.loads(ran.stdout)
    assert (ran.returncode, ran.stderr) == (1, "")
    assert set(told) == KEYS and told["findings"]


def test_a_path_that_cannot_be_used_is_one_line_and_the_others_go_on(home, files):
    (home.folder / "empty").mkdir()
    ran = home.baton("inspect", "nowhere", "empty", "a.835", "--json")
    assert ran.returncode == 2 and json.loads(ran.stdout)["path"] == "a.835"
    lines = ran.stderr.splitlines()
    assert (
        len(lines) == 2
        and "no such file or directory, nowhere" in lines[0]
        and "no file in this folder" in lines[1]
    )


def test_a_person_reads_short_lines(home, files):
    (home.folder / "c.json").write_bytes(broken_file(TODAY))
    ran = home.baton("inspect", ".")
    assert "142.17" in ran.stdout and "would wait for a person" in ran.stdout and "\x1b" not in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 100


def test_an_ascii_terminal_gets_no_other_characters(home, files):
    ran = home.baton("inspect", ".", PYTHONIOENCODING="ascii")
    assert ran.returncode == 0 and ran.stdout.isascii()


def test_memory_does_not_grow_with_the_file(home):
    claims = [Decided(f"N{n}", "1", 10_000, 8_000, (("CO", "45", 2_000),), f"X{n}") for n in range(100)]
    block = remittance(claims, "EFT1", TODAY, TODAY)
    peaks = []
    for name, times in (("small.835", 20), ("large.835", 400)):
        with (home.folder / name).open("wb") as file:
            for _ in range(times):
                file.write(block)
        peaks.append(_peak_kib(home, name))
    assert (home.folder / "large.835").stat().st_size > 4_000_000
    assert peaks[1] - peaks[0] < 12_000, peaks


def _peak_kib(home: Home, name: str) -> int:
    code = (
        "import resource, sys\nfrom service.cli.entry import run\n"
        "try: run(['inspect', sys.argv[1], '--json'])\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    with Path(os.devnull).open("wb") as nowhere:
        ran = subprocess.run(
            [sys.executable, "-c", code, name], env=home.environ, cwd=home.folder, stdout=nowhere,
            stderr=subprocess.PIPE, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return int(ran.stderr.split()[-1])


def test_a_reader_that_leaves_early_ends_it_in_peace(home):
    (home.folder / "a.835").write_bytes(first_remittance("A1", TODAY) * 3000)
    child = subprocess.Popen(
        [*BATON, "inspect", "a.835", "--json"], env=home.environ, cwd=home.folder,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    child.stdout.read(100)
    child.stdout.close()
    assert child.wait(30) == 0 and child.stderr.read() == b""
    child.stderr.close()


def test_the_correction_of_the_demo_balances(home):
    (home.folder / "a.835").write_bytes(correcting_remittance("A1", TODAY))
    told = json.loads(home.baton("inspect", "a.835", "--json").stdout)
    assert (told["totals"]["claims"], told["totals"]["payment"]) == (2, "142.17")
    assert [f for f in told["findings"] if f["severity"] == "error"] == []
