"""An Account with its people and its coverage: registration, payer list, holds, coding status, balance.

Patient, RelatedPerson and Coverage speak of no account by themselves; they are read where an Account of the
same message refers to them. Source: FHIR R4 12.5 and R5 12.5 Account, R4 11.1 Coverage, 8.1 Patient.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from adapters.fhir.elements import Node, Wrong, codings, day, flag, money, part, parts, text, whole
from adapters.fhir.findings import noted, rejected
from adapters.fhir.neighbours import Setting, own_number, payer_of
from adapters.fhir.people import deceased, person
from adapters.fhir.stating import newest, when
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    BalanceReported,
    CodingStatusChanged,
    Coverage,
    CoverageListed,
    Fact,
    Item,
    Payer,
    Person,
)

_STATUSES: Final = frozenset({"active", "inactive", "entered-in-error", "on-hold", "unknown"})
_CODING: Final = {
    "open": "pending",
    "carecomplete-notbilled": "pending",
    "billing": "complete",
    "closed-baddebt": "complete",
    "closed-completed": "complete",
    "closed-combined": "complete",
}
_STATUS_HOLD: Final = "fhir-account-status"
_GUARANTOR_HOLD: Final = "fhir-guarantor-on-hold"
_NOT_IN_FORCE: Final = frozenset({"cancelled", "entered-in-error", "draft"})
_KINDS: Final = {
    **dict.fromkeys(("MCPOL", "HIP", "PPO", "HMO", "POS", "EHCPOL", "HSAPOL", "SUBSUPP"), "commercial"),
    **dict.fromkeys(("5", "51", "52", "6", "61"), "commercial"),
    **dict.fromkeys(("1", "11", "12"), "medicare"),
    **dict.fromkeys(("111", "112"), "medicare_advantage"),
    **dict.fromkeys(("2", "21", "22"), "medicaid"),
    **dict.fromkeys(("31", "311"), "tricare"),
    **dict.fromkeys(("32", "VET"), "va"),
    **dict.fromkeys(("95", "WCBPOL"), "workers_comp"),
    **dict.fromkeys(("96", "AUTOPOL"), "auto"),
    "98": "liability",
}
"""Coverage types to payer kinds: HL7 v3 ActCode, NAHDO source of payment typology. Source: FHIR R4 11.1.1."""
_SELF_PAY: Final = frozenset({"pay", "81", "self-pay"})


def register(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """What one Account says. What it says of money stands or falls by itself.

    Raises:
        Wrong: something of it cannot be read; nothing of it is stated.
    """
    number = own_number(node, place, setting.mapping)
    if number is None:
        looked = "an identifier of type AN, of a mapped system, or the only one"
        yield rejected("account-missing", place, looked=looked)
        return
    account = setting.ref(number)
    status = text(node, "status", place)
    if status not in _STATUSES:
        raise Wrong("status-unknown", f"{place}.status")
    at, items = when(node, place, setting)
    made: list[Item] = [*items]
    made += _registered(node, place, account, at, setting)
    made += _coverage(node, place, account, at, setting)
    made += _holds(node, place, account, at, status)
    made += _billing(node, place, account, at)
    made += _balance(node, place, account, at)
    yield from made


def _registered(
    node: Node, place: str, account: AccountRef, at: datetime, setting: Setting
) -> Iterator[Item]:
    patient: Person | None = None
    subject: Node | None = None
    for n, reference in enumerate(parts(node, "subject", place)):
        path = f"{place}.subject[{n}]"
        found = setting.neighbours.find(reference, node, path)
        if found is not None and found.get("resourceType") == "Patient":
            subject, patient = found, person(found, "Patient")
            yield from _death(found, account, at, place)
            break
        if found is None:
            yield noted("person-not-included", path)
    guarantor, missing = _guarantor(node, place, subject, setting)
    if missing is not None:
        yield noted("person-not-included", missing)
    period = part(node, "servicePeriod", place) or {}
    body = AccountRegistered(
        patient,
        guarantor,
        day(period, "start", f"{place}.servicePeriod"),
        day(period, "end", f"{place}.servicePeriod"),
    )
    if body != AccountRegistered():
        yield newest(account, at, body, place)


def _guarantor(
    node: Node, place: str, subject: Node | None, setting: Setting
) -> tuple[Person | None, str | None]:
    """The first guarantor whose period has not ended, and the path of one that is not in the message."""
    for n, one in enumerate(parts(node, "guarantor", place)):
        path = f"{place}.guarantor[{n}]"
        if day(part(one, "period", path) or {}, "end", f"{path}.period") is not None:
            continue
        party = setting.neighbours.find(part(one, "party", path), node, f"{path}.party")
        if party is None:
            return None, f"{path}.party"
        made = person(
            party, str(party.get("resourceType")), relationship="self" if party is subject else None
        )
        return made, None
    return None, None


def _death(patient: Node, account: AccountRef, at: datetime, place: str) -> Iterator[Fact]:
    died, on = deceased(patient, "Patient")
    if died:
        yield newest(account, at, AccountFlagged("deceased", on or at.date()), place)


def _holds(node: Node, place: str, account: AccountRef, at: datetime, status: str) -> Iterator[Item]:
    """Account.status and guarantor.onHold as holds that are placed and lifted under their own reference."""
    guarantors = enumerate(parts(node, "guarantor", place))
    held = True in [flag(one, "onHold", f"{place}.guarantor[{n}]") for n, one in guarantors]
    voided = status == "entered-in-error" or _billing_status(node, place) == "closed-voided"
    if voided:
        yield rejected("account-in-error", f"{place}.status", account)
    yield _hold(account, at, status == "on-hold" or voided, _STATUS_HOLD, place)
    yield _hold(account, at, held, _GUARANTOR_HOLD, place)


def _hold(account: AccountRef, at: datetime, placed: bool, reference: str, place: str) -> Fact:
    if placed:
        return newest(account, at, AccountFlagged("billing_hold", at.date(), reference=reference), place)
    return newest(account, at, AccountCleared("billing_hold", at.date(), reference=reference), place)


def _billing_status(node: Node, place: str) -> str | None:
    """R5 Account.billingStatus."""
    return next((code for _, code in codings(node, "billingStatus", place)), None)


def _billing(node: Node, place: str, account: AccountRef, at: datetime) -> Iterator[Item]:
    code = _billing_status(node, place)
    if code is None or code == "closed-voided":
        return
    status = _CODING.get(code)
    if status is None:
        raise Wrong("status-unknown", f"{place}.billingStatus")
    yield newest(account, at, CodingStatusChanged(status, code), place)


def _balance(node: Node, place: str, account: AccountRef, at: datetime) -> Iterator[Item]:
    """R5 Account.balance: totals by aggregate, each the sum of its ages; estimates say nothing."""
    sums: dict[str, int] = {}
    whole_ones: set[str] = set()
    currencies: set[str] = set()
    entries = parts(node, "balance", place)
    for n, one in enumerate(entries):
        path = f"{place}.balance[{n}]"
        amount = money(one, "amount", path, currencies)
        aggregate = next((code for _, code in codings(one, "aggregate", path)), None)
        if flag(one, "estimate", path) is True or aggregate is None or amount is None:
            continue
        if "term" not in one:
            sums[aggregate], whole_ones = amount, whole_ones | {aggregate}
        elif aggregate not in whole_ones:
            sums[aggregate] = sums.get(aggregate, 0) + amount
    if not entries:
        return
    patient, insurance, total = sums.get("patient"), sums.get("insurance"), sums.get("total")
    if total is None and patient is not None and insurance is not None:
        total = patient + insurance
    if total is None:
        yield noted("balance-incomplete", f"{place}.balance")
        return
    if len(currencies) > 1:
        raise Wrong("currency-mixed", f"{place}.balance")
    as_of = day(node, "calculatedAt", place) or at.date()
    body = BalanceReported(total, as_of, patient, insurance)
    yield newest(account, at, body, place, next(iter(currencies), "USD"))


def _coverage(node: Node, place: str, account: AccountRef, at: datetime, setting: Setting) -> Iterator[Item]:
    """The whole payer list, where every coverage of it is in the message; a part would be another list."""
    entries = parts(node, "coverage", place)
    listed: list[tuple[int, Coverage]] = []
    for n, one in enumerate(entries):
        path = f"{place}.coverage[{n}]"
        found = setting.neighbours.find(part(one, "coverage", path), node, f"{path}.coverage")
        priority = whole(one, "priority", path)
        if found is None:
            yield noted("coverage-not-included", path)
            return
        if text(found, "status", "Coverage") in _NOT_IN_FORCE or _is_self_pay(found):
            continue
        payer = _payer(found, setting)
        order = priority or whole(found, "order", "Coverage")
        if payer is None or (order is None and len(entries) > 1):
            yield noted("coverage-not-included", path)
            return
        listed.append((n, _covered(found, payer, order or 1, setting)))
    if entries:
        listed.sort(key=lambda pair: (pair[1].order, pair[0]))
        yield newest(account, at, CoverageListed(tuple([coverage for _, coverage in listed])), place)


def _payer(coverage: Node, setting: Setting) -> Payer | None:
    """R5 Coverage.insurer, else the first R4 Coverage.payor."""
    insurer = part(coverage, "insurer", "Coverage")
    if insurer is not None:
        return payer_of(insurer, coverage, "Coverage.insurer", setting)
    for n, payor in enumerate(parts(coverage, "payor", "Coverage")):
        return payer_of(payor, coverage, f"Coverage.payor[{n}]", setting)
    return None


def _is_self_pay(coverage: Node) -> bool:
    if text(coverage, "kind", "Coverage") == "self-pay":
        return True
    return any(code in _SELF_PAY for _, code in codings(coverage, "type", "Coverage"))


def _covered(coverage: Node, payer: Payer, order: int, setting: Setting) -> Coverage:
    period = part(coverage, "period", "Coverage") or {}
    own = setting.mapping.coverage_kinds
    kind = None
    for _, code in codings(coverage, "type", "Coverage"):
        kind = kind or own.get(code) or _KINDS.get(code)
    return Coverage(
        order,
        payer,
        kind,
        _member(coverage),
        day(period, "start", "Coverage.period"),
        day(period, "end", "Coverage.period"),
    )


def _member(coverage: Node) -> str | None:
    """Coverage.subscriberId: a string in R4, identifiers in R5."""
    given = coverage.get("subscriberId")
    if isinstance(given, list):
        for n, one in enumerate(parts(coverage, "subscriberId", "Coverage")):
            return text(one, "value", f"Coverage.subscriberId[{n}]")
    return text(coverage, "subscriberId", "Coverage")
