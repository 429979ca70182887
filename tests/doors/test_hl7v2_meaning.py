"""What each field means: amounts, payers, people, merges, holds; what waits because a site has not said."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest
from hl7v2.messages import SITE, bodies, facts_of, items_of, message, noted_of, parked_of, plain

from adapters.hl7v2 import Mapping
from adapters.hl7v2.mapping import MEANINGS, STANDARD
from schemas.errors import ConfigRefused
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    AccountsMerged,
    AdjustmentPosted,
    BalanceReported,
    ChargePosted,
    ClaimStatusReported,
    CoverageListed,
    NoticeRecorded,
    PaymentPosted,
)


def mapped(**table: Any) -> Mapping:
    return Mapping.from_table(table)


def ft1(type: str = "CG", code: str = "X", amount: str = "10.00", **more: str) -> str:
    given = {2: "T1", 4: "20260301", 6: type, 7: code, 11: amount} | {int(n[1:]): v for n, v in more.items()}
    return "FT1|" + "|".join(given.get(n, "") for n in range(1, 32)).rstrip("|")


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("10", 1000), ("10.5", 1050), ("10.50&USD", 1050), ("+7", 700), (".25", 25), ("3.", 300),
        ("1.5000", 150), ("0", 0), ("99999999.99", 9_999_999_999),
    ],
)  # fmt: skip
def test_an_amount_is_read_to_the_cent(amount: str, cents: int) -> None:
    (charge,) = bodies(items_of(message("DFT^P03", ft1(amount=amount))), ChargePosted)
    assert charge.amount_cents == cents


@pytest.mark.parametrize(
    ("segment", "code"),
    [
        (ft1(amount="1.005"), "amount-not-whole-cents"),
        (ft1(amount="1,000.00"), "amount-unreadable"),
        (ft1(amount="1e3"), "amount-unreadable"),
        (ft1(amount="NaN"), "amount-unreadable"),
        (ft1(amount="٣"), "amount-unreadable"),
        (ft1(amount="1_000"), "amount-unreadable"),
        (ft1(amount="100000000.00"), "amount-unreadable"),
        (ft1(amount="."), "amount-unreadable"),
        (ft1(amount="5&dollars"), "currency-unreadable"),
        (ft1(amount=""), "amount-missing"),
        (ft1(amount="", f10="3", f12="0.333"), "amount-not-whole-cents"),
        (ft1(amount="", f10="x", f12="1"), "amount-unreadable"),
        (ft1(amount="-5"), "amount-sign-unmapped"),
        (ft1("AJ", "CONTR2"), "transaction-code-unmapped"),
        (ft1("ZZ", ""), "transaction-type-unmapped"),
        (ft1(f2=""), "transaction-id-missing"),
        (ft1(f4=""), "transaction-date-missing"),
        (ft1(f4="20260230"), "transaction-date-missing"),
        (ft1(f5="later"), "transaction-date-missing"),
    ],
)
def test_a_transaction_that_cannot_be_told_waits_and_holds_its_account_and_its_neighbour_goes_through(
    segment: str, code: str
) -> None:
    items = items_of(message("DFT^P03", segment, ft1(f2="T2")))
    assert parked_of(items) == [(code, "MSH 1 / FT1 1")]
    assert [charge.charge_id for charge in bodies(items, ChargePosted)] == ["T2"]
    assert [flag.flag for flag in bodies(items, AccountFlagged)] == ["unread_part"]


def test_without_the_extended_amount_quantity_times_unit_amount_counts() -> None:
    items = items_of(message("DFT^P03", ft1(amount="", f10="2.5", f12="4.10&EUR")))
    (fact,) = [f for f in facts_of(items) if f.kind == "charge.posted"]
    assert (fact.body.amount_cents, fact.currency) == (1025, "EUR")  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("meaning", "expected"),
    [
        ("charge", ("charge.posted", 1000)),
        ("charge.reversal", ("charge.posted", -1000)),
        ("payment.patient", ("payment.posted", 1000)),
        ("payment.payer", ("payment.posted", 1000)),
        ("payment.other", ("payment.posted", 1000)),
        ("refund.patient", ("payment.posted", -1000)),
        ("refund.payer", ("payment.posted", -1000)),
        ("adjustment.contractual", ("adjustment.posted", 1000)),
        ("adjustment.charity", ("adjustment.posted", 1000)),
        ("ignore", None),
    ],
)
def test_a_transaction_becomes_what_the_mapping_says(meaning: str, expected: tuple[str, int] | None) -> None:
    site = mapped(ft1_code={"X": meaning}, amount_sign={"AJ": "magnitude"})
    items = items_of(message("DFT^P03", ft1("AJ")), site)
    told = [
        (f.kind, f.body.amount_cents)
        for f in facts_of(items)
        if isinstance(f.body, ChargePosted | PaymentPosted | AdjustmentPosted)
    ]
    assert told == ([expected] if expected else [])
    assert parked_of(items) == []
    paid = bodies(items, PaymentPosted)
    assert [p.paid_by for p in paid] == ([meaning.partition(".")[2]] if paid else [])


@pytest.mark.parametrize(
    ("rule", "written", "cents"),
    [
        ("magnitude", "10", 1000), ("magnitude", "-10", None), ("signed", "-10", -1000),
        ("signed", "10", 1000), ("inverted", "-10", 1000), ("inverted", "10", -1000),
    ],
)  # fmt: skip
def test_the_sign_of_an_adjustment_is_the_senders_rule(rule: str, written: str, cents: int | None) -> None:
    site = mapped(ft1_code={"X": "adjustment.other"}, amount_sign={"AJ": rule})
    told = bodies(items_of(message("DFT^P03", ft1("AJ", amount=written)), site), AdjustmentPosted)
    assert [a.amount_cents for a in told] == ([] if cents is None else [cents])


def test_the_same_transaction_in_another_message_is_the_same_fact() -> None:
    first = items_of(message("DFT^P03", ft1(), sent="20260402083000", control="1"))
    again = items_of(message("DFT^P03", ft1(), sent="20260403083000", control="2"))
    ids = [[f.id for f in facts_of(items) if f.kind == "charge.posted"] for items in (first, again)]
    assert ids[0] == ids[1] != []


def test_the_same_transaction_with_another_amount_contradicts_it() -> None:
    first = items_of(message("DFT^P03", ft1(), control="1"))
    other = items_of(message("DFT^P03", ft1(amount="11.00"), control="2"))
    (a,), (b,) = ([f for f in facts_of(items) if f.kind == "charge.posted"] for items in (first, other))
    assert a.key == b.key and a.id != b.id


def test_two_facts_of_one_message_have_identities_of_their_own() -> None:
    items = items_of(message("DFT^P03", ft1(), ft1(f2="T2"), "GT1|1|G1|DOE^PAT"))
    identities = [f.identity for f in facts_of(items)]
    assert len(set(identities)) == len(identities) == 3
    repeating = items_of(message("DFT^P03", ft1()), mapped(control_ids="repeating"))
    assert {f.identity for f in facts_of(repeating)} == {None}


LIST = "MSH 1 / PID 1 / IN1"
IN1 = "IN1|{}|P{}|{}|{}" + "|" * 18 + "{}"


def listed(*segments: str, event: str = "ADT^A08", site: Mapping = SITE) -> tuple[list[Any], Any]:
    items = items_of(message(event, *segments), site)
    found = bodies(items, CoverageListed)
    return [[(c.order, c.payer.id, c.kind) for c in one.coverages] for one in found], items


def test_payers_stand_in_the_order_of_their_priority_else_of_their_set_id() -> None:
    two = (IN1.format(1, 1, "B", "", "2"), IN1.format(2, 2, "PAYER001", "", "1"))
    assert listed(*two)[0] == [[(1, "PAYER001", "commercial"), (2, "B", None)]]
    one_unsaid = (two[0], IN1.format(2, 2, "PAYER001", "", ""))
    orders, items = listed(*one_unsaid)
    assert orders == [[(1, "B", None), (2, "PAYER001", "commercial")]]
    assert ("order-from-set-id", "MSH 1 / PID 1 / IN1") in noted_of(items)


@pytest.mark.parametrize(
    ("segments", "code", "where"),
    [
        ((IN1.format(1, 1, "A", "", "1"), IN1.format(1, 2, "B", "", "1")), "payer-order", LIST),
        ((IN1.format("", 1, "A", "", ""), IN1.format("", 2, "B", "", "")), "payer-order", LIST),
        ((IN1.format(1, 1, "", "NAMED", ""),), "payer-missing", "MSH 1 / IN1 1"),
    ],
)  # fmt: skip
def test_payers_whose_order_or_name_is_missing_are_not_guessed(
    segments: tuple[str, ...], code: str, where: str
) -> None:
    orders, items = listed(*segments)
    assert (orders, parked_of(items)) == ([], [(code, where)])
    assert [flag.flag for flag in bodies(items, AccountFlagged)] == ["unread_part"]


def test_no_insurance_segment_states_nothing_and_only_the_mapping_states_self_pay() -> None:
    assert listed("PV1|1|O")[0] == []
    assert listed(IN1.format(1, 1, "SP", "SELF PAY", "1"), site=mapped(payer_kind={"SP": "self_pay"}))[0] == [
        []
    ]


def test_the_kind_of_a_plan_comes_from_the_mapping_alone() -> None:
    segment = "IN1|1|P|MCD|MEDICAID OF OHIO|||||||||||MC"
    assert listed(segment, site=STANDARD)[0] == [[(1, "MCD", None)]]
    assert listed(segment, site=mapped(plan_kind={"MC": "medicaid"}))[0] == [[(1, "MCD", "medicaid")]]
    crossed = mapped(payer={"MCD": "77034"}, payer_kind={"MCD": "medicaid"})
    assert listed(segment, site=crossed)[0] == [[(1, "77034", "medicaid")]]


def test_insurance_of_one_charge_leaves_the_accounts_list_alone() -> None:
    own, charge = IN1.format(1, 1, "A", "", "1"), IN1.format(1, 9, "B", "", "1")
    orders, items = listed(own, ft1(), charge, event="DFT^P11")
    assert orders == [[(1, "A", None)]]
    assert ("coverage-of-a-charge", "MSH 1 / PID 1 / IN1") in noted_of(items)
    assert listed(ft1(), charge, event="DFT^P03")[0] == [[(1, "B", None)]]


def flags(*segments: str, event: str = "ADT^A08", site: Mapping = SITE) -> list[tuple[str, str | None, str]]:
    told = []
    for fact in facts_of(items_of(message(event, *segments), site)):
        if isinstance(fact.body, AccountFlagged | AccountCleared):
            told.append((fact.body.flag, fact.body.reference, fact.kind.partition(".")[2]))
    return told


PID = "PID|1||MRN1||DOE^PAT||19800214|F||||||||||A1||||||||||"


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ((PID + "|20260101|Y|N",), [("deceased", "PID-30", "flagged")]),
        ((PID + "||N|Y",), [("identity_event", "PID-31", "flagged")]),
        (("GT1|1|G||||||||||||||||||||Y",), [("billing_hold", "GT1-22", "flagged")]),
        (("GT1|1|G||||||||||||||||||||N",), [("billing_hold", "GT1-22", "cleared")]),
        (("GT1|1|G",), []),
        (("GT1|1|G||||||||||||||||||||||20260101|Y",), [("deceased", "GT1-25", "flagged")]),
        (("ACC|20260101||HOME|OH",), [("third_party_liability", "ACC-4", "flagged")]),
        (("ACC|20260101||WORK||Y",), [("third_party_liability", "ACC-5", "flagged")]),
        (("ACC|20260101||HOME||N",), []),
        (("IN2||||||||||||||||ACT",), [("active_duty", "IN2-16", "flagged")]),
        (("IN2||||||||||||||||RET",), []),
    ],
)
def test_what_protects_a_person_becomes_a_hold(
    segments: tuple[str, ...], expected: list[tuple[str, str, str]]
) -> None:
    assert flags(*segments) == expected


def test_a_discharge_taken_back_holds_until_the_next_discharge() -> None:
    assert flags(event="ADT^A13") == [("late_charge_hold", "A13", "flagged")]
    assert flags(event="ADT^A03") == [("late_charge_hold", "A13", "cleared")]
    assert flags(event="ADT^A11") == [("charge_audit", "A11", "flagged")]


def merges(event: str, *segments: str) -> list[tuple[AccountRef | None, AccountRef]]:
    return [
        (f.account, f.body.into)
        for f in facts_of(items_of(message(event, *segments)))
        if isinstance(f.body, AccountsMerged)
    ]


@pytest.mark.parametrize("event", ["ADT^A41", "ADT^A49", "ADT^A18", "ADT^A44"])
def test_a_merge_of_accounts_moves_the_prior_accounts_facts(event: str) -> None:
    assert merges(event, "MRG|MRN0||A0") == [(AccountRef("GEN", "A0"), AccountRef("GEN", "A1"))]


def test_a_merge_of_patients_moves_no_account() -> None:
    assert merges("ADT^A40", "MRG|MRN0||A0") == []
    assert flags("MRG|MRN0", event="ADT^A40") == [("identity_event", "A40", "flagged")]


def test_a_merge_that_names_one_account_only_waits() -> None:
    items = items_of(message("ADT^A41", "MRG|MRN0"))
    assert (merges("ADT^A41", "MRG|MRN0"), parked_of(items)) == (
        [],
        [("merge-incomplete", "MSH 1 / PID 1 / MRG")],
    )


def test_an_account_renumbered_by_the_way_is_not_guessed_and_both_hold() -> None:
    items = items_of(message("ADT^A06", "MRG|MRN0||A0"))
    assert parked_of(items) == [("account-renumbered", "MSH 1 / MRG 1")]
    held = {str(f.account) for f in facts_of(items) if isinstance(f.body, AccountFlagged)}
    assert held == {"GEN/A0", "GEN/A1"}


@pytest.mark.parametrize(
    ("rule", "pv1", "expected"),
    [
        ("ignore", "500.00|800|200|100", None),
        ("account", "500.00", (50_000, None)),
        ("patient", "120.00|800|200|100", (50_000, 12_000)),
        ("patient", "120.00", None),
        ("account", "20260402083000", None),
        ("account", "n/a", None),
    ],
)
def test_a_balance_is_stated_only_as_the_mapping_reads_it(
    rule: str, pv1: str, expected: tuple[int, int | None] | None
) -> None:
    segment = "PV1|1|O" + "|" * 44 + pv1
    told = bodies(items_of(message("BAR^P05", segment), mapped(pv1_46=rule)), BalanceReported)
    assert [(b.total_cents, b.patient_cents) for b in told] == ([expected] if expected else [])


@pytest.mark.parametrize(("code", "valid"), [("4", False), ("2", True), ("3", None), ("", None)])
def test_a_notice_counts_only_where_the_mapping_says_so(code: str, valid: bool | None) -> None:
    told = bodies(items_of(message("DFT^P03", ft1(f27=code))), NoticeRecorded)
    assert [n.valid for n in told] == ([] if valid is None else [valid])


@pytest.mark.parametrize(
    ("evn", "at"),
    [
        ("EVN|A08|20260402083000||||20260401120000", "2026-04-01T16:00:00+00:00"),
        ("EVN|A08|20260402083000", "2026-04-02T12:30:00+00:00"),
        ("EVN|A08|20260402", "2026-04-02T12:30:05+00:00"),
        ("EVN|A08|20260402083000+0000", "2026-04-02T08:30:00+00:00"),
        ("EVN|A08|soon", "2026-04-02T12:30:05+00:00"),
        ("EVN|A08", "2026-04-02T12:30:05+00:00"),
    ],
)
def test_when_it_became_true_is_the_events_own_time(evn: str, at: str) -> None:
    body = message("ADT^A08", sent="20260402083005").replace(b"EVN|A08|20260402083005", evn.encode())
    assert {f.occurred_at.isoformat() for f in facts_of(items_of(body))} == {at}


def test_without_any_time_a_message_waits() -> None:
    items = items_of(message("ADT^A08", sent=""))
    assert (facts_of(items), parked_of(items)) == ([], [("time-missing", "MSH 1")])


def test_the_account_number_is_where_the_mapping_says() -> None:
    pid = "PID|1||MRN1^^^G^MR~X9^^^G^AN||DOE^PAT"
    visit = "PV1|1|O" + "|" * 17 + "V7"
    for rule, number in (("PID-3", "X9"), ("PV1-19", "V7")):
        (fact,) = facts_of(items_of(message("ADT^A08", pid, visit), mapped(account=rule)))
        assert fact.account == AccountRef("GEN", number)
    assert parked_of(items_of(message("ADT^A08", pid, visit))) == [("account-missing", "MSH 1 / PID 1")]
    site = mapped(facility="MSH-4", facilities={"GENHOSP": "NORTH"})
    assert facts_of(items_of(message("ADT^A08"), site))[0].account == AccountRef("NORTH", "A1")


def test_what_is_stated_as_nothing_is_noted_and_takes_nothing_back() -> None:
    items = items_of(message("ADT^A08", "PV1|1|O" + "|" * 42 + '20260101|""'))
    assert noted_of(items) == [("null-not-kept", "MSH 1 / PV1 1 / PV1-45")]
    (told,) = bodies(items, AccountRegistered)
    assert (told.service_from, told.service_to) == (date(2026, 1, 1), None)


def test_z_segments_fill_fields_and_place_flags_by_the_mapping() -> None:
    site = mapped(z={"ZPB-2": "financial_class", "ZPB-3": "flag.vip", "ZPB-4.2": "guarantor.phone"})
    items = items_of(message("ADT^A08", "ZPB|1|SELF|Y|x^555"), site)
    (told,) = bodies(items, AccountRegistered)
    assert told.financial_class == "SELF" and told.guarantor is not None and told.guarantor.phone == "555"
    assert [flag.flag for flag in bodies(items, AccountFlagged)] == ["vip"]


def test_events_nobody_reads_wait_with_their_account_and_those_the_mapping_ignores_do_not() -> None:
    items = items_of(message("ORU^R01"))
    assert plain(items)["parked"] == [["unsupported-event", "MSH 1"]] and facts_of(items) == []
    assert parked_of(items_of(message("ORU^R01"), mapped(ignore=["ORU^*"]))) == []
    assert facts_of(items_of(message("ADT^A08"), mapped(ignore=["ADT^A08"]))) == []


def test_a_claims_status_is_stated_and_what_the_patient_owes_is_not() -> None:
    items = items_of(message("EHC^E10", "IPR|IP1|C1|C1|PEND|20260401|100.00", "IN1|1|P|PAYER001|X"))
    (told,) = bodies(items, ClaimStatusReported)
    assert (told.claim_id, told.payer.id, told.status) == ("C1", "PAYER001", "pending")
    assert {f.kind for f in facts_of(items)} == {"claim.status"}


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ({"colour": "red"}, "mapping.colour"),
        ({"account": "PID-4"}, "mapping.account"),
        ({"ft1_code": {"X": "payment"}}, "mapping.ft1_code.X"),
        ({"amount_sign": {"CG": "plus"}}, "mapping.amount_sign.CG"),
        ({"plan_kind": "HMO"}, "mapping.plan_kind"),
        ({"ignore": ["everything"]}, "mapping.ignore"),
        ({"z": {"PID-3": "patient.id"}}, "mapping.z.PID-3"),
        ({"z": {"ZPB-3": "balance"}}, "mapping.z.ZPB-3"),
        ({"timezone": "Mars/Olympus"}, "mapping.timezone"),
        ({"currency": "dollars"}, "mapping.currency"),
    ],
)
def test_a_mapping_that_does_not_hold_together_is_refused_with_its_place(
    table: dict[str, Any], where: str
) -> None:
    with pytest.raises(ConfigRefused, match="bad-mapping") as refused:
        Mapping.from_table(table)
    assert refused.value.where == where


def test_a_mappings_version_follows_what_it_says() -> None:
    assert mapped().version == STANDARD.version != mapped(pv1_46="account").version
    assert "ignore" in MEANINGS


def test_a_clock_that_runs_ahead_is_noticed() -> None:
    items = items_of(message("ADT^A08"), received_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert noted_of(items) == [("in-the-future", "MSH 1")]
