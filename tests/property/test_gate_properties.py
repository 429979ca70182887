"""What must hold for every gate: nothing added opens a case, days move together, packs only tighten."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.decisions import Verdict
from schemas.facts import (
    AccountFlagged,
    AccountRegistered,
    Address,
    AgencyReported,
    Body,
    ContactLogged,
    Fact,
    NoticeRecorded,
    OverrideApproved,
    OverrideProposed,
    PaymentPending,
    Person,
    PlanChanged,
    PromiseChanged,
)
from schemas.wire.native import NOTICE_KINDS
from service.core import Policy, apportion, decide, fold, parse_policy
from service.core.gates.person import ASKED_ELSEWHERE
from service.core.lifting import verdict_sha256
from service.core.overriding import key_of_hold
from tests.property.histories import histories, plain_histories
from tests.property.test_core_properties import shifted
from tests.spec.facts_made import POLICY, day, everybodys_texts, fact, flagged, judge, paid

quick = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)

MAY_BE_LIFTED, WAITS = {"G06", "G40", "G41", "G42"}, {"G06", "G41"}

STATES = ("NY", "CA", "CO", "MD", "WA", "IL", "NM", "NJ", "MN", "FL", "VA", "CT", "VT")

FLAGS = (
    *sorted(ASKED_ELSEWHERE - {"unreadable_claim"}),
    "manual",
    "vip",
    "billing_hold",
    "a_flag_nobody_knows",
)


def contact(disposition: str, on: int, **more: bool) -> Fact:
    at = datetime.combine(day(on), time(15), tzinfo=UTC)
    return fact(ContactLogged("phone", "outbound", disposition, at, **more), on)


ADDED: tuple[Fact, ...] = (
    *[flagged(name, 62) for name in FLAGS],
    paid("1.00", on=62, id="MORE"),
    paid("60.00", on=62, id="MORE"),
    fact(PaymentPending("Q", 1000, day(62)), 62),
    fact(PlanChanged("PL", "active", day(62)), 62),
    fact(PromiseChanged("PR", "made", 1000, day(80)), 62),
    contact("NA", 62),
    contact("RPC-REF", 62),
    contact("LM", 62, automated=True),
    contact("TPC", 62, disclosed=True),
    fact(AgencyReported("K", "acknowledged", day(62)), 62),
)


@quick
@given(st.one_of(histories(), plain_histories()), st.integers(0, 200), st.sampled_from(ADDED))
def test_no_flag_payment_promise_or_contact_ever_opens_a_case(
    facts: list[Fact], as_of: int, added: Fact
) -> None:
    if not judge(facts, as_of)[2].opens_case:
        assert not judge([*facts, added], as_of)[2].opens_case


@quick
@given(st.one_of(histories(), plain_histories()), st.integers(0, 200), st.integers(0, 62))
def test_no_hold_and_no_word_of_one_person_ever_opens_a_case(facts: list[Fact], as_of: int, on: int) -> None:
    account, _, decision = judge(facts, as_of)
    if decision.opens_case:
        return
    hold = fact(AccountFlagged("manual", day(on), reference="R"), on, key=key_of_hold(account.ref, "R"))
    added = [hold, fact(OverrideProposed("Ann", "Why.", day(on), hold=hold.id), on)]
    for found in [f for f in decision.findings if f.stage == "open_case" and f.stands]:
        proposal = fact(
            OverrideProposed(
                "Ann", "Why.", day(on), found.gate, None, day(300), verdict_sha256(found), "", 10**9
            ),
            on,
        )
        added += [proposal, fact(OverrideApproved(proposal.id, "ann ", "Why.", day(on)), on)]
    assert not judge([*facts, *added], as_of)[2].opens_case


@quick
@given(st.one_of(histories(), plain_histories()), st.integers(0, 200))
def test_two_people_lift_only_what_may_be_lifted_and_whatever_they_sign_nothing_else(
    facts: list[Fact], as_of: int
) -> None:
    _, owes, decision = judge(facts, as_of)
    added = []
    for found in [f for f in decision.findings if f.stage == "open_case" and f.stands]:
        body = OverrideProposed("Ann", "Why.", day(0), found.gate, None, day(300), verdict_sha256(found))
        proposal = fact(replace(body, amount_cents=10**9), 0)
        added += [proposal, fact(OverrideApproved(proposal.id, "Bob", "Why.", day(as_of)), 0)]
    signed = judge([*facts, *added], as_of)[2]
    before = {f.gate: f for f in decision.findings if f.stage == "open_case"}
    for found in [f for f in signed.findings if f.stage == "open_case"]:
        assert found.verdict is before[found.gate].verdict
        if found.lifted is not None:
            assert found.gate in MAY_BE_LIFTED
            assert found.gate not in WAITS or (found.until is not None and found.lifted_by is None)
    if signed.opens_case and not decision.opens_case:
        assert owes.determination == "final"
        assert owes.net_cents > 0


@quick
@given(plain_histories(), st.integers(0, 200), st.sampled_from(FLAGS))
def test_a_flag_never_makes_any_gate_milder(facts: list[Fact], as_of: int, name: str) -> None:
    before, after = judge(facts, as_of)[2], judge([*facts, flagged(name, 2)], as_of)[2]
    if name != "returned_mail":
        assert all(a.verdict >= b.verdict for b, a in zip(before.findings, after.findings, strict=True))
    assert all(a >= b for b, a in zip(before.outcomes, after.outcomes, strict=True))


@pytest.mark.parametrize("name", sorted(ASKED_ELSEWHERE - {"unreadable_claim"}))
def test_every_flag_that_one_gate_leaves_to_others_is_asked_by_one(name: str) -> None:
    recently = 120 if name == "identity_event" else 62
    facts = [*_ready(), flagged(name, recently)]
    before, after = judge(_ready(), 130)[2], judge(facts, 130)[2]
    assert any(a.verdict > b.verdict for b, a in zip(before.findings, after.findings, strict=True))


def _ready() -> list[Fact]:
    from tests.spec.gate_scenarios import base

    return base("ready")


def contacts(draw: st.DrawFn) -> list[Fact]:
    codes = st.sampled_from(["NA", "LM", "RPC-CB", "MAIL", "OPT-OUT", "TX", "XYZ"])
    return [
        contact(draw(codes), draw(st.integers(0, 150)), automated=draw(st.booleans()))
        for _ in range(draw(st.integers(0, 9)))
    ]


@st.composite
def busy(draw: st.DrawFn) -> list[Fact]:
    """Accounts with contacts, papers and agency reports besides their money."""
    facts = draw(st.one_of(histories(), plain_histories())) + contacts(draw)
    for n in range(draw(st.integers(0, 4))):
        on, kind = draw(st.integers(-20, 150)), draw(st.sampled_from(NOTICE_KINDS))
        body: Body = NoticeRecorded(f"D{n}", kind, day(on), 40000, draw(st.booleans()))
        facts.append(fact(body, on))
    if draw(st.booleans()):
        on = draw(st.integers(60, 150))
        facts.append(fact(AgencyReported("K", "acknowledged", day(on)), on))
    if draw(st.booleans()):
        facts.append(flagged(draw(st.sampled_from(FLAGS)), draw(st.integers(0, 90))))
    return facts


UNDATED: Policy = parse_policy(
    {
        name: "\n".join(line for line in text.splitlines() if not line.startswith("effective_"))
        for name, text in everybodys_texts().items()
    }
)


@quick
@given(busy(), st.integers(0, 400), st.integers(-300, 300).map(lambda weeks: 7 * (weeks // 7)))
def test_every_day_a_gate_names_moves_with_the_facts(facts: list[Fact], as_of: int, days: int) -> None:
    facts = [f for f in facts if not isinstance(f.body, AccountRegistered)]
    moved = [shifted(f, days) for f in facts]
    one, other = judge(facts, as_of, UNDATED)[2], judge(moved, as_of + days, UNDATED)[2]

    def later(when: date | None) -> date | None:
        return when and when + timedelta(days=days)

    assert one.outcomes == other.outcomes
    assert later(one.review_on) == other.review_on
    assert [(f.gate, f.verdict, later(f.until)) for f in one.findings] == [
        (f.gate, f.verdict, f.until) for f in other.findings
    ]


@quick
@given(busy(), st.integers(0, 400), st.integers(1, 120))
def test_no_outcome_changes_before_its_review_day_whatever_was_logged(
    facts: list[Fact], as_of: int, later: int
) -> None:
    facts = [f for f in facts if f.occurred_at.date() <= day(as_of)] or facts[:1]
    account = fold(facts)
    owes = apportion(account, POLICY)
    decision = decide(account, owes, POLICY, day(as_of))
    when = day(as_of + later)
    if decision.review_on is None or when < decision.review_on:
        assert decide(account, owes, POLICY, when).outcomes == decision.outcomes


EVERYBODYS: Policy = parse_policy(everybodys_texts())


@quick
@given(busy(), st.integers(0, 400), st.sampled_from(STATES), st.integers(1, 3))
def test_a_pack_of_a_state_never_relaxes_an_outcome_or_a_gate(
    facts: list[Fact], as_of: int, state: str, second: int
) -> None:
    other = STATES[(STATES.index(state) + second) % len(STATES)]
    lives = AccountRegistered(
        patient=Person("M1", address=Address(state=state)),
        guarantor=Person("M1", birth_on=date(1980, 2, 14), address=Address(state=other)),
    )
    facts = [*facts, fact(lives, -25)]
    plain, scoped = judge(facts, as_of, EVERYBODYS)[2], judge(facts, as_of, POLICY)[2]
    assert scoped.packs
    for before, after in zip(plain.findings, scoped.findings, strict=True):
        assert after.verdict >= before.verdict, f"{after.gate} {after.stage} {scoped.packs}"
    for one, two in zip(plain.outcomes, scoped.outcomes, strict=True):
        assert two >= one


@quick
@given(busy(), st.integers(0, 400))
def test_no_gate_on_contact_ever_stands_in_the_way_of_a_case(facts: list[Fact], as_of: int) -> None:
    found = judge(facts, as_of)[2].findings
    contact_gates = [f for f in found if "G60" <= f.gate <= "G65" and f.stage == "open_case"]
    assert len(contact_gates) == 6
    assert all(f.verdict is Verdict.ALLOW for f in contact_gates)
