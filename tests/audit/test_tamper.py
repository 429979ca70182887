"""For the auditor: whatever is done to the audit log is found, with its place; an honest log never fails."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest

from adapters.store.schema import instant_text
from schemas.audit import Checkpoint
from service.audit import verify_log
from service.audit.log import Resumption
from tests.audit import logs
from tests.audit.logs import KEYS, OTHER, SIGNER, Log, checkpoint, made


def found(log: Log, checkpoints: list[str] | None = None, keys: dict[str, bytes] | None = None):
    return verify_log(log.entries, log.head, checkpoints or [], KEYS if keys is None else keys)


@pytest.mark.parametrize("size", [0, 1, 2, 3, 7, 8, 100])
def test_an_honest_log_of_any_size_verifies_against_every_checkpoint(size: int) -> None:
    log = made(size)
    check = found(log, [checkpoint(log, n) for n in range(1, size + 1)])
    assert (check.divergences, check.size, check.checkpoints) == ([], size, size)


def test_every_single_bit_of_a_small_log_is_held() -> None:
    log = made(3)
    tried = 0
    for at, entry in enumerate(log.entries):
        for field in ("commitment", "chain", "content", "salt"):
            value = getattr(entry, field)
            for bit in range(len(value) * 8):
                entries = list(log.entries)
                entries[at] = entry._replace(**{field: logs.flipped(value, bit)})
                assert found(Log(entries, log.head)).divergences[0].entry == at + 1, (at, field, bit)
                tried += 1
        for field in ("hash", "kind", "subject"):
            raw = getattr(entry, field).encode()
            for bit in range(len(raw) * 8):
                text = logs.flipped(raw, bit).decode("latin-1")
                entries = list(log.entries)
                entries[at] = entry._replace(**{field: text})
                assert found(Log(entries, log.head)).divergences[0].entry == at + 1, (at, field, bit)
                tried += 1
    for field in ("peaks", "chain"):
        value = getattr(log.head, field)
        for bit in range(len(value) * 8):
            head = replace(log.head, **{field: logs.flipped(value, bit)})
            assert not found(Log(log.entries, head)).whole
            tried += 1
    assert tried > 3000


def test_ten_thousand_random_changes_are_all_found_at_their_place() -> None:
    random = Random(20261125)
    log = made(60)
    for n in range(10_000 // len(logs.SEEN_ALONE) + 1):
        for tamper in logs.SEEN_ALONE:
            changed, first = tamper(log, random)
            check = found(changed)
            assert check.divergences, (tamper.__name__, first, n)
            if tamper is not logs.remake_suffix:
                assert check.divergences[0].entry == first, (tamper.__name__, first, check.divergences[:3])


@pytest.mark.parametrize("tamper", logs.SEEN_BY_CHECKPOINT)
def test_a_log_made_wholly_anew_is_found_by_a_checkpoint_kept_elsewhere(tamper: logs.Tamper) -> None:
    random = Random(7)
    log = made(50)
    kept = [checkpoint(log, size) for size in (10, 20, 30, 40, 50)]
    for _ in range(200):
        changed, first = tamper(log, random)
        assert found(changed).whole, "by itself it looks whole"
        check = found(changed, kept)
        assert not check.whole
        # The first checkpoint at or after the change is the first that is violated.
        assert check.divergences[0].entry in (first, -(-first // 10) * 10)


def test_a_thousand_entries_with_changes_of_every_kind() -> None:
    log = made(1000, seed=3)
    random = Random(99)
    for tamper in logs.SEEN_ALONE * 4:
        changed, first = tamper(log, random)
        check = found(changed)
        assert not check.whole
        if tamper is not logs.remake_suffix:
            assert check.divergences[0].entry == first


def test_a_forged_checkpoint_is_not_believed() -> None:
    log = made(5)
    real = Checkpoint.read(checkpoint(log, 5))
    forged = replace(real, root=bytes(32)).text()
    assert [d.kind for d in found(log, [forged]).divergences] == ["checkpoint-forged"]
    assert [d.kind for d in found(log, [checkpoint(log, 5, OTHER)]).divergences] == ["key-unknown"]
    claimed = replace(Checkpoint.read(checkpoint(log, 5, OTHER)), key_id=SIGNER.key_id).text()
    assert [d.kind for d in found(log, [claimed]).divergences] == ["checkpoint-forged"]


def test_a_rotated_key_is_believed_beside_the_old_one() -> None:
    log = made(9)
    both = KEYS | {OTHER.key_id: OTHER.public_key}
    assert found(log, [checkpoint(log, 4), checkpoint(log, 9, OTHER)], both).whole


def test_two_checkpoints_of_one_size_and_different_roots_cannot_both_hold() -> None:
    log, other = made(6), made(6, seed=1)
    check = found(log, [checkpoint(log, 6), checkpoint(other, 6)])
    assert [(d.kind, d.entry) for d in check.divergences] == [("history-rewritten", 6)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "baton",
        "baton\n1\n",
        "baton\nx\ny\ntime z\n\n\u2014 k s\n",
        "baton\n-1\n\n\n\n\u2014 \n",
        "\x00" * 50,
    ],
)
def test_what_is_no_checkpoint_gets_a_verdict_and_no_traceback(text: str) -> None:
    assert [d.kind for d in found(made(3), [text]).divergences] == ["checkpoint-unreadable"]


def test_any_changed_character_of_a_checkpoint_is_found() -> None:
    log = made(4)
    text = checkpoint(log, 4)
    for at in range(len(text)):
        changed = text[:at] + ("x" if text[at] != "x" else "y") + text[at + 1 :]
        assert not found(log, [changed]).whole, at


def test_an_erasure_with_its_entry_leaves_the_log_whole() -> None:
    log = made(5)
    plain = [*logs.plain_of(log), (6, "audit.erased", logs.START, "GEN/A1", b'{"entries":[2,4]}', bytes(16))]
    log = logs.sealed(plain)
    for at in (1, 3):
        log.entries[at] = log.entries[at]._replace(subject=None, content=None, salt=None)
    check = found(log, [checkpoint(log, 6)])
    assert (check.whole, check.erased) == (True, {2, 4})
    log.entries[2] = log.entries[2]._replace(subject=None, content=None, salt=None)
    assert [(d.kind, d.entry) for d in found(log).divergences] == [("content-missing", 3)]


def test_a_check_goes_on_where_the_one_before_ended() -> None:
    log = made(100)
    begun = verify_log(log.entries[:37], made(37).head, [], KEYS).reached
    assert begun.size == 37 and Resumption.read(begun.text()) == begun
    kept = [checkpoint(log, size) for size in (20, 60, 100)]
    check = verify_log(log.entries[37:], log.head, kept, KEYS, start=begun)
    assert (check.divergences, check.root) == ([], found(log).root)
    for at in (40, 99):
        entries = [*log.entries[37:]]
        entries[at - 38] = entries[at - 38]._replace(content=b"{}")
        again = verify_log(entries, log.head, kept, KEYS, start=begun)
        assert [d.entry for d in again.divergences] == [at]
    shorter = verify_log([], made(30).head, [], KEYS, start=begun)
    assert [(d.kind, d.entry) for d in shorter.divergences] == [("log-cut", 31)]
    other = replace(begun, chain=bytes(32))
    assert verify_log(log.entries[37:], log.head, [], KEYS, start=other).divergences[0].entry == 38


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"size":1,"peaks":[],"chain":""}', '{"size":true}'])
def test_what_is_no_resumption_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="how far"):
        Resumption.read(text)


def test_an_instant_is_written_as_the_standard_library_writes_it() -> None:
    random = Random(3161)
    first, last = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
    seconds = int((last - first).total_seconds())
    for _ in range(3000):
        at = first + timedelta(seconds=random.randrange(seconds), microseconds=random.choice([0, 1, 999_999]))
        there = at.astimezone(timezone(timedelta(minutes=random.randrange(-839, 840))))
        assert instant_text(at) == instant_text(there) == at.isoformat(timespec="microseconds")
