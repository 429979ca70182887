"""What payers could answer next, as facts: the answer an account waits for, or a decision taken back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from typing import Final

from schemas.decisions import Responsibility
from schemas.facts import Adjustment, ClaimAdjudicated, Payer
from schemas.money import format_cents
from service.core.account import Account
from service.core.adjudication import REVERSAL, Adjudication
from service.core.claims import ClaimResult, determine_claims
from service.core.hypotheses import Change, Supposing
from service.core.payers import PayerAnswer
from service.core.policy import Policy
from service.core.setting import setting_of
from service.core.words import name_of_payer

PAYER: Final = "payer:"


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that is missing: who has to give it, as which payer of the patient's, and on how much.

    `left` is what it may leave with the patient, `paid_cents` what it pays besides. `takes_back` is a
    decision of the same payer that the new one would replace.
    """

    payer: Payer
    claim_id: str
    billed_cents: int
    left: tuple[Adjustment, ...]
    rank: int
    paid_cents: int = 0
    takes_back: Adjudication | None = None


def what_payers_could_answer(
    account: Account, responsibility: Responsibility, policy: Policy, as_of: date
) -> tuple[tuple[Change, Change], ...]:
    """For each missing answer the two that matter: the patient owes what is left; the payer pays it all."""
    claims = determine_claims(setting_of(account, policy))
    many = len(claims) > 1
    pairs = []
    for asked in _missing(account, claims, responsibility):
        s = Supposing(account, as_of)
        name, topic = name_of_payer(asked.payer.id, account), f"payer {asked.payer.id} {asked.claim_id}"
        on = f" on claim {asked.claim_id}" if many else ""
        cents = sum(a.amount_cents for a in asked.left)
        leaves = f"{name} answered{on} that the patient owes {format_cents(cents)}"
        s.add(topic, leaves, *_answered(asked, as_of, 0))
        pays = f"{name} paid all {format_cents(cents)} that is open{on}"
        s.add(topic, pays, *_answered(asked, as_of, cents))
        pairs.append((s.changes[0], s.changes[1]))
    return tuple(pairs)


def what_payers_could_take_back(account: Account, policy: Policy, as_of: date) -> tuple[Change, ...]:
    """For each standing decision: the payer takes it back."""
    s = Supposing(account, as_of)
    claims = determine_claims(setting_of(account, policy))
    for claim in claims:
        on = f" on claim {claim.claim_id}" if len(claims) > 1 else ""
        for answer in claim.answers:
            for one in answer.standing.active[-1:]:
                says = f"{name_of_payer(one.claim.payer.id, account)} took its decision{on} back"
                s.add(f"payer {answer.payer} {claim.claim_id}", says, _reversal(one, as_of))
    return tuple(s.changes)


def _missing(account: Account, claims: list[ClaimResult], owes: Responsibility) -> Iterator[Asked]:
    for claim in claims:
        yield from _missing_of(claim)
    for share in owes.shares:
        if share.reason.code == "not_billed":
            payer = Payer(share.bearer.removeprefix(PAYER))
            left = (Adjustment("PR", "1", share.amount_cents),)
            yield Asked(payer, account.ref.number, share.amount_cents, left, 1)


