"""What was answered for a day, from what was known at an instant, is answered the same for ever after."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from schemas.errors import BatonError
from schemas.facts import AccountRef
from service import answers
from service.app import App
from service.config import load
from service.core import Policy, parse_policy
from service.core.policy import examine
from service.intake import Intake
from service.publication import Person, approve, begin, propose
from service.receipts import Moment
from tests.journey.stories import NOW, TODAY, adjudicated, ago, native, ripe, sealed, statement
from tests.spec.facts_made import policy_texts

A1 = AccountRef("GEN", "A1")
STRICTER = {
    name: text.replace('stage = "open_case"\nvalue = 60', 'stage = "open_case"\nvalue = 80')
    for name, text in policy_texts().items()
}


def stories() -> list[dict[str, Any]]:
    """What makes and unmakes a case: a dispute, money, a reversal, a letter."""
    answered = {"flag": "dispute", "cleared_on": ago(10), "reference": "D"}
    back = adjudicated("A1") | {"status": "22", "charge": "-600.00", "paid": "-357.83"}
    back["patient_responsibility"] = "-142.17"
    back["adjustments"] = [a | {"amount": f"-{a['amount']}"} for a in back["adjustments"]]
    return [
        native("d1", "account.flagged", {"flag": "dispute", "since": ago(20), "reference": "D"}, days=20),
        native("d2", "account.cleared", answered, days=10),
        native("p1", "payment.posted", {"payment_id": "P", "amount": "20.00", "from": "patient",
                                        "received_on": ago(5)}, days=5),
        native("r1", "claim.adjudicated", back, days=3),
        native("s3", "statement.sent", statement(3, 30), days=30),
    ]  # fmt: skip


def published(app: App, now: datetime) -> Policy:
    """Two people put the stricter policy in force."""
    with app.store.write() as unit:
        propose(unit, STRICTER, Person("Ada"), "waits longer", now, examine)
    with app.store.write() as unit:
        approve(unit, parse_policy(STRICTER).sha256, Person("Ben"), "agreed", now, examine)
    return parse_policy(STRICTER)


def why(app: App, policy: Policy, as_of: date, known_at: datetime) -> Any:
    with app.store.read() as reader:
        try:
            return answers.why(reader, policy, A1, as_of, known_at)
        except BatonError as error:
            return error.code


@settings(
    max_examples=6,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=True,
    phases=(Phase.generate,),  # each example is seconds; a smaller failing one would take minutes to find
)
@given(st.permutations(stories()), st.integers(0, 2), st.integers(1, 2), st.integers(0, 1))
def test_no_later_fact_decision_case_or_policy_changes_an_earlier_answer(
    later: list[dict[str, Any]], early: int, size: int, publishes_after: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        app = App(load({"BATON_HOME": folder, "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"}))
        app.store.upgrade()
        with app.store.write() as unit:
            begin(unit, app.policy_on_disk, app.policy_texts, NOW - timedelta(days=1))
        policy = app.policy_on_disk
        told: dict[tuple[date, datetime], Any] = {}
        messages = [*later[:early], *ripe(), *later[early:]]
        size += early + 5
        for n, start in enumerate(range(0, len(messages), size)):
            now = NOW + timedelta(days=n)
            batch = Intake(app.store, app.read, app.read_large, policy)
            batch.receive(sealed(*messages[start : start + size]), Moment(now, TODAY + timedelta(days=n)))
            if n == publishes_after:
                policy = published(app, now)
            for (as_of, known_at), before in told.items():
                assert why(app, policy, as_of, known_at) == before
            for back in (0, 1, 20, 100):
                for known in (now, now - timedelta(days=1, hours=1)):
                    as_of = TODAY + timedelta(days=n - back)
                    told[as_of, known] = why(app, policy, as_of, known)
        app.close()
    assert len({str(answer) for answer in told.values()}) > 4
