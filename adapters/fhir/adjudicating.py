"""An ExplanationOfBenefit or ClaimResponse becomes a payer's decision on a claim, or says why it cannot.

Only `use` claim decides anything. A resource that is cancelled or was entered in error takes itself back.
Source: FHIR R4 13.10, 13.2; R5 ExplanationOfBenefit, ClaimResponse; CARIN BB 2.1.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any, Final

from adapters.fhir.amounts import Level
from adapters.fhir.elements import (
    Node,
    Wrong,
    codings,
    day,
    flag,
    instant,
    midnight,
    money,
    number,
    part,
    parts,
    text,
    whole,
)
from adapters.fhir.findings import noted, rejected
from adapters.fhir.neighbours import Setting, account_identifier, identifiers, payer_of, referred_number
from adapters.fhir.stating import newest
from adapters.fhir.sums import Line, Sums, add_up
from schemas.canonical import digest, to_bytes
from schemas.facts import (
    AccountRef,
    AdjudicationUnreadable,
    Adjustment,
    ClaimAdjudicated,
    ClaimStatusReported,
    Fact,
    Item,
    adjudication_key,
)

LINES: Final = 9_999
REVERSAL: Final = "22"
_UNDATED: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WITHDRAWN: Final = frozenset({"cancelled", "entered-in-error"})
_USES: Final = frozenset({"claim", "preauthorization", "predetermination"})
_OUTCOMES: Final = frozenset({"complete", "partial", "queued", "error"})
_UNDECIDED: Final = {"queued": ("pending", "not-decided"), "error": ("rejected", "outcome-error")}
"""Outcomes that decide nothing: where the bill stands with the payer, and our finding."""
_REMARK: Final = re.compile(r"((?:MA|M|N)[0-9]{1,4})(?:[\s:.\-].*)?", re.ASCII | re.DOTALL)
_ACCOUNT_CATEGORIES: Final = frozenset({"patientaccountnumber", "pat"})
_LOOKED: Final = {
    "patientaccountnumber": "supportingInfo of category patientaccountnumber",
    "identifier": "an identifier of type AN or pat, or of a mapped system",
    "claim": "the identifier of the claim it answers",
}


def adjudicate(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """Findings, the fact, what parks, of one resource."""
    try:
        account = account_of(node, place, setting)
        silent = _silent(node, place)
    except Wrong as wrong:
        # What cannot be told from an estimate still holds its account, where that can be read.
        yield from _unread(node, wrong, _account_or_none(node, place, setting), place, setting)
        return
    if silent is not None:
        yield noted(silent, place)
        return
    if account is None:
        looked = ", then ".join(_LOOKED[rule] for rule in setting.mapping.account)
        yield rejected("account-missing", place, looked=looked)
        return
    try:
        reading = _Reading(node, place, setting, account)
        body = reading.body()
    except Wrong as wrong:
        yield from _unread(node, wrong, account, place, setting)
        return
    for code in dict.fromkeys(reading.findings):
        yield noted(code, place)
    if isinstance(body, ClaimStatusReported):
        yield newest(account, reading.occurred_at, body, place)
        return
    yield Fact.of(
        account,
        adjudication_key(account, body),
        reading.occurred_at,
        body,
        currency=reading.currency,
        where=place,
    )


def _unread(
    node: Node, wrong: Wrong, account: AccountRef | None, place: str, setting: Setting
) -> Iterator[Item]:
    """The account holds: a payer decided something that nobody could read."""
    if account is not None:
        seal = digest(to_bytes(_plain(node)))[:32]
        body = AdjudicationUnreadable(account.number, wrong.code, None, f"unread {seal}")
        yield Fact.of(account, f"claim.unreadable|{account}|{seal}", _UNDATED, body, where=place)
    yield rejected(wrong.code, wrong.path, account)


def _plain(node: Any) -> Any:
    """What identifies the resource: its own text, with numbers as written and no half characters."""
    return repr(node).encode("utf-8", "backslashreplace").decode()


def _account_or_none(node: Node, place: str, setting: Setting) -> AccountRef | None:
    try:
        return account_of(node, place, setting)
    except Wrong:
        return None


def _silent(node: Node, place: str) -> str | None:
    """The code of a resource that decides nothing by its nature; None for one that does.

    Raises:
        Wrong: use or status missing or unknown.
    """
    use, status = text(node, "use", place), text(node, "status", place)
    if use is not None and use not in _USES:
        raise Wrong("use-missing", f"{place}.use")
    if use is not None and use != "claim":
        return "not-a-claim"
    if status == "draft":
        return "not-in-force"
    if status != "active" and status not in _WITHDRAWN:
        raise Wrong("status-unknown", f"{place}.status")
    return None


def account_of(node: Node, place: str, setting: Setting) -> AccountRef | None:
    """The account an adjudication speaks of, by the mapping's rules in order; None where none finds it."""
    for rule in setting.mapping.account:
        found = _FIND[rule](node, place, setting)
        if found is not None:
            return setting.ref(found)
    return None


