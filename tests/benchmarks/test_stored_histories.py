"""The store full of made-up histories: the same each time, and a backtest walks all of it, merged or not."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from adapters.store import Store
from schemas.facts import Fact
from service.backtest import Asked, backtest
from service.bench.stored import fill
from service.bench.workload import STEPS, Workload
from tests.spec.facts_made import policy_texts

UNTIL = date(2026, 11, 20)
KNOWN_AT = datetime(2026, 11, 25, tzinfo=UTC)


def filled(path: Path) -> tuple[str, dict[int, list[Fact]]]:
    url = f"sqlite:///{path}"
    store = Store.open(url)
    try:
        store.upgrade()
        assert fill(store, Workload(60 * STEPS, UNTIL), merged_every=10) == 60 * STEPS + 6
        with store.read() as reader:
            return url, reader.histories(range(1, 61), KNOWN_AT)
    finally:
        store.close()


def test_the_same_workload_gives_the_same_histories(tmp_path: Path) -> None:
    assert filled(tmp_path / "a.db")[1] == filled(tmp_path / "b.db")[1]


def test_a_backtest_walks_every_account_and_those_that_were_merged_with_all_their_facts(
    tmp_path: Path,
) -> None:
    url, _ = filled(tmp_path / "c.db")
    texts = policy_texts()
    sooner = texts["house_default.toml"].replace('"open_case"\nvalue = 60', '"open_case"\nvalue = 30')
    found = backtest(Asked(url, texts, texts | {"house_default.toml": sooner}, UNTIL, KNOWN_AT), processes=1)
    assert (found.seen, found.joined) == (60, 12)
    assert (found.base.accounts, found.moves["earlier"].accounts) == (12, 12)
