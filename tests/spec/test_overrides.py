"""What people may let go about one account, and what nobody may."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from schemas.decisions import Decision, Finding, Verdict
from schemas.errors import PolicyRefused
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    Fact,
    OverrideApproved,
    OverrideProposed,
    OverrideWithdrawn,
)
from service.core import Policy, advance, apportion, decide, explain, fold, parse_policy, read_decision
from service.core.basis import answer_to_why
from service.core.gates import REGISTRY
from service.core.glance import glance
from service.core.lifting import verdict_sha256, why_not_liftable
from service.core.overriding import is_placed_at_desk, key_of_hold
from service.core.side_by_side import SideBySide
from service.core.walk import days_of, opening_of
from service.core.withdrawing import CONTRADICTION
from service.rules import Expression
from tests.spec.facts_made import (
    ACCOUNT,
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    merged,
    paid,
    policy_texts,
    statements,
)

REASON = "The patient asked for a case to set up a plan."


def small(left: str = "12.00", charge: str = "40.00", pays: str = "28.00") -> list[Fact]:
    """An account of which everything is settled, and only the patient's part is below the minimum."""
    return [
        adult(),
        covered("P1", on=-40),
        charged(charge, on=-35),
        decided(charge, pays, f"PR-1 {left}", on=-5),
        *statements(),
    ]


def against(facts: list[Fact], as_of: int, gate: str, policy: Policy = POLICY) -> Finding:
    decision = judge(facts, as_of, policy)[2]
    return next(f for f in decision.findings if f.gate == gate and f.stage == "open_case")


def proposed(
    facts: list[Fact], gate: str, on: int = 70, until: int = 100, by: str = "Ann Lee", policy: Policy = POLICY
) -> Fact:
    seen = against(facts, on, gate, policy)
    net = judge(facts, on, policy)[1].net_cents
    body = OverrideProposed(
        by, REASON, day(on), gate, None, day(until), verdict_sha256(seen), seen.because, net, "os:ann"
    )
    return fact(body, on)


def approved(
    proposal: Fact,
    on: int = 71,
    by: str = "Bob Ray",
    known_as: str | None = None,
    account: AccountRef = ACCOUNT,
) -> Fact:
    return fact(OverrideApproved(proposal.id, by, "Looked at it.", day(on), known_as), on, account=account)


def withdrawn(proposal: Fact, on: int, by: str = "Cy Dee") -> Fact:
    return fact(OverrideWithdrawn(proposal.id, by, "No longer needed.", day(on)), on)


def lifted(facts: list[Fact] | None = None, gate: str = "G42") -> list[Fact]:
    found = facts or small()
    proposal = proposed(found, gate)
    return [*found, proposal, approved(proposal)]


def opens(facts: list[Fact], as_of: int = 75, policy: Policy = POLICY) -> bool:
    return judge(facts, as_of, policy)[2].opens_case


# -- two people -----------------------------------------------------------------------------------------


def test_two_people_let_a_case_open_below_the_minimum_and_the_gates_own_verdict_stays() -> None:
    facts = lifted()
    assert not opens(small())
    assert opens(facts)
    found = against(facts, 75, "G42")
    assert found.verdict is Verdict.BLOCK
    assert found.because == "12.00 is below the minimum of 25.00."
    assert not found.stands
    assert found.lifted is not None
    assert (found.lifted.by, found.lifted.approved_by) == ("Ann Lee", "Bob Ray")
    assert found.lifted.reason == REASON
    assert found.lifted.until == day(100)
    assert found.lifted.override == facts[-2].id
    assert found.lifted.evidence == (facts[-2].id, facts[-1].id)


def test_a_proposal_alone_lifts_nothing() -> None:
    facts = small()
    assert not opens([*facts, proposed(facts, "G42")])


@pytest.mark.parametrize("name", ["Ann Lee", " ann  LEE ", "ＡＮＮ Lee", ""])
def test_whoever_proposed_it_cannot_approve_it_however_the_name_is_written(name: str) -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    assert not opens([*facts, proposal, approved(proposal, by=name)])


def test_two_names_under_one_key_are_one_person() -> None:
    facts = small()
    body = replace(proposed(facts, "G42").body, known_as="key:abc")
    proposal = fact(body, 70)
    assert not opens([*facts, proposal, approved(proposal, known_as="key:abc")])
    assert opens([*facts, proposal, approved(proposal, known_as="key:def")])


