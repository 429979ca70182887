"""The door for native JSON, contract `baton/1`: bytes to facts, findings and rejections.

One message or an array of up to 1,000; each is taken or rejected by itself. Nothing it yields repeats a
value of a message.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any, Final

from schemas.errors import MessageRejected
from schemas.facts import (
    Body,
    ClaimAdjudicated,
    ClaimSubmitted,
    Fact,
    Item,
    Noted,
    Rejected,
    Tally,
    adjudication_key,
)
from schemas.wire.native import CONTRACT
from schemas.wire.reading import Refused, Statement
from schemas.wire.reading import read as read_message
from schemas.wire.strict_json import parse, written_bytes

MESSAGE_BYTES: Final = 1 << 20
ARRAY_BYTES: Final = 16 << 20
"""A whole array may be larger than one message, yet bounded: 1,000 full ones would be 1,000 MiB."""

ARRAY_LENGTH: Final = 1000
VALUES: Final = 1_500_000
"""Most values in a body over 1 MiB, told by its commas and brackets: 16 MiB of `[]` would take half a GiB."""

CLOCKS_APART: Final = timedelta(days=1)
"""A message that became true later than this after its receipt has a wrong clock or a wrong date."""

CONTRACT_NAME: Final = b'"baton/1"'
"""How the contract's name stands in a message."""

UNKNOWN_FIELD: Final = "leave this field out; nothing reads it"
AHEAD_OF_TIME: Final = "check the sender's clock; this is later than the receipt"

_MARK: Final = b"\xef\xbb\xbf"
_BLANK: Final = b" \t\r\n"

_BUSINESS_ID: Final[dict[str, Callable[[Any], str]]] = {
    "charge.posted": attrgetter("charge_id"),
    "payment.posted": attrgetter("payment_id"),
    "adjustment.posted": attrgetter("adjustment_id"),
    "statement.sent": lambda body: str(body.number),
    "notice.recorded": attrgetter("document_id"),
}
"""Kinds that state one thing once. Every other kind is a step or a state, known by its message's id."""


def looks_like_json(head: bytes) -> bool:
    """Whether the first bytes can only be the start of a JSON message or array.

    >>> looks_like_json(b' {"schema"'), looks_like_json(b"ISA*00*")
    (True, False)
    """
    return head.removeprefix(_MARK).lstrip(_BLANK)[:1] in (b"{", b"[")


def read(body: bytes, *, feed: str, received_at: datetime) -> Iterator[Item]:
    """Read native JSON: facts, findings and rejections in message order, one Tally last.

    `received_at` is aware; it serves only to notice a clock that runs ahead. Never raises for any bytes.
    """
    text = body
    if body.startswith(_MARK):
        text = body[len(_MARK) :]
        yield Noted("info", "byte-order-mark", "", "leave the byte order mark out; it was skipped")
    try:
        _refuse_large(text)
        _refuse_crowded(text)
        value = parse(text)
        messages = _messages(value)
    except MessageRejected as refused:
        yield Rejected(refused.code, refused.where, refused.reason, refused.clause)
        yield Tally("json")
        return
    if value.__class__ is not list:
        yield from _items(value, "$", received_at)
    else:
        if not messages:
            yield Noted("warning", "empty-array", "$", "the array holds no message")
        for index, message in enumerate(messages):
            place = f"$[{index}]"
            if len(text) > MESSAGE_BYTES and written_bytes(message) > MESSAGE_BYTES:
                yield _too_large(place)
            else:
                yield from _items(message, place, received_at)
    yield Tally("json", messages=len(messages))


def _refuse_large(text: bytes) -> None:
    array = text[:4096].lstrip(_BLANK)[:1] == b"["
    if len(text) > (ARRAY_BYTES if array else MESSAGE_BYTES):
        limit = "an array of at most 16 MiB; send it in parts" if array else "a message of at most 1 MiB"
        raise MessageRejected("too-large", f"write {limit}", clause=CONTRACT)


def _refuse_crowded(text: bytes) -> None:
    """Refuse, before it is parsed, a body whose values would take far more memory than its bytes."""
    if len(text) > MESSAGE_BYTES and sum(map(text.count, (b",", b"[", b"{"))) > VALUES:
        raise MessageRejected(
            "too-many",
            f"write at most {ARRAY_LENGTH} messages in one array; this one holds over {VALUES} values",
            clause=CONTRACT,
        )


def _messages(value: Any) -> list[Any]:
    if not isinstance(value, list):
        return [value]
    if len(value) > ARRAY_LENGTH:
        raise MessageRejected(
            "too-many",
            f"write at most {ARRAY_LENGTH} messages in one array; send the rest in further arrays",
            clause=CONTRACT,
        )
    return value


def _too_large(place: str) -> Rejected:
    return Rejected("too-large", place, "write a message of at most 1 MiB", CONTRACT)


def _items(value: Any, place: str, received_at: datetime) -> Iterator[Item]:
    """One message: its findings, then its fact; or its rejection."""
    try:
        statement, unknown = read_message(value)
    except Refused as refused:
        yield _rejected(refused, place)
        return
    for field in unknown:
        yield Noted("warning", "unknown-field", _within(place, field), UNKNOWN_FIELD)
    if statement.occurred_at > received_at and statement.occurred_at - received_at > CLOCKS_APART:
        yield Noted("warning", "in-the-future", f"{place}.occurred_at", AHEAD_OF_TIME)
    yield _fact(statement, place)


def _rejected(refused: Refused, place: str) -> Rejected:
    """The first thing to mend, in words; the places of a few others after it."""
    first, *others = refused.troubles
    reason = f"{_within(place, first.place)}: {first.advice}"
    if others:
        named = ", ".join(_within(place, other.place) for other in others[:3])
        reason += f" (also {named}{', ...' if len(others) > 3 else ''})"
    return Rejected(first.code, _within(place, first.place), reason, CONTRACT, refused.account)


def _within(place: str, field: str) -> str:
    return place + field.removeprefix("$")


def _fact(statement: Statement, place: str) -> Fact:
    return Fact.of(
        statement.account,
        _key(statement),
        statement.occurred_at,
        statement.body,
        currency=statement.currency,
        identity=f"{_source(statement)}/{statement.id}",
        where=place,
    )


def _source(statement: Statement) -> str:
    """The source as a part of a longer name, with the signs that join the parts escaped."""
    return _part(statement.source, "/|")


def _part(text: str, joints: str = "|") -> str:
    if text.isalnum():
        return text
    text = text.replace("%", "%25")
    for joint in joints:
        text = text.replace(joint, f"%{ord(joint):02X}")
    return text


def _key(statement: Statement) -> str:
    """What the statement is about: two statements with one key are the same one, or contradict each other."""
    body = statement.body
    if isinstance(body, ClaimAdjudicated):
        return adjudication_key(statement.account, body)
    account = statement.account
    number = _part(account.number)
    named = _business_id(statement, body)
    return f"{statement.type}|{account.facility}/{number}|{_source(statement)}|{named}"


def _business_id(statement: Statement, body: Body) -> str:
    if isinstance(body, ClaimSubmitted):
        # One claim goes to each payer in turn, and may go again: the claim number alone names no single bill.
        return f"{_part(body.claim_id)}|{_part(body.payer.id)}|{body.order}|{body.submitted_on}"
    named = _BUSINESS_ID.get(statement.type)
    return statement.id if named is None else named(body)
