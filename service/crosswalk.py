"""One payer, one id: what a sender calls a payer or a facility becomes what all feeds call it.

HL7 v2 and FHIR are crosswalked by their readers, which know more than the id; X12 and JSON here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from schemas.facts import (
    AccountRef,
    ClaimAdjudicated,
    Fact,
    Item,
    Payer,
    Rejected,
    RemittanceReceived,
    adjudication_key,
)


def crosswalked(
    items: Iterable[Item], payers: Mapping[str, str], facilities: Mapping[str, str]
) -> Iterator[Item]:
    """What a reader yields, with payers and facilities under their shared ids; the rest as it came.

    A decision's key is made anew, so that it counts once whichever name the carrier had for the payer.
    """
    for item in items:
        if isinstance(item, Fact):
            yield _fact(item, payers, facilities)
        elif isinstance(item, Rejected) and item.account is not None and item.account.facility in facilities:
            yield dataclasses.replace(item, account=_replaced(item.account, payers, facilities))
        else:
            yield item


def _fact(fact: Fact, payers: Mapping[str, str], facilities: Mapping[str, str]) -> Fact:
    account = _replaced(fact.account, payers, facilities)
    body = _replaced(fact.body, payers, facilities)
    if account is fact.account and body is fact.body:
        return fact
    return Fact.of(
        account,
        _key(fact, account, body),
        fact.occurred_at,
        body,
        currency=fact.currency,
        identity=fact.identity,
        where=fact.where,
    )


def _key(fact: Fact, account: AccountRef | None, body: Any) -> str:
    if isinstance(body, ClaimAdjudicated) and account is not None:
        return adjudication_key(account, body)
    key = fact.key
    if isinstance(body, RemittanceReceived) and isinstance(fact.body, RemittanceReceived):
        key = _moved(key, f"{fact.kind}|{fact.body.payer.id}|", f"{fact.kind}|{body.payer.id}|")
    if fact.account is not None and account is not None:
        key = _moved(key, f"{fact.kind}|{fact.account.facility}/", f"{fact.kind}|{account.facility}/")
        key = _moved(key, f"claim.unreadable|{fact.account}|", f"claim.unreadable|{account}|")
    return key


def _moved(key: str, old: str, new: str) -> str:
    return new + key.removeprefix(old) if key.startswith(old) else key


def _replaced(value: Any, payers: Mapping[str, str], facilities: Mapping[str, str]) -> Any:
    """The value itself where nothing in it changes."""
    if isinstance(value, Payer):
        id = payers.get(value.id, value.id)
        return value if id == value.id else Payer(id, value.name)
    if isinstance(value, AccountRef):
        facility = facilities.get(value.facility, value.facility)
        return value if facility == value.facility else AccountRef(facility, value.number)
    if isinstance(value, tuple):
        made = tuple(_replaced(one, payers, facilities) for one in value)
        return made if any(new is not old for new, old in zip(made, value, strict=True)) else value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {}
        for one in dataclasses.fields(value):
            old = getattr(value, one.name)
            new = _replaced(old, payers, facilities)
            if new is not old:
                changed[one.name] = new
        return dataclasses.replace(value, **changed) if changed else value
    return value
