"""The desk: what a person states about an account, as a message of its own, written and read here alone.

A person's words are kept whole like any sender's, and become facts in the same way. The format is Baton's own
and no sender's: it is read only where Baton itself has written it, whatever a message calls itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from schemas.canonical import from_bytes, to_bytes
from schemas.facts import OVERRIDING, AccountFlagged, Fact, Item, Rejected, Tally, fact_from_content

FORMAT: Final = "desk"
"""The format, the feed and the door of such messages."""

PLACE: Final = "desk"
"""Where in such a message its statement stands: it makes one."""

CONTRACT: Final = "baton-desk/1"
PLACED: Final = "manual"
_KEY: Final = "|desk|"


def write(facts: Sequence[Fact]) -> bytes:
    """A message that states these facts."""
    return to_bytes({"schema": CONTRACT, "statements": [from_bytes(fact.content) for fact in facts]})


def read(body: bytes, *, door: str) -> Iterator[Item]:
    """Read what `write` wrote; what came by another door, or states anything else, waits for a person."""
    if door != FORMAT:
        yield Rejected("not-from-the-desk", "", "only Baton itself writes this format; send another")
        yield Tally(FORMAT)
        return
    try:
        facts = _statements(body)
    except (ValueError, TypeError, KeyError, AttributeError):
        # The bytes are our own; whoever changed them is found by the audit, and nothing is read from them.
        facts = []
        yield Rejected(
            "unreadable-statement", "", "this is no statement of the desk; nothing was read from it"
        )
    yield from facts
    yield Tally(FORMAT, messages=len(facts))


def _statements(body: bytes) -> list[Fact]:
    document = from_bytes(body)
    if document["schema"] != CONTRACT:
        raise ValueError
    facts = [fact_from_content(to_bytes(said), where=PLACE) for said in document["statements"]]
    if not all(_may_state(fact) for fact in facts):
        raise ValueError
    return facts


def _may_state(fact: Fact) -> bool:
    if fact.account is None or _KEY not in fact.key:
        return False
    if isinstance(fact.body, AccountFlagged):
        return fact.body.flag == PLACED
    return fact.kind in OVERRIDING
