"""The text form of `baton why`: a sentence, the waterfall, the gates, what would change it, evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import click

from service.cli import screen

Plain = Mapping[str, Any]

STAGES: Final = (
    ("open_case", "May a collections case be opened?"),
    ("place", "May it go to an agency?"),
    ("extraordinary", "May an extraordinary action be taken?"),
)
WORST_FIRST: Final = {"block": 0, "hold": 1, "require": 2, "allow": 3}
ANSWERS: Final = {"allow": "yes", "require": "not before something is done", "hold": "not yet", "block": "no"}
SHORT: Final = 12
"""Characters of a digest that a person needs to find it again."""


def tell(told: Plain) -> None:
    """Print the explanation of one account."""
    click.echo()
    click.secho(f"{told['account']} as of {told['as_of']}", bold=True)
    screen.wrapped(str(told["summary"]))
    tell_money(told)
    tell_case(told.get("case"))
    cited: set[str] = set()
    for stage, question in STAGES:
        tell_stage(stage, question, told, cited)
    tell_next(told)
    tell_timeline(told.get("timeline") or [])
    tell_evidence(told)


def tell_money(told: Plain) -> None:
    """From what was charged to what the patient owes, and who bears the rest."""
    currency = told["currency"]
    waterfall = told.get("waterfall") or []
    if waterfall:
        screen.title(f"From charge to patient ({currency})")
        screen.columns(
            [(step["amount"], step["left"], step["step"]) for step in waterfall],
            ("amount", "left", ""),
            right=(0, 1),
        )
    screen.title(f"Who owes the balance of {told['balance']} {currency} ({told['determination']})")
    rows = []
    for share in told["responsibility"]:
        reason = share["reason"]
        code = "-".join(part for part in (reason.get("group"), reason.get("code")) if part)
        rows.append((share["amount"], share["bearer"], code, reason.get("text", "")))
    if rows:
        screen.columns(rows, right=(0,))
    else:
        click.echo("  Nobody: nothing is open.")


def tell_case(case: Plain | None) -> None:
    """The account's case, where it has one."""
    if case:
        reason = f", {case['reason']}" if case.get("reason") else ""
        screen.title("Case")
        click.echo(f"  {case.get('id', '')}  {case.get('status', '')}, {case.get('amount', '')}{reason}")


def tell_stage(stage: str, question: str, told: Plain, cited: set[str]) -> None:
    """One question and the gates that answer it, the binding ones first; a rule is cited once."""
    gates = [gate for gate in told["gates"] if gate["stage"] == stage]
    outcome = told["decision"]["outcomes"].get(stage)
    if not gates or outcome is None:
        return
    screen.title(f"{question} {ANSWERS.get(outcome, outcome)}")
    gates.sort(key=lambda gate: (WORST_FIRST.get(gate["verdict"], 4), gate["gate"]))
    for gate in gates:
        if gate["verdict"] != "allow":
            tell_gate(gate, cited)
    if stage == "open_case":
        for gate in gates:
            if gate["verdict"] == "allow":
                tell_gate(gate, cited)
    else:
        allowed = [gate["gate"] for gate in gates if gate["verdict"] == "allow"]
        if allowed:
            screen.marked(screen.mark("allow"), f"{' '.join(allowed)} allow it")


def tell_gate(gate: Plain, cited: set[str]) -> None:
    """One gate: its verdict, its finding, and for one that binds until when and by which rule."""
    until = f" (until {gate['until']})" if gate.get("until") else ""
    screen.marked(screen.mark(gate["verdict"]), f"{gate['gate']} {gate['because']}{until}")
    rule = gate.get("citation") or ""
    if gate["verdict"] != "allow" and rule and rule not in cited:
        cited.add(rule)
        screen.wrapped(f"Rule: {rule}", indent=4)


def tell_next(told: Plain) -> None:
    """When it is looked at again and what would change the answer."""
    review = told["decision"].get("review_on")
    screen.title("Next")
    click.echo(
        f"  Decided again on {review}, or at the next message."
        if review
        else "  Decided again at the next message."
    )
    for change in told.get("counterfactual") or []:
        screen.marked(screen.sign("→", ">"), f"{change['change']}: {change['outcome']}")


def tell_timeline(timeline: Sequence[Plain]) -> None:
    """What happened, by day."""
    if timeline:
        screen.title("What happened")
        screen.columns([(moment["at"][:10], moment["what"]) for moment in timeline])


def tell_evidence(told: Plain) -> None:
    """Where to find the bytes behind it: message digests and places, the policy, the audit entry."""
    places: dict[str, dict[str, None]] = {}
    for part in ("waterfall", "responsibility", "traces", "gates"):
        for item in told.get(part) or []:
            for proof in item.get("evidence") or []:
                places.setdefault(proof["message"][:SHORT], {}).setdefault(proof["where"] or "whole message")
    screen.title("Evidence")
    if places:
        screen.columns(
            [(message, ", ".join(wheres)) for message, wheres in places.items()], ("message", "where")
        )
    policy = told["decision"]["policy"]
    screen.wrapped(f"Policy {policy['version']} ({policy['sha256'][:SHORT]})", indent=2, hang=4)
    audit = told.get("audit")
    if audit:
        click.echo(f"  Audit entry {audit['entry']} ({audit['hash'][:SHORT]})")
