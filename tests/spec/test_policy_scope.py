"""A scoped pack concerns the accounts it names and only tightens; a finding says which pack set a value."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.decisions import Decision, Finding
from schemas.errors import PolicyRefused
from schemas.facts import AccountRef, AccountRegistered, Address, Fact, Person
from service.core import Policy, parse_policy, read_decision
from service.core.gates import REGISTRY
from service.core.policy import DIRECTIONS, examine
from service.core.policy.terms import strictest
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    everybodys_texts,
    fact,
    judge,
    merged,
    statement,
    statements,
    verdicts,
)

NY = """
[policy]
id = "state-ny"
version = "2026.11.1"

[scope]
state = ["NY"]

[gates.G41]
citation = "NY Public Health Law 2807-k(9-a)"
[[gates.G41.value]]
name = "min_days"
stage = "open_case"
value = 180
unit = "days"
"""

HOSPITAL = """
[policy]
id = "our-hospital"
version = "1"

[facility.GEN]
state = "NY"
kind = "nonprofit_hospital"
tax_exempt = true
"""


def with_packs(**packs: str) -> Policy:
    """The packs for everybody and these; the bundled packs of states have tests of their own."""
    return parse_policy(everybodys_texts() | {f"{name}.toml": text for name, text in packs.items()})


def lives_in(state: str, guarantor: bool = False) -> Fact:
    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state=state))
    who = AccountRegistered(guarantor=person) if guarantor else AccountRegistered(patient=person)
    return fact(who, -30)


def ready() -> list[Fact]:
    """Everything a case needs from day 60 on."""
    return [
        adult(),
        covered("P1"),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
        *statements(),
    ]


def waiting(decision: Decision, stage: str = "open_case") -> Finding:
    return next(f for f in decision.findings if f.gate == "G41" and f.stage == stage)


def test_a_patient_of_another_state_is_not_concerned() -> None:
    decision = judge([*ready(), lives_in("NJ")], 62, with_packs(ny=NY))[2]
    assert decision.opens_case and decision.packs == ()


@pytest.mark.parametrize("who", [lives_in("NY"), lives_in(" ny "), lives_in("NY", guarantor=True)])
def test_the_residence_of_patient_or_guarantor_brings_a_state_pack_in(who: Fact) -> None:
    decision = judge([*ready(), who], 62, with_packs(ny=NY))[2]
    assert verdicts(decision) == {"G41": "hold"}
    assert decision.packs == ("state-ny@2026.11.1",)
    assert waiting(decision).until == day(180)


def test_the_state_of_the_facility_brings_a_state_pack_in() -> None:
    decision = judge(ready(), 62, with_packs(ny=NY, our=HOSPITAL))[2]
    assert decision.packs == ("state-ny@2026.11.1",)


def test_a_merged_account_is_concerned_by_the_state_of_either_facility() -> None:
    policy = with_packs(ny=NY, our=HOSPITAL.replace("GEN", "UPSTATE"))
    other = AccountRef("UPSTATE", "B7")
    facts = [*ready(), charged("1.00", account=other), merged(other, AccountRef("GEN", "A1"))]
    assert judge(facts, 62, policy)[2].packs == ("state-ny@2026.11.1",)


def test_a_finding_says_which_pack_set_each_value_and_cites_it() -> None:
    found = waiting(judge([*ready(), lives_in("NY")], 62, with_packs(ny=NY))[2])
    assert ("min_days", 180) in found.parameters
    assert ("min_days", "state-ny@2026.11.1") in found.set_by
    assert "NY Public Health Law 2807-k(9-a)" in found.citation


def test_a_stage_the_pack_says_nothing_about_keeps_everybodys_value_and_citation() -> None:
    found = waiting(judge([*ready(), lives_in("NY")], 62, with_packs(ny=NY))[2], "place")
    assert ("min_days", 120) in found.parameters
    assert ("min_days", "house-default@2026.11.0") in found.set_by
    assert "NY Public Health" not in found.citation


def test_a_scoped_pack_cannot_relax() -> None:
    policy = with_packs(ny=NY.replace("value = 180", "value = 10"))
    found = waiting(judge([*ready(), lives_in("NY")], 30, policy)[2])
    assert ("min_days", 60) in found.parameters
    assert ("min_days", "house-default@2026.11.0") in found.set_by


def test_a_value_equal_to_everybodys_is_set_by_both() -> None:
    policy = with_packs(ny=NY.replace("value = 180", "value = 60"))
    found = waiting(judge([*ready(), lives_in("NY")], 30, policy)[2])
    assert dict(found.set_by)["min_days"] == "house-default@2026.11.0, state-ny@2026.11.1"


def test_of_two_scoped_packs_the_stricter_is_in_force() -> None:
    nj = NY.replace("state-ny", "state-nj").replace('["NY"]', '["NJ"]').replace("180", "200")
    decision = judge([*ready(), lives_in("NY"), lives_in("NJ", guarantor=True)], 62, with_packs(a=nj, b=NY))[
        2
    ]
    assert decision.packs == ("state-nj@2026.11.1", "state-ny@2026.11.1")
    assert waiting(decision).until == day(200)
    assert dict(waiting(decision).set_by)["min_days"] == "state-nj@2026.11.1"


def test_a_scoped_value_is_in_force_on_its_own_days() -> None:
    policy = with_packs(ny=NY + "effective_from = 2026-03-05\neffective_until = 2026-03-08\n")
    facts = [*ready(), lives_in("NY")]
    first = judge(facts, 62, policy)[2]
    assert first.opens_case and first.review_on == day(63)
    held = judge(facts, 63, policy)[2]
    assert verdicts(held) == {"G41": "hold"} and held.review_on == day(66)
    assert judge(facts, 66, policy)[2].opens_case
    # Nobody else is looked at again on that day.
    assert judge(ready(), 62, policy)[2].review_on == judge(ready(), 62)[2].review_on


@pytest.mark.parametrize(
    ("key", "yes", "no"),
    [
        ("facility", "GEN", "OTHER"),
        ("facility_kind", "hospital", "physician"),
        ("payer_kind", "commercial", "medicaid"),
    ],
)
def test_every_named_key_must_match(key: str, yes: str, no: str) -> None:
    facts = [*ready(), lives_in("NY")]
    for word, concerned in ((yes, True), (no, False)):
        policy = with_packs(ny=NY.replace('state = ["NY"]', f'state = ["NY"]\n{key} = ["{word}", "unheard"]'))
        assert bool(judge(facts, 62, policy)[2].packs) is concerned


@pytest.mark.parametrize("key", ["financial_class", "patient_class"])
def test_a_class_of_patient_may_be_a_scope(key: str) -> None:
    policy = with_packs(ny=NY.replace('state = ["NY"]', f'{key} = ["X"]'))
    stated = fact(AccountRegistered(**{key: "x"}), -29)
    assert judge([*ready(), stated], 62, policy)[2].packs == ("state-ny@2026.11.1",)
    assert judge(ready(), 62, policy)[2].packs == ()


def test_an_empty_scope_tightens_for_everybody() -> None:
    policy = with_packs(law=NY.replace('state = ["NY"]', ""))
    decision = judge(ready(), 62, policy)[2]
    assert verdicts(decision) == {"G41": "hold"}
    assert decision.packs == () and "state-ny@2026.11.1" in policy.version


def test_the_codes_billable_to_medicaid_patients_shrink_under_a_scoped_pack() -> None:
    strict = """
