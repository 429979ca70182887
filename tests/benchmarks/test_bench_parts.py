"""For whoever doubts a figure: the workload, the checks and the ratios, each on its own."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from adapters import x12
from adapters.store import Store
from schemas.errors import BatonError
from schemas.facts import Fact, Message, Rejected, Tally
from service.app import App
from service.bench import books, machine, plan
from service.bench.ratios import ratios
from service.bench.remittances import Remittance, of_size
from service.bench.rows import Row, WrongAnswer
from service.bench.workload import CASE_EVERY, STEPS, Expected, Workload
from service.config import load

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def row(key: str, value: float) -> Row:
    return Row.of(key, key, "messages/s", [value], n=1)


def test_the_same_seed_and_day_give_the_same_bytes() -> None:
    assert list(Workload(70, TODAY).bodies()) == list(Workload(70, TODAY).bodies())


def test_another_seed_gives_another_order_of_the_same_messages() -> None:
    one, other = Workload(700, TODAY, seed=1), Workload(700, TODAY, seed=2)
    assert one.steps() != other.steps()
    assert Counter(one.steps()) == Counter(other.steps())


def test_each_account_is_told_in_order_and_apart_from_itself() -> None:
    steps = Workload(7000, TODAY).steps()
    last_seen: dict[int, tuple[int, int]] = {}
    gaps = []
    for at, (number, step) in enumerate(steps):
        before_at, before_step = last_seen.get(number, (at, -1))
        assert step == before_step + 1
        if step:
            gaps.append(at - before_at)
        last_seen[number] = (at, step)
    assert len(steps) == 1000 * STEPS
    assert sorted(gaps)[len(gaps) // 2] > 200


def test_the_last_message_opens_a_case() -> None:
    for seed in range(5):
        number, step = Workload(700, TODAY, seed=seed).steps()[-1]
        assert number % CASE_EVERY == 0 and step == STEPS - 1


def test_every_message_is_about_one_kilobyte() -> None:
    sizes = [len(body) for body in Workload(700, TODAY).bodies()]
    assert min(sizes) == 1024 and max(sizes) < 1200


def test_a_remittance_is_read_without_a_finding_and_adds_up() -> None:
    items = list(x12.read(Remittance(50, TODAY, 100).body(), feed="f", facility="GEN", received_at=NOW))
    assert not [item for item in items if not isinstance(item, Fact | Tally)]
    tally = items[-1]
    assert isinstance(tally, Tally)
    assert (tally.claims, tally.service_lines) == (50, 100)
    assert tally.payment_cents == tally.paid_cents == tally.charge_cents - 50 * (14217 + 10000)


def test_a_file_of_a_size_has_that_size_and_chunks_add_up_to_it() -> None:
    remittance = of_size(900_000, TODAY)
    chunks = list(remittance.chunks())
    assert len(chunks) > 4
    assert abs(sum(map(len, chunks)) - 900_000) < 3_000
    items = list(x12.read(b"".join(chunks), feed="f", facility="GEN", received_at=NOW))
    assert not [item for item in items if isinstance(item, Rejected)]


@pytest.fixture
def taken_in(tmp_path: Path) -> tuple[str, Workload]:
    """A store that has taken in a small workload, in this process."""
    workload = Workload(140, datetime.now(UTC).date())
    url = f"sqlite:///{tmp_path}/baton.db"
    (tmp_path / "baton.toml").touch()
    store = Store.open(url)
    store.upgrade()
    store.close()
    app = App(
        load(
            {
                "BATON_DATABASE_URL": url,
                "BATON_CONFIG": str(tmp_path / "baton.toml"),
                "BATON_SETTLING_SECONDS": "0",
            }
        )
    )
    moment = app.moment()
    messages = [
        Message.of(body, feed="bench", format="json", door="rabbitmq", received_at=moment.now)
        for body in workload.bodies()
    ]
    for at in range(0, len(messages), 10):
        app.intake().receive(messages[at : at + 10], moment)
    app.close()
    return url, workload


def test_the_expected_result_is_what_baton_makes_of_the_workload(taken_in: tuple[str, Workload]) -> None:
    url, workload = taken_in
    found = books.read(url)
    found.check(workload.expected())
    assert found.finished == workload.expected().messages
    assert found.case_events == workload.expected().cases == len(books.case_event_ids(url))
    assert not found.settled(140), "no relay ran, so events are still waiting"
    assert found.outbox > 0


@pytest.mark.parametrize("field", ["messages", "accounts", "cases", "case_cents"])
def test_a_result_that_is_one_off_is_a_wrong_answer(taken_in: tuple[str, Workload], field: str) -> None:
    url, workload = taken_in
    wanted = workload.expected()
    wrong = replace(wanted, **{field: getattr(wanted, field) + 1})
    with pytest.raises(WrongAnswer, match="wrong-result"):
        books.read(url).check(wrong)


def test_a_parked_message_is_a_wrong_answer() -> None:
    found = books.Books(7, 7, 1, 1, 14217, 1, 0, 1, 5, 0.0)
    with pytest.raises(WrongAnswer):
        found.check(Expected(7, 1, 1, 14217))


RAW = [
    row("raw_write_postgres_200_executemany", 250),
    row("raw_write_postgres_200", 300),
    row("raw_write_postgres_500", 400),
]


def test_the_raw_limit_is_the_lower_of_consuming_and_the_plain_batched_write() -> None:
    figures, _ = ratios([row("raw_consume", 1000), *RAW, row("baton_json_postgres_1", 100)])
    assert figures["json_of_raw_limit_postgres"] == figures["json_of_raw_limit"] == 0.4
    figures, _ = ratios([row("raw_consume", 200), *RAW, row("baton_json_postgres_1", 100)])
    assert figures["json_of_raw_limit"] == 0.5


def test_the_stricter_ratio_is_held_against_the_fastest_array_write() -> None:
    figures, _ = ratios([row("raw_consume", 1000), *RAW, row("baton_json_postgres_1", 100)])
    assert figures["json_of_raw_arrays"] == 0.25


def test_the_headline_takes_the_better_of_one_and_two_workers_and_both_stand_beside_it() -> None:
    measured = [row("raw_consume", 1000), *RAW]
    for one, two in ((100, 150), (150, 100)):
        workers = [row("baton_json_postgres_1", one), row("baton_json_postgres_2", two)]
        figures, _ = ratios([*measured, *workers])
        assert figures["json_of_raw_limit"] == 0.6
        assert figures["json_of_raw_limit_postgres_1_worker"] == one / 250
        assert figures["json_of_raw_limit_postgres_2_workers"] == two / 250


def test_sqlite_alone_is_held_against_its_own_plain_write() -> None:
    found = [row("raw_consume", 1000), row("raw_write_sqlite_200", 200), row("raw_write_sqlite_500", 800)]
    figures, _ = ratios([*found, row("baton_json_sqlite_1", 100)])
    assert figures["json_of_raw_limit"] == figures["json_of_raw_limit_sqlite"] == 0.5


def test_a_ratio_of_what_is_missing_is_none_with_the_reason() -> None:
    left_out = Row.without("naive_core_json_postgres", "naive", "messages/s", "out of time")
    figures, reasons = ratios([row("baton_json_postgres_1", 100), left_out])
    assert figures["json_over_naive"] is None and reasons["json_over_naive"] == "out of time"
    assert set(reasons) == {name for name, value in figures.items() if value is None}


def test_without_postgres_the_embedded_store_stands_in_the_headline() -> None:
    figures, _ = ratios([row("baton_json_sqlite_1", 90), row("naive_core_json_sqlite", 30)])
    assert figures["json_over_naive"] == figures["json_over_naive_sqlite"] == 3


def part(key: str, seconds: float, result: Row | BatonError) -> plan.Part:
    def give() -> list[Row]:
        if isinstance(result, BatonError):
            raise result
        return [result]

    return plan.Part(key, key, "", "messages/s", seconds, give)


def test_a_part_that_does_not_fit_into_the_time_is_left_out_and_the_next_may_fit() -> None:
    import time

    parts = [part("long", 1000, row("long", 1)), part("short", 1, row("short", 2))]
    outcome = plan.measure(parts, time.monotonic() + 60, lambda number, part, rows: None)
    assert [(r.key, r.value) for r in outcome.rows] == [("long", None), ("short", 2)]
    assert outcome.rows[0].left_out and not outcome.wrong


def test_on_a_slow_machine_less_is_begun() -> None:
    pace = plan.Pace()
    three = part("three", 3, row("three", 1))
    assert pace.forecast(three) == 3
    pace.note(part("one", 1, row("one", 1)), 4)
    assert pace.forecast(three) == 12
    for _ in range(20):
        pace.note(part("one", 1, row("one", 1)), 0.01)
    assert pace.forecast(three) == 1.5


def test_a_busy_machine_is_warned_of() -> None:
    assert machine.busy({"load_before": 0.4, "usable_cpus": 2}) == ""
    assert "4.4 of 2 processors" in machine.busy({"load_before": 4.4, "usable_cpus": 2})


def test_a_wrong_answer_has_no_figure_and_is_told() -> None:
    parts = [part("fast", 1, WrongAnswer("wrong-result", "three cases too few"))]
    outcome = plan.measure(parts, None, lambda number, part, rows: None)
    assert outcome.rows[0].value is None
    assert "three cases too few" in outcome.wrong[0]
