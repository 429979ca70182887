"""One payer decision, told by several carriers (remittance, FHIR, JSON), is counted once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date
from heapq import heappop, heappush
from itertools import product
from typing import Final, NamedTuple, TypeAlias, cast

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
    return in_business_order([_merge(group) for group in _join(by_key.values())])


def _body(fact: Fact) -> ClaimAdjudicated:
    return cast(ClaimAdjudicated, fact.body)


def _join(groups: Iterable[Told]) -> list[Told]:
    """Join the groups that tell one decision; only those with the same amounts may."""
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
        body = _body(group[0])
        self.number = body.payer_claim_id
        self.trace = body.trace
        self.payer = body.payer.id
        self.day = body.payment_on or body.adjudicated_on
        self.triples = tuple(_reasons(body))

    def stated(self) -> int:
        """How many of the identifying numbers it states."""
        return (self.number is not None) + (self.trace is not None)

    def take(self, other: _Teller) -> None:
        self.facts += other.facts
        self.number = self.number or other.number
        self.trace = self.trace or other.trace


_ANY: Final = object()
"""Stands for whatever a decision states, or whether it states anything."""


class _Way(NamedTuple):
    """One way to find a decision again: what it must state, None where it must not, and what it must say."""

    number: object
    trace: object
    payer: str | None = None
    triples: tuple[tuple[str, str, int], ...] | None = None
    day: date | None = None

    def still_leads_to(self, decision: _Teller) -> bool:
        """Whether the decision has not come to state more since."""
        return self.number in (_ANY, decision.number) and self.trace in (_ANY, decision.trace)


class _Decisions:
    """The decisions of one claim that have the same amounts, found by what a copy states of them.

    Nobody is compared with everybody: a hostile sender may tell thousands.
    """

    def __init__(self) -> None:
        self.found: list[_Teller] = []
        self._by_way: dict[_Way, list[int]] = {}

    def take(self, teller: _Teller) -> None:
        """Let it join the decision that it fits, of several the first of its day or else the first."""
        at = self._first(_ways(teller, teller.day))
        if at is None:
            at = self._first(_ways(teller, None))
        if at is None:
            at = len(self.found)
            self.found.append(teller)
        else:
            self.found[at].take(teller)
        self._enter(at, teller.payer)

    def _first(self, ways: Iterable[_Way]) -> int | None:
        found = []
        for way in ways:
            known = self._by_way.get(way, [])
            while known and not way.still_leads_to(self.found[known[0]]):
                heappop(known)
            if known:
                found.append(known[0])
        return min(found, default=None)

    def _enter(self, at: int, payer: str) -> None:
        """Let a decision be found by what is stated of it now, also by one more name of its payer."""
        one = self.found[at]
        ways = [_Way(one.number, one.trace), _Way(one.number, one.trace, day=one.day)]
        for number, trace in product((one.number, _ANY), (one.trace, _ANY)):
            ways += [
                _Way(number, trace, payer, one.triples),
                _Way(number, trace, payer, one.triples, one.day),
                _Way(number, trace, payer, None, one.day),
            ]
        for way in ways:
            heappush(self._by_way.setdefault(way, []), at)


def _ways(teller: _Teller, day: date | None) -> Iterator[_Way]:
    """Where a decision (of a day) must be found for this one to be a copy: nothing both state may differ.

    Payer claim number and payment trace together can only be one decision; else it is one of a payer that
    both name, and for the same reasons. On one day the payer's number suffices, whatever the reasons.
    """
    if teller.stated() == 2:
        yield _Way(teller.number, teller.trace, day=day)
    traces = _states(teller.trace)
    for number, trace in product(_states(teller.number), traces):
        yield _Way(number, trace, teller.payer, teller.triples, day)
    if teller.number is not None:
        for trace in traces:
            yield _Way(teller.number, trace, teller.payer, None, day)


def _states(stated: str | None) -> tuple[object, ...]:
    """What a decision may state where a copy states this."""
    return (_ANY,) if stated is None else (stated, None)


def _reasons(claim: ClaimAdjudicated) -> list[tuple[str, str, int]]:
    return sorted([(a.group, a.code, a.amount_cents) for a in claim.every_adjustment()])


def _join_alike(groups: list[Told]) -> list[Told]:
    """The most fully stated first; each other one joins the decision it fits, of several the same day's.

    The order is made from what the facts say, so that every order of arrival joins the same ones.
    """
    decisions = _Decisions()
    for teller in sorted(map(_Teller, groups), key=lambda t: (-t.stated(), t.facts[0].key)):
        decisions.take(teller)
    return [d.facts for d in decisions.found]


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
    stated = {b.patient_responsibility_cents for b in bodies if b.patient_responsibility_cents is not None}
    left = {_patient_cents(b) for b in bodies}
    merged = replace(
        richest,
        status=next((b.status for b in bodies if b.status in FORWARDED), richest.status),
        adjudicated_on=min(b.adjudicated_on for b in bodies),
        payment_on=min((b.payment_on for b in bodies if b.payment_on), default=None),
        patient_responsibility_cents=min(stated, default=None),
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
        len(list(claim.every_adjustment())),
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
