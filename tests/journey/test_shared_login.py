"""For the auditor: two names by one login are told wherever they show, and refused where that is set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import BatonError
from service.logins import check_logins, shared_login
from tests.journey.command_line import ROOT, Inside, refused
from tests.journey.web_fixtures import charge

STRICT = {"BATON_SHARED_LOGIN": "refuse"}
TOLD = "cannot tell them apart"


@pytest.fixture
def home(tmp_path: Path) -> Inside:
    home = Inside(tmp_path)
    (tmp_path / "in.json").write_text(json.dumps([charge("A1")]))
    assert home.baton("ingest", "in.json").returncode == 0
    return home


def both(home: Inside, *words: object) -> str:
    """Approve: refused where that is set, and otherwise done with a word about it; gives what was printed."""
    assert "[same-login]" in refused(home.baton(*words, **STRICT), 1)
    ran = home.baton(*words)
    assert ran.returncode == 0 and TOLD in ran.stderr and "BATON_SHARED_LOGIN" in ran.stderr, ran
    return ran.stdout


def test_an_override(home: Inside) -> None:
    held = home.baton("override", "hold", "A1", "--by", "Ann", "--reason", "asked").stdout
    hold = held.rpartition("hold ")[2].partition(".")[0]
    asked = home.baton("override", "release", hold, "--by", "Ann", "--reason", "over").stdout
    proposal = asked.partition("Proposed as ")[2].partition(".")[0]
    assert TOLD not in home.baton("override", "list").stdout
    both(home, "override", "approve", proposal, "--by", "Bob", "--reason", "right")
    assert TOLD in " ".join(home.baton("why", "A1").stdout.split())
    assert TOLD in " ".join(home.baton("override", "list").stdout.split())


def test_a_policy(home: Inside) -> None:
    assert TOLD not in home.baton("policy", "history").stdout
    pack = ROOT / "docs" / "examples" / "house-policy.toml"
    made = home.baton("policy", "publish", pack, "--by", "Ann", "--note", "longer")
    assert made.returncode == 0, made
    digest = made.stdout.partition("Proposed ")[2].split()[0]
    both(home, "policy", "approve", digest, "--by", "Bob")
    assert " ".join(home.baton("policy", "history").stdout.split()).count(TOLD) == 1


def test_an_erasure(home: Inside) -> None:
    words = ("audit", "erase", "A1")
    assert home.baton(*words, "--propose", "--by", "Ann", "--reason", "order 17").returncode == 0
    both(home, *words, "--approve", "--by", "Bob")


def test_a_parked_message(home: Inside) -> None:
    (home.folder / "bad.json").write_text(json.dumps([charge("A1", "c2", amount="none")]))
    home.baton("ingest", "bad.json")
    listed = json.loads(home.baton("parked", "list", "--json").stdout)["items"]
    (seq,) = [one["id"] for one in listed]
    made = home.baton("parked", "discard", seq, "--propose", "--by", "Ann", "--reason", "a test")
    assert made.returncode == 0, made
    both(home, "parked", "discard", seq, "--approve", "--by", "Bob")


def test_only_two_logins_that_are_known_to_be_one_count_as_one() -> None:
    assert shared_login("os:ann", "ann") == "ann"
    assert (
        shared_login("os:ann", "os:bob") is shared_login(None, None) is shared_login("os:ann", None) is None
    )
    assert check_logins("os:ann", "os:bob", refuse=True) is None
    with pytest.raises(BatonError, match="same-login"):
        check_logins("os:ann", "os:ann", refuse=True)
