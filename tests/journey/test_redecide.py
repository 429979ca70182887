"""For the operator: after a change of policy every account is decided again, in the background and once."""

from __future__ import annotations

import json
from pathlib import Path
from threading import Event

from adapters.store import Reader
from service.app import App
from service.logs import open_log
from service.timers import keep_time, redecide_round
from tests.journey.batons import A1, Open, at, moves
from tests.journey.command_line import Home
from tests.journey.stories import ripe, sealed
from tests.journey.test_shadow import policy_folder

MANY = 170
STRICTER = """precedence = 100
[gates.G42]
citation = "House rule"
[[gates.G42.value]]
name = "min_balance"
value = "500.00"
unit = "USD"
"""


def applied(app: App) -> tuple[int, int]:
    with app.store.read() as reader:
        found = reader.standing(app.policy.sha256)
    return found.decided, found.under_policy


def decisions(reader: Reader) -> list[tuple[str, bool]]:
    return [(d.policy_version, d.opens) for d in reader.decisions(A1)]


def lived_in(batons: Open, tmp_path: Path, accounts: int) -> App:
    app = batons(BATON_SETTLING_SECONDS="0")
    app.intake().receive(sealed(*(m for n in range(accounts) for m in ripe(f"A{n + 1}"))), at(0))
    return app


def test_an_account_decided_under_another_policy_is_decided_again_and_its_case_follows(
    batons: Open, tmp_path: Path
) -> None:
    before = lived_in(batons, tmp_path, 1)
    folder = policy_folder(tmp_path, STRICTER)
    after = batons(before, BATON_POLICY_DIR=folder, BATON_SETTLING_SECONDS="0")
    assert applied(after) == (1, 0)
    assert redecide_round(after.intake(), lambda: at(1), 1_000_000, Event()) == (1, False)
    assert [move for move, _ in moves(after)] == ["opened", "closed"] or [
        move for move, _ in moves(after)
    ] == ["opened", "recalled"]
    assert applied(after) == (1, 1)
    with after.store.read() as reader:
        first, second = decisions(reader)
    assert first[1] and not second[1] and first[0] != second[0]


def test_a_decision_that_says_the_same_under_the_new_policy_is_not_recorded_again(
    batons: Open, tmp_path: Path
) -> None:
    before = lived_in(batons, tmp_path, 1)
    with before.store.read() as reader:
        recorded = decisions(reader)
    after = batons(before, BATON_POLICY_DIR=policy_folder(tmp_path, ""), BATON_SETTLING_SECONDS="0")
    assert redecide_round(after.intake(), lambda: at(1), 1_000_000, Event()) == (1, False)
    assert redecide_round(after.intake(), lambda: at(1), 1_000_000, Event()) == (0, False)
    with after.store.read() as reader:
        assert decisions(reader) == recorded
    assert [move for move, _ in moves(after)] == ["opened"]


def test_it_goes_on_where_it_was_stopped_and_never_faster_than_it_may(batons: Open, tmp_path: Path) -> None:
    before = lived_in(batons, tmp_path, MANY)
    folder = policy_folder(tmp_path, "")
    first = batons(before, BATON_POLICY_DIR=folder, BATON_SETTLING_SECONDS="0")
    stopped = Event()
    stopped.set()
    assert redecide_round(first.intake(), lambda: at(1), 1_000_000, stopped) == (50, True)
    assert applied(first) == (MANY, 50)
    second = batons(before, BATON_POLICY_DIR=folder, BATON_SETTLING_SECONDS="0")
    waited: list[float | None] = []

    class Noted(Event):
        """Notes how long it is waited for, and does not wait."""

        def wait(self, timeout: float | None = None) -> bool:
            waited.append(timeout)
            return False

    assert redecide_round(second.intake(), lambda: at(1), 1000, Noted(), seconds=0.05) == (50, True)
    assert redecide_round(second.intake(), lambda: at(1), 20, Noted(), seconds=10) == (70, False)
    assert waited == [50 / 1000, 50 / 20]
    assert applied(second) == (MANY, MANY)


def test_the_clock_does_it_by_itself(batons: Open, tmp_path: Path) -> None:
    before = lived_in(batons, tmp_path, 3)
    after = batons(before, BATON_POLICY_DIR=policy_folder(tmp_path, ""), BATON_SETTLING_SECONDS="0")
    stop = Event()
    rounds = iter([False, False, True])

    class Once(Event):
        """Ends after the first round, whatever it waits for."""

        def wait(self, timeout: float | None = None) -> bool:
            if next(rounds, True):
                stop.set()
            return stop.is_set()

        def is_set(self) -> bool:
            return stop.is_set()

    keep_time(after.intake(), lambda: at(1), open_log("clock"), Once(), after.store, 1_000_000)
    assert applied(after) == (3, 3)


def test_the_status_says_how_much_is_left(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "in.json").write_text(json.dumps(ripe()))
    home.baton("db", "upgrade")
    home.baton("ingest", "in.json")
    before = json.loads(home.baton("clock", "--status", "--json").stdout)
    assert (before["decided"], before["under_policy"], before["to_decide_again"]) == (1, 1, 0)
    policy = {"BATON_POLICY_DIR": policy_folder(tmp_path, ""), "BATON_POLICY_SOURCE": "disk"}
    told = home.baton("clock", "--status", **policy).stdout
    assert "0 of 1 account decided under it" in told and "1 still to be decided again" in told
    ran = home.baton("clock", "--once", **policy)
    assert "Decided again for 1 account under what is in force now." in ran.stdout
    assert json.loads(home.baton("clock", "--status", "--json", **policy).stdout)["to_decide_again"] == 0
    wrong = home.baton("clock", "--status", "--once")
    assert wrong.returncode == 2
