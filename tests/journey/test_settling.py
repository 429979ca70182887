"""For the operator: a case opens once its account has settled; a correction before that leaves no trace."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from adapters.store.rows import AuditRecord
from schemas.canonical import from_bytes
from service.app import App
from service.posting import Posting
from service.receipts import Moment
from service.timers import review_round
from tests.journey.batons import A1, Open, at, moves, why
from tests.journey.stories import TODAY, ago, native, paid_in_full, ripe, sealed


def told_outside(app: App) -> list[str]:
    with app.store.read() as reader:
        return [row.routing_key for row in reader.outbox(1000)]


def test_the_case_opens_when_the_window_ends_and_not_a_second_before(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    assert moves(app) == []
    assert review_round(app.intake(), at(4 - 1 / 3600)) == 0 and moves(app) == []
    assert review_round(app.intake(), at(4)) == 1
    assert moves(app) == [("opened", "EVERY_GATE_ALLOWS")]
    assert review_round(app.intake(), at(4)) == 0
    assert told_outside(app).count("case.opened") == 1


def test_while_it_settles_the_decision_allows_and_why_says_when_it_opens(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    told = why(app)
    assert told["decision"]["stored"] and told["decision"]["outcomes"]["open_case"] == "allow"
    assert told["case"] is None
    assert told["withheld"] == [
        {
            "cause": "settling",
            "until": "2026-11-23T16:00:00Z",
            "text": "No case yet: it opens on 2026-11-23 at 16:00 UTC when nothing else arrives.",
        }
    ]
    assert told["summary"].endswith("it opens on 2026-11-23 at 16:00 UTC when nothing else arrives.")
    assert "account.held" not in told_outside(app)[-1:] and "case.opened" not in told_outside(app)
    review_round(app.intake(), at(4))
    assert why(app)["withheld"] == [] and "No case yet" not in why(app)["summary"]


def test_a_correction_inside_the_window_leaves_no_case_history_at_all(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    app.intake().receive(sealed(*paid_in_full()), at(3))
    for hours in (4, 7, 8, 30):
        review_round(app.intake(), at(hours))
    assert moves(app) == [] and why(app)["case"] is None and why(app)["net"] == "0.00"


def test_a_correction_after_the_window_recalls_the_case_with_its_cause(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    review_round(app.intake(), at(4))
    app.intake().receive(sealed(*paid_in_full()), at(5))
    assert moves(app) == [("opened", "EVERY_GATE_ALLOWS"), ("recalled", "RESPONSIBILITY_REVERSED")]


def test_each_new_fact_lets_the_account_settle_anew_and_what_is_known_does_not(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    again = native("n1", "account.registered", {"patient": {"id": "P1", "phone": "555-0100"}}, days=140)
    app.intake().receive(sealed(again), at(3))
    app.intake().receive(sealed(again, *ripe(), feed="another"), at(6.5))
    assert review_round(app.intake(), at(6.9)) == 0
    assert review_round(app.intake(), at(7)) == 1
    assert [move for move, _ in moves(app)] == ["opened"]


def test_lowering_and_taking_back_never_wait_and_raising_does(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    review_round(app.intake(), at(4))
    part = {"payment_id": "P1", "amount": "40.00", "from": "patient", "received_on": ago(50)}
    app.intake().receive(sealed(native("p1", "payment.posted", part, days=50)), at(5))
    assert why(app)["case"]["amount"] == "102.17"
    bounced = part | {"payment_id": "P2", "amount": "-40.00"}
    app.intake().receive(sealed(native("p2", "payment.posted", bounced, days=50)), at(5.5))
    told = why(app)
    assert (told["net"], told["case"]["amount"]) == ("142.17", "102.17")
    assert told["withheld"][0]["text"].startswith("Not raised yet: the case asks for more on 2026-11-23")
    review_round(app.intake(), at(9.5))
    assert why(app)["case"]["amount"] == "142.17"
    hold = native("h1", "account.flagged", {"flag": "dispute", "since": ago(0), "reference": "D"})
    app.intake().receive(sealed(hold), at(10))
    assert why(app)["case"]["status"] == "recalled"
    assert [move for move, _ in moves(app)] == ["opened", "adjusted", "adjusted", "recalled"]


def test_the_case_rests_on_a_stored_decision_over_every_fact_it_was_opened_on(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(11))
    night = Moment(at(15).now, TODAY + timedelta(days=1))
    review_round(app.intake(), night)
    with app.store.read() as reader:
        case = reader.cases_of(A1)[0].case
        opened_by = reader.decision(case.opened_by)
        decisions = reader.decisions(A1)
        head = reader.account(A1)
    assert opened_by is not None and opened_by.opens and opened_by.as_of == night.as_of
    assert opened_by == decisions[-1] and head is not None and head.decision_id == opened_by.id
    review_round(app.intake(), Moment(at(40).now, TODAY + timedelta(days=2)))
    with app.store.read() as reader:
        assert reader.decisions(A1) == decisions


def test_a_crash_between_decision_and_opening_loses_nothing(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))

    class Crash(Exception):
        """The process ends in mid-transaction."""

    with pytest.raises(Crash), app.store.write() as unit:
        assert unit.due_accounts(at(4).as_of, at(4).now, 10) == [A1]
        Posting(unit, app.policy, at(4).now, at(4).as_of, app.terms()).review([A1])
        raise Crash
    assert moves(app) == []
    app.close()
    restarted = batons(of=app)
    assert review_round(restarted.intake(), at(4)) == 1
    assert moves(restarted) == [("opened", "EVERY_GATE_ALLOWS")]
    assert told_outside(restarted).count("case.opened") == 1


def test_the_audit_entry_says_that_the_case_was_withheld_and_until_when(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()), at(0))
    with app.store.read() as reader:
        entry: AuditRecord | None = reader.audit_entry_for(A1)
    assert entry is not None
    assert from_bytes(entry.content)["withheld"] == [["settling"], "2026-11-23T16:00:00Z"]


def test_a_first_decision_that_holds_is_recorded_and_repeated_ones_are_not(batons: Open) -> None:
    app = batons()
    app.intake().receive(sealed(*ripe()[:3]), at(0))
    again = native("n1", "account.registered", {"patient": {"id": "P1", "phone": "555-0100"}}, days=140)
    app.intake().receive(sealed(again), at(1))
    with app.store.read() as reader:
        decisions = reader.decisions(A1)
    assert [d.opens for d in decisions] == [False]


ORDERS = list(permutations(range(3)))


@pytest.mark.parametrize("order", ORDERS, ids=["".join(map(str, o)) for o in ORDERS])
def test_inside_the_window_no_order_of_arrival_leaves_another_history(
    batons: Open, order: tuple[int, ...]
) -> None:
    app = batons()
    parts = [ripe()[:5], ripe()[5:], paid_in_full()]
    for step, n in enumerate(order):
        app.intake().receive(sealed(*parts[n]), at(step))
    for hours in (5, 7, 12, 40):
        review_round(app.intake(), at(hours))
    assert moves(app) == [] and why(app)["net"] == "0.00"
