"""What each state's law adds, on its own days and cents; an account of no such state is not concerned."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from schemas.facts import (
    AccountRegistered,
    Address,
    AssistanceChanged,
    ChargePosted,
    ContactLogged,
    Fact,
    NoticeRecorded,
    Person,
    PlanChanged,
)
from schemas.money import format_cents, parse_cents
from service.core import Policy, parse_policy
from tests.spec.facts_made import (
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    policy_texts,
    statement,
    verdicts,
)

OPEN, PLACE, EXTRAORDINARY = "open_case", "place", "extraordinary"


def lives_in(state: str, **more: object) -> Fact:
    person = Person("M1", birth_on=date(1980, 2, 14), address=Address(state=state))
    return fact(AccountRegistered(patient=person, **more), -29)  # type: ignore[arg-type]


def ready(state: str, amount: str = "900.00", *more: Fact, served: int = -35) -> list[Fact]:
    """An account that waits for nothing but its days, of somebody who lives in that state."""
    return [
        adult(),
        lives_in(state),
        covered("P1", on=-40),
        charged(amount, on=served),
        decided(amount, "0.00", f"PR-1 {amount}", on=-5),
        *[statement(n, 30 * n - 30, final=n == 3) for n in (1, 2, 3)],
        *more,
    ]


def enabled() -> Policy:
    """The bundled packs with every extraordinary action switched on."""
    texts = policy_texts()
    house = texts["house_default.toml"]
    for gate, name in (("G70", "enabled"), ("G71", "enabled"), ("G72", "allowed")):
        head, body = house.split(f"[gates.{gate}]", 1)
        house = f"{head}[gates.{gate}]" + body.replace(
            f'name = "{name}"\nvalue = false', f'name = "{name}"\nvalue = true', 1
        ).replace(
            f'name = "{name}"\nstage = "extraordinary"\nvalue = false',
            f'name = "{name}"\nstage = "extraordinary"\nvalue = true',
            1,
        )
    texts["house_default.toml"] = house
    return parse_policy(texts)


ENABLED = enabled()


def says(gate: str, facts: list[Fact], as_of: int | date, stage: str, policy: Policy = POLICY) -> str | None:
    return verdicts(judge(facts, as_of, policy)[2], stage).get(gate)


@pytest.mark.parametrize(
    ("state", "stage", "last"),
    [
        ("TX", OPEN, 60),
        ("TX", PLACE, 120),
        ("TX", EXTRAORDINARY, 240),
        ("NY", OPEN, 180),
        ("NY", PLACE, 180),
        ("NJ", OPEN, 120),
        ("NJ", PLACE, 120),
        ("WA", PLACE, 120),
        ("CA", EXTRAORDINARY, 240),
        ("MD", EXTRAORDINARY, 240),
    ],
)
def test_the_days_from_the_first_statement(state: str, stage: str, last: int) -> None:
    assert says("G41", ready(state), last - 1, stage) == "hold"
    assert says("G41", ready(state), last, stage) is None


def test_colorado_counts_182_days_from_the_service_beside_the_days_from_the_statement() -> None:
    late = ready("CO", served=70)
    assert says("G41", late, 251, EXTRAORDINARY) == "hold"
    assert says("G41", late, 252, EXTRAORDINARY) is None
    assert says("G41", ready("CO"), 240, EXTRAORDINARY) is None


def test_illinois_counts_90_days_from_discharge() -> None:
    left = fact(AccountRegistered(service_to=day(0) - timedelta(days=-10)), -28)
    assert says("G41", [*ready("IL"), left], 99, OPEN) == "hold"
    assert says("G41", [*ready("IL"), left], 100, OPEN) is None


@pytest.mark.parametrize("state", ["CO", "NJ"])
def test_an_appeal_forbids_a_case(state: str) -> None:
    assert says("G22", ready(state, "900.00", flagged("appeal", 61)), 70, OPEN) == "block"
    assert says("G22", ready("TX", "900.00", flagged("appeal", 61)), 70, OPEN) == "hold"


@pytest.mark.parametrize(
    ("state", "stage"), [("CO", OPEN), ("NM", OPEN), ("IL", PLACE), ("FL", EXTRAORDINARY)]
)
def test_assistance_is_looked_for_first(state: str, stage: str) -> None:
    screened = fact(NoticeRecorded("S1", "screening", day(20)), 20)
    itemized = fact(NoticeRecorded("I1", "itemized_statement", day(20)), 20)
    offered = fact(PlanChanged("PL1", "offered", day(20)), 20)
    tried = [
        fact(ContactLogged("phone", "outbound", "NA", f.occurred_at), n)
        for n, f in enumerate(ready(state)[:3], 5)
    ]
    ready_for_it = [screened, itemized, offered, *tried]
    assert says("G36", ready(state), 300, stage) == "require"
    assert says("G36", ready(state, "900.00", *ready_for_it), 300, stage) is None
    assert says("G36", ready("TX"), 300, stage) is None


def test_new_mexico_wants_three_efforts_where_the_patient_is_silent() -> None:
    screened = fact(NoticeRecorded("S1", "screening", day(20)), 20)

    def tried(count: int) -> list[Fact]:
        made = [
            fact(ContactLogged("mail", "outbound", "MAIL", lives_in("NM").occurred_at), n)
            for n in range(count)
        ]
        return ready("NM", "900.00", screened, *made)

    assert says("G36", tried(2), 100, OPEN) == "require"
    assert says("G36", tried(3), 100, OPEN) is None


@pytest.mark.parametrize(
    ("state", "stage", "within", "above"),
    [("NM", OPEN, "200", "201"), ("NY", EXTRAORDINARY, "399", "400"), ("NJ", EXTRAORDINARY, "599", "600")],
)
def test_the_income_up_to_which_nothing_is_collected(state: str, stage: str, within: str, above: str) -> None:
    def earning(percent: str) -> list[Fact]:
        return ready(state, "900.00", fact(AssistanceChanged("offered", day(1), None, None, percent), 1))

    assert says("G32", earning(within), 300, stage) == "block"
    assert says("G32", earning(above), 300, stage) is None


def test_new_jersey_wants_a_plan_offered_and_a_notice_of_thirty_days_before_an_agency() -> None:
    offered = fact(PlanChanged("PL1", "offered", day(20)), 20)
    notices = [
        fact(NoticeRecorded(kind, kind, day(100)), 100)
        for kind in ("intended_actions", "financial_assistance_summary")
    ]
    facts = ready("NJ", "900.00", offered)
    assert says("G36", ready("NJ"), 125, OPEN) == "require"
    assert says("G36", facts, 125, OPEN) is None
    assert says("G34", facts, 125, PLACE) == "require"
    assert says("G34", [*facts, *notices], 129, PLACE) == "hold"
    assert says("G34", [*facts, *notices], 130, PLACE) is None
    assert says("G34", facts, 125, OPEN) is None


@pytest.mark.parametrize(("amount", "verdict"), [("500.00", "block"), ("500.01", None)])
def test_maryland_allows_no_suit_for_500_or_less(amount: str, verdict: str | None) -> None:
    assert says("G42", ready("MD", amount), 300, EXTRAORDINARY) == verdict
    assert says("G42", ready("TX", "500.00"), 300, EXTRAORDINARY) is None


@pytest.mark.parametrize(
    "state", ["NY", "CA", "CO", "MD", "WA", "IL", "NJ", "MN", "VA", "CT", "DE", "ME", "OR", "RI", "VT"]
)
def test_no_report_to_a_bureau_is_made(state: str) -> None:
    assert says("G70", ready(state), 500, EXTRAORDINARY, ENABLED) == "block"
    assert says("G70", ready("TX"), 500, EXTRAORDINARY, ENABLED) is None


@pytest.mark.parametrize(("state", "since"), [("MD", date(2025, 10, 1)), ("MN", date(2024, 10, 1))])
def test_a_ban_begins_on_its_day(state: str, since: date) -> None:
    shift = (since - day(0)).days
    facts = [
        adult(on=shift - 900),
        lives_in(state),
        covered("P1", on=shift - 900),
        charged("900.00", on=shift - 800),
        decided("900.00", "0.00", "PR-1 900.00", on=shift - 790),
        statement(1, shift - 600),
    ]
    assert says("G70", facts, since - timedelta(days=1), EXTRAORDINARY, ENABLED) is None
    assert says("G70", facts, since, EXTRAORDINARY, ENABLED) == "block"


@pytest.mark.parametrize(("served", "verdict"), [(date(2024, 7, 21), None), (date(2024, 7, 22), "block")])
def test_new_jersey_bans_reports_for_care_from_its_day(served: date, verdict: str | None) -> None:
    facts = ready("NJ", served=(served - day(0)).days)
    assert says("G70", facts, 500, EXTRAORDINARY, ENABLED) == verdict


def test_virginia_forbids_liens_and_garnishments_from_july_2026() -> None:
    facts = ready("VA")
    first = date(2026, 7, 1)
    assert says("G71", facts, first - timedelta(days=1), EXTRAORDINARY, ENABLED) == "require"
    assert says("G71", facts, first, EXTRAORDINARY, ENABLED) == "block"
    assert judge(facts, first - timedelta(days=1))[2].review_on == first


@pytest.mark.parametrize("state", ["NY", "MD", "VA"])
def test_actions_a_state_forbids_stay_forbidden_however_policy_is_set(state: str) -> None:
    def announced(*actions: str) -> Fact:
        return fact(NoticeRecorded("N1", "intended_actions", day(200), actions=actions), 200)

    assert says("G71", ready(state, "900.00", announced("lien")), 400, EXTRAORDINARY, ENABLED) == "block"
    assert says("G71", ready(state, "900.00", announced("suit")), 400, EXTRAORDINARY, ENABLED) == "require"
    assert says("G71", ready("TX", "900.00", announced("lien")), 400, EXTRAORDINARY, ENABLED) == "require"


def test_minnesota_no_spouse_answers_without_a_promise_and_no_machine_calls() -> None:
    spouse = Person("M2", relationship="spouse", birth_on=date(1980, 1, 1))
    facts = ready("MN", "900.00", fact(AccountRegistered(guarantor=spouse), -28))
    promise = fact(NoticeRecorded("G1", "guarantee", day(1)), 1)
    assert says("G10", facts, 100, OPEN) == "require"
    assert says("G10", [*facts, promise], 100, OPEN) is None
    consent = fact(NoticeRecorded("C1", "automated_contact_consent", day(1)), 1)
    called = fact(
        ContactLogged("phone", "outbound", "LM", fact(AccountRegistered(), 30).occurred_at, automated=True),
        30,
    )
    assert says("G63", ready("MN", "900.00", consent, called), 100, PLACE) == "require"
    assert says("G63", ready("TX", "900.00", consent, called), 100, PLACE) is None


def interest(amount: str, on: int) -> Fact:
    body = ChargePosted("INT1", parse_cents(amount), day(on), kind="interest")
    return fact(body, on, key="charge.posted|GEN/A1|billing|INT1")


@pytest.mark.parametrize(
    ("state", "most"), [("NY", "14.79"), ("CO", "22.19"), ("NJ", "22.19"), ("WA", "66.57"), ("TX", "147.94")]
)
def test_the_interest_a_state_allows_in_300_days(state: str, most: str) -> None:
    """900.00 for 300 days under a house policy of 20 percent: the lower of both rates, to the cent."""
    texts = policy_texts()
    head, body = texts["house_default.toml"].split('name = "interest_percent"', 1)
    texts["house_default.toml"] = (
        head + 'name = "interest_percent"' + body.replace("value = 0", "value = 20", 1)
    )
    policy = parse_policy(texts)
    agreed = fact(NoticeRecorded("F1", "fee_agreement", day(-30)), -30)
    above = format_cents(parse_cents(most) + 1)
    assert says("G66", ready(state, "900.00", agreed, interest(most, 300)), 300, OPEN, policy) is None
    assert says("G66", ready(state, "900.00", agreed, interest(above, 300)), 300, OPEN, policy) == "block"


def test_every_state_of_the_packs_is_named_in_a_test_here() -> None:
    text = Path(__file__).read_text()
    for name in policy_texts():
        if name.startswith("state_") and name != "state_reporting_bans.toml":
            assert f'"{name[6:8].upper()}"' in text, name
