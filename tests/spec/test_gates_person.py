"""People who may not be asked: what each answer rests on, what lifts it, and for how long it stands."""

from __future__ import annotations

import json
from datetime import date

import pytest

from schemas.facts import (
    AccountRegistered,
    AssistanceChanged,
    Fact,
    Person,
    StatementSent,
)
from service.core import parse_policy
from service.core.gates.person import ASKED_ELSEWHERE
from tests.spec.facts_made import (
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    policy_texts,
    statements,
)
from tests.spec.gate_answers import EXTRAORDINARY, OPEN, PLACE, answer, says
from tests.spec.gate_scenarios import changed_policy

STAGES = (OPEN, PLACE, EXTRAORDINARY)
UNSERVED = [adult(), covered("P1", on=-40), decided("320.00", "0.00", "PR-1 320.00", on=-5), *statements()]
PLAIN = [UNSERVED[0], UNSERVED[1], charged("320.00", on=-35), *UNSERVED[2:]]


def registered(**more: object) -> Fact:
    return fact(AccountRegistered(**more), 1)  # type: ignore[arg-type]


# -- flags that stand by themselves ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gate", "name", "verdict"),
    [
        ("G52", "minor_consented_care", "block"),
        ("G52", "minor", "hold"),
        ("G54", "returned_mail", "hold"),
        ("G55", "cease_contact", "block"),
        ("G55", "attorney", "hold"),
        ("G57", "litigation", "block"),
        ("G58", "safety", "hold"),
    ],
)
@pytest.mark.parametrize("stage", STAGES)
def test_a_flag_stands_at_every_stage_until_it_is_cleared(
    gate: str, name: str, verdict: str, stage: str
) -> None:
    flag = flagged(name, 61)
    wanted = f"account.cleared {name}"
    says(gate, [*PLAIN, flag], 300, verdict, lifted_by=wanted, rests_on=[flag], stage=stage)


@pytest.mark.parametrize(
    ("gate", "names"),
    [("G52", ("minor", "minor_consented_care")), ("G55", ("attorney", "cease_contact"))],
)
def test_of_two_flags_the_one_that_blocks_is_told(gate: str, names: tuple[str, str]) -> None:
    facts = [*PLAIN, *(flagged(name, 61) for name in names)]
    found = says(
        gate, facts, 70, "block", lifted_by=f"account.cleared {names[1]}", rests_on=[flagged(names[1], 61)]
    )
    assert found.stands


def test_active_duty_keeps_a_service_member_from_suits_alone() -> None:
    flag = flagged("active_duty", 1)
    wanted = "account.cleared active_duty"
    says("G53", [*PLAIN, flag], 300, "hold", lifted_by=wanted, rests_on=[flag], stage=EXTRAORDINARY)
    says("G53", [*PLAIN, flag], 300, "allow", stage=PLACE)
    says("G53", [*PLAIN, flag], 300, "allow")


# -- bankruptcy -----------------------------------------------------------------------------------------

CLEARED = {"lifted_by": "account.cleared bankruptcy"}


@pytest.mark.parametrize(("petition", "verdict"), [(-36, "hold"), (-35, "block"), (None, "block")])
@pytest.mark.parametrize("stage", STAGES)
def test_only_a_petition_before_the_service_leaves_it_to_a_lawyer(
    petition: int | None, verdict: str, stage: str
) -> None:
    flag = flagged("bankruptcy", 1, petition=petition)
    says("G50", [*PLAIN, flag], 70, verdict, rests_on=[flag], stage=stage, **CLEARED)  # type: ignore[arg-type]


def test_one_of_two_petitions_that_covers_the_debt_is_enough() -> None:
    flags = [
        flagged("bankruptcy", 1, reference="1", petition=-99),
        flagged("bankruptcy", 2, reference="2", petition=2),
    ]
    says("G50", [*PLAIN, *flags], 70, "block", rests_on=flags, **CLEARED)  # type: ignore[arg-type]


def test_where_no_day_of_service_is_known_a_bankruptcy_covers_the_debt() -> None:
    flag = flagged("bankruptcy", 1, petition=-99)
    says("G50", [*UNSERVED, flag], 70, "block", rests_on=[flag], **CLEARED)  # type: ignore[arg-type]


