"""The fast walk under two policies says what deciding in full on every day says, for each of them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.decisions import STAGES, Verdict
from schemas.facts import AccountRef, Fact
from service.core import Policy, apportion, decide, fold, parse_policy
from service.core.side_by_side import Course, SideBySide
from tests.property.histories import histories, plain_histories
from tests.property.seeded import OLD, history
from tests.spec.facts_made import (
    ACCOUNT,
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    paid,
    policy_texts,
    statements,
)

quick = settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)


def draft(*changes: tuple[str, str]) -> Policy:
    texts = policy_texts()
    for old, new in changes:
        found = [name for name, text in texts.items() if old in text]
        assert found, old
        texts[found[0]] = texts[found[0]].replace(old, new, 1)
    return parse_policy(texts)


WAITS_LESS = draft(('stage = "open_case"\nvalue = 60', 'stage = "open_case"\nvalue = 30'))
DATED = draft(
    (
        'name = "min_days"\nstage = "open_case"\nvalue = 60\nunit = "days"',
        'name = "min_days"\nstage = "open_case"\nvalue = 60\nunit = "days"\neffective_until = 2026-02-20\n'
        '[[gates.G41.value]]\nname = "min_days"\nstage = "open_case"\nvalue = 45\nunit = "days"\n'
        "effective_from = 2026-02-20",
    )
)
OTHER_CODE = draft(('codes = ["1"]\nclass = "COST_SHARE"', 'codes = ["1"]\nclass = "REVIEW"'))


FEWER = draft(
    (
        'name = "statements"\nstage = "open_case"\nvalue = 2',
        'name = "statements"\nstage = "open_case"\nvalue = 1',
    ),
    ('stage = "open_case"\nvalue = 60', 'stage = "open_case"\nvalue = 0'),
)
CLOSER = draft(
    ('name = "days_apart"\nvalue = 25', 'name = "days_apart"\nvalue = 40'),
    (
        'name = "min_balance"\nstage = "open_case"\nvalue = "25.00"',
        'name = "min_balance"\nstage = "open_case"\nvalue = "60.00"',
    ),
)
SEEDS_EACH = 80
FAR = [ZoneInfo("Pacific/Honolulu"), ZoneInfo("Pacific/Kiritimati")]
"""Where a day begins ten hours after, and fourteen before, the day of UTC."""


def slowly(
    facts: list[Fact], policy: Policy, until: date, ref: AccountRef = ACCOUNT, zone: tzinfo = UTC
) -> list[tuple[date, bool, int]]:
    """Every single day: whether a case is open, and for how much."""
    found = []
    for n in range(-45, (until - day(0)).days + 1):
        known = [f for f in facts if f.occurred_at.astimezone(zone).date() <= day(n)]
        if known:
            account = fold(known, ref)
            owes = apportion(account, policy)
            found.append((day(n), decide(account, owes, policy, day(n)).opens_case, owes.net_cents))
    return found


def check(course: Course, days: Iterable[tuple[date, bool, int]]) -> None:
    last_cents = 0
    for when, opens, cents in days:
        spells = [
            s for s in course.spells if s.opened_on <= when and (s.ended_on is None or when < s.ended_on)
        ]
        assert bool(spells) == opens, when
        if any(s.opened_on == when for s in spells):
            assert spells[0].cents == cents
        last_cents = cents
    if course.is_open:
        assert course.net_cents == last_cents


@pytest.mark.parametrize("other", [WAITS_LESS, DATED, OTHER_CODE], ids=["gate", "dated", "code"])
@quick
@given(st.one_of(histories(), plain_histories()), st.integers(20, 110), st.sampled_from([UTC, *FAR]))
def test_both_courses_are_those_of_every_single_day(
    other: Policy, facts: list[Fact], until: int, zone: tzinfo
) -> None:
    one, two = SideBySide(POLICY, other, zone).walk(facts, ACCOUNT, day(until))
    check(one, slowly(facts, POLICY, day(until), zone=zone))
    check(two, slowly(facts, other, day(until), zone=zone))


def in_the_way(facts: list[Fact], policy: Policy, until: date, ref: AccountRef) -> set[str]:
    account = fold([f for f in facts if f.occurred_at.date() <= until], ref)
    said = decide(account, apportion(account, policy), policy, until).findings
    return {f.gate for f in said if f.stage == STAGES[0] and f.verdict is not Verdict.ALLOW}


def parted(one: Course, two: Course) -> date | None:
    """A day on which a case is open under one policy alone; None where there is none."""
    edges = {day for course in (one, two) for s in course.spells for day in (s.opened_on, s.ended_on) if day}
    return next((day for day in sorted(edges) if open_on(one, day) != open_on(two, day)), None)


def open_on(course: Course, day: date) -> bool:
    return any(s.opened_on <= day and (s.ended_on is None or day < s.ended_on) for s in course.spells)


@pytest.mark.parametrize(
    ("other", "first"),
    [(WAITS_LESS, 0), (DATED, 1000), (OTHER_CODE, 1200), (FEWER, 3000), (CLOSER, 4000)],
    ids=["gate", "dated", "code", "fewer", "closer"],
)
def test_merged_and_hostile_histories_go_as_on_every_single_day(other: Policy, first: int) -> None:
    """All that open a case under either policy, and every twentieth of those that do not."""
    both, cases, asked = SideBySide(POLICY, other), 0, 0
    for seed in range(first, first + SEEDS_EACH):
        facts, until = history(seed), day(70 + seed % 40)
        refs = [ACCOUNT, OLD] if any(f.account == OLD for f in facts) else [ACCOUNT]
        for ref in refs:
            one, two = both.walk(facts, ref, until)
            if not one.spells and not two.spells and seed % 20:
                continue
            check(one, slowly(facts, POLICY, until, ref))
            check(two, slowly(facts, other, until, ref))
            cases += bool(one.spells) + bool(two.spells)
            on = parted(one, two)
            if on is not None:
                behind = two if one.binding == () else one
                assert behind.binding and () in (one.binding, two.binding)
                one, two = both.walk(facts, ref, on)
                closed, policy = (two, other) if one.is_open else (one, POLICY)
                assert set(closed.binding) == in_the_way(facts, policy, on, ref)
                asked += 1
    assert cases and asked


def test_what_comes_in_the_evening_counts_for_the_day_it_is_at_the_hospital() -> None:
    owed = [
        adult(),
        covered("P1", on=-40),
        charged("100.00"),
        decided("100.00", "20.00", "PR-1 80.00", on=-5),
    ]
    facts = [*owed, *statements(), paid("80.00", on=90)]
    for zone, days in ((UTC, 0), (FAR[0], 0), (FAR[1], 1)):
        course, _ = SideBySide(POLICY, POLICY, zone).walk(facts, ACCOUNT, day(100))
        assert [spell.ended_on for spell in course.spells] == [day(90 + days)]
