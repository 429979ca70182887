"""The audit log checked from its first entry to its last, and against what was given out of our hands."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Final

from adapters.signing import key_id_of, signature_holds
from adapters.store import LogHead, LogRecord
from adapters.store.schema import instant_text
from schemas.audit import ERASED, GENESIS, Checkpoint, entry_bytes
from schemas.canonical import from_bytes
from schemas.merkle import Frontier

MOST: Final = 100
"""Divergences told one by one; the first is the one that matters."""

EVERY: Final = 2000
"""Entries between two signs of life."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """Something that is not as it was written. `entry` is the number of the first entry concerned; `kind` is
    one of entry-changed, entry-missing, entry-added, content-changed, content-missing, log-cut, head-changed,
    history-rewritten, checkpoint-unreadable, checkpoint-forged, key-unknown, row-changed, row-missing,
    row-added, stamp-wrong.
    """

    kind: str
    entry: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Resumption:
    """How far an earlier check came, so that another can go on from there."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()
    chain: bytes = GENESIS

    def text(self) -> str:
        """As it is written to a file."""
        return json.dumps({"size": self.size, "peaks": self.peaks_hex, "chain": self.chain.hex()}) + "\n"

    @property
    def peaks_hex(self) -> list[str]:
        """The peaks as text."""
        return [peak.hex() for peak in self.peaks]

    @classmethod
    def read(cls, text: str) -> Resumption:
        """Read what `text` wrote.

        Raises:
            ValueError: it is none.
        """
        try:
            said = json.loads(text)
            found = cls(said["size"], tuple(map(bytes.fromhex, said["peaks"])), bytes.fromhex(said["chain"]))
            right = {len(hash) for hash in (*found.peaks, found.chain)} == {32}
            if type(found.size) is int and right and found.size.bit_count() == len(found.peaks):
                return found
        except (KeyError, TypeError, ValueError, AttributeError):
            pass
        raise ValueError("it does not say how far an earlier check came")


@dataclass(slots=True)
class LogCheck:
    """What a check found. `size` and `root` are those of the entries that are there; a later check may go on
    from `reached` where this one found everything whole.
    """

    size: int = 0
    root: bytes = b""
    erased: set[int] = field(default_factory=set)
    divergences: list[Divergence] = field(default_factory=list)
    checkpoints: int = 0
    reached: Resumption = field(default_factory=Resumption)

    @property
    def whole(self) -> bool:
        """Whether everything is as it was written."""
        return not self.divergences

    def tell(self, kind: str, entry: int | None, text: str) -> None:
        """Note a divergence."""
        if len(self.divergences) < MOST:
            self.divergences.append(Divergence(kind, entry, text))


def verify_log(
    entries: Iterable[LogRecord],
    head: LogHead,
    checkpoints: Sequence[str] = (),
    keys: Mapping[str, bytes] | None = None,
    *,
    start: Resumption | None = None,
    progress: Callable[[int], None] = lambda entries: None,
) -> LogCheck:
    """Check every entry against its commitment, its leaf, the chain, the head and every checkpoint.

    `checkpoints` are published texts, kept here or elsewhere; `keys` are the public keys to believe, by key
    id. An erased content is no divergence where an entry of the kind `audit.erased` names it. Never raises
    for anything that the database or a checkpoint may hold.
    """
    walk = _Walk(start or Resumption(), _read_checkpoints(checkpoints, keys or {}), progress)
    for problem in walk.held.problems:
        walk.out.tell(*problem)
    walk.take(entries)
    walk.finish(head)
    walk.out.divergences.sort(key=lambda d: (d.entry is None, d.entry or 0))
    return walk.out


@dataclass(slots=True)
class _Held:
    """Checkpoints by size, and what is wrong with those that are none."""

    by_size: dict[int, list[Checkpoint]] = field(default_factory=dict)
    problems: list[tuple[str, int | None, str]] = field(default_factory=list)


def _read_checkpoints(texts: Sequence[str], keys: Mapping[str, bytes]) -> _Held:
    held = _Held()
    for text in texts:
        try:
            found = Checkpoint.read(text)
        except ValueError as error:
            held.problems.append(("checkpoint-unreadable", None, f"a checkpoint cannot be read: {error}"))
            continue
        key = keys.get(found.key_id)
        said = Checkpoint.signed_text(found.origin, found.size, found.root, found.made_at)
        if key is None or key_id_of(key) != found.key_id:
            text = (
                f"the checkpoint of size {found.size} is signed with key {found.key_id}, which is not known"
            )
            held.problems.append(("key-unknown", found.size, text))
        elif not signature_holds(key, said, found.signature):
            text = f"the signature of the checkpoint of size {found.size} is not that of key {found.key_id}"
            held.problems.append(("checkpoint-forged", found.size, text))
        else:
            held.by_size.setdefault(found.size, []).append(found)
    return held


