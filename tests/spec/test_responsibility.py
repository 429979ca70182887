"""Who owes what, in stories a billing analyst can check with a pencil."""

from __future__ import annotations

import pytest

from schemas.decisions import Responsibility
from schemas.facts import (
    AccountRef,
    AdjudicatedLine,
    AdjudicationUnreadable,
    Coverage,
    CoverageListed,
    Fact,
    Payer,
)
from service.core import fold
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    merged,
    paid,
    reported,
    submitted,
    triples,
    verdicts,
)


def owes(*facts: Fact) -> Responsibility:
    found = judge([adult(), *facts], 100)[1]
    assert sum(s.amount_cents for s in found.shares) == found.balance_cents
    return found


def borne(found: Responsibility, bearer: str) -> int:
    return sum(s.amount_cents for s in found.shares if s.bearer == bearer)


def rules(found: Responsibility) -> set[str]:
    return {t.rule for t in found.traces}


def test_before_any_payer_decides_the_first_payer_bears_the_charges() -> None:
    found = owes(covered("P1"), charged("600.00"))
    assert (found.determination, borne(found, "payer:P1"), found.net_cents) == ("provisional", 60000, 0)


def test_without_a_coverage_list_nobody_knows_who_bears_the_charges() -> None:
    found = owes(charged("600.00"))
    assert (found.determination, borne(found, "undetermined")) == ("undetermined", 60000)


def test_a_decision_without_a_coverage_list_leaves_nothing_collectible() -> None:
    found = owes(charged("500.00"), decided("500.00", "180.00", "PR-1 320.00"))
    assert (found.determination, found.collectible_cents, borne(found, "patient")) == ("provisional", 0, 0)


def test_an_empty_coverage_list_makes_the_charges_the_patients() -> None:
    found = owes(covered(), charged("600.00"))
    assert (found.determination, found.net_cents) == ("final", 60000)


def test_cover_that_had_ended_before_the_service_is_not_self_pay() -> None:
    listed = CoverageListed((Coverage(1, Payer("P1"), "commercial", None, None, day(-60)),))
    found = owes(fact(listed, -10), charged("600.00"))
    assert (found.determination, borne(found, "undetermined")) == ("provisional", 60000)


def test_the_contract_example_divides_to_the_cent() -> None:
    line = AdjudicatedLine(
        "1", 60000, 35783, adjustments=triples("CO-45 100.00", "PR-1 100.00", "PR-2 42.17")
    )
    found = owes(
        covered("60054"), charged("600.00"), decided("600.00", "357.83", payer="60054", lines=(line,))
    )
    assert found.balance_cents == 14217
    assert [(s.bearer, s.amount_cents, s.reason.code) for s in found.shares] == [
        ("patient", 10000, "1"),
        ("patient", 4217, "2"),
    ]


def test_a_denial_nobody_wrote_off_stays_in_the_balance_with_the_provider() -> None:
    found = owes(covered("P1"), charged("1200.00"), decided("1200.00", "0.00", "CO-29 1200.00"))
    assert (found.balance_cents, borne(found, "provider"), found.net_cents) == (120000, 120000, 0)


def test_writing_the_denial_off_empties_the_balance_and_gives_the_patient_no_credit() -> None:
    found = owes(
        covered("P1"),
        charged("1200.00"),
        decided("1200.00", "0.00", "CO-29 1200.00"),
        adjusted("1200.00", "other"),
    )
    assert (found.balance_cents, found.net_cents, found.determination) == (0, 0, "final")


def test_a_posted_contractual_adjustment_is_the_same_cents_as_the_payers_reduction() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "0.00", "CO-45 180.00", "PR-1 320.00")]
    assert (
        owes(*facts).balance_cents == owes(*facts, adjusted("180.00", "contractual")).balance_cents == 32000
    )


