"""Each remittance beside the facts it becomes; then the same remittances cut, flipped and fed in pieces."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from x12.reading import PAIRS, claims_of, items_in_chunks, items_of, parked_of, plain, tally_of

from adapters.x12 import read
from schemas.facts import Fact, Item, Rejected, adjudication_key

PAIRS_BY_NAME = {path.stem: path for path in PAIRS}
each_pair = pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)


@each_pair
def test_a_remittance_becomes_the_facts_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".facts.json").read_text())
    assert plain(items_of(path.read_bytes())) == expected


@each_pair
def test_an_adjudication_is_keyed_by_its_content(path: Path) -> None:
    for item in items_of(path.read_bytes()):
        if isinstance(item, Fact) and item.kind == "claim.adjudicated":
            assert item.account is not None
            assert item.key == adjudication_key(item.account, item.body)  # type: ignore[arg-type]


@each_pair
@pytest.mark.parametrize("size", [1, 7, 106, 65_536])
def test_the_size_of_the_chunks_changes_nothing(path: Path, size: int) -> None:
    body = path.read_bytes()
    assert items_in_chunks(body, size) == items_of(body)


@pytest.mark.parametrize("noise", ["\r\n", "\n\n", "\n \n", "\r"])
def test_line_ends_and_blank_lines_between_segments_change_nothing(noise: str) -> None:
    body = PAIRS_BY_NAME["reversal"].read_bytes()
    noisy = b"\xef\xbb\xbf\r\n" + body.replace(b"~\n", b"~" + noise.encode()) + b"\x00\x00\x1a\r\n"
    assert items_of(noisy) == items_of(body)


def test_a_file_without_line_breaks_or_folded_at_80_columns_reads_the_same() -> None:
    body = PAIRS_BY_NAME["line_adjustments"].read_bytes()
    flat = body.replace(b"\n", b"")
    folded = b"\r\n".join(flat[at : at + 80] for at in range(106, len(flat), 80))
    assert items_of(flat) == items_of(body)
    assert items_of(flat[:106] + folded) == items_of(body)


@each_pair
def test_a_cut_at_any_segment_boundary_is_noticed_and_opens_nothing(path: Path) -> None:
    body = path.read_bytes()
    whole = items_of(body)
    marks = [at + 1 for at in range(len(body) - 2) if body[at : at + 1] in (b"~", b"!")]
    for cut in marks:
        _assert_cut_is_safe(body[:cut], whole, path.stem)


@pytest.mark.parametrize("name", ["deductible", "separators", "takeback", "bare"])
def test_a_cut_at_any_byte_is_noticed_and_opens_nothing(name: str) -> None:
    body = PAIRS_BY_NAME[name].read_bytes()
    whole = items_of(body)
    for cut in range(1, len(body) - 2):
        _assert_cut_is_safe(body[:cut], whole, name)


def _assert_cut_is_safe(cut: bytes, whole: list[Item], name: str) -> None:
    items = items_of(cut)
    tally_of(items)
    last = cut.rstrip(b"~!\r\n").rpartition(b"\n")[2].rpartition(b"!")[2]
    # A bare transaction whose SE01 came has lost nothing that counts.
    ended = last.startswith(b"IEA") or (name == "bare" and last.startswith(b"SE*14"))
    if not ended:
        assert any(isinstance(item, Rejected) for item in items), last
    keys = {item.key for item in whole if isinstance(item, Fact)}
    for item in items:
        # What a cut file states about a claim, the whole file states as well: never half a decision.
        if isinstance(item, Fact) and item.kind == "claim.adjudicated":
            assert item.key in keys
    if b"\nSE" not in cut and b"!SE" not in cut:
        assert not any(claim.remittance_balanced for claim in claims_of(items))


@each_pair
def test_a_flipped_byte_never_raises_and_every_claim_is_stated_or_parked(path: Path) -> None:
    body = path.read_bytes()
    for at in range(0, len(body), 11):
        for flip in (0x01, 0x20, 0x80):
            flipped = body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]
            items = items_of(flipped)
            stated = sum(isinstance(item, Fact) and item.kind.startswith("claim.") for item in items)
            nameless = sum(code == "account-missing" for code, _ in parked_of(items))
            assert stated + nameless == tally_of(items).claims


def test_the_same_claim_in_a_rewrapped_file_has_the_same_key() -> None:
    body = PAIRS_BY_NAME["reversal"].read_bytes()
    rewrapped = body.replace(b"000000005", b"000000077").replace(b"*0001~", b"*4711~")
    first = [item.key for item in items_of(body) if isinstance(item, Fact)]
    assert [item.key for item in items_of(rewrapped) if isinstance(item, Fact)] == first


def test_the_time_of_arrival_is_in_no_fact() -> None:
    body = PAIRS_BY_NAME["deductible"].read_bytes()
    late = list(read(body, feed="other", facility="GEN", received_at=datetime(2031, 1, 1, tzinfo=UTC)))
    assert late == items_of(body)
