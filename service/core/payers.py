"""Which payers must answer on a claim, where each of them stands, and who is waited for (DET-10)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, NamedTuple

from schemas.decisions import PayerState
from schemas.facts import ClaimStatusReported, ClaimSubmitted
from service.core.account import Known
from service.core.adjudication import FORWARDED, PENDED, Standing
from service.core.weighing import Weighed

CLOSED: Final = frozenset({"closed_no_coverage", "closed_patient_election", "closed_no_response"})
"""States in which a payer has not decided and need not: a person closed it, by name."""

UNCOVERED: Final = frozenset({"closed_no_coverage", "closed_patient_election"})
"""Closed states after which nobody insures this claim any more."""

_REPORTED: Final = {
    "accepted": "accepted",
    "rejected": "rejected",
    "pending": "pending",
    # A payer that says it has decided has not yet said what: the remittance is waited for.
    "finalized": "pending",
}

_SAYS: Final = {
    "not_billed": "Payer {payer} is expected and has not been billed.",
    "billed": "Payer {payer} was billed and has not answered.",
    "accepted": "Payer {payer} has accepted the bill and has not decided.",
    "rejected": "Payer {payer} refused the bill as it was sent; it has to be put right and sent again.",
    "pending": "Payer {payer} has not decided yet.",
    "undetermined": "Payer {payer} took its decision back, or it cannot be read as one.",
    "final": "Payer {payer} has decided.",
    "closed_no_coverage": "A person verified that payer {payer} did not cover the patient then.",
    "closed_patient_election": "The patient chose to keep this from payer {payer} and to pay for it.",
    "closed_no_response": "A person closed payer {payer}, which never answered.",
}

_PENDING_SIGNALS: Final = ("DET-07.pending", "DET-07.info_from_patient")


class Awaited(NamedTuple):
    """Who answers for what is not decided, with our reason code and sentence."""

    bearer: str
    code: str
    text: str


@dataclass(slots=True)
class PayerAnswer:
    """What one payer's standing decisions on a claim come to."""

    payer: str
    rank: int
    standing: Standing
    weighed: list[Weighed]
    evidence: tuple[str, ...]
    pr_cents: int = 0
    ok_cents: int = 0
    paid_cents: int = 0
    reduction_cents: int = 0
    denied_cents: int = 0
    prior_cents: int = 0
    binding: bool = False

    @property
    def decided_on(self) -> date:
        """The day of its last standing decision; before every other where none stands."""
        return max([a.on for a in self.standing.active], default=date.min)


class Expectation(NamedTuple):
    """One expected payer: its rank, why it is expected, and the facts that say so."""

    rank: int
    because: str
    evidence: tuple[str, ...] = ()


def states_of(
    claim_id: str,
    expected: dict[str, Expectation],
    answers: list[PayerAnswer],
    submitted: Iterable[Known[ClaimSubmitted]],
    reported: Iterable[Known[ClaimStatusReported]],
) -> list[PayerState]:
    """Where each expected payer stands, by rank.

    A decision speaks louder than any status; of bills and statuses the latest counts, so a bill sent after a
    closing opens the payer again. A closing without a name does not close.
    """
    answered = {a.payer: a for a in answers}
    latest: dict[str, tuple[datetime, str, str, str]] = {}
    for sent in submitted:
        _later(latest, sent.body.payer.id, (sent.at, "billed", sent.id, ""))
    for told in reported:
        body = told.body
        state = _REPORTED.get(body.status) or (body.status if body.by else None)
        if state is not None:
            _later(latest, body.payer.id, (told.at, state, told.id, body.status))
    found = []
    for payer, expectation in expected.items():
        answer = answered.get(payer)
        if answer is not None and _decides(answer) and not _closed_since(answer, latest.get(payer)):
            state, evidence = _state_of(answer), answer.evidence
        elif payer in latest:
            state, evidence = latest[payer][1], (latest[payer][2],)
        elif answer is not None:
            state, evidence = _state_of(answer), answer.evidence
        else:
            sent_on = expectation.because.startswith(FORWARDED_BY)
            state, evidence = "billed" if sent_on else "not_billed", expectation.evidence
        said = _SAYS[state].format(payer=payer)
        because = said if state == "final" else f"{said} {expectation.because}"
        found.append(PayerState(claim_id, payer, expectation.rank, state, because, evidence))
    found.sort(key=lambda s: (s.rank, s.payer))
    return found


FORWARDED_BY: Final = "The claim was forwarded to it"


def _later(
    latest: dict[str, tuple[datetime, str, str, str]], payer: str, new: tuple[datetime, str, str, str]
) -> None:
    # Of one instant the status: it answers the bill.
    if payer not in latest or (new[0], new[3] != "", new[2]) > (
        latest[payer][0],
        latest[payer][3] != "",
        latest[payer][2],
    ):
        latest[payer] = new


def _decides(answer: PayerAnswer) -> bool:
    left = answer.standing
    return bool(left.active or left.orphans or left.cancelled or left.forwarded_only)


def _closed_since(answer: PayerAnswer, last: tuple[datetime, str, str, str] | None) -> bool:
    """Whether a person verified, after this payer denied that the patient is its member, that it is so."""
    return (
        last is not None
        and last[1] in UNCOVERED
        and not answer.binding
        and bool(answer.standing.active)
        and all(a.at < last[0] for a in answer.standing.active)
    )


def _state_of(answer: PayerAnswer) -> str:
    left = answer.standing
    if left.orphans or (left.cancelled and not left.active):
        return "undetermined"
    if not left.active:
        # One that passed the claim on as not its own has said all that it will say.
        return "final" if left.forwarded_only else "pending" if left.duplicates else "billed"
    if any(a.claim.status in PENDED for a in left.active):
        return "pending"
    if any(rule in w.signals for w in answer.weighed for rule in _PENDING_SIGNALS):
        return "pending"
    return "final"


def awaited(state: PayerState) -> Awaited:
    """Who bears what is open while this payer has not answered."""
    return Awaited(f"payer:{state.payer}", state.state, state.because)


def points_elsewhere(answer: PayerAnswer) -> bool:
    """Whether this payer says that the claim went on to another one, or should have."""
    left = answer.standing
    return any(a.claim.status in FORWARDED for a in (*left.active, *left.forwarded_only)) or any(
        w.effects & {"FORWARDED", "NOT_FORWARDED"} for w in answer.weighed
    )
