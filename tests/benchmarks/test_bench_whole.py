"""For whoever reads a figure: the bench runs, checks what it measured, and says what it did not."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import make_database

ROOT = Path(__file__).resolve().parents[2]
MESSAGES = 140
MEASURED = (
    "json_of_raw_limit",
    "json_of_raw_limit_sqlite",
    "json_of_raw_limit_postgres",
    "json_over_naive",
    "json_over_naive_plumbing",
    "x12_over_naive",
    "worker_rss_4n_over_n",
    "ingest_rss_growth",
)
NOT_MEASURED = ("hl7v2_over_naive", "json_over_peer", "x12_over_peer")


def run(*arguments: str, timeout: float = 170) -> subprocess.CompletedProcess[str]:
    environ = {k: v for k, v in os.environ.items() if not k.startswith("BATON_")} | {"PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", "bench", *arguments],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.fixture(scope="module")
def nodes(rabbitmq_urls: dict[str, str], postgres_server: str) -> list[str]:
    """Options that name this run's broker and database."""
    url = rabbitmq_urls[os.environ.get("PYTEST_XDIST_WORKER", "main")]
    return ["--amqp-url", url, "--database-url", make_database(postgres_server)]


@pytest.fixture(scope="module")
def answer(nodes: list[str]) -> dict[str, Any]:
    done = run("--quick", "--json", "--profile", "--messages", str(MESSAGES), *nodes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def rows(answer: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["key"]: row for row in answer["rows"]}


pytestmark = [pytest.mark.broker, pytest.mark.postgres, pytest.mark.slow]


def test_the_answer_names_the_machine_the_broker_and_the_database(answer: dict[str, Any]) -> None:
    assert answer["machine"]["cpus"] == os.cpu_count()
    assert answer["machine"]["broker"].startswith("RabbitMQ ")
    assert answer["machine"]["database"].startswith("PostgreSQL ")
    assert answer["machine"]["scratch_filesystem"] != "unknown"


def test_nothing_measured_was_a_wrong_answer(answer: dict[str, Any]) -> None:
    assert answer["wrong"] == []
    assert [row["key"] for row in answer["rows"] if row["value"] is None] == []


@pytest.mark.parametrize("name", MEASURED)
def test_a_measured_ratio_is_positive_and_finite(answer: dict[str, Any], name: str) -> None:
    value = answer["ratios"][name]
    assert value > 0 and math.isfinite(value)
    assert name not in answer["reasons"]


@pytest.mark.parametrize("name", NOT_MEASURED)
def test_what_was_not_measured_is_null_and_says_why(answer: dict[str, Any], name: str) -> None:
    assert answer["ratios"][name] is None
    assert answer["reasons"][name]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
@pytest.mark.parametrize("workers", [1, 2])
def test_every_case_event_of_the_workload_was_received(
    answer: dict[str, Any], store: str, workers: int
) -> None:
    row = rows(answer)[f"baton_json_{store}_{workers}"]
    assert row["n"] == MESSAGES
    assert row["detail"]["case_events"] == MESSAGES // 7 // 5
    assert row["detail"]["events"] >= row["detail"]["case_events"]


def test_repeated_rounds_come_with_their_spread(answer: dict[str, Any]) -> None:
    row = rows(answer)["raw_consume"]
    assert len(row["rounds"]) == 3
    assert row["spread"] == [min(row["rounds"]), max(row["rounds"])]
    assert row["spread"][0] <= row["value"] <= row["spread"][1]


def test_latency_is_measured_at_both_rates(answer: dict[str, Any]) -> None:
    for rate in (50, 200):
        detail = rows(answer)[f"latency_postgres_{rate}"]["detail"]
        assert 0 < detail["p50_ms"] <= detail["p99_ms"] <= detail["longest_ms"]


@pytest.mark.parametrize("store", ["sqlite", "postgres"])
def test_the_profile_accounts_for_the_whole_time_of_a_message(answer: dict[str, Any], store: str) -> None:
    taken = next(p for p in answer["profile"] if p["store"] == store)
    assert sum(stage["microseconds"] for stage in taken["stages"]) == pytest.approx(
        taken["microseconds"], abs=2
    )
    by_name = {stage["stage"]: stage for stage in taken["stages"]}
    for stage in taken["stages"][:-1]:
        assert stage["calls"] > 0, stage["stage"]
    assert by_name["fold"]["calls"] <= MESSAGES


def test_without_json_there_is_a_table_a_chart_and_plain_progress(nodes: list[str]) -> None:
    done = run("--quick", "--messages", "35", "--store", "sqlite", *nodes[:2])
    assert done.returncode == 0, done.stderr
    for title in ("Machine", "Measured", "Messages/s", "Ratios"):
        assert f"\n{title}\n" in f"\n{done.stdout}"
    assert "█" in done.stdout or "#" in done.stdout
    assert "\r" not in done.stderr and "\x1b" not in done.stdout + done.stderr
    assert "[1/" in done.stderr
    assert "hl7v2_over_naive: not measured" in done.stdout


def test_a_broker_that_holds_messages_is_refused(nodes: list[str]) -> None:
    from adapters.rabbitmq import RabbitFeed, setup
    from adapters.transport import InMessage
    from service.bench import broker

    setup(nodes[1])
    feed = RabbitFeed(nodes[1])
    try:
        assert feed.send([InMessage("json.other", b"somebody's")]) == [True]
        done = run("--quick", "--messages", "7", "--store", "sqlite", *nodes[:2])
    finally:
        feed.close()
        with broker.channel(nodes[1]) as channel:
            channel.queue_purge("baton.inbox")
    assert done.returncode == 2
    assert "[broker-in-use]" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
