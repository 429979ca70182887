"""Proofs that the log only grew, for witnesses that ask again: the log is read once, not each time."""

from __future__ import annotations

from threading import Lock
from typing import Final

from adapters.store import Reader
from schemas.errors import BatonError
from schemas.merkle import node_hash, root_of, split

BLOCK: Final = 1024
"""Leaves whose root is kept together: 32 bytes for each thousand entries. A power of two."""


class Witnessed:
    """Consistency proofs between any two sizes of the log. Threads may share it.

    The first proof reads every leaf; later ones read those that are new, and at most a few blocks.
    """

    def __init__(self) -> None:
        self._full: dict[tuple[int, int], bytes] = {}
        self._turn = Lock()

    def consistency(self, reader: Reader, earlier: int, size: int) -> list[bytes]:
        """The hashes that show how a log of `earlier` entries became one of `size`.

        Raises:
            BatonError: `no-such-size`.
        Source: RFC 9162 section 2.1.4.1.
        """
        if not 0 < earlier <= size <= reader.audit_head().size:
            raise BatonError("no-such-size", "the log has not that many entries; see /v1/audit/checkpoints")
        with self._turn:
            return self._subproof(reader, earlier, 0, size, whole=True)

    def _subproof(self, reader: Reader, earlier: int, start: int, end: int, *, whole: bool) -> list[bytes]:
        if earlier == end - start:
            return [] if whole else [self._root(reader, start, end)]
        middle = start + split(end - start)
        if earlier <= middle - start:
            way = self._subproof(reader, earlier, start, middle, whole=whole)
            return [*way, self._root(reader, middle, end)]
        way = self._subproof(reader, earlier - (middle - start), middle, end, whole=False)
        return [*way, self._root(reader, start, middle)]

    def _root(self, reader: Reader, start: int, end: int) -> bytes:
        """The root over the leaves from `start` to before `end`, which lie as in the tree."""
        if (start, end) in self._full:
            return self._full[start, end]
        size = end - start
        if size <= BLOCK:
            leaves = reader.audit_leaves(end, start + 1)
            root = root_of([leaves[at : at + 32] for at in range(0, len(leaves), 32)])
        else:
            middle = start + split(size)
            root = node_hash(self._root(reader, start, middle), self._root(reader, middle, end))
        if size >= BLOCK and size & (size - 1) == 0:
            self._full[start, end] = root
        return root
