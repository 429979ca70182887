"""Money: FT1 becomes charges, payments, adjustments as the mapping says; PV1-46 a balance where it is one."""

from __future__ import annotations

from datetime import date, datetime
from typing import Final, NamedTuple

from adapters.hl7v2.group import Group, part
from adapters.hl7v2.segments import Segment
from adapters.hl7v2.values import NotATime, NotMoney, cents_of, currency_of, day_of, instant_of
from schemas.facts import (
    AdjustmentPosted,
    BalanceReported,
    Body,
    ChargePosted,
    NoticeRecorded,
    Payer,
    PaymentPosted,
)


class _Refused(Exception):
    """This transaction waits for a person; `code` says why, `n` is the field."""

    def __init__(self, code: str, n: int) -> None:
        self.code = code
        self.n = n


class Posted(NamedTuple):
    """A transaction as it is to be stated: its id, signed cents, currency, day and instant."""

    id: str
    cents: int
    currency: str
    on: date
    at: datetime


def post_transactions(group: Group) -> None:
    """State each FT1, or let it wait; one that waits holds the account, its neighbours go through."""
    for ft1 in group.all("FT1"):
        try:
            _post(group, ft1)
        except _Refused as refused:
            group.park(refused.code, ft1.place)
        _notice(group, ft1)


def _post(group: Group, ft1: Segment) -> None:
    type, code = ft1.text(6), ft1.text(7)
    meaning = _meaning(group, type, code)
    if meaning == "ignore":
        group.note("transaction-ignored", ft1.place)
        return
    posted = _posted(group, ft1, type, meaning)
    group.state(
        _body(group, ft1, meaning, posted),
        ft1.place,
        f"{part(posted.id)}|{part(type)}",
        at=posted.at,
        currency=posted.currency,
    )


def _meaning(group: Group, type: str, code: str) -> str:
    mapping = group.terms.mapping
    meaning = mapping.ft1_code.get(code) or mapping.ft1_type.get(type)
    if meaning is None:
        raise _Refused("transaction-code-unmapped" if code else "transaction-type-unmapped", 7 if code else 6)
    return meaning


def _posted(group: Group, ft1: Segment, type: str, meaning: str) -> Posted:
    cents, currency = _amount(group, ft1)
    id = ft1.text(2)
    if not id:
        if group.terms.mapping.transaction_id == "required" or group.header.identity is None:
            raise _Refused("transaction-id-missing", 2)
        id = f"{group.header.msh.text(10)}:{ft1.place.rpartition(' ')[2]}"
    on, at = _when(group, ft1)
    return Posted(id, _signed(group, type, cents) * _DIRECTION.get(meaning, 1), currency, on, at)


_DIRECTION: Final = {"charge.reversal": -1, "refund.patient": -1, "refund.payer": -1}


def _amount(group: Group, ft1: Segment) -> tuple[int, str]:
    """FT1-11, or FT1-10 times FT1-12. Source: HL7 v2.5.1 6.5.1.10-12, 2A.13 CP, 2A.41 MO."""
    default = group.terms.mapping.currency
    try:
        if ft1.first(11):
            quantity, denomination = _money(ft1, 11)
            return cents_of(quantity), currency_of(denomination, default)
        if not ft1.first(12):
            raise _Refused("amount-missing", 11)
        unit, denomination = _money(ft1, 12)
        return cents_of(unit, ft1.text(10) or "1"), currency_of(denomination, default)
    except NotMoney as error:
        raise _Refused(error.code, 11) from None


def _money(segment: Segment, n: int) -> tuple[str, str]:
    """Quantity and denomination of a price."""
    price = segment.first(n).partition(segment.marks.component)[0]
    quantity, _, denomination = price.partition(segment.marks.subcomponent)
    return quantity.strip(), denomination.partition(segment.marks.subcomponent)[0].strip()


def _signed(group: Group, type: str, cents: int) -> int:
    """The amount in the direction of its meaning, by the sender's sign rule."""
    rule = group.terms.mapping.amount_sign.get(type)
    if rule is None or (rule == "magnitude" and cents < 0):
        raise _Refused("amount-sign-unmapped", 11)
    return -cents if rule == "inverted" else cents


def _when(group: Group, ft1: Segment) -> tuple[date, datetime]:
    """The day of the transaction (FT1-4) and the instant it was posted (FT1-5, else FT1-4)."""
    try:
        on = day_of(ft1.simple(4))
        at = instant_of(ft1.simple(5) or ft1.simple(4), group.terms.zone)
    except NotATime:
        raise _Refused("transaction-date-missing", 4) from None
    return on, at


def _body(group: Group, ft1: Segment, meaning: str, posted: Posted) -> Body:
    kind, _, detail = meaning.partition(".")
    if kind == "charge":
        system, value = _procedure(ft1)
        return ChargePosted(
            posted.id, posted.cents, posted.on, system, value, ft1.text(8) or None, ft1.text(10) or None
        )
    if kind == "adjustment":
        return AdjustmentPosted(posted.id, posted.cents, detail, posted.on, ft1.text(7) or None)
    payer = _payer(group, ft1) if detail == "payer" else None
    trace = (ft1.text(30) or None) if detail == "payer" else None
    return PaymentPosted(posted.id, posted.cents, detail, posted.on, payer, None, trace)


def _payer(group: Group, ft1: Segment) -> Payer | None:
    """FT1-14, the plan that pays, by the payer crosswalk."""
    code = ft1.text(14)
    return Payer(group.terms.mapping.payer.get(code, code)) if code else None


def _procedure(ft1: Segment) -> tuple[str | None, str | None]:
    """The procedure (FT1-25) where there is one, else the sender's transaction code (FT1-7)."""
    n = 25 if ft1.text(25) else 7
    return ft1.text(n, 3) or None, ft1.text(n) or None


def _notice(group: Group, ft1: Segment) -> None:
    """FT1-27 as evidence of a notice to a Medicare patient. Source: HL7 table 0339."""
    code = ft1.text(27)
    if not code:
        return
    meaning = group.terms.mapping.abn.get(code)
    if meaning is None:
        group.note("notice-unmapped", f"{ft1.place} / FT1-27")
        return
    try:
        on, at = _when(group, ft1)
    except _Refused:
        return
    id = ft1.text(2)
    if meaning != "ignore" and id:
        group.state(NoticeRecorded(id, "abn", on, None, meaning == "valid"), ft1.place, part(id), at=at)


def report_balance(group: Group) -> None:
    """PV1-46 as the mapping reads it: a balance of the account, or the patient's part of one."""
    pv1 = group.one("PV1")
    if pv1 is None or not pv1.first(46):
        return
    where = f"{pv1.place} / PV1-46"
    rule = group.terms.mapping.pv1_46
    try:
        stated = cents_of(pv1.simple(46))
        others = [cents_of(pv1.simple(n)) if pv1.simple(n) else None for n in (47, 48, 49)]
    except NotMoney:
        group.note("balance-unreadable", where)
        return
    if rule == "ignore":
        group.note("balance-ignored", where)
        return
    total, patient = stated, None
    if rule == "patient":
        charges, adjustments, payments = others
        if charges is None or adjustments is None or payments is None:
            group.note("balance-incomplete", where)
            return
        total, patient = charges - adjustments - payments, stated
    body = BalanceReported(total, group.day, patient, None if patient is None else total - patient)
    group.state(
        body,
        where,
        f"{group.header.occurred_at.isoformat()}|{total}|{patient}",
        currency=group.terms.mapping.currency,
    )
