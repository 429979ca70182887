"""An account's way through time: it is decided on each day on which something could change, and on no other;
and how a case came about names what last stood in its way, until when, and what it said."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from schemas.facts import AccountRef, Fact, Payer, RemittanceReceived
from service.core import Policy, fold, parse_policy
from service.core import walk as walking
from service.core.walk import Opening, day_in, days_of, opening_of
from tests.spec.facts_made import (
    ACCOUNT,
    CASE,
    POLICY,
    charged,
    cleared,
    day,
    fact,
    flagged,
    merged,
    paid,
    policy_texts,
)

LATE_CHARGES = -21
"""The day on which no more charges of the stay of day -35 are waited for: two weeks later (G06)."""
HONOLULU, KIRITIMATI = ZoneInfo("Pacific/Honolulu"), ZoneInfo("Pacific/Kiritimati")


def days(facts: Iterable[Fact], until: int, policy: Policy = POLICY, **more: object) -> dict[int, bool]:
    """Each day of a walk, and whether a case would be open on it."""
    walked = days_of(facts, policy, day(until), **more)  # type: ignore[arg-type]
    return {(on - day(0)).days: decision.opens_case for on, decision in walked}


def opening(facts: Iterable[Fact], until: int, policy: Policy = POLICY) -> Opening:
    known = [f for f in facts if f.occurred_at.date() <= day(until)]
    found = opening_of(fold(known, ACCOUNT), policy, day(until))
    assert found is not None
    return found


def test_a_walk_stops_where_a_fact_took_effect_or_a_wait_ended_and_nowhere_else() -> None:
    assert days(CASE, 90) == dict.fromkeys([-35, -30, LATE_CHARGES, -10, -9, 0, 30], False) | {60: True}


def test_a_walk_goes_up_to_its_last_day_and_not_beyond() -> None:
    assert max(days(CASE, 60)) == 60 and days(CASE, 60)[60]
    assert max(days(CASE, 59)) == 30
    assert days(CASE, -35) == {-35: False}
    assert days(CASE, -36) == {}
    assert days([], 90) == {}


def test_several_facts_of_one_day_are_known_together() -> None:
    first = charged("1.00", on=-35, id="C2")
    assert list(days([first, *CASE], 90)) == list(days([*CASE, first], 90)) == list(days(CASE, 90))


def test_the_days_wait_for_the_answer_to_run_out() -> None:
    """A dispute answered on day 50 is left in peace for thirty days (G46)."""
    told = days([*CASE, flagged("dispute", 20), cleared("dispute", 50)], 120)
    assert {on: opens for on, opens in told.items() if on >= 50} == {50: False, 60: False, 80: True}


def test_a_day_on_which_the_policy_changes_is_one_to_look_at() -> None:
    texts = policy_texts()
    name = next(n for n, text in texts.items() if 'stage = "open_case"\nvalue = 60\nunit = "days"' in text)
    sixty = 'name = "min_days"\nstage = "open_case"\nvalue = 60\nunit = "days"'
    dated = (
        f"{sixty}\neffective_until = 2026-02-25\n[[gates.G41.value]]\n{sixty.replace('60', '45')}\n"
        "effective_from = 2026-02-25"
    )
    texts[name] = texts[name].replace(sixty, dated, 1)
    told = days(CASE, 90, parse_policy(texts))
    assert next(on for on, opens in told.items() if opens) == 55
    assert day(55) == date(2026, 2, 25)


def test_a_house_rule_about_days_is_asked_on_every_day() -> None:
    pytest.importorskip("rule_engine", reason="the library that reads expressions is not installed")
    from service.rules import Expression

    rule = (
        '[policy]\nid = "ours"\nversion = "1"\n[[rule]]\nid = "H01"\nname = "the account is young"\n'
        'when = "as_of < d\'2026-03-05\'"\nstage = ["open_case"]\nverdict = "hold"\n'
        'because = "Too young."\ncitation = "House"\nlifted_by = "time"\n'
    )
    policy = parse_policy(policy_texts() | {"ours.toml": rule}, Expression)
    told = days(CASE, 70, policy)
    assert list(told) == list(range(-35, 71))
    assert next(on for on, opens in told.items() if opens) == 63
    assert day(63) == date(2026, 3, 5)
    found = opening(CASE, 70, policy)
    assert (found.on, [f.gate for f in found.held_by]) == (day(63), ["H01"])


@pytest.mark.parametrize(("zone", "ends"), [(HONOLULU, 90), (KIRITIMATI, 91)])
def test_a_fact_of_noon_in_utc_belongs_to_the_day_that_it_is_at_the_hospital(zone: tzinfo, ends: int) -> None:
    payment = paid("300.00", on=90)
    assert day_in(zone, payment) == day(ends)
    told = days([*CASE, payment], 100, zone=zone)
    assert told[ends] is False and [on for on, opens in told.items() if opens][-1] < ends


def test_facts_of_no_account_are_passed_over() -> None:
    assert days([nobodys(), *CASE], 90) == days(CASE, 90)


def nobodys() -> Fact:
    """A remittance concerns no account by itself."""
    body = RemittanceReceived(Payer("P1"), "T1", 0, day(-50))
    return Fact.of(None, "remittance", fact(body, -50).occurred_at, body, currency="USD")


def test_of_merged_accounts_the_one_asked_about_is_walked() -> None:
    old = AccountRef("GEN", "OLD")
    facts = [*CASE, merged(old, ACCOUNT, on=70)]
    for ref, cents in ((ACCOUNT, 300_00), (old, 0)):
        *_, (_, decision) = days_of(facts, POLICY, day(75), ref)
        assert (decision.account, decision.responsibility.net_cents) == (ref, cents)


# -- how a case came about -------------------------------------------------------------------------------


def test_a_case_opens_when_the_last_gate_lets_go_and_the_day_before_it_did_not() -> None:
    found = opening(CASE, 75)
    assert (found.on, found.held_on) == (day(60), day(59))
    assert [(f.gate, f.because) for f in found.held_by] == [
        ("G41", f"60 days must run since the first statement of {day(0)}.")
    ]
    last = found.let_go[-1]
    assert (last.gate, last.name, last.on) == ("G41", "waiting_period_has_run", day(60))
    assert last.before == f"60 days must run since the first statement of {day(0)}."
    assert last.after == "60 days have run since the first statement; 60 are needed."


def test_gates_are_told_in_the_order_in_which_they_let_go() -> None:
    """The last day of each counts: a dispute that was open, answered and open again let go once."""
    facts = [
        *CASE,
        flagged("dispute", 1, reference="D1"),
        cleared("dispute", 2, "D1"),
        flagged("dispute", 40, reference="D2"),
        cleared("dispute", 45, "D2"),
        flagged("manual", 62),
        cleared("manual", 65),
    ]
    found = opening(facts, 100)
    gone = [(g.gate, (g.on - day(0)).days) for g in found.let_go]
    assert gone[-4:] == [("G40", 30), ("G41", 60), ("G56", 65), ("G46", 75)]
    assert all(one.on <= two.on for one, two in pairwise(found.let_go))
    assert len({g.gate for g in found.let_go}) == len(found.let_go)
    assert (found.on, found.held_on, [f.gate for f in found.held_by]) == (day(75), day(74), ["G46"])


def test_a_case_that_closed_and_opened_again_is_told_as_it_opened_last() -> None:
    found = opening([*CASE, flagged("manual", 62), cleared("manual", 65)], 100)
    assert (found.on, found.held_on) == (day(65), day(64))
    assert [f.because for f in found.held_by] == ["A manual hold stands."]
    assert [g.gate for g in found.let_go if g.on == day(65)] == ["G56"]
    brief = opening([*CASE, flagged("manual", 64), cleared("manual", 65)], 100)
    assert (brief.on, brief.held_on, [f.gate for f in brief.held_by]) == (day(65), day(64), ["G56"])
    early = opening([*CASE, flagged("manual", 62), cleared("manual", 65)], 61)
    assert early.on == day(60)


def test_there_is_no_opening_while_something_stands_in_the_way() -> None:
    account = fold(CASE, ACCOUNT)
    assert opening_of(account, POLICY, day(59)) is None
    assert opening_of(fold([*CASE, flagged("manual", 62)], ACCOUNT), POLICY, day(62)) is None
    assert opening_of(account, POLICY, day(-40)) is None


def test_where_nothing_ever_stood_in_the_way_no_day_before_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an account with a very long way only the newest days are looked at."""
    monkeypatch.setattr(walking, "MOST_DAYS", 1)
    found = opening(CASE, 75)
    assert found == Opening(day(60), (), None, ())
    monkeypatch.setattr(walking, "MOST_DAYS", 2)
    assert opening([*CASE, paid("1.00", on=65)], 75) == Opening(day(60), (), None, ())
    found = opening(CASE, 75)
    assert (found.on, found.held_on, [g.gate for g in found.let_go]) == (day(60), day(59), ["G41"])