def test_a_larger_posted_contractual_adjustment_is_unexplained_and_never_touches_the_patients_part() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "0.00", "CO-45 180.00", "PR-1 320.00")]
    found = owes(*facts, adjusted("210.00", "contractual"))
    assert (found.balance_cents, found.net_cents, borne(found, "undetermined")) == (29000, 32000, -3000)
    assert "G02" in verdicts(judge([adult(), *facts, adjusted("210.00", "contractual")], 100)[2])


def test_payer_money_posted_under_the_same_trace_counts_once() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00", trace="T1")]
    with_posting = owes(*facts, paid("400.00", by="payer", payer="P1", trace="T1"))
    assert with_posting.balance_cents == owes(*facts).balance_cents == 10000


def test_payer_money_without_a_trace_counts_once_when_it_is_exactly_what_was_decided() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00", trace="T1")]
    assert owes(*facts, paid("400.00", by="payer", payer="P1")).balance_cents == 10000


def test_payer_money_nobody_can_place_is_unexplained_and_holds() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00", trace="T1")]
    found = owes(*facts, paid("50.00", by="payer", payer="P1", trace="T9"))
    assert (found.balance_cents, found.net_cents, borne(found, "undetermined")) == (5000, 10000, -5000)
    assert "G02" in verdicts(
        judge([adult(), *facts, paid("50.00", by="payer", payer="P1", trace="T9")], 100)[2]
    )


def test_payer_money_ahead_of_the_decision_lowers_what_the_payer_answers_for() -> None:
    found = owes(covered("P1"), charged("500.00"), paid("400.00", by="payer", payer="P1", trace="T1"))
    assert (borne(found, "payer:P1"), found.balance_cents) == (10000, 10000)


def test_a_refund_of_money_never_seen_does_not_become_the_patients_debt() -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00"), paid("-50.00"))
    assert (found.net_cents, borne(found, "undetermined")) == (10000, 5000)


def test_a_reported_balance_that_agrees_is_said_to_agree() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00"),
        reported("100.00", "100.00", on=5),
    )
    assert (found.balance_cents, found.net_cents) == (10000, 10000) and "DET-16" in rules(found)


def test_a_reported_balance_is_held_against_the_facts_of_its_day() -> None:
    facts = [
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00"),
        reported("100.00", on=5),
    ]
    found = owes(*facts, paid("30.00", on=20))
    assert (found.balance_cents, found.net_cents, borne(found, "undetermined")) == (7000, 7000, 0)


def test_a_difference_to_the_reported_balance_is_undetermined_and_signed() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00")]
    more, less = owes(*facts, reported("130.00", on=5)), owes(*facts, reported("90.00", on=5))
    assert (more.balance_cents, borne(more, "undetermined")) == (13000, 3000)
    assert (less.balance_cents, borne(less, "undetermined")) == (9000, -1000)


@pytest.mark.parametrize(
    ("total", "holds"), [("101.00", False), ("101.01", True), ("98.99", True), ("99.00", False)]
)
def test_a_difference_of_a_dollar_is_tolerated_and_a_cent_more_is_not(total: str, holds: bool) -> None:
    facts = [adult(), covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00")]
    assert ("G02" in verdicts(judge([*facts, reported(total, on=5)], 100)[2])) is holds


def test_when_billing_asks_the_patient_for_less_the_lower_amount_stands() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00"),
        reported("100.00", "60.00", on=5),
    )
    assert (found.net_cents, found.balance_cents, borne(found, "undetermined")) == (6000, 10000, 4000)


def test_an_unbalanced_claim_leaves_everything_undetermined() -> None:
    found = owes(covered("P1"), charged("400.00"), decided("400.00", "250.00", "CO-45 100.00", "PR-2 60.00"))
    assert (found.determination, found.net_cents) == ("undetermined", 0)


def test_lines_that_do_not_add_up_to_their_claim_leave_it_undetermined() -> None:
    line = AdjudicatedLine("1", 30000, 20000, adjustments=triples("PR-1 100.00"))
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "400.00", lines=(line,)))
    assert found.determination == "undetermined" and "DET-02.unbalanced" in rules(found)


