"""Published HL7 v2 files that nobody here wrote, against counts and account numbers computed without us."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hl7v2.messages import facts_of, items_of, parked_of, tally_of

from adapters.hl7v2 import CODES, looks_like_hl7
from adapters.hl7v2.mapping import STANDARD
from schemas.facts import AccountRef, ChargePosted, Fact, Noted, Rejected
from service.inspection import PRIOR

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FACTS = SAMPLES / "hl7_facts.tsv"

pytestmark = pytest.mark.skipif(not FACTS.exists(), reason="needs the sample folder beside the project")

KNOWN_DIFFERENCES = {
    "Efferent-Health__HL7-dotnetcore__Sample-ADT.txt": "400003403",
    "dib0__NHapiTools__ADT_A04.txt": "400003403",
}
"""PID-18 holds one value (HL7 v2.3 to 2.8.2, 3.4.2.18: it never repeats); both files send two, joined by the
repetition separator of their own MSH-2. The published fact takes both for one number, which no claim would
carry; the first one counts, with a finding."""

ROWS = list(csv.DictReader(FACTS.open(), delimiter="\t")) if FACTS.exists() else []
each_file = pytest.mark.parametrize("row", ROWS, ids=[row["file"][6:] for row in ROWS])


def accounts_of(items: list[object]) -> set[str]:
    refs = [i.account for i in items if isinstance(i, Fact | Rejected) and PRIOR not in i.where]
    return {ref.number for ref in refs if isinstance(ref, AccountRef)}


@each_file
def test_messages_and_accounts_are_those_computed_independently(row: dict[str, str]) -> None:
    body = (SAMPLES / row["file"]).read_bytes()
    items = items_of(body, STANDARD)
    assert looks_like_hl7(body[:4096])
    assert tally_of(items).messages == int(row["msgs"])
    name = Path(row["file"]).name
    assert accounts_of(list(items)) == {KNOWN_DIFFERENCES.get(name, row["pid18_1"])} - {""}


@each_file
def test_every_message_states_something_or_waits_with_a_known_reason(row: dict[str, str]) -> None:
    items = items_of((SAMPLES / row["file"]).read_bytes(), STANDARD)
    assert facts_of(items) or parked_of(items)
    assert {item.code for item in items if isinstance(item, Noted | Rejected)} <= CODES


@each_file
def test_every_charge_that_states_an_amount_is_posted_or_waits(row: dict[str, str]) -> None:
    body = (SAMPLES / row["file"]).read_bytes()
    items = items_of(body, STANDARD)
    posted = [f.body.amount_cents for f in facts_of(items) if isinstance(f.body, ChargePosted)]
    waiting = [place for _, place in parked_of(items) if "FT1" in place]
    stated = [int(part.partition("&")[0]) * 100 for part in row["ft1_11_ext_amount"].split(";") if part]
    if row["pid18_1"]:
        assert len(posted) + len(waiting) == int(row["n_FT1"])
        assert all(cents in stated for cents in posted)


@each_file
def test_a_published_file_says_the_same_whenever_it_comes(row: dict[str, str]) -> None:
    body = (SAMPLES / row["file"]).read_bytes()
    later = items_of(body, STANDARD, received_at=datetime(2040, 1, 1, tzinfo=UTC), feed="elsewhere")
    assert facts_of(later) == facts_of(items_of(body, STANDARD))
