"""Wrong, cut and hostile remittances: one clear verdict each, and the neighbours go through."""

from __future__ import annotations

from datetime import date

import pytest
from x12.reading import PAID, claims_of, items_of, noted_of, parked_of, remittance, tally_of

from adapters.x12 import CODES, looks_like_x12
from schemas.facts import AccountRef, AdjudicationUnreadable, Fact, Item, Rejected, RemittanceReceived

GOOD = remittance(PAID)
ISA = GOOD[:106]


def unreadable_of(items: list[Item]) -> list[AdjudicationUnreadable]:
    return [
        item.body
        for item in items
        if isinstance(item, Fact) and isinstance(item.body, AdjudicationUnreadable)
    ]


def test_the_file_that_the_wrong_ones_are_made_from_is_right() -> None:
    items = items_of(GOOD)
    assert parked_of(items) == noted_of(items) == []
    assert [claim.remittance_balanced for claim in claims_of(items)] == [True]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "empty"),
        (b"\xef\xbb\xbf \r\n\x00", "empty"),
        (GOOD[:106], "truncated"),
        (GOOD[:60], "truncated"),
        (b"ISA", "separators"),
        (b"\x00\xff\xfe\x89PNG\r\n\x1a\n" * 50, "not-x12"),
        (b'{"schema": "baton/1"}', "not-x12"),
        (b"MSH|^~\\&|A|B", "not-x12"),
        (GOOD.decode().encode("utf-16"), "not-x12"),
        (GOOD.replace(b"*", b"A"), "separators"),
        (GOOD.replace(b"T*:~", b"T**~"), "separators"),
        (GOOD.replace(b"T*:~", b"T*~~"), "separators"),
        (GOOD.replace(b"T*:~", b"T*:*"), "separators"),
        (GOOD.replace(b"T*:~", b"T*:Q"), "separators"),
        (GOOD.replace(b"T*:~", b"T*:\xe9"), "separators"),
        (b"ISA*" + b"0" * 5_000 + GOOD, "separators"),
        (b"ST*835*0001 and then nothing that ends a segment", "separators"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_message_that_cannot_be_read_at_all_is_parked_whole(body: bytes, code: str) -> None:
    items = items_of(body)
    expected = "ISA 1" if body == GOOD[:106] else ""
    assert parked_of(items) == [(code, expected)]
    assert not any(isinstance(item, Fact) for item in items)
    assert tally_of(items).claims == 0


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("CLP*A2*1*NaN*0~", "amount-unreadable"),
        ("CLP*A2*1*1e3*0~", "amount-unreadable"),
        ("CLP*A2*1*+100*0~", "amount-unreadable"),
        ("CLP*A2*1*1,000*0~", "amount-unreadable"),
        ("CLP*A2*1*-*0~", "amount-unreadable"),
        ("CLP*A2*1*.*0~", "amount-unreadable"),
        ("CLP*A2*1*\u0661\u0662*0~", "amount-unreadable"),
        ("CLP*A2*1*999999999999.00*0~", "amount-unreadable"),
        ("CLP*A2*1*10.000*0~", "amount-not-whole-cents"),
        ("CLP*A2*1**0~", "amount-missing"),
        ("CLP*A2*1*10~", "amount-missing"),
        ("CLP*A2*1*10*10*x~", "amount-unreadable"),
        ("CLP*A2*1*10*0~CAS*CO*45~", "amount-missing"),
        ("CLP*A2*1*10*0~CAS*CO*45*10.001~", "amount-not-whole-cents"),
        ("CLP*A2*1*10*0~CAS*CO**10~", "adjustment-code-missing"),
        ("CLP*A2*1*10*0~CAS*co*45*10~", "adjustment-group"),
        ("CLP*A2*1*10*0~CAS*CO" + "*45*1*1" * 7 + "~", "adjustment-too-long"),
        ("CLP*A2*1*10*10~SVC*HC:99213*NaN*10~", "amount-unreadable"),
        ("CLP*A2*6*10*10~", "claim-status"),
        ("CLP*A2**10*10~", "claim-status"),
    ],
)
def test_a_claim_that_cannot_be_read_parks_alone_and_its_account_hears_of_it(claim: str, code: str) -> None:
    items = items_of(remittance(PAID, claim, PAID.replace("A1", "A3"), payment="200"))
    assert [part.code for part in unreadable_of(items)] == [code]
    assert [claim.claim_id for claim in claims_of(items)] == ["A1", "A3"]
    assert [item for item in items if isinstance(item, Rejected)] == [
        next(item for item in items if isinstance(item, Rejected) and item.where == "ST 0001 / CLP 2")
    ]
    rejected = next(item for item in items if isinstance(item, Rejected))
    assert (rejected.code, rejected.account) == (code, AccountRef("GEN", "A2"))


