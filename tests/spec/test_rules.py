"""The determination rules as they are named: whose a finding is, and who found nothing to tell."""

from __future__ import annotations

import pytest

from schemas.decisions import Trace
from service.core.rules import RULES, rule_of, silent


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_finding_belongs_to_the_rule_whose_id_it_begins_with(rule: object) -> None:
    id = rule.id
    assert rule_of(Trace(id, "Found.")) is rule
    assert rule_of(Trace(f"{id}.part.of.it", "Found.")) is rule


def test_a_rule_that_no_finding_belongs_to_found_nothing() -> None:
    told = [Trace("DET-05", "Found."), Trace("DET-04.orphan", "Found."), Trace("DET-04.reversed", "Found.")]
    assert [rule.id for rule in silent(told)] == [r.id for r in RULES if r.id not in ("DET-04", "DET-05")]
    assert silent([]) == RULES


def test_what_a_rule_itself_says_is_told_apart_from_its_parts() -> None:
    meaning = {rule.id: rule.findings for rule in RULES}
    assert list(meaning["DET-03"]) == ["", "carriers", "contradiction"]
    assert list(meaning["DET-04"]) == ["cancelled", "reversed", "orphan", "expected"]
    assert all(said.endswith(".") for parts in meaning.values() for said in parts.values())
