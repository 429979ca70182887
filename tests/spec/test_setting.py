"""What every claim of an account shares: cover in force, programmes, papers on file, names of payers."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from schemas.facts import (
    AccountRegistered,
    AdjudicatedLine,
    ClaimAdjudicated,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
)
from service.core import fold
from service.core.setting import Setting, setting_of
from service.core.weighing import Programme
from tests.spec.facts_made import POLICY, charged, covered, day, decided, fact, submitted


def setting(*facts: Fact) -> Setting:
    return setting_of(fold(facts), POLICY)


def programme(*facts: Fact, filing: str | None = None, payer: str = "P1") -> Programme:
    told = fold([decided("5.00", "5.00", payer=payer, filing=filing)]).adjudications
    return setting(charged("5.00"), *facts).programme(told, day(0))


def flags(found: Programme) -> set[str]:
    """The programmes that this payer's decision is under."""
    names = ("medicaid", "qmb", "veteran", "medicare", "tricare", "injury")
    return {name for name in names if getattr(found, name)}


@pytest.mark.parametrize(
    ("filing", "kind", "under"),
    [
        ("MC", "commercial", {"medicaid"}),
        ("VA", "commercial", {"veteran"}),
        ("MA", "commercial", {"medicare"}),
        ("MB", "commercial", {"medicare"}),
        ("CH", "commercial", {"tricare"}),
        ("WC", "commercial", {"injury"}),
        ("CI", "commercial", set()),
        (None, "medicaid", {"medicaid"}),
        (None, "va", {"veteran"}),
        (None, "medicare", {"medicare"}),
        (None, "tricare", {"tricare"}),
        (None, "workers_comp", {"injury"}),
        (None, "qmb", {"qmb"}),
        (None, "commercial", set()),
    ],
)
def test_a_programme_is_known_by_how_the_claim_was_filed_or_by_the_listed_cover(
    filing: str | None, kind: str, under: set[str]
) -> None:
    assert flags(programme(covered("P1", kinds={"P1": kind}), filing=filing)) == under


def test_another_payers_cover_says_nothing_of_this_payers_programme() -> None:
    listed = covered("P1", "P2", kinds={"P1": "medicare"})
    assert flags(programme(listed, payer="P2")) == set() and flags(programme(payer="P1")) == set()
    nameless = fact(CoverageListed((Coverage(1, Payer("P1")),)), -10)
    assert setting(nameless, charged("5.00")).kinds == {"P1": ""}


def test_medicaid_leaves_with_its_patients_what_policy_names() -> None:
    assert programme().billable_reasons == {"1", "2", "3", "66", "142", "178", "241"}


def test_programmes_of_one_account_are_told_apart_by_payer_and_by_how_the_claim_was_filed() -> None:
    here = setting(covered("P1", "P2", kinds={"P2": "medicaid"}), charged("5.00"))

    def of(payer: str, filing: str | None) -> set[str]:
        return flags(
            here.programme(fold([decided("5.00", "5.00", payer=payer, filing=filing)]).adjudications, day(0))
        )

    assert [of("P1", None), of("P2", None), of("P1", "MA"), of("P1", None)] == [
        set(),
        {"medicaid"},
        {"medicare"},
        set(),
    ]
    assert len(here.programmes) == 3


@pytest.mark.parametrize(
    ("papers", "notice", "consent"),
    [
        ([], False, False),
        ([("abn", True)], True, False),
        ([("waiver", True)], True, False),
        ([("abn", False)], False, False),
        ([("surprise_billing_consent", True)], False, True),
        ([("surprise_billing_consent", False)], False, False),
        ([("plain_language_summary", True)], False, False),
    ],
)
def test_papers_on_file_are_those_that_hold(
    papers: list[tuple[str, bool]], notice: bool, consent: bool
) -> None:
    told = [fact(NoticeRecorded("D1", kind, day(0), valid=valid), 0) for kind, valid in papers]
    found = programme(*told)
    assert (found.notice_on_file, found.consent_on_file) == (notice, consent)


# -- protection of a Medicare patient --------------------------------------------------------------------


def qmb(*facts: Fact) -> bool:
    return setting(covered("P1"), charged("500.00"), *facts).qmb


def test_a_protected_patient_is_known_by_a_reason_or_a_remark_of_any_claim() -> None:
    plain = decided("500.00", "400.00", "PR-1 100.00")
    line = AdjudicatedLine("1", 50000, 40000, adjustments=cast(ClaimAdjudicated, plain.body).adjustments)
    by_line = decided("500.00", "400.00", lines=(replace(line, remarks=("N781",)),), claim="A2")
    assert not qmb() and not qmb(plain, decided("500.00", "400.00", "PR-1 100.00", remarks=("MA01", "X999")))
    assert not qmb(decided("500.00", "0.00", "CO-16 500.00", remarks=("MA130", "N130")))
    assert qmb(plain, decided("500.00", "400.00", "CO-45 50.00", "CO-303 50.00", claim="A2"))
    assert qmb(plain, decided("500.00", "400.00", "PR-1 100.00", remarks=("MA01", "N782"), claim="A2"))
    assert qmb(plain, by_line)


# -- claims and plans ------------------------------------------------------------------------------------


