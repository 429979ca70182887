"""What each kind of reason, remark, programme and modifier of a payer does to a part of 100.00, as a table.

Each row: what is said | how the account stands | what may be collected | the rules that are told, beyond
that a payer decided and all have answered | who bears the 100.00 that the payer did not pay.
"""

from __future__ import annotations

import pytest

from schemas.decisions import Responsibility
from schemas.facts import AdjudicatedLine, Fact, NoticeRecorded
from schemas.money import format_cents
from tests.spec.facts_made import adult, charged, covered, day, decided, fact, judge, submitted, triples

ONE = (adult(), charged("500.00"), submitted("500.00"))
ALWAYS = ("DET-05", "DET-06.missing", "DET-10")

BY_REASON = """
PR-2   | final        | 100.00 | - | patient
PR-3   | final        | 100.00 | - | patient
PR-49  | final        | 100.00 | 07.notice | patient
PR-35  | final        | 100.00 | 07.notice | patient
PR-50  | final        | 100.00 | 07.notice | patient
PR-15  | final        | 100.00 | 07.authorization | patient
PR-27  | final        |   0.00 | 07.coverage_not_found | provider
PR-22  | provisional  |   0.00 | 07.other_payer | third_party
PR-227 | provisional  |   0.00 | 07.info_from_patient | payer:P1
PR-16  | provisional  |   0.00 | 07.review | undetermined
PR-29  | provisional  |   0.00 | 07.review | undetermined
PR-45  | final        |   0.00 | 07.balance_bill | provider
PR-44  | provisional  |   0.00 | 07.review | undetermined
PR-97  | provisional  |   0.00 | 07.review | undetermined
PR-B4  | provisional  |   0.00 | 07.review | undetermined
PR-23  | provisional  |   0.00 | 07.review | undetermined
PR-18  | provisional  |   0.00 | 07.review | undetermined
PR-257 | provisional  |   0.00 | 07.pending | payer:P1
PR-209 | final        |   0.00 | 07.no_collect | provider
PR-100 | final        | 100.00 | - | patient
PR-187 | final        | 100.00 | - | patient
PR-101 | final        |   0.00 | 07.predetermination | provider
PR-9999 | provisional  |   0.00 | 07.review | undetermined
CO-2   | final        |   0.00 | - | provider
CO-3   | final        |   0.00 | - | provider
CO-49  | final        |   0.00 | - | provider
CO-35  | final        |   0.00 | - | provider
CO-50  | final        |   0.00 | - | provider
CO-15  | final        |   0.00 | - | provider
CO-27  | final        |   0.00 | 07.coverage_not_found | provider
CO-22  | provisional  |   0.00 | 07.other_payer | third_party
CO-227 | provisional  |   0.00 | 07.info_from_patient | payer:P1
CO-16  | final        |   0.00 | - | provider
CO-29  | final        |   0.00 | - | provider
CO-45  | final        |   0.00 | - | -
CO-44  | final        |   0.00 | - | -
CO-97  | final        |   0.00 | - | -
CO-B4  | final        |   0.00 | - | -
CO-23  | final        |   0.00 | - | provider
CO-18  | final        |   0.00 | - | provider
CO-257 | provisional  |   0.00 | 07.pending | payer:P1
CO-209 | final        |   0.00 | - | provider
CO-100 | provisional  |   0.00 | 07.review | provider
CO-187 | final        |   0.00 | - | provider
CO-101 | final        |   0.00 | - | provider
CO-9999 | provisional  |   0.00 | 07.review | provider
OA-2   | provisional  |   0.00 | 07.review | undetermined
OA-3   | provisional  |   0.00 | 07.review | undetermined
OA-49  | provisional  |   0.00 | 07.review | undetermined
OA-35  | provisional  |   0.00 | 07.review | undetermined
OA-50  | provisional  |   0.00 | 07.review | undetermined
OA-15  | provisional  |   0.00 | 07.review | undetermined
OA-27  | final        |   0.00 | 07.coverage_not_found | provider
OA-22  | provisional  |   0.00 | 07.other_payer | third_party
OA-227 | provisional  |   0.00 | 07.info_from_patient | payer:P1
OA-16  | final        |   0.00 | - | provider
OA-29  | provisional  |   0.00 | 07.review | undetermined
OA-45  | provisional  |   0.00 | 07.review | undetermined
OA-44  | provisional  |   0.00 | 07.review | undetermined
OA-97  | provisional  |   0.00 | 07.review | undetermined
OA-B4  | provisional  |   0.00 | 07.review | undetermined
OA-23  | final        |   0.00 | - | provider
OA-18  | final        |   0.00 | - | provider
OA-257 | provisional  |   0.00 | 07.pending | payer:P1
OA-209 | final        |   0.00 | - | provider
OA-100 | provisional  |   0.00 | 07.review | undetermined
OA-187 | final        |   0.00 | - | provider
OA-101 | final        |   0.00 | - | provider
OA-9999 | provisional  |   0.00 | 07.review | undetermined
PI-2   | final        |   0.00 | - | provider
PI-29  | final        |   0.00 | - | provider
PI-45  | final        |   0.00 | - | -
PI-97  | final        |   0.00 | - | -
PI-B4  | final        |   0.00 | - | -
PI-257 | provisional  |   0.00 | 07.pending | payer:P1
PI-100 | provisional  |   0.00 | 07.review | provider
CR-2   | provisional  |   0.00 | 07.review | undetermined
CR-22  | provisional  |   0.00 | 07.review 07.other_payer | undetermined
CR-45  | provisional  |   0.00 | 07.review | undetermined
CR-257 | provisional  |   0.00 | 07.review 07.pending | undetermined
"""