# -- a death --------------------------------------------------------------------------------------------

ESTATE = "account.registered with an executor as guarantor"


def test_the_days_of_peace_run_from_the_last_word_of_a_death() -> None:
    patient, guarantor = Person("M1", deceased_on=day(40)), Person("M2", deceased_on=day(50))
    both = [*PLAIN, registered(patient=patient, guarantor=guarantor)]
    says("G51", both, 109, "hold", until=110, lifted_by="account.cleared deceased")
    says("G51", both, 110, "require", lifted_by=ESTATE)
    only_patient = [*PLAIN, registered(patient=patient)]
    says("G51", only_patient, 99, "hold", until=100, lifted_by="account.cleared deceased")
    flag = flagged("deceased", 60)
    told = [*both, flag]
    says("G51", told, 119, "hold", until=120, lifted_by="account.cleared deceased", rests_on=[flag])
    for stage in STAGES:
        says("G51", told, 120, "require", lifted_by=ESTATE, rests_on=[flag], stage=stage)


@pytest.mark.parametrize(
    ("relationship", "answers"),
    [
        ("executor", True),
        ("executrix", True),
        ("administrator", True),
        ("personal representative", True),
        ("personal_representative", True),
        ("estate", True),
        (" Executor ", True),
        ("spouse", False),
        ("child", False),
        (None, False),
    ],
)
def test_no_relative_answers_for_the_dead_only_whoever_answers_for_the_estate(
    relationship: str | None, answers: bool
) -> None:
    flag = flagged("deceased", 1)
    facts = [*PLAIN, flag, registered(guarantor=Person("X", relationship=relationship))]
    if answers:
        says("G51", facts, 61, "allow", rests_on=[flag])
        says("G51", facts, 60, "hold", until=61, lifted_by="account.cleared deceased", rests_on=[flag])
    else:
        says("G51", facts, 61, "require", lifted_by=ESTATE, rests_on=[flag])


# -- age ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("born", "on", "of_age"),
    [
        (date(2008, 4, 10), date(2026, 4, 9), False),
        (date(2008, 4, 10), date(2026, 4, 10), True),
        (date(2008, 3, 20), date(2026, 4, 10), True),
        (date(2008, 5, 1), date(2026, 4, 10), False),
    ],
)
def test_whoever_answers_is_of_age_from_the_eighteenth_birthday(born: date, on: date, of_age: bool) -> None:
    facts = [*PLAIN, registered(patient=Person("M1", birth_on=born))]
    wanted = None if of_age else "account.registered with another guarantor"
    for stage in STAGES:
        says("G52", facts, on, "allow" if of_age else "require", lifted_by=wanted, stage=stage)


def test_the_guarantor_is_the_one_whose_age_counts() -> None:
    child, parent = (
        Person("M1", birth_on=date(2015, 1, 1)),
        Person("M2", birth_on=date(1980, 1, 1)),
    )
    assert answer("G52", [*PLAIN, registered(patient=child)], 70).verdict.word == "require"
    says("G52", [*PLAIN, registered(patient=child, guarantor=parent)], 70, "allow")
    swapped = [*PLAIN, registered(patient=parent, guarantor=child)]
    assert answer("G52", swapped, 70).verdict.word == "require"


def test_an_age_that_nobody_knows_is_not_guessed() -> None:
    says("G52", PLAIN[1:], 70, "allow")
    says("G52", [*PLAIN[1:], registered(patient=Person("M1"))], 70, "allow")


# -- holds that a person placed -------------------------------------------------------------------------


def test_a_hold_that_a_person_placed_runs_at_most_its_days() -> None:
    for name, words in (
        ("manual", "manual hold"),
        ("billing_hold", "billing hold"),
        ("vip", "hold for review of a protected person"),
    ):
        flag = flagged(name, 5)
        for stage in STAGES:
            holds = says(
                "G56",
                [*PLAIN, flag],
                94,
                "hold",
                until=95,
                lifted_by="account.cleared",
                rests_on=[flag],
                stage=stage,
            )
        over = says("G56", [*PLAIN, flag], 95, "require", lifted_by="account.cleared", rests_on=[flag])
        assert holds.because == f"A {words} stands."
        assert over.because == f"A {words} has run its 90 days; a person must release or renew it."


