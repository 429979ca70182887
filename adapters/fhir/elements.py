"""FHIR elements and data types out of parsed JSON: exact, typed, and each fault with its path.

What is absent is None or empty; what is present with the wrong type raises, so nothing misread goes on.
Source: FHIR R4 2.24 (data types), 2.6.2 (JSON).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final, TypeAlias

from schemas.money import LIMIT_CENTS
from schemas.wire.strict_json import Written

Node: TypeAlias = dict[str, Any]

TEXT_LIMIT: Final = 1000
NUMBER_LIMIT: Final = 128
"""Longest account or claim number, payer id or reference that may key a record."""

_PLAIN_DIGITS: Final = 10
"""Digits that cannot pass the largest amount."""

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,40}))?", re.ASCII)
_DECIMAL: Final = re.compile(r"-?[0-9]{1,40}(?:\.[0-9]{1,60})?", re.ASCII)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_PARTIAL: Final = re.compile(r"[0-9]{4}(-[0-9]{2})?", re.ASCII)
_INSTANT: Final = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(Z|([+-])([0-9]{2}):([0-9]{2}))",
    re.ASCII,
)


class Wrong(ValueError):
    """An element that cannot be read; `path` is where it stands. The message never repeats a value."""

    def __init__(self, code: str, path: str) -> None:
        self.code = code
        self.path = path
        super().__init__(code)


def parts(node: Node, name: str, place: str) -> list[Node]:
    """A repeating complex element; empty when absent."""
    value = node.get(name)
    if value is None:
        return []
    if value.__class__ is not list:
        raise Wrong("wrong-type", f"{place}.{name}")
    for at, one in enumerate(value):
        if not isinstance(one, dict):
            raise Wrong("wrong-type", f"{place}.{name}[{at}]")
    return value


def part(node: Node, name: str, place: str) -> Node | None:
    """A complex element that stands once; None when absent."""
    value = node.get(name)
    if value is not None and not isinstance(value, dict):
        raise Wrong("wrong-type", f"{place}.{name}")
    return value


def text(node: Node, name: str, place: str, limit: int = TEXT_LIMIT) -> str | None:
    """A string, code, uri or id, trimmed; None when absent.

    Raises:
        Wrong: no string, a number, empty, too long, or with characters nobody can see.
    """
    value = node.get(name)
    if value is None:
        return None
    if value.__class__ is not str:
        raise Wrong("wrong-type", f"{place}.{name}")
    trimmed: str = value.strip()
    if not trimmed or len(trimmed) > limit or not trimmed.isprintable():
        raise Wrong("text-unreadable", f"{place}.{name}")
    return trimmed


def flag(node: Node, name: str, place: str) -> bool | None:
    """A boolean; None when absent."""
    value = node.get(name)
    if value is not None and value.__class__ is not bool:
        raise Wrong("wrong-type", f"{place}.{name}")
    return value


def whole(node: Node, name: str, place: str) -> int | None:
    """A positive integer of ordinary size; None when absent."""
    value = node.get(name)
    if value is None:
        return None
    if value.__class__ is not int or not 0 < value < 1_000_000_000:
        raise Wrong("wrong-type", f"{place}.{name}")
    return value


def decimal_text(node: Node, name: str, place: str) -> str | None:
    """A decimal as it was written; None when absent."""
    value = node.get(name)
    if value is None:
        return None
    if value.__class__ is not Written and value.__class__ is not int:
        raise Wrong("wrong-type", f"{place}.{name}")
    return str(value)


def cents(value: Any, place: str, name: str) -> int:
    """A JSON number as signed whole cents, told from its digits.

    >>> cents(Written("100.10"), "", ""), cents(7, "", ""), cents(Written("-0.500"), "", "")
    (10010, 700, -50)

    Raises:
        Wrong: another type, an exponent, a fraction of a cent, or beyond 99,999,999.99.
    """
    if value.__class__ is int:
        amount: int = value * 100
    elif value.__class__ is Written:
        digits = value[:-3] + value[-2:]
        if value[-3:-2] == "." and len(digits) <= _PLAIN_DIGITS and digits.isdigit() and digits.isascii():
            return int(digits)  # the usual form, at a third of the cost
        match = _AMOUNT.fullmatch(value)
        if match is None:
            raise Wrong("amount-unreadable", f"{place}.{name}.value")
        sign, digits, fraction = match.groups()
        fraction = fraction or ""
        if len(fraction) > 2 and fraction[2:].strip("0"):
            raise Wrong("amount-not-whole-cents", f"{place}.{name}.value")
        amount = int(digits) * 100 + int(fraction[:2].ljust(2, "0"))
        if sign:
            amount = -amount
    else:
        raise Wrong("wrong-type", f"{place}.{name}.value")
    if not -LIMIT_CENTS <= amount <= LIMIT_CENTS:
        raise Wrong("amount-unreadable", f"{place}.{name}.value")
    return amount


def exact(value: Any) -> Decimal | None:
    """A number as a Decimal for a control total, whole cents or not; None for anything else."""
    if value.__class__ is int and abs(value) < 10**15:
        return Decimal(value)
    if value.__class__ is Written and _DECIMAL.fullmatch(value):
        return Decimal(value)
    return None


def money(node: Node, name: str, place: str, currencies: set[str]) -> int | None:
    """A Money (or, in STU3, a Quantity with `code`) in cents; its currency joins `currencies`."""
    value = node.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise Wrong("wrong-type", f"{place}.{name}")
    if "value" not in value:
        return None
    currency = value.get("currency")
    if currency is not None and currency not in _USUAL:
        _check_currency(currency, f"{place}.{name}.currency")
    if currency is not None:
        currencies.add(currency)
    return cents(value["value"], place, name)


_USUAL: Final = ("USD",)


def _check_currency(currency: Any, path: str) -> None:
    if currency.__class__ is not str or len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise Wrong("wrong-type", path)


def day(node: Node, name: str, place: str) -> date | None:
    """The day of a date or dateTime as the sender wrote it; None when absent or only a month or year.

    Raises:
        Wrong: no day of the calendar.
    """
    value = node.get(name)
    if value is None:
        return None
    if value.__class__ is not str:
        raise Wrong("wrong-type", f"{place}.{name}")
    head = value[:10]
    if _DAY.fullmatch(head) and (len(value) == 10 or value[10] == "T"):
        try:
            return date.fromisoformat(head)
        except ValueError:
            pass
    elif _PARTIAL.fullmatch(value):
        return None
    raise Wrong("date-unreadable", f"{place}.{name}")


def instant(node: Node, name: str, place: str) -> datetime | None:
    """An instant or dateTime in UTC; midnight UTC of a plain day; None when absent, or only a month or year.

    Raises:
        Wrong: none of the calendar.
    """
    value = node.get(name)
    if value.__class__ is str and (match := _INSTANT.fullmatch(value)):
        on, hours, minutes, seconds, zone, sign, ahead, past = match.groups()
        try:
            start = datetime.fromisoformat(on).replace(
                hour=int(hours), minute=int(minutes), second=min(int(seconds), 59), tzinfo=UTC
            )
            if zone != "Z":
                offset = timedelta(hours=int(ahead), minutes=int(past))
                start = start.replace(tzinfo=timezone(offset if sign == "+" else -offset))
            return start.astimezone(UTC)
        except (ValueError, OverflowError):
            raise Wrong("date-unreadable", f"{place}.{name}") from None
    on_day = day(node, name, place)
    return midnight(on_day) if on_day else None


def midnight(on: date) -> datetime:
    """The first instant of a day, in UTC."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