def test_amounts_the_standard_allows_are_read() -> None:
    (claim,) = claims_of(items_of(remittance("CLP*A1*1*00100.5*100.*.5~CAS*PR*1*.5~", payment="100")))
    assert (claim.charge_cents, claim.paid_cents, claim.patient_responsibility_cents) == (10050, 10000, 50)


@pytest.mark.parametrize(
    ("claim", "code"),
    [
        ("CLP*A1*1*100*99~CAS*CO*45*2~", "claim-unbalanced"),
        ("CLP*A1*1*100*99~SVC*HC:1*100*99~CAS*CO*45*2~", "line-unbalanced"),
        ("CLP*A1*1*100*99~CAS*CO*45*1~SVC*HC:1*90*90~", "line-charges-differ"),
    ],
)
def test_a_claim_that_does_not_add_up_is_stated_and_parked(claim: str, code: str) -> None:
    items = items_of(remittance(claim, payment="99"))
    assert len(claims_of(items)) == 1
    assert parked_of(items) == [(code, "ST 0001 / CLP 1")]


def test_a_remittance_that_does_not_add_up_marks_its_claims() -> None:
    items = items_of(remittance(PAID, payment="100.01"))
    assert [claim.remittance_balanced for claim in claims_of(items)] == [False]
    assert noted_of(items) == [("transaction-unbalanced", "ST 0001")]
    assert [
        item.body.balanced
        for item in items
        if isinstance(item, Fact) and isinstance(item.body, RemittanceReceived)
    ] == [False]


def test_a_payment_may_be_larger_than_any_single_claim() -> None:
    each = [f"CLP*B{n}*1*99999999.99*99999999.99~" for n in range(3)]
    items = items_of(remittance(*each, payment="299999999.97"))
    assert [claim.remittance_balanced for claim in claims_of(items)] == [True] * 3
    assert tally_of(items).payment_cents == 29_999_999_997


@pytest.mark.parametrize("amount", ["", "x", "1.001", "1e5", "9999999999999.00"])
def test_a_payment_that_cannot_be_read_is_parked_and_its_claims_open_nothing(amount: str) -> None:
    items = items_of(remittance(PAID, payment=amount))
    assert parked_of(items) == [("payment-unreadable", "ST 0001")]
    assert [claim.remittance_balanced for claim in claims_of(items)] == [False]


@pytest.mark.parametrize("direction", ["C", "D"])
def test_a_debit_transfer_pays_the_provider_as_a_credit_does(direction: str) -> None:
    items = items_of(GOOD.replace(b"*C*ACH", f"*{direction}*ACH".encode()))
    assert tally_of(items).payment_cents == 10000
    assert claims_of(items)[0].remittance_balanced is True


@pytest.mark.parametrize("count", ["9", "11", "", "x"])
def test_a_wrong_segment_count_parks_the_transaction_and_its_claims_open_nothing(count: str) -> None:
    body = (
        GOOD.replace(b"SE*9*", f"SE*{count}*".encode())
        if count != "9"
        else GOOD.replace(b"DTM*405*20260315~", b"")
    )
    items = items_of(body)
    assert parked_of(items) == [("segment-count", "ST 0001")]
    assert [claim.remittance_balanced for claim in claims_of(items)] == [False]


