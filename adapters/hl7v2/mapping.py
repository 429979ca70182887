"""What a site's feed means where the standard leaves it to the site: account numbers, codes, signs, more.

No default changes an outcome: a code that the mapping does not know is parked, or stated as not known, never
guessed. The same mapping for the same bytes gives the same facts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Mapping as Table
from dataclasses import dataclass, field, fields
from datetime import tzinfo
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.canonical import digest, to_bytes
from schemas.errors import ConfigRefused

ACCOUNTS: Final = ("PID-18", "PID-3", "PV1-19", "PV1-50")
FACILITIES: Final = ("feed", "MSH-4", "PID-18.4")
PAYER_FIELDS: Final = ("IN1-3", "IN1-2")
BALANCES: Final = ("ignore", "account", "patient")
IDS: Final = ("required", "message")
CONTROL_IDS: Final = ("unique", "repeating")
EHC: Final = ("status", "x12")
EHC_ORDERS: Final = ("IN1-22", "primary", "secondary", "tertiary")
SIGNS: Final = ("magnitude", "signed", "inverted")
NOTICES: Final = ("valid", "invalid", "ignore")
STATUSES: Final = ("accepted", "rejected", "pending", "finalized", "ignore")
KINDS: Final = (
    "commercial", "medicare", "medicare_advantage", "medicaid", "qmb", "tricare", "va", "workers_comp",
    "auto", "liability", "other", "self_pay",
)  # fmt: skip
MEANINGS: Final = (
    "charge", "charge.reversal", "payment.patient", "payment.payer", "payment.other", "refund.patient",
    "refund.payer", "adjustment.contractual", "adjustment.charity", "adjustment.courtesy",
    "adjustment.small_balance", "adjustment.bad_debt", "adjustment.other", "ignore",
)  # fmt: skip
"""What a transaction may be. `charge.reversal` and refunds take back; an adjustment lowers the balance."""

TARGETS: Final = (
    "patient.id", "patient.language", "patient.phone", "patient.email", "guarantor.id",
    "guarantor.relationship", "guarantor.language", "guarantor.phone", "guarantor.email",
    "patient_class", "financial_class", "facility_kind", "service_from", "service_to",
)  # fmt: skip
"""Fields of `account.registered` that a Z-segment may fill."""

FLAG: Final = "flag."
"""A Z-segment may also place and lift a flag: a value of Y places it, N lifts it."""

_PATH: Final = re.compile(r"Z[A-Z0-9]{2}-[1-9][0-9]{0,2}(?:\.[1-9][0-9]?)?", re.ASCII)
_EVENT: Final = re.compile(r"[A-Z0-9]{3}\^(?:[A-Z0-9]{3}|\*)", re.ASCII)
_FLAG: Final = re.compile(r"flag\.[a-z_]{1,40}", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Mapping:
    """One feed's mapping. Tables are from the sender's code to what it means.

    `account`: where the account number is. `facility`: `feed` (what the feed's setting says), `MSH-4` or
    `PID-18.4`. `account_type`: the CX.5 of the repetition to take from PID-3. `transaction_id`: `message`
    lets a transaction without FT1-2 count once a message. `control_ids`: `repeating` for a sender whose
    MSH-10 starts over. `ignore`: events to pass over, as `ADT^A02` or `ORU^*`. `z`: `ZBL-3.1` to a field or
    flag.
    `ehc`: `x12` where the payer of EHC^E10 and E15 writes ADJ-7 as X12 group and reason (PR-1), by agreement;
    `ehc_order` says where its place among the payers stands, or what it is.
    `timezone`: where times without an offset are; None leaves it to the reader's caller.
    """

    account: str = "PID-18"
    account_type: str = "AN"
    facility: str = "feed"
    timezone: str | None = None
    currency: str = "USD"
    payer_field: str = "IN1-3"
    pv1_46: str = "ignore"
    transaction_id: str = "required"
    control_ids: str = "unique"
    ehc: str = "status"
    ehc_order: str = "IN1-22"
    ignore: tuple[str, ...] = ()
    facilities: Table[str, str] = field(default_factory=dict)
    ft1_type: Table[str, str] = field(default_factory=lambda: {"CG": "charge"})
    ft1_code: Table[str, str] = field(default_factory=dict)
    amount_sign: Table[str, str] = field(default_factory=lambda: {"CG": "magnitude", "PY": "magnitude"})
    abn: Table[str, str] = field(default_factory=lambda: {"4": "invalid"})
    plan_kind: Table[str, str] = field(default_factory=dict)
    payer_kind: Table[str, str] = field(default_factory=dict)
    payer: Table[str, str] = field(default_factory=dict)
    financial_class: Table[str, str] = field(default_factory=dict)
    patient_class: Table[str, str] = field(default_factory=dict)
    claim_status: Table[str, str] = field(default_factory=dict)
    z: Table[str, str] = field(default_factory=dict)

    @classmethod
    def from_table(cls, table: Table[str, Any], where: str = "mapping") -> Mapping:
        """Read a mapping from plain tables, as TOML gives them. What is left out keeps its default; a code
        table adds to the default's.

        >>> Mapping.from_table({"ft1_code": {"PTPMT": "payment.patient"}}).ft1_code["PTPMT"]
        'payment.patient'

        Raises:
            ConfigRefused: an unknown setting, a wrong type or a word it does not know, with its place.
        """
        known = {one.name for one in fields(cls)}
        unknown = sorted(set(table) - known)
        if unknown:
            raise _refused(f"{where}.{unknown[0]}", f"no such setting; there are {', '.join(sorted(known))}")
        return cls(**{name: _read(name, value, f"{where}.{name}") for name, value in table.items()})

    @property
    def version(self) -> str:
        """A digest of everything this mapping says, to record beside what was read with it."""
        plain = {one.name: getattr(self, one.name) for one in fields(self)}
        return digest(
            to_bytes({n: v if isinstance(v, str | None | tuple) else dict(v) for n, v in plain.items()})
        )

    def zone(self, otherwise: tzinfo) -> tzinfo:
        """The zone of times that state no offset."""
        return ZoneInfo(self.timezone) if self.timezone else otherwise

    def ignores(self, code: str, event: str) -> bool:
        """Whether this message type and event are passed over."""
        return bool(self.ignore) and (f"{code}^{event}" in self.ignore or f"{code}^*" in self.ignore)


def _refused(where: str, what: str) -> ConfigRefused:
    return ConfigRefused("bad-mapping", what, where=where)


def _read(name: str, value: Any, where: str) -> Any:
    check = _WORDS.get(name)
    if isinstance(check, tuple):
        if value not in check:
            raise _refused(where, f"write one of: {', '.join(check)}")
        return value
    if check is not None:
        return check(value, where)
    return _table(name, value, where)


def _table(name: str, value: Any, where: str) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(v, str) and v for v in value.values()):
        raise _refused(where, 'write a table of "code" = "meaning"')
    allowed = _MEANINGS.get(name)
    for code, meaning in value.items():
        if name == "z":
            _check_path(code, meaning, where)
        elif allowed is not None and meaning not in allowed:
            raise _refused(f"{where}.{code}", f"write one of: {', '.join(allowed)}")
    defaults = {one.name: one.default_factory for one in fields(Mapping)}[name]
    return {**defaults(), **value} if callable(defaults) else dict(value)


def _check_path(path: str, target: str, where: str) -> None:
    if _PATH.fullmatch(path) is None:
        raise _refused(f"{where}.{path}", "write a field of a Z-segment, such as ZBL-3 or ZBL-3.1")
    if target not in TARGETS and _FLAG.fullmatch(target) is None:
        raise _refused(f"{where}.{path}", f"write flag.NAME or one of: {', '.join(TARGETS)}")


def _events(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(v, str) and _EVENT.fullmatch(v) for v in value
    ):
        raise _refused(where, 'write a list of events, such as ["ADT^A02", "ORU^*"]')
    return tuple(value)


def _zone_name(value: Any, where: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError):
        raise _refused(where, "no such time zone; write a name such as America/New_York") from None
    return str(value)


def _currency(value: Any, where: str) -> str:
    if not isinstance(value, str) or _CURRENCY.fullmatch(value) is None:
        raise _refused(where, "write a currency of three letters, such as USD")
    return value


def _word(value: Any, where: str) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise _refused(where, "write one word")
    return value


_WORDS: Final[dict[str, tuple[str, ...] | Callable[[Any, str], Any]]] = {
    "account": ACCOUNTS,
    "account_type": _word,
    "facility": FACILITIES,
    "timezone": _zone_name,
    "currency": _currency,
    "payer_field": PAYER_FIELDS,
    "pv1_46": BALANCES,
    "transaction_id": IDS,
    "control_ids": CONTROL_IDS,
    "ehc": EHC,
    "ehc_order": EHC_ORDERS,
    "ignore": _events,
}
_MEANINGS: Final[dict[str, tuple[str, ...]]] = {
    "ft1_type": MEANINGS,
    "ft1_code": MEANINGS,
    "amount_sign": SIGNS,
    "abn": NOTICES,
    "plan_kind": KINDS,
    "payer_kind": KINDS,
    "claim_status": STATUSES,
}

STANDARD: Final = Mapping()
"""What the standard itself says, and nothing more."""
