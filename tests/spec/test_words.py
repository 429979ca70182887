"""Codes as people read them: whatever Baton itself says in a code has words, and they are plain ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from schemas.facts import ClaimSubmitted, Payer
from service.core import case, fold
from service.core.gates import REGISTRY
from service.core.words import CASE_REASONS, FLAGS, QUEUES, name_of_flag, name_of_payer, why_a_case_moved
from service.core.work import TASKS
from tests.spec.facts_made import day, fact

CONTRACT = Path(__file__).resolve().parents[3] / "shared" / "MESSAGES.md"
OWN = {"id_reused", "unreadable_claim"}


def test_every_flag_of_the_contract_and_no_other_has_a_name() -> None:
    if not CONTRACT.is_file():
        pytest.skip("the contract of the native messages is not here")
    line = next(
        t for t in CONTRACT.read_text(encoding="utf-8").splitlines() if t.startswith("**`account.flagged`")
    )
    assert set(re.findall(r"`(\w+)`", line.partition("Flags:")[2])) - {"petition_on"} == FLAGS.keys() - OWN


def test_baton_s_own_flags_have_names() -> None:
    assert FLAGS.keys() >= OWN


def test_an_unknown_flag_is_told_as_one() -> None:
    assert name_of_flag("blue_moon") == "hold of an unknown kind (blue moon)"


@pytest.mark.parametrize("flag", FLAGS)
def test_a_flag_is_told_in_plain_words(flag: str) -> None:
    assert name_of_flag(flag) == FLAGS[flag].name
    for words in (FLAGS[flag].name, FLAGS[flag].lifted):
        assert re.fullmatch(r"[a-zA-Z]+(['-]?[ a-zA-Z])*", words), words


def test_whoever_has_a_task_has_a_name() -> None:
    assert QUEUES.keys() == {task.queue for task in TASKS.values()} | {"coding"}
    assert all(re.fullmatch(r"[A-Z][a-z]+([ -][a-z]+)*", name) for name in QUEUES.values())


def reasons_of_cases() -> set[str]:
    """Every reason in capitals that moves of cases are given."""
    tree = ast.parse(Path(case.__file__).read_text(encoding="utf-8"))
    words = {n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)}
    return {word for word in words if re.fullmatch(r"[A-Z]+(_[A-Z]+)*", word)} - {
        gate.id for gate in REGISTRY
    }


def test_every_reason_for_which_a_case_moves_is_a_sentence() -> None:
    assert CASE_REASONS.keys() == reasons_of_cases()
    assert all(re.fullmatch(r"[A-Z][a-z' ,]+\.", said) for said in CASE_REASONS.values())


def test_a_case_that_a_gate_took_back_tells_what_the_gate_found_else_what_no_longer_holds() -> None:
    assert why_a_case_moved("G46", "A dispute is open.") == "A dispute is open."
    assert why_a_case_moved("G46") == "This no longer holds: No dispute is open."
    assert why_a_case_moved("SOMETHING_OLD") == "Something old"


def test_only_an_account_that_is_open_again_tells_more_than_its_reason() -> None:
    assert why_a_case_moved("PAID_IN_FULL", "A dispute is open.") == CASE_REASONS["PAID_IN_FULL"]
    assert why_a_case_moved("RESPONSIBILITY_REOPENED") == CASE_REASONS["RESPONSIBILITY_REOPENED"]
    told = why_a_case_moved("RESPONSIBILITY_REOPENED", "The payer took its decision back.")
    assert told == f"{CASE_REASONS['RESPONSIBILITY_REOPENED']} The payer took its decision back."


def test_a_payer_is_called_by_its_name_where_any_fact_gives_one_also_without_a_list() -> None:
    named = ClaimSubmitted("A1", Payer("P7", "Northern Mutual"), 1, 50000, day(-10))
    assert name_of_payer("P7", fold([fact(named, -10)])) == "Northern Mutual"
    assert name_of_payer("P8", fold([fact(named, -10)])) == "payer P8"