def test_a_remittance_that_does_not_add_up_keeps_its_claims_provisional() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", remittance_balanced=False),
    )
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_the_whole_remittance_sent_again_lifts_the_doubt_that_a_cut_off_one_cast() -> None:
    cut_off = decided("500.00", "400.00", "PR-1 100.00", remittance_balanced=False)
    whole = decided("500.00", "400.00", "PR-1 100.00", remittance_balanced=True)
    for order in ([cut_off, whole], [whole, cut_off]):
        found = owes(covered("P1"), charged("500.00"), *order)
        assert (found.determination, found.collectible_cents) == ("final", 10000)


def test_a_carrier_that_cannot_check_its_remittance_lifts_no_doubt() -> None:
    cut_off = decided("500.00", "400.00", "PR-1 100.00", remittance_balanced=False)
    elsewhere = decided("500.00", "400.00", "PR-1 100.00")
    found = owes(covered("P1"), charged("500.00"), cut_off, elsewhere)
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_an_unknown_reason_code_keeps_the_claim_provisional_and_holds() -> None:
    facts = [adult(), covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-9999 100.00")]
    _, found, decision = judge(facts, 100)
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
    assert verdicts(decision)["G11"] == "hold"


def test_the_exact_negation_finds_its_target_where_no_number_was_given() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1),
        decided("-500.00", "-400.00", "PR-1 -100.00", on=2, status="22"),
        decided("500.00", "450.00", "PR-1 50.00", on=3),
    )
    assert (found.determination, found.net_cents) == ("final", 5000)


def test_an_old_style_reversal_with_group_cr_cancels_by_number() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1, number="N1"),
        decided("-500.00", "-400.00", "CR-45 -100.00", on=2, status="22", number="N1"),
    )
    assert (found.determination, borne(found, "undetermined")) == ("undetermined", 50000)


def test_a_reversal_of_something_never_seen_leaves_the_claim_undetermined() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("-500.00", "-400.00", "PR-1 -100.00", on=1, status="22", number="N1"),
        decided("500.00", "450.00", "PR-1 50.00", on=2, number="N2", original="N1"),
    )
    assert found.determination == "undetermined" and "DET-04.orphan" in rules(found)


def test_a_reversal_is_all_that_is_known_and_leaves_the_account_undetermined() -> None:
    found = owes(covered("P1"), decided("-500.00", "-400.00", "CO-45 -100.00", status="22", number="N1"))
    assert (found.determination, found.net_cents) == ("undetermined", 0)
    assert "DET-04.orphan" in rules(found) and "DET-21.conflict" not in rules(found)


def test_a_price_estimate_decides_nothing() -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "0.00", "OA-101 500.00", status="25"))
    assert (found.determination, borne(found, "payer:P1")) == ("provisional", 50000)


def test_the_secondary_answers_for_what_the_primary_left_until_it_decides() -> None:
    found = owes(
        covered("P1", "P2"), charged("1000.00"), decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00")
    )
    assert (found.determination, borne(found, "payer:P2"), found.balance_cents) == (
        "provisional",
        30000,
        30000,
    )


def test_a_forwarded_claim_waits_for_the_payer_it_was_forwarded_to_even_if_that_is_not_listed() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", status="19", forwarded="X9"),
    )
    assert (found.determination, borne(found, "payer:X9")) == ("provisional", 10000)


def test_a_forwarded_claim_without_a_name_waits_for_somebody() -> None:
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00", status="19"))
    assert (found.determination, borne(found, "undetermined")) == ("provisional", 10000)


@pytest.mark.parametrize(("first_on", "waits"), [(0, True), (9, False)])
def test_whoever_decided_first_is_not_whom_another_payer_passed_the_claim_on_to(
    first_on: int, waits: bool
) -> None:
    found = owes(
        covered(),
        charged("500.00"),
        submitted("500.00", payer="P1"),
        submitted("500.00", payer="P2"),
        decided("500.00", "400.00", "PR-1 100.00", payer="P1", on=first_on),
        decided("500.00", "400.00", "PR-1 100.00", payer="P2", status="19", forwarded="P2", on=5),
    )
    assert (found.determination == "provisional") is waits