def test_a_last_day_within_the_days_ends_it_and_one_beyond_them_does_not_prolong_it() -> None:
    short, long = flagged("manual", 5, until=80), flagged("manual", 5, until=200)
    says("G56", [*PLAIN, short], 79, "hold", until=80, lifted_by="account.cleared", rests_on=[short])
    says("G56", [*PLAIN, short], 80, "allow")
    says("G56", [*PLAIN, long], 94, "hold", until=95, lifted_by="account.cleared", rests_on=[long])
    says("G56", [*PLAIN, long], 95, "require", until=200, lifted_by="account.cleared", rests_on=[long])
    says("G56", [*PLAIN, long], 200, "allow")


def test_a_flag_that_nobody_knows_has_only_the_end_it_names() -> None:
    dated, endless = flagged("odd", 5, until=300), flagged("stranger", 5)
    held = says("G56", [*PLAIN, dated], 299, "hold", until=300, lifted_by="account.cleared", rests_on=[dated])
    assert held.because == "A hold of an unknown kind stands."
    says("G56", [*PLAIN, dated], 300, "allow")
    says("G56", [*PLAIN, endless], 900, "hold", lifted_by="account.cleared", rests_on=[endless])
    both = [dated, endless]
    says("G56", [*PLAIN, *both], 70, "hold", lifted_by="account.cleared", rests_on=both)


def test_of_several_holds_the_last_to_end_is_waited_for_and_all_are_named() -> None:
    old, young = flagged("manual", 5), flagged("billing_hold", 40)
    both = says(
        "G56", [*PLAIN, old, young], 70, "hold", until=130, lifted_by="account.cleared", rests_on=[old, young]
    )
    assert both.because == "A billing hold and a manual hold stands."
    says(
        "G56",
        [*PLAIN, old, young],
        100,
        "hold",
        until=130,
        lifted_by="account.cleared",
        rests_on=[old, young],
    )
    ends = [flagged("manual", 5, reference="1", until=200), flagged("manual", 5, reference="2", until=150)]
    says("G56", [*PLAIN, *ends], 100, "require", until=200, lifted_by="account.cleared", rests_on=ends)


def every_other_answer(facts: list[Fact]) -> dict[tuple[str, str], tuple[str, tuple[str, ...]]]:
    found = judge(facts, 70)[2].findings
    return {(f.gate, f.stage): (f.verdict.word, f.evidence) for f in found if f.gate != "G56"}


@pytest.mark.parametrize("name", sorted(ASKED_ELSEWHERE))
def test_a_flag_that_is_no_unknown_hold_is_asked_about_by_another_gate(name: str) -> None:
    facts = [*PLAIN, flagged(name, 62)]
    assert answer("G56", facts, 70).verdict.word == "allow"
    assert every_other_answer(facts) != every_other_answer(PLAIN)


def test_a_flag_that_no_gate_asks_about_holds() -> None:
    for name in ("unreadable_claim", "something_new"):
        assert answer("G56", [*PLAIN, flagged(name, 62)], 70).verdict.word != "allow"


# -- letters --------------------------------------------------------------------------------------------


def letter(number: int, on: int, language: str | None) -> Fact:
    return fact(StatementSent(number, day(on), None, "mail", language, True, False, True), on)


SPANISH = registered(patient=Person("M1", language="Spanish"))


def test_letters_in_another_language_are_named_and_the_next_readable_one_waited_for() -> None:
    spanish = letter(4, 61, "es")
    facts = [*PLAIN, SPANISH, spanish]
    wanted = "statement.sent in that language"
    says("G59", facts, 60, "require", until=61, lifted_by=wanted, rests_on=PLAIN[4:])
    for stage in STAGES:
        says("G59", facts, 61, "allow", rests_on=[spanish], stage=stage)
    says("G59", [*PLAIN, SPANISH], 70, "require", lifted_by=wanted, rests_on=PLAIN[4:])