def test_a_third_person_may_approve_after_the_first_tried_to() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    own = approved(proposal, on=70, by="Ann Lee")
    found = against([*facts, proposal, own, approved(proposal)], 75, "G42").lifted
    assert found is not None
    assert found.approved_by == "Bob Ray"


def test_an_approval_on_another_account_approves_nothing() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    other = approved(proposal, account=AccountRef("GEN", "A2"))
    account = fold([*facts, proposal, other], ACCOUNT)
    assert account.overrides[0].state == "proposed"


def test_one_person_is_enough_to_take_it_back_and_no_later_approval_brings_it_again() -> None:
    facts = lifted()
    assert opens(facts)
    assert not opens([*facts, withdrawn(facts[-2], 72)])
    assert not opens([*facts, withdrawn(facts[-2], 72), approved(facts[-2], on=73, by="Di Eve")])


def test_of_joined_accounts_an_approval_stated_for_the_other_approves_nothing() -> None:
    other = AccountRef("GEN", "A2")
    facts = [merged(other, ACCOUNT, on=60), *small()]
    proposal = proposed(facts, "G42", on=80)
    assert against([*facts, proposal, approved(proposal, on=81)], 85, "G42").lifted is not None
    elsewhere = approved(proposal, on=81, account=other)
    assert against([*facts, proposal, elsewhere], 85, "G42").lifted is None


# -- for a time -----------------------------------------------------------------------------------------


def test_it_lifts_from_the_day_of_the_approval_until_the_day_it_names_and_is_looked_at_on_that_day() -> None:
    facts = lifted()
    assert not opens(facts, 70)
    assert opens(facts, 71)
    assert opens(facts, 99)
    assert not opens(facts, 100)
    assert judge(facts, 75)[2].review_on == day(100)


def test_no_override_lasts_longer_than_policy_lets_it() -> None:
    facts = small()
    proposal = proposed(facts, "G42", until=900)
    facts = [*facts, proposal, approved(proposal)]
    assert opens(facts, 71 + 89)
    assert not opens(facts, 71 + 90)
    assert judge(facts, 75)[2].review_on == day(71 + 90)


def test_a_policy_that_says_nothing_of_overrides_lets_nothing_be_lifted() -> None:
    texts = policy_texts()
    house = texts["house_default.toml"]
    begins, ends = house.index("[overrides]"), house.index("[gates.G01]")
    silent = parse_policy(texts | {"house_default.toml": house[:begins] + house[ends:]})
    assert opens(lifted(), policy=POLICY)
    assert not opens(lifted(), policy=silent)


# -- only the very answer that was looked at ------------------------------------------------------------


def test_another_amount_is_another_answer() -> None:
    facts = lifted()
    assert not opens([*facts, paid("2.00", on=72)])


def test_a_larger_amount_is_never_covered_although_the_gate_says_the_same() -> None:
    facts = small(left="30.00", charge="60.00", pays="30.00")[:-1]
    facts = [*facts[:-1]]
    proposal = proposed(facts, "G40")
    allowed = [*facts, proposal, approved(proposal)]
    assert against(allowed, 75, "G40").lifted is not None
    smaller = fact(replace(proposal.body, amount_cents=2999), 70)
    assert against([*facts, smaller, approved(smaller)], 75, "G40").lifted is None


def test_other_evidence_is_another_answer() -> None:
    facts = small("300.00", "400.00", "100.00")[:-2]
    proposal = proposed(facts, "G41", on=40, until=70)
    early = [*facts, proposal, approved(proposal, on=41)]
    assert against(early, 45, "G41").lifted is not None
    returned = fact(AccountFlagged("returned_mail", day(42), reference="1"), 42)
    assert against([*early, returned], 45, "G41").lifted is None


def test_another_value_of_the_policy_is_another_answer() -> None:
    texts = policy_texts()
    house = texts["house_default.toml"].replace('value = "25.00"', 'value = "20.00"', 1)
    assert 'value = "20.00"' in house
    milder = parse_policy(texts | {"house_default.toml": house})
    assert not opens(lifted(), policy=milder)


def test_what_was_lifted_for_an_account_counts_no_more_once_others_are_joined_with_it() -> None:
    other = AccountRef("GEN", "A2")
    facts = lifted()
    joined = [*facts, merged(other, ACCOUNT, on=74)]
    assert against(facts, 90, "G42").lifted is not None
    assert against(joined, 90, "G42").lifted is None


