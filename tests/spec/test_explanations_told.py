"""The sentence and the way of the money, word by word where a person relies on the word: who decided, how
many letters and when, what stands in the way first, who answers for what, and on what that rests."""

from __future__ import annotations

import pytest

from schemas.facts import AssistanceChanged, ClaimStatusReported, Fact, Payer
from service.core import Explanation, Policy, explain, parse_policy
from service.core.explain import Step
from tests.spec.facts_made import (
    POLICY,
    adjusted,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    paid,
    policy_texts,
    reported,
    statement,
    statements,
    submitted,
)

OPEN = [adult(), charged("1000.00", on=-35)]
FIRST = decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9)
OWED = [*OPEN, covered("P1"), FIRST]


def explained(facts: list[Fact], as_of: int = 70, policy: Policy = POLICY) -> Explanation:
    account, owes, decision = judge(facts, as_of, policy)
    return explain(account, owes, decision, policy)


def summary(facts: list[Fact], as_of: int = 70) -> str:
    return explained(facts, as_of).summary


def steps(facts: list[Fact], as_of: int = 70) -> list[Step]:
    return list(explained(facts, as_of).steps)


def step(facts: list[Fact], what: str) -> Step:
    return next(s for s in steps(facts) if s.what == what)


def closed(payer: str, status: str) -> Fact:
    return fact(ClaimStatusReported("A1", Payer(payer), status, day(-5), "u7"), -5)


# -- the sentence about a case ---------------------------------------------------------------------------

HELP_OFFERED = fact(AssistanceChanged("offered", day(1)), 1)
WHO_DECIDED = {
    "a payer decided": (OWED, "every payer has decided"),
    "nobody insures the patient": ([*OPEN, covered(), HELP_OFFERED], "the patient has no insurance"),
    "one decided and a person closed one that never answered": (
        [
            *OPEN,
            covered("P1", "P2"),
            FIRST,
            submitted("1000.00", "P2", on=-8),
            closed("P2", "closed_no_response"),
        ],
        "every payer has decided or was closed by a person",
    ),
    "the patient keeps the bill from the only payer": (
        [
            *OPEN,
            covered("P1"),
            submitted("1000.00", on=-20),
            closed("P1", "closed_patient_election"),
            HELP_OFFERED,
        ],
        "a person closed every payer",
    ),
}


@pytest.mark.parametrize("name", WHO_DECIDED)
def test_a_case_says_how_it_came_that_no_payer_is_waited_for(name: str) -> None:
    facts, who = WHO_DECIDED[name]
    assert f": {who}, " in summary([*facts, *statements()])


def test_a_case_counts_the_letters_that_were_delivered_and_the_days_since_the_first() -> None:
    assert "3 statements were delivered, the first 75 days ago" in summary([*OWED, *statements()], 75)
    returned = statement(4, 65, delivered=False)
    assert "3 statements were delivered" in summary([*OWED, *statements(), returned], 75)


def test_a_single_letter_is_one_statement() -> None:
    texts = policy_texts()
    name = next(n for n, text in texts.items() if 'name = "statements"\nstage = "open_case"' in text)
    wanted = 'name = "statements"\nstage = "open_case"\nvalue = '
    texts[name] = texts[name].replace(f"{wanted}2", f"{wanted}1", 1)
    story = explained([*OWED, statement(1, 0, final=True)], 61, parse_policy(texts))
    assert "1 statement was delivered, the first 61 days ago" in story.summary


# -- the sentence about no case --------------------------------------------------------------------------


def test_of_several_reasons_the_gravest_leads_and_all_others_are_counted() -> None:
    held = [*OWED, statement(1, 0), statement(2, 30)]
    waits = "60 days must run since the first statement of 2026-01-01."
    assert summary(held, 50) == f"No case: {waits}"
    assert summary([*held, flagged("bankruptcy", 1)], 50) == (
        "No case: A bankruptcy covers this debt. (1 more reason)"
    )
    assert summary([*held, flagged("bankruptcy", 1), flagged("dispute", 1)], 50).endswith("(2 more reasons)")


def test_a_credit_is_settled_too_so_that_nothing_is_owed_leads() -> None:
    back = [*OWED, *statements(), paid("390.00", on=-4), flagged("attorney", 1)]
    assert summary(back) == "No case: The patient has a credit of 90.00. (2 more reasons)"


def test_names_keep_their_capital() -> None:
    medicaid = [*OPEN, covered("P1", kinds={"P1": "medicaid"}), FIRST, *statements(), paid("9.00", on=-4)]
    assert "edicaid" in summary(medicaid) and "medicaid" not in summary(medicaid)


def test_until_it_is_settled_who_owes_the_reason_for_that_leads() -> None:
    """That nothing is owed, or too little, says only that nobody knows yet; and so does that nobody knows."""
    silent = [*OPEN, covered("P1", "P2"), FIRST, *statements()]
    why = "No case: Payer P2 is expected and has not been billed."
    assert summary(silent).startswith(why)
    assert summary([*silent, flagged("bankruptcy", 1)]).startswith(why)
    unanswered = [*OPEN, covered("P1"), submitted("1000.00", on=-20), closed("P1", "closed_no_response")]
    unanswered += statements()
    assert summary(unanswered) == "No case: Who owes this balance is still provisional. (2 more reasons)"
    assert summary([*unanswered, flagged("dispute", 1)]) == "No case: A dispute is open. (3 more reasons)"


# -- the way of the money --------------------------------------------------------------------------------


