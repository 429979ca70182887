"""What every store promises about what comes in: messages whole and once, accounts locked, facts once."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import random
import threading
from typing import TYPE_CHECKING

import pytest

from adapters.store import LARGE_BYTES, KeptMessage, ReadingRow, Store, TallyRow, check_account, check_fact
from schemas.errors import MessageRejected
from schemas.facts import AccountRef

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def test_messages_are_kept_whole_and_answered_in_their_order(store: Store, make: Maker) -> None:
    messages = [make.message(os.urandom(50)) for _ in range(5)]
    with store.write() as unit:
        kept = unit.keep_messages(messages)
    assert [k.new for k in kept] == [True] * 5
    with store.read() as reader:
        for message, k in zip(messages, kept, strict=True):
            assert reader.message_body(k.seq) == message.body
            record = reader.message(message.sha256)
            assert record is not None
            assert (record.seq, record.feed, record.format, record.door) == (k.seq, "billing", "json", "http")
            assert (record.size, record.received_at, record.finished_at) == (50, make.now, None)
            assert reader.message_at(k.seq) == record
        assert reader.message("0" * 64) is None
        assert reader.message_at(10_000) is None
        assert list(reader.message_chunks(10_000)) == []


def test_the_same_bytes_on_one_feed_are_one_message_and_on_another_feed_another(
    store: Store, make: Maker
) -> None:
    one, other_feed = make.message(b"same"), make.message(b"same", feed="other")
    with store.write() as unit:
        first, twin, elsewhere = unit.keep_messages([one, one, other_feed])
        unit.finish_messages([ReadingRow(first.seq, make.now, 1, 0, 0)])
    assert (first.new, twin.new, elsewhere.new) == (True, False, True)
    assert first.seq == twin.seq != elsewhere.seq
    with store.write() as unit:
        again = unit.keep_messages([other_feed, make.message(), one])
    assert again[0] == KeptMessage(elsewhere.seq, False, finished=False)
    assert again[1].new
    assert again[2] == KeptMessage(first.seq, False, finished=True)
    with store.read() as reader:
        named = reader.message(one.sha256, feed="other")
        assert named is not None and named.seq == elsewhere.seq


def test_a_body_of_five_megabytes_in_odd_chunks_comes_back_byte_for_byte(store: Store, make: Maker) -> None:
    source = random.Random(7)
    chunks = [source.randbytes(size) for size in (1, 700_000, 0, 3_000_001, 64, LARGE_BYTES, 500_000)]
    large = make.large(chunks)
    with store.write() as unit:
        kept = unit.keep_large_message(large)
    assert kept.new and not kept.finished
    with store.read() as reader:
        parts = list(reader.message_chunks(kept.seq))
        record = reader.message(large.sha256)
    assert hashlib.sha256(b"".join(parts)).hexdigest() == large.sha256
    assert max(map(len, parts)) == LARGE_BYTES
    assert record is not None and (record.size, record.door) == (large.size, "file")
    assert b"".join(store.message_chunks(kept.seq)) == b"".join(chunks)
    with store.write() as unit:
        assert unit.keep_large_message(large) == KeptMessage(kept.seq, False, finished=False)


def test_a_large_body_in_a_batch_of_small_ones_is_kept_in_parts(store: Store, make: Maker) -> None:
    batch = [make.message(), make.message(b"x" * (LARGE_BYTES + 1)), make.message(b"")]
    with store.write() as unit:
        kept = unit.keep_messages(batch)
    assert [k.new for k in kept] == [True] * 3
    with store.read() as reader:
        assert [len(c) for c in reader.message_chunks(kept[1].seq)] == [LARGE_BYTES, 1]
        assert reader.message_body(kept[2].seq) == b""
    with store.write() as unit:
        assert [k.new for k in unit.keep_messages(batch)] == [False] * 3


def test_a_large_body_that_is_not_what_was_announced_leaves_nothing(store: Store, make: Maker) -> None:
    large = dataclasses.replace(make.large([b"a" * 2_000_000]), sha256="0" * 64)
    with pytest.raises(MessageRejected, match="digest-differs"), store.write() as unit:
        unit.keep_large_message(large)
    with store.read() as reader:
        assert reader.message("0" * 64) is None
        assert reader.unfinished_messages() == []


def test_a_message_kept_and_not_read_to_its_end_is_found_again(store: Store, make: Maker) -> None:
    large = make.large([b"ISA*", b"00*"])
    with store.write() as unit:
        done, left = unit.keep_messages([make.message(), make.message(b"left")])
        unit.finish_messages([ReadingRow(done.seq, make.now, 3, 2, 1)])
        cut_off = unit.keep_large_message(large)
    with store.read() as reader:
        found = reader.unfinished_messages()
        record = reader.message_at(done.seq)
    assert [seq for seq, _ in found] == [left.seq, cut_off.seq]
    assert record is not None and record.finished_at == make.now
    again = found[1][1]
    assert (again.sha256, again.size, again.format) == (large.sha256, 7, "x12")
    assert b"".join(again.open_chunks()) == b"".join(again.open_chunks()) == b"ISA*00*"
    for _ in range(2):
        with store.write() as unit:
            unit.finish_messages([ReadingRow(s, make.now, 0, 0, 0) for s in (left.seq, cut_off.seq)])
    with store.read() as reader:
        assert reader.unfinished_messages() == []


def test_locking_creates_accounts_once_and_answers_with_their_heads(store: Store, make: Maker) -> None:
    refs = [AccountRef("SOUTH", "A1"), AccountRef("NORTH", "A1"), AccountRef("NORTH", "B 2-ü/漢")]
    with store.write() as unit:
        first = unit.lock_accounts(refs)
        assert unit.lock_accounts([]) == {}
    with store.write() as unit:
        again = unit.lock_accounts([*refs, refs[0]])
    assert set(first) == set(refs)
    assert again == first
    assert len({row.id for row in first.values()}) == 3
    row = first[refs[2]]
    assert (row.ref, row.decision_id, row.review_on, row.facts, row.cases) == (refs[2], None, None, 0, 0)
    assert (row.patient_cents, row.balance_cents, row.currency, row.case) == (0, 0, "USD", None)


def test_facts_come_back_as_they_were_stated_and_each_is_kept_once(store: Store, make: Maker) -> None:
    with store.write() as unit:
        (kept,) = unit.keep_messages([make.message()])
        account, other = make.locked(unit), make.locked(unit)
        facts = [make.fact(account.ref, identity="billing/m1"), make.fact(account.ref, cents=-250)]
        rows = [make.fact_row(f, account, kept.seq) for f in facts]
        assert unit.add_facts([*rows, rows[0]]) == {f.id for f in facts}
        loose = make.fact(None)
        assert unit.add_facts([rows[1], make.fact_row(loose, None, kept.seq)]) == {loose.id}
        assert unit.add_facts([]) == set()
        found = unit.facts_of([account.id, other.id])
    assert sorted(found[account.id], key=lambda f: f.id) == sorted(facts, key=lambda f: f.id)
    assert {f.identity for f in found[account.id]} == {"billing/m1", None}
    assert {f.where for f in found[account.id]} == {f.where for f in facts}
    assert found[other.id] == []
    with store.write() as unit:
        assert unit.add_facts(rows) == set()


def test_known_identities_name_the_facts_and_their_accounts(store: Store, make: Maker) -> None:
    with store.write() as unit:
        (kept,) = unit.keep_messages([make.message()])
        account = make.locked(unit)
        facts = [make.fact(account.ref, identity="s/1"), make.fact(account.ref, identity="s/1")]
        unit.add_facts([make.fact_row(f, account, kept.seq) for f in facts])
        known = unit.known_identities({"s/1", "s/2", "odd ' \" é"})
        assert unit.known_identities([]) == {}
    assert set(known) == {"s/1"}
    assert sorted(known["s/1"]) == sorted((f.id, account.ref) for f in facts)


def test_tallies_add_up_by_feed_and_day(store: Store, make: Maker) -> None:
    row = TallyRow("era", make.today, 3, 300, 1, 100, 1, -50, 1, 250)
    with store.write() as unit:
        unit.add_tallies([row, TallyRow("bar", make.today, received=1)])
    with store.write() as unit:
        unit.add_tallies([row])
    with store.read() as reader:
        assert reader.tallies("era", make.today) == [
            TallyRow("era", make.today, 6, 600, 2, 200, 2, -100, 2, 500)
        ]
        assert [t.feed for t in reader.tallies()] == ["bar", "era"]
        assert reader.tallies("era", make.later(86_400).date()) == []


@pytest.mark.parametrize("text", ["", " ", "A\0", "A\ud800", "A\u200b1", "A\n1", "A\u202e1", "x" * 129])
@pytest.mark.parametrize("place", ["facility", "number"])
def test_an_account_nobody_could_read_or_type_is_refused_before_sql(place: str, text: str) -> None:
    ref = dataclasses.replace(AccountRef("GEN", "A1"), **{place: text})
    with pytest.raises(MessageRejected) as refused:
        check_account(ref)
    assert refused.value.where == f"account.{place}"
    assert refused.value.code in ("account-missing", "account-unprintable", "text-too-long")
    assert not text.strip() or text not in str(refused.value)


def test_a_store_refuses_such_an_account_or_fact_and_keeps_nothing(store: Store, make: Maker) -> None:
    bad = AccountRef("GEN", "A\0")
    good = make.ref()
    for attempt in ("account", "fact"):
        with pytest.raises(MessageRejected), store.write() as unit:
            (kept,) = unit.keep_messages([make.message(b"m")])
            if attempt == "account":
                unit.lock_accounts([good, bad])
            else:
                long = make.fact(make.locked(unit).ref, identity="i" * 513)
                unit.add_facts([make.fact_row(long, None, kept.seq)])
    with store.read() as reader:
        assert reader.counts().messages == reader.counts().accounts == 0


@pytest.mark.parametrize("field", ["key", "identity", "where"])
def test_a_fact_with_nul_in_its_text_is_refused(make: Maker, field: str) -> None:
    fact = dataclasses.replace(make.fact(make.ref()), **{field: "a\0b"})
    with pytest.raises(MessageRejected, match="text-not-storable"):
        check_fact(fact)


def test_two_writers_of_the_same_first_ever_account_make_one_row(store: Store, make: Maker) -> None:
    ref = make.ref()
    ready = threading.Barrier(2)
    ids: list[int] = []

    def write() -> None:
        ready.wait(timeout=10)
        with store.write() as unit:
            row = make.locked(unit, ref)
            unit.save_accounts([dataclasses.replace(row, facts=row.facts + 1)])
            ids.append(row.id)

    workers = [threading.Thread(target=write) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert len(ids) == 2 and len(set(ids)) == 1
    with store.read() as reader:
        row = reader.account(ref)
        assert row is not None and (row.facts, row.version) == (2, 2)
        assert reader.counts().accounts == 1


def test_two_writers_with_the_same_accounts_in_other_orders_never_wait_for_each_other(
    store: Store, make: Maker
) -> None:
    # Each round has accounts and messages that neither has seen: creating them is where orders could cross.
    rounds = [([make.ref() for _ in range(40)], [make.message() for _ in range(40)]) for _ in range(12)]
    together = threading.Barrier(2)
    failures: list[BaseException] = []

    def write(seed: int) -> None:
        source = random.Random(seed)
        try:
            for refs, messages in rounds * 2:
                together.wait(timeout=30)
                with store.write() as unit:
                    unit.keep_messages(source.sample(messages, 40))
                    rows = unit.lock_accounts(source.sample(refs, 40))
                    unit.save_accounts([dataclasses.replace(r, facts=r.facts + 1) for r in rows.values()])
        except BaseException as failure:
            failures.append(failure)
            together.abort()

    workers = [threading.Thread(target=write, args=(seed,)) for seed in (1, 2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert failures == []
    with store.read() as reader:
        heads = [reader.account(ref) for refs, _ in rounds for ref in refs]
    assert {head.facts for head in heads if head} == {4}


def test_a_writer_who_waited_for_an_account_sees_the_case_the_other_opened(store: Store, make: Maker) -> None:
    with store.write() as unit:
        ref = make.locked(unit).ref
    opened = threading.Event()
    seen: list[object] = []

    def open_case() -> None:
        with store.write() as unit:
            make.locked(unit, ref)
            opened.set()
            unit.save_cases([make.case(ref)])
            threading.Event().wait(0.3)

    def look() -> None:
        opened.wait(timeout=10)
        with store.write() as unit:
            seen.append(make.locked(unit, ref).case)

    workers = [threading.Thread(target=open_case), threading.Thread(target=look)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert seen == [make.case(ref)]
