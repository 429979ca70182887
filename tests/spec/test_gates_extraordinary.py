"""Reports, suits, sales and the deferral of care: what must be true first, where policy allows any at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime, time

import pytest

from schemas.facts import ContactLogged, Fact, NoticeRecorded
from service.core import Policy
from tests.spec.facts_made import adult, charged, covered, day, decided, fact, paid, statement, statements
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says
from tests.spec.gate_scenarios import changed_policy

UNBILLED = [adult(), covered("P1", on=-40), charged("600.00", on=-35)]
UNBILLED += [decided("600.00", "0.00", "PR-1 600.00", on=-5)]
PLAIN = [*UNBILLED, *statements()]


def paper(kind: str, on: int, *actions: str) -> Fact:
    return fact(NoticeRecorded(f"{kind} {on}", kind, day(on), actions=actions), on)


def policy(gate: str, **values: object) -> Policy:
    """The bundled packs with values of the house changed; `on` is enabled for extraordinary actions."""
    changes = [{"gate": gate, "name": n, "value": v} for n, v in values.items() if n != "on"]
    if "on" in values:
        changes.append({"gate": gate, "name": "enabled", "stage": EXTRAORDINARY, "value": values["on"]})
    return changed_policy(json.dumps(changes))


def says_last(gate: str, facts: list[Fact], on: int, verdict: str, **more: object) -> str:
    """What is said of extraordinary actions, of which alone this gate speaks."""
    found = says(gate, facts, on, verdict, stage=EXTRAORDINARY, **more)  # type: ignore[arg-type]
    chosen = {"policy": more["policy"]} if "policy" in more else {}
    for stage in (OPEN, PLACE):
        earlier = answer(gate, facts, on, stage, **chosen)  # type: ignore[arg-type]
        assert (earlier.verdict.word, earlier.evidence) == ("allow", ())
    return found.because


# -- which action ---------------------------------------------------------------------------------------

SWITCH = "a policy that switches it on"


@pytest.mark.parametrize(
    ("gate", "named", "lifted_by"),
    [("G70", "credit_report", SWITCH), ("G72", "sale", SWITCH), ("G73", "deferral_of_care", None)],
)
def test_a_gate_speaks_of_the_actions_that_an_announcement_names_or_where_it_names_none(
    gate: str, named: str, lifted_by: str | None
) -> None:
    other, one = paper("intended_actions", 200, "suit"), paper("intended_actions", 200, "suit", named)
    open_ = paper("intended_actions", 200)
    says_last(gate, [*PLAIN, other], 400, "allow")
    for told in (one, open_):
        wanted = lifted_by or "notice.recorded intended_actions without it"
        rests_on = [] if lifted_by else [told]
        says_last(gate, [*PLAIN, told], 400, "block", lifted_by=wanted, rests_on=rests_on)


def test_care_is_no_subject_where_nothing_was_announced_and_reports_and_sales_are() -> None:
    says_last("G73", PLAIN, 400, "allow")
    assert "reports nobody" in says_last("G70", PLAIN, 400, "block", lifted_by=SWITCH)
    assert "sells no debt" in says_last("G72", PLAIN, 400, "block", lifted_by=SWITCH)


# -- reports --------------------------------------------------------------------------------------------

REPORTS = policy("G70", enabled=True)


def test_a_report_needs_more_than_a_year_from_the_first_statement() -> None:
    first = PLAIN[4]
    says_last("G70", PLAIN, 365, "hold", until=366, rests_on=[first], policy=REPORTS)
    says_last("G70", PLAIN, 366, "allow", policy=REPORTS)


def test_only_a_balance_that_was_large_at_first_is_reported() -> None:
    """What the patient paid of it later makes it no smaller."""
    says_last("G70", [*PLAIN, paid("200.00", on=1)], 366, "allow", policy=REPORTS)
    large = policy("G70", enabled=True, min_balance="600.01")
    text = says_last("G70", PLAIN, 366, "block", lifted_by="a larger balance", policy=large)
    assert "large enough" in text
    says_last("G70", PLAIN, 366, "allow", policy=policy("G70", enabled=True, min_balance="600.00"))


def test_before_the_first_statement_nothing_is_reported() -> None:
    wanted = "statement.sent"
    says_last("G70", UNBILLED, 900, "hold", lifted_by=wanted, policy=REPORTS)
    later = [*UNBILLED, statement(1, 910)]
    says_last("G70", later, 900, "hold", until=910, lifted_by=wanted, policy=REPORTS)


def spoken(disposition: str, on: int) -> Fact:
    at = datetime.combine(day(on), time(15), tzinfo=UTC)
    return fact(ContactLogged("phone", "outbound", disposition, at), on)


def test_a_report_waits_fourteen_days_after_the_first_word_with_the_person() -> None:
    """Where a house reports sooner than after a year: a letter counts, a talk too, a mere call not."""
    soon = policy("G70", enabled=True, min_age_days=5)
    first = PLAIN[4]
    held = {"rests_on": [first], "policy": soon}
    says_last("G70", PLAIN, 13, "hold", until=14, **held)
    says_last("G70", PLAIN, 14, "allow", policy=soon)
    says_last("G70", [*PLAIN, spoken("RPC", -4)], 9, "hold", until=10, **held)
    says_last("G70", [*PLAIN, spoken("RPC", -9)], 5, "hold", until=6, **held)
    says_last("G70", [*PLAIN, spoken("LM", -4)], 13, "hold", until=14, **held)
    says_last("G70", [*PLAIN, spoken("RPC", 3)], 13, "hold", until=14, **held)


@pytest.mark.parametrize(
    ("stated", "forbidden"),
    [("2025-11-27", True), ("2025-11-28", False), ("2030-01-01 2020-01-01", True), ("2030-01-01", False)],
)
def test_of_several_days_of_bans_on_reports_the_first_counts(stated: str, forbidden: bool) -> None:
    """The care was given on 27 November 2025."""
    assert day(-35).isoformat() == "2025-11-27"
    banned = policy("G70", enabled=True, banned_for_care_since=stated)
    if forbidden:
        wanted = "a policy without that ban"
        text = says_last("G70", PLAIN, 900, "block", lifted_by=wanted, policy=banned)
        assert text == "State law forbids reporting debt for care given since its day."
    else:
        says_last("G70", PLAIN, 900, "allow", policy=banned)


def test_where_the_day_of_care_is_unknown_a_ban_from_a_day_is_a_ban() -> None:
    banned = policy("G70", enabled=True, banned_for_care_since="2030-01-01")
    unserved = [f for f in PLAIN if f.kind != "charge.posted"]
    says_last("G70", unserved, 900, "block", lifted_by="a policy without that ban", policy=banned)
    wanted = {"lifted_by": "a policy without that ban", "policy": policy("G70", enabled=True, banned=True)}
    text = says_last("G70", PLAIN, 900, "block", **wanted)
    assert text == "State law forbids reporting medical debt."


# -- suits ----------------------------------------------------------------------------------------------

SUITS = policy("G71", on=True)


def test_a_stage_that_the_house_does_not_use_is_named() -> None:
    for stage, words in ((OPEN, "open case"), (PLACE, "place"), (EXTRAORDINARY, "extraordinary")):
        off = changed_policy(json.dumps([{"gate": "G71", "name": "enabled", "stage": stage, "value": False}]))
        found = says("G71", PLAIN, 400, "block", lifted_by=SWITCH, stage=stage, policy=off)
        assert found.because == f"House policy does not use the stage {words}."
    for stage in (OPEN, PLACE):
        says("G71", PLAIN, 400, "allow", stage=stage)


@pytest.mark.parametrize("action", ["suit", "lien", "garnishment"])
def test_legal_action_needs_approval_and_a_fresh_look_for_assistance(action: str) -> None:
    told = paper("intended_actions", 200, action)
    approved, looked = paper("legal_approval", 250), paper("screening", 300)
    wanted = "notice.recorded legal_approval"
    says_last("G71", [*PLAIN, told, looked], 330, "require", lifted_by=wanted, policy=SUITS)
    for facts in ([*PLAIN, told, approved], [*PLAIN, told, approved, paper("screening", 299)]):
        wanted = "notice.recorded screening"
        says_last("G71", facts, 330, "require", lifted_by=wanted, policy=SUITS)
    facts = [*PLAIN, told, approved, looked]
    says_last("G71", facts, 330, "allow", until=331, rests_on=[approved, looked], policy=SUITS)


def test_what_is_no_legal_action_needs_no_lawyer() -> None:
    told = paper("intended_actions", 200, "credit_report")
    says_last("G71", [*PLAIN, told], 330, "allow", policy=SUITS)
    says_last("G71", PLAIN, 330, "require", lifted_by="notice.recorded legal_approval", policy=SUITS)


def test_what_a_state_forbids_no_approval_allows() -> None:
    banned = policy("G71", on=True, forbidden_actions="lien garnishment")
    approved = [paper("legal_approval", 300), paper("screening", 300)]
    wanted = {"lifted_by": "notice.recorded intended_actions without it", "policy": banned}
    text = says_last("G71", [*PLAIN, *approved], 310, "block", **wanted)
    assert text.endswith("forbids what may follow: lien, garnishment.")
    told = paper("intended_actions", 200, "suit", "garnishment")
    text = says_last("G71", [*PLAIN, told, *approved], 310, "block", **wanted)
    assert text.endswith("forbids what may follow: garnishment.")
    only = paper("intended_actions", 200, "suit")
    says_last("G71", [*PLAIN, only, *approved], 310, "allow", until=331, rests_on=approved, policy=banned)
    off = policy("G71", forbidden_actions="lien garnishment")
    says_last("G71", PLAIN, 310, "block", lifted_by=SWITCH, policy=off)


# -- sales ----------------------------------------------------------------------------------------------


def test_a_debt_is_sold_only_to_those_who_relieve_it() -> None:
    sales = policy("G72", allowed=True)
    says_last("G72", PLAIN, 400, "require", lifted_by="notice.recorded relief_buyer", policy=sales)
    says_last("G72", [*PLAIN, paper("relief_buyer", 300)], 400, "allow", policy=sales)
    says_last("G72", PLAIN, 400, "allow", policy=policy("G72", allowed=True, relief_only=False))
