"""What decisions make of a case: opened, adjusted, recalled or closed, by a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from schemas.canonical import digest, stable_id
from schemas.cases import Case, CaseEvent, CaseMove
from schemas.decisions import STAGES, Decision
from schemas.facts import AccountRef

FORGIVEN: Final = {
    "charity": "CHARITY_APPROVED",
    "small_balance": "SMALL_BALANCE",
    "bad_debt": "UNCOLLECTIBLE_BAD_DEBT",
    "courtesy": "ADMINISTRATIVE",
}
"""Adjustments that can end a debt, and the closure reason each gives; the first that applies is used."""


def advance(
    account: AccountRef, case: Case | None, cases_so_far: int, decision: Decision, *, waits: bool = False
) -> tuple[Case | None, tuple[CaseEvent, ...]]:
    """Move an account's case as a decision says.

    `case` is the account's newest case, open or ended; `cases_so_far` counts all it ever had. The same case
    and decision always give the same events with the same ids. At most one case is open. While it `waits`,
    nothing is asked that was not asked before: no case opens and none is raised; lowering one and taking it
    back never wait.
    """
    if waits and asks_more(case, decision):
        return case, ()
    state = "open" if case is not None and case.status == "open" else "none"
    opens = decision.opens_case
    same = case is not None and case.amount_cents == decision.responsibility.net_cents
    return _MOVES[state, opens, same if state == "open" and opens else None](
        account, case, cases_so_far, decision
    )


def asks_more(case: Case | None, decision: Decision) -> bool:
    """Whether a decision would open a case, or raise the open one."""
    if case is None or case.status != "open":
        return decision.opens_case
    return decision.opens_case and decision.responsibility.net_cents > case.amount_cents


def case_id(account: AccountRef, number: int) -> str:
    """The id of an account's n-th case."""
    return "case-" + digest(f"{account}|{number}".encode())[:20]


def _event_id(case: str, sequence: int) -> str:
    return stable_id(f"{case}|{sequence}")


Moved: TypeAlias = tuple[Case | None, tuple[CaseEvent, ...]]
Move: TypeAlias = Callable[[AccountRef, Case | None, int, Decision], Moved]


def _stay(account: AccountRef, case: Case | None, cases_so_far: int, decision: Decision) -> Moved:
    return case, ()


def _open(account: AccountRef, case: Case | None, cases_so_far: int, decision: Decision) -> Moved:
    number = cases_so_far + 1
    net = decision.responsibility.net_cents
    opened = Case(
        case_id(account, number),
        account,
        number,
        "open",
        net,
        decision.responsibility.currency,
        decision.id,
        decision.id,
        0,
    )
    lifted = any(f.lifted is not None for f in decision.findings)
    return _record(opened, "opened", 0, "LIFTED_BY_TWO_PEOPLE" if lifted else "EVERY_GATE_ALLOWS", decision)


def _adjust(account: AccountRef, case: Case | None, cases_so_far: int, decision: Decision) -> Moved:
    if case is None:
        raise AssertionError("only an open case is adjusted")
    adjusted = replace(case, amount_cents=decision.responsibility.net_cents)
    return _record(adjusted, "adjusted", case.amount_cents, "AMOUNT_CHANGED", decision)


def _end(account: AccountRef, case: Case | None, cases_so_far: int, decision: Decision) -> Moved:
    if case is None:
        raise AssertionError("only an open case ends")
    move, reason = _why_it_ends(case, decision)
    net = max(0, decision.responsibility.net_cents)
    ended = replace(case, status=move, amount_cents=net, reason=reason)
    return _record(ended, "closed" if move == "closed" else "recalled", case.amount_cents, reason, decision)


def _why_it_ends(case: Case, decision: Decision) -> tuple[Literal["recalled", "closed"], str]:
    """Closed when the debt is settled; recalled when it may no longer be asked, with the reason.

    Settled means: still the patient's, but paid or given up. Otherwise a payer or a gate took it back.
    """
    owes = decision.responsibility
    if any(t.rule == "DET-17.merged" for t in owes.traces):
        return "closed", "MERGED"
    if owes.determination not in ("final", "credit"):
        return "recalled", "RESPONSIBILITY_REOPENED"
    if owes.net_cents <= 0:
        if owes.collectible_cents <= 0:
            return "recalled", "RESPONSIBILITY_REVERSED"
        codes = {s.reason.code for s in owes.shares}
        given_up = next((reason for code, reason in FORGIVEN.items() if code in codes), None)
        return "closed", given_up or "PAID_IN_FULL"
    blocking = _binding_gate(decision)
    if blocking == "G42":
        if owes.collectible_cents < case.amount_cents:
            return "recalled", "BELOW_MINIMUM_AFTER_CORRECTION"
        return "closed", "SMALL_BALANCE"
    return "recalled", blocking


def _binding_gate(decision: Decision) -> str:
    """The first gate, by id, with the worst verdict on opening a case."""
    worst = decision.outcomes[0]
    return next(f.gate for f in decision.findings if f.stage == STAGES[0] and f.verdict is worst and f.stands)


def _record(case: Case, move: CaseMove, previous: int, reason: str, decision: Decision) -> Moved:
    sequence = case.events + 1
    case = replace(case, events=sequence, decided_by=decision.id)
    event = CaseEvent(
        _event_id(case.id, sequence),
        case.id,
        case.account,
        move,
        sequence,
        case.amount_cents,
        previous,
        case.currency,
        decision.id,
        reason,
    )
    return case, (event,)


_MOVES: Final[dict[tuple[str, bool, bool | None], Move]] = {
    ("none", False, None): _stay,
    ("none", True, None): _open,
    ("open", True, True): _stay,
    ("open", True, False): _adjust,
    ("open", False, None): _end,
}
"""What happens: (an open case?, does the decision open?, is the amount the same?) to the move."""