class _Walk:
    """One pass over the entries."""

    def __init__(self, start: Resumption, held: _Held, progress: Callable[[int], None]) -> None:
        self.out = LogCheck(checkpoints=sum(map(len, held.by_size.values())))
        self.held = held
        self.begun = start.size
        self.size, self.chain = start.size, start.chain
        self.log = Frontier(start.size, start.peaks)
        self.leaves: list[bytes] = []
        self.next_mark = self._mark_after(start.size)
        self.gone: set[int] = set()
        self.named: set[int] = set()
        self.progress = progress
        self.broken = False

    def _mark_after(self, size: int) -> int:
        """The next size at which the root is asked for."""
        marks = [s for s in self.held.by_size if s > size]
        return min([*marks, size + EVERY])

    def take(self, entries: Iterable[LogRecord]) -> None:
        """Hash every entry. All the time goes here, so functions of one line are written out."""
        at: datetime | None = None
        text = ""
        for entry in entries:
            seq, moment = entry.seq, entry.recorded_at
            if seq != self.size + 1:
                self._wrong_number(seq, self.size + 1)
            if moment != at:
                # The entries of one transaction share their instant.
                at, text = moment, instant_text(moment)
            leaf = sha256(b"\x00" + entry_bytes(seq, text, entry.kind, entry.commitment)).digest()
            chain = sha256(self.chain + leaf).digest()
            if leaf.hex() != entry.hash or chain != entry.chain:
                self._broken_link(entry, leaf, chain)
            # Go on from what is stored, so that the next break is told by its own number.
            self.chain = entry.chain
            salt, subject, content = entry.salt, entry.subject, entry.content
            if salt is None or subject is None or content is None:
                self.gone.add(seq)
            elif sha256(b"%b%b\n%b" % (salt, subject.encode(), content)).digest() != entry.commitment:
                changed = f"what entry {seq} says is not what it committed to"
                self.out.tell("content-changed", seq, changed)
            elif entry.kind == ERASED:
                self.named.update(_named(content))
            self.size = seq
            self.leaves.append(leaf)
            if seq >= self.next_mark:
                self._mark()

    def _broken_link(self, entry: LogRecord, leaf: bytes, chain: bytes) -> None:
        if leaf.hex() != entry.hash:
            text = f"entry {entry.seq} is not the one its leaf was made of"
            self._tell_once("entry-changed", entry.seq, text)
        if chain != entry.chain:
            text = f"entry {entry.seq} does not follow from the one before it: changed, moved or made anew"
            self._tell_once("entry-changed", entry.seq, text)

    def _wrong_number(self, found: int, wanted: int) -> None:
        if found > wanted:
            until = f" to {found - 1}" if found - 1 > wanted else ""
            self.out.tell("entry-missing", wanted, f"entry {wanted}{until} is missing")
        else:
            self.out.tell("entry-added", found, f"entry {found} is there twice")
        self.broken = True

    def _tell_once(self, kind: str, entry: int, text: str) -> None:
        last = self.out.divergences[-1] if self.out.divergences else None
        if last is None or (last.kind, last.entry) != (kind, entry):
            self.out.tell(kind, entry, text)
        self.broken = True

    def _mark(self) -> None:
        self.log = self.log.grown(self.leaves)
        self.leaves = []
        for checkpoint in self.held.by_size.get(self.size, ()):
            if not self.broken and self.log.root() != checkpoint.root:
                text = (
                    f"the first {self.size} entries are not those of the checkpoint made at "
                    f"{checkpoint.made_at}: history was rewritten"
                )
                self.out.tell("history-rewritten", self.size, text)
        self.next_mark = self._mark_after(self.size)
        self.progress(self.size)

    def finish(self, head: LogHead) -> None:
        self.log = self.log.grown(self.leaves)
        self.leaves = []
        self.out.size, self.out.root = self.size, self.log.root()
        self.out.reached = Resumption(self.size, self.log.peaks, self.chain)
        if head.size > self.size:
            text = f"the log says it has {head.size} entries; the last one there is {self.size}"
            self.out.tell("log-cut", self.size + 1, text)
        elif head.size < self.begun:
            text = f"an earlier check found {self.begun} entries; the log now says it has {head.size}"
            self.out.tell("log-cut", head.size + 1, text)
        elif head.size < self.size:
            text = f"the log says it has {head.size} entries; there are more, up to {self.size}"
            self.out.tell("entry-added", head.size + 1, text)
        elif not self.broken and (b"".join(self.log.peaks), self.chain) != (head.peaks, head.chain):
            self.out.tell("head-changed", None, "the head of the log is not the one of its entries")
        for size in sorted(s for s in self.held.by_size if s > self.size):
            text = f"a checkpoint of {size} entries was given out; the last one there is {self.size}"
            self.out.tell("log-cut", self.size + 1, text)
        for number in sorted(self.gone - self.named):
            text = f"what entry {number} says is gone, and no entry says that it was erased"
            self.out.tell("content-missing", number, text)
        self.out.erased = self.gone & self.named
        self.progress(self.size)


def _named(content: bytes) -> Iterator[int]:
    """The entries that an erasure names."""
    try:
        found = from_bytes(content).get("entries", [])
    except (ValueError, AttributeError):
        return
    yield from (n for n in found if isinstance(n, int)) if isinstance(found, list) else ()
