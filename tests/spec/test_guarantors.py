"""Who answers for an account: which persons are one, since when, and whom statements reached."""

from __future__ import annotations

from datetime import date

import pytest

from schemas.facts import AccountRef, AccountRegistered, Fact, Person
from service.core import fold
from service.core.guarantors import NOTHING_REGISTERED, identity
from tests.spec.facts_made import ACCOUNT, charged, day, decided, fact, merged, statement

OTHER = AccountRef("GEN", "A2")
BORN = date(1980, 2, 14)
ANN = Person("G1", family="Doe", given="Ann", birth_on=BORN)
BOB = Person("G2", family="Roe", given="Bob", birth_on=BORN)


def said(
    on: int,
    guarantor: Person | None = None,
    patient: Person | None = None,
    served: int | None = None,
    until: int | None = None,
    account: AccountRef = ACCOUNT,
) -> Fact:
    body = AccountRegistered(
        patient, guarantor, None if served is None else day(served), None if until is None else day(until)
    )
    return fact(body, on, account=account)


def answers(*facts: Fact, ref: AccountRef | None = None) -> str:
    """Who answers, by id or name; `open` where facts leave it open."""
    account = fold(facts, ref)
    if any(c.kind == "guarantor" for c in account.contradictions):
        return "open"
    guarantor = account.registered.guarantor
    return "nobody" if guarantor is None else guarantor.id or f"{guarantor.given} {guarantor.family}"


# -- which persons are one -------------------------------------------------------------------------------


def test_a_person_is_known_by_the_id_else_by_name_and_birth_date_else_not_at_all() -> None:
    assert identity(None) is None
    assert identity(ANN) == ("id", "G1")
    assert identity(Person(family="DOE", given="Ann", birth_on=BORN)) == ("name", "doe", "ann", "1980-02-14")
    assert identity(Person(family="Doe", birth_on=BORN)) == ("name", "doe", "", "1980-02-14")
    assert identity(Person(family="Doe")) is None and identity(Person(birth_on=BORN)) is None


def guarantors(*persons: Person) -> int:
    """How many one after the other, as each is told."""
    return len(fold([said(n, one, served=-5) for n, one in enumerate(persons)]).guarantors)


@pytest.mark.parametrize(
    ("one", "other", "are"),
    [
        (Person("G1"), Person("G1", family="Doe", birth_on=BORN), 1),
        (Person("G1", family="Doe", birth_on=BORN), Person("G2", family="Doe", birth_on=BORN), 2),
        (ANN, Person(family="doe", given="ANN", birth_on=BORN), 1),
        (ANN, Person(family="Doe", given="Sue", birth_on=BORN), 2),
        (ANN, Person(family="Doe", given="Ann", birth_on=date(1981, 2, 14)), 2),
        (Person(family="Doe", given="Ann", birth_on=BORN), BOB, 2),
        (
            Person(family="Doe", given="Ann", birth_on=BORN),
            Person(family="Doe", given="Ann", birth_on=BORN),
            1,
        ),
        (Person("G1"), Person(family="Doe", given="Ann", birth_on=BORN), 1),
        (ANN, Person(family="Roe"), 1),
        (Person("G1", family="Roe"), Person(family="Doe", given="Ann", birth_on=BORN), 1),
    ],
)
def test_two_statements_mean_two_persons_only_where_both_say_enough(
    one: Person, other: Person, are: int
) -> None:
    assert (guarantors(one, other), guarantors(other, one)) == (
        are,
        are if identity(other) and identity(one) else 1,
    )


def test_what_is_told_of_one_person_is_kept_field_by_field() -> None:
    facts = [
        said(-9, Person("G1", family="Doe"), Person("M1", given="Jo")),
        said(-8, Person("G1", given="Ann"), Person("M1", birth_on=BORN), served=-7),
        said(-6, until=-5),
    ]
    stated = fold(facts).registered
    assert stated.guarantor == Person("G1", family="Doe", given="Ann")
    assert stated.patient == Person("M1", given="Jo", birth_on=BORN)
    assert (stated.service_from, stated.service_to) == (day(-7), day(-5))
    assert fold(facts).guarantors[0].guarantor == Person("G1", family="Doe", given="Ann")
    assert fold([charged("5.00")]).registered == NOTHING_REGISTERED and not fold([charged("5.00")]).guarantors