def test_nothing_is_asked_of_letters_where_none_was_unreadable_or_policy_does_not_mind() -> None:
    spanish = [*PLAIN[:4], SPANISH, letter(4, 0, "es")]
    assert "Letters need no other language" in says("G59", spanish, 70, "allow").because

    says("G59", PLAIN, 70, "allow")
    wanted = "statement.sent in that language"
    says("G59", [*PLAIN, SPANISH], 70, "require", lifted_by=wanted, rests_on=PLAIN[4:])
    texts = policy_texts()
    stated = 'name = "readable_letters"\nvalue = true\n'
    assert stated in texts["us_federal.toml"]
    texts["us_federal.toml"] = texts["us_federal.toml"].replace(stated, stated.replace("true", "false"))
    says("G59", [*PLAIN, SPANISH], 70, "allow", policy=parse_policy(texts))


# -- where somebody is ----------------------------------------------------------------------------------


def assistance(state: str) -> Fact:
    return fact(AssistanceChanged(state, day(30)), 30)


@pytest.mark.parametrize("stage", STAGES)
def test_a_patient_without_a_home_is_asked_only_after_assistance_was_refused(stage: str) -> None:
    flag = flagged("homeless", 20)
    wanted = "assistance.changed denied, or account.cleared homeless"
    says("G5A", [*PLAIN, flag], 500, "hold", lifted_by=wanted, rests_on=[flag], stage=stage)
    offered = [*PLAIN, flag, assistance("offered")]
    says("G5A", offered, 500, "hold", lifted_by=wanted, rests_on=[flag], stage=stage)
    refused = assistance("denied")
    says("G5A", [*PLAIN, flag, refused], 500, "allow", rests_on=[refused], stage=stage)


def test_what_was_refused_to_a_patient_without_a_home_opens_no_prison_and_ends_no_disaster() -> None:
    flag, refused = flagged("homeless", 20), assistance("denied")
    prison, disaster = flagged("incarcerated", 30), flagged("disaster_area", 40)
    facts = [*PLAIN, flag, refused]
    says("G5A", [*facts, prison], 500, "hold", lifted_by="account.cleared incarcerated", rests_on=[prison])
    wanted = {"lifted_by": "account.cleared disaster_area", "rests_on": [disaster]}
    says("G5A", [*facts, disaster], 129, "hold", until=130, **wanted)  # type: ignore[arg-type]
    says("G5A", [*facts, disaster], 130, "allow", rests_on=[refused])


def test_a_refusal_is_no_subject_of_this_gate_where_the_patient_has_a_home() -> None:
    says("G5A", [*PLAIN, flagged("vip", 20), assistance("denied")], 500, "allow")


@pytest.mark.parametrize("stage", STAGES)
def test_nobody_is_asked_in_prison(stage: str) -> None:
    flag = flagged("incarcerated", 20)
    wanted = "account.cleared incarcerated"
    says("G5A", [*PLAIN, flag], 500, "hold", lifted_by=wanted, rests_on=[flag], stage=stage)


def test_after_a_disaster_ninety_days_run_or_until_the_day_that_was_declared_if_later() -> None:
    wanted = "account.cleared disaster_area"
    for until, ends in ((None, 110), (100, 110), (150, 150)):
        flag = flagged("disaster_area", 20, until=until)
        says("G5A", [*PLAIN, flag], ends - 1, "hold", until=ends, lifted_by=wanted, rests_on=[flag])
        says("G5A", [*PLAIN, flag], ends, "allow")


def test_of_two_disasters_the_later_is_waited_for_and_one_that_is_over_not_named() -> None:
    wanted = "account.cleared disaster_area"
    flags = [flagged("disaster_area", 20, reference="1"), flagged("disaster_area", 40, reference="2")]
    says("G5A", [*PLAIN, *flags], 100, "hold", until=130, lifted_by=wanted, rests_on=flags)
    says("G5A", [*PLAIN, *flags], 110, "hold", until=130, lifted_by=wanted, rests_on=flags[1:])


def test_the_house_may_wait_longer_after_a_disaster() -> None:
    longer = changed_policy(json.dumps([{"gate": "G5A", "name": "disaster_days", "value": 120}]))
    flag = flagged("disaster_area", 20)
    found = answer("G5A", [*PLAIN, flag], 139, policy=longer)
    assert (found.verdict.word, found.until) == ("hold", day(140))
