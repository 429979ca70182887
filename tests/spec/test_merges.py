"""Accounts merged, taken apart again and moved to another patient: whose balance it is, and since when."""

from __future__ import annotations

from datetime import date
from itertools import permutations

import pytest

from schemas.decisions import Responsibility
from schemas.facts import (
    AccountRef,
    AccountRegistered,
    AssistanceChanged,
    CodingStatusChanged,
    Fact,
    Person,
)
from service.core import fold
from service.core.merging import unite
from tests.spec.facts_made import (
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    merged,
    reported,
    statement,
    unmerged,
    verdicts,
)

OLD, NEW, THIRD = AccountRef("GEN", "ACCT0999"), AccountRef("GEN", "ACCT1005"), AccountRef("GEN", "ACCT2000")


def owing(account: AccountRef, amount: str, *, first_statement: int, count: int = 3) -> list[Fact]:
    """An account whose payer left this amount to the patient, and the statements that asked for it."""
    return [
        adult(-200, account=account),
        covered("P1", on=-200, account=account),
        charged(amount, on=-150, id=f"C-{account.number}", account=account),
        decided(amount, "0.00", f"PR-1 {amount}", on=-100, claim=account.number, account=account),
        *[statement(n + 1, first_statement + 30 * n, final=n == 2, account=account) for n in range(count)],
    ]


def e20() -> list[Fact]:
    """Told on day 0: the old account's first statement is 90 days old, the new one's 30."""
    return [
        *owing(OLD, "20.00", first_statement=-90),
        *owing(NEW, "45.00", first_statement=-30, count=1),
        merged(OLD, NEW, 0),
    ]


def told(found: Responsibility) -> list[tuple[str, str]]:
    """The findings, each with its sentence."""
    return [(t.rule, t.found) for t in found.traces]


def clock(facts: list[Fact], as_of: int, ref: AccountRef) -> str:
    """How the gate on the waiting period answers."""
    return verdicts(judge(facts, as_of, ref=ref)[2]).get("G41", "allow")


def test_e20_the_account_that_goes_on_holds_both_balances() -> None:
    account, found, _ = judge(e20(), 0, ref=NEW)
    assert (found.balance_cents, found.net_cents, found.determination) == (6500, 6500, "final")
    assert (account.holds, account.moved_to) == ((OLD,), None)


def test_e20_the_clock_is_the_later_first_statement() -> None:
    assert clock(e20(), 0, NEW) == "hold"
    later = [*e20(), statement(2, 0, account=NEW), statement(3, 25, final=True, account=NEW)]
    assert not judge(later, 29, ref=NEW)[2].opens_case
    assert judge(later, 90, ref=NEW)[2].opens_case


def test_e20_the_account_merged_away_has_nothing_left_and_says_where_it_went() -> None:
    account, found, decision = judge(e20(), 90, ref=OLD)
    assert (account.moved_to, found.balance_cents, found.shares) == (NEW, 0, ())
    assert not decision.opens_case
    told = next(t for t in found.traces if t.rule == "DET-17.merged")
    assert told.found == "This account was merged into GEN/ACCT1005; its balance is there."
    assert told.evidence == (e20()[-1].id,)


def test_statements_about_one_account_never_count_for_the_balance_of_the_other() -> None:
    facts = [
        *owing(OLD, "20.00", first_statement=-90),
        *owing(NEW, "45.00", first_statement=0, count=0),
        merged(OLD, NEW, 0),
    ]
    assert not judge(facts, 300, ref=NEW)[2].opens_case
    billed = [statement(n, 10 + 30 * n, final=n == 3, account=NEW) for n in (1, 2, 3)]
    assert not judge([*facts, *billed], 99, ref=NEW)[2].opens_case
    assert judge([*facts, *billed], 100, ref=NEW)[2].opens_case


def test_an_unmerge_makes_both_accounts_their_own_again() -> None:
    facts = [*e20(), unmerged(OLD, NEW, 5)]
    for ref, cents in ((OLD, 2000), (NEW, 4500)):
        account, found, _ = judge(facts, 60, ref=ref)
        assert (account.moved_to, account.holds, found.net_cents) == (None, (), cents)