def _from_supporting(node: Node, place: str, setting: Setting) -> str | None:
    for at, one in enumerate(parts(node, "supportingInfo", place)):
        path = f"{place}.supportingInfo[{at}]"
        if any(code in _ACCOUNT_CATEGORIES for _, code in codings(one, "category", path)):
            if "valueIdentifier" in one:
                held = part(one, "valueIdentifier", path) or {}
                return number(text(held, "value", f"{path}.valueIdentifier"), path)
            return number(text(one, "valueString", path), f"{path}.valueString")
    return None


def _from_identifier(node: Node, place: str, setting: Setting) -> str | None:
    return account_identifier(node, place, setting.mapping)


def _from_claim(node: Node, place: str, setting: Setting) -> str | None:
    name = "claim" if "claim" in node else "request"
    return referred_number(part(node, name, place), node, f"{place}.{name}", setting)


_FIND: Final = {
    "patientaccountnumber": _from_supporting,
    "identifier": _from_identifier,
    "claim": _from_claim,
}


class _Reading:
    """One resource while it is read: its sums, its findings, its days."""

    def __init__(self, node: Node, place: str, setting: Setting, account: AccountRef) -> None:
        self.node, self.place, self.setting, self.account = node, place, setting, account
        self.currencies: set[str] = set()
        self.findings: list[str] = []
        payment = part(node, "payment", place) or {}
        path = f"{place}.payment"
        self.payment_on = day(payment, "date", path)
        self.payment_cents = money(payment, "amount", path, self.currencies)
        if money(payment, "adjustment", path, self.currencies):
            self.payment_cents = None
        identifier = part(payment, "identifier", path) or {}
        self.trace = number(text(identifier, "value", f"{path}.identifier"), f"{path}.identifier.value")
        self.created = instant(node, "created", place)
        self.created_on = day(node, "created", place)
        self.withdrawn = text(node, "status", place) in _WITHDRAWN

    @property
    def currency(self) -> str:
        """The currency of all its amounts; USD where none is stated."""
        return next(iter(self.currencies), "USD")

    @property
    def occurred_at(self) -> datetime:
        """The payment day, else the day the decision was made; for what is taken back the day it was."""
        paid_at = midnight(self.payment_on) if self.payment_on else None
        if self.withdrawn:
            return max([at for at in (self._changed_at(), paid_at, self.created) if at], default=_UNDATED)
        return paid_at or self.created or _UNDATED

    def _changed_at(self) -> datetime | None:
        meta = part(self.node, "meta", self.place) or {}
        return instant(meta, "lastUpdated", f"{self.place}.meta")

    def body(self) -> ClaimAdjudicated | ClaimStatusReported:
        """The decision, or that there is none yet.

        Raises:
            Wrong: something of it cannot be read or is missing.
        """
        node, place = self.node, self.place
        if node.get("use") is None:
            raise Wrong("use-missing", f"{place}.use")
        outcome = text(node, "outcome", place)
        if outcome not in _OUTCOMES:
            raise Wrong("outcome-unknown", f"{place}.outcome")
        payer = payer_of(part(node, "insurer", place), node, f"{place}.insurer", self.setting)
        if payer is None:
            raise Wrong("payer-missing", f"{place}.insurer")
        adjudicated_on = self.created_on or self.payment_on
        if adjudicated_on is None:
            raise Wrong("date-missing", f"{place}.created")
        if outcome in _UNDECIDED and not self.withdrawn:
            status, finding = _UNDECIDED[outcome]
            self.findings.append(finding)
            return ClaimStatusReported(self.account.number, payer, status, adjudicated_on)
        order = self._order()
        if order is None:
            self.findings.append("order-not-stated")
        payer_claim_id, original, frequency = self._numbers()
        sums, remarks = self._sums()
        if len(self.currencies) > 1:
            raise Wrong("currency-mixed", place)
        period = part(node, "billablePeriod", place) or {}
        made = ClaimAdjudicated(
            claim_id=self.account.number,
            payer=payer,
            status=str(min(order or 1, 3)),
            adjudicated_on=adjudicated_on,
            charge_cents=sums.charge or 0,
            paid_cents=sums.paid or 0,
            order=order,
            payer_claim_id=payer_claim_id,
            original_payer_claim_id=original,
            frequency=frequency,
            trace=self.trace,
            payment_on=self.payment_on,
            patient_responsibility_cents=sums.stated,
            adjustments=sums.adjustments,
            remarks=remarks,
            lines=sums.lines,
            service_from=day(period, "start", f"{place}.billablePeriod"),
            service_to=day(period, "end", f"{place}.billablePeriod"),
            remittance_balanced=False if sums.doubt else None,
        )
        if self.withdrawn:
            return _reversed(made, self._withdrawn_on(adjudicated_on))
        if outcome == "partial":
            # Only a part is decided: what is still to come keeps it from being final.
            made = replace(made, remittance_balanced=False)
        self._tell_imbalance(made)
        return made

    def _order(self) -> int | None:
        """Which payer this is, 1 for primary: EOB precedence, the focal coverage's order or sequence."""
        node, place = self.node, self.place
        stated = whole(node, "precedence", place)
        if stated is not None:
            return stated
        insurances = parts(node, "insurance", place)
        for at, one in enumerate(insurances):
            path = f"{place}.insurance[{at}]"
            focal = flag(one, "focal", path)
            if focal is not True and len(insurances) > 1:
                continue
            reference = part(one, "coverage", path)
            coverage = self.setting.neighbours.find(reference, node, f"{path}.coverage")
            if coverage is not None and (order := whole(coverage, "order", f"{path}.coverage")):
                return order
            if node["resourceType"] == "ClaimResponse":
                return whole(one, "sequence", path)
        return None

    def _numbers(self) -> tuple[str | None, str | None, str | None]:
        """The payer's claim number, the one it corrects, and the bill's frequency."""
        node, place = self.node, self.place
        own = original = frequency = None
        for types, _, value, path in identifiers(node, place):
            if "uc" in types:
                own = number(value, path)
                break
        for at, one in enumerate(parts(node, "related", place)):
            path = f"{place}.related[{at}]"
            if any(code in ("prior", "replaces") for _, code in codings(one, "relationship", path)):
                held = part(one, "reference", path) or {}
                original = number(text(held, "value", f"{path}.reference"), f"{path}.reference.value")
        for at, one in enumerate(parts(node, "supportingInfo", place)):
            path = f"{place}.supportingInfo[{at}]"
            kinds = {code for _, code in codings(one, "category", path)}
            if kinds & {"typeofbill", "tob-frequency"}:
                told = next((code for _, code in codings(one, "code", path)), None) or text(
                    one, "valueString", path
                )
                if told and told[-1:].isascii() and told[-1:].isalnum():
                    frequency = told[-1]
        return own, original, frequency

    def _sums(self) -> tuple[Sums, tuple[str, ...]]:
        node, place, mapping = self.node, self.place, self.setting.mapping
        header, totals = Level(), Level()
        header.take(node, "adjudication", place, mapping, self.currencies)
        totals.take(node, "total", place, mapping, self.currencies)
        notes, loose = self._notes()
        lines = self._lines(notes)
        sums = add_up(totals, header, lines, self.payment_cents)
        self.findings += sums.findings
        if sums.charge is None and not self.withdrawn:
            raise Wrong("charge-missing", f"{place}.total")
        if sums.paid is None and not self.withdrawn:
            raise Wrong("paid-missing", f"{place}.total")
        at_lines = {remark for line in sums.lines for remark in line.remarks}
        below = [remark for line in lines for remark in line.level.remarks if remark not in at_lines]
        return sums, tuple(dict.fromkeys([*header.remarks, *totals.remarks, *loose, *below]))

    def _notes(self) -> tuple[dict[int, str], list[str]]:
        """Remark codes that open a process note: by number, and those that no line refers to."""
        numbered: dict[int, str] = {}
        loose: list[str] = []
        for at, note in enumerate(parts(self.node, "processNote", self.place)):
            path = f"{self.place}.processNote[{at}]"
            value = note.get("text")
            if value is not None and value.__class__ is not str:
                raise Wrong("wrong-type", f"{path}.text")
            match = _REMARK.fullmatch(value.strip()) if value else None
            if match:
                place_in_list = whole(note, "number", path)
                loose.append(match[1])
                if place_in_list is not None:
                    numbered[place_in_list] = match[1]
        return numbered, loose

    def _lines(self, notes: dict[int, str]) -> list[Line]:
        lines = []
        for name in ("item", "addItem"):
            for at, item in enumerate(parts(self.node, name, self.place)):
                lines.append(self._line(item, f"{self.place}.{name}[{at}]", name, at, notes))
                if len(lines) > LINES:
                    raise Wrong("too-many-lines", f"{self.place}.{name}")
        return lines

    def _line(self, item: Node, path: str, name: str, at: int, notes: dict[int, str]) -> Line:
        level = Level()
        level.take(item, "adjudication", path, self.setting.mapping, self.currencies)
        if "adjudication" not in item:
            _take_details(level, item, path, self.setting, self.currencies)
        given = item.get("noteNumber")
        if given is not None:
            if given.__class__ is not list or any(n.__class__ is not int for n in given):
                raise Wrong("wrong-type", f"{path}.noteNumber")
            level.remarks += [notes[n] for n in given if n in notes]
        sequence = whole(item, "sequence", path) or whole(item, "itemSequence", path)
        ordinal = str(sequence or at + 1)
        period = part(item, "servicedPeriod", path) or {}
        modifiers = [
            code
            for n, one in enumerate(parts(item, "modifier", path))
            for _, code in codings({"modifier": one}, "modifier", f"{path}[{n}]")
        ]
        return Line(
            ordinal if name == "item" else f"added {at + 1}",
            path,
            level,
            money(item, "net", path, self.currencies),
            next((code for _, code in codings(item, "productOrService", path) if code), None),
            tuple(modifiers[:4]),
            day(item, "servicedDate", path) or day(period, "start", f"{path}.servicedPeriod"),
        )

    def _withdrawn_on(self, adjudicated_on: date) -> date:
        """The day it was taken back, and never before the day it was decided or paid."""
        changed = self._changed_at()
        days = [adjudicated_on, self.payment_on, changed.date() if changed else None]
        return max(on for on in days if on is not None)

    def _tell_imbalance(self, made: ClaimAdjudicated) -> None:
        taken = sum([a.amount_cents for a in made.every_adjustment()])
        if made.charge_cents - taken != made.paid_cents:
            self.findings.append("unbalanced")


