"""Batons on either database, asked and moved through time by the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from schemas.facts import AccountRef
from service import answers
from service.app import App
from service.config import load
from service.receipts import Moment
from tests.journey.stories import NOW, TODAY

A1 = AccountRef("GEN", "A1")
FOUR_HOURS = "14400"

Open = Callable[..., App]


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def batons(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Open]:
    """Opens empty Batons on one kind of database, or one more on the database of an earlier one."""
    made: list[App] = []

    def open(of: App | None = None, **settings: str) -> App:
        if of is not None:
            url = of.config.database_url
        elif request.param == "sqlite":
            url = f"sqlite:///{tmp_path}/{len(made)}.db"
        else:
            url = request.getfixturevalue("migrated_postgres")()
        environ = {"BATON_DATABASE_URL": url, "BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded"}
        app = App(
            load(environ | {"BATON_SETTLING_SECONDS": FOUR_HOURS, "BATON_POLICY_SOURCE": "disk"} | settings)
        )
        app.store.upgrade()
        made.append(app)
        return app

    yield open
    for app in made:
        app.close()


def at(hours: float) -> Moment:
    """So many hours after noon of the day."""
    now = NOW + timedelta(hours=hours)
    return Moment(now, now.date())


def why(app: App, account: AccountRef = A1) -> dict[str, Any]:
    with app.store.read() as reader:
        return answers.why(reader, app.policy, account, TODAY)


def moves(app: App, account: AccountRef = A1) -> list[tuple[str, str]]:
    """Every move of every case of the account, with its reason."""
    with app.store.read() as reader:
        histories = [reader.case(record.case.id) for record in reader.cases_of(account)]
    return [(event.move, event.reason) for history in histories if history for event, _ in history.events]
