"""Single X12 elements: amounts as cents, dates, identifiers; and the faults they can have."""

from __future__ import annotations

from datetime import date
from typing import Final

from schemas.money import NotAnAmount, parse_cents

ACCOUNT_LIMIT: Final = 64
"""Longest CLP01 that is taken for an account number; the standard allows 38."""

_PLAIN_DIGITS: Final = 10
"""As many digits always stay within `schemas.money.LIMIT_CENTS`."""

_TOTAL_WHOLE_DIGITS: Final = 12

_DIGITS: Final = frozenset("0123456789")


class Unreadable(ValueError):
    """An amount that cannot be read; `code` is the finding's. The message never repeats the text."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


def cents(text: str) -> int:
    """Read an X12 decimal number (type R) of at most two places as signed cents.

    Type R may leave out the digit before or after its point and never has a plus sign, a blank within,
    a thousands separator; an exponent is refused, since no amount has one.

    >>> cents("142.17"), cents(".5"), cents("-5."), cents("00000300")
    (14217, 50, -500, 30000)

    Raises:
        Unreadable: `amount-unreadable`, or `amount-not-whole-cents` for a third decimal place.
    Source: X12.6 3.5.1.3 (decimal number); 005010X221A1 appendix B.1.1.3.1.2.
    """
    digits = text[:-3] + text[-2:]
    if text[-3:-2] == "." and len(digits) <= _PLAIN_DIGITS and digits.isdigit() and digits.isascii():
        return int(digits)  # the usual form, at a third of the cost
    try:
        return parse_cents(text)
    except NotAnAmount:
        return _tolerated(text.strip(" "))


def total_cents(text: str) -> int:
    """Read the total of a whole payment (BPR02, PLB): as `cents`, up to 999,999,999,999.99.

    >>> total_cents("142000000.5")
    14200000050

    Raises:
        Unreadable: as `cents`.
    """
    sign, whole, part = _parted(text.strip(" "))
    if len(whole) > _TOTAL_WHOLE_DIGITS:
        raise Unreadable("amount-unreadable")
    amount = int(whole) * 100 + int(part.ljust(2, "0"))
    return -amount if sign else amount


def _tolerated(text: str) -> int:
    sign, whole, part = _parted(text)
    try:
        return parse_cents(f"{sign}{whole}.{part}")
    except NotAnAmount:
        raise Unreadable("amount-unreadable") from None


def _parted(text: str) -> tuple[str, str, str]:
    """Sign, whole part and at most two decimal places; zeros where the text leaves a part out."""
    sign, digits = ("-", text[1:]) if text.startswith("-") else ("", text)
    whole, _, part = digits.partition(".")
    if not (whole or part) or not _DIGITS.issuperset(whole + part):
        raise Unreadable("amount-unreadable")
    if len(part) > 2:
        raise Unreadable("amount-not-whole-cents")
    return sign, whole.lstrip("0") or "0", part or "0"


def day(text: str) -> date | None:
    """Read CCYYMMDD, or None when it is no day of the calendar.

    >>> day("20260315"), day("20261301")
    (datetime.date(2026, 3, 15), None)
    """
    if len(text) != 8 or not text.isdigit() or not text.isascii():
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def at(elements: list[str], position: int) -> str:
    """The element at a position as the standard counts (REF02 is 2), trimmed; empty when left out."""
    return elements[position].strip(" ") if position < len(elements) else ""


def identifier(text: str, limit: int = ACCOUNT_LIMIT) -> str | None:
    """A number or code that may key a record; None when empty, too long or holding control characters."""
    return text if text and len(text) <= limit and "�" not in text and text.isprintable() else None


def normalised(name: str) -> str:
    """A name as identifier of last resort: letters and digits only, upper case, single blanks.

    >>> normalised(" Example  Health, Inc. ")
    'EXAMPLE HEALTH INC'
    """
    return " ".join("".join(ch if ch.isalnum() else " " for ch in name.upper()).split())[:ACCOUNT_LIMIT]
