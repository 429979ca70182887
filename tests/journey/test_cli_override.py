"""For the specialist: `baton override` over one home, and the checks that see every word of it."""

import json
from datetime import UTC, datetime

import pytest
from command_line import Home, refused

from service.demo import OLD_STATEMENTS, YOUNG_STATEMENTS, account_file, first_remittance

TODAY = datetime.now(UTC).date()
ANN = ("--by", "Ann Lee", "--reason", "The family called.")
BOB = ("--by", "Bob Ray", "--reason", "Looked at the account.")


@pytest.fixture
def home(tmp_path):
    made = Home(tmp_path)
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "1.json").write_bytes(account_file("A1001", YOUNG_STATEMENTS, TODAY))
    (folder / "2.json").write_bytes(account_file("A1002", OLD_STATEMENTS, TODAY))
    (folder / "3.835").write_bytes(first_remittance("A1001", TODAY))
    (folder / "4.835").write_bytes(first_remittance("A1002", TODAY))
    assert made.baton("ingest", "--feed", "demo", "in").returncode == 0
    return made


def said(home, *words):
    ran = home.baton(*words)
    assert ran.returncode == 0, ran
    return ran.stdout


def listed(home, *words):
    return json.loads(said(home, "override", "list", *words, "--json"))["items"]


def case_of(home, account):
    return json.loads(said(home, "why", account, "--json"))["case"]


def test_one_person_holds_two_release_and_every_word_is_shown_and_kept(home):
    assert case_of(home, "A1002")["status"] == "open"
    assert "Held: GEN/A1002" in said(home, "override", "hold", "A1002", *ANN)
    assert case_of(home, "A1002")["status"] == "recalled"
    hold = listed(home, "A1002")[0]
    assert (hold["state"], hold["by"], hold["reason"]) == ("in force", "Ann Lee", "The family called.")

    assert "another person approves it" in said(home, "override", "release", hold["id"][:12], *ANN)
    proposal = listed(home)[0]
    line = refused(home.baton("override", "approve", proposal["id"][:12], *ANN), 1)
    assert "[same-person]" in line
    assert case_of(home, "A1002")["status"] == "recalled"
    said(home, "override", "approve", proposal["id"][:12], *BOB)
    assert case_of(home, "A1002")["status"] == "open"

    text = said(home, "why", "A1002")
    assert "What people decided" in text
    assert "Approved by Bob Ray" in text
    assert "Looked at the account." in " ".join(text.split())
    said(home, "audit", "verify")
    assert "overrides" in said(home, "audit", "reads", "A1002", "--json")
    said(home, "replay")
    bundle = said(home, "audit", "export", "A1002", "-o", "a.zip", "--purpose", "audit", "--recipient", "us")
    assert bundle


def test_a_gate_that_only_waits_is_lifted_by_two_and_the_gate_still_says_what_it_says(home):
    before = json.loads(said(home, "why", "A1001", "--json"))
    against = [g for g in before["gates"] if g["stage"] == "open_case" and g["verdict"] != "allow"]
    assert [g["gate"] for g in against] == ["G41"]
    assert "Proposed as" in said(home, "override", "allow", "A1001", "--gate", "G41", *ANN)
    assert case_of(home, "A1001") is None
    said(home, "override", "approve", listed(home)[0]["id"], *BOB)
    after = json.loads(said(home, "why", "A1001", "--json"))
    gate = next(g for g in after["gates"] if g["gate"] == "G41" and g["stage"] == "open_case")
    assert (gate["verdict"], gate["because"]) == (against[0]["verdict"], against[0]["because"])
    assert gate["lifted"]["approved_by"] == "Bob Ray"
    assert after["case"]["status"] == "open"
    assert "Lifted by two people" in said(home, "why", "A1001")
    said(home, "override", "withdraw", listed(home)[0]["id"][:12], *ANN)
    assert case_of(home, "A1001")["status"] == "recalled"
    said(home, "replay")


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (("hold", "A1002", "--by", "Ann Lee"), 2, "usage"),
        (("hold", "NOBODY", *ANN), 1, "no-such-account"),
        (("allow", "A1002", "--gate", "G50", *ANN), 1, "nothing-to-lift"),
        (("allow", "A1001", "--gate", "G41", *ANN, "--until", "2020-01-01"), 1, "in-the-past"),
        (("approve", "abc", *BOB), 1, "short-id"),
        (("approve", "0123456789ab", *BOB), 1, "no-such-override"),
        (("release", "0123456789ab", *BOB), 1, "no-such-hold"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(home, words, exit_code, code):
    assert f"[{code}]" in refused(home.baton("override", *words), exit_code)


def test_where_nobody_spoke_the_list_says_so(home):
    assert said(home, "override", "list") == "Nobody has decided anything by hand.\n"