def test_merged_unmerged_and_merged_again_is_merged() -> None:
    facts = [*e20(), unmerged(OLD, NEW, 5), merged(OLD, NEW, 9)]
    assert judge(facts, 60, ref=NEW)[1].net_cents == 6500
    assert judge(facts, 60, ref=OLD)[0].moved_to == NEW


def test_of_a_merge_and_an_unmerge_the_later_in_the_hospitals_world_counts_not_the_later_heard() -> None:
    for order in permutations([merged(OLD, NEW, 3), unmerged(OLD, NEW, 1)]):
        assert fold(order, OLD).moved_to == NEW
    for order in permutations([merged(OLD, NEW, 1), unmerged(OLD, NEW, 3)]):
        assert fold(order, OLD).moved_to is None


def test_a_chain_of_merges_ends_at_the_last_account_and_every_account_names_it() -> None:
    facts = [*e20(), *owing(THIRD, "30.00", first_statement=-30), merged(NEW, THIRD, 1)]
    assert judge(facts, 60, ref=THIRD)[1].net_cents == 9500
    assert {ref: fold(facts, ref).moved_to for ref in (OLD, NEW)} == {OLD: THIRD, NEW: THIRD}


def test_without_saying_which_account_is_meant_it_is_the_one_that_all_went_into() -> None:
    chain = [*e20(), *owing(THIRD, "30.00", first_statement=-30), merged(NEW, THIRD, 1)]
    assert fold(e20()) == fold(e20(), NEW) and fold(chain) == fold(chain, THIRD)
    lone = [charged("20.00", account=OLD), merged(OLD, NEW)]
    assert (fold(lone).ref, fold(lone).moved_to) == (OLD, NEW)


def test_accounts_that_nothing_joins_are_not_added_up_and_a_person_must_look() -> None:
    facts = [charged("20.00", account=NEW), charged("45.00", account=OLD)]
    account = fold(facts)
    assert (account.ref, [c.kind for c in account.contradictions]) == (OLD, ["account"])
    assert set(account.contradictions[0].evidence) == {f.id for f in facts}


def test_facts_of_another_account_are_never_this_ones() -> None:
    assert fold([charged("20.00", account=OLD)], NEW).charges == ()
    with pytest.raises(ValueError, match="no fact names an account"):
        fold([])
    assert fold([], NEW).ref == NEW


def test_a_chain_of_merges_is_told_in_every_account_of_it_and_in_no_other() -> None:
    steps = [
        merged(OLD, NEW, 0),
        merged(NEW, THIRD, 1),
        merged(AccountRef("GEN", "X1"), AccountRef("GEN", "X2"), 2),
    ]
    facts = [*(charged("5.00", account=a) for a in (OLD, NEW, THIRD)), *steps]
    for ref in (OLD, THIRD):
        assert [id for _, id in fold(facts, ref).identity_events] == [f.id for f in steps[:2]]
    assert [id for _, id in fold(facts, NEW).identity_events] == [f.id for f in steps[1:2]]


def test_a_statement_of_the_instant_of_a_merge_is_about_both() -> None:
    facts = [*e20(), covered("P2", on=-1, account=NEW), covered("P2", on=0, account=NEW)]
    assert not [c for c in fold(facts, NEW).contradictions if c.kind == "merged.coverage"]


def test_what_a_lone_account_states_is_about_itself() -> None:
    charge = charged("20.00", account=OLD)
    assert unite([charge], None).reaches(charge) == {OLD}


def test_merged_accounts_that_say_nothing_of_payers_do_not_differ_about_them() -> None:
    facts = [charged("20.00", account=OLD), charged("45.00", account=NEW), merged(OLD, NEW)]
    account = fold(facts, NEW)
    assert not account.contradictions and not fold(facts, OLD).mixed_currencies


def test_lists_of_payers_that_differ_or_are_missing_rest_on_what_says_so() -> None:
    lists = [covered("P1", account=OLD), covered("P2", account=NEW)]
    told = [*lists, charged("20.00", account=OLD), charged("45.00", account=NEW), merged(OLD, NEW)]
    (unlike,) = fold(told, NEW).contradictions
    assert unlike.evidence == tuple(sorted(f.id for f in lists))
    (missing,) = fold(told[1:], NEW).contradictions
    assert missing.evidence == tuple(sorted((lists[1].id, told[-1].id)))
    decision = decided("20.00", "0.00", "PR-1 20.00", account=OLD)
    (by_decision,) = fold([lists[1], decision, told[-1]], NEW).contradictions
    assert by_decision.kind == "merged.coverage"