def test_a_guarantor_named_before_the_patient_changed_is_the_earlier_patients() -> None:
    facts = [said(-9, ANN, Person("M1")), said(-8, None, Person("M2"))]
    assert fold(facts).registered.guarantor is None
    same = [said(-9, ANN, Person("M1")), said(-8, None, Person("M1", birth_on=BORN))]
    assert answers(*same) == "G1"


# -- since when ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        pytest.param([said(-9, ANN)], "G1", id="the only one"),
        pytest.param([said(-9), said(-8, ANN)], "G1", id="named later"),
        pytest.param([said(-9, ANN, served=-5), said(-3, BOB)], "G1", id="changed after the service"),
        pytest.param([said(-9, ANN, served=-5), said(-5, BOB)], "G2", id="changed on the day of service"),
        pytest.param([said(-9, ANN, served=-5), said(-6, BOB)], "G2", id="changed before the service"),
        pytest.param([said(-4, ANN, served=-5), said(-3, BOB)], "open", id="nobody known on the day"),
        pytest.param([said(-9, ANN), said(-3, BOB)], "open", id="no day of service"),
        pytest.param([said(-9, ANN), said(-3, BOB), charged("5.00", on=-5)], "G1", id="the day of a charge"),
        pytest.param(
            [said(-9, ANN), said(-5, BOB), charged("5.00", on=-8), charged("5.00", on=-5, id="C2")],
            "open",
            id="changed between two charges",
        ),
        pytest.param(
            [said(-9, ANN, served=-8, until=-4), said(-4, BOB)], "open", id="on the last day of the stay"
        ),
        pytest.param([said(-9, ANN, served=-8, until=-4), said(-3, BOB)], "G1", id="the day after the stay"),
        pytest.param(
            [said(-9, ANN, served=-8, until=-4), said(-8, BOB)], "G2", id="on the first day of the stay"
        ),
        pytest.param(
            [said(-9, ANN, Person("M1"), served=-7), said(-3, BOB, Person("M2"))], "G2", id="another patient"
        ),
        pytest.param(
            [said(-9, ANN, Person("M1"), served=-7), said(-6), said(-3, BOB, Person("M2"))],
            "G2",
            id="another patient after a word that names none",
        ),
        pytest.param(
            [said(-9, ANN, Person("M1"), served=-7), said(-3, None, Person("M2"))],
            "open",
            id="another patient and nobody named",
        ),
        pytest.param(
            [said(-9, None, Person("M1"), served=-7), said(-3, None, Person("M2"))],
            "nobody",
            id="another patient and nobody ever named",
        ),
        pytest.param(
            [said(-9, ANN, Person("M1")), said(-3, None, Person("M2")), said(-2, BOB)],
            "G2",
            id="another patient whose guarantor is named later",
        ),
        pytest.param(
            [said(-9, ANN, Person("M1")), said(-3, BOB, Person("M2")), said(-2, ANN)],
            "open",
            id="another patient and then another guarantor",
        ),
        pytest.param(
            [said(-9, ANN, Person("M1")), said(-3, BOB, Person("M2")), said(-2, Person("G3"), Person("M3"))],
            "G3",
            id="moved twice",
        ),
    ],
)
def test_the_guarantor_of_the_day_of_service_answers(facts: list[Fact], who: str) -> None:
    assert answers(*facts) == who


def test_the_day_of_service_may_be_known_from_a_decision_alone() -> None:
    body = decided("5.00", "5.00").body
    named = {name: getattr(body, name) for name in body.__slots__}
    served = fact(type(body)(**{**named, "service_from": day(-5)}), 0)
    assert answers(said(-9, ANN), said(-3, BOB), served) == "G1"
    assert answers(said(-9, ANN), said(-3, BOB), decided("5.00", "5.00")) == "open"


