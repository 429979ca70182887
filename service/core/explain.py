"""A decision told: one sentence, the way from charge to patient, the gates, and what would change it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from schemas.decisions import STAGES, Decision, Finding, Responsibility, Share, Verdict
from schemas.money import format_cents
from service.core.account import Account, fold
from service.core.bearers import MOVED
from service.core.claims import determine_claims
from service.core.decision import decide
from service.core.policy import Policy
from service.core.responsibility import apportion
from service.core.setting import setting_of

HORIZON: Final = 12
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
        _waterfall(account, responsibility, policy),
        gates,
        _counterfactuals(account, responsibility, decision, policy),
    )


def _summary(responsibility: Responsibility, decision: Decision) -> str:
    net = format_cents(max(0, responsibility.net_cents))
    if decision.opens_case:
        return f"The patient owes {net}, every payer has decided, and every gate allows a case."
    binding = _binding(responsibility, decision)
    others = len(binding) - 1
    more = f" ({others} more reason{'s' if others > 1 else ''})" if others else ""
    return f"No case: {_lower_first(binding[0].because)}{more}"


def _binding(responsibility: Responsibility, decision: Decision) -> list[Finding]:
    """What stands in the way of a case, the telling reason first.

    Until it is settled who owes, "the patient owes nothing" and "too little" say only that nobody knows yet:
    then the reason why it is not settled leads, whatever the verdicts are.
    """
    against = [f for f in decision.findings if f.stage == STAGES[0] and f.verdict is not Verdict.ALLOW]
    if responsibility.determination in ("final", "credit"):
        return [f for f in against if f.verdict is decision.outcomes[0]]
    why_unsettled = [f for f in against if f.gate not in _AMOUNT_GATES and f.gate != "G01"]
    rest = [f for f in against if f.gate == "G01"] + [f for f in against if f.gate in _AMOUNT_GATES]
    return why_unsettled + rest


_AMOUNT_GATES: Final = frozenset({"G12", "G42"})


def _lower_first(text: str) -> str:
    """A sentence inside a sentence, unless it begins with a code or a figure."""
    return text[0].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _waterfall(account: Account, responsibility: Responsibility, policy: Policy) -> tuple[Step, ...]:
    """From the charge to the patient: what contracts took off, what was paid, what others answer for.

    Each step leaves `left_cents`; the last one leaves what the patient owes.
    """
    claims = determine_claims(setting_of(account, policy))
    money = [s for s in responsibility.shares if s.reason.code in MOVED]
    gone = sum(c.reduction_cents + c.paid_cents for c in claims)
    left = responsibility.balance_cents - sum(s.amount_cents for s in money) + gone
    told = [Step("Charges billed", left, left, tuple(c.id for c in account.charges))]

    def step(what: str, cents: int, evidence: tuple[str, ...]) -> None:
        nonlocal left
        if cents:
            left += cents
            told.append(Step(what, cents, left, evidence))

    for claim in claims:
        step(f"Taken off by contract, claim {claim.claim_id}", -claim.reduction_cents, claim.evidence)
        for answer in claim.answers:
            step(f"Paid by payer {answer.payer}", -answer.paid_cents, answer.evidence)
    for share in money:
        step(share.reason.text, share.amount_cents, share.evidence)
    others = [s for s in responsibility.shares if s.bearer != "patient"]
    for bearer in dict.fromkeys(s.bearer for s in others):
        shares = [s for s in others if s.bearer == bearer]
        why = " ".join(dict.fromkeys(s.reason.text for s in shares if s.reason.code not in MOVED))
        step(
            f"{_BEARERS.get(bearer, bearer)}: {why}", -sum(s.amount_cents for s in shares), _evidence(shares)
        )
    patient = [s for s in responsibility.shares if s.bearer == "patient" and s.reason.code not in MOVED]
    reasons = " ".join(dict.fromkeys(s.reason.text for s in patient))
    told.append(Step(f"The patient owes: {reasons or 'nothing.'}", 0, left, _evidence(patient)))
    return tuple(told)


_BEARERS: Final = {
    "provider": "Stays with the provider",
    "undetermined": "Not determined yet",
    "third_party": "Another carrier's",
}


def _evidence(shares: list[Share]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(i for s in shares for i in s.evidence))


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
        if _opens_without(account, decision, policy, gate):
            told.append(Counterfactual(f"the facts behind {gate} were gone", "a case would open"))
        if lifted_by and opens_on is None:
            told.append(
                Counterfactual(f"nothing but waiting, without {lifted_by}", "no case would ever open")
            )
    return tuple(told)


def _opens_without(account: Account, decision: Decision, policy: Policy, gate: str) -> bool:
    """Whether a case would open if the facts a gate rests on had never been stated, found by deciding so."""
    behind = {i for f in decision.findings if f.gate == gate and f.stage == STAGES[0] for i in f.evidence}
    others = [fact for fact in account.facts if fact.id not in behind]
    if not behind or not others:
        return False
    without = fold(others)
    return decide(without, apportion(without, policy), policy, decision.as_of).opens_case


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
