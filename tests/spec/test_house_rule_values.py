"""What a house rule sees of an account: each value, the facts it rests on, and what a missing one means."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from schemas.decisions import STAGES, Finding, Scalar
from schemas.facts import AccountRegistered, Address, Fact, Person
from service.core import Account, Policy, parse_policy
from service.core.policy import VALUES
from tests.spec.facts_made import (
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    everybodys_texts,
    fact,
    flagged,
    judge,
    paid,
    statements,
)
from tests.spec.policies_made import CITED, HEAD

RULE = (
    "[[rule]]\nid = 'H01'\nname = 'seen by a chief'\nwhen = ' a condition '\nbecause = ' Seen first. '\n"
    "citation = ' Manual 4 '\nverdict = '{}'\n"
)


CODES = everybodys_texts()["carc.toml"]


class Sees:
    """A condition over given values: true unless it is told otherwise."""

    def __init__(self, *uses: str, answer: bool = True, minds: bool = False) -> None:
        self.uses, self.answer, self.minds_missing = uses, answer, minds

    def holds(self, values: Mapping[str, object]) -> bool:
        assert set(values) == set(self.uses)
        return self.answer


def ruled(sees: Sees, more: str = "", verdict: str = "hold", places: str = "") -> Policy:
    ours = HEAD + RULE.format(verdict) + more + places
    texts = {"all.toml": CITED, "carc.toml": CODES, "ours.toml": ours}
    return parse_policy(texts, lambda text: sees)


def findings(facts: list[Fact], policy: Policy, as_of: int = 62) -> tuple[Account, list[Finding]]:
    account, _, decision = judge(facts, as_of, policy)
    return account, [f for f in decision.findings if f.gate == "H01"]


def living(state: str | None, **more: object) -> Fact:
    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state=state))
    return fact(AccountRegistered(patient=person, **more), -28)  # type: ignore[arg-type]


STORY = [
    adult(),
    covered("P1", "P2", kinds={"P1": "medicare", "P2": "commercial"}),
    charged("320.00"),
    charged("30.00", on=-19, id="C2"),
    decided("350.00", "120.00", "CO-45 30.00", "PR-1 200.00", on=-6, number="N1"),
    decided("350.00", "0.00", "OA-23 150.00", "PR-1 200.00", on=-5, payer="P2", status="2"),
    paid("120.00", -5, by="payer", id="CHECK", payer="P1"),
    paid("60.00", 10),
    paid("-10.00", 15, id="BACK"),
    paid("5.00", 63, id="LATER"),
    flagged("dispute", 20),
    *statements(),
    fact(AccountRegistered(financial_class="COM", patient_class="O"), -27),
]
"""The payer leaves 200.00 of 350.00; 60.00 was paid and 10.00 given back, and 5.00 comes a day later."""


def seen(name: str, facts: list[Fact], as_of: int = 62, places: str = "") -> tuple[Scalar, set[str], int]:
    """What is shown of a value, the kinds of the facts behind it, and how many they are."""
    account, found = findings(facts, ruled(Sees(name), places=places), as_of)
    kinds = {f.id: f.kind for f in account.facts}
    assert [shown for shown, _ in found[0].parameters] == ["when", name]
    return (
        dict(found[0].parameters)[name],
        {kinds[id] for id in found[0].evidence},
        len(found[0].evidence),
    )


@pytest.mark.parametrize(
    ("name", "shown", "kinds", "count"),
    [
        ("as_of", "2026-03-04", set(), 0),
        ("assigned_cents", 20000, {"claim.adjudicated", "payment.posted"}, None),
        ("balance_cents", 14500, {"claim.adjudicated", "payment.posted"}, None),
        ("charges_cents", 35000, {"charge.posted"}, 2),
        ("collectible_cents", 20000, {"claim.adjudicated", "payment.posted"}, None),
        ("days_since_first_statement", 62, {"statement.sent"}, 3),
        ("days_since_service", 82, set(), 0),
        ("determination", "final", set(), 0),
        ("facility", "GEN", set(), 0),
        ("facility_kind", "hospital", set(), 0),
        ("financial_class", "COM", set(), 0),
        ("first_statement_on", "2026-01-01", {"statement.sent"}, 3),
        ("flags", "dispute", {"account.flagged"}, 1),
        ("last_payment_on", "2026-01-11", {"payment.posted"}, 3),
        ("net_cents", 14500, {"claim.adjudicated", "payment.posted"}, None),
        ("patient_class", "O", set(), 0),
        ("patient_paid_cents", 5000, {"payment.posted"}, 3),
        ("payer_kinds", "commercial medicare", {"coverage.listed"}, 1),
        ("payers", "P1 P2", {"coverage.listed"}, 1),
        ("self_pay", False, set(), 0),
        ("service_on", "2025-12-12", set(), 0),
        ("statements", 3, {"statement.sent"}, 3),
        ("states", "", set(), 0),
    ],
)
def test_each_value_is_shown_with_the_facts_it_rests_on(
    name: str, shown: Scalar, kinds: set[str], count: int | None
) -> None:
    assert day(62) == date(2026, 3, 4)
    found = seen(name, STORY)
    assert found[0] == shown
    assert kinds == set() == found[1] or (found[1] <= kinds and found[1])
    assert count is None or found[2] == count


def test_the_balance_is_what_anybody_owes() -> None:
    """Of 350.00 the payer paid 120.00, 30.00 are not owed, and 55.00 came from the patient."""
    assert seen("balance_cents", STORY)[0] == 14500
    open_claim = [adult(), covered("P1"), charged("320.00")]
    assert seen("balance_cents", open_claim)[0] == 32000 and seen("net_cents", open_claim)[0] == 0


@pytest.mark.parametrize(
    ("name", "as_of", "shown"),
    [
        ("last_payment_on", 9, None),
        ("last_payment_on", 10, "2026-01-11"),
        ("last_payment_on", 63, "2026-03-05"),
        ("patient_paid_cents", 9, 0),
        ("patient_paid_cents", 14, 6000),
        ("patient_paid_cents", 15, 5000),
        ("patient_paid_cents", 63, 5500),
        ("statements", 29, 1),
        ("statements", 30, 2),
        ("days_since_first_statement", 0, 0),
        ("first_statement_on", -1, None),
        ("days_since_first_statement", -1, None),
    ],
)
def test_what_lies_after_the_day_is_not_seen(name: str, as_of: int, shown: Scalar) -> None:
    assert seen(name, STORY, as_of)[0] == shown


@pytest.mark.parametrize(("amount", "on"), [("0.00", None), ("-0.01", None), ("0.01", "2026-01-06")])
def test_the_day_of_a_payment_is_one_on_which_money_came(amount: str, on: str | None) -> None:
    assert seen("last_payment_on", [adult(), paid(amount, 5)])[0] == on


@pytest.mark.parametrize(
    "name",
    [
        "days_since_first_statement",
        "days_since_service",
        "facility_kind",
        "financial_class",
        "first_statement_on",
        "last_payment_on",
        "patient_class",
        "service_on",
    ],
)
@pytest.mark.parametrize(("verdict", "found"), [("require", "hold"), ("hold", "hold"), ("block", "block")])
def test_a_missing_value_holds_at_least_and_is_named(name: str, verdict: str, found: str) -> None:
    bare = [fact(AccountRegistered(patient=Person("M1")), -3)]
    _, said = findings(bare, ruled(Sees(name, "net_cents", answer=False), verdict=verdict))
    assert {f.verdict.word for f in said} == {found} and len(said) == 3
    assert f"({name})" in said[0].because and said[0].lifted_by == "the missing fact"
    _, minding = findings(bare, ruled(Sees(name, "net_cents", answer=False, minds=True), verdict=verdict))
    assert {f.verdict.word for f in minding} == {"allow"}


def test_values_that_are_never_missing() -> None:
    bare = [fact(AccountRegistered(patient=Person("M1")), -3)]
    for name in ("flags", "payers", "payer_kinds", "states"):
        assert seen(name, bare)[0] == ""
    assert seen("charges_cents", bare)[0] == seen("statements", bare)[0] == 0
    assert seen("self_pay", bare)[0] is False


@pytest.mark.parametrize(("verdict", "found"), [("require", "hold"), ("hold", "hold"), ("block", "block")])
def test_a_rule_that_cannot_be_worked_out_holds_at_least(verdict: str, found: str) -> None:
    class Failing(Sees):
        def holds(self, values: Mapping[str, object]) -> bool:
            raise ValueError("no")

    _, said = findings(STORY, ruled(Failing("net_cents"), verdict=verdict))
    assert {f.verdict.word for f in said} == {found}
    assert "could not be worked out" in said[0].because and said[0].lifted_by == "a corrected house rule"


PLACES = "[facility.GEN]\nstate = '{}'\nkind = '{}'\n"


def test_states_are_those_of_the_facility_and_of_patient_and_guarantor() -> None:
    guarantor = Person("M2", address=Address(state=" nj "))
    facts = [living("ct"), fact(AccountRegistered(guarantor=guarantor), -27), charged("1.00")]
    assert seen("states", facts)[0] == "CT NJ"
    assert seen("states", facts, places=PLACES.format("ny", "clinic"))[0] == "CT NJ NY"
    assert seen("states", [living(None)], places=PLACES.format("NY", "clinic"))[0] == "NY"
    assert seen("states", [living("")])[0] == seen("states", [adult()])[0] == ""


def test_the_kind_of_facility_is_what_registration_says_else_what_policy_says() -> None:
    policy = PLACES.format("NY", "clinic")
    assert seen("facility_kind", [adult()], places=policy)[0] == "hospital"
    assert seen("facility_kind", [living("NY")], places=policy)[0] == "clinic"
    assert seen("facility_kind", [living("NY")], places="[facility.GEN]\nstate = 'NY'\n")[0] is None


def test_self_pay_is_an_account_whose_list_of_payers_is_empty() -> None:
    assert seen("self_pay", [adult(), covered(), charged("320.00")])[0] is True
    assert seen("payers", [adult(), covered(), charged("320.00")])[0] == ""


def test_kinds_of_cover_that_nobody_states_are_left_out() -> None:
    facts = [adult(), covered("P1", "P2", kinds={"P1": "", "P2": "auto"})]
    assert (seen("payer_kinds", facts)[0], seen("payers", facts)[0]) == ("auto", "P1 P2")


def test_a_flag_that_was_placed_twice_rests_on_both_facts() -> None:
    twice = [
        adult(),
        flagged("returned_mail", 1),
        flagged("returned_mail", 9, reference="R"),
        flagged("vip", 3),
    ]
    assert seen("flags", twice) == ("returned_mail vip", {"account.flagged"}, 3)


def test_a_flag_stands_until_it_is_cleared_whatever_last_day_it_names() -> None:
    """A rule that restricts while a flag stands does not end by itself."""
    ended = [adult(), flagged("manual", 1, until=20), flagged("vip", 1), cleared("vip", 9)]
    assert seen("flags", ended)[0] == "manual"


def test_a_fact_that_several_values_rest_on_is_named_once() -> None:
    _, said = findings(STORY, ruled(Sees("payers", "payer_kinds", "statements", "first_statement_on")))
    assert len(said[0].evidence) == 4 == len(set(said[0].evidence))


def test_a_rule_speaks_for_its_stages_and_is_silent_for_the_others() -> None:
    for stages in (["place"], ["extraordinary", "open_case"], list(STAGES)):
        _, said = findings(STORY, ruled(Sees("net_cents"), f"stage = {stages}\nlifted_by = 'a chief'\n"))
        for finding in said:
            speaks = finding.stage in stages
            assert finding.verdict.word == ("hold" if speaks else "allow")
            assert finding.because == ("Seen first." if speaks else "This house rule asks for nothing here.")
            assert finding.lifted_by == ("a chief" if speaks else None) and bool(finding.evidence) is speaks
            assert (finding.name, finding.citation) == ("seen_by_a_chief", "Manual 4")
            assert finding.parameters[0] == ("when", "a condition") and finding.set_by == (
                ("when", "ours@1"),
            )
    _, silent = findings(STORY, ruled(Sees("net_cents", answer=False)))
    assert {(f.verdict.word, f.parameters) for f in silent} == {("allow", (("when", "a condition"),))}


@pytest.mark.parametrize(
    ("start", "first_day", "as_of"),
    [("first_statement_on", 0, 8), ("last_payment_on", 10, 18), ("service_on", -20, -12)],
)
def test_a_rule_ends_its_days_after_the_day_it_names(start: str, first_day: int, as_of: int) -> None:
    policy = ruled(Sees("net_cents"), f"until_days = 9\nuntil_from = '{start}'\n")
    _, last = findings(STORY, policy, as_of)
    assert (last[0].verdict.word, last[0].until) == ("hold", day(first_day + 9)) == ("hold", day(as_of + 1))
    _, ended = findings(STORY, policy, as_of + 1)
    assert {f.verdict.word for f in ended} == {"allow"}


def test_a_rule_whose_day_is_not_known_or_never_comes_has_no_end() -> None:
    bare = [fact(AccountRegistered(patient=Person("M1")), -3)]
    _, said = findings(bare, ruled(Sees("net_cents"), "until_days = 1\nuntil_from = 'last_payment_on'\n"))
    assert (said[0].verdict.word, said[0].until) == ("hold", None)
    far = [adult(), charged("1.00", on=(date(9999, 12, 1) - day(0)).days)]
    _, said = findings(far, ruled(Sees("net_cents"), "until_days = 36500\nuntil_from = 'service_on'\n"))
    assert (said[0].verdict.word, said[0].until) == ("hold", None)


MOVING = {"as_of", "days_since_first_statement", "days_since_service", "statements"}


@pytest.mark.parametrize("name", sorted(VALUES))
def test_a_rule_over_something_that_each_day_changes_is_asked_again_the_next_day(name: str) -> None:
    policy = ruled(Sees("determination", name))
    decision = judge(STORY, 62, policy)[2]
    assert (decision.review_on == day(63)) is (name in MOVING)
    assert VALUES[name].meaning.endswith(".") and VALUES[name].name == name


@pytest.mark.parametrize("liftable", [True, False])
def test_a_rule_may_be_one_that_people_lift(liftable: bool) -> None:
    more = f"liftable = {str(liftable).lower()}\n"
    ((rule, _),) = ruled(Sees("net_cents"), more).on(day(0)).rules
    assert rule.liftable is liftable
    ((rule, _),) = ruled(Sees("net_cents")).on(day(0)).rules
    assert (rule.liftable, rule.lifted_by, rule.until_days, rule.until_from) == (False, None, None, None)


def test_rules_are_asked_by_id_on_their_days() -> None:
    dates = "effective_from = 2026-02-01\neffective_until = 2026-03-01\n"
    text = RULE.format("hold").replace("H01", "H02") + dates + RULE.format("block")
    policy = parse_policy({"all.toml": CITED, "ours.toml": HEAD + text}, lambda text: Sees("net_cents"))
    for on, ids in ((30, ["H01"]), (31, ["H01", "H02"]), (58, ["H01", "H02"]), (59, ["H01"])):
        assert [rule.id for rule, _ in policy.on(day(on)).rules] == ids
    assert day(31) == date(2026, 2, 1) and day(59) == date(2026, 3, 1)


def test_a_rule_of_a_scoped_pack_is_asked_of_its_accounts_on_its_days() -> None:
    scope = HEAD + "[scope]\nstate = ['NY']\n"
    text = scope + RULE.format("hold") + "effective_from = 2026-02-01\neffective_until = 2026-03-01\n"
    policy = parse_policy({"all.toml": CITED, "ours.toml": text}, lambda text: Sees("net_cents"))
    for state, on, asked in (("NY", 30, False), ("NY", 31, True), ("NY", 59, False), ("TX", 31, False)):
        there = policy.for_words({"state": [state]})
        assert bool(there.on(day(on)).rules) is asked
        assert there.next_change(day(31)) == (day(59) if state == "NY" else None)
    always = {"all.toml": CITED, "ours.toml": scope + RULE.format("hold")}
    undated = parse_policy(always, lambda text: Sees("net_cents"))
    for state, asked in (("NY", True), ("TX", False)):
        assert bool(undated.for_words({"state": [state]}).on(day(0)).rules) is asked