def test_other_gates_stand_as_they_did() -> None:
    facts = lifted()
    assert not opens([*facts, flagged("bankruptcy", 72)])
    assert not opens([*facts, flagged("dispute", 72)])


def test_only_opening_a_case_is_lifted() -> None:
    decision = judge(lifted(), 75)[2]
    others = [f for f in decision.findings if f.gate == "G42" and f.stage != "open_case"]
    assert [f.lifted for f in others] == [None, None]
    assert decision.outcomes[1] is Verdict.BLOCK


# -- what nobody may lift -------------------------------------------------------------------------------


def test_only_these_gates_may_ever_be_lifted() -> None:
    assert {g.id: g.lift for g in REGISTRY if g.lift != "never"} == {
        "G06": "waits",
        "G40": "any",
        "G41": "waits",
        "G42": "any",
    }


@pytest.mark.parametrize(
    ("gate", "holds"),
    [
        ("G50", [flagged("bankruptcy", 62)]),
        ("G51", [flagged("deceased", 62)]),
        ("G52", [flagged("minor", 62)]),
        ("G46", [flagged("dispute", 62)]),
        ("G56", [flagged("a_hold_nobody_knows", 62)]),
        ("G13", [covered("P1", kinds={"P1": "qmb"}, on=61)]),
        ("G13", [covered("P1", kinds={"P1": "medicaid"}, on=61)]),
        ("G17", [covered("P1", kinds={"P1": "workers_comp"}, on=61)]),
        ("G03", [covered("P1", "P2", on=61)]),
        ("G01", [covered("P1", "P2", on=61)]),
        ("G12", [paid("120.00", on=62)]),
    ],
)
def test_law_doubt_and_protection_stand_whoever_approves(gate: str, holds: list[Fact]) -> None:
    facts = [*small("120.00", "200.00", "80.00"), *holds]
    proposal = proposed(facts, gate)
    forced = [*facts, proposal, approved(proposal)]
    found = against(forced, 75, gate)
    assert found.stands
    assert not opens(forced)


def test_a_wait_is_lifted_and_a_missing_statement_is_not() -> None:
    facts = small("120.00", "200.00", "80.00")
    assert against(facts[:-2], 40, "G41").verdict is Verdict.HOLD
    waiting = proposed(facts[:-2], "G41", on=40, until=60)
    assert against([*facts[:-2], waiting, approved(waiting, on=41)], 45, "G41").lifted is not None
    nothing_sent = facts[:-3]
    proposal = proposed(nothing_sent, "G41", on=40, until=60)
    assert against([*nothing_sent, proposal, approved(proposal, on=41)], 45, "G41").stands


def test_unfinished_coding_is_no_wait_that_people_may_end() -> None:
    facts = [*small("120.00", "200.00", "80.00"), flagged("charge_audit", 62)]
    proposal = proposed(facts, "G06")
    assert against([*facts, proposal, approved(proposal)], 75, "G06").stands


def test_a_gate_of_which_a_states_law_speaks_is_not_lifted_there() -> None:
    from schemas.facts import AccountRegistered, Address, Person

    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state="CA"))
    home = fact(AccountRegistered(patient=person), 1)
    facts = small("120.00", "200.00", "80.00")[:-2]
    proposal = proposed(facts, "G41", on=40, until=60)
    assert against([*facts, proposal, approved(proposal, on=41)], 45, "G41").lifted is not None
    there = [*facts, home]
    proposal = proposed(there, "G41", on=40, until=60)
    assert against([*there, proposal, approved(proposal, on=41)], 45, "G41").stands


def test_a_policy_that_lets_people_lift_law_is_refused() -> None:
    texts = policy_texts()
    wrong = texts["us_federal.toml"].replace("[gates.G50]\n", "[gates.G50]\nliftable = true\n")
    with pytest.raises(PolicyRefused) as refused:
        parse_policy(texts | {"us_federal.toml": wrong})
    assert refused.value.code == "never-liftable"


def test_a_policy_may_take_back_what_people_may_lift() -> None:
    texts = policy_texts()
    house = texts["house_default.toml"].replace("liftable = true\n", "")
    assert not opens(lifted(), policy=parse_policy(texts | {"house_default.toml": house}))


