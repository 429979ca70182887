"""For the auditor: the canonical bytes are plain JSON that anybody can write again."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime

from schemas.canonical import digest, stable_id, to_bytes
from schemas.facts import ChargePosted, ClaimAdjudicated, Fact, Payer, fact_from_content
from schemas.records import from_plain, to_plain
from tests.spec.facts_made import ACCOUNT, decided


def test_the_standard_library_writes_the_same_bytes() -> None:
    plain = {"z": [1, -2, True, None], "a": {"é": "naïve “text”", "b": "line\nbreak \u007f"}, "n": 10**12}
    again = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert to_bytes(plain) == again


def test_a_facts_id_is_the_sha256_of_its_stored_content() -> None:
    fact = decided("500.00", "400.00", "PR-1 100.00")
    again = json.dumps(json.loads(fact.content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert fact.id == hashlib.sha256(again.encode()).hexdigest() == digest(fact.content)


def test_a_stored_fact_reads_back_as_it_was_stated() -> None:
    fact = decided("500.00", "400.00", "PR-1 100.00", remarks=("N130",), trace="T1")
    assert fact_from_content(fact.content) == fact


def test_a_field_at_its_default_leaves_no_trace_in_the_bytes() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    short = Fact.of(ACCOUNT, "k", at, ChargePosted("C1", 100, date(2026, 1, 2)))
    long = Fact.of(ACCOUNT, "k", at, ChargePosted("C1", 100, date(2026, 1, 2), description=None, units=None))
    assert short.content == long.content
    assert b"description" not in short.content


def test_the_place_and_the_senders_message_id_are_no_part_of_a_fact() -> None:
    at = datetime(2026, 1, 2, tzinfo=UTC)
    body = ChargePosted("C1", 100, date(2026, 1, 2))
    one = Fact.of(ACCOUNT, "k", at, body, identity="pas/1", where="$[0]")
    other = Fact.of(ACCOUNT, "k", at, body, identity="his/9", where="ST 0001 / CLP 3")
    assert one.id == other.id


def test_records_survive_the_way_through_json() -> None:
    claim = ClaimAdjudicated("A1", Payer("P"), "1", date(2026, 1, 2), 100, 50, remarks=("N1", "N2"))
    assert from_plain(ClaimAdjudicated, json.loads(to_bytes(to_plain(claim)))) == claim


def test_a_stable_id_is_the_same_everywhere() -> None:
    assert stable_id("case-1|1") == stable_id("case-1|1") != stable_id("case-1|2")
