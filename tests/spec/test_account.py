"""What an account's facts add up to before anybody divides it: the latest word, what reached whom."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import permutations
from typing import cast

import pytest

from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    AdjudicationUnreadable,
    AssistanceChanged,
    BalanceReported,
    ClaimAdjudicated,
    ClaimStatusReported,
    CodingStatusChanged,
    Fact,
    OverrideProposed,
    Payer,
    PaymentPending,
    PlanChanged,
    PromiseChanged,
    StatementSent,
)
from service.core import fold
from service.core.account import Account, service_day
from service.core.withdrawing import CONTRADICTION, ID_REUSED, withdrawal
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    merged,
    paid,
    statement,
    statements,
    submitted,
)

OTHER = AccountRef("GEN", "A2")
OWED = [
    adult(),
    covered("P1", on=-40),
    charged("320.00", on=-35),
    decided("320.00", "0.00", "PR-1 320.00", on=-5),
]


def sent(account: Account, since: date = date.min) -> list[int]:
    """The numbers of the statements that reached who answers."""
    return [s.body.number for s in account.delivered_statements(since)]


# -- which statements reached somebody ---------------------------------------------------------------


def test_statements_open_a_case_and_those_that_were_never_delivered_do_not() -> None:
    assert judge([*OWED, *statements(0)], 90)[2].opens_case
    lost = [statement(2, 30, delivered=False), statement(3, 60, final=True, delivered=False)]
    account, _, decision = judge([*OWED, statement(1, 0), *lost], 90)
    assert (sent(account), decision.opens_case) == ([1], False)


def test_statements_count_from_the_day_itself() -> None:
    account = fold(statements(0))
    assert [sent(account, day(n)) for n in (30, 31)] == [[2, 3], [3]]


def test_statements_of_one_day_have_an_order_that_does_not_depend_on_arrival() -> None:
    letters = [statement(n, 0) for n in (1, 2, 3)]
    told = {tuple(sent(fold(order))) for order in permutations(letters)}
    assert len(told) == 1
    assert sent(fold([statement(1, 9), statement(2, 3)])) == [2, 1]


@pytest.mark.parametrize(
    ("flags", "reached"),
    [
        pytest.param([flagged("returned_mail", 40)], [], id="a letter came back: nobody knows the address"),
        pytest.param([flagged("dispute", 40)], [1, 2, 3], id="another flag says nothing of letters"),
        pytest.param([flagged("returned_mail", 40, reference="2")], [1, 3], id="one letter came back"),
        pytest.param([flagged("returned_mail", 40, reference="002")], [1, 3], id="its number with noughts"),
        pytest.param(
            [flagged("returned_mail", 40, reference="7")], [1, 2, 3], id="a letter of another number"
        ),
        pytest.param([flagged("returned_mail", 40, reference="R-2")], [], id="a reference that is no number"),
        pytest.param(
            [flagged("returned_mail", 40, reference="²")], [], id="a reference that is no plain number"
        ),
        pytest.param(
            [flagged("returned_mail", 40, reference="2" * 5000)], [1, 2, 3], id="a monstrous number"
        ),
        pytest.param(
            [flagged("returned_mail", 40), cleared("returned_mail", 60)],
            [3],
            id="a new address since that day",
        ),
        pytest.param(
            [flagged("returned_mail", 40), cleared("returned_mail", 61)],
            [],
            id="a new address since the day after",
        ),
        pytest.param(
            [flagged("returned_mail", 40, reference="2"), cleared("returned_mail", 41, "2")],
            [1, 3],
            id="the letter that came back stays lost",
        ),
        pytest.param(
            [
                flagged("returned_mail", 10, reference="R-1"),
                cleared("returned_mail", 20, "R-1"),
                flagged("returned_mail", 40, reference="R-2"),
                cleared("returned_mail", 50, "R-2"),
            ],
            [3],
            id="of two new addresses the later counts",
        ),
    ],
)
def test_returned_mail_takes_deliveries_back(flags: list[Fact], reached: list[int]) -> None:
    assert sent(fold([*statements(0), *flags])) == reached


def test_a_statement_numbered_nought_comes_back_too() -> None:
    zero = fact(StatementSent(0, day(0)), 0)
    assert sent(fold([zero, statement(1, 1), flagged("returned_mail", 5, reference="0")])) == [1]


def united(old: list[Fact], new: list[Fact]) -> Account:
    """Two accounts with a balance each, merged on day 100."""
    facts = [charged("20.00", account=OTHER), charged("45.00"), *old, *new, merged(OTHER, ACCOUNT, 100)]
    return fold(facts, ACCOUNT)


def numbered(account: AccountRef, *days: int) -> list[Fact]:
    return [statement(n, on, account=account) for n, on in enumerate(days, 1)]


@pytest.mark.parametrize(
    ("old", "new", "counted"),
    [
        ([0], [30, 60, 90], [30, 60, 90]),
        ([30, 60, 90], [0], [30, 60, 90]),
        ([0, 30, 60], [0], [0]),
        ([0], [0, 30, 60], [0]),
        ([0, 30, 60], [], []),
        ([], [0, 30, 60], []),
    ],
)
def test_of_merged_accounts_the_statements_of_the_one_asked_last_count(
    old: list[int], new: list[int], counted: list[int]
) -> None:
    """Of two asked on one day, the one that was asked less often."""
    account = united(numbered(OTHER, *old), numbered(ACCOUNT, *new))
    assert [s.body.sent_on for s in account.delivered_statements()] == [day(n) for n in counted]


def test_an_account_without_a_balance_or_a_statement_asks_for_none() -> None:
    registered = adult(account=OTHER)
    account = fold(
        [registered, charged("45.00"), *numbered(ACCOUNT, 0), merged(OTHER, ACCOUNT, 100)], ACCOUNT
    )
    assert sent(account) == [1]
    by_statement = fold(
        [*numbered(OTHER, 20), charged("45.00"), *numbered(ACCOUNT, 0), merged(OTHER, ACCOUNT, 100)], ACCOUNT
    )
    assert [s.account for s in by_statement.delivered_statements()] == [OTHER]


def test_a_statement_after_the_merge_is_about_both() -> None:
    account = united([], numbered(ACCOUNT, 110, 120))
    assert sent(account) == [1, 2]


# -- one statement, two statements, none ---------------------------------------------------------------


def test_what_names_no_account_is_nobodys() -> None:
    charge = charged("45.00")
    stray = Fact.of(None, "stray", charge.occurred_at, charge.body)
    assert fold([charge, stray]) == fold([stray, charge]) == fold([charge])


def test_facts_under_one_key_that_differ_contradict_and_the_last_stands() -> None:
    first, second = charged("45.00", id="C1"), charged("50.00", id="C1", on=-19)
    for order in ([first, second], [second, first]):
        account = fold(order)
        assert [c.body.amount_cents for c in account.charges] == [5000]
        assert [(c.kind, c.evidence) for c in account.contradictions] == [
            ("charge.posted", tuple(sorted([first.id, second.id])))
        ]


def named(one: Fact, identity: str) -> Fact:
    return Fact.of(one.account, one.key, one.occurred_at, one.body, identity=identity)


def test_one_message_id_for_two_statements_is_one_contradiction_also_where_their_key_is_one() -> None:
    first, second = named(charged("45.00"), "S/1"), named(charged("50.00"), "S/1")
    assert len(fold([first, second]).contradictions) == 1
    other = named(paid("5.00"), "S/1")
    (told,) = fold([other, first]).contradictions
    assert (told.kind, told.evidence) == ("charge.posted", tuple(sorted((first.id, other.id))))
    assert not fold([first, named(paid("5.00"), "S/2")]).contradictions


def test_statements_that_people_said_may_share_a_message_id_contradict_no_more() -> None:
    one, other = named(charged("45.00"), "S/1"), named(paid("5.00"), "S/1")
    agreed = [
        withdrawal(f, ID_REUSED, datetime(2026, 2, 1, tzinfo=UTC), day(40), "Ann", "seen")
        for f in (one, other)
    ]
    assert not fold([one, other, *agreed]).contradictions
    assert fold([one, other, agreed[0]]).contradictions


def test_what_people_take_out_is_later_than_the_statement_itself_and_not_before_its_day() -> None:
    charge = charged("45.00", on=9)
    early, late = datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    before = withdrawal(charge, CONTRADICTION, early, day(1), "Ann", "seen")
    assert before.occurred_at == charge.occurred_at + timedelta(microseconds=1)
    after = withdrawal(charge, CONTRADICTION, late, day(31), "Ann", "seen")
    assert after.occurred_at == late
    days = [getattr(one.body, "cleared_on", None) for one in (before, after)]
    assert days == [day(9), day(31)] and not fold([charge, before]).charges


def test_a_statement_is_taken_out_by_a_word_about_it_on_its_own_account_alone() -> None:
    charge, at = charged("45.00"), datetime(2026, 2, 1, tzinfo=UTC)

    def word(flag: str, reference: str | None, account: AccountRef = ACCOUNT) -> Fact:
        key = f"account.cleared|{account}|baton|contradiction|{charge.id}"
        return Fact.of(account, key, at, AccountCleared(flag, day(31), reference))

    right = word(CONTRADICTION, charge.id)
    wrong = [word("dispute", charge.id), word(CONTRADICTION, None), word(CONTRADICTION, charge.id, OTHER)]
    for one in wrong:
        assert fold([charge, one, merged(OTHER, ACCOUNT, -9)], ACCOUNT).charges
    for order in permutations([*wrong[::2], right]):
        assert not fold([charge, *order, merged(OTHER, ACCOUNT, -9)], ACCOUNT).charges


def test_a_sender_takes_no_statement_out_whatever_it_says() -> None:
    charge, at = charged("45.00"), datetime(2026, 2, 1, tzinfo=UTC)
    right = withdrawal(charge, CONTRADICTION, at, day(31), "Ann", "seen")
    with_id = Fact.of(right.account, right.key, at, right.body, identity="S/1")
    own_key = Fact.of(right.account, "account.cleared|GEN/A1|billing|7", at, right.body)
    for one in (with_id, own_key):
        assert fold([charge, one]).charges


def test_contradictions_are_told_in_one_order() -> None:
    facts = [charged(amount, id=id) for id in ("C1", "C2", "C3") for amount in ("1.00", "2.00")]
    told = [c.evidence for c in fold(facts).contradictions]
    assert len(told) == 3 and told == sorted(told)


def test_decisions_under_one_key_never_contradict() -> None:
    one = decided("500.00", "400.00", "PR-1 100.00")
    later = fact(cast(ClaimAdjudicated, one.body), 3)
    account = fold([one, later])
    assert not account.contradictions and set(account.adjudications[0].ids) == {one.id, later.id}


# -- currency ------------------------------------------------------------------------------------------


def test_the_currency_is_that_of_the_money_whatever_else_is_told_first() -> None:
    assert fold([adult(), fact(charged("5.00").body, 0, currency="CAD")]).currency == "CAD"


@pytest.mark.parametrize(
    "money",
    [
        charged("5.00"),
        decided("5.00", "5.00"),
        paid("5.00"),
        statement(1, 0),
        fact(BalanceReported(500, day(0)), 0),
        fact(PaymentPending("Q1", 500, day(1)), 0),
        submitted("5.00"),
        adjusted("5.00", "other"),
    ],
    ids=lambda f: f.kind,
)
def test_money_in_another_currency_is_told_of_whatever_it_is(money: Fact) -> None:
    other = Fact.of(money.account, money.key, money.occurred_at, money.body, currency="CAD")
    account = fold([other, charged("45.00", id="C2")])
    assert account.mixed_currencies and account.currency == "CAD"


def test_an_account_without_any_money_yet_has_the_currency_of_its_facts() -> None:
    assert fold([fact(AccountRegistered(), 0, currency="CAD")]).currency == "CAD"
    assert fold([], ACCOUNT).currency == "USD"


# -- the day of service --------------------------------------------------------------------------------


def test_the_day_of_service_is_the_registered_one_else_of_the_first_charge_else_of_the_first_decision() -> (
    None
):
    def served(on: int) -> Fact:
        said = cast(ClaimAdjudicated, decided("5.00", "5.00", claim=f"CL{on}").body)
        return fact(
            ClaimAdjudicated(**{**{n: getattr(said, n) for n in said.__slots__}, "service_from": day(on)})
        )

    decisions = [served(-8), served(-9), decided("5.00", "5.00")]
    charges = [charged("1.00", on=-6), charged("1.00", on=-7, id="C2")]
    registered = fact(AccountRegistered(service_from=day(-5)), -5)
    assert service_day(fold([decisions[2]])) is None
    assert service_day(fold(decisions)) == day(-9)
    assert service_day(fold([*decisions, *charges])) == day(-7)
    assert service_day(fold([*decisions, *charges, registered])) == day(-5)


# -- the latest word -----------------------------------------------------------------------------------


def test_the_report_about_the_newest_day_counts_not_the_one_told_last() -> None:
    newer, older = fact(BalanceReported(500, day(9)), 9), fact(BalanceReported(700, day(5)), 12)
    account = fold([newer, older])
    assert account.report is not None and account.report.id == newer.id
    assert [r.id for r in account.reports] == [newer.id]


def test_each_account_held_keeps_its_own_report_the_newest_first() -> None:
    facts = [
        fact(BalanceReported(1, day(1)), 1),
        fact(BalanceReported(2, day(2)), 2, account=OTHER),
        fact(BalanceReported(3, day(3)), 3),
        merged(OTHER, ACCOUNT, 4),
    ]
    assert [r.body.total_cents for r in fold(facts, ACCOUNT).reports] == [3, 2]


def test_of_a_plan_the_latest_step_counts_and_plans_have_an_order() -> None:
    steps = [
        fact(PlanChanged("L2", "proposed", day(1)), 1),
        fact(PlanChanged("L1", "proposed", day(1)), 1),
        fact(PlanChanged("L2", "active", day(5)), 5),
    ]
    for order in permutations(steps):
        assert [(p.body.plan_id, p.body.state) for p in fold(order).plans] == [
            ("L1", "proposed"),
            ("L2", "active"),
        ]


def test_of_a_promise_the_latest_step_counts_and_of_a_bill_every_step_in_the_order_of_its_day() -> None:
    promises = [fact(PromiseChanged("R1", "made"), 1), fact(PromiseChanged("R1", "kept"), 5)]
    assert [p.body.state for p in fold(promises).promises] == ["kept"]
    steps = [
        fact(ClaimStatusReported("A1", Payer("P1"), "pending", day(2)), 9),
        fact(ClaimStatusReported("A1", Payer("P1"), "accepted", day(1)), 10),
    ]
    assert [s.body.status for s in fold(steps).claim_statuses] == ["accepted", "pending"]


def test_of_one_statement_under_two_message_ids_the_same_is_kept_whichever_came_first() -> None:
    one, other = named(charged("45.00"), "S/1"), named(charged("45.00"), "S/2")
    assert {f.identity for order in permutations([one, other]) for f in fold(order).facts} == {"S/1"}


@pytest.mark.parametrize(
    ("facts", "under_way"),
    [
        ([fact(PaymentPending("Q1", 500, day(3)), 0)], ["Q1"]),
        ([fact(PaymentPending("Q1", 500, day(3)), 0), fact(PaymentPending("Q1", 0, day(3)), 1)], []),
        ([fact(PaymentPending("Q1", 500, day(3)), 0), paid("5.00", id="Q1", on=2)], []),
        ([fact(PaymentPending("Q1", 500, day(3)), 0), paid("5.00", id="Q2", on=2)], ["Q1"]),
        ([fact(PaymentPending("Q1", -500, day(3)), 0)], ["Q1"]),
    ],
)
def test_money_is_on_its_way_until_it_is_posted_or_withdrawn(facts: list[Fact], under_way: list[str]) -> None:
    assert [p.body.payment_id for p in fold(facts).pending_payments] == under_way


def test_help_stands_as_of_its_day_not_as_of_when_it_was_told() -> None:
    granted, told_late = AssistanceChanged("approved", day(9)), AssistanceChanged("applied", day(1))
    account = fold([fact(granted, 9), fact(told_late, 20)])
    assert account.assistance is not None and account.assistance.body.state == "approved"


@pytest.mark.parametrize(
    ("one", "other", "stands"),
    [
        ("complete", "incomplete", "complete"),
        ("incomplete", "applied", "incomplete"),
        ("applied", "approved", "applied"),
        ("approved", "offered", "approved"),
        ("offered", "denied", "offered"),
        ("denied", "expired", "denied"),
        ("complete", "unheard_of", "unheard_of"),
    ],
)
def test_of_merged_accounts_the_step_of_help_that_protects_most_stands(
    one: str, other: str, stands: str
) -> None:
    for first, second in ((one, other), (other, one)):
        facts = [
            fact(AssistanceChanged(first, day(1)), 1),
            fact(AssistanceChanged(second, day(2)), 2, account=OTHER),
            merged(OTHER, ACCOUNT, 3),
        ]
        account = fold(facts, ACCOUNT)
        assert account.assistance is not None and account.assistance.body.state == stands


def test_of_merged_accounts_the_coding_that_is_not_complete_stands() -> None:
    for first, second in (("complete", "hold"), ("hold", "complete")):
        facts = [
            fact(CodingStatusChanged(first), 1),
            fact(CodingStatusChanged(second), 2, account=OTHER),
            merged(OTHER, ACCOUNT, 3),
        ]
        account = fold(facts, ACCOUNT)
        assert account.coding is not None and account.coding.body.status == "hold"


def test_an_account_is_self_pay_since_the_first_list_after_which_nobody_insured_it() -> None:
    lists = [covered(on=-10), covered("P1", on=-5), covered(on=1), covered(on=5)]
    account = fold(lists)
    assert account.self_pay_since is not None and account.self_pay_since.id == lists[2].id
    assert fold([*lists, covered("P1", on=6)]).self_pay_since is None
    assert fold([adult()]).self_pay_since is None


def test_without_merging_the_last_step_of_help_and_of_coding_stands() -> None:
    account = fold(
        [
            fact(AssistanceChanged("complete", day(1)), 1),
            fact(AssistanceChanged("denied", day(2)), 2),
            fact(CodingStatusChanged("complete"), 1),
            fact(CodingStatusChanged("hold"), 2),
        ]
    )
    assert account.assistance is not None and account.assistance.body.state == "denied"
    assert account.coding is not None and account.coding.body.status == "hold"


# -- decisions that nobody could read --------------------------------------------------------------------


def unread(claim: str = "A1", trace: str = "T1", where: str = "CLP 1", on: int = 0) -> Fact:
    body = AdjudicationUnreadable(claim, "bad-amount", Payer("P1"), trace)
    one = fact(body, on)
    return Fact.of(one.account, one.key, one.occurred_at, body, where=where)


def read(claim: str = "A1", trace: str = "T1", where: str = "CLP 1") -> Fact:
    one = decided("500.00", "400.00", "PR-1 100.00", claim=claim, trace=trace)
    return Fact.of(one.account, one.key, one.occurred_at, one.body, where=where)


@pytest.mark.parametrize(
    ("facts", "waits"),
    [
        pytest.param([unread()], True, id="nobody read it"),
        pytest.param([unread(), read()], False, id="its place was read"),
        pytest.param([unread(), read(where="CLP 2")], True, id="another place was read"),
        pytest.param([unread(), read(trace="T2")], True, id="another payment was read"),
        pytest.param([unread(), read(claim="A2")], True, id="another claim was read"),
        pytest.param([unread(where=""), read(where="")], True, id="nobody knows its place"),
        pytest.param([unread(), cleared("unreadable_claim", 1, "A1")], False, id="a person mended it"),
        pytest.param([unread(), cleared("unreadable_claim", 0, "A1")], True, id="at the same instant"),
        pytest.param([unread(), cleared("unreadable_claim", -1, "A1")], True, id="before it came"),
        pytest.param([unread(), cleared("unreadable_claim", 1, "A2")], True, id="another claim was mended"),
        pytest.param([unread(), cleared("dispute", 1, "A1")], True, id="another flag was lifted"),
        pytest.param(
            [unread(), cleared("unreadable_claim", -1, "A1"), cleared("unreadable_claim", 1, "A1")],
            False,
            id="mended again",
        ),
    ],
)
def test_an_unread_decision_waits_until_its_place_is_read_or_a_person_mends_it(
    facts: list[Fact], waits: bool
) -> None:
    for order in (facts, facts[::-1]):
        assert bool(fold(order).unreadable) is waits


# -- flags -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("placed", "lifts", "lifted_on"),
    [
        pytest.param(flagged("dispute", 5), [cleared("dispute", 9)], 9, id="lifted"),
        pytest.param(flagged("dispute", 5), [cleared("litigation", 9)], None, id="another flag"),
        pytest.param(flagged("dispute", 5), [cleared("dispute", 4)], None, id="before it was placed"),
        pytest.param(flagged("dispute", 5), [cleared("dispute", 5)], None, id="at the same instant"),
        pytest.param(
            flagged("dispute", 5, reference="R1"), [cleared("dispute", 9)], None, id="lifted in general"
        ),
        pytest.param(flagged("dispute", 5), [cleared("dispute", 9, "R1")], None, id="another one was lifted"),
        pytest.param(
            flagged("dispute", 5, reference="R1"), [cleared("dispute", 9, "R1")], 9, id="by reference"
        ),
        pytest.param(
            flagged("dispute", 5),
            [cleared("dispute", 12), cleared("dispute", 9)],
            9,
            id="twice: the first day",
        ),
        pytest.param(
            flagged("dispute", 5),
            [cleared("dispute", 2), cleared("dispute", 9), cleared("dispute", 12)],
            9,
            id="once before, twice since",
        ),
        pytest.param(
            flagged("dispute", 5),
            [cleared("dispute", 9), fact(cleared("dispute", 7).body, 12)],
            7,
            id="told later of an earlier day",
        ),
    ],
)
def test_a_flag_stands_until_it_is_lifted_by_name_and_reference(
    placed: Fact, lifts: list[Fact], lifted_on: int | None
) -> None:
    account = fold([placed, *lifts])
    assert [f.id for f in account.flags] == ([] if lifted_on is not None else [placed.id])
    assert [(f.id, on) for f, on in account.lifted] == (
        [] if lifted_on is None else [(placed.id, day(lifted_on))]
    )


def test_what_is_told_at_one_instant_counts_by_the_day_it_speaks_of() -> None:
    """The clearing and the flag are told together; the flag is of the day before."""
    placed = fact(AccountFlagged("dispute", day(4)), 5)
    assert not fold([placed, cleared("dispute", 5)]).flags


def test_a_proposal_that_nobody_answered_lifts_nothing() -> None:
    proposal = fact(OverrideProposed("ann", "checked", day(1), gate="G11", until=day(9)), 1)
    assert [o.state for o in fold([proposal]).overrides] == ["proposed"]
