"""For the auditor: what Baton answers about an earlier day, and about what it knew then."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.errors import BatonError
from schemas.facts import AccountRef
from service import answers
from service.app import App
from service.config import load
from service.receipts import Moment
from tests.journey.batons import Open
from tests.journey.stories import NOW, TODAY, ago, native, ripe, sealed

A1 = AccountRef("GEN", "A1")
LATER = Moment(NOW + timedelta(days=10), TODAY + timedelta(days=10))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """A case opened today; ten days later a dispute that began yesterday becomes known, and recalls it."""
    opened = App(
        load({"BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"})
    )
    opened.store.upgrade()
    opened.intake().receive(sealed(*ripe()), Moment(NOW, TODAY))
    dispute = native("d1", "account.flagged", {"flag": "dispute", "since": ago(1), "reference": "D1"}, days=1)
    opened.intake().receive(sealed(dispute), LATER)
    yield opened
    opened.close()


def why(app: App, as_of: int = 0, known: int | None = None) -> dict[str, Any]:
    known_at = None if known is None else NOW + timedelta(days=known)
    with app.store.read() as reader:
        return answers.why(reader, app.policy, A1, TODAY + timedelta(days=as_of), known_at)


def test_today_the_dispute_holds_and_the_case_is_recalled(app: App) -> None:
    told = why(app, as_of=10)
    assert told["decision"]["outcomes"]["open_case"] == "hold"
    assert (told["case"]["status"], told["case"]["reason"]) == ("recalled", "G46")


def test_as_known_then_the_case_was_open_and_nothing_spoke_against_it(app: App) -> None:
    told = why(app, known=1)
    assert told["decision"]["outcomes"]["open_case"] == "allow"
    assert (told["case"]["status"], told["case"]["reason"]) == ("open", None)
    assert not any("dispute" in row["what"] for row in told["timeline"])
    assert told["decision"]["stored"]


def test_as_of_that_day_with_todays_knowledge_the_dispute_already_held(app: App) -> None:
    told = why(app, known=20)
    assert told["decision"]["outcomes"]["open_case"] == "hold"


def test_an_earlier_day_knows_nothing_of_later_facts_and_cases(app: App) -> None:
    told = why(app, as_of=-100)
    assert told["case"] is None
    assert told["audit"] is None
    assert not any(row["what"].startswith(("Statement", "Case", "Decided")) for row in told["timeline"])


def test_before_anything_was_known_there_is_no_such_account(app: App) -> None:
    with pytest.raises(BatonError, match="no-such-account"):
        why(app, known=-1)


def test_the_summary_names_the_missing_answer_rather_than_an_amount_nobody_knows(app: App) -> None:
    app.intake().receive(sealed(*ripe("A9")[:4]), Moment(NOW, TODAY))
    with app.store.read() as reader:
        told = answers.why(reader, app.policy, AccountRef("GEN", "A9"), TODAY)
    assert told["determination"] != "final"
    assert "owes nothing" not in told["summary"]
    assert "Payer 60054 has not been billed" in told["summary"]


def test_what_happens_in_the_evening_counts_for_the_day_it_is_at_the_hospital(batons: Open) -> None:
    """Half past eight in New York is tomorrow in UTC; a dispute of that hour holds today's answer there."""
    app = batons(BATON_SETTLING_SECONDS="0", BATON_TIMEZONE="America/New_York")
    app.intake().receive(sealed(*ripe()), Moment(NOW, TODAY))
    evening = NOW + timedelta(hours=13, minutes=30)
    body = {"flag": "dispute", "since": ago(0), "reference": "D2"}
    dispute = native("d2", "account.flagged", body) | {"occurred_at": evening.isoformat()}
    app.intake().receive(sealed(dispute), Moment(evening, TODAY))
    with app.store.read() as reader:
        there = answers.why(reader, app.policy, A1, TODAY, zone=app.config.zone)
        in_utc = answers.why(reader, app.policy, A1, TODAY)
    assert (there["decision"]["outcomes"]["open_case"], there["decision"]["stored"]) == ("hold", True)
    assert there["case"]["status"] == "recalled" and there["opening"]["on"] == TODAY.isoformat()
    assert (in_utc["decision"]["outcomes"]["open_case"], in_utc["decision"]["stored"]) == ("allow", False)
