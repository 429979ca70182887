"""For an integrator: published 835 files that nobody here wrote, through every door, on real parts."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from adapters.rabbitmq import RabbitFeed, setup
from adapters.store import Store
from adapters.transport import DEAD_QUEUE, INBOX_QUEUE, InMessage
from schemas.facts import AccountRef
from schemas.money import parse_cents
from service.cli.entry import run
from tests.chaos.hospital import waiting_in
from tests.journey.command_line import Home
from tests.journey.workers import until, working

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FACTS = SAMPLES / "835_facts.tsv"
FEED = "clearinghouse"
PATIENCE_SECONDS = 60.0

pytestmark = pytest.mark.skipif(not FACTS.exists(), reason="needs the sample folder beside the project")

ROWS = list(csv.DictReader(FACTS.open(), delimiter="\t")) if FACTS.exists() else []
FILES = [SAMPLES / row["file"] for row in ROWS]

Decided: TypeAlias = dict[str, tuple[str | None, int, int, str | None]]
"""Account number to its decision: material, balance and patient's part in cents, determination."""


def account_numbers(body: bytes) -> set[str]:
    """CLP01 of every claim, found without Baton: by the separator that follows ISA, GS or ST."""
    text = body.decode("latin-1").lstrip()
    mark = re.escape(text[3] if text.startswith("ISA") else text[2])
    claims = re.findall(rf"(?:^|[^A-Za-z0-9{mark}]\s*)CLP{mark}([^{mark}]*){mark}", text)
    return {number.strip() for number in claims} - {""}


NUMBERS = set().union(*(account_numbers(file.read_bytes()) for file in FILES))


def decided(store: Store) -> Decided:
    """Every account that the samples name, as its latest decision left it; fails when there are others."""
    with store.read() as reader:
        counts = reader.counts()
        rows = {number: reader.account(AccountRef("GEN", number)) for number in sorted(NUMBERS)}
        assert reader.cases() == [] and not any(counts.cases.values()), "no case from remittances alone"
    missing = {number for number, row in rows.items() if row is None}
    assert missing == set(), "each claim's account has heard of it"
    assert counts.accounts == len(NUMBERS), "no account that no claim names"
    return {
        number: (row.material, row.balance_cents, row.patient_cents, row.determination)
        for number, row in rows.items()
        if row is not None
    }


def facts_kept(store: Store) -> int:
    with store.read() as reader:
        return reader.counts().facts


def counted(store: Store, feed: str) -> dict[str, int]:
    with store.read() as reader:
        rows = reader.tallies(feed)
    words = ("received", "accepted", "duplicate", "parked")
    return {word: sum(getattr(row, word) for row in rows) for word in words}


def publish(amqp_url: str, store: Store, files: Sequence[Path], feed: str, taken: int) -> dict[str, int]:
    """Publish files, wait until the feed's tally says that `taken` were received; the tally."""
    sender = RabbitFeed(amqp_url)
    assert all(sender.send([InMessage(f"x12.{feed}", file.read_bytes()) for file in files]))
    sender.close()
    until(lambda: counted(store, feed)["received"] >= taken, PATIENCE_SECONDS, "not all was received in time")
    until(lambda: waiting_in(amqp_url, INBOX_QUEUE) == 0, PATIENCE_SECONDS, "the queue is not empty")
    tally = counted(store, feed)
    assert tally["received"] == taken == tally["accepted"] + tally["duplicate"] + tally["parked"]
    return tally