def test_tenures_say_since_when_and_by_which_fact_and_what_was_a_move() -> None:
    facts = [said(-9, ANN, Person("M1")), said(-8, ANN, Person("M1"), served=-5), said(-3, BOB, Person("M2"))]
    account = fold(facts)
    told = [(t.account, t.since, t.id, t.guarantor, t.moved) for t in account.guarantors]
    assert told == [
        (ACCOUNT, facts[0].occurred_at, facts[0].id, ANN, False),
        (ACCOUNT, facts[2].occurred_at, facts[2].id, BOB, True),
    ]
    assert account.identity_events == ((day(-3), facts[2].id),)


def test_who_answers_is_described_as_last_told() -> None:
    facts = [said(-9, ANN, served=-8), said(-5, BOB), said(-3, Person("G1", family="Ray"))]
    guarantor = fold(facts).registered.guarantor
    assert guarantor is not None and (guarantor.id, guarantor.family) == ("G1", "Ray")


def test_a_registration_that_names_nobody_is_no_tenure() -> None:
    first, then = said(-9), said(-3, ANN)
    assert [t.id for t in fold([first, then]).guarantors] == [then.id]
    assert not fold([first]).guarantors


def test_what_leaves_the_guarantor_open_is_told() -> None:
    facts = [said(-4, ANN, served=-5), said(-3, BOB)]
    (doubt,) = fold(facts).contradictions
    assert (doubt.kind, doubt.evidence) == ("guarantor", tuple(sorted(f.id for f in facts)))


# -- merged accounts -------------------------------------------------------------------------------------


def both(one: Person | None, other: Person | None, *more: Fact) -> list[Fact]:
    return [
        said(-9, one, served=-8),
        said(-9, other, served=-8, account=OTHER),
        merged(OTHER, ACCOUNT, 0),
        *more,
    ]


@pytest.mark.parametrize(
    ("facts", "who"),
    [
        (both(ANN, Person("G1")), "G1"),
        (both(ANN, BOB), "open"),
        (both(BOB, ANN), "open"),
        (both(ANN, None), "G1"),
        (both(None, None), "nobody"),
        (both(ANN, BOB, said(1, BOB)), "G2"),
        (both(ANN, BOB, said(-1, BOB)), "open"),
        (both(ANN, BOB, said(1, ANN), said(2, BOB)), "G2"),
        (both(ANN, BOB, said(1, BOB), said(2)), "G2"),
        (both(ANN, BOB, said(-7, BOB)), "open"),
        (both(ANN, BOB, said(1)), "open"),
        ([said(-9, ANN), said(-9, Person("G1"), account=OTHER), merged(OTHER, ACCOUNT, 0)], "G1"),
        (
            [
                said(-9, ANN, served=-8),
                said(-9, None, Person("M1"), account=OTHER),
                said(-5, None, Person("M2"), account=OTHER),
                merged(OTHER, ACCOUNT, 0),
            ],
            "G1",
        ),
    ],
)
def test_merged_accounts_have_one_guarantor_or_one_named_for_both(facts: list[Fact], who: str) -> None:
    assert answers(*facts, ref=ACCOUNT) == who


def test_tenures_of_merged_accounts_are_told_account_by_account() -> None:
    assert [(t.account, t.id) for t in fold(both(ANN, BOB), ACCOUNT).guarantors] == [
        (f.account, f.id) for f in both(ANN, BOB)[:2]
    ]


def test_the_day_of_service_of_each_merged_account_is_its_own() -> None:
    """The other one's guarantor changed after its own service, though before this one's."""
    facts = [
        said(-30, ANN, served=-5),
        said(-30, ANN, served=-20, account=OTHER),
        said(-10, BOB, account=OTHER),
        merged(OTHER, ACCOUNT, 0),
    ]
    assert answers(*facts, ref=ACCOUNT) == "G1"