BY_REMARK = """
M27    | final        |   0.00 | 08.not_liable | provider
M25    | final        |  40.00 | 08.not_liable | patient, provider
MA125  | final        |  40.00 | 08.not_liable | patient, provider
N830   | final        |  40.00 | 08.not_liable | patient, provider
N782   | final        |   0.00 | 09.qmb | provider
M32    | provisional  |   0.00 | 07.balance_bill 07.other_payer | third_party
MA04   | provisional  |   0.00 | 08.not_liable 08.info_from_provider | provider
MA07   | provisional  |   0.00 | 07.balance_bill 10.waiting | undetermined
MA08   | provisional  |   0.00 | 07.balance_bill 10.waiting | undetermined
MA15   | final        |  40.00 | 07.balance_bill 12.split_remark | patient, provider
MA113  | undetermined |   0.00 | 07.balance_bill 08.unprocessable | undetermined
MA10   | final        |  40.00 | 07.balance_bill 08.refund | patient, provider
MA118  | final        |   0.00 | 09.veteran | provider
N858   | final        |  40.00 | 07.balance_bill 08.surprise_billing | patient, provider
N884   | provisional  |   0.00 | 07.balance_bill 08.surprise_review | undetermined
N878   | final        |  40.00 | 07.balance_bill | patient, provider
N882   | final        |  40.00 | 07.balance_bill | patient, provider
M38    | final        |  40.00 | 07.balance_bill 07.notice | patient, provider
MA91   | final        |  40.00 | 07.balance_bill | patient, provider
MA67   | final        |  40.00 | 07.balance_bill | patient, provider
MA13   | final        |  40.00 | 07.balance_bill | patient, provider
XX1    | final        |  40.00 | 07.balance_bill | patient, provider
"""
"""Of which 40.00 is coinsurance and 60.00 the amount above the plan's price."""

BY_FILING = """
12     | final        | 100.00 | 07.notice | patient
MC     | final        |  40.00 | 09.medicaid 07.notice | patient, provider
VA     | final        |   0.00 | 09.veteran 07.notice | provider
MA     | final        | 100.00 | 07.notice | patient
CH     | provisional  |   0.00 | 09.tricare 07.notice | undetermined
WC     | final        |   0.00 | 09.injury 07.notice | provider
"""
"""Of which 40.00 is coinsurance and 60.00 not covered; by the kind of payer that the decision names."""

