"""The numeric examples of the domain reference, where they lie beside the project."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.facts import Fact, PlanChanged
from tests.spec.facts_made import (
    adult,
    covered,
    day,
    decided,
    fact,
    judge,
    paid,
    statements,
    submitted,
    verdicts,
)

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "domain_examples.json"

NOT_BILLED_YET = -200
"""Remittances come before day 0, the day of the first statement of a final balance."""


def examples() -> list[dict[str, Any]]:
    return json.loads(EXAMPLES.read_text()) if EXAMPLES.exists() else []


def facts_of(example: dict[str, Any]) -> list[Fact]:
    payers = example["expected_payers"]
    facts = [adult(), covered(*payers, on=-300), submitted(example["billed_charge"], payers[0], on=-290)]
    for r in example["remits"]:
        facts.append(
            decided(
                r["charge"],
                r["paid"],
                *[f"{g}-{c} {a}" for g, c, a in r["cas"]],
                on=NOT_BILLED_YET + r["order"],
                payer=r["payer"],
                status=r["clp02"],
                states=r["clp05"],
                number=r["clp07"],
                original=r["ref_f8"],
                remarks=tuple(r["rarc"]),
                trace=r["trn02"],
                forwarded=r["crossover_to"],
                filing=r["clp06"],
            )
        )
    if example["patient_payments"] != "0":
        facts.append(paid(example["patient_payments"], on=-150))
    if example["days_since_first_statement"] is not None:
        facts += statements()
    if example["expect"]["outcome"] == "BLOCK_PAYMENT_PLAN":
        facts.append(fact(PlanChanged("PLAN1", "active", day(40)), 40))
    return facts


def cents(text: str) -> int:
    return round(float(text) * 100)


@pytest.mark.skipif(not EXAMPLES.exists(), reason="the domain examples are not beside the project")
@pytest.mark.parametrize("example", examples(), ids=lambda e: f"{e['id']} {e['title']}")
def test_the_example_comes_out_to_the_cent(example: dict[str, Any]) -> None:
    expect = example["expect"]
    as_of = example["days_since_first_statement"]
    _, owes, decision = judge(facts_of(example), 130 if as_of is None else as_of)
    state = {"credit": "FINAL"}.get(owes.determination, owes.determination.upper())
    assert state == expect["state"]
    assert owes.collectible_cents == cents(expect["collectible"])
    assert owes.net_cents == cents(expect["net"])
    if expect["pr_assigned"] is not None:
        assert owes.assigned_cents == cents(expect["pr_assigned"])
    assert sum(s.amount_cents for s in owes.shares) == owes.balance_cents
    outcome = expect["outcome"]
    if outcome.startswith("CASE_ELIGIBLE") and "ABN" not in outcome:
        assert verdicts(decision) == {}
    else:
        assert not decision.opens_case
        assert verdicts(decision)