# -- whom statements reached -----------------------------------------------------------------------------


def reached(*facts: Fact, ref: AccountRef | None = None) -> list[int]:
    return [s.body.number for s in fold(facts, ref).delivered_statements()]


LETTERS = [statement(n, on) for n, on in ((1, -7), (2, -3), (3, 4))]


@pytest.mark.parametrize(
    ("facts", "numbers"),
    [
        pytest.param([said(-9, ANN, served=-8)], [1, 2, 3], id="one guarantor"),
        pytest.param([said(-9, ANN, served=-8), said(-3, BOB)], [1], id="changed on the day of a letter"),
        pytest.param([said(-9, ANN, served=-8), said(-2, BOB)], [1, 2], id="changed after it"),
        pytest.param([said(-9, ANN, served=-8), said(-5, BOB), said(0, ANN)], [1, 3], id="changed back"),
        pytest.param([said(-9, ANN, served=-4), said(-5, BOB)], [2, 3], id="changed before the service"),
        pytest.param([said(-5, ANN, served=-8)], [1, 2, 3], id="named after the first letter"),
        pytest.param(
            [said(-9, ANN, Person("M1")), said(-3, ANN, Person("M2"))],
            [2, 3],
            id="moved on the day of a letter",
        ),
        pytest.param([said(-9, ANN, Person("M1")), said(-2, ANN, Person("M2"))], [3], id="moved after it"),
        pytest.param(
            [said(-9, None, Person("M1")), said(-2, ANN, Person("M2"))],
            [3],
            id="moved, and nobody named before",
        ),
        pytest.param(
            [said(-9, ANN, Person("M1")), said(-5, ANN, Person("M2")), said(0, ANN, Person("M3"))],
            [3],
            id="moved twice",
        ),
        pytest.param(
            [said(-5, ANN, Person("M1"), served=-5), said(-1, BOB)], [2], id="before anybody was on record"
        ),
    ],
)
def test_statements_count_that_went_to_who_answers(facts: list[Fact], numbers: list[int]) -> None:
    assert reached(*facts, *LETTERS) == numbers


def test_a_letter_dated_before_the_change_but_told_after_it_went_to_the_earlier_guarantor() -> None:
    late = fact(statement(9, -6).body, -1)
    assert reached(said(-9, ANN, served=-8), said(-5, BOB), late) == [9]


def test_statements_of_each_merged_account_went_to_its_own_guarantor() -> None:
    facts = [
        *both(ANN, BOB, said(1, BOB)),
        charged("5.00", on=-8),
        charged("5.00", on=-8, account=OTHER),
        statement(1, -7),
        statement(1, -6, account=OTHER),
    ]
    assert fold(facts, ACCOUNT).elsewhere == frozenset({facts[-2].id})


def test_a_letter_before_anybody_was_on_record_counts_where_one_person_answers_for_all() -> None:
    letter = statement(1, -12)
    assert not fold([*both(ANN, Person("G1")), letter], ACCOUNT).elsewhere


def test_a_letter_while_nobody_knew_the_new_patients_guarantor_went_elsewhere() -> None:
    letter = statement(1, -3, account=OTHER)
    facts = [
        said(-9, ANN, served=-8),
        said(-9, BOB, Person("M1"), account=OTHER),
        said(-5, None, Person("M2"), account=OTHER),
        letter,
        merged(OTHER, ACCOUNT, 0),
        said(1, ANN),
    ]
    assert fold(facts, ACCOUNT).elsewhere == frozenset({letter.id})


def test_a_letter_of_the_morning_of_a_change_went_to_the_earlier_guarantor() -> None:
    noon = statement(1, -3)
    morning = Fact.of(noon.account, noon.key, noon.occurred_at.replace(hour=9), noon.body)
    facts = [said(-9, ANN, served=-8), said(-3, BOB)]
    assert (reached(*facts, morning), reached(*facts, noon)) == ([1], [])
