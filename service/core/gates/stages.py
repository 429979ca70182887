"""Does the house go this far at all? Stages that policy switches on or off."""

from __future__ import annotations

from typing import Final

from schemas.decisions import STAGES, Verdict
from service.core.gates.asking import Answer, Gate, Inquiry, Parameter, Said, Values


def stage_is_enabled(asked: Inquiry, given: Values) -> Answer:
    """G71: house policy uses this stage; extraordinary actions are off unless switched on."""
    first, second, third = given["enabled"]
    return (
        None if first else _NOT_USED[0],
        None if second else _NOT_USED[1],
        None if third else _NOT_USED[2],
    )


_NOT_USED: Final = tuple(
    Said(
        Verdict.BLOCK,
        f"House policy does not use the stage {stage.replace('_', ' ')}.",
        None,
        "a policy that switches it on",
    )
    for stage in STAGES
)


GATES: Final = (
    Gate("G71", stage_is_enabled, "House policy uses this stage.", (Parameter("enabled", "flag", "false"),)),
)
