"""For an operator: messages that come at the same moment share a transaction, and not their troubles."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest

from schemas.errors import Unavailable
from schemas.facts import Message
from service.receipts import Receipt
from service.web.gathering import Gathering

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(text: str) -> Message:
    return Message.of(text.encode(), feed="http", format="json", door="http", received_at=NOW)


class Recorder:
    """A store that keeps the batches it was given, the first of them slowly."""

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = []
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def receive(self, messages: Sequence[Message]) -> list[Receipt]:
        self.batches.append([m.body for m in messages])
        if len(self.batches) == 1:
            self.entered.set()
            assert self.go_on.wait(10)
        if any(m.body == b"defect" for m in messages):
            raise ValueError("a defect")
        if any(m.body == b"away" for m in messages):
            raise Unavailable("database-lost", "the connection to the database broke")
        return [Receipt(m.sha256, "accepted") for m in messages]


def sent_while_busy(store: Recorder, texts: Sequence[str]) -> dict[str, object]:
    """What each sender got, all of whom came while the first message was being stored."""
    gathering = Gathering(store.receive)
    got: dict[str, object] = {}

    def send(text: str) -> None:
        try:
            got[text] = gathering.receive(message(text)).sha256 == message(text).sha256
        except (ValueError, Unavailable) as error:
            got[text] = type(error)

    first = threading.Thread(target=send, args=("first",))
    first.start()
    assert store.entered.wait(10)
    others = [threading.Thread(target=send, args=(text,)) for text in texts]
    for other in others:
        other.start()
    while gathering.waiting < len(texts):
        threading.Event().wait(0.005)
    store.go_on.set()
    for thread in (first, *others):
        thread.join(10)
    return got


def test_messages_that_wait_together_share_one_transaction_and_each_gets_its_own_receipt() -> None:
    store = Recorder()
    got = sent_while_busy(store, ["a", "b", "c"])
    assert got == {"first": True, "a": True, "b": True, "c": True}
    assert [len(batch) for batch in store.batches] == [1, 3]


def test_a_defect_met_by_one_message_leaves_its_neighbours_alone() -> None:
    got = sent_while_busy(Recorder(), ["a", "defect", "c"])
    assert got == {"first": True, "a": True, "defect": ValueError, "c": True}


def test_a_store_that_is_away_acknowledges_none_of_them() -> None:
    got = sent_while_busy(Recorder(), ["a", "away"])
    assert got == {"first": True, "a": Unavailable, "away": Unavailable}


def test_a_lone_message_waits_for_nobody() -> None:
    store = Recorder()
    store.go_on.set()
    assert Gathering(store.receive).receive(message("a")).disposition == "accepted"
    with pytest.raises(ValueError, match="a defect"):
        Gathering(store.receive).receive(message("defect"))
