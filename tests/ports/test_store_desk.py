"""What every store promises about what waits for a person, and about policies and keys."""

from __future__ import annotations

import dataclasses
import threading
from typing import TYPE_CHECKING

import pytest

from adapters.store import (
    ApiKeyRow,
    IdempotencyRow,
    ParkedAction,
    ParkedRow,
    PolicyRow,
    ReadingRow,
    StatementFailed,
    Store,
)
from schemas.errors import MessageRejected

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def test_parked_messages_wait_until_somebody_acts(store: Store, make: Maker) -> None:
    message = make.message()
    with store.write() as unit:
        (kept,) = unit.keep_messages([message])
        account = make.locked(unit)
        rows = [
            ParkedRow(
                kept.seq, "$.data.amount", "amount", "not whole cents", "baton/1", make.now, account.id
            ),
            ParkedRow(kept.seq, "", "truncated", "the end is missing", "", make.later(1)),
            ParkedRow(kept.seq, "", "truncated", "the end is missing", "", make.later(1)),
        ]
        seqs = unit.park(rows)
        assert unit.park([]) == []
    assert seqs == sorted(set(seqs))
    action = ParkedAction("discarded", make.later(9), "operator", "test message")
    with store.write() as unit:
        unit.act_on_parked(seqs[1], action)
    with store.read() as reader:
        first, last = reader.parked()
        assert (first.seq, first.account, first.code, first.clause) == (
            seqs[0],
            account.ref,
            "amount",
            "baton/1",
        )
        assert (first.message_sha256, first.feed, first.format) == (message.sha256, "billing", "json")
        assert (first.place, first.parked_at, first.actions) == ("$.data.amount", make.now, ())
        assert (last.seq, last.account) == (seqs[2], None)
        done = reader.parked_one(seqs[1])
        assert done is not None and done.actions == (action,)
        assert reader.parked_one(10_000) is None
        assert [p.seq for p in reader.parked(open_only=False)] == seqs
        assert reader.parked(open_only=False, limit=1, after=seqs[0]) == [done]
        assert reader.parked(account_ref=account.ref) == [first]
        assert reader.counts().parked_open == 2


def test_a_place_or_note_that_cannot_be_kept_is_refused(store: Store, make: Maker) -> None:
    with pytest.raises(MessageRejected, match="place"), store.write() as unit:
        (kept,) = unit.keep_messages([make.message()])
        unit.park([ParkedRow(kept.seq, "$\0", "c", "r", "", make.now)])
    with pytest.raises(MessageRejected, match="note"), store.write() as unit:
        unit.act_on_parked(1, ParkedAction("retried", make.now, "operator", "\ud800"))


def test_nothing_is_parked_that_is_not_of_a_stored_message(store: Store, make: Maker) -> None:
    with pytest.raises(StatementFailed), store.write() as unit:
        unit.park([ParkedRow(99, "", "c", "r", "", make.now)])


def test_a_policy_is_kept_once_and_whole(store: Store, make: Maker) -> None:
    policy = PolicyRow("ab" * 32, "2026.1", b"[gate]\n", make.now)
    with store.write() as unit:
        unit.keep_policy(policy)
        unit.keep_policy(dataclasses.replace(policy, recorded_at=make.later(5)))
    with store.read() as reader:
        assert reader.policy(policy.sha256) == policy
        assert reader.policy("unknown") is None


def test_keys_are_kept_by_prefix_and_end_when_revoked(store: Store, make: Maker) -> None:
    key = ApiKeyRow("bt_1", "ab" * 32, ("messages:write", "cases:read"), make.now, expires_at=make.later(60))
    with store.write() as unit:
        unit.add_api_key(key)
        unit.add_api_key(ApiKeyRow("bt_2", "cd" * 32, (), make.later(1)))
    with store.read() as reader:
        assert reader.api_key("bt_1") == key
        assert reader.api_key("bt_") is None
        assert [k.prefix for k in reader.api_keys()] == ["bt_1", "bt_2"]
    with store.write() as unit:
        assert unit.revoke_api_key("bt_1", make.later(2))
        assert not unit.revoke_api_key("bt_1", make.later(3))
        assert not unit.revoke_api_key("unknown", make.later(3))
    with store.read() as reader:
        assert reader.api_key("bt_1") == dataclasses.replace(key, revoked_at=make.later(2))
    with pytest.raises(StatementFailed) as failed, store.write() as unit:
        unit.add_api_key(key)
    assert "bt_1" not in str(failed.value) and key.sha256 not in str(failed.value)


