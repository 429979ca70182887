"""Published 835 files that nobody here wrote, against counts and sums computed without this reader."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest
from x12.reading import claims_of, items_in_chunks, items_of, parked_of, tally_of

from schemas.facts import Noted
from schemas.money import parse_cents

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FACTS = SAMPLES / "835_facts.tsv"

pytestmark = pytest.mark.skipif(not FACTS.exists(), reason="needs the sample folder beside the project")

KNOWN_DIFFERENCES: dict[tuple[str, str], str] = {}
"""(file, column) to the proof that the published fact is the wrong side. None is known."""

ROWS = list(csv.DictReader(FACTS.open(), delimiter="\t")) if FACTS.exists() else []
each_file = pytest.mark.parametrize("row", ROWS, ids=[row["file"][4:] for row in ROWS])

UNREADABLE = ("amount-unreadable", "payment-unreadable", "provider-adjustment-unreadable")


def _cents(text: str) -> int:
    return sum(parse_cents(part) for part in text.split(";") if part not in ("", "None"))


@each_file
def test_counts_and_sums_are_those_computed_independently(row: dict[str, str]) -> None:
    items = items_of((SAMPLES / row["file"]).read_bytes())
    tally = tally_of(items)
    found = Counter(item.code for item in items if isinstance(item, Noted))
    got = {
        "st835": tally.transactions,
        "st_other": tally.messages - tally.transactions,
        "clp": tally.claims,
        "svc": tally.service_lines,
        "clp03_charge": tally.charge_cents,
        "clp04_paid": tally.paid_cents,
        "clp05_patient_resp": tally.patient_responsibility_cents,
        "cas_pr_sum": tally.patient_adjustments_cents,
        "bpr02": tally.payment_cents,
        "plb_total": tally.provider_adjustments_cents,
        "tx_balanced": tally.transactions - found["transaction-unbalanced"],
        "claims_unbalanced": found["claim-unbalanced"],
        "svc_unbalanced": found["line-unbalanced"],
        "non_numeric_amounts": sum(found[code] for code in UNREADABLE),
        "se_count_mismatch": found["segment-count"],
        "st_without_se": found["truncated"],
    }
    money = {"clp03_charge", "clp04_paid", "clp05_patient_resp", "cas_pr_sum", "bpr02", "plb_total"}
    expected = {name: _cents(row[name]) if name in money else int(row[name]) for name in got}
    differing = {name for name in got if got[name] != expected[name]}
    known = {column for file, column in KNOWN_DIFFERENCES if file == row["file"]}
    assert differing == known, {name: (expected[name], got[name]) for name in differing}


@each_file
def test_every_claim_of_a_published_file_is_stated_with_its_status_or_parked(row: dict[str, str]) -> None:
    items = items_of((SAMPLES / row["file"]).read_bytes())
    statuses = Counter(claim.status for claim in claims_of(items))
    published = Counter()
    for pair in filter(None, row["clp_status"].split(",")):
        status, _, count = pair.partition(":")
        published[status] = int(count)
    assert all(published[status] >= count for status, count in statuses.items())
    if sum(statuses.values()) < sum(published.values()):
        assert parked_of(items)


@each_file
def test_published_files_read_the_same_in_small_chunks(row: dict[str, str]) -> None:
    body = (SAMPLES / row["file"]).read_bytes()
    assert items_in_chunks(body, 13) == items_of(body)


@pytest.mark.parametrize("name", [row["file"] for row in ROWS if "/NEG_" in row["file"]])
def test_another_transaction_than_an_835_is_refused_whole(name: str) -> None:
    assert parked_of(items_of((SAMPLES / name).read_bytes())) == [("unsupported-transaction", "")]