def test_each_step_rests_on_the_facts_that_it_tells_of() -> None:
    charge, decision, payment = charged("1000.00", on=-35), FIRST, paid("20.00", on=-4)
    facts = [adult(), covered("P1"), charge, decision, payment]
    assert step(facts, "Charges billed").evidence == (charge.id,)
    for what in ("Taken off by contract", "Paid by payer P1", "The patient owes"):
        assert step(facts, what).evidence == (decision.id,)
    assert step(facts, "Payments received from the patient").evidence == (payment.id,)


def test_without_posted_charges_what_was_billed_rests_on_what_was_decided() -> None:
    first = step([adult(), covered("P1"), FIRST], "Charges billed")
    assert (first.left_cents, first.evidence) == (100_000, (FIRST.id,))


def test_a_step_says_why() -> None:
    denied = decided(
        "1000.00", "400.00", "CO-45 200.00", "CO-97 50.00", "CO-29 50.00", "PR-1 200.00", "PR-3 100.00", on=-9
    )
    facts = [*OPEN, covered("P1"), denied, paid("20.00", on=-4)]
    lowered = step(facts, "Taken off by contract").why
    assert "The agreed or legal price" in lowered and "together with another service" in lowered
    assert "deadline" not in lowered and "deductible" not in lowered
    assert "deadline" in step(facts, "Stays with the provider").why
    owes = step(facts, "The patient owes").why
    assert "deductible" in owes and "fixed amount" in owes
    assert "deadline" not in owes and "Payments" not in owes
    assert step(facts, "Paid by payer P1").why == f"Decided on {day(-9)}."
    assert step(facts, "Payments received from the patient").why == ""


def test_only_what_lowered_the_bill_is_a_reason_for_that() -> None:
    """OA never takes anything off (DOMAIN 1.3), and a negative amount adds; a cent is enough."""
    mixed = decided("1000.00", "400.00", "CO-45 350.00", "CO-97 -50.00", "OA-B10 0.00", "PR-1 300.00", on=-9)
    why = step([*OPEN, covered("P1"), mixed], "Taken off by contract").why
    assert "The agreed or legal price" in why and "another service" not in why
    cent = decided("1000.00", "400.00", "CO-45 299.99", "CO-97 0.01", "PR-1 300.00", on=-9)
    assert "another service" in step([*OPEN, covered("P1"), cent], "Taken off by contract").why


def test_claims_are_named_where_there_are_several() -> None:
    both = [
        *OWED,
        charged("500.00", on=-34, id="C2"),
        decided("500.00", "400.00", "CO-45 50.00", "PR-3 50.00", on=-8, claim="A2"),
    ]
    assert [(s.what, s.amount_cents) for s in steps(both)] == [
        ("Charges billed", 150_000),
        ("Taken off by contract, claim A1", -30_000),
        ("Paid by payer P1, claim A1", -40_000),
        ("Taken off by contract, claim A2", -5_000),
        ("Paid by payer P1, claim A2", -40_000),
        ("The patient owes", 0),
    ]
    assert [s.what for s in steps(OWED)][1:3] == ["Taken off by contract", "Paid by payer P1"]


def test_who_answers_for_the_rest_is_told_in_words() -> None:
    injured = decided("1000.00", "0.00", "PR-20 1000.00", on=-9)
    late = decided("1000.00", "0.00", "CO-29 1000.00", on=-9)
    for facts, what in (
        ([*OPEN, covered("P1"), submitted("1000.00", on=-20)], "Waits for payer P1"),
        ([*OPEN, covered("P1"), injured], "Another carrier answers for it"),
        ([*OPEN, covered("P1"), late], "Stays with the provider"),
        ([*OPEN], "Not determined yet"),
    ):
        assert [s.what for s in steps(facts)] == ["Charges billed", what, "The patient owes nothing"]
        last = steps(facts)[-1]
        assert (last.left_cents, last.why) == (0, "")


def test_a_credit_is_told_as_one_and_why_anything_was_owed() -> None:
    last = steps([*OWED, paid("390.00", on=-4)])[-1]
    assert (last.what, last.amount_cents, last.left_cents) == ("The patient has a credit", 0, -9_000)
    assert "deductible" in last.why and last.evidence == (FIRST.id,)
    assert steps([*OWED, paid("300.01", on=-4)])[-1].what == "The patient has a credit"
    settled = steps([*OWED, paid("300.00", on=-4)])[-1]
    assert (settled.what, settled.why) == ("The patient owes nothing", "")
    assert steps([*OWED, paid("299.99", on=-4)])[-1].what == "The patient owes"


def test_what_billing_reports_beyond_the_facts_is_a_step_of_its_own_and_stays_undetermined() -> None:
    told = steps([*OWED, reported("350.00", on=3)])
    assert [(s.amount_cents, s.left_cents) for s in told[3:]] == [
        (5_000, 35_000),
        (-5_000, 30_000),
        (0, 30_000),
    ]
    assert (
        told[3].what
        == f"Billing reports 350.00 as of {day(3)}; the facts add up to 300.00: 50.00 is unexplained"
    )
    assert told[4].what == "Not determined yet"


def test_what_moved_the_balance_afterwards_is_a_step_named_by_its_reason_without_a_full_stop() -> None:
    strange = paid("9.00", by="payer", payer="P7", id="X")
    assert steps([*OWED, strange])[3].what == "Payer money was posted that no decision explains"
    told = steps([*OWED, adjusted("100.00", "charity", on=2)])
    assert [(s.what, s.amount_cents) for s in told[3:]] == [
        ("Financial assistance granted", -10_000),
        ("The patient owes", 0),
    ]
