"""A glance says what a full decision finds: the verdict, what stands in the way, and the day by which it may
all have run out; and from it the first day on which a case opens if only time passes."""

from __future__ import annotations

import pytest

from schemas.decisions import STAGES, Verdict
from schemas.facts import Fact, OverrideApproved, OverrideProposed
from service.core import Policy, apportion, decide, fold, parse_policy
from service.core.glance import HORIZON, Glance, first_day_it_opens, glance, supposing
from service.core.lifting import verdict_sha256
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
    paid,
    policy_texts,
    statement,
    statements,
)

OWED = [
    adult(),
    covered("P1"),
    charged("1000.00", on=-35),
    decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
]
CASE = [*OWED, *statements()]


def seen(facts: list[Fact], as_of: int, policy: Policy = POLICY) -> Glance:
    account, owes, _ = judge(facts, as_of, policy)
    return glance(account, owes, policy, day(as_of))


def with_rule(when: str) -> Policy:
    """The bundled packs and a house rule that holds while this is so."""
    pytest.importorskip("rule_engine", reason="the library that reads expressions is not installed")
    from service.rules import Expression

    rule = (
        f'[policy]\nid = "ours"\nversion = "1"\n[[rule]]\nid = "H01"\nname = "ours"\nwhen = "{when}"\n'
        'stage = ["open_case"]\nverdict = "hold"\nbecause = "Ours."\ncitation = "House"\nlifted_by = "us"\n'
    )
    return parse_policy(policy_texts() | {"ours.toml": rule}, Expression)


def test_a_case_may_open() -> None:
    found = seen(CASE, 60)
    assert found == Glance(Verdict.ALLOW, None, ()) and found.opens


def test_what_waits_ends_with_the_longest_wait() -> None:
    """Sixty days from the first letter, and thirty from a payment of day 50 (G41, G45)."""
    assert seen(CASE, 59) == Glance(Verdict.HOLD, day(60), ("G41",))
    assert seen([*CASE, paid("50.00", on=50)], 59) == Glance(Verdict.HOLD, day(80), ("G41", "G45"))
    assert seen([*CASE, paid("50.00", on=20)], 45) == Glance(Verdict.HOLD, day(60), ("G41", "G45"))
    assert not seen(CASE, 59).opens


def test_no_day_ends_what_waits_for_an_event_and_the_gravest_verdict_is_told() -> None:
    assert seen([*CASE, flagged("dispute", 1)], 59) == Glance(Verdict.HOLD, None, ("G41", "G46"))
    assert seen([*CASE, flagged("dispute", 1), flagged("bankruptcy", 1)], 59) == Glance(
        Verdict.BLOCK, None, ("G41", "G46", "G50")
    )
    assert seen([*CASE[1:]], 60) == Glance(Verdict.REQUIRE, None, ("G10",))


def test_a_house_rule_stands_in_the_way_like_a_gate() -> None:
    assert seen(CASE, 60, with_rule("net_cents > 20000")) == Glance(Verdict.HOLD, None, ("H01",))
    assert seen(CASE, 60, with_rule("net_cents > 30000")).opens


def test_a_house_rule_about_days_may_say_something_else_tomorrow() -> None:
    rule = with_rule("as_of < d'2026-03-10'")
    assert seen(CASE, 60, rule) == Glance(Verdict.HOLD, day(61), ("H01",))
    assert seen(CASE, 40, rule) == Glance(Verdict.HOLD, day(60), ("G41", "H01"))


# -- what people lifted is worked out in full ------------------------------------------------------------


def lifted(more: list[Fact], policy: Policy = POLICY) -> list[Fact]:
    """An account below the minimum for which two people lifted that until day 100."""
    small = decided("1000.00", "688.00", "CO-45 300.00", "PR-1 12.00", on=-9)
    facts = [*OWED[:3], small, *statements(), *more]
    _, owes, decision = judge(facts, 70, policy)
    found = next(f for f in decision.findings if (f.gate, f.stage) == ("G42", STAGES[0]))
    proposal = fact(
        OverrideProposed(
            "Ann", "Why.", day(70), "G42", None, day(100), verdict_sha256(found), found.because,
            owes.net_cents, "os:ann",
        ),
        70,
    )  # fmt: skip
    return [*facts, proposal, fact(OverrideApproved(proposal.id, "Bob", "Yes.", day(71), None), 71)]


