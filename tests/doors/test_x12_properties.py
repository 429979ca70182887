"""What holds for any bytes at all: nothing raised, nothing leaked, nothing changed by how they arrive."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from x12.reading import NOW, PAIRS, items_of, parked_of, tally_of

from adapters.x12 import read_stream
from schemas.facts import ClaimAdjudicated, Fact, Item, Noted, Rejected

BODIES = [path.read_bytes() for path in PAIRS]
CANARY = "ZQXCANARY7"

quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A remittance with some of its bytes replaced, dropped or doubled."""
    body = draw(st.sampled_from(BODIES))
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, max(0, len(body) - 1)))
        width = draw(st.integers(0, 40))
        body = (
            body[:at]
            + draw(st.sampled_from([b"", b"~", b"*", b"ISA*", b"\x00", b"\n", body[at : at + 80]]))
            + body[at + width :]
        )
    return body


@quick
@given(body=mangled(), cuts=st.lists(st.integers(0, 4_000), max_size=30))
def test_cutting_a_message_into_chunks_anywhere_changes_nothing(body: bytes, cuts: list[int]) -> None:
    edges = sorted({0, len(body), *(cut for cut in cuts if cut < len(body))})

    def chunks() -> Iterator[bytes]:
        return (body[start:end] for start, end in pairwise(edges))

    assert list(read_stream(chunks, feed="era", facility="GEN", received_at=NOW)) == items_of(body)


@quick
@given(body=st.one_of(st.binary(max_size=3_000), st.binary(max_size=500).map(lambda tail: b"ISA*" + tail)))
def test_random_bytes_never_raise_and_are_never_dropped_silently(body: bytes) -> None:
    items = items_of(body)
    assert any(isinstance(item, Rejected) for item in items)
    assert tally_of(items).format == "x12.835"


@quick
@given(body=mangled())
def test_a_claim_is_stated_only_with_whole_cents_and_a_day_and_every_claim_leaves_a_trace(
    body: bytes,
) -> None:
    items = items_of(body)
    traces = sum(isinstance(i, Fact) and i.kind.startswith("claim.") for i in items)
    traces += sum(isinstance(i, Rejected) and i.code == "account-missing" for i in items)
    assert traces == tally_of(items).claims
    for item in items:
        if isinstance(item, Fact) and isinstance(item.body, ClaimAdjudicated):
            claim = item.body
            charged = claim.charge_cents - sum(a.amount_cents for a in claim.every_adjustment())
            parked = any(isinstance(i, Rejected) and i.where == item.where for i in items)
            assert charged == claim.paid_cents or parked


@quick
@given(pick=st.data())
def test_no_finding_holds_a_value_of_the_message(pick: st.DataObject) -> None:
    body = pick.draw(st.sampled_from(BODIES)).decode()
    segments = body.split("~")
    for _ in range(pick.draw(st.integers(1, 8))):
        at = pick.draw(st.integers(0, len(segments) - 1))
        elements = segments[at].split("*")
        position = pick.draw(st.integers(0, len(elements)))
        elements[position : position + 1] = [CANARY]
        segments[at] = "*".join(elements)
    for item in items_of("~".join(segments).encode()):
        if isinstance(item, Noted):
            assert CANARY not in item.code + item.where + item.message
        elif isinstance(item, Rejected):
            assert CANARY not in item.code + item.where + item.reason + item.clause


def _large(claims: int) -> Callable[[], Iterator[bytes]]:
    """One ST with that many balanced claims, made as it is read."""
    claim = (
        b"CLP*ACCT%07d*1*100*80*20*12*P%07d*11*1~NM1*QC*1*DOE*PAT****MI*W1~DTM*232*20260101~"
        b"SVC*HC:99213*100*80**1~DTM*472*20260101~CAS*PR*1*20~REF*6R*L1~AMT*B6*100~"
    )

    def chunks() -> Iterator[bytes]:
        head = b"ST*835*0001~BPR*I*%d*C*ACH************20260315~TRN*1*T1*1512345678~N1*PR*X*XV*60054~LX*1~"
        yield head % (80 * claims)
        for start in range(0, claims, 400):
            yield b"".join([claim % (n, n) for n in range(start, min(start + 400, claims))])
        yield b"SE*%d*0001~" % (8 * claims + 6)

    return chunks


def _peak_bytes(claims: int) -> int:
    tracemalloc.start()
    try:
        count = sound = 0
        for item in read_stream(_large(claims), feed="era", facility="GEN", received_at=NOW):
            if isinstance(item, Fact) and isinstance(item.body, ClaimAdjudicated):
                count += 1
                sound += item.body.remittance_balanced is True
        assert count == sound == claims
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_claims_in_one_transaction() -> None:
    _peak_bytes(400)
    small, large = _peak_bytes(1_000), _peak_bytes(8_000)
    assert large < small + 256 * 1024
    assert large < 4 * 1024 * 1024


def _endless_claim(thousands: int) -> tuple[list[Item], int]:
    def chunks() -> Iterator[bytes]:
        yield b"ST*835*0001~BPR*I*0*C*NON************20260315~TRN*1*T1*1512345678~CLP*A1*1*0*0~"
        for _ in range(thousands):
            yield b"LQ*HE*N1~" * 1_000
        yield b"CLP*A2*1*0*0~SE*%d*0001~" % (thousands * 1_000 + 6)

    tracemalloc.start()
    try:
        items = list(read_stream(chunks, feed="era", facility="GEN", received_at=NOW))
        return items, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_claim_with_more_segments_than_any_may_have_is_parked_in_bounded_memory() -> None:
    items, peak = _endless_claim(130)
    assert parked_of(items) == [("claim-too-large", "ST 0001 / CLP 1")]
    stated = [i.body for i in items if isinstance(i, Fact) and isinstance(i.body, ClaimAdjudicated)]
    assert [(claim.claim_id, claim.remittance_balanced) for claim in stated] == [("A2", True)]
    assert _endless_claim(200)[1] < peak + 256 * 1024


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_pyx12_sees_the_same_segments(path: object) -> None:
    x12file = pytest.importorskip("pyx12.x12file", reason="pyx12, the oracle, is not installed")
    if path.stem in ("bare", "separators"):  # type: ignore[attr-defined]
        pytest.skip("pyx12 reads neither a bare ST nor separators that change")
    with path.open() as source:  # type: ignore[attr-defined]
        seen = [segment.get_seg_id() for segment in x12file.X12Reader(source)]
    tally = tally_of(items_of(path.read_bytes()))  # type: ignore[attr-defined]
    assert (seen.count("CLP"), seen.count("SVC"), seen.count("ST")) == (
        tally.claims,
        tally.service_lines,
        tally.messages,
    )
