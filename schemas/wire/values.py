"""How one JSON value is read: each reader is strict, takes one type, and says what to write instead.

A reader returns the value as the fact holds it, None for an optional text that is empty, or raises `Fault`.
Nothing here repeats the value it refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final, TypeAlias

from marshmallow import ValidationError

from schemas.money import NotAnAmount, parse_cents

Read: TypeAlias = Callable[[Any], Any]

AMOUNT_PATTERN: Final = r"^(?:-(?!0+(?:\.0+)?$))?[0-9]{1,8}(?:\.[0-9]{1,2})?$"
"""A decimal string with at most two places, up to 99,999,999.99; zero has no sign."""

DAY_PATTERN: Final = r"^(?:1[89]|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}$"
OPEN_DAY_PATTERN: Final = r"^(?:(?:1[89]|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}|9999-12-31)$"
"""Years 1800 to 2999, so that adding days never leaves the calendar; 9999-12-31 only for an open end."""

INSTANT_PATTERN: Final = (
    r"^(?:1[89]|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"
    r"(?:[Zz]|[+-][0-9]{2}:[0-9]{2})$"
)
DECIMAL_PATTERN: Final = r"^-?[0-9]{1,9}(?:\.[0-9]{1,4})?$"
CURRENCY_PATTERN: Final = r"^[A-Z]{3}$"

_UNSEEN: Final = (
    r"\u0000-\u001f\u007f-\u00a0\u00ad\u0600-\u0605\u061c\u06dd\u070f\u1680\u180e\u2000-\u200f\u2028-\u202f"
    r"\u205f-\u206f\u3000\ud800-\udfff\ufeff\ufff9-\ufffb"
)
"""Controls, blanks other than the plain one, marks without width or that turn the direction of writing."""

IDENTIFIER_PATTERN: Final = rf"^(?![\s\S]*[{_UNSEEN}])(?! )(?![\s\S]* $)"
"""No character that nobody sees, no blank at either end: two numbers that look alike must be one."""

FACILITY_PATTERN: Final = rf"^(?![\s\S]*[{_UNSEEN}/|])(?! )(?![\s\S]* $)"
"""As an identifier, and without `/` and `|`, since an account is written facility/number."""

TEXT_PATTERN: Final = r"^(?![\s\S]*[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff])"
"""No control character except tab and line ends."""


class Fault(ValidationError):
    """One value that cannot be taken; `<code>: <what to write instead>`."""

    def __init__(self, code: str, advice: str) -> None:
        super().__init__(f"{code}: {advice}")


def _whole_match(pattern: str) -> Callable[[str], object]:
    """The published pattern, anchored as ECMA 262 means `$`: at the very end."""
    return re.compile(pattern.replace("$", r"\Z"), re.ASCII).match


_is_amount: Final = _whole_match(AMOUNT_PATTERN)
_is_day: Final = _whole_match(DAY_PATTERN)
_is_open_day: Final = _whole_match(OPEN_DAY_PATTERN)
_is_instant: Final = _whole_match(INSTANT_PATTERN)
_is_decimal: Final = _whole_match(DECIMAL_PATTERN)
_is_currency: Final = _whole_match(CURRENCY_PATTERN)


def amount(value: Any) -> int:
    """Read a decimal string as signed integer cents.

    >>> amount("142.17"), amount("-0.5"), amount("300")
    (14217, -50, 30000)

    Raises:
        Fault: not-an-amount.
    """
    if value.__class__ is str:
        # The usual form, two places and no sign, without a regular expression.
        if value[-3:-2] == ".":
            digits = value[:-3] + value[-2:]
            if 3 <= len(digits) <= 10 and digits.isascii() and digits.isdigit():
                return int(digits)
        if _is_amount(value):
            try:
                return parse_cents(value)
            except NotAnAmount:
                pass
    raise Fault(
        "not-an-amount",
        'write a decimal string with at most two places, such as "12.50", up to 99999999.99, no sign on zero',
    )


@lru_cache(maxsize=4096)
def _day_of(text: str) -> date | None:
    """The date of a text in the one accepted form; days repeat so much that most answers are remembered."""
    if not _is_open_day(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def open_day(value: Any) -> date:
    """Read `YYYY-MM-DD` where the end of a period may be open (9999-12-31).

    Raises:
        Fault: not-a-date.
    """
    if value.__class__ is str and len(value) == 10:
        day = _day_of(value)
        if day is not None:
            return day
    raise Fault(
        "not-a-date", 'write a day between the years 1800 and 2999 as YYYY-MM-DD, such as "2026-03-14"'
    )


def day(value: Any) -> date:
    """Read `YYYY-MM-DD`, years 1800 to 2999.

    >>> day("2026-03-14")
    datetime.date(2026, 3, 14)

    Raises:
        Fault: not-a-date.
    """
    found = open_day(value)
    if found.year > 2999:
        raise Fault("not-a-date", 'write a day between the years 1800 and 2999, such as "2026-03-14"')
    return found


def instant(value: Any) -> datetime:
    """Read an RFC 3339 timestamp with offset as aware UTC; finer than microseconds is cut off.

    >>> instant("2026-03-14T01:30:00+02:00").isoformat()
    '2026-03-13T23:30:00+00:00'

    Raises:
        Fault: not-a-timestamp.
    """
    if value.__class__ is str and len(value) <= 40 and _is_instant(value):
        try:
            found = datetime.fromisoformat(value.upper())
        except ValueError:
            pass
        else:
            return found if found.tzinfo is UTC else found.astimezone(UTC)
    raise Fault(
        "not-a-timestamp",
        'write an RFC 3339 timestamp with its offset, such as "2026-03-14T09:30:00Z", years 1800 to 2999',
    )


def whole(low: int, high: int) -> Read:
    """A reader of integers from low to high; true, 1.0 and "1" are none."""

    def read(value: Any) -> int:
        if value.__class__ is int and low <= value <= high:
            return value
        raise Fault("not-a-whole-number", f"write an integer from {low} to {high}, without quotes or a point")

    return read


def yes_no(value: Any) -> bool:
    """Read true or false and nothing else.

    Raises:
        Fault: not-a-boolean.
    """
    if value is True or value is False:
        return value
    raise Fault("not-a-boolean", "write true or false, without quotes")


def choice(words: Iterable[str], code: str = "not-a-choice") -> Read:
    """A reader of one word out of a list, spelt exactly so."""
    table = {word: word for word in words}
    advice = "write " + ("one of " if len(table) > 1 else "") + ", ".join(table)

    def read(value: Any) -> str:
        try:
            return table[value]
        except (KeyError, TypeError):  # another word, or a value that is no word at all
            raise Fault(code, advice) from None

    return read


def text(limit: int, *, required: bool, pattern: str = TEXT_PATTERN) -> Read:
    """A reader of text up to `limit` characters; an empty optional text counts as not stated."""
    matches = _whole_match(pattern)

    def read_carefully(value: Any) -> str | None:
        if value.__class__ is not str:
            raise Fault("not-text", "write a string in quotes")
        if not value:
            if required:
                raise Fault("empty", "write at least one character")
            return None
        if len(value) > limit:
            raise Fault("too-long", f"write at most {limit} characters")
        # Printable says more than the pattern can: unassigned and private characters are not seen either.
        if not matches(value) or (pattern != TEXT_PATTERN and not value.isprintable()):
            raise Fault("not-allowed-character", _character_advice(pattern))
        return value

    return _USUAL[pattern](limit, read_carefully)


# What nearly every text is can be told without the pattern: printable text has no control character and no
# surrogate. Each of these takes that at once, and leaves everything else to the careful reader.


def _usual_text(limit: int, read_carefully: Read) -> Read:
    def read(value: Any) -> Any:
        if value.__class__ is str and 0 < len(value) <= limit and value.isprintable():
            return value
        return read_carefully(value)

    return read


def _usual_identifier(limit: int, read_carefully: Read) -> Read:
    def read(value: Any) -> Any:
        if (
            value.__class__ is str
            and 0 < len(value) <= limit
            and value.isprintable()
            and value[0] != " " != value[-1]
        ):
            return value
        return read_carefully(value)

    return read


def _usual_facility(limit: int, read_carefully: Read) -> Read:
    def read(value: Any) -> Any:
        if value.__class__ is str and value.isalnum() and len(value) <= limit:
            return value
        return read_carefully(value)

    return read


_USUAL: Final[dict[str, Callable[[int, Read], Read]]] = {
    TEXT_PATTERN: _usual_text,
    IDENTIFIER_PATTERN: _usual_identifier,
    FACILITY_PATTERN: _usual_facility,
}


def _character_advice(pattern: str) -> str:
    if pattern == TEXT_PATTERN:
        return "leave out control characters, NUL and lone surrogates"
    if pattern == FACILITY_PATTERN:
        return "leave out control and invisible characters, '/' and '|', and blanks at either end"
    return "leave out control and invisible characters, and blanks at either end"


def decimal_text(value: Any) -> str:
    """Read a number that is no money (units, percent) as its decimal text; an integer is taken too.

    Raises:
        Fault: not-a-number.
    """
    if value.__class__ is int and -999_999_999 <= value <= 999_999_999:
        return str(value)
    if value.__class__ is str and _is_decimal(value):
        return str(value)
    raise Fault(
        "not-a-number", 'write a decimal string with at most four places, such as "1.5", or an integer'
    )


def label(limit: int) -> Read:
    """A reader of an identifier that some senders write as a number: text, or an integer from 0."""
    as_text = text(limit, required=True, pattern=IDENTIFIER_PATTERN)

    def read(value: Any) -> Any:
        if value.__class__ is int and 0 <= value <= 999_999_999:
            return str(value)
        return as_text(value)

    return read


def currency(value: Any) -> str:
    """Read three capital letters as ISO 4217 has them.

    Raises:
        Fault: not-a-currency.
    """
    if value.__class__ is str and _is_currency(value):
        return value
    raise Fault("not-a-currency", 'write three capital letters, such as "USD"')


def json_object(value: Any) -> Any:
    """Take a JSON object as it is; it is read by the type's own schema.

    Raises:
        Fault: not-an-object.
    """
    if isinstance(value, dict):
        return value
    raise Fault("not-an-object", "write an object in braces")