def _missing_of(claim: ClaimResult) -> Iterator[Asked]:
    """The answer of a payer that is silent; else what those that spoke have yet to say."""
    if claim.state == "final":
        return
    spoke = {a.payer for a in claim.answers if a.standing.active}
    for silent in claim.payers:
        if claim.awaited.bearer == f"{PAYER}{silent.payer}" and silent.payer not in spoke:
            left = _left_before(claim.answers, claim.billed_cents)
            yield Asked(Payer(silent.payer), claim.claim_id, claim.billed_cents, left, silent.rank)
            return
    for at, answer in enumerate(claim.answers):
        stands = answer.standing
        undecided = max(0, claim.billed_cents - sum(a.claim.charge_cents for a in stands.active))
        if undecided and stands.cancelled:
            # What was taken back has to be decided anew, most likely as it was.
            gone = stands.cancelled[-1][0].claim
            left, paid = _patient_part(gone), _paid_again(gone)
            if not left:
                left, paid = _left_before(claim.answers[:at], undecided), 0
            yield Asked(gone.payer, claim.claim_id, undecided, left, answer.rank, paid)
        elif undecided and stands.active:
            payer = stands.active[-1].claim.payer
            rest = (Adjustment("PR", "1", undecided),)
            yield Asked(payer, claim.claim_id, undecided, rest, answer.rank)
        elif stands.active:
            again = stands.active[-1]
            one = again.claim
            # Under the reasons it gave the payer would wait on; the amount is what counts.
            left, paid = (Adjustment("PR", "1", sum(a.amount_cents for a in _patient_part(one))),), 0
            if left[0].amount_cents:
                paid = _paid_again(one)
            else:
                left = _left_before(claim.answers[:at], one.charge_cents)
            yield Asked(one.payer, claim.claim_id, one.charge_cents, left, answer.rank, paid, again)


def _paid_again(one: ClaimAdjudicated) -> int:
    """What it paid; nothing where no number would tell a new decision of the same amounts from a copy."""
    return one.paid_cents if one.payer_claim_id or one.trace else 0


def _left_before(answers: list[PayerAnswer], billed_cents: int) -> tuple[Adjustment, ...]:
    """What the last of these payers leaves with the patient; without any, the whole bill."""
    before = [a for a in answers if a.binding]
    return _left_by(before[-1]) if before else (Adjustment("PR", "1", billed_cents),)


def _left_by(answer: PayerAnswer) -> tuple[Adjustment, ...]:
    """What the payer's standing decisions leave with the patient, reason by reason."""
    return tuple(a for one in answer.standing.active for a in _patient_part(one.claim))


def _patient_part(claim: ClaimAdjudicated) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(a.group, a.code, a.amount_cents) for a in claim.every_adjustment() if a.group == "PR"
    )


def _answered(asked: Asked, on: date, pays_cents: int) -> tuple[ClaimAdjudicated, ...]:
    """The answer, after the reversal of what it replaces where there is something."""
    open_cents = sum(a.amount_cents for a in asked.left)
    first = asked.rank == 1
    taken_off = asked.billed_cents - open_cents - asked.paid_cents
    rest = (Adjustment("CO" if first else "OA", "45" if first else "23", taken_off),) if taken_off else ()
    patient = () if pays_cents else tuple(a for a in asked.left if a.amount_cents)
    answer = ClaimAdjudicated(
        claim_id=asked.claim_id,
        payer=asked.payer,
        status=str(min(asked.rank, 3)),
        adjudicated_on=on,
        charge_cents=asked.billed_cents,
        paid_cents=asked.paid_cents + pays_cents,
        payer_claim_id=f"supposed {asked.payer.id}",
        trace="supposed",
        payment_on=on,
        patient_responsibility_cents=0 if pays_cents else open_cents,
        adjustments=(*rest, *patient),
    )
    return (answer,) if asked.takes_back is None else (_reversal(asked.takes_back, on), answer)


def _reversal(one: Adjudication, on: date) -> ClaimAdjudicated:
    """The same decision with every amount negated, as a payer takes one back."""
    claim = one.claim
    return replace(
        claim,
        status=REVERSAL,
        adjudicated_on=on,
        payment_on=on,
        charge_cents=-claim.charge_cents,
        paid_cents=-claim.paid_cents,
        patient_responsibility_cents=None,
        adjustments=tuple(Adjustment(g, c, -cents) for g, c, cents in one.triples),
        lines=(),
        remarks=(),
        original_payer_claim_id=claim.payer_claim_id,
        trace=None,
        remittance_balanced=None,
    )
