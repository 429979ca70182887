"""What every gate is asked with: days and numbers from policy, business days, findings and facts by name."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from schemas.decisions import Trace, Verdict
from service.core.gates.asking import (
    Said,
    business_days_after,
    common,
    day_count,
    each,
    evidence_of,
    for_extraordinary,
    for_place,
    in_words,
    number,
)

HOLD = Said(Verdict.HOLD, "It waits.")


@pytest.mark.parametrize("value", [True, "5", "5.00"])
def test_a_value_of_another_kind_is_a_fault_and_never_a_number(value: bool | str) -> None:
    for read in (day_count, number):
        with pytest.raises(TypeError, match="expected"):
            read(value)
    assert (day_count(5), number(5)) == (timedelta(days=5), 5)


def test_each_stage_has_its_own_value() -> None:
    given = {"days": (1, 2, 3)}
    assert [read(given, "days") for read in (common, for_place, for_extraordinary)] == [1, 2, 3]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_said_of_one_stage_is_said_of_it_alone(place: int) -> None:
    said = [None, None, None]
    said[place] = HOLD
    assert each(said) == tuple(said)
    assert each([None, None, None]) is None


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        (date(2026, 3, 2), 0, date(2026, 3, 2)),
        (date(2026, 3, 2), 1, date(2026, 3, 3)),
        (date(2026, 3, 2), 4, date(2026, 3, 6)),
        (date(2026, 3, 2), 5, date(2026, 3, 9)),
        (date(2026, 3, 6), 1, date(2026, 3, 9)),
        (date(2026, 3, 7), 1, date(2026, 3, 9)),
        (date(2026, 3, 8), 10, date(2026, 3, 20)),
    ],
)
def test_saturdays_and_sundays_are_no_business_days(start: date, count: int, end: date) -> None:
    """2 March 2026 is a Monday."""
    assert business_days_after(start, count) == end


def test_findings_are_told_and_rest_on_facts_once_each_in_order() -> None:
    traces = (
        Trace("DET-02.unbalanced", "One.", None, ("b", "a")),
        Trace("DET-07.review", "Two.", None, ("a", "c")),
        Trace("DET-07.review", "One.", None, ("b",)),
    )
    assert in_words(traces) == "One. Two."
    assert evidence_of(traces) == ("b", "a", "c")