@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_every_published_remittance_goes_through_rabbitmq_and_again_in_any_order_changes_nothing(
    database: str, tmp_path: Path, amqp_url: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/baton.db"
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    home = Home(tmp_path, {"BATON_AMQP_URL": amqp_url, "BATON_DATABASE_URL": url})
    store = Store.open(url)
    store.upgrade()
    setup(amqp_url)
    order = random.Random(835)
    shuffled = order.sample(FILES, len(FILES))
    distinct = {file.read_bytes() for file in FILES}
    log = tmp_path / "worker.log"
    with working(home, log):
        first = publish(amqp_url, store, shuffled, FEED, len(FILES))
        known, facts = decided(store), facts_kept(store)
        again = publish(amqp_url, store, order.sample(FILES, len(FILES)), FEED, 2 * len(FILES))
        assert decided(store) == known
        other = publish(amqp_url, store, FILES[::-1], "second-clearinghouse", len(FILES))
        assert decided(store) == known
        assert facts_kept(store) == facts, "another feed with the same remittances says nothing new"
    assert (again["accepted"], again["parked"]) == (first["accepted"], first["parked"])
    assert other["parked"] == first["parked"]
    assert waiting_in(amqp_url, INBOX_QUEUE, DEAD_QUEUE) == 0
    with store.read() as reader:
        assert reader.counts().messages == 2 * len(distinct) and reader.counts().unread == 0
        for body in distinct:
            record = reader.message(hashlib.sha256(body).hexdigest(), FEED)
            assert record is not None and reader.message_body(record.seq) == body
    store.close()
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert {line["level"] for line in lines} == {"info"}, lines
    whole = Home(tmp_path / "files", {})
    whole.folder.mkdir()
    assert whole.baton("db", "upgrade").returncode == 0
    ran = whole.baton("ingest", "--feed", FEED, "--json", SAMPLES / "835")
    assert ran.returncode == 1, ran.stderr
    told = json.loads(ran.stdout)
    assert {word: told[word] for word in ("accepted", "parked")} == {
        word: first[word] for word in ("accepted", "parked")
    }
    files = Store.open(f"sqlite:///{whole.folder}/baton.db")
    assert decided(files) == known, "files say the same as RabbitMQ"
    files.close()


def cents(text: str) -> int:
    return sum(parse_cents(part) for part in text.split(";") if part not in ("", "None"))


def expected_totals(row: dict[str, str]) -> dict[str, int]:
    return {
        "transactions": int(row["st835"]),
        "claims": int(row["clp"]),
        "service_lines": int(row["svc"]),
        "charge": cents(row["clp03_charge"]),
        "paid": cents(row["clp04_paid"]),
        "patient_responsibility": cents(row["clp05_patient_resp"]),
        "patient_adjustments": cents(row["cas_pr_sum"]),
        "provider_adjustments": cents(row["plb_total"]),
        "payment": cents(row["bpr02"]),
    }


def told_totals(told: dict[str, Any]) -> dict[str, int]:
    return {
        name: value if isinstance(value, int) else parse_cents(value)
        for name, value in told["totals"].items()
    }


def test_inspect_reproduces_what_was_computed_without_baton(tmp_path: Path) -> None:
    ran = Home(tmp_path).baton("inspect", "--json", *FILES)
    assert (ran.returncode, ran.stderr) == (1, "")
    told = {Path(one["path"]).name: one for one in map(json.loads, ran.stdout.splitlines())}
    assert len(told) == len(FILES) > 50
    differing = []
    for row in ROWS:
        file = SAMPLES / row["file"]
        one = told[file.name]
        found = {**told_totals(one), "messages": one["messages"], "accounts": set(one["accounts"])}
        known = {
            **expected_totals(row),
            "messages": int(row["st835"]) + int(row["st_other"]),
            "accounts": account_numbers(file.read_bytes()),
        }
        differing += [
            (file.name, name, known[name], found[name]) for name in known if known[name] != found[name]
        ]
        assert one["format"] == "x12.835"
        if file.name.startswith("NEG_"):
            assert [f["code"] for f in one["findings"] if f["severity"] == "error"] == [
                "unsupported-transaction"
            ]
            assert one["facts"] == []
    assert differing == []


def test_inspect_exits_with_1_exactly_where_ingest_parks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in os.environ if name.startswith("BATON_") and "TEST" not in name]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("BATON_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)

    def ended(*words: str) -> int:
        with pytest.raises(SystemExit) as left:
            run(words)
        out, err = capfd.readouterr()
        assert err == "" and "Traceback" not in out
        return int(left.value.code or 0)

    assert ended("db", "upgrade") == 0
    for file in FILES:
        # A feed of its own: the same bytes may stand in two files.
        parks = ended("ingest", "--feed", hashlib.sha256(file.name.encode()).hexdigest()[:12], str(file))
        assert ended("inspect", str(file)) == parks, file.name
        assert parks == 1 or not file.name.startswith("NEG_")