def test_an_unmerge_in_the_middle_of_a_chain_leaves_the_rest_of_it() -> None:
    facts = [*e20(), *owing(THIRD, "30.00", first_statement=-30), merged(NEW, THIRD, 1)]
    facts.append(unmerged(NEW, THIRD, 2))
    assert judge(facts, 60, ref=THIRD)[1].net_cents == 3000
    assert judge(facts, 60, ref=NEW)[1].net_cents == 6500
    assert fold(facts, OLD).moved_to == NEW


def test_merges_in_a_circle_hold_in_one_account_and_a_person_must_choose() -> None:
    facts = [*e20(), merged(NEW, OLD, 1)]
    held = [judge(facts, 90, ref=ref) for ref in (OLD, NEW)]
    assert [account.moved_to for account, _, _ in held] == [None, OLD]
    assert [found.balance_cents for _, found, _ in held] == [6500, 0]
    for _, found, decision in held:
        assert found.determination == "undetermined" and not decision.opens_case
        assert ("DET-03.contradiction", "Accounts were merged into one another in a circle.") in told(found)


def test_an_account_merged_into_itself_holds() -> None:
    _, found, _ = judge([*owing(OLD, "90.00", first_statement=-90), merged(OLD, OLD)], 0, ref=OLD)
    assert (found.balance_cents, found.determination) == (9000, "undetermined")


def test_an_unmerge_out_of_an_account_it_was_not_in_holds_until_a_person_says_which() -> None:
    facts = [*owing(OLD, "90.00", first_statement=-90), merged(OLD, NEW, 1), unmerged(OLD, THIRD, 2)]
    found = judge(facts, 60, ref=OLD)[1]
    said = "An account was taken out of another than the one it had been merged into."
    assert found.determination == "undetermined" and ("DET-03.contradiction", said) in told(found)
    assert judge([*facts, unmerged(OLD, NEW, 3)], 60, ref=OLD)[1].determination == "final"


def test_an_account_known_by_merges_alone_takes_the_balances_of_both() -> None:
    facts = [*owing(OLD, "20.00", first_statement=-90), *owing(NEW, "45.00", first_statement=-90)]
    facts += [merged(OLD, THIRD, 0), merged(NEW, THIRD, 0)]
    assert judge(facts, 0, ref=THIRD)[1].net_cents == 6500
    apart = [*facts, unmerged(OLD, THIRD, 1), unmerged(NEW, THIRD, 1)]
    assert judge(apart, 2, ref=THIRD)[1].balance_cents == 0


def test_lists_of_payers_that_differ_hold_until_one_comes_for_the_merged_account() -> None:
    facts = [*e20(), covered("P2", on=-1, account=NEW)]
    found = judge(facts, 1, ref=NEW)[1]
    said = "The merged accounts' payers differ; a list of payers for all of them is missing."
    assert found.determination == "undetermined" and ("DET-03.contradiction", said) in told(found)
    assert judge([*facts, covered("P1", on=1, account=NEW)], 1, ref=NEW)[1].determination == "final"


def test_a_list_of_payers_for_one_account_says_nothing_of_the_other() -> None:
    facts = [f for f in e20() if not (f.kind == "coverage.listed" and f.account == OLD)]
    assert judge(facts, 1, ref=NEW)[1].determination == "undetermined"


def test_a_hold_on_one_account_is_not_lifted_by_a_word_about_the_other_before_they_were_one() -> None:
    dispute = fact(flagged("dispute", -20).body, -20, account=OLD)
    lifted = fact(cleared("dispute", -10).body, -10, account=NEW)
    assert "dispute" in {f.body.flag for f in fold([*e20(), dispute, lifted], NEW).flags}
    after = fact(cleared("dispute", 1).body, 1, account=NEW)
    assert not fold([*e20(), dispute, after], NEW).flags