def test_a_later_payer_cannot_raise_what_an_earlier_one_left() -> None:
    facts = [
        adult(),
        covered("P1", "P2"),
        charged("1000.00"),
        decided("1000.00", "625.00", "CO-45 300.00", "PR-1 75.00"),
        decided("1000.00", "0.00", "PR-96 500.00", "OA-23 500.00", payer="P2", status="2", on=5),
    ]
    _, found, decision = judge(facts, 100)
    assert found.collectible_cents == 7500
    assert verdicts(decision)["G11"] == "hold"


def test_payments_can_never_leave_the_patient_more_than_is_left_of_the_bill() -> None:
    found = owes(
        covered("P1", "P2"),
        charged("1000.00"),
        decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00"),
        decided("1000.00", "220.00", "OA-23 480.00", "PR-1 300.00", payer="P2", status="2", on=5),
    )
    assert found.collectible_cents == 8000


def test_facts_that_contradict_each_other_leave_everything_undetermined() -> None:
    facts = [covered("P1"), charged("500.00"), charged("900.00"), decided("500.00", "400.00", "PR-1 100.00")]
    found = owes(*facts)
    assert (found.determination, borne(found, "patient")) == ("undetermined", 0)


def test_one_message_id_with_two_contents_leaves_everything_undetermined() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00")]
    one = paid("10.00", id="Q1")
    other = paid("20.00", id="Q2")
    twice = [Fact.of(f.account, f.key, f.occurred_at, f.body, identity="S/1") for f in (one, other)]
    assert owes(*facts, *twice).determination == "undetermined"


def test_two_currencies_leave_everything_undetermined() -> None:
    other = fact(charged("5.00", id="C2").body, -20, key="k2", currency="CAD")
    assert owes(covered("P1"), charged("500.00"), other).determination == "undetermined"


def test_a_decision_that_could_not_be_read_leaves_everything_undetermined_until_it_is_read() -> None:
    facts = [covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-1 100.00", trace="T1")]
    unread = AdjudicationUnreadable("A1", "bad-amount", Payer("P1"), "T1")
    parked = fact(unread, 0)
    placed = Fact.of(parked.account, parked.key, parked.occurred_at, unread, where="ST 1 / CLP 1")
    assert owes(*facts, placed).determination == "undetermined"
    assert "DET-01.unreadable" in rules(owes(*facts, placed))
    mended = facts[2]
    at_place = Fact.of(mended.account, mended.key, mended.occurred_at, mended.body, where="ST 1 / CLP 1")
    assert owes(*facts[:2], at_place, placed).determination == "final"


def test_the_same_decision_from_two_carriers_is_one_decision() -> None:
    facts = [covered("P1"), charged("500.00")]
    from_file = decided("500.00", "400.00", "PR-1 100.00", trace="T1", states="100.00", sequence="000001")
    by_json = decided("500.00", "400.00", "PR-1 100.00", trace="T1", remarks=("N130",))
    assert from_file.id != by_json.id and from_file.key == by_json.key
    found = owes(*facts, from_file, by_json)
    assert (found.determination, found.net_cents, found.balance_cents) == ("final", 10000, 10000)


def test_facts_of_a_merged_pair_are_one_account_under_the_one_that_survives() -> None:
    old = AccountRef("GEN", "OLD")
    facts = [
        covered(),
        covered(account=old),
        charged("20.00", account=old, id="C9"),
        charged("45.00"),
        merged(old, AccountRef("GEN", "A1"), 5),
    ]
    account, found, _ = judge([adult(), *facts], 100)
    assert (str(account.ref), found.balance_cents, found.determination) == ("GEN/A1", 6500, "final")


def test_an_account_that_was_merged_away_holds() -> None:
    away = merged(AccountRef("GEN", "A1"), AccountRef("GEN", "B2"), 5)
    account, found, decision = judge([adult(), covered(), charged("45.00"), away], 100)
    assert account.moved_to == AccountRef("GEN", "B2")
    assert found.determination == "undetermined" and not decision.opens_case


def test_charges_beyond_the_claims_are_undetermined() -> None:
    found = owes(
        covered("P1"),
        charged("700.00"),
        submitted("500.00"),
        decided("500.00", "400.00", "PR-1 100.00"),
    )
    assert (found.determination, borne(found, "undetermined"), found.balance_cents) == (
        "provisional",
        30000,
        30000,
    )


def test_of_contradicting_facts_one_stands_whatever_the_order() -> None:
    one, other = charged("500.00"), charged("900.00")
    assert fold([one, other]).charges == fold([other, one]).charges
    assert len(fold([one, other]).charges) == 1


def test_a_reversal_takes_back_the_latest_decision_of_its_number() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1, number="N1"),
        decided("500.00", "440.00", "PR-1 60.00", on=2, number="N1"),
        decided("-500.00", "-440.00", "PR-1 -60.00", on=3, number="N1", status="22"),
    )
    assert (found.determination, found.net_cents) == ("final", 10000)


