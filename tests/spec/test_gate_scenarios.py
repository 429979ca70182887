"""Every story in `gates/`: each gate allowing and not allowing, on its boundary day and cent."""

from __future__ import annotations

import pytest

from service.core.gates import REGISTRY
from tests.spec.facts_made import day
from tests.spec.gate_scenarios import Scenario, scenarios

STORIES = scenarios()


@pytest.mark.parametrize("story", STORIES, ids=lambda s: f"{s.gate} {s.says[:50]}")
def test_the_gate_answers_as_the_story_says(story: Scenario) -> None:
    for answer, findings in story.findings():
        found = next(f for f in findings if f.stage == story.stage)
        assert found.verdict.word == answer.verdict, answer
        if answer.until is not None:
            assert found.until == day(answer.until), answer
        if found.verdict.word != "allow":
            assert found.until or found.lifted_by, "what is not allowed says what lifts it"


@pytest.mark.parametrize("gate", REGISTRY, ids=lambda g: g.id)
def test_every_gate_has_a_story_that_allows_and_one_that_does_not(gate) -> None:  # type: ignore[no-untyped-def]
    verdicts = {a.verdict for s in STORIES if s.gate == gate.id for a in s.answers}
    assert "allow" in verdicts, f"{gate.id} has no story that allows"
    assert verdicts - {"allow"}, f"{gate.id} has no story that does not allow"


def test_every_story_is_about_a_gate_there_is() -> None:
    assert {s.gate for s in STORIES} == {gate.id for gate in REGISTRY}
