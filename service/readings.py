"""What a reader said about one message, and what reading it again changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from adapters.store import check_fact
from schemas.errors import MessageRejected
from schemas.facts import Fact, Item, LargeMessage, Message, Noted, Rejected, Tally

Read: TypeAlias = Callable[..., Iterator[Item]]
"""Reads one message (and by which mapping): `service.app` wires a door's reader to each format."""


ReadLarge: TypeAlias = Callable[..., Iterator[Item]]
"""The same for a message that does not fit into memory."""


CONTRADICTIONS: Final = frozenset({"conflict", "id-reused"})


MOST_PARTS: Final = 1000
"""Parts of one message (or slice) that are parked one by one."""


@dataclass(slots=True)
class Reading:
    """Everything a reader said about one message."""

    facts: list[Fact] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    noted: list[Noted] = field(default_factory=list)
    tally: Tally | None = None
    mapping: str | None = None
    """The version of the mapping that read it; None where none did."""

    def take(self, items: Iterable[Item]) -> Reading:
        """Sort what a reader yields."""
        for item in items:
            match item:
                case Fact():
                    self._take_fact(item)
                case Rejected():
                    self.reject(item)
                case Noted():
                    self.noted.append(item)
                case Tally():
                    self.tally = item
        return self

    def reject(self, part: Rejected) -> None:
        """Note a part that waits for a person; a message of nothing else is one entry, not a million."""
        if len(self.rejected) < MOST_PARTS:
            self.rejected.append(part)
        elif len(self.rejected) == MOST_PARTS:
            self.rejected.append(
                Rejected(
                    "too-many-parts",
                    "",
                    f"more than {MOST_PARTS} parts of this message cannot be read; look at the whole message",
                )
            )

    def _take_fact(self, fact: Fact) -> None:
        try:
            check_fact(fact)
        except MessageRejected as error:
            # A text that no database can keep: this part waits, its neighbours go on.
            self.reject(Rejected(error.code, fact.where, error.reason, error.clause))
        else:
            self.facts.append(fact)


@dataclass(frozen=True, slots=True)
class Revision:
    """What reading a stored message again changes: facts to add, parts refused now, facts taken out.

    `superseded` are statements of this message that are out or go out now, `withdrawn` how many of them it
    states no more since. `by` is who does it, and as whom the machine knows them.
    """

    facts: Sequence[Fact]
    rejected: Sequence[Rejected]
    superseded: frozenset[str]
    mapping: str
    by: tuple[str, str]
    withdrawn: int


class ReadOnce:
    """The last message that was read again, so that its next part needs no reading of its own."""

    def __init__(self) -> None:
        self._last: tuple[int, Reading] | None = None

    def read(self, seq: int, read: Callable[[], Reading]) -> Reading:
        """What the message of that number says; `read` reads it where it is not the last one."""
        if self._last is None or self._last[0] != seq:
            self._last = (seq, read())
        return self._last[1]


def large(message: Message, chunk_bytes: int = 1 << 18) -> LargeMessage:
    """A message in memory as one that comes in chunks."""
    body = message.body

    def chunks() -> Iterator[bytes]:
        return (body[at : at + chunk_bytes] for at in range(0, len(body), chunk_bytes))

    return LargeMessage(
        message.sha256, len(body), message.feed, message.format, message.door, message.received_at, chunks
    )