def test_a_correction_of_the_same_instant_and_number_comes_after_its_reversal() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1, number="N1"),
        decided("-500.00", "-400.00", "PR-1 -100.00", on=2, number="N1", status="22"),
        decided("500.00", "440.00", "PR-1 60.00", on=2, number="N1", original="N1"),
    )
    assert (found.determination, found.net_cents) == ("final", 6000)


def test_the_newest_decision_is_never_dropped_as_an_old_denial() -> None:
    found = owes(
        covered("P1"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1),
        decided("500.00", "0.00", "PR-96 500.00", on=2),
    )
    assert found.determination == "undetermined" and "DET-21.conflict" in rules(found)


def test_a_payer_that_only_points_elsewhere_binds_nobody() -> None:
    found = owes(
        covered("P1", "P2"),
        charged("500.00"),
        decided("500.00", "400.00", "PR-1 100.00", on=1),
        decided("500.00", "0.00", "PR-27 40.00", "PR-22 20.00", "OA-23 440.00", on=2, payer="P2", status="2"),
    )
    assert (found.assigned_cents, found.determination) == (10000, "provisional")


def test_a_protected_medicare_patient_owes_nothing_whatever_the_payer_says() -> None:
    found = owes(
        covered("P1", kinds={"P1": "qmb"}), charged("500.00"), decided("500.00", "400.00", "PR-2 100.00")
    )
    assert (found.assigned_cents, found.collectible_cents, borne(found, "provider")) == (10000, 0, 10000)


def test_medicaid_leaves_only_its_own_cost_share_with_the_patient() -> None:
    facts = [covered("P1"), charged("500.00")]
    found = owes(*facts, decided("500.00", "400.00", "PR-96 97.00", "PR-3 3.00", filing="MC"))
    assert (found.assigned_cents, found.collectible_cents) == (10000, 300)


@pytest.mark.parametrize(("remark", "collectible"), [("M27", 0), ("N842", 0), ("N782", 0), ("N130", 10000)])
def test_a_remark_that_relieves_the_patient_takes_the_cost_share_away(remark: str, collectible: int) -> None:
    found = owes(
        covered("P1"), charged("500.00"), decided("500.00", "400.00", "PR-2 100.00", remarks=(remark,))
    )
    assert found.collectible_cents == collectible


def test_a_remark_on_one_line_relieves_that_line_alone() -> None:
    lines = (
        AdjudicatedLine("1", 20000, 15000, adjustments=triples("PR-2 50.00"), remarks=("M27",)),
        AdjudicatedLine("2", 30000, 20000, adjustments=triples("PR-1 100.00")),
    )
    found = owes(covered("P1"), charged("500.00"), decided("500.00", "350.00", lines=lines))
    assert (found.assigned_cents, found.collectible_cents) == (15000, 10000)
