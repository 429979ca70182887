"""What every store promises about mappings: versions are kept, and a fact leads to the one that made it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from adapters.store import FeedTextRow, MappingRow, ReadingRow, RereadOutcome, RereadProposal, Store
from schemas.canonical import digest
from schemas.errors import BatonError
from schemas.feeds import Feed
from service.mappings import ANY, FeedMapping, remember

if TYPE_CHECKING:
    from tests.ports.conftest import Maker

STANDARD = FeedMapping.of(Feed(ANY, "GEN"))


def mapping(**codes: str) -> FeedMapping:
    return FeedMapping.of(Feed("bar", "GEN", hl7v2={"ft1_code": codes}))


def test_a_mapping_is_kept_once_and_each_change_is_an_audit_entry(store: Store, make: Maker) -> None:
    one, other = mapping(A="payment.patient"), mapping(A="payment.payer")
    changed = []
    for now, current in enumerate((one, one, other, one)):
        with store.write() as unit:
            changed.append(remember(unit, [current], STANDARD, make.later(now)))
    assert changed == [["*", "bar"], [], ["bar"], ["bar"]]
    with store.read() as reader:
        kept = reader.mapping_versions("bar")
        assert [row.sha256 for row in kept] == [one.version, other.version, one.version]
        assert kept[0] == MappingRow("bar", one.version, one.content, make.later(0))
        assert reader.audit_head().size == 4


def test_a_feed_whose_file_is_gone_is_read_by_the_standard_and_that_is_kept_too(
    store: Store, make: Maker
) -> None:
    with store.write() as unit:
        remember(unit, [mapping()], STANDARD, make.now)
    with store.write() as unit:
        assert remember(unit, [], STANDARD, make.later(1)) == ["bar"]
    with store.read() as reader:
        assert reader.mapping_versions("bar")[-1].sha256 == STANDARD.version


def test_a_fact_leads_to_the_mapping_that_made_it(store: Store, make: Maker) -> None:
    ref = make.ref()
    with store.write() as unit:
        [kept] = unit.keep_messages([make.message()])
        fact = make.fact(ref)
        unit.add_facts([make.fact_row(fact, make.locked(unit, ref), kept.seq)])
        unit.finish_messages([ReadingRow(kept.seq, make.now, 1, 0, 0, STANDARD.version)])
    with store.read() as reader:
        assert reader.reading_of(kept.seq) == ReadingRow(kept.seq, make.now, 1, 0, 0, STANDARD.version)
        assert reader.mapping_of_fact(fact.id) == STANDARD.version
        assert reader.mapping_of_fact("no such fact") is None


@pytest.mark.parametrize("move", ["UPDATE mapping_version SET feed = 'x'", "DELETE FROM mapping_version"])
def test_no_version_of_a_mapping_is_ever_changed(store: Store, make: Maker, move: str) -> None:
    with store.write() as unit:
        remember(unit, [mapping()], STANDARD, make.now)
    with pytest.raises(BatonError), store.write() as unit:
        unit.session.command(move)


def text_row(make: Maker, feed: str, number: int, text: str | None) -> FeedTextRow:
    sha256 = None if text is None else digest(text.encode())
    return FeedTextRow(feed, number, text, sha256, "Ada", "key:ada", make.later(number))


def test_each_version_of_a_feed_said_through_the_api_is_kept_and_the_last_counts(
    store: Store, make: Maker
) -> None:
    rows = [
        text_row(make, "bar", 1, "shadow = true\n"),
        text_row(make, "bar", 2, ""),
        text_row(make, "adt", 1, ""),
    ]
    numbers = []
    for row in rows:
        with store.read() as reader:
            numbers.append(reader.feed_texts_number())
        with store.write() as unit:
            unit.add_feed_text(row)
    with store.read() as reader:
        assert (
            numbers[0] == 0 and numbers == sorted(set(numbers)) and reader.feed_texts_number() > numbers[-1]
        )
        assert reader.feed_texts() == [rows[2], rows[1]]
        assert reader.feed_text_versions("bar") == rows[:2]
    with store.write() as unit:
        unit.add_feed_text(text_row(make, "bar", 3, None))
    with store.read() as reader:
        assert reader.feed_texts()[1].text is None and len(reader.feed_text_versions("bar")) == 3


def test_of_two_who_say_the_same_version_of_a_feed_one_is_refused(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_feed_text(text_row(make, "bar", 1, "shadow = true\n"))
    with pytest.raises(BatonError), store.write() as unit:
        unit.add_feed_text(text_row(make, "bar", 1, "shadow = false\n"))
    with store.read() as reader:
        assert [row.text for row in reader.feed_text_versions("bar")] == ["shadow = true\n"]


def test_a_proposal_to_read_again_is_settled_once(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.propose_reread(RereadProposal("d1", b"{}", 3, "Ada", "os:ada", "a code was wrong", make.now))
    with store.read() as reader:
        (kept,) = reader.reread_proposals()
    assert (kept.sha256, kept.asked, kept.messages, kept.outcome) == ("d1", b"{}", 3, None)
    said = RereadOutcome(kept.seq, "approved", "Kim", "os:kim", "", make.later(1))
    with store.write() as unit:
        assert unit.settle_reread(said)
    with store.write() as unit:
        assert not unit.settle_reread(RereadOutcome(kept.seq, "withdrawn", "Ada", "", "", make.later(2)))
    with store.read() as reader:
        (kept,) = reader.reread_proposals()
    assert (kept.outcome, kept.settled_by) == ("approved", "Kim")