HOUSE_RULE = """
[policy]
id = "our-house"
version = "1"

[[rule]]
id = "H10"
name = "we wait for the office"
when = "net_cents < 100000"
verdict = "hold"
because = "The office looks at every small account first."
citation = "Our handbook"
stage = "open_case"
"""


@pytest.mark.parametrize(("more", "lets"), [("", False), ("liftable = true\n", True)])
def test_a_house_rule_is_lifted_only_where_it_says_so(more: str, lets: bool) -> None:
    policy = parse_policy(policy_texts() | {"zz.toml": HOUSE_RULE + more}, Expression)
    facts = small("120.00", "200.00", "80.00")
    assert not opens(facts, policy=policy)
    proposal = proposed(facts, "H10", policy=policy)
    assert opens([*facts, proposal, approved(proposal)], policy=policy) is lets


UNKNOWN_RULE = HOUSE_RULE.replace("net_cents < 100000", "financial_class == 'X'") + "liftable = true\n"


def test_a_house_rule_that_could_not_be_asked_is_not_lifted() -> None:
    policy = parse_policy(policy_texts() | {"zz.toml": UNKNOWN_RULE}, Expression)
    facts = small("120.00", "200.00", "80.00")
    assert "not known" in against(facts, 75, "H10", policy).because
    proposal = proposed(facts, "H10", policy=policy)
    assert not opens([*facts, proposal, approved(proposal)], policy=policy)


def test_nothing_but_opening_a_case_may_be_lifted() -> None:
    decision = judge(small(), 75)[2]
    place = next(f for f in decision.findings if f.gate == "G42" and f.stage == "place")
    assert why_not_liftable(place, POLICY.on(day(75))) == "only what keeps a case from opening may be lifted"


def test_why_a_gate_may_not_be_lifted_is_said() -> None:
    facts = [*small("120.00", "200.00", "80.00"), flagged("bankruptcy", 62)]
    why = why_not_liftable(against(facts, 75, "G50"), POLICY.on(day(75)))
    assert why == "it keeps law, certainty or a person's protection, and nobody may lift it"


# -- a person's hold ------------------------------------------------------------------------------------


def held(on: int = 66, by: str = "Ann Lee") -> Fact:
    reference = f"{by} {on}"
    body = AccountFlagged("manual", day(on), None, reference, by, "The family called.")
    return fact(body, on, key=key_of_hold(ACCOUNT, reference))


def release(hold: Fact, on: int = 70, by: str = "Ann Lee") -> Fact:
    return fact(OverrideProposed(by, "Settled.", day(on), hold=hold.id), on)


def test_a_person_holds_an_account_at_once_and_only_two_people_release_it() -> None:
    facts = [*small("120.00", "200.00", "80.00")]
    hold = held()
    assert opens(facts)
    assert not opens([*facts, hold])
    proposal = release(hold)
    assert not opens([*facts, hold, proposal])
    assert not opens([*facts, hold, proposal, approved(proposal, by="ann lee")])
    assert opens([*facts, hold, proposal, approved(proposal)])


def test_a_senders_clearing_never_lifts_what_a_person_here_placed() -> None:
    facts, hold = small("120.00", "200.00", "80.00"), held()
    reference = getattr(hold.body, "reference", None)
    for named in (reference, None):
        assert not opens([*facts, hold, fact(AccountCleared("manual", day(70), named), 70)])
    theirs = flagged("manual", 66, reference="X")
    assert opens([*facts, theirs, fact(AccountCleared("manual", day(70), "X"), 70)])


def test_a_senders_flag_with_the_same_words_is_none_of_ours() -> None:
    facts, hold = small("120.00", "200.00", "80.00"), held()
    theirs = replace(hold, identity="desk/1")
    reference = getattr(hold.body, "reference", None)
    assert opens([*facts, theirs, fact(AccountCleared("manual", day(70), reference), 70)])


def test_a_release_that_was_withdrawn_lets_the_hold_stand_again() -> None:
    facts, hold = small("120.00", "200.00", "80.00"), held()
    proposal = release(hold)
    let_go = [*facts, hold, proposal, approved(proposal)]
    assert not opens([*let_go, withdrawn(proposal, 73)])


# -- what is kept and told ------------------------------------------------------------------------------


def test_the_record_says_who_lifted_what_and_reads_back_the_same() -> None:
    decision = judge(lifted(), 75)[2]
    again = read_decision(decision.content, POLICY)
    assert again == decision
    assert b'"lifted":[{' in decision.content
    assert b"Bob Ray" in decision.content


