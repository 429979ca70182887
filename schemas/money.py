"""Whole cents and how they are read and written; no float ever touches an amount."""

from __future__ import annotations

import re
from typing import Final

LIMIT_CENTS: Final = 9_999_999_999
"""Largest magnitude one amount may have: 99,999,999.99 in its currency."""

_AMOUNT: Final = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,2}))?", re.ASCII)


class NotAnAmount(ValueError):
    """The text is no whole number of cents. The message never repeats the text."""


def parse_cents(text: str) -> int:
    """Read a decimal string with at most two places as signed integer cents.

    ASCII digits only; no exponent, no plus sign, no thousands separator, no blank.

    >>> parse_cents("142.17"), parse_cents("-0.5"), parse_cents("300")
    (14217, -50, 30000)

    Raises:
        NotAnAmount: other text, more than two places, or more than 99,999,999.99.
    """
    match = _AMOUNT.fullmatch(text)
    if match is None:
        raise NotAnAmount("not a decimal amount with at most two places")
    sign, whole, part = match.groups()
    cents = int(whole) * 100 + (int(part.ljust(2, "0")) if part else 0)
    if cents > LIMIT_CENTS:
        raise NotAnAmount("amount beyond 99,999,999.99")
    return -cents if sign else cents


def format_cents(cents: int) -> str:
    """Write signed integer cents as the decimal string that crosses every door.

    >>> format_cents(14217), format_cents(-50), format_cents(0)
    ('142.17', '-0.50', '0.00')
    """
    sign = "-" if cents < 0 else ""
    whole, part = divmod(abs(cents), 100)
    return f"{sign}{whole}.{part:02d}"
