"""The Merkle log against RFC 9162 and against a second, plain reading of it."""

from __future__ import annotations

from hashlib import sha256

import pytest

from schemas.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    proves_consistency,
    proves_inclusion,
    root_of,
)

INPUTS = [
    b"",
    b"\x00",
    b"\x10",
    b"\x20\x21",
    b"\x30\x31",
    b"\x40\x41\x42\x43",
    bytes(range(0x50, 0x58)),
    bytes(range(0x60, 0x70)),
]
"""The eight entries that every implementation of certificate transparency is tested with."""

ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    4: "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    5: "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    6: "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    7: "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}
LEAVES = [leaf_hash(entry) for entry in INPUTS]
MANY = [leaf_hash(str(n).encode()) for n in range(70)]


def plainly(leaves: list[bytes]) -> bytes:
    """RFC 9162 2.1.1, as it is written."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return sha256(b"\x01" + plainly(leaves[:k]) + plainly(leaves[k:])).digest()


@pytest.mark.parametrize("size", ROOTS)
def test_the_roots_are_the_published_ones(size: int) -> None:
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


def test_a_log_without_leaves_has_the_hash_of_nothing() -> None:
    assert root_of([]) == EMPTY_ROOT == sha256(b"").digest()


def test_growing_leaf_by_leaf_and_in_batches_gives_the_same_root_as_the_definition() -> None:
    log = Frontier()
    for size in range(1, len(MANY) + 1):
        log = log.grown([MANY[size - 1]])
        assert log.root() == plainly(MANY[:size])
        for cut in (0, size // 3, size):
            assert Frontier().grown(MANY[:cut]).grown(MANY[cut:size]) == log


def test_every_leaf_of_every_size_is_proven_and_at_no_other_place_of_it() -> None:
    for size in range(1, 34):
        root = root_of(MANY[:size])
        for index in range(size):
            proof = inclusion_proof(MANY[:size], index)
            assert proves_inclusion(MANY[index], index, size, proof, root)
            for wrong in {index - 1, index + 1, size, size + 1}:
                assert not proves_inclusion(MANY[index], wrong, size, proof, root)


def test_every_size_is_proven_to_be_the_beginning_of_every_later_one() -> None:
    for size in range(1, 34):
        root = root_of(MANY[:size])
        for earlier in range(1, size + 1):
            proof = consistency_proof(MANY[:size], earlier)
            assert proves_consistency(earlier, root_of(MANY[:earlier]), size, root, proof)
            assert not proves_consistency(earlier, MANY[69], size, root, proof)
            assert not proves_consistency(earlier, root_of(MANY[:earlier]), size, MANY[69], proof)


def test_any_changed_cut_or_lengthened_proof_is_refused() -> None:
    for size in range(2, 20):
        root = root_of(MANY[:size])
        for index in range(size):
            proof = inclusion_proof(MANY[:size], index)
            for at in range(len(proof)):
                changed = [*proof[:at], bytes([proof[at][0] ^ 1]) + proof[at][1:], *proof[at + 1 :]]
                assert not proves_inclusion(MANY[index], index, size, changed, root)
            assert not proves_inclusion(MANY[index], index, size, proof[:-1], root)
            assert not proves_inclusion(MANY[index], index, size, [*proof, MANY[0]], root)
        for earlier in range(1, size):
            way = consistency_proof(MANY[:size], earlier)
            old = root_of(MANY[:earlier])
            for at in range(len(way)):
                changed = [*way[:at], bytes([way[at][0] ^ 1]) + way[at][1:], *way[at + 1 :]]
                assert not proves_consistency(earlier, old, size, root, changed)
            assert not proves_consistency(earlier, old, size, root, way[:-1])
            assert not proves_consistency(earlier, old, size, root, [*way, MANY[0]])


def test_a_rewritten_beginning_is_not_consistent() -> None:
    other = [MANY[1], *MANY[1:]]
    for size in range(2, 20):
        for earlier in range(1, size):
            proof = consistency_proof(other[:size], earlier)
            assert not proves_consistency(
                earlier, root_of(MANY[:earlier]), size, root_of(other[:size]), proof
            )


def test_there_is_no_proof_of_what_never_was() -> None:
    with pytest.raises(IndexError):
        inclusion_proof(MANY[:3], 3)
    with pytest.raises(IndexError):
        consistency_proof(MANY[:3], 0)
    with pytest.raises(IndexError):
        consistency_proof(MANY[:3], 4)
    assert not proves_consistency(0, EMPTY_ROOT, 3, root_of(MANY[:3]), [])
