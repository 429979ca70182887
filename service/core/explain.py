"""A decision told: one sentence, the way from charge to patient, the gates, what it rests on, and what would
change it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas.decisions import STAGES, Decision, Finding, Responsibility, Share
from schemas.money import format_cents
from service.core.account import Account
from service.core.basis import Basis, basis_of
from service.core.bearers import MOVED
from service.core.claims import ClaimResult, determine_claims
from service.core.counterfactual import Counterfactual, alternatives
from service.core.decision import inquire
from service.core.payers import CLOSED, PayerAnswer
from service.core.policy import Policy
from service.core.setting import setting_of
from service.core.words import name_of_payer


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the way from charge to patient: `amount_cents` is signed, `left_cents` is what is left.

    `what` names the step, `why` gives its reason in a sentence; empty where there is none to give.
    """

    what: str
    amount_cents: int
    left_cents: int
    evidence: tuple[str, ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an account is where it is. `gates` has the binding ones first.

    `trials` counts the decisions made to find the counterfactuals; `searched` says whether every set of
    changes was tried.
    """

    summary: str
    steps: tuple[Step, ...]
    gates: tuple[Finding, ...]
    counterfactuals: tuple[Counterfactual, ...]
    basis: Basis
    trials: int
    searched: bool


def explain(
    account: Account, responsibility: Responsibility, decision: Decision, policy: Policy
) -> Explanation:
    """Tell a decision in plain words; every counterfactual was decided before it is told."""
    gates = tuple(sorted(decision.findings, key=lambda f: (-f.verdict, STAGES.index(f.stage), f.gate)))
    others = alternatives(account, responsibility, decision, policy)
    return Explanation(
        _summary(account, responsibility, decision),
        _waterfall(account, responsibility, policy),
        gates,
        others.found,
        basis_of(account, responsibility, decision, policy),
        others.trials,
        others.complete,
    )


def _summary(account: Account, responsibility: Responsibility, decision: Decision) -> str:
    if decision.opens_case:
        asked = inquire(account, responsibility, decision.as_of)
        sent = len(asked.delivered)
        # A case never opens without a statement, whatever people lift.
        days = (decision.as_of - asked.delivered[0].body.sent_on).days
        bills = "1 statement was" if sent == 1 else f"{sent} statements were"
        owed, decided = format_cents(responsibility.net_cents), _who_decided(responsibility)
        return (
            f"The patient owes {owed}: {decided}, {bills} delivered, the first {days} days ago, and "
            f"{_what_was_lifted(decision)}"
        )
    binding = _in_the_way(responsibility, decision)
    others = len(binding) - 1
    more = f" ({others} more reason{'s' if others > 1 else ''})" if others else ""
    return f"No case: {binding[0].because}{more}"


def _who_decided(responsibility: Responsibility) -> str:
    """That no payer is waited for, and whether a person closed one that did not decide."""
    closed = {s.state in CLOSED for s in responsibility.payers}
    if not closed:
        return "the patient has no insurance"
    if closed == {True}:
        return "a person closed every payer"
    return (
        "every payer has decided or was closed by a person" if True in closed else "every payer has decided"
    )


def _what_was_lifted(decision: Decision) -> str:
    """That nothing stands in the way, or only what two people lifted until a day."""
    lifted = [f"{f.gate} until {f.lifted.until}" for f in decision.findings if f.lifted is not None]
    if not lifted:
        return "nothing stands in the way of a case."
    return f"what stood in the way of a case was lifted by two people ({', '.join(lifted)})."


def _in_the_way(responsibility: Responsibility, decision: Decision) -> list[Finding]:
    """All that stands in the way of a case, the telling reason first.

    Until it is settled who owes, "the patient owes nothing" and "too little" say only that nobody knows yet:
    then the reason why it is not settled leads, whatever the verdicts are.
    """
    against = [f for f in decision.findings if f.stage == STAGES[0] and f.stands]
    if responsibility.determination in ("final", "credit"):
        return sorted(against, key=lambda f: -f.verdict)
    return sorted(against, key=lambda f: f.gate in _NOBODY_KNOWS)


_NOBODY_KNOWS: Final = frozenset({"G01", "G12", "G42"})
"""Gates that only repeat, while it is not settled who owes, that it is not."""


def _waterfall(account: Account, responsibility: Responsibility, policy: Policy) -> tuple[Step, ...]:
    """From the charge to the patient: what contracts took off, what was paid, what others answer for.

    Each step leaves `left_cents`; the last one leaves what the patient owes.
    """
    claims = determine_claims(setting_of(account, policy))
    money = [s for s in responsibility.shares if s.reason.code in MOVED]
    gone = sum(c.reduction_cents + c.paid_cents for c in claims)
    left = responsibility.balance_cents - sum(s.amount_cents for s in money) + gone
    billed = tuple(c.id for c in account.charges) or tuple(i for c in claims for i in c.evidence)
    told = [Step("Charges billed", left, left, billed)]

    def step(what: str, cents: int, evidence: tuple[str, ...], why: str = "") -> None:
        nonlocal left
        if cents:
            left += cents
            told.append(Step(what, cents, left, evidence, why))

    for claim in claims:
        name = f", claim {claim.claim_id}" if len(claims) > 1 else ""
        taken_off = f"Taken off by contract{name}"
        step(taken_off, -claim.reduction_cents, claim.evidence, _why_taken_off(claim))
        for answer in claim.answers:
            when = f"Decided on {answer.decided_on}."
            step(f"Paid by {_name(answer, account)}{name}", -answer.paid_cents, answer.evidence, when)
    for share in money:
        step(share.reason.text.rstrip("."), share.amount_cents, share.evidence)
    others = [s for s in responsibility.shares if s.bearer != "patient"]
    for bearer in dict.fromkeys(s.bearer for s in others):
        shares = [s for s in others if s.bearer == bearer]
        why = _reasons(shares)
        step(name_of_bearer(bearer, account), -sum(s.amount_cents for s in shares), _evidence(shares), why)
    patient = [s for s in responsibility.shares if s.bearer == "patient" and s.reason.code not in MOVED]
    if left < 0:
        told.append(Step("The patient has a credit", 0, left, _evidence(patient), _reasons(patient)))
    else:
        what = "The patient owes" if left else "The patient owes nothing"
        told.append(Step(what, 0, left, _evidence(patient), _reasons(patient) if left else ""))
    return tuple(told)


def _reasons(shares: list[Share]) -> str:
    """Every reason of these shares once; what only moved money explains itself."""
    return " ".join(dict.fromkeys(s.reason.text for s in shares if s.reason.code not in MOVED))


def _why_taken_off(claim: ClaimResult) -> str:
    """Our words for the reasons with which payers lowered the bill and left it with nobody."""
    weighed = [w for answer in claim.answers for w in answer.weighed]
    lowered = [i for w in weighed for i in w.items if i.bearer == "reduction" and i.amount_cents > 0]
    return " ".join(dict.fromkeys(i.text for i in lowered))


def _name(answer: PayerAnswer, account: Account) -> str:
    decisions = [*answer.standing.active, *(target for target, _ in answer.standing.cancelled)]
    named = (a.claim.payer.name for a in decisions if a.claim.payer.name)
    return next(named, name_of_payer(answer.payer, account))


def name_of_bearer(bearer: str, account: Account) -> str:
    """Who answers for a part of the balance, for people; a payer by its name where one is known."""
    if not bearer.startswith("payer:"):
        return _BEARERS.get(bearer, bearer)
    return f"Waits for {name_of_payer(bearer.removeprefix('payer:'), account)}"


_BEARERS: Final = {
    "provider": "Stays with the provider",
    "undetermined": "Not determined yet",
    "third_party": "Another carrier answers for it",
}


def _evidence(shares: list[Share]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for s in shares for i in s.evidence))
