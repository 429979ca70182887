"""What one gate answers about one stage, with everything that is told beside the verdict."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import date

from schemas.decisions import STAGES, Finding, Trace
from schemas.facts import Fact
from service.core import Policy, decide
from tests.spec.facts_made import POLICY, day, judge

OPEN, PLACE, EXTRAORDINARY = STAGES


def answer(
    gate: str, facts: list[Fact], on: int | date, stage: str = OPEN, policy: Policy = POLICY
) -> Finding:
    """The finding of one gate on a day."""
    found = judge(facts, on, policy)[2].findings
    return next(f for f in found if (f.gate, f.stage) == (gate, stage))


def says(
    gate: str,
    facts: list[Fact],
    on: int | date,
    verdict: str,
    *,
    until: int | None = None,
    lifted_by: str | None = None,
    rests_on: Iterable[Fact] = (),
    stage: str = OPEN,
    policy: Policy = POLICY,
) -> Finding:
    """The finding of one gate, its verdict, day, lifting event and facts being these and no others."""
    found = answer(gate, facts, on, stage, policy)
    told = (found.verdict.word, found.until, found.lifted_by, sorted(found.evidence))
    wanted = (verdict, None if until is None else day(until), lifted_by, sorted(f.id for f in rests_on))
    assert told == wanted, f"{gate} about {stage}: {found.because}"
    return found


def told(gate: str, facts: list[Fact], on: int, *rules: str, stage: str = OPEN) -> Finding:
    """The finding of one gate where the determination found just these things, each resting on its name."""
    account, owes, _ = judge(facts, on)
    traces = tuple(Trace(rule, f"Found {rule}.", None, (rule,)) for rule in rules)
    found = decide(account, replace(owes, traces=traces), POLICY, day(on)).findings
    return next(f for f in found if (f.gate, f.stage) == (gate, stage))