[policy]
id = "state-ny"
version = "1"
[scope]
state = ["NY"]
[gates.G13]
citation = "a state plan"
[[gates.G13.value]]
name = "billable_reasons"
value = "2 3"
unit = "text"
"""
    facts = [
        adult(),
        covered("P1", kinds={"P1": "medicaid"}),
        charged("320.00"),
        decided("320.00", "0.00", "PR-1 320.00", on=-5),
    ]
    assert judge(facts, 62, with_packs(ny=strict))[1].collectible_cents == 32000
    assert judge([*facts, lives_in("NY")], 62, with_packs(ny=strict))[1].collectible_cents == 0


def test_a_stored_decision_reads_back_with_the_packs_it_was_made_under() -> None:
    policy = with_packs(ny=NY)
    for facts in (ready(), [*ready(), lives_in("NY")]):
        decision = judge(facts, 62, policy)[2]
        assert read_decision(decision.content, policy) == decision


def test_a_decision_that_no_scoped_pack_concerns_has_the_same_bytes_but_for_the_digest() -> None:
    policy = with_packs(ny=NY)
    plain, other = judge(ready(), 62)[2], judge(ready(), 62, policy)[2]
    assert plain.content.replace(POLICY.sha256.encode(), b"") == other.content.replace(
        policy.sha256.encode(), b""
    )


def test_gates_are_told_what_policy_knows_of_the_facility() -> None:
    account = judge(ready(), 62)[0]
    (known,) = with_packs(our=HOSPITAL).facilities_of(account)
    assert (known.name, known.state, known.kind, known.tax_exempt) == (
        "GEN",
        "NY",
        "nonprofit_hospital",
        True,
    )
    assert POLICY.facilities_of(account) == ()


def test_any_change_of_a_scoped_value_changes_the_digest() -> None:
    assert with_packs(ny=NY).sha256 != with_packs(ny=NY.replace("180", "181")).sha256


def test_every_parameter_says_which_value_is_stricter() -> None:
    for gate in REGISTRY:
        for parameter in gate.parameters:
            assert parameter.stricter in DIRECTIONS[parameter.unit], (gate.id, parameter.name)


@pytest.mark.parametrize(
    ("direction", "values", "strict"),
    [
        ("higher", [60, 180, 120], 180),
        ("lower", [60, 20, 120], 20),
        ("true", [False, True], True),
        ("false", [True, False], False),
        ("intersection", ["1 2", "2 3"], "2"),
    ],
)
def test_of_several_values_the_one_that_protects_most_is_in_force(
    direction: str, values: list[int | str], strict: int | str
) -> None:
    assert strictest(direction, values) == strict
    assert strictest(direction, values[::-1]) == strict


def test_lists_of_words_are_added_up_where_more_words_protect_more() -> None:
    assert strictest("union", ["1 2", "2 3"]) == "1 2 3"


# Precedence between packs without a scope.

OURS = """
[policy]
id = "our-house"
version = "3"
precedence = 10

