"""What a payer decided on one claim, added up from totals, header and lines, and what does not agree.

Nothing is computed that the payer did not state, but for one thing: where what is eligible is exactly what
was paid plus the patient's stated parts, charge less eligible is the contractual reduction (CO-45).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from adapters.fhir.amounts import PAID_TO_PATIENT, Level
from schemas.facts import AdjudicatedLine, Adjustment

NONCOVERED_CODE: Final = "96"
"""The X12 reason for a charge that is not covered, where the payer gives none."""


@dataclass(slots=True)
class Line:
    """One service line as read; `charge` falls back to item.net."""

    number: str
    place: str
    level: Level
    net: int | None = None
    procedure: str | None = None
    modifiers: tuple[str, ...] = ()
    service_on: date | None = None

    @property
    def charge(self) -> int | None:
        """What was charged for it."""
        submitted = self.level.get("submitted")
        return self.net if submitted is None else submitted


@dataclass(slots=True)
class Sums:
    """A claim added up. None: not stated. `findings` are codes; `doubt` tells that amounts contradict."""

    charge: int | None = None
    paid: int | None = None
    stated: int | None = None
    adjustments: tuple[Adjustment, ...] = ()
    lines: tuple[AdjudicatedLine, ...] = ()
    findings: list[str] = field(default_factory=list)
    doubt: bool = False

    def mistrust(self, code: str) -> None:
        """Note what contradicts."""
        self.findings.append(code)
        self.doubt = True


def add_up(totals: Level, header: Level, lines: list[Line], payment: int | None) -> Sums:
    """Add a claim up; `payment` is payment.amount where no payment.adjustment explains a difference."""
    sums = Sums()
    levels = [header, *[line.level for line in lines]]
    every = [totals, *levels]
    sums.charge = _first(
        totals.get("submitted"), header.get("submitted"), _all([one.charge for one in lines])
    )
    line_paid = _all([one.level.paid for one in lines])
    sums.paid = _first(totals.paid, header.paid, line_paid, payment)
    sums.stated = _first(
        totals.get("memberliability"),
        header.get("memberliability"),
        _all([one.level.get("memberliability") for one in lines]),
    )
    grouped = any(level.grouped for level in levels)
    own = {id(level): list(level.grouped if grouped else level.mapped) for level in every}
    if not grouped:
        _pay_patient(every, own)
    _assign_noncovered(sums, levels, totals, own)
    claim_level = _claim_level(sums, totals, header, lines, own, grouped)
    _derive(sums, claim_level, own, totals, header, lines, grouped)
    _check(sums, every, payment)
    at_lines = any(own[id(line.level)] for line in lines)
    if at_lines or not claim_level:
        sums.lines = tuple([_line(one, own[id(one.level)]) for one in lines if _has_amounts(one)])
    sums.adjustments = tuple(claim_level)
    _tell_basis(sums, every)
    return sums


def _first(*amounts: int | None) -> int | None:
    return next((amount for amount in amounts if amount is not None), None)


def _all(amounts: list[int | None]) -> int | None:
    """Their sum where every line states one."""
    if not amounts or None in amounts:
        return None
    return sum([amount for amount in amounts if amount is not None])


def _total(adjustments: Iterable[Adjustment], group: str | None = None) -> int:
    return sum([a.amount_cents for a in adjustments if group is None or a.group == group])


def _pay_patient(every: list[Level], own: dict[int, list[Adjustment]]) -> None:
    for level in every:
        amount = level.get("paidtopatient")
        if amount:
            own[id(level)].append(Adjustment(*PAID_TO_PATIENT, amount))


def _assign_noncovered(
    sums: Sums, levels: list[Level], totals: Level, own: dict[int, list[Adjustment]]
) -> None:
    """Give amounts that are not covered a group: the payer's own, or the one that its stated patient amount
    leaves no choice about. Otherwise they stay out, the claim does not balance, and its account holds.
    """
    where = [level for level in levels if level.noncovered] or ([totals] if totals.noncovered else [])
    if not where:
        return
    amount = sum([cents for level in where for cents, _ in level.noncovered])
    share = sum([_total(own[id(level)], "PR") for level in levels]) or _total(own[id(totals)], "PR")
    group: str | None = None
    if sums.stated is not None and amount:
        group = "PR" if sums.stated == share + amount else "CO" if sums.stated == share else None
    for level in where:
        for cents, code in level.noncovered:
            told, reason = _reason_of(level)
            chosen = told or group
            if chosen is None:
                sums.mistrust("noncovered-unassigned")
                return
            own[id(level)].append(Adjustment(chosen, code or reason or NONCOVERED_CODE, cents))


def _reason_of(level: Level) -> tuple[str | None, str | None]:
    """The one group and reason that a level gives without an amount of its own."""
    if len(level.reasons) == 1 and len(level.noncovered) == 1:
        return level.reasons[0]
    return None, None


def _claim_level(
    sums: Sums,
    totals: Level,
    header: Level,
    lines: list[Line],
    own: dict[int, list[Adjustment]],
    grouped: bool,
) -> list[Adjustment]:
    """The claim's own adjustments: the header's and totals' beyond what the lines state already."""
    stated: Counter[tuple[str, str]] = Counter()
    for line in lines:
        for a in own[id(line.level)]:
            stated[a.group, a.code] += a.amount_cents
    made = _beyond(sums, own[id(header)], stated)
    if not grouped:
        for a in made:
            stated[a.group, a.code] += a.amount_cents
        made += _beyond(sums, own[id(totals)], stated)
    return made


