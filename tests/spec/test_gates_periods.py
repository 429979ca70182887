"""The periods of tax-exempt hospitals: from which statement, step or paper each runs, and what it stops."""

from __future__ import annotations

import json

import pytest

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    AssistanceChanged,
    Fact,
    NoticeRecorded,
)
from service.core import Policy, parse_policy
from tests.spec.facts_made import (
    ACCOUNT,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    merged,
    policy_texts,
    statement,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says

STAGES = (OPEN, PLACE, EXTRAORDINARY)
UNBILLED = [
    adult(),
    covered("P1", on=-40),
    charged("320.00", on=-35),
    decided("320.00", "0.00", "PR-1 320.00", on=-5),
]
PLAIN = [*UNBILLED, *statements()]


def step(state: str, on: int) -> Fact:
    return fact(AssistanceChanged(state, day(on)), on)


def paper(
    kind: str, on: int, *, valid: bool = True, actions: tuple[str, ...] = (), by: int | None = None
) -> Fact:
    deadline = None if by is None else day(by)
    body = NoticeRecorded(f"{kind} {on}", kind, day(on), valid=valid, actions=actions, deadline_on=deadline)
    return fact(body, on)


# -- the periods of tax-exempt hospitals ----------------------------------------------------------------


def a(kind: str | None) -> Fact:
    return fact(AccountRegistered(facility_kind=kind), -1)


UNKNOWN_KIND = [fact(AccountRegistered(patient=adult().body.patient), -30), *PLAIN[1:]]  # type: ignore[union-attr]


def test_the_notification_period_keeps_extraordinary_actions_alone() -> None:
    for facts in (UNKNOWN_KIND, [*PLAIN, a("nonprofit_hospital")]):
        says("G33", facts, 119, "hold", until=120, stage=EXTRAORDINARY)
        says("G33", facts, 120, "allow", stage=EXTRAORDINARY)
        for stage in (OPEN, PLACE):
            says("G33", facts, 1, "allow", stage=stage)
    says("G33", [*PLAIN, a("hospital")], 1, "allow", stage=EXTRAORDINARY)


def test_before_the_first_statement_no_notification_period_runs() -> None:
    unbilled = [*UNBILLED, a("nonprofit_hospital")]
    says("G33", unbilled, 300, "hold", lifted_by="statement.sent", stage=EXTRAORDINARY)
    later = [*unbilled, statement(1, 310)]
    says("G33", later, 300, "hold", until=310, lifted_by="statement.sent", stage=EXTRAORDINARY)
    says("G33", unbilled, 300, "allow", stage=PLACE)


def ours(*facilities: tuple[str, object], kind: str = "hospital") -> Policy:
    """The bundled packs with what the house says of its facilities: name, and whether it is tax-exempt."""
    pack = '[policy]\nid = "ours"\nversion = "1"\n'
    for name, exempt in facilities:
        pack += f'\n[facility.{name}]\nkind = "{kind}"\n'
        pack += "" if exempt is None else f"tax_exempt = {json.dumps(exempt)}\n"
    return parse_policy(policy_texts() | {"ours.toml": pack})


def test_what_policy_knows_of_the_facility_comes_before_what_the_account_says() -> None:
    exempt, plain = [*PLAIN, a("nonprofit_hospital")], [*PLAIN, a("hospital")]
    says("G33", exempt, 119, "allow", stage=EXTRAORDINARY, policy=ours(("GEN", False)))
    for policy in (ours(("GEN", True)), ours(("GEN", None))):
        says("G33", exempt, 119, "hold", until=120, stage=EXTRAORDINARY, policy=policy)
    says("G33", plain, 119, "hold", until=120, stage=EXTRAORDINARY, policy=ours(("GEN", True)))
    says("G33", plain, 119, "allow", stage=EXTRAORDINARY, policy=ours(("GEN", None)))


@pytest.mark.parametrize(
    ("one", "other", "waits"), [(False, False, False), (False, True, True), (False, None, True)]
)
def test_of_accounts_joined_across_facilities_one_tax_exempt_hospital_is_enough(
    one: object, other: object, waits: bool
) -> None:
    before = AccountRef("OTH", "A0")
    facts = [*PLAIN, a("nonprofit_hospital"), merged(before, ACCOUNT, 1)]
    policy = ours(("GEN", one), ("OTH", other))
    found = answer("G33", facts, 119, EXTRAORDINARY, policy)
    assert (found.verdict.word == "hold") is waits


# -- the announcement -----------------------------------------------------------------------------------

ANNOUNCED, SUMMARY = "intended_actions", "financial_assistance_summary"


def test_an_announcement_needs_the_summary_beside_it_and_thirty_days() -> None:
    wanted = "notice.recorded intended_actions"
    told, summary = paper(ANNOUNCED, 200), paper(SUMMARY, 210)
    for facts in ([], [told], [summary], [told, paper(SUMMARY, 210, valid=False)]):
        says("G34", [*PLAIN, *facts], 300, "require", lifted_by=wanted, stage=EXTRAORDINARY)
    both = [*PLAIN, told, summary]
    says("G34", both, 239, "hold", until=240, rests_on=[told, summary], stage=EXTRAORDINARY)
    says("G34", both, 240, "allow", stage=EXTRAORDINARY)
    for stage in (OPEN, PLACE):
        says("G34", PLAIN, 300, "allow", stage=stage)


def test_sending_the_same_again_begins_no_new_days() -> None:
    told = [paper(ANNOUNCED, 200, actions=("suit", "lien")), paper(SUMMARY, 190)]
    again = [paper(ANNOUNCED, 220, actions=("suit",)), paper(SUMMARY, 221)]
    says("G34", [*PLAIN, *told, *again], 229, "hold", until=230, rests_on=told, stage=EXTRAORDINARY)
    every = paper(ANNOUNCED, 195)
    facts = [*PLAIN, every, *told, *again]
    says("G34", facts, 224, "hold", until=225, rests_on=[every, told[1]], stage=EXTRAORDINARY)


@pytest.mark.parametrize("newer", [("suit",), ("credit_report", "suit"), ()])
def test_an_action_that_was_not_announced_before_has_its_own_thirty_days(newer: tuple[str, ...]) -> None:
    """No name at all announces every action."""
    first, summary = paper(ANNOUNCED, 100, actions=("credit_report",)), paper(SUMMARY, 100)
    more = paper(ANNOUNCED, 200, actions=newer)
    facts = [*PLAIN, first, summary, more]
    says("G34", facts, 229, "hold", until=230, rests_on=[more, summary], stage=EXTRAORDINARY)
    says("G34", facts, 230, "allow", stage=EXTRAORDINARY)


def test_an_announcement_that_was_taken_back_announces_nothing() -> None:
    told, back = [paper(ANNOUNCED, 100), paper(SUMMARY, 100)], paper(ANNOUNCED, 150, valid=False)
    wanted = "notice.recorded intended_actions"
    says("G34", [*PLAIN, *told, back], 300, "require", lifted_by=wanted, stage=EXTRAORDINARY)
    anew = paper(ANNOUNCED, 290)
    facts = [*PLAIN, *told, back, anew]
    says("G34", facts, 300, "hold", until=320, rests_on=[anew, told[1]], stage=EXTRAORDINARY)


# -- the application period -----------------------------------------------------------------------------

EXEMPT = [*PLAIN, a("nonprofit_hospital")]
DECIDED = "assistance.changed approved or denied"


@pytest.mark.parametrize("state", ["applied", "incomplete", "complete"])
def test_an_application_in_its_period_stops_an_agency_and_more(state: str) -> None:
    made = step(state, 240)
    for stage in (PLACE, EXTRAORDINARY):
        says("G35", [*EXEMPT, made], 400, "block", lifted_by=DECIDED, rests_on=[made], stage=stage)
    says("G35", [*EXEMPT, made], 400, "allow")
    late = step(state, 241)
    for stage in STAGES:
        says("G35", [*EXEMPT, late], 400, "allow", stage=stage)
    says("G35", [*PLAIN, a("hospital"), made], 400, "allow", stage=PLACE)


def test_an_application_was_made_when_it_came_and_not_when_its_papers_were_complete() -> None:
    made, missing, whole = step("applied", 240), step("incomplete", 250), step("complete", 270)
    for facts in ([made, missing], [made, missing, whole]):
        wanted = {"lifted_by": DECIDED, "rests_on": [facts[-1]]}
        says("G35", [*EXEMPT, *facts], 400, "block", stage=PLACE, **wanted)  # type: ignore[arg-type]
    another = [step("applied", 230), step("denied", 239), step("applied", 241), step("complete", 242)]
    says("G35", [*EXEMPT, *another], 400, "allow", stage=PLACE)


@pytest.mark.parametrize("state", ["offered", "approved", "denied", "expired"])
def test_nothing_open_stops_nothing(state: str) -> None:
    says("G35", [*EXEMPT, step("applied", 10), step(state, 20)], 400, "allow", stage=PLACE)


def test_without_a_statement_no_application_is_too_late() -> None:
    made = step("applied", 900)
    facts = [*UNBILLED, a("nonprofit_hospital"), made]
    says("G35", facts, 950, "block", lifted_by=DECIDED, rests_on=[made], stage=PLACE)
    told = paper(ANNOUNCED, 100, by=200)
    says("G35", [*facts, told], 950, "block", lifted_by=DECIDED, rests_on=[made], stage=PLACE)


@pytest.mark.parametrize(
    ("announced", "deadline", "last"),
    [(230, 300, 300), (230, None, 260), (230, 250, 260), (100, 200, 240), (100, None, 240)],
)
def test_the_announcement_may_give_more_days_but_never_fewer_than_thirty(
    announced: int, deadline: int | None, last: int
) -> None:
    told = paper(ANNOUNCED, announced, by=deadline)
    made, late = step("applied", last), step("applied", last + 1)
    wanted = {"lifted_by": DECIDED, "rests_on": [made]}
    says("G35", [*EXEMPT, told, made], 400, "block", stage=EXTRAORDINARY, **wanted)  # type: ignore[arg-type]
    says("G35", [*EXEMPT, told, late], 400, "allow", stage=EXTRAORDINARY)