def test_a_decision_without_overrides_keeps_its_bytes() -> None:
    assert b"lifted" not in judge(small(), 75)[2].content


def test_what_is_lifted_makes_it_another_decision() -> None:
    facts = lifted()
    first = judge(facts, 75)[2]
    later = fact(replace(facts[-2].body, until=day(90)), 70)
    second = judge([*small(), later, approved(later)], 75)[2]
    assert first.material != second.material
    assert first.material != judge(small(), 75)[2].material


def test_the_story_says_that_two_people_lifted_it_and_what_would_take_the_case_back() -> None:
    facts = lifted()
    account, owes, decision = judge(facts, 75)
    story = explain(account, owes, decision, POLICY)
    assert "lifted by two people (G42 until 2026-04-11)" in story.summary
    assert "nothing stands in the way" not in story.summary
    assert any("the override in force were withdrawn" in c.change for c in story.counterfactuals)


def test_the_facts_named_as_basis_alone_give_the_same_answer_and_the_override_is_among_them() -> None:
    facts = lifted()
    account, owes, decision = judge(facts, 75)
    basis = explain(account, owes, decision, POLICY).basis
    assert {facts[-1].id, facts[-2].id} <= set(basis.facts)
    alone = fold([f for f in facts if f.id in basis.facts], ACCOUNT)
    owes_alone = apportion(alone, POLICY)
    again = decide(alone, owes_alone, POLICY, day(75))
    assert answer_to_why(owes, decision) == answer_to_why(owes_alone, again)


def test_how_the_case_came_about_names_the_gate_that_people_let_go() -> None:
    account = fold(lifted(), ACCOUNT)
    opening = opening_of(account, POLICY, day(75))
    assert opening is not None
    assert opening.on == day(71)
    assert opening.let_go[-1].gate == "G42"


def same_glance(decision: Decision, facts: list[Fact], as_of: int) -> bool:
    account, owes, _ = judge(facts, as_of)
    return glance(account, owes, POLICY, day(as_of)).opens is decision.opens_case


@pytest.mark.parametrize("as_of", [69, 70, 71, 99, 100, 130])
def test_a_glance_and_a_backtest_see_what_people_lifted(as_of: int) -> None:
    facts = lifted()
    decision = judge(facts, as_of)[2]
    assert same_glance(decision, facts, as_of)
    base, draft = SideBySide(POLICY, POLICY).walk(facts, ACCOUNT, day(as_of))
    assert (base.is_open, draft.is_open) == (decision.opens_case, decision.opens_case)


def test_a_backtest_sees_a_case_that_people_let_open_before_its_statements_were_enough() -> None:
    facts = small("120.00", "200.00", "80.00")[:-2]
    wait, count = proposed(facts, "G41", on=40, until=90), proposed(facts, "G40", on=40, until=90)
    let = [*facts, wait, count, approved(wait, on=41), approved(count, on=42)]
    assert opens(let, 43)
    base, _ = SideBySide(POLICY, POLICY).walk(let, ACCOUNT, day(50))
    assert [spell.opened_on for spell in base.spells] == [day(42)]


def test_an_answer_that_rests_on_an_override_is_another_answer() -> None:
    few = small("120.00", "200.00", "80.00")[:-2]
    facts = [*lifted(few, "G40"), flagged("dispute", 72)]
    without = [f for f in facts if not isinstance(f.body, OverrideProposed)]
    assert against(facts, 75, "G40").lifted is not None
    told, owes = judge(facts, 75), judge(without, 75)
    assert answer_to_why(told[1], told[2]) != answer_to_why(owes[1], owes[2])


def test_the_way_through_time_has_the_day_on_which_an_override_ends() -> None:
    days = [on for on, _ in days_of(lifted(), POLICY, day(130), ACCOUNT)]
    assert day(100) in days


# -- what only Baton may state (record 0013) ------------------------------------------------------------


def test_a_senders_own_withdrawal_takes_no_statement_out() -> None:
    facts = small("120.00", "200.00", "80.00")
    target = facts[2]
    key = f"account.cleared|{ACCOUNT}|baton|{CONTRADICTION}|{target.id}"
    ours = fact(AccountCleared(CONTRADICTION, day(70), target.id), 70, key=key)
    assert target not in fold([*facts, ours], ACCOUNT).facts
    assert target in fold([*facts, replace(ours, identity="billing/9")], ACCOUNT).facts
    another_key = fact(AccountCleared(CONTRADICTION, day(70), target.id), 70)
    assert target in fold([*facts, another_key], ACCOUNT).facts


