"""Audit logs made in memory for tests, and every way in which somebody may tamper with one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from random import Random

from adapters.signing import Signer
from adapters.store import LogHead, LogRecord
from adapters.store.schema import instant_text
from schemas.audit import GENESIS, Checkpoint, chained, commitment_of, entry_leaf
from schemas.merkle import Frontier

START = datetime(2026, 3, 1, tzinfo=UTC)
SIGNER = Signer(sha256(b"a key for tests").digest())
OTHER = Signer(sha256(b"another key for tests").digest())
KEYS = {SIGNER.key_id: SIGNER.public_key}


@dataclass
class Log:
    """A log as the tables hold it."""

    entries: list[LogRecord]
    head: LogHead


def made(size: int, seed: int = 0) -> Log:
    """An honest log."""
    random = Random(seed)
    plain = []
    for n in range(1, size + 1):
        salt = random.randbytes(16)
        subject, content = f"GEN/A{random.randrange(50)}", f'{{"n":{n}}}'.encode()
        plain.append((n, "account.decided", START + timedelta(seconds=n), subject, content, salt))
    return sealed(plain)


def sealed(plain: list[tuple[int, str, datetime, str, bytes, bytes]]) -> Log:
    """Seal entries as the store does."""
    entries, chain, leaves = [], GENESIS, []
    for seq, kind, at, subject, content, salt in plain:
        commitment = commitment_of(salt, subject, content)
        leaf = entry_leaf(seq, instant_text(at), kind, commitment)
        chain = chained(chain, leaf)
        leaves.append(leaf)
        entries.append(LogRecord(seq, kind, commitment, leaf.hex(), chain, at, subject, content, salt))
    log = Frontier().grown(leaves)
    return Log(entries, LogHead(log.size, b"".join(log.peaks), chain))


def checkpoint(log: Log, size: int, signer: Signer = SIGNER, origin: str = "baton") -> str:
    """A signed checkpoint of the first `size` entries."""
    root = Frontier().grown([bytes.fromhex(e.hash) for e in log.entries[:size]]).root()
    made_at = "2026-03-02T00:00:00.000000+00:00"
    text = Checkpoint.signed_text(origin, size, root, made_at)
    return Checkpoint(origin, size, root, made_at, signer.key_id, signer.sign(text)).text()


def plain_of(log: Log) -> list[tuple[int, str, datetime, str, bytes, bytes]]:
    return [(e.seq, e.kind, e.recorded_at, e.subject, e.content, e.salt) for e in log.entries]


def flipped(value: bytes, bit: int) -> bytes:
    at, of = divmod(bit, 8)
    return value[:at] + bytes([value[at] ^ 1 << of]) + value[at + 1 :]


Tamper = Callable[[Log, Random], tuple[Log, int]]
"""A change, and the number of the first entry that is no longer the one that was written."""


def edit(log: Log, random: Random) -> tuple[Log, int]:
    """One field of one entry, by one bit or word."""
    at = random.randrange(len(log.entries))
    entry = log.entries[at]
    field = random.choice(
        ["kind", "commitment", "hash", "chain", "recorded_at", "subject", "content", "salt"]
    )
    value = getattr(entry, field)
    if isinstance(value, bytes):
        value = flipped(value, random.randrange(len(value) * 8))
    elif isinstance(value, datetime):
        value += timedelta(microseconds=random.choice([-1, 1, 3600_000_000]))
    elif field == "hash":
        value = flipped(bytes.fromhex(value), random.randrange(256)).hex()
    else:
        value += random.choice(["x", " ", "\u0301"])
    entries = [*log.entries[:at], entry._replace(**{field: value}), *log.entries[at + 1 :]]
    return Log(entries, log.head), at + 1


def remove(log: Log, random: Random) -> tuple[Log, int]:
    """One entry taken out of the middle."""
    at = random.randrange(len(log.entries) - 1)
    return Log(log.entries[:at] + log.entries[at + 1 :], log.head), at + 1


def insert(log: Log, random: Random) -> tuple[Log, int]:
    """One entry more: another of the same number, well made in itself."""
    at = random.randrange(len(log.entries))
    false = sealed([(at + 1, "account.decided", START, "GEN/A1", b"{}", random.randbytes(16))]).entries[0]
    return Log([*log.entries[:at], false, *log.entries[at:]], log.head), at + 1


def swap(log: Log, random: Random) -> tuple[Log, int]:
    """Two entries that change places and numbers."""
    first, second = sorted(random.sample(range(len(log.entries)), 2))
    entries = list(log.entries)
    entries[first] = log.entries[second]._replace(seq=first + 1)
    entries[second] = log.entries[first]._replace(seq=second + 1)
    return Log(entries, log.head), first + 1


def swap_contents(log: Log, random: Random) -> tuple[Log, int]:
    """Two entries that change what they say."""
    first, second = sorted(random.sample(range(len(log.entries)), 2))
    entries = list(log.entries)
    for at, other in ((first, second), (second, first)):
        o = log.entries[other]
        entries[at] = log.entries[at]._replace(subject=o.subject, content=o.content, salt=o.salt)
    return Log(entries, log.head), first + 1


def cut(log: Log, random: Random) -> tuple[Log, int]:
    """The end taken off, the head left."""
    size = random.randrange(len(log.entries))
    return Log(log.entries[:size], log.head), size + 1


def erase(log: Log, random: Random) -> tuple[Log, int]:
    """What an entry says taken away without a word."""
    at = random.randrange(len(log.entries))
    entry = log.entries[at]._replace(subject=None, content=None, salt=None)
    return Log([*log.entries[:at], entry, *log.entries[at + 1 :]], log.head), at + 1


def remake_leaf(log: Log, random: Random) -> tuple[Log, int]:
    """One entry changed, and its commitment and leaf made anew."""
    at = random.randrange(len(log.entries))
    entry = log.entries[at]
    content = entry.content + b" "
    commitment = commitment_of(entry.salt, entry.subject, content)
    leaf = entry_leaf(entry.seq, instant_text(entry.recorded_at), entry.kind, commitment)
    changed = entry._replace(content=content, commitment=commitment, hash=leaf.hex())
    return Log([*log.entries[:at], changed, *log.entries[at + 1 :]], log.head), at + 1


def remake_suffix(log: Log, random: Random) -> tuple[Log, int]:
    """One entry changed, and everything after it made anew, but not the head."""
    rewritten, at = rewrite(log, random)
    return Log(rewritten.entries, log.head), at


def rewrite(log: Log, random: Random) -> tuple[Log, int]:
    """One entry changed, and the whole log made anew from there, head and all: only a checkpoint tells."""
    at = random.randrange(len(log.entries))
    plain = plain_of(log)
    seq, kind, when, subject, content, salt = plain[at]
    plain[at] = (seq, kind, when, subject, content + b" ", salt)
    return sealed(plain), at + 1


def cut_clean(log: Log, random: Random) -> tuple[Log, int]:
    """The end taken off, and the head made to fit: only a checkpoint tells."""
    size = random.randrange(len(log.entries))
    return sealed(plain_of(log)[:size]), size + 1


SEEN_ALONE: tuple[Tamper, ...] = (
    edit,
    remove,
    insert,
    swap,
    swap_contents,
    cut,
    erase,
    remake_leaf,
    remake_suffix,
)
SEEN_BY_CHECKPOINT: tuple[Tamper, ...] = (rewrite, cut_clean)
