"""For the mathematician: the tree with its levels kept proves what the definition proves, for every size."""

from __future__ import annotations

import time

from schemas.merkle import (
    Tree,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
    root_of,
)


def leaves_of(size: int) -> list[bytes]:
    return [leaf_hash(n.to_bytes(4, "big")) for n in range(size)]


def test_every_proof_of_every_small_log_is_the_one_of_the_definition() -> None:
    for size in range(70):
        leaves = leaves_of(size)
        tree = Tree(b"".join(leaves))
        assert tree.root() == root_of(leaves)
        for n in range(size):
            assert tree.inclusion_proof(n) == inclusion_proof(leaves, n), (size, n)
            proof = tree.consistency_proof(n + 1)
            assert proof == consistency_proof(leaves, n + 1), (size, n + 1)
            assert proves_consistency(n + 1, root_of(leaves[: n + 1]), size, tree.root(), proof)


def test_a_proof_is_refused_at_any_other_place() -> None:
    tree = Tree(b"".join(leaves := leaves_of(37)))
    for n, leaf in enumerate(leaves):
        for index in (n - 1, n + 1):
            assert not proves_inclusion(leaf, index, 37, tree.inclusion_proof(n), tree.root())


def test_proofs_out_of_a_hundred_thousand_entries_take_a_moment() -> None:
    leaves = b"".join(leaves_of(100_000))
    begun = time.process_time()
    tree = Tree(leaves)
    for n in range(0, 100_000, 100):
        tree.inclusion_proof(n)
        tree.consistency_proof(n + 1)
    assert time.process_time() - begun < 5
