"""What programmes, notices and bill frequencies do to a payer's decision, in an analyst's words."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from schemas.decisions import Responsibility
from schemas.facts import AdjudicatedLine, ClaimAdjudicated, Fact
from tests.spec.facts_made import adult, covered, decided, fact, judge, submitted, triples


def owes(*facts: Fact) -> Responsibility:
    return judge([adult(), *facts], 200)[1]


def one_payer(kind: str, *adjustments: str, paid: str, filing: str | None = None) -> Responsibility:
    return owes(
        covered("P1", kinds={"P1": kind}),
        submitted("500.00"),
        decided("500.00", paid, *adjustments, filing=filing),
    )


def rules(found: Responsibility) -> set[str]:
    return {t.rule for t in found.traces}


@pytest.mark.parametrize(
    ("kind", "collectible", "rule"),
    [
        ("commercial", 7500, None),
        ("medicare", 7500, None),
        ("medicaid", 7500, None),
        ("tricare", 7500, None),
        ("qmb", 0, "DET-09.qmb"),
        ("va", 0, "DET-09.veteran"),
        ("workers_comp", 0, "DET-09.injury"),
    ],
)
def test_a_coinsurance_by_programme(kind: str, collectible: int, rule: str | None) -> None:
    found = one_payer(kind, "CO-45 125.00", "PR-2 75.00", paid="300.00")
    assert found.collectible_cents == collectible
    assert rule is None or rule in rules(found)


@pytest.mark.parametrize("filing, rule", [("VA", "DET-09.veteran"), ("WC", "DET-09.injury")])
def test_the_filing_indicator_names_the_programme_too(filing: str, rule: str) -> None:
    found = one_payer("other", "CO-45 125.00", "PR-2 75.00", paid="300.00", filing=filing)
    assert (found.collectible_cents, rule in rules(found)) == (0, True)


@pytest.mark.parametrize(
    ("filing", "rule", "collectible"),
    [
        (None, None, 7500),
        ("VA", "DET-09.veteran", 0),
        ("WC", "DET-09.injury", 0),
        ("MC", "DET-09.medicaid", 0),
        ("CH", "DET-09.tricare", 0),
    ],
)
def test_a_programme_that_one_half_of_a_split_claim_names_covers_the_other_half(
    filing: str | None, rule: str | None, collectible: int
) -> None:
    found = owes(
        covered("P1"),
        submitted("500.00"),
        decided("200.00", "200.00", number="N1", filing=filing),
        decided("300.00", "225.00", "PR-96 75.00", number="N2", filing="12"),
    )
    assert found.collectible_cents == collectible
    assert rule is None or rule in rules(found)


def test_medicaid_leaves_the_patient_nothing_but_its_own_cost_share() -> None:
    found = one_payer("medicaid", "CO-45 100.00", "PR-3 4.00", "PR-96 96.00", paid="300.00")
    assert found.collectible_cents == 400


def test_more_than_a_cost_share_of_a_service_family_is_looked_at_first() -> None:
    found = one_payer("tricare", "CO-45 125.00", "PR-96 75.00", paid="300.00")
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
    assert ("compliance", "tricare") in {(i.queue, i.reason) for i in found.work_items}


def denied_line(modifier: str, reason: str, kind: str = "medicare") -> Responsibility:
    line = AdjudicatedLine("1", 50000, 0, modifiers=(modifier,), adjustments=triples(f"{reason} 500.00"))
    return owes(
        covered("P1", kinds={"P1": kind}), submitted("500.00"), decided("500.00", "0.00", lines=(line,))
    )


def test_medicares_line_without_a_notice_is_never_the_patients_even_when_the_payer_says_so() -> None:
    found = denied_line("GZ", "PR-50")
    assert (found.collectible_cents, "DET-08.no_notice" in rules(found)) == (0, True)


def test_a_line_with_a_notice_needs_the_paper() -> None:
    assert "DET-07.notice" in rules(denied_line("GA", "PR-50"))


def test_what_the_law_excludes_needs_no_paper() -> None:
    found = denied_line("GY", "PR-96")
    assert (found.collectible_cents, "DET-07.notice" in rules(found)) == (50000, False)


def test_what_the_law_excludes_is_no_word_about_need() -> None:
    assert "DET-07.notice" in rules(denied_line("GY", "PR-50"))


def test_medicares_modifiers_mean_nothing_to_another_payer() -> None:
    assert "DET-07.notice" in rules(denied_line("GY", "PR-96", kind="commercial"))
    assert "DET-08.no_notice" not in rules(denied_line("GZ", "PR-50", kind="commercial"))


def frequency(code: str, status: str = "1") -> Fact:
    made = decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", status=status)
    return fact(replace(cast(ClaimAdjudicated, made.body), frequency=code))


@pytest.mark.parametrize(
    ("code", "determination"),
    [
        ("1", "final"),
        ("2", "provisional"),
        ("3", "provisional"),
        ("4", "final"),
        ("7", "final"),
        ("8", "undetermined"),
    ],
)
def test_the_frequency_of_a_bill_says_whether_more_is_to_come(code: str, determination: str) -> None:
    assert owes(covered("P1"), submitted("500.00"), frequency(code)).determination == determination


def test_custody_as_a_reason_means_another_funder_and_never_the_patient() -> None:
    found = one_payer("commercial", "PR-258 500.00", paid="0.00")
    assert (found.determination, found.collectible_cents) == ("provisional", 0)


def test_a_reason_that_the_contract_makes_unpayable_is_looked_at_before_the_patient_is_asked() -> None:
    found = one_payer("commercial", "PR-256 500.00", paid="0.00")
    assert (found.determination, found.collectible_cents) == ("provisional", 0)