def test_charges_are_split_where_more_than_one_claim_is_known_billed_or_decided() -> None:
    one, other = decided("5.00", "5.00"), decided("5.00", "5.00", claim="A2")
    assert not setting(one).split_charges and not setting(one, submitted("5.00")).split_charges
    assert setting(one, other).split_charges and setting(one, submitted("5.00", claim="A2")).split_charges
    assert setting(submitted("5.00"), submitted("5.00", claim="A2")).split_charges


@pytest.mark.parametrize(
    ("expected", "listed", "missing"), [(None, 1, 0), (1, 1, 0), (2, 1, 1), (3, 1, 2), (1, 2, 0)]
)
def test_plans_are_missing_that_registration_expects_beyond_those_listed(
    expected: int | None, listed: int, missing: int
) -> None:
    payers = [f"P{n}" for n in range(listed)]
    found = setting(covered(*payers), fact(AccountRegistered(expected_plans=expected), -9))
    assert found.plans_missing == missing
    assert setting(fact(AccountRegistered(expected_plans=2), -9)).plans_missing == 0


# -- which cover is in force -----------------------------------------------------------------------------


def in_force(begins: int | None, ends: int | None, *facts: Fact) -> bool:
    cover = Coverage(
        1,
        Payer("P1"),
        "commercial",
        None,
        None if begins is None else day(begins),
        None if ends is None else day(ends),
    )
    coverages = setting(fact(CoverageListed((cover,)), -30), *facts).coverages
    assert coverages is not None
    return bool(coverages)


STAY = fact(AccountRegistered(service_from=day(-8), service_to=day(-4)), -9)


@pytest.mark.parametrize(
    ("begins", "ends", "is_in_force"),
    [
        (None, None, True),
        (-4, None, True),
        (-3, None, False),
        (None, -8, True),
        (None, -9, False),
        (-6, -6, True),
        (-20, -1, True),
        (-20, -9, False),
        (-3, -1, False),
    ],
)
def test_cover_is_in_force_on_any_day_of_the_stay(
    begins: int | None, ends: int | None, is_in_force: bool
) -> None:
    assert in_force(begins, ends, STAY) is is_in_force


def test_cover_of_an_account_without_a_day_of_service_is_in_force() -> None:
    assert in_force(-20, -9) and in_force(-20, None) and in_force(None, -9)


def served(first: int, last: int | None) -> Fact:
    body = cast(ClaimAdjudicated, decided("5.00", "5.00", claim=f"CL{first}").body)
    return fact(replace(body, service_from=day(first), service_to=None if last is None else day(last)))


def test_the_last_day_of_service_is_the_registered_one_else_of_a_charge_else_of_a_decision() -> None:
    charges = [charged("5.00", on=-6), charged("5.00", on=-5, id="C2")]
    assert in_force(-5, None, *charges) and not in_force(-4, None, *charges)
    assert in_force(-4, None, *charges, STAY) and not in_force(-3, None, *charges, served(-9, -2))
    decisions = [served(-9, -7), served(-8, None), decided("5.00", "5.00")]
    assert in_force(-7, None, *decisions) and not in_force(-6, None, *decisions)
    assert in_force(-8, None, *decisions[1:]) and not in_force(-7, None, *decisions[1:])
    assert in_force(-1, None, decisions[2])


def test_cover_is_listed_in_its_order_and_of_one_order_by_payer() -> None:
    listed = CoverageListed(
        tuple(Coverage(order, Payer(id)) for order, id in ((2, "P1"), (1, "P9"), (1, "P3")))
    )
    found = setting(fact(listed, -9)).coverages
    assert found is not None and [c.payer.id for c in found] == ["P3", "P9", "P1"]
    assert setting(charged("5.00")).coverages is None and setting(covered()).coverages == ()


# -- names of payers -------------------------------------------------------------------------------------


def twice(claim: str, *payers: str) -> list[Fact]:
    """One decision that carriers tell under several names of the payer."""
    return [
        decided("5.00", "5.00", claim=claim, number=f"N{claim}", trace=f"T{claim}", payer=p) for p in payers
    ]


def test_of_several_names_the_listed_one_is_used_else_the_first() -> None:
    assert setting(*twice("A1", "P3", "P2")).names == {"P3": "P2"}
    assert setting(covered("P3"), *twice("A1", "P3", "P2")).names == {"P2": "P3"}
    assert setting(covered("P3"), decided("5.00", "5.00")).names == {}


def test_names_that_share_one_are_one_payer() -> None:
    chained = [*twice("A1", "P1", "P2"), *twice("A2", "P3", "P4"), *twice("A3", "P2", "P3")]
    assert setting(*chained).names == {"P2": "P1", "P3": "P1", "P4": "P1"}
    apart = [*twice("A1", "P1", "P2"), *twice("A2", "P3", "P4")]
    here = setting(*apart)
    assert here.names == {"P2": "P1", "P4": "P3"}
    assert [here.payer(p) for p in ("P1", "P2", "P4", "P9")] == ["P1", "P1", "P3", "P9"]
    assert [here.payer_of(a) for a in here.account.adjudications] == ["P1", "P3"]


def test_a_programme_is_that_of_the_payer_under_whatever_name() -> None:
    facts = [covered("P3", kinds={"P3": "medicaid"}), *twice("A1", "P3", "P2")]
    assert flags(programme(*facts, payer="P2")) == {"medicaid"}
