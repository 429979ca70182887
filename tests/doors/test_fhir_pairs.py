"""Each FHIR message beside the facts it becomes; then the same messages cut, flipped and fed in pieces."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fhir_pairs.reading import (
    PAIRS,
    bundle,
    eob,
    facts_of,
    items_in_chunks,
    items_of,
    noted_of,
    parked_of,
    plain,
    tally_of,
    written,
)

from adapters.fhir import read
from schemas.facts import Fact, Rejected

each_pair = pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)


@each_pair
def test_a_message_becomes_the_facts_written_beside_it(path: Path) -> None:
    expected = json.loads(path.with_suffix(".facts.json").read_text())
    assert json.loads(json.dumps(plain(items_of(path.read_bytes())))) == expected


@each_pair
@pytest.mark.parametrize("size", [1, 7, 4096])
def test_the_size_of_the_chunks_changes_nothing(path: Path, size: int) -> None:
    body = path.read_bytes()
    assert items_in_chunks(body, size) == items_of(body)


@each_pair
def test_a_byte_order_mark_and_blanks_around_change_nothing_but_a_finding(path: Path) -> None:
    body = path.read_bytes()
    if path.suffix == ".ndjson":
        return
    items = items_of(b"\xef\xbb\xbf \r\n" + body + b"\r\n \n")
    assert noted_of(items)[0] == "byte-order-mark" and items[1:] == items_of(body)


@each_pair
def test_a_cut_anywhere_states_nothing_that_the_whole_does_not(path: Path) -> None:
    body = path.read_bytes()
    keys = {fact.key for fact in facts_of(items_of(body))}
    for cut in range(0, len(body.rstrip()) - 1, 37):
        items = items_of(body[:cut])
        assert {fact.key for fact in facts_of(items)} <= keys
        assert any(isinstance(item, Rejected) for item in items) or path.suffix == ".ndjson"


@each_pair
def test_a_flipped_byte_never_raises(path: Path) -> None:
    body = path.read_bytes()
    for at in range(0, len(body), 13):
        for flip in (0x01, 0x20, 0x80):
            tally_of(items_of(body[:at] + bytes([body[at] ^ flip]) + body[at + 1 :]))


@each_pair
def test_feed_and_time_of_arrival_are_in_no_fact(path: Path) -> None:
    late = read(path.read_bytes(), feed="other", facility="GEN", received_at=datetime(2031, 1, 1, tzinfo=UTC))
    assert list(late) == items_of(path.read_bytes())


def test_a_document_may_be_indented_or_on_one_line_with_its_type_anywhere() -> None:
    one = eob()
    flat = written(one)
    moved = written({name: one[name] for name in sorted(one, reverse=True)})
    pretty = json.dumps(json.loads(flat), indent=2).encode()
    known = [fact.id for fact in facts_of(items_of(flat))]
    for body in (flat + b"\n", moved, pretty):
        assert [fact.id for fact in facts_of(items_of(body))] == known


def test_bulk_lines_are_read_one_by_one_and_a_bad_one_parks_alone() -> None:
    lines = [written(eob(account=f"A{n}")) for n in range(50)]
    lines[7] = b"{oops"
    lines[20] = written(eob(account="A20", use=None))
    items = items_of(b"\r\n".join(lines) + b"\n")
    assert parked_of(items) == [
        ("not-json", "line 8 / line 1 column 2"),
        ("use-missing", "line 21 / ExplanationOfBenefit.use"),
    ]
    assert sum(fact.kind == "claim.adjudicated" for fact in facts_of(items)) == 48
    assert tally_of(items).claims == 49


def test_the_newest_of_several_versions_in_a_bundle_counts() -> None:
    first = eob(meta={"versionId": "1", "lastUpdated": "2026-03-14T00:00:00Z"})
    second = eob(meta={"versionId": "2", "lastUpdated": "2026-03-15T00:00:00Z"}, outcome="partial")
    for resources in ((first, second), (second, first)):
        items = items_of(bundle(*resources, kind="history"))
        (fact,) = facts_of(items)
        assert fact.body.remittance_balanced is False  # type: ignore[union-attr]
        assert "older-version" in noted_of(items) and tally_of(items).claims == 2


def test_bundles_inside_bundles_are_read_three_deep() -> None:
    made = bundle(eob())
    for _ in range(2):
        made = bundle(made)
    assert [fact.kind for fact in facts_of(items_of(made))] == ["claim.adjudicated"]
    assert parked_of(items_of(bundle(made)))[0][0] == "too-nested"


def test_a_reference_leads_nowhere_outside_its_message() -> None:
    insurer = {"reference": "https://elsewhere.example/fhir/Organization/1"}
    (fact,) = facts_of(items_of(eob(insurer=insurer)))
    assert fact.body.payer.id == insurer["reference"]  # type: ignore[union-attr]


def test_a_resource_sent_again_is_the_same_statement() -> None:
    account = (Path(__file__).parent / "fhir_pairs" / "registration.json").read_bytes()
    assert [f.id for f in facts_of(items_of(account))] == [f.id for f in facts_of(items_of(account))]
    changed = account.replace(b"2026-03-20T08", b"2026-03-22T08")
    first, second = facts_of(items_of(account)), facts_of(items_of(changed))
    assert not {f.key for f in first} & {f.key for f in second}, "a newer statement contradicts nothing"


def test_an_entry_that_deletes_or_holds_nothing_parks_alone() -> None:
    made = bundle(eob())
    made["entry"] += [{"request": {"method": "DELETE", "url": "Claim/1"}}, {}, 7, {"resource": []}]
    assert parked_of(items_of(made)) == [
        ("delete-not-taken", "Bundle.entry[1]"),
        ("no-resource", "Bundle.entry[2]"),
        ("wrong-type", "Bundle.entry[3]"),
        ("wrong-type", "Bundle.entry[4].resource"),
    ]
    assert any(isinstance(item, Fact) for item in items_of(made))


def test_a_death_that_belongs_to_no_account_of_the_message_waits_for_a_person() -> None:
    dead = {"resourceType": "Patient", "id": "p", "deceasedBoolean": True}
    assert parked_of(items_of(dead)) == [("death-without-account", "Patient")]
    assert parked_of(items_of(bundle(dead))) == [("death-without-account", "Bundle.entry[0].resource")]
    account = {"resourceType": "Account", "status": "active", "identifier": [{"value": "A1"}],
               "subject": [{"reference": "Patient/p"}]}  # fmt: skip
    items = items_of(bundle(dead, account))
    assert parked_of(items) == []
    assert "account.flagged" in {fact.kind for fact in facts_of(items)}
