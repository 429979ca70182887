"""Time stamps of checkpoints: an authority out of our hands says by when the log stood as it does.

Whatever is asked and whatever is kept is an entry of the log. An entry that keeps a stamp holds everything
that a check needs, so it proves what it says without any table beside the log.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final

from adapters.stamping import Stamp, query, read
from adapters.store import AuditRow, LogRecord, Reader, Store
from schemas.audit import Checkpoint
from schemas.canonical import from_bytes, to_bytes
from schemas.errors import BatonError
from service.audit.log import LogCheck
from service.plainly import Plain, instant_of

ASKED: Final = "stamp.asked"
KEPT: Final = "stamp.kept"
SUBJECT: Final = "stamps"

AHEAD: Final = timedelta(minutes=5)
"""How far an authority's clock may be before ours."""

MOST: Final = 50
"""Stamps in one bundle at most: the first and the last ones."""

Verify = Callable[[bytes, bytes, int], Stamp]
"""Holds an answer against a text, a nonce and the roots that are believed, or raises BatonError."""


@dataclass(frozen=True, slots=True)
class Stamped:
    """A checkpoint with its time stamp, as an entry keeps it. `size` counts the log's entries then."""

    seq: int
    size: int
    checkpoint: str
    answer: bytes
    nonce: int
    at: str
    authority: str
    serial: str
    policy: str
    by: str

    @classmethod
    def of(cls, entry: LogRecord) -> Stamped:
        """Read what an entry keeps.

        Raises:
            ValueError: it is not made so.
        """
        try:
            said = from_bytes(entry.content or b"{}")
            answer = b64decode(said["answer"], validate=True)
            texts = [said[name] for name in ("checkpoint", "at", "authority", "serial", "policy", "by")]
            size, nonce = said["size"], int(said["nonce"], 16)
            if not all(isinstance(text, str) for text in texts) or type(size) is not int:
                raise ValueError
        except (KeyError, TypeError, ValueError, AttributeError):
            raise ValueError("it does not say what an entry about a time stamp says") from None
        checkpoint, at, authority, serial, policy, by = texts
        return cls(entry.seq, size, checkpoint, answer, nonce, at, authority, serial, policy, by)

    def plain(self) -> Plain:
        """As it is listed."""
        return {
            "entry": self.seq,
            "size": self.size,
            "at": self.at,
            "authority": self.authority,
            "serial": self.serial,
            "policy": self.policy,
            "by": self.by,
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that may leave the house: the size of the checkpoint it is about, and its bytes in DER."""

    size: int
    query: bytes


@dataclass(frozen=True, slots=True)
class StampCheck:
    """How many stamps an entry keeps, and how many of them were held against an authority's roots."""

    kept: int = 0
    held: int = 0


def ask_for(store: Store, size: int | None, by: str, now: datetime) -> Asked:
    """A request to stamp the checkpoint of this size, of the newest where it is None; an entry says so first.

    Raises:
        BatonError: `no-checkpoint`. ConfigRefused: the library is missing. Unavailable: the entry could not
            be kept.
    """
    with store.read() as reader:
        kept = reader.last_checkpoint() if size is None else _of_size(reader, size)
    if kept is None:
        raise BatonError("no-checkpoint", _NO_CHECKPOINT if size is None else _NO_SUCH)
    asked, nonce = query(kept.text.encode())
    said = {"size": kept.size, "checkpoint": kept.text, "nonce": f"{nonce:x}", "by": by}
    with store.write() as unit:
        unit.add_audit([AuditRow(ASKED, _subject(sha256(kept.text.encode()).digest()), to_bytes(said), now)])
    return Asked(kept.size, asked)


_NO_CHECKPOINT: Final = "no checkpoint was signed yet; run `baton audit checkpoint` first"
_NO_SUCH: Final = (
    "no checkpoint has that size; take the second line of a checkpoint, or leave --size out for the newest"
)


def _of_size(reader: Reader, size: int) -> Any:
    found = reader.checkpoints(after=size - 1, limit=1)
    return found[0] if found and found[0].size == size else None


def _subject(digest: bytes) -> str:
    return f"stamp:{digest.hex()}"


def keep(store: Store, answer: bytes, verify: Verify, by: str, now: datetime) -> Stamped:
    """Keep an authority's answer, once everything about it holds; the same answer is kept once.

    Raises:
        BatonError: `stamp-unreadable`, `stamp-refused`, `stamp-other`, `stamp-nonce`, `stamp-untrusted`,
            `stamp-early` or `stamp-late`. Unavailable: it could not be kept.
    """
    found = read(answer)
    with store.read() as reader:
        known = next((one for one in stamps(reader) if one.answer == answer), None)
        asked = reader.audit_entries_for(_subject(found.digest), 1000, kind=ASKED)
    if known is not None:
        return known
    requests = [from_bytes(entry.content) for entry in asked]
    if not requests:
        reason = "it stamps nothing that this log asked to have stamped; add the answer to a request of it"
        raise BatonError("stamp-other", reason)
    said = next((r for r in requests if int(r["nonce"], 16) == found.nonce), requests[0])
    checkpoint, nonce = Checkpoint.read(said["checkpoint"]), int(said["nonce"], 16)
    stamp = verify(answer, said["checkpoint"].encode(), nonce)
    _in_time(stamp, checkpoint, now)
    content = {
        "size": checkpoint.size,
        "checkpoint": said["checkpoint"],
        "nonce": said["nonce"],
        "answer": b64encode(answer).decode(),
        "at": instant_of(stamp.at),
        "authority": stamp.authority,
        "serial": f"{stamp.serial:x}",
        "policy": stamp.policy,
        "by": by,
    }
    with store.write() as unit:
        unit.add_audit([AuditRow(KEPT, SUBJECT, to_bytes(content), now)])
    with store.read() as reader:
        return next(one for one in stamps(reader) if one.answer == answer)


def _in_time(stamp: Stamp, checkpoint: Checkpoint, now: datetime) -> None:
    made_at = datetime.fromisoformat(checkpoint.made_at)
    if stamp.at + stamp.accuracy < made_at:
        reason = (
            f"it says {instant_of(stamp.at)}, and the checkpoint was made at {instant_of(made_at)}, later; "
            "one of the two clocks is wrong: set this machine's, then ask again"
        )
        raise BatonError("stamp-early", reason)
    if stamp.at - stamp.accuracy > now + AHEAD:
        reason = (
            f"it says {instant_of(stamp.at)}, and here it is {instant_of(now)}; one of the two clocks is "
            "wrong: set this machine's, then ask again"
        )
        raise BatonError("stamp-late", reason)


def entries_of_stamps(reader: Reader) -> Iterator[LogRecord]:
    """The entries that keep a stamp, by number, a part at a time."""
    return (entry for entry in reader.audit_log_about(SUBJECT) if entry.kind == KEPT)


def stamps(reader: Reader) -> Iterator[Stamped]:
    """The stamps that can be read, in the order in which they were kept."""
    for entry in entries_of_stamps(reader):
        try:
            yield Stamped.of(entry)
        except ValueError:
            continue


def covering(reader: Reader, seqs: Iterable[int]) -> list[tuple[LogRecord, Stamped]]:
    """For entries of these numbers, the smallest stamped checkpoint that covers each: at most 50 in all."""
    known: dict[int, int] = {}
    for one in stamps(reader):
        known.setdefault(one.size, one.seq)
    sizes = sorted(known)
    wanted = {next((size for size in sizes if size >= seq), None) for seq in seqs}
    chosen = sorted(known[size] for size in wanted if size is not None)
    kept = chosen if len(chosen) <= MOST else [*chosen[: MOST // 2], *chosen[-MOST // 2 :]]
    entries = [entry for seq in kept for entry in reader.audit_log(seq, seq + 1)]
    return [(entry, Stamped.of(entry)) for entry in entries]


def verify_stamps(reader: Reader, check: LogCheck, verify: Verify | None) -> StampCheck:
    """Hold every kept stamp against its checkpoint and, where `verify` is given, against the roots.

    That the checkpoint is one of this log is `verify_log`'s to say, which is given its text.
    """
    kept = held = 0
    for entry in entries_of_stamps(reader):
        kept += 1
        try:
            one = Stamped.of(entry)
            size = Checkpoint.read(one.checkpoint).size
        except ValueError:
            check.tell("stamp-wrong", entry.seq, f"entry {entry.seq} keeps no time stamp that can be read")
            continue
        digest = sha256(one.checkpoint.encode()).digest()
        if size != one.size or digest not in one.answer:
            check.tell("stamp-wrong", entry.seq, f"the time stamp of entry {entry.seq} is of something else")
        elif verify is not None:
            try:
                stamp = verify(one.answer, one.checkpoint.encode(), one.nonce)
            except BatonError as error:
                said = error.reason.partition(";")[0]
                text = f"the time stamp of entry {entry.seq} does not hold: {said}"
                check.tell("stamp-wrong", entry.seq, text)
                continue
            held += 1
            if (instant_of(stamp.at), f"{stamp.serial:x}") != (one.at, one.serial):
                text = f"entry {entry.seq} says another instant or number than its time stamp"
                check.tell("stamp-wrong", entry.seq, text)
    return StampCheck(kept, held)