# -- the edges ------------------------------------------------------------------------------------------


def test_two_people_at_one_machine_are_two_people() -> None:
    """Only a key over HTTP belongs to one person; the name of a machine's user may be shared."""
    facts = small()
    proposal = proposed(facts, "G42")
    assert getattr(proposal.body, "known_as", None) == "os:ann"
    assert opens([*facts, proposal, approved(proposal, known_as="os:ann")])


def test_a_proposal_of_nobody_is_approved_by_nobody() -> None:
    facts = small()
    nameless = fact(replace(proposed(facts, "G42").body, by=" "), 70)
    assert not opens([*facts, nameless, approved(nameless)])


def test_an_approval_before_its_proposal_approves_nothing() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    assert not opens([*facts, proposal, approved(proposal, on=69)])
    assert opens([*facts, proposal, approved(proposal, on=70)])


def test_the_state_of_an_override_is_told() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    told = [*facts, proposal]
    assert [o.state for o in fold(told, ACCOUNT).overrides] == ["proposed"]
    told.append(approved(proposal))
    assert [o.state for o in fold(told, ACCOUNT).overrides] == ["approved"]
    told.append(withdrawn(proposal, 72))
    assert [o.state for o in fold(told, ACCOUNT).overrides] == ["withdrawn"]


def test_the_first_approval_and_the_first_withdrawal_are_the_ones_named() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    yes, again = approved(proposal, on=71), approved(proposal, on=72, by="Di Eve")
    no, still_no = withdrawn(proposal, 73), withdrawn(proposal, 74, by="Ed Fox")
    override = fold([*facts, proposal, yes, again, no, still_no], ACCOUNT).overrides[0]
    assert override.evidence == (proposal.id, yes.id, no.id)
    assert override.approval is not None and override.approval.by == "Bob Ray"
    assert override.withdrawal is not None and override.withdrawal.on == day(73)


def test_an_override_of_the_day_on_which_accounts_were_joined_counts_no_more() -> None:
    other = AccountRef("GEN", "A2")
    facts = small()
    proposal = proposed(facts, "G42")
    both = [*facts, proposal, approved(proposal)]
    assert against([*both, merged(other, ACCOUNT, on=70)], 90, "G42").lifted is None


def test_a_proposal_that_names_no_amount_covers_none() -> None:
    facts = small()
    nothing = fact(replace(proposed(facts, "G42").body, amount_cents=None), 70)
    assert not opens([*facts, nothing, approved(nothing)])


def test_a_proposal_that_names_no_last_day_lifts_nothing() -> None:
    facts = small()
    endless = fact(replace(proposed(facts, "G42").body, until=None), 70)
    assert not opens([*facts, endless, approved(endless)])


def test_of_two_overrides_of_one_answer_the_longer_is_told_and_a_release_of_a_hold_hides_none() -> None:
    facts, hold = small(), held()
    let_go = release(hold, on=67)
    short, long = proposed(facts, "G42", until=90), proposed(facts, "G42", until=120)
    unapproved = proposed(facts, "G42", until=110)
    both = [hold, let_go, approved(let_go, on=68), unapproved, long, approved(long), short, approved(short)]
    found = against([*facts, *both], 75, "G42").lifted
    assert found is not None
    assert (found.override, found.until) == (long.id, day(120))


def test_a_wait_that_also_misses_an_event_is_not_lifted() -> None:
    """What a gate says waits for a day and for an event is no mere wait."""
    facts = small("120.00", "200.00", "80.00")[:-2]
    waits = against(facts, 40, "G41")
    period = POLICY.on(day(40))
    assert why_not_liftable(waits, period) is None
    missing = "something is missing here that no waiting brings, and nobody may lift that"
    assert why_not_liftable(replace(waits, lifted_by="statement.sent"), period) == missing
    assert why_not_liftable(replace(waits, until=None), period) == missing


