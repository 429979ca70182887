"""For an integrator whose payer answers in EHC^E10 and E15: by agreement, it is like a remittance."""

from __future__ import annotations

import pytest

from adapters.hl7v2 import Mapping
from adapters.hl7v2.reading import read
from schemas.facts import AccountRef, ClaimAdjudicated, Fact, Item, Rejected, adjudication_key
from tests.doors.hl7v2.messages import NOW, ZONE

AGREED = {"ehc": "x12"}
LINES = (
    "PSS|1||1|600.00|Stay",
    "PSG|1||1|N|600.00|Stay",
    "PSL|L1||1|||P|99223|||20260301||||||600.00",
    "ADJ|A1|P1|1|EA|100.00||CO-45|||||||20260402",
    "ADJ|A2|P2|2|EA|100.00||PR-1|||||||20260402",
    "ADJ|A3|P3|3|IN|42.17||PR-2|||||||20260402",
    "ADJ|A4|P4|4|IN|||see the contract|||||||20260402",
)


def e10(*lines: str, ipr: str = "IPR|I1|X1|Y1|ADJ|20260402|357.83", in1: str = "IN1|1|P|60054|X") -> bytes:
    priority = in1 + "|" * (22 - in1.count("|")) + "1"
    head = "MSH|^~\\&|PAYER|ACME|BATON|GEN|20260402083000||EHC^E10|M1|P|2.6"
    ivc = "IVC|A1|PC77|K|OR|NORM|FN|20260301|600.00||Hosp|ACME"
    return "\r".join([head, "MSA|AA|9", ipr, priority, ivc, *(lines or LINES), ""]).encode()


def e15(*lines: str, order: str = "") -> bytes:
    head = "MSH|^~\\&|PAYER|ACME|BATON|GEN|20260410083000||EHC^E15|M2|P|2.6"
    pmt = "PMT|R1|20260410|20260410|CHQ|20260410|357.83|EFT123||||ACME^^60054"
    ivc = "IVC|A1|PC77|K|OR|NORM|FN|20260301|600.00||Hosp|ACME^^60054"
    ipr = "IPR|I1|X1|Y1|PAID|20260402|357.83"
    return "\r".join([head, pmt, ipr, ivc, *(lines or LINES), order, ""]).encode()


def items_of(body: bytes, **table: object) -> list[Item]:
    mapping = Mapping.from_table(table)
    return list(read(body, feed="ehc", facility="GEN", received_at=NOW, mapping=mapping, zone=ZONE))


def decided(items: list[Item]) -> list[ClaimAdjudicated]:
    return [i.body for i in items if isinstance(i, Fact) and isinstance(i.body, ClaimAdjudicated)]


def codes(items: list[Item]) -> list[str]:
    return [i.code for i in items if isinstance(i, Rejected)]


def test_without_an_agreement_nothing_is_said_of_who_owes() -> None:
    pid = "PID|1||M||DOE|||||||||||||A1"
    body = e10().replace(b"IPR|", f"{pid}\rIPR|".encode(), 1)
    items = items_of(body)
    assert decided(items) == [] and codes(items) == []
    assert {i.kind for i in items if isinstance(i, Fact)} == {"claim.status"}


def test_by_agreement_it_is_the_decision_that_a_remittance_would_state() -> None:
    items = items_of(e10(), **AGREED)
    (claim,) = decided(items)
    assert codes(items) == []
    assert (claim.claim_id, claim.payer.id, claim.status, claim.order) == ("A1", "60054", "1", 1)
    assert (claim.charge_cents, claim.paid_cents, claim.payer_claim_id) == (60_000, 35_783, "PC77")
    (line,) = claim.lines
    assert [(a.group, a.code, a.amount_cents) for a in line.adjustments] == [
        ("CO", "45", 10_000), ("PR", "1", 10_000), ("PR", "2", 4_217),
    ]  # fmt: skip
    assert (line.procedure, line.paid_cents, claim.trace) == ("99223", 35_783, None)
    (fact,) = [i for i in items if isinstance(i, Fact)]
    assert fact.account == AccountRef("GEN", "A1") and fact.key == adjudication_key(fact.account, claim)


def test_the_payment_of_it_names_its_trace_and_needs_the_payers_place_from_the_agreement() -> None:
    assert codes(items_of(e15(), **AGREED)) == ["adjudication-incomplete"]
    (claim,) = decided(items_of(e15(), **AGREED, ehc_order="primary"))
    assert (claim.trace, claim.status, claim.payer.id) == ("EFT123", "1", "60054")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"||PR-1|", b"||12|", "adjudication-unagreed"),
        (b"||PR-1|", b"||PR|", "adjudication-unagreed"),
        (b"||PR-1|", b"||PR-1~CO-45|", "adjudication-unagreed"),
        (b"||PR-1|", b"|||", "adjudication-unagreed"),
        (b"|100.00||PR-1", b"|100.01||PR-1", "adjudication-unbalanced"),
        (b"||||||600.00\rADJ", b"||||||599.00\rADJ", "adjudication-unbalanced"),
        (b"|20260402|357.83", b"|20260402|357.8x", "amount-unreadable"),
        (b"|20260402|357.83", b"|20260402|", "adjudication-incomplete"),
        (b"|ADJ|20260402|", b"|ADJ||", "adjudication-incomplete"),
        (b"IVC|A1|", b"IVC||", "adjudication-incomplete"),
        (b"IN1|1|P|60054", b"IN1|1|P|", "adjudication-incomplete"),
    ],
)
def test_a_claim_of_which_anything_is_written_otherwise_waits_whole(
    old: bytes, new: bytes, code: str
) -> None:
    body = e10()
    assert old in body
    items = items_of(body.replace(old, new, 1), **AGREED)
    assert decided(items) == [] and codes(items) == [code]


@pytest.mark.parametrize("status", ["PEND", "ACK", "REJECT", "PRED", "ADJSUB", "ADJZER", ""])
def test_what_is_no_decision_states_nothing_of_who_owes(status: str) -> None:
    items = items_of(e10(ipr=f"IPR|I1|X1|Y1|{status}|20260402|357.83"), **AGREED)
    assert decided(items) == [] and codes(items) == []


def test_adjustments_that_belong_to_no_claim_are_not_taken_for_a_lines() -> None:
    """E15 ends with adjustments of the payee, which look like a line's: the claim waits."""
    items = items_of(e15(*LINES, "ADJ|Z|Z|1|EA|5.00||CO-45"), **AGREED, ehc_order="primary")
    assert decided(items) == [] and codes(items) == ["adjudication-unbalanced"]