def _beyond(sums: Sums, adjustments: list[Adjustment], stated: Counter[tuple[str, str]]) -> list[Adjustment]:
    """Those that are no sum of what is stated below; one that contradicts it is mistrusted."""
    here: Counter[tuple[str, str]] = Counter()
    for a in adjustments:
        here[a.group, a.code] += a.amount_cents
    made = []
    for (group, code), amount in here.items():
        below = stated.get((group, code), 0)
        if below == 0:
            made.append(Adjustment(group, code, amount))
        elif below != amount:
            sums.mistrust("total-differs")
    return made


def _derive(
    sums: Sums,
    claim_level: list[Adjustment],
    own: dict[int, list[Adjustment]],
    totals: Level,
    header: Level,
    lines: list[Line],
    grouped: bool,
) -> None:
    """Charge less eligible as CO-45 where eligible is exactly paid plus stated parts, in network."""
    every = [totals, header, *[line.level for line in lines]]
    told = sums.stated is not None or any(level.share for level in every)
    if grouped or not told or any(level.out_of_network for level in every):
        return
    derived = False
    for line in lines if any(own[id(line.level)] for line in lines) or not claim_level else ():
        adjustments = own[id(line.level)]
        if (
            reduction := _reduction(line.charge, line.level.get("eligible"), line.level.paid, adjustments)
        ) > 0:
            adjustments.append(Adjustment("CO", "45", reduction))
            derived = True
    below = sum([_total(own[id(line.level)]) for line in lines])
    if not derived and not below and sums.charge is not None:
        eligible = _first(totals.get("eligible"), header.get("eligible"))
        if (reduction := _reduction(sums.charge, eligible, sums.paid, claim_level)) > 0:
            claim_level.append(Adjustment("CO", "45", reduction))
            derived = True
    if derived:
        sums.findings.append("contractual-derived")


def _reduction(
    charge: int | None, eligible: int | None, paid: int | None, adjustments: list[Adjustment]
) -> int:
    if charge is None or eligible is None or paid is None or any(a.group != "PR" for a in adjustments):
        return 0
    return charge - eligible if eligible == paid + _total(adjustments) else 0


def _check(sums: Sums, every: list[Level], payment: int | None) -> None:
    if any(level.repeated for level in every):
        sums.mistrust("total-differs")
    # Less than nothing was never paid: more went to the patient than was payable.
    if any(level.paid_differs or (level.paid or 0) < 0 for level in every):
        sums.mistrust("paid-differs")
    if payment is not None and sums.paid is not None and payment != sums.paid:
        sums.mistrust("payment-differs")


def _has_amounts(line: Line) -> bool:
    return line.charge is not None or line.level.paid is not None


def _line(line: Line, adjustments: list[Adjustment]) -> AdjudicatedLine:
    """A line without its charge or payment is stated with zero, so that the claim does not balance."""
    return AdjudicatedLine(
        line.number,
        line.charge or 0,
        line.level.paid or 0,
        line.procedure,
        line.modifiers,
        line.service_on,
        tuple(adjustments),
        tuple(line.level.remarks),
    )


def _tell_basis(sums: Sums, every: list[Level]) -> None:
    """What the patient's share rests on; nothing is an outcome of its own, never zero."""
    if sums.stated is None and not any(level.share or _pays_patient(level) for level in every):
        foreign = any(level.foreign for level in every)
        sums.findings.append("share-variables" if foreign else "share-not-stated")
    elif sums.stated is not None:
        left = _total(sums.adjustments, "PR") + sum([_total(line.adjustments, "PR") for line in sums.lines])
        if left != sums.stated:
            sums.findings.append("patient-responsibility-differs")


def _pays_patient(level: Level) -> bool:
    return bool(level.get("paidtopatient"))
