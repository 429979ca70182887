"""Each HL7 v2 message beside the facts it becomes; then the same messages framed, cut and flipped."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hl7v2.messages import PAIRS, facts_of, items_of, noted_of, parked_of, plain, tally_of

from schemas.facts import Fact, Item, Noted, Rejected, Tally

each_pair = pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)


@each_pair
def test_a_message_becomes_the_facts_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".facts.json").read_text())
    assert plain(items_of(path.read_bytes())) == expected


def settled(items: list[Item]) -> list[str]:
    """Ids of facts, but for the holds of parts that wait: those name the very bytes."""
    return [fact.id for fact in facts_of(items) if "unread_part" not in fact.key]


@each_pair
@pytest.mark.parametrize(
    ("before", "end", "after"),
    [
        (b"", b"\n", b""),
        (b"", b"\r\n", b"\r\n\r\n"),
        (b"\x0b", b"\r", b"\x1c\r"),
        (b"\xef\xbb\xbf", b"\r\n", b"\x00\x00\x00"),
        (b"\r\n\r\n", b"\r\r\n", b"\x1c"),
        (b"\x0b\xef\xbb\xbf", b" \r", b"\x1c\r\n"),
    ],
    ids=["LF", "CRLF", "MLLP left on", "BOM and NULs", "blank lines", "blanks at ends"],
)
def test_line_ends_and_what_stands_around_a_message_change_nothing(
    path: Path, before: bytes, end: bytes, after: bytes
) -> None:
    body = path.read_bytes()
    dressed = before + body.replace(b"\r", end) + after
    assert settled(items_of(dressed)) == settled(items_of(body))
    assert parked_of(items_of(dressed)) == parked_of(items_of(body))


@each_pair
def test_neither_feed_nor_arrival_changes_a_fact(path: Path) -> None:
    body = path.read_bytes()
    later = items_of(body, feed="other", received_at=datetime(2031, 1, 1, tzinfo=UTC))
    assert facts_of(later) == facts_of(items_of(body))


@each_pair
def test_a_message_cut_anywhere_states_only_what_the_whole_one_states_or_waits(path: Path) -> None:
    """A cut inside a field can shorten a value: then what is stated has the key of the whole statement, so
    that the complete message contradicts it in the open. What can be lost is a whole segment."""
    body = path.read_bytes()
    whole = {fact.kind for fact in facts_of(items_of(body))} | {"account.flagged"}
    for cut in range(len(body)):
        items = items_of(body[:cut])
        assert isinstance(items[-1], Tally)
        assert {fact.kind for fact in facts_of(items)} <= whole


def test_flipped_bytes_never_break_the_reader_and_never_lose_the_message() -> None:
    chance = random.Random(2)
    for path in PAIRS:
        body = path.read_bytes()
        for _ in range(400):
            broken = bytearray(body)
            for _ in range(chance.randint(1, 4)):
                broken[chance.randrange(len(broken))] = chance.randrange(256)
            items = items_of(bytes(broken))
            assert isinstance(items[-1], Tally)
            assert [item for item in items if isinstance(item, Fact | Rejected | Noted)], bytes(broken)


def test_joined_messages_are_read_one_by_one() -> None:
    together = b"".join(path.read_bytes() for path in PAIRS)
    items = items_of(together)
    assert tally_of(items).messages == len(PAIRS)
    apart = [id for path in PAIRS for id in settled(items_of(path.read_bytes()))]
    assert settled(items) == apart
    assert not {code for code, _ in noted_of(items)} & {"framing-left", "stray-line"}
