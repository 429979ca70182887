"""Times, days and amounts as HL7 v2 writes them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final

from schemas.money import LIMIT_CENTS

_TIME: Final = re.compile(
    r"([0-9]{4})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:([0-9]{2})(?:\.([0-9]{1,6})[0-9]*)?)?)?)?)?)?"
    r"(?:([+-])([0-9]{2})([0-9]{2}))?",
    re.ASCII,
)
_NUMBER: Final = re.compile(r"([+-]?)([0-9]{0,15})(?:\.([0-9]{0,15}))?", re.ASCII)
_CURRENCY: Final = re.compile(r"[A-Z]{3}", re.ASCII)


class NotATime(ValueError):
    """The text is no time. The message never repeats the text."""


class NotMoney(ValueError):
    """The text is no amount: `code` says which finding it is."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


@lru_cache(maxsize=256)  # a message says one time in several places, and so do those of one second
def instant_of(text: str, zone: tzinfo) -> datetime:
    """A time as an instant in UTC; one without offset is in `zone`, a day alone is its first instant.

    >>> instant_of("20260402083000-0500", UTC).isoformat()
    '2026-04-02T13:30:00+00:00'

    Raises:
        NotATime: other text, no day of the calendar, or less than a day.
        Source: HL7 v2.5.1 2A.77 TS, 2.8.2 2A.3.22 DTM.
    """
    found = _TIME.fullmatch(text)
    if found is None or found[3] is None:
        raise NotATime
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    if sign:
        offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
        zone = timezone(-offset if sign == "-" else offset) if offset < timedelta(hours=24) else UTC
    try:
        local = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0").ljust(6, "0")), zone,
        )  # fmt: skip
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise NotATime from None


def day_of(text: str) -> date:
    """The day of a date or time as it is written, where the sender is.

    Raises:
        NotATime: other text, or no day of the calendar.
    """
    found = _TIME.fullmatch(text)
    if found is None or found[3] is None:
        raise NotATime
    try:
        return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        raise NotATime from None


def cents_of(amount: str, times: str = "1") -> int:
    """An amount, or a quantity times a unit amount, as signed integer cents.

    >>> cents_of("100.00"), cents_of("-.5"), cents_of("12.50", "2"), cents_of("+7.1000")
    (10000, -50, 2500, 710)

    Raises:
        NotMoney: `amount-unreadable` or `amount-not-whole-cents`.
        Source: HL7 v2.5.1 2A.47 NM: an optional sign, digits, an optional point.
    """
    units, places = _number(amount)
    factor, more = _number(times)
    value = units * factor * 100
    scale: int = 10 ** (places + more)
    cents, rest = divmod(abs(value), scale)
    if rest:
        raise NotMoney("amount-not-whole-cents")
    if cents > LIMIT_CENTS:
        raise NotMoney("amount-unreadable")
    return -cents if value < 0 else cents


def _number(text: str) -> tuple[int, int]:
    """A decimal as an integer and how many of its digits stand behind the point."""
    found = _NUMBER.fullmatch(text)
    if found is None or not (found[2] or found[3]):
        raise NotMoney("amount-unreadable")
    sign, whole, part = found.groups()
    part = (part or "").rstrip("0")
    value = int((whole or "0") + part)
    return (-value if sign == "-" else value), len(part)


def currency_of(text: str, default: str) -> str:
    """The currency an amount names.

    Raises:
        NotMoney: `currency-unreadable`.
    """
    if not text:
        return default
    if _CURRENCY.fullmatch(text) is None:
        raise NotMoney("currency-unreadable")
    return text