def test_what_was_lifted_is_not_in_the_way_and_the_rest_is() -> None:
    assert seen(lifted([]), 75) == Glance(Verdict.ALLOW, None, ())
    assert seen(lifted([]), 100) == Glance(Verdict.BLOCK, None, ("G42",))
    assert seen(lifted([flagged("dispute", 1)]), 75) == Glance(Verdict.HOLD, None, ("G46",))
    paid_lately = lifted([paid("2.00", on=62)])
    assert seen(paid_lately, 75) == Glance(Verdict.HOLD, day(92), ("G45",))
    assert seen([*paid_lately, flagged("dispute", 1)], 75) == Glance(Verdict.HOLD, None, ("G45", "G46"))


def test_beside_what_was_lifted_a_house_rule_about_days_may_change_its_mind_tomorrow() -> None:
    rule = with_rule("as_of < d'2026-04-01'")
    assert seen(lifted([], rule), 75, rule) == Glance(Verdict.HOLD, day(76), ("H01",))
    waits = lifted([paid("2.00", on=62)], rule)
    assert seen(waits, 75, rule) == Glance(Verdict.HOLD, day(92), ("G45", "H01"))
    amount = with_rule("net_cents > 1000")
    assert seen(lifted([], amount), 75, amount) == Glance(Verdict.HOLD, None, ("H01",))


# -- the first day ---------------------------------------------------------------------------------------


def first_day(facts: list[Fact], as_of: int, policy: Policy = POLICY) -> int | None:
    account, owes, _ = judge(facts, as_of, policy)
    found = first_day_it_opens(account, owes, policy, day(as_of))
    return None if found is None else (found - day(0)).days


def test_the_first_day_is_today_where_nothing_stands_in_the_way_and_else_when_the_waits_end() -> None:
    assert first_day(CASE, 60) == 60
    assert first_day(CASE, 75) == 75
    assert first_day(CASE, 59) == 60
    assert first_day([*CASE, paid("50.00", on=50)], 55) == 80
    assert first_day([*OWED, statement(1, 0), statement(2, 50)], 10) == 60


def test_there_is_none_while_an_event_is_waited_for() -> None:
    assert first_day([*CASE, flagged("dispute", 1)], 40) is None


def test_a_change_of_policy_is_a_day_on_which_a_case_may_open() -> None:
    texts = policy_texts()
    sixty = 'name = "min_days"\nstage = "open_case"\nvalue = 60\nunit = "days"'
    name = next(n for n, text in texts.items() if sixty in text)
    dated = (
        f"{sixty}\neffective_until = 2026-02-25\n[[gates.G41.value]]\n{sixty.replace('60', '45')}\n"
        "effective_from = 2026-02-25"
    )
    texts[name] = texts[name].replace(sixty, dated, 1)
    assert first_day(CASE, 40, parse_policy(texts)) == 55


def test_a_rule_about_days_is_asked_for_so_many_days_and_no_further() -> None:
    rule = with_rule("as_of < d'2026-04-01'")
    opens_on = 90
    assert first_day(CASE, opens_on - HORIZON + 1, rule) == opens_on
    assert first_day(CASE, opens_on - HORIZON, rule) is None


def test_supposing_adds_facts_to_those_that_are_known() -> None:
    account = fold(CASE, ACCOUNT)
    supposed, owes = supposing(account, (paid("50.00", on=62),), POLICY)
    assert {f.id for f in CASE} < {f.id for f in supposed.facts}
    assert (supposed.ref, owes.net_cents) == (ACCOUNT, 250_00)
    assert owes == apportion(supposed, POLICY)
    assert not decide(supposed, owes, POLICY, day(70)).opens_case