def _take_details(level: Level, item: Node, path: str, setting: Setting, currencies: set[str]) -> None:
    """Amounts that stand on the details of a line that has none itself."""
    for at, detail in enumerate(parts(item, "detail", path)):
        inner = f"{path}.detail[{at}]"
        level.take(detail, "adjudication", inner, setting.mapping, currencies)
        if "adjudication" not in detail:
            for n, sub in enumerate(parts(detail, "subDetail", inner)):
                level.take(sub, "adjudication", f"{inner}.subDetail[{n}]", setting.mapping, currencies)


def _negated(adjustments: tuple[Adjustment, ...]) -> tuple[Adjustment, ...]:
    return tuple([replace(a, amount_cents=-a.amount_cents) for a in adjustments])


def _reversed(made: ClaimAdjudicated, on: date) -> ClaimAdjudicated:
    """The decision taken back, as a remittance would: every amount negated. Source: 005010X221A1 1.10.2.8."""
    lines = [
        replace(
            line,
            charge_cents=-line.charge_cents,
            paid_cents=-line.paid_cents,
            adjustments=_negated(line.adjustments),
        )
        for line in made.lines
    ]
    return replace(
        made,
        status=REVERSAL,
        order=None,
        adjudicated_on=on,
        payment_on=None,
        charge_cents=-made.charge_cents,
        paid_cents=-made.paid_cents,
        patient_responsibility_cents=None,
        adjustments=_negated(made.adjustments),
        lines=tuple(lines),
        remittance_balanced=None,
    )