_NONE: Final[list[tuple[str, str]]] = []


def codings(node: Node, name: str, place: str) -> list[tuple[str, str]]:
    """System and code of each coding of a CodeableConcept; system empty when absent."""
    concept = node.get(name)
    if concept is None:
        return _NONE
    if not isinstance(concept, dict):
        raise Wrong("wrong-type", f"{place}.{name}")
    return concept_codings(concept, place, name)


def concept_codings(concept: Node, place: str, name: str) -> list[tuple[str, str]]:
    """The same for a concept at hand."""
    many = concept.get("coding")
    if many is None:
        return _NONE
    if many.__class__ is not list:
        raise Wrong("wrong-type", f"{place}.{name}.coding")
    made = []
    for at, coding in enumerate(many):
        if not isinstance(coding, dict):
            raise Wrong("wrong-type", f"{place}.{name}.coding[{at}]")
        code, system = coding.get("code"), coding.get("system")
        if code.__class__ is str and (system is None or system.__class__ is str):
            made.append((system or "", code.strip()))
        elif code is not None or (system is not None and system.__class__ is not str):
            raise Wrong("wrong-type", f"{place}.{name}.coding[{at}]")
    return made


def number(value: str | None, path: str) -> str | None:
    """A number that may key a record: at most 128 characters."""
    if value is not None and len(value) > NUMBER_LIMIT:
        raise Wrong("text-unreadable", path)
    return value


def normalised(name: str) -> str:
    """A name as identifier of last resort: letters and digits only, upper case, single blanks.

    >>> normalised(" Example  Health, Inc. ")
    'EXAMPLE HEALTH INC'
    """
    return " ".join("".join(ch if ch.isalnum() else " " for ch in name.upper()).split())[:NUMBER_LIMIT]