def test_a_request_is_claimed_once_under_its_key_and_answered_once(store: Store, make: Maker) -> None:
    first = IdempotencyRow("bk_1:order-7", "ab" * 32, make.now)
    other = dataclasses.replace(first, sha256="cd" * 32, created_at=make.later(1))
    with store.write() as unit:
        assert unit.claim_idempotency_key(first) == first
    with store.write() as unit:
        assert unit.claim_idempotency_key(other).sha256 == first.sha256
        assert (
            unit.claim_idempotency_key(dataclasses.replace(other, key="bk_2:order-7")).sha256 == other.sha256
        )
    answered = dataclasses.replace(first, status=202, response=b'{"a": "\xc3\xa4"}\x00')
    with store.write() as unit:
        assert unit.answer_idempotency_key(answered) == answered
        late = dataclasses.replace(first, status=500, response=b"late")
        assert unit.answer_idempotency_key(late) == answered
    with store.write() as unit:
        assert unit.claim_idempotency_key(first) == answered


def test_a_claim_that_is_rolled_back_leaves_its_key_free(store: Store, make: Maker) -> None:
    claim = IdempotencyRow("bk_1:k", "ab" * 32, make.now)
    with pytest.raises(KeyError), store.write() as unit:
        unit.claim_idempotency_key(claim)
        raise KeyError
    other = dataclasses.replace(claim, sha256="cd" * 32)
    with store.write() as unit:
        assert unit.claim_idempotency_key(other) == other


def test_of_many_who_claim_one_key_at_the_same_time_one_wins_and_all_see_it(
    store: Store, make: Maker
) -> None:
    ready = threading.Barrier(6)
    seen: list[str] = []

    def claim(n: int) -> None:
        row = IdempotencyRow("bk_1:k", f"{n:064x}", make.now)
        ready.wait(10)
        with store.write() as unit:
            seen.append(unit.claim_idempotency_key(row).sha256)

    claimants = [threading.Thread(target=claim, args=(n,)) for n in range(6)]
    for claimant in claimants:
        claimant.start()
    for claimant in claimants:
        claimant.join(20)
    assert len(seen) == 6
    assert len(set(seen)) == 1


def test_a_key_that_cannot_be_kept_is_refused(store: Store, make: Maker) -> None:
    with pytest.raises(MessageRejected, match="Idempotency-Key"), store.write() as unit:
        unit.claim_idempotency_key(IdempotencyRow("bk_1:\0", "ab" * 32, make.now))


def test_one_at_a_time_reads_what_was_stored_unread(store: Store, store_url: str) -> None:
    other = Store.open(store_url)
    with store.reading_lease() as held, other.reading_lease() as also_held, other.relay_lease() as relays:
        assert (held, also_held, relays) == (True, False, True)
    with other.reading_lease() as held:
        assert held
    other.close()


def test_what_reading_a_message_came_to_is_told_with_the_parts_that_wait(store: Store, make: Maker) -> None:
    with store.write() as unit:
        first, second = unit.keep_messages([make.message(), make.message()])
        seqs = unit.park(
            [
                ParkedRow(first.seq, "CLP 1", "c", "r", "", make.now),
                ParkedRow(second.seq, "", "c", "r", "", make.now),
            ]
        )
        unit.finish_messages([ReadingRow(first.seq, make.later(1), 3, 2, 1)])
    with store.read() as reader:
        assert reader.reading_of(first.seq) == ReadingRow(first.seq, make.later(1), 3, 2, 1)
        assert reader.reading_of(second.seq) is None
        assert [p.seq for p in reader.parked(message_seq=first.seq)] == seqs[:1]
