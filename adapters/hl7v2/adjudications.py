"""EHC^E10 and EHC^E15 by agreement: a payer's decision, where ADJ-7 carries X12 groups and reasons.

The standard's own adjustment categories (table 0564) say nothing of who owes: its PR is not the remittance's
PR. So nothing is read unless the feed's file says that its payer writes ADJ-7 as `PR-1`, and a claim of which
anything cannot be read so waits whole.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from adapters.hl7v2.group import Group
from adapters.hl7v2.insurance import report_status
from adapters.hl7v2.segments import Segment
from adapters.hl7v2.values import NotMoney, cents_of, currency_of
from schemas.facts import (
    AccountRef,
    AdjudicatedLine,
    Adjustment,
    ClaimAdjudicated,
    Fact,
    Payer,
    adjudication_key,
)

X12: Final = "x12"
_REASON: Final = re.compile(r"(CO|PR|OA|PI|CR)-([A-Z0-9]{1,5})", re.ASCII)
_DECIDED: Final = frozenset({"ADJ", "PAID"})
_ORDERS: Final = {"primary": 1, "secondary": 2, "tertiary": 3}


class _Unread(Exception):
    """A claim that waits, and why."""

    def __init__(self, code: str, where: str) -> None:
        self.code = code
        self.where = where
        super().__init__(code)


@dataclass(slots=True)
class _Claim:
    """The segments of one IPR, in order; each service line with its own adjustments."""

    ipr: Segment
    ivc: Segment | None = None
    in1: Segment | None = None
    adjustments: list[Segment] = field(default_factory=list)
    lines: list[tuple[Segment, list[Segment]]] = field(default_factory=list)


def adjudicate(group: Group) -> None:
    """State the decision on each claim where its payer writes by agreement; else where claims stand."""
    if group.terms.mapping.ehc != X12:
        report_status(group)
        return
    pmt = group.one("PMT")
    for claim in _claims(group):
        group.account = _account(group, claim)
        if claim.ipr.text(4).upper() not in _DECIDED:
            group.note("claim-status-only", claim.ipr.place)
            continue
        try:
            _state(group, claim, pmt)
        except _Unread as unread:
            group.park(unread.code, unread.where)


def _claims(group: Group) -> Iterator[_Claim]:
    claim: _Claim | None = None
    for segment in group.ordered:
        if segment.tag == "IPR":
            if claim is not None:
                yield claim
            claim = _Claim(segment)
        elif claim is None:
            continue
        elif segment.tag == "IVC":
            claim.ivc = claim.ivc or segment
        elif segment.tag == "IN1":
            claim.in1 = claim.in1 or segment
        elif segment.tag == "PSL":
            claim.lines.append((segment, []))
        elif segment.tag == "ADJ":
            (claim.lines[-1][1] if claim.lines else claim.adjustments).append(segment)
    if claim is not None:
        yield claim


def _account(group: Group, claim: _Claim) -> AccountRef | None:
    """The claim's number is the account's, as CLP01 is; a PID that states one goes first."""
    if group.one("PID") is not None and group.account is not None:
        return group.account
    number = claim.ivc.text(1) if claim.ivc is not None else ""
    return AccountRef(group.terms.facility, number) if number and group.terms.facility else None


def _state(group: Group, claim: _Claim, pmt: Segment | None) -> None:
    place, ivc, account = claim.ipr.place, claim.ivc, group.account
    if ivc is None or account is None:
        raise _Unread("adjudication-incomplete", f"{place} / IVC-1")
    payer = _payer(group, claim, pmt)
    decided_on = group.read_day(claim.ipr, 5)
    if payer is None or decided_on is None:
        raise _Unread("adjudication-incomplete", f"{place} / {'IPR-5' if payer else 'IVC-11'}")
    charge, currency = _cents(group, ivc, 8)
    paid, _ = _cents(group, claim.ipr, 6)
    lines = tuple(_line(group, psl, adjs, n) for n, (psl, adjs) in enumerate(claim.lines, 1))
    adjustments = _adjustments(group, claim.adjustments)
    body = ClaimAdjudicated(
        ivc.text(1),
        payer,
        str(_order(group, claim)),
        decided_on,
        charge,
        paid,
        order=_order(group, claim),
        payer_claim_id=ivc.text(2) or None,
        trace=(pmt.text(7) or pmt.text(1) or None) if pmt is not None else None,
        payment_on=group.read_day(pmt, 5) if pmt is not None else None,
        adjustments=adjustments,
        lines=lines,
    )
    taken = sum(a.amount_cents for a in body.every_adjustment())
    if charge - taken != paid or (lines and sum(line.charge_cents for line in lines) != charge):
        raise _Unread("adjudication-unbalanced", place)
    identity = group.header.identity
    group.items.append(
        Fact.of(
            account,
            adjudication_key(account, body),
            group.header.occurred_at,
            body,
            currency=currency,
            identity=f"{identity}#claim.adjudicated {place}" if identity is not None else None,
            where=place,
        )
    )


def _payer(group: Group, claim: _Claim, pmt: Segment | None) -> Payer | None:
    """IN1-3, else IVC-11, else PMT-11 (XON.10, XON.3), through the crosswalk."""
    found = claim.in1.text(3) if claim.in1 is not None else ""
    for segment in (claim.ivc, pmt):
        if segment is not None:
            found = found or segment.text(11, 10) or segment.text(11, 3)
    return Payer(group.terms.mapping.payer.get(found, found), None) if found else None


def _order(group: Group, claim: _Claim) -> int:
    said = _ORDERS.get(group.terms.mapping.ehc_order)
    if said is None and claim.in1 is not None and claim.in1.text(22) in ("1", "2", "3"):
        said = int(claim.in1.text(22))
    if said is None:
        raise _Unread("adjudication-incomplete", f"{claim.ipr.place} / IN1-22")
    return said


def _line(group: Group, psl: Segment, adjs: list[Segment], n: int) -> AdjudicatedLine:
    charge, _ = _cents(group, psl, 16 if psl.first(16) else 15)
    adjustments = _adjustments(group, adjs)
    return AdjudicatedLine(
        psl.text(3) or str(n),
        charge,
        charge - sum(a.amount_cents for a in adjustments),
        psl.text(7) or None,
        service_on=group.read_day(psl, 10),
        adjustments=adjustments,
    )


def _adjustments(group: Group, adjs: list[Segment]) -> tuple[Adjustment, ...]:
    """Those that move money; one without an amount only informs."""
    made = []
    for adj in adjs:
        if not adj.first(5):
            continue
        cents, _ = _cents(group, adj, 5)
        reason = _REASON.fullmatch(adj.text(7).upper())
        if reason is None or len([r for r in adj.repetitions(7) if r]) != 1:
            raise _Unread("adjudication-unagreed", f"{adj.place} / ADJ-7")
        made.append(Adjustment(reason[1], reason[2], cents))
    return tuple(made)


def _cents(group: Group, segment: Segment, n: int) -> tuple[int, str]:
    """An amount and its currency. Source: HL7 v2.5.1 2A.13 CP, 2A.41 MO."""
    price = segment.first(n).partition(segment.marks.component)[0]
    quantity, _, rest = price.partition(segment.marks.subcomponent)
    denomination = rest.partition(segment.marks.subcomponent)[0].strip()
    where = f"{segment.place} / {segment.tag}-{n}"
    if not quantity.strip():
        raise _Unread("adjudication-incomplete", where)
    try:
        return cents_of(quantity.strip()), currency_of(denomination, group.terms.mapping.currency)
    except NotMoney as error:
        raise _Unread(error.code, where) from None
