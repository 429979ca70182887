"""One payer decision, told by several carriers (remittance, FHIR, JSON), is counted once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TypeAlias, cast

from schemas.facts import AdjudicatedLine, ClaimAdjudicated, Fact
from service.core.adjudication import FORWARDED, PROCESSED, Adjudication, in_business_order

Told: TypeAlias = list[Fact]
"""The facts that tell one decision."""


def merge_adjudications(facts: Iterable[Fact]) -> tuple[Adjudication, ...]:
    """Count each decision once, whatever carried it and however often, and sort by business time.

    Facts with one key are one decision. So are facts about one claim with the same charge and payment whose
    payer, payer claim number and payment trace do not contradict each other, where one of them leaves out
    what the other states: a FHIR resource or a JSON message often knows no payment trace.

    Source: 005010X221A1 1.10.2.8 (a correction follows its reversal in one transaction); DET-03.
    """
    by_key: dict[str, Told] = {}
    for fact in facts:
        by_key.setdefault(fact.key, []).append(fact)
    groups = list(by_key.values())
    if len(groups) > 1:
        groups = _join(groups)
    found = [_merge(group) for group in groups]
    return in_business_order(found)


def _body(fact: Fact) -> ClaimAdjudicated:
    return cast(ClaimAdjudicated, fact.body)


def _join(groups: list[Told]) -> list[Told]:
    """Join the groups that tell one decision; those with the same amounts are compared pair by pair."""
    alike: dict[tuple[str, str, int, int], list[Told]] = {}
    for group in groups:
        claim = _body(group[0])
        family = "processed" if claim.status in PROCESSED else claim.status
        alike.setdefault((claim.claim_id, family, claim.charge_cents, claim.paid_cents), []).append(group)
    joined: list[Told] = []
    for many in alike.values():
        joined += many if len(many) == 1 else _join_alike(many)
    return joined


class _Teller:
    """Facts joined so far into one decision, and what they state of its identity together."""

    def __init__(self, group: Told) -> None:
        self.facts = list(group)
        self.body = _body(group[0])
        self.number = self.body.payer_claim_id
        self.trace = self.body.trace
        self.payers = {_body(fact).payer.id for fact in group}
        self.triples = _reasons(self.body)

    def stated(self) -> int:
        """How many of the identifying numbers it states."""
        return (self.number is not None) + (self.trace is not None)

    def tells_the_same(self, other: _Teller) -> bool:
        """Whether nothing that both state differs, and what they share can only be one decision."""
        if _differ(self.number, other.number) or _differ(self.trace, other.trace):
            return False
        same_number = self.number is not None and self.number == other.number
        same_trace = self.trace is not None and self.trace == other.trace
        if not self.payers & other.payers and not (same_number and same_trace):
            return False
        if self.triples == other.triples:
            return True
        same_payment = same_trace or _day(self.body) == _day(other.body)
        return same_number and same_payment

    def take(self, other: _Teller) -> None:
        self.facts += other.facts
        self.number = self.number or other.number
        self.trace = self.trace or other.trace
        self.payers |= other.payers


def _differ(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and one != other


def _day(claim: ClaimAdjudicated) -> object:
    return claim.payment_on or claim.adjudicated_on


def _reasons(claim: ClaimAdjudicated) -> list[tuple[str, str, int]]:
    return sorted([(a.group, a.code, a.amount_cents) for a in claim.every_adjustment()])


def _join_alike(groups: list[Told]) -> list[Told]:
    """The most fully stated first; each other one joins the decision it fits, of several the same day's.

    The order is made from what the facts say, so that every order of arrival joins the same ones.
    """
    tellers = sorted(map(_Teller, groups), key=lambda t: (-t.stated(), t.facts[0].key))
    decisions: list[_Teller] = []
    for teller in tellers:
        fits = [d for d in decisions if d.tells_the_same(teller)]
        if not fits:
            decisions.append(teller)
            continue
        day = _day(teller.body)
        next((d for d in fits if _day(d.body) == day), fits[0]).take(teller)
    return [d.facts for d in decisions]


def _merge(group: Told) -> Adjudication:
    first = group[0]
    claim = _body(first)
    if len(group) == 1:
        return Adjudication(
            claim,
            first.key,
            (first.id,),
            first.occurred_at,
            (first.where,),
            tuple(_reasons(claim)),
            (claim.forwarded_to.id,) if claim.forwarded_to else (),
            (claim.corrected_payer.id,) if claim.corrected_payer else (),
        )
    bodies = [_body(f) for f in sorted(group, key=lambda f: f.id)]
    richest = max(bodies, key=_detail)
    stated = {b.patient_responsibility_cents for b in bodies} - {None}
    left = {_patient_cents(b) for b in bodies}
    merged = replace(
        richest,
        status=next((b.status for b in bodies if b.status in FORWARDED), richest.status),
        adjudicated_on=min(b.adjudicated_on for b in bodies),
        payment_on=min((b.payment_on for b in bodies if b.payment_on), default=None),
        patient_responsibility_cents=min((s for s in stated if s is not None), default=None),
        remarks=tuple(sorted({r for b in bodies for r in b.remarks})),
        lines=_lines_with_every_remark(richest, bodies),
        remittance_balanced=_proven([b.remittance_balanced for b in bodies]),
        payer_claim_id=_stated([b.payer_claim_id for b in bodies]),
        trace=_stated([b.trace for b in bodies]),
        original_payer_claim_id=_stated([b.original_payer_claim_id for b in bodies]),
        filing_indicator=_stated([b.filing_indicator for b in bodies]),
        frequency=_stated([b.frequency for b in bodies]),
        order=min((b.order for b in bodies if b.order is not None), default=None),
        sequence=max(b.sequence for b in bodies),
    )
    return Adjudication(
        merged,
        min(f.key for f in group),
        tuple(sorted(f.id for f in group)),
        min(f.occurred_at for f in group),
        tuple(sorted({f.where for f in group})),
        tuple(_reasons(richest)),
        tuple(sorted({b.forwarded_to.id for b in bodies if b.forwarded_to})),
        tuple(sorted({b.corrected_payer.id for b in bodies if b.corrected_payer})),
        len(stated) > 1 or len(left) > 1,
        tuple(sorted({b.payer.id for b in bodies} - {richest.payer.id})),
    )


def _detail(claim: ClaimAdjudicated) -> tuple[bool, int, int, str]:
    """A remittance, whose sums were checked, over a member's copy; then the one with more lines."""
    return (
        claim.remittance_balanced is not None,
        len(claim.lines),
        sum(1 for _ in claim.every_adjustment()),
        claim.payer.id,
    )


def _patient_cents(claim: ClaimAdjudicated) -> int:
    return sum([a.amount_cents for a in claim.every_adjustment() if a.group == "PR"])


def _stated(values: list[str | None]) -> str | None:
    return min((v for v in values if v), default=None)


def _proven(values: list[bool | None]) -> bool | None:
    """True wins: a carrier that adds up proves the decision, so a whole file sent again after a cut-off one
    lifts the doubt. A carrier without such a check (None) proves nothing.
    """
    if True in values:
        return True
    return False if False in values else None


def _lines_with_every_remark(
    richest: ClaimAdjudicated, bodies: list[ClaimAdjudicated]
) -> tuple[AdjudicatedLine, ...]:
    by_line: dict[str, set[str]] = {}
    for body in bodies:
        for line in body.lines:
            by_line.setdefault(line.line, set()).update(line.remarks)
    return tuple(replace(line, remarks=tuple(sorted(by_line[line.line]))) for line in richest.lines)
