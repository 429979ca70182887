"""Reading one claim of an 835 (loops 2100 and 2110) segment by segment, with its equations checked.

Nothing is dropped silently: what cannot be read becomes the claim's `fault`, what does not add up its
`doubt`, and each is a finding with its place.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Final

from adapters.x12.elements import Unreadable, at, cents, day, normalised
from adapters.x12.findings import noted
from schemas.facts import Adjustment, Noted, Payer

SEGMENTS_LIMIT: Final = 100_000
"""Most segments one claim may have: 999 lines of 100 segments each. The rest of a longer one is skipped."""

ORDER: Final = {"1": 1, "19": 1, "2": 2, "20": 2, "3": 3, "21": 3}
"""Payer order that a claim status states."""

_STATUSES: Final = frozenset({*ORDER, "4", "22", "23", "25"})
_STATUSES_4010: Final = frozenset({"5", "10", "13", "15", "16", "17", "27"})
_REVERSAL: Final = "22"
_GROUPS: Final = frozenset({"CO", "PR", "OA", "PI", "CR"})
_CAS_LENGTH: Final = 20
_SILENT: Final = frozenset({"AMT", "QTY", "PER"})
"""Information only, never in any balance. Source: 005010X221A1 1.10.2.1."""

_MIA_REMARKS: Final = (5, 20, 21, 22, 23)
_MOA_REMARKS: Final = (3, 4, 5, 6, 7)
_STATEMENT_DATES: Final = frozenset({"232", "233", "472", "150", "151"})


class Part:
    """The claim's own level or one service line: what may carry adjustments, remarks and dates.

    Source: 005010X221A1 2100 CLP and CAS, 2110 SVC and CAS.
    """

    __slots__ = (
        "adjusted",
        "adjustments",
        "cas",
        "charge",
        "control",
        "dates",
        "modifiers",
        "paid",
        "place",
        "procedure",
        "remarks",
    )

    def __init__(self, place: str) -> None:
        self.place = place
        self.charge = 0
        self.paid = 0
        self.adjusted = 0
        self.cas = 0
        self.adjustments: list[Adjustment] = []
        self.remarks: list[str] = []
        self.dates: dict[str, date] = {}
        self.control = ""
        self.procedure: str | None = None
        self.modifiers: tuple[str, ...] = ()


class Claim:
    """One claim as read so far; `fault`: it cannot be read, `doubt`: it does not add up (the first code)."""

    __slots__ = (
        "component",
        "corrected_payer",
        "doubt",
        "fault",
        "filing",
        "findings",
        "forwarded_to",
        "frequency",
        "here",
        "level",
        "lines",
        "number",
        "original",
        "patient",
        "payer_number",
        "pr",
        "status",
        "strange",
    )  # fmt: skip

    def __init__(self, place: str, component: str) -> None:
        self.level = Part(place)
        self.here = self.level
        self.lines: list[Part] = []
        self.component = component
        self.findings: list[Noted] = []
        self.fault: str | None = None
        self.doubt: str | None = None
        self.number = self.status = ""
        self.patient: int | None = None
        self.payer_number: str | None = None
        self.filing: str | None = None
        self.frequency: str | None = None
        self.original: str | None = None
        self.forwarded_to: Payer | None = None
        self.corrected_payer: Payer | None = None
        self.pr = 0
        self.strange = False

    def note(self, code: str, where: str) -> None:
        """Note something that changes nothing."""
        self.findings.append(noted(code, where))

    def fail(self, code: str, where: str) -> None:
        """Note what makes the claim unreadable."""
        self.findings.append(noted(code, where))
        self.fault = self.fault or code

    def mistrust(self, code: str, where: str) -> None:
        """Note what does not add up."""
        self.findings.append(noted(code, where))
        self.doubt = self.doubt or code

    def amount(self, text: str, part: Part, cas: int = 0) -> int:
        """An amount in cents; 0 and a fault when it cannot be read. `cas` is the CAS it stands in, if any."""
        try:
            return cents(text)
        except Unreadable as unreadable:
            where = f"{part.place} / CAS {cas}" if cas else part.place
            self.fail(unreadable.code if text.strip(" ") else "amount-missing", where)
            return 0


def read_claim(segments: list[str], element: str, component: str, place: str) -> Claim:
    """Read the segments of one claim, CLP first, and check its sums.

    >>> made = read_claim(["CLP*A1*1*600*500*100", "CAS*PR*1*100"], "*", ":", "ST 0001 / CLP 1")
    >>> made.number, made.level.paid, made.pr, made.fault, made.doubt
    ('A1', 50000, 10000, None, None)
    """
    claim = Claim(place, component)
    for segment in segments:
        if segment[:3] in _SILENT and segment[3:4] == element:
            continue
        elements = segment.split(element)
        _READ.get(elements[0], _strange)(claim, elements)
    if len(segments) >= SEGMENTS_LIMIT:
        claim.fail("claim-too-large", place)
    _check_sums(claim)
    return claim


def _clp(claim: Claim, e: list[str]) -> None:
    level = claim.level
    claim.number, claim.status = at(e, 1), at(e, 2)
    level.charge = claim.amount(at(e, 3), level)
    level.paid = claim.amount(at(e, 4), level)
    if stated := at(e, 5):
        claim.patient = claim.amount(stated, level)
    claim.filing = at(e, 6) or None
    claim.payer_number = at(e, 7) or None
    claim.frequency = at(e, 9) or None
    if claim.status not in _STATUSES:
        if claim.status in _STATUSES_4010:
            claim.note("claim-status-4010", level.place)
        else:
            claim.fail("claim-status", level.place)


def _svc(claim: Claim, e: list[str]) -> None:
    line = claim.here = Part(f"{claim.level.place} / SVC {len(claim.lines) + 1}")
    claim.lines.append(line)
    if charge := at(e, 2):
        line.charge = claim.amount(charge, line)
    else:
        claim.note("line-amount-missing", line.place)
    if paid := at(e, 3):
        line.paid = claim.amount(paid, line)
    service = at(e, 1)
    component = claim.component or service[2:3]
    if component and not component.isalnum():
        parts = service.split(component)
        if len(parts) > 1:
            line.procedure = parts[1].strip(" ") or None
            if len(parts) > 2:
                line.modifiers = tuple([part for part in parts[2:6] if part])


def _cas(claim: Claim, e: list[str]) -> None:
    part = claim.here
    part.cas += 1
    group = e[1] if len(e) > 1 else ""
    if group not in _GROUPS:
        group = group.strip(" ")
        if group not in _GROUPS:
            claim.fail("adjustment-group", f"{part.place} / CAS {part.cas}")
    if group == "CR":
        claim.note("adjustment-group-4010", f"{part.place} / CAS {part.cas}")
    if len(e) > _CAS_LENGTH and any(e[_CAS_LENGTH:]):
        claim.fail("adjustment-too-long", f"{part.place} / CAS {part.cas}")
    for position in range(2, min(len(e), _CAS_LENGTH), 3):
        code, text, quantity = at(e, position), at(e, position + 1), at(e, position + 2)
        if not code:
            if not text and not quantity:
                continue
            claim.fail("adjustment-code-missing", f"{part.place} / CAS {part.cas}")
        amount = claim.amount(text, part, part.cas)
        part.adjustments.append(Adjustment(group, code, amount, quantity or None))
        part.adjusted += amount
        if group == "PR":
            claim.pr += amount


def _dtm(claim: Claim, e: list[str]) -> None:
    qualifier = at(e, 1)
    if qualifier in _STATEMENT_DATES:
        on = day(at(e, 2))
        if on is None:
            claim.note("date-unreadable", claim.here.place)
        else:
            claim.here.dates.setdefault(qualifier, on)


def _ref(claim: Claim, e: list[str]) -> None:
    qualifier = at(e, 1)
    if qualifier == "6R" and claim.here is not claim.level:
        claim.here.control = claim.here.control or at(e, 2)
    elif qualifier == "F8" and claim.here is claim.level:
        claim.original = claim.original or at(e, 2) or None


def _nm1(claim: Claim, e: list[str]) -> None:
    entity = at(e, 1)
    if entity in ("TT", "PR"):
        name = at(e, 3)
        party = Payer(at(e, 9) or normalised(name) or "unidentified", name or None)
        if entity == "TT":
            claim.forwarded_to = party
        else:
            claim.corrected_payer = party


def _remarks(claim: Claim, e: list[str]) -> None:
    positions = _MIA_REMARKS if e[0] == "MIA" else _MOA_REMARKS
    claim.level.remarks.extend([remark for position in positions if (remark := at(e, position))])


def _lq(claim: Claim, e: list[str]) -> None:
    code = at(e, 2)
    if code:
        # LQ*RX carries a pharmacy reject code, another list: kept apart by its prefix.
        claim.here.remarks.append(code if at(e, 1) == "HE" else f"{at(e, 1)}:{code}")


def _strange(claim: Claim, e: list[str]) -> None:
    claim.strange = True


_READ: Final[dict[str, Callable[[Claim, list[str]], None]]] = {
    "CLP": _clp,
    "SVC": _svc,
    "CAS": _cas,
    "DTM": _dtm,
    "REF": _ref,
    "NM1": _nm1,
    "MIA": _remarks,
    "MOA": _remarks,
    "LQ": _lq,
}


def _check_sums(claim: Claim) -> None:
    """Line, claim and lines to claim, to the cent. Source: 005010X221A1 1.10.2.1.1, 1.10.2.1.2."""
    level = claim.level
    adjusted, charged = level.adjusted, 0
    for line in claim.lines:
        adjusted += line.adjusted
        charged += line.charge
        if line.charge - line.adjusted != line.paid:
            claim.mistrust("line-unbalanced", line.place)
    if level.charge - adjusted != level.paid:
        claim.mistrust("claim-unbalanced", level.place)
    if claim.lines and charged != level.charge:
        claim.mistrust("line-charges-differ", level.place)
    if claim.status != _REVERSAL and (claim.patient or 0) != claim.pr:
        missing = claim.patient is None
        claim.note(
            "patient-responsibility-missing" if missing else "patient-responsibility-differs", level.place
        )