def test_coding_of_merged_accounts_is_complete_when_it_is_for_each() -> None:
    waits = fact(CodingStatusChanged("hold"), -20, account=OLD)
    done = fact(CodingStatusChanged("complete"), -10, account=NEW)
    after = fact(CodingStatusChanged("complete"), 2, account=NEW)
    assert "G06" in verdicts(judge([*e20(), waits, done], 1, ref=NEW)[2])
    assert "G06" in verdicts(judge([*e20(), waits, done, after], 15, ref=NEW)[2])
    assert "G06" not in verdicts(judge([*e20(), waits, done, after], 16, ref=NEW)[2])


def test_an_application_for_help_on_one_account_protects_the_merged_one() -> None:
    applied = fact(AssistanceChanged("applied", day(-20)), -20, account=OLD)
    refused = fact(AssistanceChanged("expired", day(-10)), -10, account=NEW)
    assert "G30" in verdicts(judge([*e20(), applied, refused], 1, ref=NEW)[2])


def test_a_reported_balance_is_held_against_the_accounts_that_were_one_by_then() -> None:
    before = [
        fact(reported("20.00", on=-5).body, -5, account=OLD),
        fact(reported("45.00", on=-9).body, -9, account=NEW),
    ]
    found = judge([*e20(), *before], 1, ref=NEW)[1]
    assert (found.balance_cents, "DET-16.difference" in {t.rule for t in found.traces}) == (6500, False)
    after = [
        fact(reported("0.00", on=2).body, 2, account=OLD),
        fact(reported("65.00", on=3).body, 3, account=NEW),
    ]
    found = judge([*e20(), *before, *after], 4, ref=NEW)[1]
    assert (found.balance_cents, "DET-16.difference" in {t.rule for t in found.traces}) == (6500, False)


def test_a_report_on_an_account_merged_away_is_held_against_nothing_also_when_it_is_the_last_word() -> None:
    after = [
        fact(reported("65.00", on=2).body, 2, account=NEW),
        fact(reported("0.00", on=3).body, 3, account=OLD),
    ]
    found = judge([*e20(), *after], 4, ref=NEW)[1]
    assert (found.balance_cents, "DET-16.difference" in {t.rule for t in found.traces}) == (6500, False)


def test_what_a_report_on_an_account_merged_away_cannot_explain_is_not_in_the_other_report() -> None:
    """The old account's is about the later day, and stated first: each has a difference of its own."""
    facts = [
        *e20(),
        fact(reported("10.00", on=9).body, 3, account=OLD),
        fact(reported("65.00", on=5).body, 4, account=NEW),
    ]
    found = judge(facts, 10, ref=NEW)[1]
    open_ = sum(s.amount_cents for s in found.shares if s.bearer == "undetermined")
    assert (found.balance_cents, open_) == (7500, 1000)


def test_an_unexplained_report_on_either_account_is_not_forgotten_by_merging() -> None:
    wrong = fact(reported("50.00", on=-9).body, -9, account=NEW)
    right = fact(reported("20.00", on=-5).body, -5, account=OLD)
    assert "G02" in verdicts(judge([*e20(), wrong, right], 1, ref=NEW)[2])


def test_days_on_which_it_changed_whose_account_this_is_are_told_for_both() -> None:
    facts = [*e20(), unmerged(OLD, NEW, 5)]
    expected = ((day(0), facts[-2].id), (day(5), facts[-1].id))
    assert fold(facts, OLD).identity_events == fold(facts, NEW).identity_events == expected


# -- guarantors and moves ----------------------------------------------------------------------------


def registered(on: int, guarantor: str | None = None, patient: str = "M1", served: int | None = -150) -> Fact:
    """A registration; persons are told apart by their number."""
    born = date(1980, 2, 14)
    body = AccountRegistered(
        Person(patient, birth_on=born),
        Person(guarantor, birth_on=born) if guarantor else None,
        None if served is None else day(served),
        facility_kind="hospital",
    )
    return fact(body, on, account=NEW)


def billed(*registrations: Fact, first_statement: int = -90) -> list[Fact]:
    facts = [
        f for f in owing(NEW, "45.00", first_statement=first_statement) if f.kind != "account.registered"
    ]
    return [*facts, *registrations]


def test_one_guarantor_however_often_restated_answers() -> None:
    account, found, decision = judge(billed(registered(-200, "G1"), registered(-10, "G1")), 0)
    assert (found.determination, len(account.guarantors)) == ("final", 1)
    assert decision.opens_case


