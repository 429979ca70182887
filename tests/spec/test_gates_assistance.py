"""Financial assistance: what each answer rests on, and what lifts it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time

import pytest

from schemas.facts import (
    AccountRegistered,
    AdjustmentPosted,
    AssistanceChanged,
    ContactLogged,
    Fact,
    NoticeRecorded,
    PlanChanged,
)
from schemas.money import parse_cents
from service.core import Policy, parse_policy
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    paid,
    policy_texts,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)
UNBILLED = [
    adult(),
    covered("P1", on=-40),
    charged("320.00", on=-35),
    decided("320.00", "0.00", "PR-1 320.00", on=-5),
]
PLAIN = [*UNBILLED, *statements()]


def step(state: str, on: int, income: str | None = None, discount: str | None = None) -> Fact:
    return fact(AssistanceChanged(state, day(on), discount, None, income), on)


def paper(kind: str, on: int) -> Fact:
    return fact(NoticeRecorded(f"{kind} {on}", kind, day(on)), on)


def changed(gate: str, **values: object) -> Policy:
    return changed_policy(json.dumps([{"gate": gate, "name": n, "value": v} for n, v in values.items()]))


# -- applications ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["applied", "incomplete", "complete"])
def test_while_an_application_is_open_nothing_is_asked_and_no_agency_comes(state: str) -> None:
    open_ = step(state, 61)
    for stage, verdict in ((OPEN, "hold"), (PLACE, "block"), (EXTRAORDINARY, "block")):
        wanted = "assistance.changed approved or denied"
        says("G30", [*PLAIN, open_], 400, verdict, lifted_by=wanted, rests_on=[open_], stage=stage)


@pytest.mark.parametrize("state", ["offered", "approved", "expired"])
def test_an_offer_and_what_was_granted_or_ran_out_are_no_open_application(state: str) -> None:
    says("G30", [*PLAIN, step("applied", 50), step(state, 61)], 70, "allow")


def test_after_a_refusal_its_days_are_waited_for_at_every_stage() -> None:
    refused = step("denied", 61)
    for stage in STAGES:
        says("G30", [*PLAIN, refused], 90, "hold", until=91, rests_on=[refused], stage=stage)
        says("G30", [*PLAIN, refused], 91, "allow", stage=stage)


# -- what was granted -----------------------------------------------------------------------------------


def charity(amount: str, on: int, id: str = "J1") -> Fact:
    return fact(AdjustmentPosted(id, parse_cents(amount), "charity", day(on)), on)


GRANTED = step("approved", 5, discount="40")


def test_what_was_granted_is_posted_before_anything_is_asked() -> None:
    missing = {"lifted_by": "adjustment.posted charity", "rests_on": [GRANTED]}
    posted = charity("128.00", 5)
    for stage in STAGES:
        says("G31", [*PLAIN, GRANTED], 70, "require", stage=stage, **missing)  # type: ignore[arg-type]
        says("G31", [*PLAIN, GRANTED, posted], 70, "allow", rests_on=[GRANTED, posted], stage=stage)
    for other in (charity("128.00", 4), fact(AdjustmentPosted("J1", 12800, "courtesy", day(6)), 6)):
        says("G31", [*PLAIN, GRANTED, other], 70, "require", **missing)  # type: ignore[arg-type]


def test_what_was_posted_and_taken_back_was_not_posted() -> None:
    facts = [*PLAIN, GRANTED, charity("128.00", 6), charity("-128.00", 7, "J2")]
    says("G31", facts, 70, "require", lifted_by="adjustment.posted charity", rests_on=[GRANTED])
    anew = [charity("128.00", 6), charity("-128.00", 7, "J2"), charity("0.01", 8, "J3")]
    says("G31", [*PLAIN, GRANTED, *anew], 70, "allow", rests_on=[GRANTED, *anew])


@pytest.mark.parametrize(
    ("percent", "full"), [(None, True), ("100", True), ("100.00", True), ("99.9", False)]
)
def test_full_assistance_leaves_nothing_to_ask(percent: str | None, full: bool) -> None:
    """Whoever grants assistance and names no part of the bill grants all of it."""
    granted, posted = step("approved", 5, discount=percent), charity("100.00", 6)
    facts = [*PLAIN, granted, posted]
    if full:
        wanted = "assistance.changed to another outcome"
        for stage in STAGES:
            says("G31", facts, 70, "block", lifted_by=wanted, rests_on=[granted, posted], stage=stage)
        says("G31", [*PLAIN, granted], 70, "block", lifted_by=wanted, rests_on=[granted])
    else:
        says("G31", facts, 70, "allow", rests_on=[granted, posted])


@pytest.mark.parametrize(("cents", "refund"), [("196.99", False), ("197.00", True)])
def test_five_dollars_paid_beyond_what_is_left_are_refunded(cents: str, refund: bool) -> None:
    posted, payment = charity("128.00", 6), paid(cents, on=1)
    facts = [*PLAIN, GRANTED, posted, payment]
    if refund:
        for stage in STAGES:
            wanted = "the refund, posted"
            found = says("G31", facts, 70, "block", lifted_by=wanted, rests_on=[GRANTED, posted], stage=stage)
        assert "5.00 was paid beyond what is left" in found.because
    else:
        says("G31", facts, 70, "allow", rests_on=[GRANTED, posted])
    # Money paid before anything is taken off is no refund of assistance.
    facts = [*PLAIN, GRANTED, paid("325.00", on=1)]
    says("G31", facts, 70, "require", lifted_by="adjustment.posted charity", rests_on=[GRANTED])


def test_nothing_is_said_of_assistance_that_was_not_granted() -> None:
    for state in ("offered", "applied", "denied", "expired"):
        says("G31", [*PLAIN, step(state, 5, discount="100")], 70, "allow")


# -- income ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("income", "within"), [(" 150 ", True), ("200", True), ("200.00", True), ("200.9", True), ("201", False)]
)
def test_income_up_to_twice_the_poverty_level_is_within_free_care(income: str, within: bool) -> None:
    """A part of a percent is no reason to ask."""
    told = step("offered", 1, income)
    for stage in STAGES:
        if within:
            wanted = "assistance.changed"
            says("G32", [*PLAIN, told], 70, "block", lifted_by=wanted, rests_on=[told], stage=stage)
        else:
            says("G32", [*PLAIN, told], 70, "allow", stage=stage)


@pytest.mark.parametrize("income", ["unknown", "-5", "", "²00"])
def test_an_income_that_cannot_be_read_holds(income: str) -> None:
    told = step("offered", 1, income)
    for stage in STAGES:
        says("G32", [*PLAIN, told], 70, "hold", lifted_by="assistance.changed", rests_on=[told], stage=stage)


def test_a_limit_for_one_stage_is_for_that_stage_alone() -> None:
    texts = policy_texts()
    limit = '[[gates.G32.value]]\nname = "free_care_limit"\n'
    each = [
        f'{limit}stage = "{s}"\nvalue = {v}\nunit = "percent"\n'
        for s, v in zip(STAGES, (200, 250, 300), strict=True)
    ]
    old = f'{limit}value = 200\nunit = "percent"\n'
    assert old in texts["house_default.toml"]
    texts["house_default.toml"] = texts["house_default.toml"].replace(old, "\n".join(each))
    policy = parse_policy(texts)
    for income, verdicts in (("230", ["allow", "block", "block"]), ("280", ["allow", "allow", "block"])):
        found = [answer("G32", [*PLAIN, step("offered", 1, income)], 70, s, policy) for s in STAGES]
        assert [f.verdict.word for f in found] == verdicts


@pytest.mark.parametrize("state", ["incomplete", "complete", "expired", "offered", "approved"])
def test_an_income_once_told_stays_known_when_a_later_step_does_not_repeat_it(state: str) -> None:
    told = step("applied", 1, "150")
    facts = [*PLAIN, told, step(state, 20)]
    says("G32", facts, 70, "block", lifted_by="assistance.changed", rests_on=[told])


def test_a_refusal_was_made_knowing_the_income_and_a_newer_income_counts() -> None:
    told, newer = step("applied", 1, "150"), step("complete", 9, "250")
    says("G32", [*PLAIN, told, newer], 70, "allow")
    says("G32", [*PLAIN, newer, told], 70, "allow")
    says("G32", [*PLAIN, told, step("denied", 30)], 70, "allow")
    low = step("denied", 30, "150")
    says("G32", [*PLAIN, newer, low], 70, "block", lifted_by="assistance.changed", rests_on=[low])
    again = [told, step("denied", 30), step("applied", 40, "90")]
    says("G32", [*PLAIN, *again], 70, "block", lifted_by="assistance.changed", rests_on=[again[2]])


# -- help first -----------------------------------------------------------------------------------------


def self_pay(*more: Fact) -> list[Fact]:
    return [adult(), covered(on=-40), charged("320.00", on=-35), *statements(), *more]


def test_without_insurance_help_is_offered_or_looked_for_where_the_house_says_so() -> None:
    for stage in STAGES:
        says("G36", self_pay(), 70, "require", lifted_by="assistance.changed offered", stage=stage)
        says("G36", PLAIN, 70, "allow", stage=stage)
    for done in (step("offered", 1), paper("screening", 1)):
        says("G36", self_pay(done), 70, "allow")
    says("G36", self_pay(), 70, "allow", policy=changed("G36", self_pay_screening=False))


SCREENING = "notice.recorded screening, or a decided application"


def test_where_screening_is_required_an_offer_alone_is_none() -> None:
    policy = changed("G36", screening=True)
    for stage in STAGES:
        facts = [*PLAIN, step("offered", 1)]
        says("G36", facts, 70, "require", lifted_by=SCREENING, policy=policy, stage=stage)
    for done in (
        step("approved", 1),
        step("denied", 1),
        step("offered", 1, income="300"),
        paper("screening", 1),
    ):
        says("G36", [*PLAIN, done], 70, "allow", policy=policy)
    for undone in (step("applied", 1), step("expired", 1)):
        says("G36", [*PLAIN, undone], 70, "require", lifted_by=SCREENING, policy=policy)


def test_screening_of_the_uninsured_alone_leaves_the_others() -> None:
    policy = changed("G36", uninsured_screening=True)
    says("G36", PLAIN, 70, "allow", policy=policy)
    says("G36", self_pay(step("offered", 1)), 70, "require", lifted_by=SCREENING, policy=policy)


def a(kind: str | None) -> Fact:
    return fact(AccountRegistered(facility_kind=kind), -1)


def contact(disposition: str, on: int, direction: str = "outbound") -> Fact:
    at = datetime.combine(day(on), time(15), tzinfo=UTC)
    return fact(ContactLogged("phone", direction, disposition, at), on)


def test_where_the_patient_was_silent_the_efforts_to_ask_are_counted() -> None:
    policy = changed("G36", screening=True, efforts=2)
    looked, first, second = paper("screening", 1), contact("LM", 10), contact("MAIL", 20)
    no_effort = contact("RPC-CB", 30, "inbound")
    facts = [*PLAIN, looked, first, no_effort]
    wanted = "contact.logged"
    found = says("G36", facts, 70, "require", lifted_by=wanted, rests_on=[looked, first], policy=policy)
    assert found.because == "The patient was silent and 1 of 2 efforts to ask were made."
    says("G36", [*facts, second], 70, "allow", policy=policy)
    says("G36", [*PLAIN, step("denied", 1)], 70, "allow", policy=policy)


def test_a_plan_and_an_itemized_statement_are_offered_where_a_state_says_so() -> None:
    policy = changed("G36", plan_offer=True, itemized=True)
    offered = fact(PlanChanged("PL1", "offered", day(1)), 1)
    for stage in STAGES:
        says("G36", PLAIN, 70, "require", lifted_by="plan.changed offered", policy=policy, stage=stage)
        wanted = "notice.recorded itemized_statement"
        says("G36", [*PLAIN, offered], 70, "require", lifted_by=wanted, policy=policy, stage=stage)
        facts = [*PLAIN, offered, paper("itemized_statement", 2)]
        says("G36", facts, 70, "allow", policy=policy, stage=stage)


def test_a_federally_assisted_clinic_applies_its_scale_first() -> None:
    clinic, scale = a("health_center"), paper("sliding_fee_scale", 2)
    wanted = "notice.recorded sliding_fee_scale"
    for stage in STAGES:
        says("G37", [*PLAIN, clinic], 70, "require", lifted_by=wanted, stage=stage)
        says("G37", [*PLAIN, clinic, scale], 70, "allow", rests_on=[scale], stage=stage)
    says("G37", PLAIN, 70, "allow")
    ours = '[policy]\nid = "ours"\nversion = "1"\n[facility.GEN]\nkind = "health_center"\n'
    policy = parse_policy(policy_texts() | {"ours.toml": ours})
    says("G37", PLAIN, 70, "require", lifted_by=wanted, policy=policy)