@pytest.mark.parametrize(
    ("old", "new", "parked"),
    [
        (b"GE*1*5", b"GE*2*5", [("group-count", "GS 1")]),
        (b"GE*1*5", b"GE*x*5", [("group-count", "GS 1")]),
        (b"IEA*1*", b"IEA*3*", [("interchange-count", "ISA 1")]),
        (b"GE*1*5~", b"", [("truncated", "GS 1")]),
        (b"IEA*1*000000005~", b"", [("truncated", "ISA 1")]),
        (b"GE*1*5~IEA*1*000000005~", b"", [("truncated", "GS 1")]),
    ],
)
def test_a_wrong_envelope_is_parked_and_its_transactions_go_through(
    old: bytes, new: bytes, parked: list
) -> None:  # type: ignore[type-arg]
    items = items_of(GOOD.replace(old, new))
    assert parked_of(items) == parked
    assert [claim.remittance_balanced for claim in claims_of(items)] == [True]


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        (b"SE*9*0001", b"SE*9*0002", "ST 0001"),
        (b"GE*1*5", b"GE*1*6", "GS 1"),
        (b"IEA*1*000000005", b"IEA*1*000000006", "ISA 1"),
    ],
)
def test_a_wrong_control_number_is_a_finding(old: bytes, new: bytes, where: str) -> None:
    items = items_of(GOOD.replace(old, new))
    assert (noted_of(items), parked_of(items)) == ([("control-number", where)], [])


def test_without_its_closing_segment_the_last_claim_is_unreadable_and_the_others_open_nothing() -> None:
    body = remittance(PAID, PAID.replace("A1", "A2"), payment="200")
    items = items_of(body[: body.index(b"SE*")])
    assert [(claim.claim_id, claim.remittance_balanced) for claim in claims_of(items)] == [("A1", False)]
    assert [part.claim_id for part in unreadable_of(items)] == ["A2"]
    assert parked_of(items) == [("truncated", "ST 0001 / CLP 2"), ("truncated", "ST 0001")]


def test_a_file_cut_short_before_another_interchange_leaves_the_second_whole() -> None:
    items = items_of(GOOD[: GOOD.index(b"SE*")] + GOOD.replace(b"*A1*", b"*B1*"))
    assert [(claim.claim_id, claim.remittance_balanced) for claim in claims_of(items)] == [("B1", True)]
    assert ("truncated", "ST 0001") in parked_of(items)


def test_an_unreadable_second_interchange_leaves_the_first_whole() -> None:
    items = items_of(GOOD + b"ISA|00|" + b"x" * 3_000)
    assert [claim.remittance_balanced for claim in claims_of(items)] == [True]
    assert parked_of(items) == [("separators", "after ISA 1")]


def test_a_segment_that_never_ends_is_refused_and_what_came_before_opens_nothing() -> None:
    endless = b"NM1*QC*1*" + b"x" * 70_000
    items = items_of(remittance(PAID, payment="100").replace(b"SE*", endless + b"~SE*"))
    assert parked_of(items)[-1] == ("segment-too-long", "after ST 0001")
    assert claims_of(items) == []
    assert [part.code for part in unreadable_of(items)] == ["truncated"]


def test_neither_day_nor_payer_is_ever_made_up() -> None:
    undated = items_of(
        GOOD.replace(b"20260315~TRN", b"~TRN").replace(b"DTM*405*20260315", b"DTM*405*20261301")
    )
    assert ("date-missing", "ST 0001") in parked_of(undated)
    assert [part.code for part in unreadable_of(undated)] == ["date-missing"]
    nameless = items_of(GOOD.replace(b"N1*PR*EXAMPLE HEALTH*XV*60054", b"N1*PR").replace(b"*1512345678", b""))
    assert ("payer-missing", "ST 0001") in parked_of(nameless)
    assert claims_of(undated) == claims_of(nameless) == []


def test_a_decision_is_of_its_production_day_and_happens_on_its_payment_day() -> None:
    items = items_of(GOOD.replace(b"DTM*405*20260315", b"DTM*405*20260312"))
    (claim,) = claims_of(items)
    assert (claim.adjudicated_on, claim.payment_on) == (date(2026, 3, 12), date(2026, 3, 15))
    assert {item.occurred_at.date() for item in items if isinstance(item, Fact)} == {date(2026, 3, 15)}


