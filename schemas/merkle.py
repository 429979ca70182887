"""A Merkle log in the hashing of RFC 9162: let it grow, prove a leaf to be in it, and that it only grew.

Hashes are 32 bytes of SHA-256. Leaf numbers count from 0. Everything here is a pure function of hashes.
Source: RFC 9162 section 2.1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

EMPTY_ROOT: Final = sha256(b"").digest()
"""The root of a log without leaves."""


def leaf_hash(entry: bytes) -> bytes:
    """The hash of one entry as a leaf.

    >>> leaf_hash(b"").hex()[:16]
    '6e340b9cffb37a98'
    """
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of a node over its two children."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What a log of `size` leaves needs to grow: the roots of its full subtrees, largest first."""

    size: int = 0
    peaks: tuple[bytes, ...] = ()

    def grown(self, leaves: Sequence[bytes]) -> Frontier:
        """The frontier after these leaf hashes.

        >>> one, two = leaf_hash(b"a"), leaf_hash(b"b")
        >>> Frontier().grown([one, two]).root() == node_hash(one, two)
        True
        """
        size, peaks = self.size, list(self.peaks)
        for leaf in leaves:
            size += 1
            full, node = size, leaf
            while not full & 1:
                node = sha256(b"\x01" + peaks.pop() + node).digest()
                full >>= 1
            peaks.append(node)
        return Frontier(size, tuple(peaks))

    def root(self) -> bytes:
        """The root over all leaves."""
        if not self.peaks:
            return EMPTY_ROOT
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node_hash(peak, root)
        return root


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over these leaf hashes."""
    return Frontier().grown(leaves).root()


def split(size: int) -> int:
    """The largest power of two below `size`: where a tree of that many leaves parts.

    >>> split(2), split(5), split(8)
    (1, 4, 4)
    """
    return 1 << (size - 1).bit_length() - 1


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from leaf `index` up to the root.

    Raises:
        IndexError: there is no such leaf.
    Source: RFC 9162 section 2.1.3.1.
    """
    if not 0 <= index < len(leaves):
        raise IndexError("there is no such leaf")
    if len(leaves) == 1:
        return []
    k = split(len(leaves))
    if index < k:
        return [*inclusion_proof(leaves[:k], index), root_of(leaves[k:])]
    return [*inclusion_proof(leaves[k:], index - k), root_of(leaves[:k])]


def proves_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows that `leaf` is number `index` of a log of `size` leaves with this root.

    Source: RFC 9162 section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for beside in proof:
        if last == 0:
            return False
        if at & 1 or at == last:
            found = node_hash(beside, found)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            found = node_hash(found, beside)
        at >>= 1
        last >>= 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """The hashes that show how a log of `earlier` leaves became this one.

    Raises:
        IndexError: the log never had that size, or `earlier` is 0.
    Source: RFC 9162 section 2.1.4.1.
    """
    if not 0 < earlier <= len(leaves):
        raise IndexError("the log never had that size")
    return _subproof(leaves, earlier, whole=True)


def _subproof(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root_of(leaves)]
    k = split(len(leaves))
    if earlier <= k:
        return [*_subproof(leaves[:k], earlier, whole=whole), root_of(leaves[k:])]
    return [*_subproof(leaves[k:], earlier - k, whole=False), root_of(leaves[:k])]


def proves_consistency(
    earlier: int, earlier_root: bytes, size: int, root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether the proof shows that the log of `earlier` leaves is the beginning of the one of `size` leaves.

    Source: RFC 9162 section 2.1.4.2.
    """
    if not 0 < earlier <= size:
        return False
    if earlier == size:
        return not proof and earlier_root == root
    way = list(proof)
    if earlier & (earlier - 1) == 0:
        way.insert(0, earlier_root)
    if not way:
        return False
    at, last = earlier - 1, size - 1
    while at & 1:
        at >>= 1
        last >>= 1
    old = new = way[0]
    for beside in way[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(beside, old), node_hash(beside, new)
            while not at & 1 and at:
                at >>= 1
                last >>= 1
        else:
            new = node_hash(new, beside)
        at >>= 1
        last >>= 1
    return last == 0 and old == earlier_root and new == root


class Tree:
    """A whole log with the hashes of every level kept, so that a proof costs no hashing at all.

    `leaves` are the leaf hashes joined. A million leaves need some seconds and 64 MB once.

    >>> tree = Tree(b"".join(leaf_hash(bytes([n])) for n in range(5)))
    >>> proves_inclusion(leaf_hash(b"\\x03"), 3, 5, tree.inclusion_proof(3), tree.root())
    True
    """

    def __init__(self, leaves: bytes) -> None:
        self.size = len(leaves) // 32
        self._levels = [leaves]
        while len(self._levels[-1]) > 32:
            self._levels.append(_level_above(self._levels[-1]))

    def root(self) -> bytes:
        """The root over all leaves."""
        return self._levels[-1] if self.size else EMPTY_ROOT

    def inclusion_proof(self, index: int) -> list[bytes]:
        """The hashes beside the way from leaf `index` up to the root.

        Raises:
            IndexError: there is no such leaf.
        Source: RFC 9162 section 2.1.3.1.
        """
        if not 0 <= index < self.size:
            raise IndexError("there is no such leaf")
        return self._way_up(0, index)

    def consistency_proof(self, earlier: int) -> list[bytes]:
        """The hashes that show how a log of `earlier` leaves became this one.

        Raises:
            IndexError: the log never had that size, or `earlier` is 0.
        Source: RFC 9162 section 2.1.4.1.
        """
        if not 0 < earlier <= self.size:
            raise IndexError("the log never had that size")
        if earlier == self.size:
            return []
        level, at = 0, earlier - 1
        while at & 1:
            level, at = level + 1, at >> 1
        begun = [] if earlier & (earlier - 1) == 0 else [self._hash(level, at)]
        return begun + self._way_up(level, at)

    def _hash(self, level: int, at: int) -> bytes:
        return self._levels[level][32 * at : 32 * at + 32]

    def _way_up(self, level: int, at: int) -> list[bytes]:
        """The hashes beside a node and each node above it; a last node without a neighbour rises as it is."""
        found = []
        for height in range(level, len(self._levels) - 1):
            if beside := self._hash(height, at ^ 1):
                found.append(beside)
            at >>= 1
        return found


def _level_above(level: bytes) -> bytes:
    paired = len(level) // 64 * 64
    above = [sha256(b"\x01" + level[at : at + 64]).digest() for at in range(0, paired, 64)]
    return b"".join(above) + level[paired:]
