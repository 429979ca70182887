"""A decision told: one sentence, the way from charge to patient, the gates, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from schemas.decisions import STAGES, Decision, Finding, Responsibility, Verdict
from schemas.money import format_cents
from service.core.account import Account
from service.core.decision import decide
from service.core.policy import Policy

HORIZON: int = 12
"""How many review dates ahead an explanation looks."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from charge to patient: `amount_cents` is signed, `left_cents` is what is left."""

    what: str
    amount_cents: int
    left_cents: int
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Counterfactual:
    """A change and what it would lead to, found by deciding again."""

    change: str
    outcome: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an account is where it is. `gates` has the binding ones first."""

    summary: str
    steps: tuple[Step, ...]
    gates: tuple[Finding, ...]
    counterfactuals: tuple[Counterfactual, ...]


def explain(
    account: Account, responsibility: Responsibility, decision: Decision, policy: Policy
) -> Explanation:
    """Tell a decision in plain words; every counterfactual was decided before it is told."""
    gates = tuple(sorted(decision.findings, key=lambda f: (-f.verdict, STAGES.index(f.stage), f.gate)))
    return Explanation(
        _summary(responsibility, decision),
        _waterfall(account, responsibility),
        gates,
        _counterfactuals(account, responsibility, decision, policy),
    )


def _summary(responsibility: Responsibility, decision: Decision) -> str:
    net = format_cents(max(0, responsibility.net_cents))
    if decision.opens_case:
        return f"The patient owes {net}, every payer has decided, and every gate allows a case."
    worst = decision.outcomes[0]
    binding = [f for f in decision.findings if f.stage == STAGES[0] and f.verdict is worst]
    more = f" ({len(binding) - 1} more reasons)" if len(binding) > 1 else ""
    return f"No case: {_lower_first(binding[0].because)}{more}"


def _lower_first(text: str) -> str:
    """A sentence inside a sentence, unless it begins with a code or a figure."""
    return text[0].lower() + text[1:] if text[:1].isupper() and text[1:2].islower() else text


def _waterfall(account: Account, responsibility: Responsibility) -> tuple[Step, ...]:
    """From the balance's bearers back to one line: charges, what left the bill, who answers for the rest."""
    gone = responsibility.balance_cents
    steps: list[Step] = []
    money: list[tuple[str, int, tuple[str, ...]]] = []
    for p in account.payments:
        who = {"patient": "Paid by the patient", "payer": "Posted as paid by a payer"}.get(
            p.body.paid_by, "Paid on the patient's behalf"
        )
        if p.body.paid_by != "payer":
            money.append((who, p.body.amount_cents, (p.id,)))
    for a in account.adjustments:
        if a.body.kind != "contractual":
            money.append(
                (f"Adjustment posted: {a.body.kind.replace('_', ' ')}", a.body.amount_cents, (a.id,))
            )
    charges = tuple(c.id for c in account.charges)
    posted = sum(c.body.amount_cents for c in account.charges)
    if charges:
        steps.append(Step("Charges posted", posted, posted, charges))
        rest = posted - gone - sum(cents for _, cents, _ in money)
        left = posted
        if rest:
            left -= rest
            steps.append(Step("Paid by payers and taken off by contract", -rest, left, ()))
        for what, cents, evidence in money:
            left -= cents
            steps.append(Step(what, -cents, left, evidence))
    left = gone
    for share in responsibility.shares:
        label = f"{share.bearer}: {share.reason.text}"
        left -= share.amount_cents
        steps.append(Step(label, share.amount_cents, left, share.evidence))
    return tuple(steps)


def _counterfactuals(
    account: Account, responsibility: Responsibility, decision: Decision, policy: Policy
) -> tuple[Counterfactual, ...]:
    if decision.opens_case:
        return ()
    told: list[Counterfactual] = []
    opens_on = first_day_it_opens(account, responsibility, decision, policy)
    if opens_on is not None:
        told.append(Counterfactual("nothing else happens", f"a case would open on {opens_on}"))
    holding = sorted(
        {
            (f.gate, f.lifted_by)
            for f in decision.findings
            if f.stage == STAGES[0] and f.verdict is not Verdict.ALLOW
        },
        key=lambda g: g[0],
    )
    if len(holding) == 1:
        gate, lifted_by = holding[0]
        name = next(f.name for f in decision.findings if f.gate == gate).replace("_", " ")
        told.append(Counterfactual(f"only {gate} ({name}) were to allow", "a case would open"))
        if lifted_by and opens_on is None:
            told.append(
                Counterfactual(f"nothing but waiting, without {lifted_by}", "no case would ever open")
            )
    return tuple(told)


def first_day_it_opens(
    account: Account, responsibility: Responsibility, decision: Decision, policy: Policy
) -> date | None:
    """The first day a case would open if nothing but time passes; None if it would not, or not soon.

    Found by deciding again on each day on which a waiting gate may change its mind.
    """
    day: date | None = _next_day(decision)
    for _ in range(HORIZON):
        if day is None:
            return None
        then = decide(account, responsibility, policy, day)
        if then.opens_case:
            return day
        day = _next_day(then)
    return None


def _next_day(decision: Decision) -> date | None:
    """The day by which every finding in the way of a case may have run out, if waiting can do that at all."""
    untils = [f.until for f in decision.findings if f.stage == STAGES[0] and f.verdict is not Verdict.ALLOW]
    if not untils or None in untils:
        return None
    return max(u for u in untils if u is not None)