@pytest.mark.parametrize(
    ("old", "new", "payer"),
    [
        (b"", b"", "60054"),
        (b"*XV*60054~", b"~REF*2U*87726~", "87726"),
        (b"*XV*60054~", b"~", "1512345678"),
        (b"N1*PR*EXAMPLE HEALTH*XV*60054~", b"REF*2U*87726~", "87726"),
        (b"*XV*60054~", b"~N1*PE*X~REF*2U*NOT-THE-PAYERS~", "1512345678"),
    ],
)
def test_the_payer_is_known_by_the_first_identifier_there_is(old: bytes, new: bytes, payer: str) -> None:
    body = GOOD.replace(old, new).replace(b"SE*9*", f"SE*{9 + new.count(b'~') - old.count(b'~')}*".encode())
    assert [claim.payer.id for claim in claims_of(items_of(body))] == [payer]


def test_a_claim_without_an_account_number_is_parked_without_one() -> None:
    for number in ("", "\x07A1", "A" * 65):
        items = items_of(remittance(PAID, f"CLP*{number}*1*0*0~"))
        assert parked_of(items) == [("account-missing", "ST 0001 / CLP 2")]
        assert len(claims_of(items)) == 1


def test_a_claim_segment_outside_any_claim_is_parked() -> None:
    items = items_of(remittance(PAID, "LX*2~", "CAS*PR*1*5~"))
    assert parked_of(items) == [("segment-out-of-place", "ST 0001")]


@pytest.mark.parametrize("segment", ["AMTX*1~", "SV2*0300~", "ZZZ~"])
def test_a_segment_no_835_has_is_noted_and_passed_over(segment: str) -> None:
    items = items_of(remittance(PAID, segment))
    assert (noted_of(items), parked_of(items)) == ([("segment-unknown", "ST 0001 / CLP 1")], [])
    assert claims_of(items) == claims_of(items_of(GOOD))


def test_text_between_interchanges_is_parked() -> None:
    items = items_of(GOOD + b"HELLO*WORLD~" + GOOD)
    assert parked_of(items) == [("stray", "after ISA 1")]
    assert len(claims_of(items)) == 2


def test_a_provider_adjustment_that_cannot_be_read_unbalances_the_remittance() -> None:
    items = items_of(remittance(PAID, "PLB*1*20261231*WO:1*abc~"))
    assert parked_of(items) == [("provider-adjustment-unreadable", "ST 0001 / PLB 1")]
    assert claims_of(items)[0].remittance_balanced is False


def test_names_outside_ascii_are_kept_in_either_encoding() -> None:
    for encoding in ("utf-8", "latin-1"):
        body = GOOD.decode().replace("EXAMPLE HEALTH", "CAISSE SANT\u00c9").encode(encoding)
        assert claims_of(items_of(body))[0].payer.name == "CAISSE SANT\u00c9"


@pytest.mark.parametrize("marks", ["*\x1d\x1c", "| ~", "+:'", "\x1f\x1e\x1c"])
def test_unusual_separators_are_found(marks: str) -> None:
    element, component, segment = marks
    body = remittance("CLP*A1*1*100*100~", "SVC*HC:99213*100*100~").decode()
    swapped = body.translate({ord("*"): element, ord(":"): component, ord("~"): segment})
    (claim,) = claims_of(items_of(swapped.encode()))
    assert (claim.lines[0].procedure, claim.remittance_balanced) == ("99213", True)


def test_x12_is_told_from_other_formats_by_its_first_bytes() -> None:
    assert all(map(looks_like_x12, (GOOD, b"\xef\xbb\xbf\r\n" + GOOD, GOOD[106:], b"ST*835*0001~")))
    assert not any(map(looks_like_x12, (b"", b"{}", b"MSH|^~\\&|", b"ISAAC", b"STATUS: fine", b"\x00\xff")))


def test_every_code_that_can_be_found_is_in_the_table() -> None:
    items = items_of(remittance(PAID, "CLP*A2*6*x*1.001~CAS*CR**1~", "LX*2~", "SVC*x~", count="1"))
    used = {item.code for item in items if isinstance(item, Rejected)} | {code for code, _ in noted_of(items)}
    assert len(used) > 5
    assert used <= CODES
