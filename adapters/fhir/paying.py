"""Money and bills: PaymentReconciliation, PaymentNotice, Invoice, ChargeItem.

Source: FHIR R4 13.9, 13.8, 12.8, 12.7; R5 of the same names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from adapters.fhir.adjudicating import account_of
from adapters.fhir.elements import Node, Wrong, codings, day, decimal_text, midnight, money, part, parts, text
from adapters.fhir.findings import noted, rejected
from adapters.fhir.neighbours import Setting, account_identifier, payer_of, referred_number
from adapters.fhir.stating import named, newest, once, when
from schemas.facts import (
    AccountRef,
    ChargePosted,
    Item,
    Payer,
    PaymentPending,
    PaymentPosted,
    StatementSent,
)

_WITHDRAWN: Final = frozenset({"cancelled", "entered-in-error"})
_DIGITS: Final = re.compile(r"([0-9]{1,9})\Z", re.ASCII)
_CHARGES: Final = frozenset({"planned", "billable", "not-billable", "aborted", "unknown"})
_LOOKED: Final = "the account it refers to, or the claim or response in the same message"


def reconcile(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """The payments of a PaymentReconciliation, one a detail (R5: allocation) of type payment.

    A payer's payment that an adjudication with the same trace reports counts once.

    Raises:
        Wrong: the payment itself cannot be read; nothing of it is stated.
    """
    silent = _unstated(node, place)
    if silent is not None:
        yield silent
        return
    received_on = day(node, "paymentDate", place) or day(node, "date", place)
    if received_on is None:
        raise Wrong("date-missing", f"{place}.paymentDate")
    identifier = part(node, "paymentIdentifier", place) or {}
    trace = text(identifier, "value", f"{place}.paymentIdentifier")
    own = named(node, place)
    if trace is None and own is None:
        raise Wrong("number-missing", f"{place}.paymentIdentifier")
    paid_by, payer = _issuer(node, place, setting)
    for name in ("detail", "allocation"):
        for n, one in enumerate(parts(node, name, place)):
            path = f"{place}.{name}[{n}]"
            try:
                account, amount, currency = _allocated(one, node, path, setting)
            except Wrong as wrong:
                yield rejected(wrong.code, wrong.path)
                continue
            if any(code in ("advance", "adjustment") for _, code in codings(one, "type", path)):
                yield noted("not-a-payment", path)
                continue
            if account is None:
                yield rejected("account-missing", path, looked=_LOOKED)
                continue
            known = trace or (own[0] if own else "")
            part_id = text(part(one, "identifier", path) or {}, "value", f"{path}.identifier") or str(n + 1)
            body = PaymentPosted(f"{known}/{part_id}", amount, paid_by, received_on, payer, None, trace)
            whose = payer.id if payer else paid_by
            yield once(account, midnight(received_on), body, f"{whose}|{known}/{part_id}", path, currency)


def _unstated(node: Node, place: str) -> Item | None:
    """What a resource that is not active yields instead of a statement."""
    status = text(node, "status", place)
    if status in _WITHDRAWN:
        return rejected("withdrawn", f"{place}.status")
    if status == "draft":
        return noted("not-in-force", place)
    if status != "active":
        raise Wrong("status-unknown", f"{place}.status")
    return None


def _issuer(node: Node, place: str, setting: Setting) -> tuple[str, Payer | None]:
    """Who paid: payer, patient or other. R5 issuerType, else what kind of resource the issuer is."""
    reference = part(node, "paymentIssuer", place)
    path = f"{place}.paymentIssuer"
    kinds = {code for _, code in codings(node, "issuerType", place)}
    kind = text(reference, "type", path) if reference else None
    to = (text(reference, "reference", path) or "") if reference else ""
    if (
        kinds & {"patient"}
        or kind in ("Patient", "RelatedPerson")
        or to.startswith(("Patient/", "RelatedPerson/"))
    ):
        return "patient", None
    payer = payer_of(reference, node, path, setting)
    return ("payer", payer) if payer is not None else ("other", None)


def _allocated(one: Node, node: Node, path: str, setting: Setting) -> tuple[AccountRef | None, int, str]:
    """The account, amount in cents and currency of one detail."""
    currencies: set[str] = set()
    amount = money(one, "amount", path, currencies)
    if amount is None:
        raise Wrong("amount-missing", f"{path}.amount")
    return _account(one, node, path, setting), amount, next(iter(currencies), "USD")


def _account(one: Node, node: Node, path: str, setting: Setting) -> AccountRef | None:
    """By the account (R5), else by the claim or its response, where these are in the message."""
    for name in ("account", "target", "request", "response"):
        reference = part(one, name, path)
        if reference is None:
            continue
        inner = f"{path}.{name}"
        found = setting.neighbours.find(reference, node, inner)
        kind = found.get("resourceType") if found is not None else None
        if found is not None and kind in ("ExplanationOfBenefit", "ClaimResponse"):
            ref = account_of(found, inner, setting)
            if ref is not None:
                return ref
            continue
        if name == "account" or kind == "Account" or "claim" in setting.mapping.account:
            number = referred_number(reference, node, inner, setting)
            if number is not None:
                return setting.ref(number)
    return None


def notify(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """A PaymentNotice: money on its way (paid), or arrived (cleared), which ends the waiting.

    The money itself is stated by the PaymentReconciliation that the notice refers to; a cleared notice
    without one states it.
    """
    silent = _unstated(node, place)
    if silent is not None:
        yield silent
        return
    currencies: set[str] = set()
    amount = money(node, "amount", place, currencies)
    if amount is None:
        raise Wrong("amount-missing", f"{place}.amount")
    on = day(node, "paymentDate", place) or day(node, "created", place)
    if on is None:
        raise Wrong("date-missing", f"{place}.paymentDate")
    own = named(node, place)
    if own is None:
        raise Wrong("number-missing", f"{place}.identifier")
    account = _account(node, node, place, setting)
    if account is None:
        yield rejected("account-missing", place, looked=_LOOKED)
        return
    currency = next(iter(currencies), "USD")
    status = next((code for _, code in codings(node, "paymentStatus", place)), "paid")
    at, _ = when(node, place, setting)
    at = max(at, midnight(on))
    if status == "cleared" and part(node, "payment", place) is None:
        posted = PaymentPosted(own[0], amount, "payer", on, None, None, None)
        yield once(account, midnight(on), posted, own[1], place, currency)
    elif status in ("paid", "cleared"):
        pending = PaymentPending(own[0], amount if status == "paid" else 0, on)
        yield newest(account, at, pending, place, currency)
    else:
        raise Wrong("status-unknown", f"{place}.paymentStatus")


def bill(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """An issued Invoice to a person is a statement; whether it reached anybody is not said."""
    status = text(node, "status", place)
    if status == "draft":
        yield noted("not-in-force", place)
        return
    if status in _WITHDRAWN:
        yield rejected("withdrawn", f"{place}.status")
        return
    if status not in ("issued", "balanced"):
        raise Wrong("status-unknown", f"{place}.status")
    recipient = part(node, "recipient", place)
    to = (text(recipient, "reference", f"{place}.recipient") or "") if recipient else ""
    found = setting.neighbours.find(recipient, node, f"{place}.recipient")
    if to.startswith("Organization/") or (found or {}).get("resourceType") == "Organization":
        yield noted("not-to-a-person", place)
        return
    number = referred_number(part(node, "account", place), node, f"{place}.account", setting)
    if number is None:
        yield rejected(
            "account-missing", place, looked="the account it refers to, by identifier or in the message"
        )
        return
    sent_on = day(node, "creation", place) or day(node, "date", place)
    if sent_on is None:
        raise Wrong("date-missing", f"{place}.date")
    own = named(node, place)
    match = _DIGITS.search(own[0]) if own else None
    if own is None or match is None:
        raise Wrong("number-missing", f"{place}.identifier")
    currencies: set[str] = set()
    amount = money(node, "totalGross", place, currencies)
    net = money(node, "totalNet", place, currencies)
    if len(currencies) > 1:
        raise Wrong("currency-mixed", place)
    body = StatementSent(int(match[1]), sent_on, net if amount is None else amount)
    account = setting.ref(number)
    yield once(account, midnight(sent_on), body, own[1], place, next(iter(currencies), "USD"))


def charge(node: Node, place: str, setting: Setting) -> Iterator[Item]:
    """A billed ChargeItem: R4 priceOverride, R5 totalPriceComponent; a list price says nothing."""
    status = text(node, "status", place)
    if status in _CHARGES:
        yield noted("not-in-force", place)
        return
    if status == "entered-in-error":
        yield rejected("withdrawn", f"{place}.status")
        return
    if status != "billed":
        raise Wrong("status-unknown", f"{place}.status")
    number = account_identifier(node, place, setting.mapping)
    for n, reference in enumerate(parts(node, "account", place)):
        number = number or referred_number(reference, node, f"{place}.account[{n}]", setting)
    if number is None:
        yield rejected(
            "account-missing", place, looked="the account it refers to, by identifier or in the message"
        )
        return
    own = named(node, place)
    if own is None:
        raise Wrong("number-missing", f"{place}.identifier")
    currencies: set[str] = set()
    amount = money(node, "priceOverride", place, currencies)
    component = part(node, "totalPriceComponent", place)
    if amount is None and component is not None:
        amount = money(component, "amount", f"{place}.totalPriceComponent", currencies)
    if amount is None:
        raise Wrong("amount-missing", f"{place}.priceOverride")
    period = part(node, "occurrencePeriod", place) or {}
    service_on = (
        day(node, "occurrenceDateTime", place)
        or day(period, "start", f"{place}.occurrencePeriod")
        or day(node, "enteredDate", place)
    )
    if service_on is None:
        raise Wrong("date-missing", f"{place}.occurrenceDateTime")
    system, code = next(iter(codings(node, "code", place)), (None, None))
    units = decimal_text(part(node, "quantity", place) or {}, "value", f"{place}.quantity")
    body = ChargePosted(own[0], amount, service_on, system or None, code, None, units)
    account = setting.ref(number)
    yield once(account, midnight(service_on), body, own[1], place, next(iter(currencies), "USD"))