BY_COVER = """
commercial | final        | 100.00 | 07.notice | patient
medicare | final        | 100.00 | 07.notice | patient
medicare_advantage | final        | 100.00 | 07.notice | patient
medicaid | final        |  40.00 | 09.medicaid 07.notice | patient, provider
qmb    | final        |   0.00 | 09.qmb 07.notice | provider
tricare | provisional  |   0.00 | 09.tricare 07.notice | undetermined
va     | final        |   0.00 | 09.veteran 07.notice | provider
workers_comp | final        |   0.00 | 09.injury 07.notice | provider
"""
"""The same, by the kind of cover that is listed."""

BY_MODIFIER = """
GZ 12  | final        | 100.00 | 07.notice | patient
GZ MA  | final        |   0.00 | 08.no_notice 07.notice | provider
GZ MB  | final        |   0.00 | 08.no_notice 07.notice | provider
GL 12  | final        | 100.00 | 07.notice | patient
GL MA  | final        |   0.00 | 08.no_notice 07.notice | provider
GL MB  | final        |   0.00 | 08.no_notice 07.notice | provider
GY 12  | final        | 100.00 | 07.notice | patient
GY MA  | final        | 100.00 | 07.notice | patient
GY MB  | final        | 100.00 | 07.notice | patient
GA 12  | final        | 100.00 | 07.notice | patient
GA MA  | final        | 100.00 | 07.notice | patient
GA MB  | final        | 100.00 | 07.notice | patient
"""
"""Of which 60.00 is not covered and 40.00 not necessary; by the line's modifier and the kind of payer."""


def rows(table: str) -> list[list[str]]:
    return [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]


def owes(*facts: Fact, kind: str = "commercial") -> Responsibility:
    return judge([covered("P1", kinds={"P1": kind}), *ONE, *facts], 200)[1]


def row(said: str, found: Responsibility) -> list[str]:
    told = [t.rule.removeprefix("DET-") for t in found.traces if t.rule not in ALWAYS]
    bearers = ", ".join(dict.fromkeys(s.bearer for s in found.shares))
    collectible = format_cents(found.collectible_cents)
    return [said, found.determination, collectible, " ".join(told) or "-", bearers or "-"]


@pytest.mark.parametrize("expected", rows(BY_REASON), ids=lambda r: r[0])
def test_a_reason_does_what_the_table_says(expected: list[str]) -> None:
    said = expected[0]
    assert row(said, owes(decided("500.00", "400.00", f"{said} 100.00"))) == expected


@pytest.mark.parametrize("expected", rows(BY_REMARK), ids=lambda r: r[0])
def test_a_remark_does_what_the_table_says(expected: list[str]) -> None:
    said = expected[0]
    one = decided("500.00", "400.00", "PR-2 40.00", "PR-45 60.00", remarks=(said,))
    assert row(said, owes(one)) == expected


@pytest.mark.parametrize("expected", rows(BY_FILING), ids=lambda r: r[0])
def test_the_kind_of_payer_does_what_the_table_says(expected: list[str]) -> None:
    said = expected[0]
    assert row(said, owes(decided("500.00", "400.00", "PR-2 40.00", "PR-49 60.00", filing=said))) == expected


@pytest.mark.parametrize("expected", rows(BY_COVER), ids=lambda r: r[0])
def test_the_kind_of_cover_does_what_the_table_says(expected: list[str]) -> None:
    said = expected[0]
    one = decided("500.00", "400.00", "PR-2 40.00", "PR-49 60.00")
    assert row(said, owes(one, kind=said)) == expected


@pytest.mark.parametrize("expected", rows(BY_MODIFIER), ids=lambda r: r[0])
def test_a_modifier_does_what_the_table_says(expected: list[str]) -> None:
    modifier, filing = expected[0].split()
    parts = triples("PR-49 60.00", "PR-50 40.00")
    line = AdjudicatedLine("1", 50000, 40000, None, (modifier,), None, parts)
    assert row(expected[0], owes(decided("500.00", "400.00", filing=filing, lines=(line,)))) == expected


def test_a_reason_of_nothing_ends_no_list() -> None:
    assert owes(decided("500.00", "400.00", "CO-45 0.00", "PR-1 100.00")).collectible_cents == 10000


