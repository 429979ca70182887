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

PAYER: Final = "payer:"


@dataclass(frozen=True, slots=True)
class Asked:
    """An answer that is missing: who has to give it, on what bill, and what payers before left the patient.

    `takes_back` is a decision of the same payer that the new one would replace.
    """

    payer: Payer
    claim_id: str
    billed_cents: int
    left: tuple[Adjustment, ...]
    first: bool
    takes_back: Adjudication | None = None


def what_payers_could_answer(
    account: Account, responsibility: Responsibility, policy: Policy, as_of: date
) -> tuple[tuple[Change, Change], ...]:
    """For each missing answer the two that matter: the patient owes what is left; the payer pays it all."""
    pairs = []
    for asked in _missing(account, responsibility, policy):
        s = Supposing(account, as_of)
        name, topic = asked.payer.name or asked.payer.id, f"payer {asked.payer.id} {asked.claim_id}"
        cents = sum(a.amount_cents for a in asked.left)
        leaves = f"{name} answered that the patient owes {format_cents(cents)}"
        s.add(topic, leaves, *_answered(asked, as_of, 0))
        s.add(topic, f"{name} paid all {format_cents(cents)} that is open", *_answered(asked, as_of, cents))
        pairs.append((s.changes[0], s.changes[1]))
    return tuple(pairs)


def what_payers_could_take_back(account: Account, policy: Policy, as_of: date) -> tuple[Change, ...]:
    """For each standing decision: the payer takes it back."""
    s = Supposing(account, as_of)
    for claim in determine_claims(setting_of(account, policy)):
        for answer in claim.answers:
            for one in answer.standing.active[-1:]:
                name = one.claim.payer.name or one.claim.payer.id
                says = f"{name} took its decision back"
                s.add(f"payer {answer.payer} {claim.claim_id}", says, _reversal(one, as_of))
    return tuple(s.changes)


def _missing(account: Account, owes: Responsibility, policy: Policy) -> Iterator[Asked]:
    setting = setting_of(account, policy)
    claims = determine_claims(setting)
    named = {c.payer.id: c.payer for c in setting.coverages or ()}
    named |= {s.body.payer.id: s.body.payer for s in account.submitted}
    named |= {a.claim.payer.id: a.claim.payer for a in account.adjudications}
    for claim in claims:
        yield from _missing_of(claim, named)
    for share in owes.shares:
        if share.reason.code == "not_billed" and share.bearer.startswith(PAYER) and share.amount_cents > 0:
            payer = named.get(share.bearer.removeprefix(PAYER), Payer(share.bearer.removeprefix(PAYER)))
            left = (Adjustment("PR", "1", share.amount_cents),)
            yield Asked(payer, account.ref.number, share.amount_cents, left, True)


def _missing_of(claim: ClaimResult, named: dict[str, Payer]) -> Iterator[Asked]:
    if claim.state == "final":
        return
    before = [a for a in claim.answers if a.binding and a.standing.active]
    left = _left_by(before[-1]) if before else (Adjustment("PR", "1", claim.billed_cents),)
    bearer = claim.awaited[0]
    if bearer.startswith(PAYER) and bearer.removeprefix(PAYER) not in {a.payer for a in claim.answers}:
        payer = named.get(bearer.removeprefix(PAYER), Payer(bearer.removeprefix(PAYER)))
        yield Asked(payer, claim.claim_id, claim.billed_cents, left, not before)
        return
    for answer in claim.answers:
        stands = answer.standing.active or tuple(target for target, _ in answer.standing.cancelled[-1:])
        if stands:
            one = stands[-1]
            mine = _patient_part(one.claim) or (Adjustment("PR", "1", one.claim.charge_cents),)
            again = one if answer.standing.active else None
            first = one.claim.status not in ("2", "3", "20", "21")
            yield Asked(one.claim.payer, claim.claim_id, one.claim.charge_cents, mine, first, again)


def _left_by(answer: PayerAnswer) -> tuple[Adjustment, ...]:
    """What the payer's standing decisions leave with the patient, reason by reason."""
    found = [a for one in answer.standing.active for a in _patient_part(one.claim)]
    return tuple(found) or (Adjustment("PR", "1", 0),)


def _patient_part(claim: ClaimAdjudicated) -> tuple[Adjustment, ...]:
    return tuple(
        Adjustment(a.group, a.code, a.amount_cents) for a in claim.every_adjustment() if a.group == "PR"
    )


def _answered(asked: Asked, on: date, pays_cents: int) -> tuple[ClaimAdjudicated, ...]:
    """The answer, after the reversal of what it replaces where there is something."""
    open_cents = sum(a.amount_cents for a in asked.left)
    rest = Adjustment(
        "CO" if asked.first else "OA", "45" if asked.first else "23", asked.billed_cents - open_cents
    )
    patient = () if pays_cents else tuple(a for a in asked.left if a.amount_cents)
    answer = ClaimAdjudicated(
        claim_id=asked.claim_id,
        payer=asked.payer,
        status="1" if asked.first else "2",
        adjudicated_on=on,
        charge_cents=asked.billed_cents,
        paid_cents=pays_cents,
        payer_claim_id="supposed",
        payment_on=on,
        patient_responsibility_cents=0 if pays_cents else open_cents,
        adjustments=(*((rest,) if rest.amount_cents else ()), *patient),
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
