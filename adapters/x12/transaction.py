"""One 835 transaction, ST to SE: its header, its claims one after another, its PLB and its closing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from adapters.x12.claim import read_claim
from adapters.x12.elements import Unreadable, at, day, identifier, normalised, total_cents
from adapters.x12.findings import noted, rejected
from adapters.x12.grading import Grade
from adapters.x12.splitting import Separators
from adapters.x12.stating import Remittance, state
from schemas.facts import Fact, Item, Payer, ProviderAdjustment, RemittanceReceived, Tally

FORMAT: Final = "x12.835"

PROVIDER_ADJUSTMENTS_LIMIT: Final = 10_000
"""Most PLB reasons kept with one remittance; all of them are in its sums."""

_CLAIM_SEGMENTS: Final = frozenset({"SVC", "CAS", "MIA", "MOA", "LQ"})
_HEADER_SEGMENTS: Final = frozenset({"N2", "N3", "N4", "PER", "RDM", "LX", "TS2", "TS3"})


@dataclass(slots=True)
class Totals:
    """Counts and sums of all that could be read, in whole cents; an unreadable amount counts as zero."""

    sets: int = 0
    transactions: int = 0
    claims: int = 0
    service_lines: int = 0
    charge: int = 0
    paid: int = 0
    patient: int = 0
    patient_adjustments: int = 0
    provider_adjustments: int = 0
    payment: int = 0
    control_numbers: list[int] = field(default_factory=list)

    def tally(self) -> Tally:
        """The sums as they stand."""
        return Tally(
            FORMAT, self.sets, self.transactions, self.claims, self.service_lines, self.charge, self.paid,
            self.patient, self.patient_adjustments, self.provider_adjustments, self.payment,
            tuple(self.control_numbers),
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Opening:
    """How a transaction begins: its place in the file, ST02, ISA13, the facility it belongs to, its grade."""

    place: str
    control: str
    interchange_control: str
    facility: str
    grade: Grade


class Transaction:
    """The open transaction; `gathered` holds the segments of the open claim, None between claims."""

    def __init__(self, opening: Opening, totals: Totals) -> None:
        self.place = opening.place
        self.control = opening.control
        self.gathered: list[str] | None = None
        self._opening = opening
        self._totals = totals
        self._separators = Separators("*", "", "~")
        self._bpr: list[str] = []
        self._trn: list[str] = []
        self._loop = ""
        self._payer: Payer | None = None
        self._payer_name = self._payer_number = ""
        self._production_on: date | None = None
        self._currency: str | None = "USD"
        self._findings: list[Item] = []
        self._shared: Remittance | None = None
        self._claims = self._charge = self._paid = 0
        self._provider_adjustments: list[ProviderAdjustment] = []
        self._plb = 0
        self._noticed: set[str] = set()

    def take(self, segment: str, separators: Separators) -> Iterator[Item]:
        """A segment that does not simply belong to the open claim."""
        self._separators = separators
        elements = segment.split(separators.element)
        tag = elements[0]
        if tag in ("CLP", "LX", "PLB"):
            yield from self._finish_claim(cut=False)
            if tag == "CLP":
                self.gathered = [segment]
            elif tag == "PLB":
                yield from self._take_plb(elements)
        elif self.gathered is not None:
            self.gathered.append(segment)
        elif tag in _CLAIM_SEGMENTS:
            yield from self._misplaced(elements)
        else:
            yield from self._take_header(elements)

    def close(self, *, complete: bool) -> Iterator[Item]:
        """End the transaction: its last claim, its findings, the remittance itself."""
        grade = self._opening.grade
        yield from self._finish_claim(cut=not complete)
        shared = self._share()
        yield from self._findings
        self._findings = []
        if not complete:
            yield noted("truncated", self.place)
            yield rejected("truncated", self.place)
        elif not grade.counts_agree:
            yield noted("segment-count", self.place)
            yield rejected("segment-count", self.place)
        if not grade.adds_up:
            yield noted("transaction-unbalanced", self.place)
        if shared.fault is not None:
            yield rejected(shared.fault, self.place)
        yield from self._remittance(shared)

    def _finish_claim(self, *, cut: bool) -> Iterator[Item]:
        gathered, self.gathered = self.gathered, None
        if gathered is None:
            return
        shared = self._share()
        yield from self._findings
        self._findings = []
        self._claims += 1
        place = f"{self.place} / CLP {self._claims}"
        claim = read_claim(gathered, self._separators.element, self._separators.component, place)
        if cut:
            claim.fail("truncated", place)
        level, totals = claim.level, self._totals
        self._charge += level.charge
        self._paid += level.paid
        totals.claims += 1
        totals.service_lines += len(claim.lines)
        totals.charge += level.charge
        totals.paid += level.paid
        totals.patient += claim.patient or 0
        totals.patient_adjustments += claim.pr
        if claim.strange:
            yield from self._once("segment-unknown", place)
        yield from state(claim, shared, self._claims, gathered)

    def _once(self, code: str, place: str) -> Iterator[Item]:
        if code not in self._noticed:
            self._noticed.add(code)
            yield noted(code, place)

    def _misplaced(self, elements: list[str]) -> Iterator[Item]:
        """A claim's segment outside any claim: counted in the control totals, parked, given to no account."""
        if "segment-out-of-place" not in self._noticed:
            yield from self._once("segment-out-of-place", self.place)
            yield rejected("segment-out-of-place", self.place)
        element, component = self._separators.element, self._separators.component
        stray = read_claim([element.join(elements)], element, component, self.place)
        self._totals.service_lines += len(stray.lines)
        self._totals.patient_adjustments += stray.pr

    def _take_header(self, e: list[str]) -> Iterator[Item]:
        tag = e[0]
        if tag == "BPR":
            self._bpr = e
        elif tag == "TRN":
            self._trn = self._trn or e
        elif tag == "N1":
            self._loop = at(e, 1)
            if self._loop == "PR":
                self._payer_name = at(e, 2)
                self._payer_number = at(e, 4)
        elif tag == "REF":
            if at(e, 1) == "2U" and self._loop in ("", "PR"):
                self._payer_number = self._payer_number or at(e, 2)
        elif tag == "DTM":
            if at(e, 1) == "405":
                self._production_on = day(at(e, 2))
                if self._production_on is None:
                    yield noted("date-unreadable", self.place)
        elif tag == "CUR":
            code = at(e, 2)
            self._currency = (
                code if len(code) == 3 and code.isascii() and code.isalpha() and code.isupper() else None
            )
        elif tag not in _HEADER_SEGMENTS:
            yield from self._once("segment-unknown", self.place)

    def _share(self) -> Remittance:
        """Settle what the claims share; the header is complete when the first claim is."""
        if self._shared is not None:
            return self._shared
        opening = self._opening
        payment_on = day(at(self._bpr, 16))
        if payment_on is None and at(self._bpr, 16):
            self._findings.append(noted("date-unreadable", self.place))
        trace = identifier(at(self._trn, 2))
        if trace is None:
            self._findings.append(noted("trace-missing", self.place))
        payer = self._named_payer()
        fault = None
        if payer is None:
            fault = "payer-missing"
        elif payment_on is None and self._production_on is None:
            fault = "date-missing"
        elif self._currency is None:
            fault = "currency-unreadable"
        if fault is not None:
            self._findings.append(noted(fault, self.place))
        sequence = f"{opening.interchange_control[:20].zfill(9)}/{opening.control[:20].zfill(9)}"
        self._shared = Remittance(
            opening.facility, payer, trace, payment_on, self._production_on,
            self._currency or "USD", sequence, opening.grade.sound, fault,
        )  # fmt: skip
        return self._shared

    def _named_payer(self) -> Payer | None:
        """N1*PR N104, else REF*2U, else TRN03, else BPR10, else the name itself."""
        candidates = (self._payer_number, at(self._trn, 3), at(self._bpr, 10), normalised(self._payer_name))
        for candidate in candidates:
            if (usable := identifier(candidate)) is not None:
                return Payer(usable, self._payer_name or None)
        return None

    def _take_plb(self, e: list[str]) -> Iterator[Item]:
        """PLB03/04 to PLB13/14: reason and reference, then an amount. Source: 005010X221A1 PLB."""
        self._plb += 1
        place = f"{self.place} / PLB {self._plb}"
        for position in range(3, len(e) - 1, 2):
            reason, text = at(e, position), at(e, position + 1)
            if not reason and not text:
                continue
            try:
                amount = total_cents(text)
            except Unreadable:
                code = "provider-adjustment-unreadable" if text else "provider-adjustment-missing"
                yield noted(code, place)
                yield rejected(code, place)
                continue
            self._totals.provider_adjustments += amount
            component = self._separators.component or reason[2:3]
            code, _, reference = reason.partition(component) if component else (reason, "", "")
            if len(self._provider_adjustments) < PROVIDER_ADJUSTMENTS_LIMIT:
                self._provider_adjustments.append(ProviderAdjustment(code, amount, reference or None))
            else:
                yield from self._once("provider-adjustments-too-many", place)

    def _remittance(self, shared: Remittance) -> Iterator[Item]:
        try:
            payment = total_cents(at(self._bpr, 2))
        except Unreadable:
            yield noted("payment-unreadable", self.place)
            yield rejected("payment-unreadable", self.place)
            return
        self._totals.payment += payment
        occurred_at, payer = shared.occurred_at, shared.payer
        if shared.fault is not None or occurred_at is None or payer is None:
            return
        body = RemittanceReceived(
            payer=payer,
            trace=shared.trace or "",
            payment_cents=payment,
            payment_on=shared.payment_on,
            handling=at(self._bpr, 1) or None,
            method=at(self._bpr, 4) or None,
            production_on=shared.production_on,
            claims=self._claims,
            charge_cents=self._charge,
            paid_cents=self._paid,
            provider_adjustments=tuple(self._provider_adjustments),
            balanced=self._opening.grade.adds_up,
        )
        key = f"remittance.received|{payer.id}|{shared.trace or ''}|{shared.payment_on or ''}|{payment}"
        yield Fact.of(None, key, occurred_at, body, currency=shared.currency, where=self.place)