def test_a_guarantor_first_named_after_the_service_is_no_change() -> None:
    assert judge(billed(registered(-200), registered(-120, "G1")), 0)[2].opens_case


def test_the_guarantor_of_the_day_of_service_answers_also_after_a_change() -> None:
    account, found, _ = judge(billed(registered(-200, "G1"), registered(-60, "G2")), 0)
    assert found.determination == "final"
    assert account.registered.guarantor is not None and account.registered.guarantor.id == "G1"
    assert [t.guarantor.id for t in account.guarantors if t.guarantor] == ["G1", "G2"]


def test_statements_to_another_guarantor_do_not_count() -> None:
    account, _, decision = judge(billed(registered(-200, "G1"), registered(-60, "G2")), 0)
    assert [s.body.number for s in account.delivered_statements()] == [1]
    assert not decision.opens_case


def test_a_change_before_the_service_is_told_apart_from_one_after() -> None:
    account, _, decision = judge(billed(registered(-300, "G1"), registered(-160, "G2")), 0)
    assert account.registered.guarantor is not None and account.registered.guarantor.id == "G2"
    assert decision.opens_case


def test_when_nobody_says_who_the_guarantor_was_on_the_day_of_service_it_stays_open() -> None:
    _, found, decision = judge(billed(registered(-100, "G1"), registered(-60, "G2")), 0)
    assert (found.determination, found.collectible_cents) == ("undetermined", 0)
    said = "The guarantor changed, and nobody says who answers for the day of service."
    assert ("DET-17", said) in told(found) and {s.reason.text for s in found.shares} == {said}
    assert not decision.opens_case


def test_a_change_in_the_middle_of_a_stay_leaves_it_open() -> None:
    stay = AccountRegistered(None, Person("G1"), day(-170), day(-150))
    first, second = registered(-200, "G1", served=None), registered(-160, "G2", served=None)
    facts = billed(first, fact(stay, -199, account=NEW), second)
    assert judge(facts, 0)[1].determination == "undetermined"


def test_a_late_word_about_the_day_of_service_settles_it() -> None:
    open_ = [registered(-100, "G1"), registered(-60, "G2")]
    assert judge(billed(*open_, registered(-151, "G2")), 0)[1].determination == "final"


def test_an_account_moved_to_another_patient_starts_its_statements_again() -> None:
    facts = billed(registered(-200, "G1", "M1"), registered(-40, "G2", "M2"))
    account, found, decision = judge(facts, 0)
    assert found.determination == "final"
    assert account.registered.guarantor is not None and account.registered.guarantor.id == "G2"
    assert [s.body.number for s in account.delivered_statements()] == [3]
    assert account.identity_events == ((day(-40), facts[-1].id),)
    assert not decision.opens_case


def test_an_account_moved_without_a_word_about_the_new_guarantor_stays_open() -> None:
    facts = billed(registered(-200, "G1", "M1"), registered(-40, None, "M2"))
    account, found, _ = judge(facts, 0)
    assert (account.registered.guarantor, found.determination) == (None, "undetermined")
    assert judge([*facts, registered(-39, "G2", "M2")], 0)[1].determination == "final"


def test_a_person_who_takes_anothers_place_keeps_nothing_of_the_other() -> None:
    dead = AccountRegistered(Person("M1", birth_on=date(1950, 1, 1), deceased_on=day(-50)))
    facts = [fact(dead, -60, account=NEW), fact(AccountRegistered(Person("M2")), -40, account=NEW)]
    assert fold(facts).registered.patient == Person("M2")


def test_merged_accounts_of_two_guarantors_stay_open_until_one_is_named_for_both() -> None:
    facts = [f for f in e20() if f.kind != "account.registered"]
    both = [
        fact(AccountRegistered(Person("M1"), Person("G1")), -200, account=OLD),
        fact(AccountRegistered(Person("M1"), Person("G2")), -200, account=NEW),
    ]
    assert judge([*facts, *both], 1, ref=NEW)[1].determination == "undetermined"
    named = fact(AccountRegistered(guarantor=Person("G2")), 1, account=NEW)
    assert judge([*facts, *both, named], 1, ref=NEW)[1].determination == "final"