[gates.G41]
citation = "Board resolution 12"
[[gates.G41.value]]
name = "min_days"
stage = "open_case"
value = 45
unit = "days"

[[reason]]
codes = ["1", "Z9"]
class = "REVIEW"
text = "We look at these ourselves."
effective_from = 2026-01-01
"""


def test_the_higher_precedence_wins_for_values_and_codes() -> None:
    policy = with_packs(our=OURS)
    found = waiting(judge([*ready()], 30, policy)[2])
    assert ("min_days", 45) in found.parameters
    assert ("min_days", "our-house@3") in found.set_by and "Board resolution 12" in found.citation
    assert policy.on(date(2026, 2, 1)).reasons["1"].kind == "REVIEW"
    assert policy.on(date(2026, 2, 1)).reasons["Z9"].kind == "REVIEW"


def test_outside_its_days_the_lower_precedence_stands() -> None:
    policy = with_packs(our=OURS)
    assert policy.on(date(2025, 12, 31)).reasons["1"].kind == "COST_SHARE"
    assert "Z9" not in policy.on(date(2025, 12, 31)).reasons


def test_at_the_same_precedence_two_values_for_one_day_are_refused() -> None:
    with pytest.raises(PolicyRefused) as caught:
        with_packs(our=OURS.replace("precedence = 10", ""))
    assert caught.value.code == "overlapping-dates" and "our.toml:" in str(caught.value)


def test_precedence_does_not_reach_into_a_scope() -> None:
    policy = with_packs(our=OURS, ny=NY)
    found = waiting(judge([*ready(), lives_in("NY")], 50, policy)[2])
    assert ("min_days", 180) in found.parameters


def test_a_scoped_value_without_effect_is_told_with_its_line() -> None:
    text = NY.replace("value = 180", "value = 10")
    line = text.splitlines().index("[[gates.G41.value]]") + 1
    found = examine(everybodys_texts() | {"ny.toml": text})
    assert found.policy is not None
    assert [(w.code, w.where) for w in found.warned] == [
        ("no-effect", f"ny.toml:{line}"),
        ("no-facility-state", ""),
    ]


def test_a_scoped_value_with_effect_on_some_day_only_is_not_told() -> None:
    texts = everybodys_texts() | {"ny.toml": NY + "effective_from = 2030-01-01\n"}
    assert [w.code for w in examine(texts).warned] == ["no-facility-state"]


def test_law_of_states_without_any_facility_that_stands_in_one_is_told_of() -> None:
    placed = everybodys_texts() | {"ny.toml": NY, "us.toml": US.replace("STATE", "NY")}
    assert examine(placed).warned == ()
    assert [w.code for w in examine(everybodys_texts() | {"ny.toml": NY}).warned] == ["no-facility-state"]
    assert examine(everybodys_texts()).warned == ()


US = """
[policy]
id = "our-places"
version = "1"

[facility.GEN]
state = "STATE"
"""


def test_statements_of_the_scope_do_not_change_what_others_get() -> None:
    policy = with_packs(ny=NY)
    assert judge(ready(), 62, policy)[2].opens_case
    assert not judge([*ready(), lives_in("NY"), statement(4, 61)], 62, policy)[2].opens_case
    assert judge(ready(), 62, policy)[2].opens_case


RELAXED = """
[policy]
id = "our-hospital"
version = "1"
precedence = 100

[gates.G33]
citation = "what we would like"
[[gates.G33.value]]
name = "notification_days"
value = 30
unit = "days"

[gates.G13]
citation = "what we would like"
[[gates.G13.value]]
name = "billable_reasons"
value = "1 2 3 66 142 178 241 96"
unit = "text"
"""


def test_no_pack_of_ours_relaxes_what_federal_law_asks() -> None:
    ours = parse_policy(everybodys_texts() | {"ours.toml": RELAXED})
    account = judge([adult(), covered("P1")], 10)[0]
    in_force = ours.for_account(account)
    assert in_force.of_gate(day(10), "G33").values["notification_days"] == (120, 120, 120)
    reasons = in_force.of_gate(day(10), "G13").values["billable_reasons"][0]
    assert set(str(reasons).split()) == {"1", "2", "3", "66", "142", "178", "241"}