def test_a_value_of_a_gate_that_is_named_like_one_that_moves_is_part_of_the_answer() -> None:
    found = against(small(), 75, "G42")
    moved = replace(found, parameters=(*found.parameters, ("as_of", "2026-03-01")))
    assert verdict_sha256(moved) != verdict_sha256(found)
    rule = replace(found, gate="H10", parameters=(("net_cents", 1200),))
    other = replace(rule, parameters=(("net_cents", 1300),))
    assert verdict_sha256(rule) != verdict_sha256(other)
    day_of = replace(rule, parameters=(("net_cents", 1200), ("as_of", "2026-03-01")))
    assert verdict_sha256(day_of) == verdict_sha256(rule)


def test_only_a_hold_of_the_desk_is_released_by_two_people() -> None:
    hold = held()
    assert is_placed_at_desk(hold)
    assert not is_placed_at_desk(replace(hold, identity="billing/1"))
    assert not is_placed_at_desk(flagged("manual", 66, reference="X"))
    assert not is_placed_at_desk(flagged("manual", 66))
    cleared = fact(AccountCleared("manual", day(66), "X"), 66, key=key_of_hold(ACCOUNT, "X"))
    assert not is_placed_at_desk(cleared)
    unnamed = fact(AccountFlagged("manual", day(66)), 66, key=key_of_hold(ACCOUNT, ""))
    assert is_placed_at_desk(unnamed)


def test_a_withdrawal_by_another_person_is_no_approval() -> None:
    facts = small()
    proposal = proposed(facts, "G42")
    no = withdrawn(proposal, 72)
    override = fold([*facts, proposal, no], ACCOUNT).overrides[0]
    assert override.approval is None
    assert override.evidence == (proposal.id, no.id)


def test_what_was_proposed_for_the_account_that_was_joined_is_none_of_this_ones() -> None:
    other = AccountRef("GEN", "A2")
    facts = [merged(other, ACCOUNT, on=60), *small()]
    here = proposed(facts, "G42", on=80)
    there = fact(here.body, 80, account=other)
    assert against([*facts, here, approved(here, on=81)], 85, "G42").lifted is not None
    elsewhere = [*facts, there, approved(there, on=81, account=other)]
    assert against(elsewhere, 85, "G42").lifted is None


def test_an_answer_that_allows_has_nothing_to_lift() -> None:
    facts = small("120.00", "200.00", "80.00")
    proposal = proposed(facts, "G42")
    found = against([*facts, proposal, approved(proposal)], 75, "G42")
    assert (found.verdict, found.lifted) == (Verdict.ALLOW, None)


def test_a_proposal_that_names_no_amount_does_not_cover_one_cent() -> None:
    facts = small("0.01", "40.00", "39.99")
    nothing = fact(replace(proposed(facts, "G42").body, amount_cents=None), 70)
    assert not opens([*facts, nothing, approved(nothing)])


def test_a_case_that_two_people_let_open_says_so() -> None:
    _, (event,) = advance(ACCOUNT, None, 0, judge(lifted(), 75)[2])
    assert (event.move, event.reason) == ("opened", "LIFTED_BY_TWO_PEOPLE")


def test_people_release_a_hold_of_the_account_they_look_at_and_of_no_other() -> None:
    """Also where the two are one by then."""
    other = AccountRef("GEN", "OLD")
    placed = AccountFlagged("manual", day(20), reference="H1", by="Ann Lee")
    hold = fact(placed, 20, key=key_of_hold(other, "H1"), account=other)
    proposal = fact(OverrideProposed("Ann Lee", REASON, day(21), None, hold.id), 21)
    facts = [
        *small("120.00", "120.00", "0.00"),
        hold,
        proposal,
        approved(proposal, 22),
        merged(other, ACCOUNT, 10),
    ]
    assert [f.id for f in fold(facts, ACCOUNT).flags] == [hold.id]
    own = fact(OverrideProposed("Ann Lee", REASON, day(21), None, hold.id), 21, account=other)
    released = fold([*facts, own, approved(own, 22, account=other)], ACCOUNT)
    assert not released.flags and [on for _, on in released.lifted] == [day(22)]


def test_a_case_is_taken_back_by_the_gate_that_stands_not_by_one_that_people_lifted() -> None:
    case, _ = advance(ACCOUNT, None, 0, judge(lifted(), 75)[2])
    after, _ = advance(ACCOUNT, case, 1, judge([*lifted(), flagged("bankruptcy", 76, petition=76)], 80)[2])
    assert after is not None and (after.status, after.reason) == ("recalled", "G50")