def test_a_part_given_back_under_a_reason_that_is_not_the_patients_stays_with_the_patient() -> None:
    found = owes(decided("500.00", "400.00", "PR-1 110.00", "PR-45 -10.00"))
    assert [(s.bearer, s.amount_cents) for s in found.shares] == [("patient", 11000), ("patient", -1000)]
    assert "DET-07.balance_bill" not in {t.rule for t in found.traces}


def test_one_cent_above_the_plans_price_is_not_the_patients() -> None:
    found = owes(decided("500.00", "400.00", "PR-1 99.99", "PR-45 0.01"))
    parts = [(s.bearer, s.amount_cents, s.reason.code) for s in found.shares]
    assert (found.collectible_cents, parts) == (9999, [("patient", 9999, "1"), ("provider", 1, "45")])


def test_one_cent_is_owed_like_any_other_and_an_amount_that_is_not_stated_is_told() -> None:
    found = owes(decided("500.00", "499.99", "PR-1 0.01"))
    assert (found.collectible_cents, found.net_cents) == (1, 1)
    assert "DET-06.missing" in {t.rule for t in found.traces}


def test_without_notice_a_cost_share_is_still_the_patients() -> None:
    line = AdjudicatedLine("1", 50000, 40000, None, ("GZ",), None, triples("PR-2 100.00"))
    assert owes(decided("500.00", "400.00", filing="MB", lines=(line,))).collectible_cents == 10000


@pytest.mark.parametrize(("on_file", "left"), [(True, 10000), (False, 0)])
def test_a_reduction_is_the_patients_only_with_a_signed_paper(on_file: bool, left: int) -> None:
    paper = fact(NoticeRecorded("N1", "abn", day(-30), None, on_file), -30)
    found = owes(paper, decided("500.00", "400.00", "PR-50 100.00", remarks=("M26",)))
    assert found.collectible_cents == left


@pytest.mark.parametrize(
    ("said", "looked_at"),
    [
        (("PR-2 100.00",), False),
        (("PR-187 100.00",), False),
        (("PR-2 99.99", "PR-49 0.01"), True),
        (("PR-2 110.00", "PR-49 -10.00"), False),
    ],
)
def test_more_than_a_cost_share_left_with_a_service_family_is_looked_at(
    said: tuple[str, ...], looked_at: bool
) -> None:
    found = owes(decided("500.00", "400.00", *said), kind="tricare")
    assert ("DET-09.tricare" in {t.rule for t in found.traces}) is looked_at


@pytest.mark.parametrize(
    ("reason", "kept"), [("PR-3", 10000), ("PR-100", 10000), ("PR-187", 10000), ("PR-50", 0), ("PR-45", 0)]
)
def test_a_remark_that_takes_off_reductions_leaves_what_is_none(reason: str, kept: int) -> None:
    """M25 relieves of what was cut, not of cost shares, of money that the patient got or of credits."""
    one = decided("500.00", "400.00", f"{reason} 100.00", remarks=("M25",))
    assert owes(one).collectible_cents == kept


@pytest.mark.parametrize(
    ("remark", "told"), [("MA118", "DET-09.veteran"), ("N782", "DET-09.qmb"), ("N878", "DET-07.balance_bill")]
)
def test_what_a_remark_says_of_the_person_is_told_although_nothing_is_left_to_take_off(
    remark: str, told: str
) -> None:
    assert told in {t.rule for t in owes(decided("500.00", "500.00", remarks=(remark,))).traces}


@pytest.mark.parametrize(
    "said",
    [
        ("OA-27 100.00",),
        ("OA-22 100.00",),
        ("OA-23 400.00", "OA-27 100.00"),
        ("OA-18 400.00", "OA-27 100.00"),
        ("OA-101 400.00", "OA-22 100.00"),
    ],
    ids=", ".join,
)
def test_a_second_payer_that_only_says_it_is_not_the_one_lowers_nothing(said: tuple[str, ...]) -> None:
    """What the first payer left with the patient is as it was; a second that pays nothing binds nobody."""
    first = decided("500.00", "400.00", "PR-1 100.00")
    charge = "100.00" if len(said) == 1 else "500.00"
    second = decided(charge, "0.00", *said, payer="P2", status="2", on=5)
    found = judge([covered("P1", "P2"), *ONE, first, second], 200)[1]
    assert found.assigned_cents == 10000
