"""Does the house go this far at all? Stages that policy switches on or off."""

from __future__ import annotations

from typing import Final

from schemas.decisions import STAGES, Verdict
from service.core.gates.asking import Answer, Gate, Inquiry, Parameter, Said, Values


def stage_is_enabled(asked: Inquiry, given: Values) -> Answer:
    """G71: house policy uses this stage; extraordinary actions are off unless switched on."""
    answers: list[Said | None] = []
    for stage, enabled in zip(STAGES, given["enabled"], strict=True):
        if enabled:
            answers.append(None)
        else:
            text = f"House policy does not use the stage {stage.replace('_', ' ')}."
            answers.append(Said(Verdict.BLOCK, text, None, "a policy that switches it on"))
    return answers[0], answers[1], answers[2]


GATES: Final = (
    Gate("G71", stage_is_enabled, "House policy uses this stage.", (Parameter("enabled", "flag"),)),
)
