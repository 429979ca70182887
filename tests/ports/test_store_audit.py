"""What every store promises about the audit log: dense, sealed with its transaction, erasable yet whole."""

from __future__ import annotations

import hashlib
import threading
from typing import TYPE_CHECKING

import pytest

from adapters.store import AuditRow, CheckpointRow, StatementFailed, Store
from schemas.audit import GENESIS
from schemas.facts import AccountRef
from schemas.merkle import Frontier

if TYPE_CHECKING:
    from tests.ports.conftest import Maker


def rows(make: Maker, *texts: str, subject: str = "GEN/A1") -> list[AuditRow]:
    return [AuditRow("account.decided", subject, text.encode(), make.now) for text in texts]


def test_an_entry_can_be_checked_with_a_standard_library_alone(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit(rows(make, "first é", "second"))
    with store.read() as reader:
        first, second = reader.audit_log()
        head = reader.audit_head()
    commitment = hashlib.sha256(first.salt + b"GEN/A1\n" + "first é".encode()).digest()
    leaf_bytes = (
        f"baton/audit/1\n1\n2026-03-01T12:30:15.250000+00:00\naccount.decided\n{commitment.hex()}\n".encode()
    )
    leaf = hashlib.sha256(b"\x00" + leaf_bytes).digest()
    assert (first.commitment, first.hash) == (commitment, leaf.hex())
    assert first.chain == hashlib.sha256(GENESIS + leaf).digest()
    assert second.chain == hashlib.sha256(first.chain + bytes.fromhex(second.hash)).digest() == head.chain
    root = hashlib.sha256(b"\x01" + leaf + bytes.fromhex(second.hash)).digest()
    assert head.size == 2 and head.peaks == root


def test_equal_contents_have_different_commitments(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit(rows(make, "same", "same"))
    with store.read() as reader:
        first, second = reader.audit_log()
    assert first.commitment != second.commitment


def test_numbers_are_dense_over_transactions_that_failed(store: Store, make: Maker) -> None:
    for n in range(3):
        with store.write() as unit:
            unit.add_audit(rows(make, f"kept {n}"))
        with pytest.raises(RuntimeError), store.write() as unit:
            unit.add_audit(rows(make, "lost"))
            raise RuntimeError
    with store.read() as reader:
        assert [e.seq for e in reader.audit_log()] == [1, 2, 3]
        assert reader.audit_extent() == (3, 3)
        assert reader.audit_head().size == 3


def test_a_transaction_without_entries_leaves_the_log_alone(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit([])
    with store.read() as reader:
        assert reader.audit_head().size == 0 and list(reader.audit_log()) == []


def test_writers_at_the_same_time_share_one_dense_log(store: Store, make: Maker) -> None:
    def work(name: str) -> None:
        for n in range(20):
            with store.write() as unit:
                unit.add_audit(rows(make, f"{name} {n} a", f"{name} {n} b"))

    threads = [threading.Thread(target=work, args=(name,)) for name in "xyz"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.read() as reader:
        entries = list(reader.audit_log())
        head = reader.audit_head()
    assert [e.seq for e in entries] == list(range(1, 121))
    assert b"".join(Frontier().grown([bytes.fromhex(e.hash) for e in entries]).peaks) == head.peaks
    said = [e.content.decode().rpartition(" ")[0] for e in entries]
    assert all(said[at] == said[at + 1] for at in range(0, 120, 2)), "a transaction's entries lie together"


def test_entries_are_found_by_their_subject_newest_first(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit(rows(make, "one") + rows(make, "other", subject="GEN/A2") + rows(make, "two"))
    with store.read() as reader:
        assert [e.content for e in reader.audit_entries_for("GEN/A1")] == [b"two", b"one"]
        assert reader.audit_entry_for(AccountRef("GEN", "A2")).seq == 2
        assert reader.audit_entry_for(AccountRef("GEN", "A3")) is None


def test_an_erasure_takes_the_words_and_leaves_the_log(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit(rows(make, "one", "two", "three"))
    with store.read() as reader:
        before = list(reader.audit_log())
    with store.write() as unit:
        unit.erase_audit([2], AuditRow("audit.erased", "GEN/A1", b'{"entries":[2]}', make.now))
    with store.read() as reader:
        after = list(reader.audit_log())
    assert (after[1].content, after[1].salt, after[1].subject) == (None, None, None)
    assert [e.hash for e in after[:3]] == [e.hash for e in before]
    assert after[3].kind == "audit.erased"


def test_what_an_entry_says_is_never_changed(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.add_audit(rows(make, "one"))
    with pytest.raises(StatementFailed), store.write() as unit:
        unit.session.command("UPDATE audit_content SET subject = 'x'")


def test_checkpoints_are_kept_as_they_were_given_out(store: Store, make: Maker) -> None:
    with store.write() as unit:
        unit.keep_checkpoint(CheckpointRow(2, "two", make.now))
    with store.write() as unit:
        unit.keep_checkpoint(CheckpointRow(5, "five", make.now))
        unit.keep_checkpoint(CheckpointRow(2, "another", make.now))
    with store.read() as reader:
        assert [c.text for c in reader.checkpoints()] == ["two", "five"]
        assert [c.size for c in reader.checkpoints(after=2)] == [5]
        assert reader.last_checkpoint() == CheckpointRow(5, "five", make.now)
