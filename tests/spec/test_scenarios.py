"""Every story in `scenarios/`: what payers said by day, what is paid, and what must come out."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from schemas.facts import Fact, PlanChanged
from schemas.money import parse_cents
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

STORIES = sorted((Path(__file__).parent / "scenarios").glob("*.toml"))


def read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


def facts_of(story: dict[str, Any]) -> list[Fact]:
    payers = story["payers"]
    facts = [adult(), covered(*payers, on=-300), submitted(story["billed"], payers[0], on=-290)]
    for said in story["decision"]:
        facts.append(
            decided(
                said["charge"],
                said["paid"],
                *said["adjustments"],
                on=said["day"],
                payer=said["payer"],
                status=said["status"],
                states=said.get("states"),
                number=said.get("number"),
                original=said.get("corrects"),
                remarks=tuple(said.get("remarks", ())),
                trace=said.get("trace"),
                forwarded=said.get("forwarded_to"),
                filing=said.get("filing"),
            )
        )
    if "patient_paid" in story:
        facts.append(paid(story["patient_paid"], on=-150))
    if story.get("statements"):
        facts += statements()
    if "plan" in story:
        facts.append(fact(PlanChanged("PLAN1", story["plan"], day(40)), 40))
    return facts


@pytest.mark.parametrize("path", STORIES, ids=lambda path: path.stem)
def test_the_story_ends_as_it_says(path: Path) -> None:
    story = read(path)
    expect = story["expect"]
    _, owes, decision = judge(facts_of(story), story["as_of_day"])
    assert owes.determination == expect["determination"]
    assert owes.assigned_cents == parse_cents(expect["assigned"])
    assert owes.collectible_cents == parse_cents(expect["collectible"])
    assert owes.net_cents == parse_cents(expect["net"])
    assert {
        b: sum(s.amount_cents for s in owes.shares if s.bearer == b) for b in {s.bearer for s in owes.shares}
    } == {bearer: parse_cents(amount) for bearer, amount in expect["bearers"].items()}
    assert sorted(verdicts(decision)) == expect["gates_in_the_way"]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 35
