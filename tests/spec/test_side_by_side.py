"""One account under two policies: when a case would have opened and ended under each, for how much, and what
stood in the way where the other policy had one."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from zoneinfo import ZoneInfo

import pytest

from schemas.facts import AccountRef, Fact, OverrideApproved, StatementSent
from service.core import Policy, apportion, decide, fold, parse_policy
from service.core import side_by_side as comparing
from service.core.side_by_side import Course, Earliest, SideBySide, Spell
from tests.spec.facts_made import (
    ACCOUNT,
    CASE,
    OWED,
    POLICY,
    cleared,
    day,
    decided,
    fact,
    flagged,
    merged,
    paid,
    policy_texts,
    statement,
    statements,
)


def drafted(*changes: tuple[str, str]) -> Policy:
    """The bundled packs with some words replaced."""
    texts = policy_texts()
    for old, new in changes:
        name = next(name for name, text in texts.items() if old in text)
        texts[name] = texts[name].replace(old, new, 1)
    return parse_policy(texts)


SIXTY = 'name = "min_days"\nstage = "open_case"\nvalue = 60\nunit = "days"'
TWO = 'name = "statements"\nstage = "open_case"\nvalue = 2'
THIRTY_DAYS = drafted((SIXTY, SIXTY.replace("60", "30")))
AT_ONCE = drafted((SIXTY, SIXTY.replace("60", "0")))
ONE_LETTER = drafted((SIXTY, SIXTY.replace("60", "0")), (TWO, TWO.replace("2", "1")))


def from_day(number: int, wait: int) -> Policy:
    """From this day on so many days are enough."""
    on = day(number)
    return drafted(
        (
            SIXTY,
            f"{SIXTY}\neffective_until = {on}\n[[gates.G41.value]]\n{SIXTY.replace('60', str(wait))}\n"
            f"effective_from = {on}",
        )
    )


SOONER_LATER = from_day(55, 45)
DEDUCTIBLE = 'codes = ["1"]\nclass = "COST_SHARE"'
NAMED = next(
    f"{DEDUCTIBLE}\n{text.split(DEDUCTIBLE)[1].splitlines()[1]}"
    for text in policy_texts().values()
    if DEDUCTIBLE in text
)
"""What policy says of a deductible, with the line that explains it."""
LATER_CODE = drafted(
    (
        NAMED,
        f"{NAMED}\neffective_until = {day(0)}\n[[reason]]\n"
        f'codes = ["1"]\nclass = "REVIEW"\ntext = "A person must look."\neffective_from = {day(0)}',
    )
)
"""Under which a deductible is a matter for a person where it is decided from day 0 on."""
OTHER_CODE = drafted((DEDUCTIBLE, 'codes = ["1"]\nclass = "REVIEW"'))
"""Under which a deductible is a matter for a person."""
LEAST = 'name = "min_balance"\nstage = "open_case"\nvalue = "25.00"'
MORE_MONEY = drafted((LEAST, LEAST.replace("25", "290")))


def with_rule(*whens: str) -> Policy:
    """The bundled packs and house rules that hold while these are so."""
    pytest.importorskip("rule_engine", reason="the library that reads expressions is not installed")
    from service.rules import Expression

    pack = '[policy]\nid = "ours"\nversion = "1"\n'
    for number, when in enumerate(whens, 1):
        pack += (
            f'[[rule]]\nid = "H0{number}"\nname = "ours {number}"\nwhen = "{when}"\nstage = ["open_case"]\n'
            'verdict = "hold"\nbecause = "Ours."\ncitation = "House"\nlifted_by = "us"\n'
        )
    return parse_policy(policy_texts() | {"ours.toml": pack}, Expression)


def walked(draft: Policy, facts: list[Fact], until: int, base: Policy = POLICY) -> tuple[Course, Course]:
    return SideBySide(base, draft).walk(facts, ACCOUNT, day(until))


def spells(course: Course) -> list[tuple[int, int | None, int]]:
    return [
        ((s.opened_on - day(0)).days, (s.ended_on - day(0)).days if s.ended_on else None, s.cents)
        for s in course.spells
    ]


def both(
    draft: Policy, facts: list[Fact], until: int, base: Policy = POLICY
) -> tuple[list[tuple[int, int | None, int]], ...]:
    one, two = walked(draft, facts, until, base)
    return spells(one), spells(two)


# -- spells ----------------------------------------------------------------------------------------------


def test_under_two_like_policies_an_account_goes_the_same_way() -> None:
    one, two = walked(POLICY, CASE, 90)
    assert one == two == Course([Spell(day(60), None, 300_00)], 300_00, ())
    assert one.is_open


def test_a_policy_that_waits_less_opens_earlier_and_the_other_names_what_stood_in_its_way() -> None:
    one, two = walked(THIRTY_DAYS, CASE, 50)
    assert (spells(one), one.binding, one.is_open) == ([], ("G41",), False)
    assert (spells(two), two.binding, two.is_open) == ([(30, None, 300_00)], (), True)
    assert one.net_cents == two.net_cents == 300_00
    two, one = walked(POLICY, CASE, 50, THIRTY_DAYS)
    assert (one.binding, two.binding) == (("G41",), ())


def test_where_both_agree_in_the_end_the_day_counts_on_which_they_last_parted() -> None:
    one, two = walked(THIRTY_DAYS, CASE, 90)
    assert (spells(one), spells(two)) == ([(60, None, 300_00)], [(30, None, 300_00)])
    assert (one.binding, two.binding) == (("G41",), ())


def test_what_is_in_the_way_on_the_last_day_is_told_and_not_what_was_first() -> None:
    """On day 30 the first letter is too young; on day 80 it is old enough, and 280 is too little."""
    draft = drafted(
        (SIXTY, SIXTY.replace("60", "30")),
    )
    base = drafted(('stage = "open_case"\nvalue = "25.00"', 'stage = "open_case"\nvalue = "290.00"'))
    facts = [*CASE, paid("20.00", on=70)]
    one, two = walked(draft, facts, 80, base)
    assert (spells(one), one.binding) == ([(60, 70, 300_00)], ("G42",))
    assert (spells(two), two.net_cents) == ([(30, None, 300_00)], 280_00)


def test_a_hold_ends_a_spell_and_another_begins_when_it_is_lifted() -> None:
    facts = [*CASE, flagged("manual", 62), cleared("manual", 65)]
    assert both(THIRTY_DAYS, facts, 90) == (
        [(60, 62, 300_00), (65, None, 300_00)],
        [(30, 62, 300_00), (65, None, 300_00)],
    )


def test_a_spell_has_the_amount_of_its_first_day_and_the_course_that_of_the_last() -> None:
    facts = [*CASE, paid("20.00", on=70)]
    one, _ = walked(POLICY, facts, 90)
    assert (spells(one), one.net_cents) == ([(60, None, 300_00)], 280_00)
    gone = [*CASE, paid("300.00", on=70)]
    one, _ = walked(POLICY, gone, 90)
    assert (spells(one), one.net_cents, one.is_open) == ([(60, 70, 300_00)], 0, False)


def test_what_is_not_known_by_the_last_day_does_not_count() -> None:
    facts = [*CASE, paid("300.00", on=70)]
    one, _ = walked(POLICY, facts, 69)
    assert (one.is_open, one.net_cents) == (True, 300_00)
    assert walked(POLICY, facts, 70)[0].is_open is False


def test_before_either_policy_could_open_a_case_nothing_is_looked_at() -> None:
    assert walked(THIRTY_DAYS, CASE, 29) == (Course(), Course())
    assert (Course().net_cents, Course().is_open) == (0, False)
    assert walked(THIRTY_DAYS, OWED, 90) == (Course(), Course())
    assert walked(THIRTY_DAYS, [], 90) == (Course(), Course())


def test_a_wait_ends_in_between() -> None:
    """A payment of day 50 is taken as good faith for thirty days."""
    assert both(THIRTY_DAYS, [*CASE, paid("50.00", on=50)], 90) == (
        [(80, None, 250_00)],
        [(30, 50, 300_00), (80, None, 250_00)],
    )


def test_where_two_waits_run_the_longer_one_ends_it_without_anything_else_happening() -> None:
    facts = [*OWED, statement(1, 0), statement(2, 30), paid("50.00", on=50)]
    facts += [flagged("dispute", 50), cleared("dispute", 55)]
    assert both(POLICY, facts, 90) == ([(85, None, 250_00)],) * 2


def test_what_stood_in_the_way_is_that_of_the_last_day_or_once_they_agree_of_the_parting() -> None:
    """At first the letters are too young; on day 70 they are not, but 280.00 is too little."""
    base = drafted((LEAST, LEAST.replace("25", "290")))
    facts = [*CASE, paid("20.00", on=35), paid("280.00", on=80, id="Y")]
    for until, binding in ((34, "G41"), (70, "G42"), (90, "G41")):
        one, two = walked(THIRTY_DAYS, facts, until, base)
        assert (one.binding, two.binding) == ((binding,), ())


def test_a_policy_that_changes_is_looked_at_on_that_day() -> None:
    assert both(SOONER_LATER, CASE, 90) == ([(60, None, 300_00)], [(55, None, 300_00)])
    one, two = walked(POLICY, CASE, 57, SOONER_LATER)
    assert (one.is_open, two.is_open, two.binding) == (True, False, ("G41",))


def test_of_two_policies_that_change_the_nearer_change_is_looked_at_first() -> None:
    base, draft = from_day(55, 45), from_day(50, 40)
    for one, two in ((base, draft), (draft, base)):
        opened = [course[0][0] for course in both(two, CASE, 90, one)]
        assert opened == [55 if policy is base else 50 for policy in (one, two)]


def test_a_code_that_means_something_else_from_a_day_on_divides_what_is_decided_since() -> None:
    late = [*OWED[:3], decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=1), *statements(2)]
    assert both(LATER_CODE, late, 90) == ([(62, None, 300_00)], [])
    assert both(LATER_CODE, CASE, 90) == ([(60, None, 300_00)],) * 2


def test_policies_that_divide_a_balance_otherwise_are_each_asked_about_their_own() -> None:
    one, two = walked(OTHER_CODE, CASE, 90)
    assert (spells(one), one.net_cents, one.binding) == ([(60, None, 300_00)], 300_00, ())
    assert (spells(two), two.net_cents) == ([], 0)
    assert "G11" in two.binding
    assert walked(POLICY, CASE, 90, OTHER_CODE)[0] == two


def test_a_higher_minimum_is_another_value_of_a_gate() -> None:
    facts = [*CASE, paid("20.00", on=70)]
    assert both(MORE_MONEY, facts, 90) == ([(60, None, 300_00)], [(60, 70, 300_00)])


def test_a_house_rule_of_one_policy_alone_holds_under_that_one() -> None:
    one, two = walked(with_rule("net_cents > 29000"), CASE, 90)
    assert (spells(one), spells(two), two.binding) == ([(60, None, 300_00)], [], ("H01",))
    less = [*CASE, paid("20.00", on=70)]
    assert both(with_rule("net_cents > 29000"), less, 90) == ([(60, None, 300_00)], [(70, None, 280_00)])
    one, two = walked(POLICY, CASE, 90, with_rule("net_cents > 29000"))
    assert (spells(one), one.binding, spells(two)) == ([], ("H01",), [(60, None, 300_00)])


def test_a_house_rule_about_days_is_asked_on_every_day() -> None:
    rule = with_rule("as_of < d'2026-03-10' or as_of > d'2026-03-20'")
    assert both(rule, CASE, 90) == ([(60, None, 300_00)], [(68, 79, 300_00)])
    one, _ = walked(POLICY, CASE, 90, rule)
    assert (spells(one), one.binding) == ([(68, 79, 300_00)], ("H01",))
    two_rules = with_rule("as_of > d'2026-03-20'", "net_cents > 40000")
    assert both(two_rules, CASE, 90) == ([(60, None, 300_00)], [(60, 79, 300_00)])
    assert both(with_rule("as_of < d'2026-02-10'"), CASE, 90) == ([(60, None, 300_00)],) * 2


def test_of_merged_accounts_the_one_asked_about_is_walked() -> None:
    old = AccountRef("GEN", "OLD")
    facts = [*CASE, merged(ACCOUNT, old, on=70)]
    one, _ = SideBySide(POLICY, POLICY).walk(facts, ACCOUNT, day(90))
    assert spells(one) == [(60, 70, 300_00)] and one.net_cents == 0
    one, _ = SideBySide(POLICY, POLICY).walk(facts, old, day(69))
    assert one.spells == []


def test_only_so_many_days_of_one_account_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(comparing, "MOST_DAYS", 2)
    later = [*CASE, *(paid("1.00", on=61 + n, id=f"X{n}") for n in range(5))]
    one, _ = walked(POLICY, later, 90)
    assert (spells(one), one.net_cents) == ([(60, None, 300_00)], 299_00)


# -- the same, slowly ------------------------------------------------------------------------------------

FAR = ZoneInfo("Pacific/Kiritimati")
POLICIES = {
    "30 days": THIRTY_DAYS,
    "one letter": ONE_LETTER,
    "at once": AT_ONCE,
    "dated": SOONER_LATER,
    "code": OTHER_CODE,
    "minimum": MORE_MONEY,
}
HISTORIES = {
    "plain": CASE,
    "disputed": [*CASE, flagged("dispute", 20), cleared("dispute", 40), flagged("dispute", 80)],
    "paid in between": [*CASE, paid("50.00", on=35), paid("230.00", on=70, id="Y")],
    "decided anew": [
        *CASE,
        decided("-1000.00", "-400.00", "CO-45 -300.00", "PR-1 -300.00", on=65, status="22"),
        decided("1000.00", "450.00", "CO-45 250.00", "PR-1 300.00", on=72),
    ],
    "promised and insured": [*CASE, flagged("medicaid_pending", 33), cleared("medicaid_pending", 45)],
}


def slowly(facts: list[Fact], policy: Policy, until: int, zone: tzinfo) -> list[Spell]:
    """Decide on every single day."""
    course = Course()
    for n in range(-1, until + 1):
        known = [f for f in facts if f.occurred_at.astimezone(zone).date() <= day(n)]
        if known:
            account = fold(known, ACCOUNT)
            owes = apportion(account, policy)
            course.see(day(n), decide(account, owes, policy, day(n)).opens_case, owes.net_cents)
    return course.spells


@pytest.mark.parametrize(
    ("name", "other"),
    [(n, p) for i, n in enumerate(HISTORIES) for j, p in enumerate(POLICIES) if (i + j) % 2 == 0],
)
def test_each_course_is_what_deciding_on_every_day_finds(name: str, other: str) -> None:
    facts, policy = HISTORIES[name], POLICIES[other]
    one, two = SideBySide(POLICY, policy, FAR).walk(facts, ACCOUNT, day(95))
    assert one.spells == slowly(facts, POLICY, 95, FAR)
    assert two.spells == slowly(facts, policy, 95, FAR)


# -- the earliest day ------------------------------------------------------------------------------------


def earliest(
    facts: list[Fact], until: int = 200, *policies: Policy, zone: tzinfo | None = None
) -> int | None:
    least = Earliest.of(policies or (POLICY,))
    found = least.day(facts, day(until), *((zone,) if zone else ()))
    return None if found is None else (found - day(0)).days


def told_late(number: int, sent: int, told: int) -> Fact:
    return fact(StatementSent(number, day(sent), None, "mail", "en", True, False, True), told)


def test_a_policy_asks_at_least_what_any_of_its_periods_asks() -> None:
    apart, none = timedelta(days=25), timedelta()
    assert Earliest.of((POLICY,)) == Earliest(2, apart, timedelta(days=60))
    assert Earliest.of((POLICY, SOONER_LATER)) == Earliest(2, apart, timedelta(days=45))
    assert Earliest.of((POLICY, ONE_LETTER)) == Earliest(1, apart, none)
    closer = drafted(('"days_apart"\nvalue = 25', '"days_apart"\nvalue = 10'))
    assert Earliest.of((POLICY, closer)) == Earliest.of((closer, POLICY))
    assert Earliest.of((POLICY, closer)) == Earliest(2, timedelta(days=10), timedelta(days=60))
    silent = drafted((SIXTY, f"{SIXTY}\neffective_until = {day(50)}"))
    assert Earliest.of((silent,)) == Earliest(2, apart, none)
    no_letter = drafted((TWO, TWO.replace("2", "0")), ('"days_apart"\nvalue = 25', '"days_apart"\nvalue = 0'))
    assert Earliest.of((no_letter,)) == Earliest(1, none, timedelta(days=60))


@pytest.mark.parametrize(
    ("facts", "first"),
    [
        ([], None),
        ([statement(1, 0)], None),
        ([statement(1, 0), statement(2, 24)], None),
        ([statement(1, 0), statement(2, 25)], 60),
        ([statement(1, 0), statement(2, 24), statement(3, 25)], 60),
        ([statement(1, 0), statement(2, 30, delivered=False)], None),
        ([statement(1, 0), statement(2, 70)], 70),
        ([statement(1, 0), told_late(2, 30, 80)], 80),
        ([statement(2, 30), told_late(1, 0, 40)], 60),
        ([statement(1, 0), statement(2, 30), statement(3, 60)], 60),
    ],
)
def test_no_case_can_open_before_its_letters_are_enough_and_old_enough(
    facts: list[Fact], first: int | None
) -> None:
    assert earliest(facts) == first


def test_the_earliest_day_is_told_up_to_the_last_day_and_no_later() -> None:
    letters = [statement(1, 0), statement(2, 30)]
    assert earliest(letters, 60) == 60
    assert earliest(letters, 59) is None
    assert earliest([statement(1, 0), statement(2, 70)], 70) == 70
    assert earliest([statement(1, 0), statement(2, 70)], 69) is None


def test_what_two_people_lift_may_let_a_case_open_from_their_approval_on() -> None:
    approval = fact(OverrideApproved("proposal", "Bob", "Yes.", day(41), None), 41)
    letters = [statement(1, 0), statement(2, 30)]
    assert earliest([*letters, approval]) == 41
    assert earliest([approval], 41) == 41
    assert earliest([approval], 40) is None
    assert earliest([*letters, approval], 59, zone=FAR) == 42
    assert earliest([approval], 41, zone=FAR) is None


def test_a_letter_of_the_evening_counts_where_the_hospital_is() -> None:
    assert earliest([statement(1, 0), statement(2, 70)], 70, zone=FAR) is None
    assert earliest([statement(1, 0), statement(2, 70)], 71, zone=FAR) == 71


def test_where_one_letter_is_enough_the_first_one_is_the_day() -> None:
    assert earliest([statement(1, 0), statement(2, 5)], 200, ONE_LETTER) == 0
    assert earliest([statement(1, 7)], 200, ONE_LETTER) == 7
    assert earliest([statement(1, 0), statement(2, 26)], 200, AT_ONCE) == 26
