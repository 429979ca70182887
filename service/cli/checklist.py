"""The gates as a checklist: the three questions, what stands in the way of which, and what does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from service.cli import screen

Plain = Mapping[str, Any]

QUESTIONS: Final = (
    ("open_case", "May a collections case be opened?", "a case"),
    ("place", "May it go to an agency?", "an agency"),
    ("extraordinary", "May an extraordinary action be taken?", "an extraordinary action"),
)
WORST_FIRST: Final = {"block": 0, "hold": 1, "require": 2, "allow": 3}
ANSWERS: Final = {"allow": "yes", "require": "not before something is done", "hold": "not yet", "block": "no"}
TWO_COLUMNS: Final = 90
"""Characters a line needs for two gates beside each other."""


def tell_gates(told: Plain) -> None:
    """The questions with their answers; then each gate once, under the stages it keeps closed."""
    outcomes = told["decision"]["outcomes"]
    screen.title("May it go on?")
    widest = max(len(question) for _, question, _ in QUESTIONS)
    for stage, question, _ in QUESTIONS:
        outcome = outcomes.get(stage)
        if outcome is not None:
            answer = ANSWERS.get(outcome, outcome)
            click.echo(f"  {screen.mark(outcome)} {question.ljust(widest)}  {answer}")
    cited: set[str] = set()
    said = _said(told["gates"])
    for stages in _groups(said):
        screen.title(f"In the way of {_named(stages)}")
        for gate in [g for g, where in said if where == stages]:
            _tell_binding(gate, cited)
    _tell_lifted([g for g in told["gates"] if g.get("lifted")])
    _tell_clear([g for g in told["gates"] if g["stage"] == "open_case" and g["verdict"] == "allow"])


def _said(gates: Sequence[Plain]) -> list[tuple[Plain, tuple[str, ...]]]:
    """What stands in the way, worst first, with the stages of which it says the very same."""
    where: dict[tuple[Any, ...], tuple[Plain, list[str]]] = {}
    for gate in gates:
        if gate["verdict"] != "allow" and not gate.get("lifted"):
            key = (gate["gate"], gate["verdict"], gate["because"], gate["until"])
            where.setdefault(key, (gate, []))[1].append(gate["stage"])
    order = [stage for stage, _, _ in QUESTIONS]
    found = [(gate, tuple(sorted(stages, key=order.index))) for gate, stages in where.values()]
    return sorted(found, key=lambda one: (WORST_FIRST.get(one[0]["verdict"], 4), one[0]["gate"]))


def _groups(said: Sequence[tuple[Plain, tuple[str, ...]]]) -> list[tuple[str, ...]]:
    """The sets of stages, those with the earliest stage first, and of those the widest."""
    order = [stage for stage, _, _ in QUESTIONS]
    return sorted({where for _, where in said}, key=lambda w: (order.index(w[0]), -len(w), w))


def _named(stages: tuple[str, ...]) -> str:
    names = [name for stage, _, name in QUESTIONS if stage in stages]
    if len(names) == len(QUESTIONS):
        return "all three"
    return " and ".join(names) + ("" if "open_case" in stages else " only")


def _tell_binding(gate: Plain, cited: set[str]) -> None:
    """One gate in the way: its finding, until when, what lifts it, and by which rule, told once."""
    until = f" (until {gate['until']})" if gate.get("until") else ""
    screen.marked(screen.mark(gate["verdict"]), f"{gate['gate']} {gate['because']}{until}")
    rule = gate.get("citation") or ""
    if rule and rule not in cited:
        cited.add(rule)
        screen.wrapped(f"Rule: {rule}", indent=4)


def _tell_lifted(gates: Sequence[Plain]) -> None:
    """What gates say against a case and two people lifted: the gate's own words stay."""
    if not gates:
        return
    screen.title("Lifted by two people")
    for gate in gates:
        lifted = gate["lifted"]
        screen.marked(screen.mark(gate["verdict"]), f"{gate['gate']} {gate['because']}")
        who = f"{lifted['by']} and {lifted['approved_by']}, until {lifted['until']}: {lifted['reason']}"
        screen.wrapped(who, indent=4)


def _tell_clear(gates: Sequence[Plain]) -> None:
    """The gates that allow a case: those that counted something in full, the others beside each other."""
    if not gates:
        return
    gates = sorted(gates, key=lambda g: (not g.get("evidence"), g["gate"]))
    screen.title(f"Not in the way of a case ({len(gates)} gates)")
    counted = [g for g in gates if g.get("evidence")]
    for gate in counted:
        screen.marked(screen.mark("allow"), f"{gate['gate']} {gate['because']}")
    rest = [f"{g['gate']} {g['because']}" for g in gates if not g.get("evidence")]
    half = (screen.width() - 4) // 2 - 2
    short = [text for text in rest if screen.width() >= TWO_COLUMNS and len(text) <= half]
    mark = screen.mark("allow")
    for text in rest:
        if text not in short:
            screen.marked(mark, text)
    rows = (len(short) + 1) // 2
    for left, right in zip(short[:rows], [*short[rows:], ""], strict=False):
        beside = f" {mark} {right}" if right else ""
        click.echo(f"  {mark} {left.ljust(half)}{beside}".rstrip())
