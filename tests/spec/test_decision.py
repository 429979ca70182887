"""The record of a decision: it accounts for every gate, says what makes it another one, and reads back."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.decisions import STAGES, Decision
from schemas.facts import AccountRegistered, ContactLogged, CoverageListed, Fact, Person, StatementSent
from service.core import read_decision
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    statement,
    statements,
)
from tests.spec.gate_answers import answer
from tests.spec.gate_scenarios import changed_policy
from tests.spec.test_overrides import against, approved, proposed, small

OWED = [
    adult(),
    covered("P1", on=-40),
    charged("320.00", on=-35),
    decided("320.00", "0.00", "PR-1 320.00", on=-5),
]
READY = [*OWED, *statements()]
STORIES: dict[str, tuple[list[Fact], int]] = {
    "allowed": (READY, 130),
    "waiting": (READY, 40),
    "held": ([*READY, flagged("safety", 61)], 130),
    "undecided": ([adult(), covered("P1"), charged("320.00")], 40),
    "small": (small(), 75),
}


def record(decision: Decision) -> dict[str, Any]:
    return dict(json.loads(decision.content))


# -- what the record holds ------------------------------------------------------------------------------


@pytest.mark.parametrize("story", STORIES)
def test_the_record_accounts_for_every_gate_once(story: str) -> None:
    decision = judge(*STORIES[story])[2]
    kept = record(decision)
    assert sorted([*kept["clear"], *(g["gate"] for g in kept["gates"])]) == sorted(
        {f.gate for f in decision.findings}
    )
    spoke = {g["gate"] for g in kept["gates"]}
    assert {f.gate for f in decision.findings if f.verdict.word != "allow"} <= spoke


@pytest.mark.parametrize("story", STORIES)
def test_the_record_holds_the_values_that_each_gate_went_by_at_each_stage(story: str) -> None:
    decision = judge(*STORIES[story])[2]
    for gate in record(decision)["gates"]:
        for place, stage in enumerate(STAGES):
            found = next(f for f in decision.findings if (f.gate, f.stage) == (gate["gate"], stage))
            told = {name: each[place] for name, each in gate["given"].items()}
            assert dict(found.parameters) == {k: v for k, v in told.items() if k in dict(found.parameters)}
            assert told.keys() >= dict(found.parameters).keys()


@pytest.mark.parametrize("story", STORIES)
def test_what_all_stages_hear_is_written_once(story: str) -> None:
    decision = judge(*STORIES[story])[2]
    for gate in record(decision)["gates"]:
        heard = [
            (f.verdict, f.because, f.until, f.lifted_by, f.evidence)
            for f in decision.findings
            if f.gate == gate["gate"]
        ]
        alike = heard[0] == heard[1] == heard[2]
        assert len(gate["says"]) == (1 if alike else len(STAGES)), gate["gate"]


def test_an_account_that_no_scoped_pack_concerns_names_none() -> None:
    assert set(record(judge(READY, 130)[2])["policy"]) == {"sha256", "version"}


@pytest.mark.parametrize("story", STORIES)
def test_a_record_reads_back_as_it_was_made(story: str) -> None:
    decision = judge(*STORIES[story])[2]
    assert read_decision(decision.content, POLICY) == decision


def test_a_record_is_not_read_under_another_policy() -> None:
    other = changed_policy('[{"gate": "G41", "name": "min_days", "stage": "open_case", "value": 90}]')
    with pytest.raises(ValueError, match="another policy"):
        read_decision(judge(READY, 130)[2].content, other)


def test_a_decision_that_no_day_changes_names_none_and_reads_back_so() -> None:
    held = judge([*READY, flagged("safety", 61), flagged("litigation", 61)], day(2000))[2]
    assert held.review_on is None
    assert read_decision(held.content, POLICY) == held


# -- when to look again ---------------------------------------------------------------------------------


def test_the_next_look_is_the_day_on_which_the_first_stage_can_change() -> None:
    decision = judge(READY, 70)[2]
    assert decision.opens_case
    assert decision.review_on == day(120)  # placing waits for it


def test_an_answer_that_people_lifted_is_no_day_to_wait_for() -> None:
    """The wait for sixty days is lifted; what is left is a disaster that ends before them."""
    facts = [*OWED, statement(1, 0), statement(2, 0), flagged("disaster_area", -50, until=50)]
    proposal = proposed(facts, "G41", on=20, until=100)
    facts = [*facts, proposal, approved(proposal, on=21)]
    assert against(facts, 40, "G41").lifted is not None
    assert against(facts, 40, "G41").until == day(60)
    assert judge(facts, 40)[2].review_on == against(facts, 40, "G5A").until == day(50)


# -- what makes it another decision ---------------------------------------------------------------------


def test_a_second_reason_makes_it_another_decision_although_the_outcome_is_the_same() -> None:
    one = judge([*READY, flagged("safety", 61)], 130)[2]
    two = judge([*READY, flagged("safety", 61), flagged("attorney", 61)], 130)[2]
    assert one.outcomes == two.outcomes
    assert one.material != two.material


def test_another_reason_to_allow_makes_it_no_other_decision() -> None:
    more = [*READY, statement(4, 90)]
    assert answer("G40", more, 130).evidence != answer("G40", READY, 130).evidence
    assert judge(more, 130)[2].material == judge(READY, 130)[2].material


# -- what gates are asked about -------------------------------------------------------------------------


def letter(number: int, on: int, language: str) -> Fact:
    return fact(StatementSent(number, day(on), None, "mail", language, True, False, True), on)


def test_a_letter_of_a_later_day_is_not_yet_one_that_could_not_be_read() -> None:
    reads_spanish = fact(AccountRegistered(patient=Person("M1", language="es")), -30)
    facts = [reads_spanish, *OWED[1:], letter(1, 0, "en"), letter(2, 70, "en")]
    assert answer("G59", facts, 60).evidence == (facts[-2].id,)


def test_a_conversation_of_a_later_day_is_none_yet() -> None:
    at = datetime(2026, 3, 20, 15, tzinfo=UTC)
    later = fact(ContactLogged("phone", "outbound", "reached", at, right_party=True), at.date())
    facts = [*READY, later]
    assert answer("G60", facts, at.date()).evidence == (later.id,)
    assert answer("G60", facts, at.date() - timedelta(days=1)).evidence == ()


def test_statements_before_the_account_went_the_self_pay_way_show_no_final_balance() -> None:
    uninsured = fact(CoverageListed(()), 20)
    facts = [adult(), covered("P1", on=-40), charged("320.00", on=-35), uninsured, *statements()]
    assert answer("G41", facts, 85).until == day(30 + 60)
    since_the_beginning = [adult(), fact(CoverageListed(()), -40), charged("320.00", on=-35), *statements()]
    assert answer("G41", since_the_beginning, 59).until == day(60)


def test_that_cover_ended_after_the_payers_answer_starts_no_clock_anew() -> None:
    assert answer("G41", [*READY, fact(CoverageListed(()), 20)], 59).until == day(60)
