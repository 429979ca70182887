"""For a sceptic: one table of hostile messages through every door, on a real broker, between good ones."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest

from adapters.rabbitmq import RabbitFeed, setup
from adapters.store import Store
from adapters.transport import DEAD_QUEUE, INBOX_QUEUE, InMessage
from schemas.facts import AccountRef, ChargePosted, Fact, Noted, Tally
from service.cli.entry import run
from service.inspection import Summary
from service.web import SCOPES, create_key
from tests.chaos.hospital import waiting_in
from tests.doors.x12.reading import remittance
from tests.journey.command_line import Home
from tests.journey.hostile import CANARY, LARGEST_BYTES, MIB, TABLE, Hostile
from tests.journey.stories import NOW, native
from tests.journey.web_fixtures import make_app, over_socket, served
from tests.journey.workers import until, working

FEED = "hostile"
STREAM_SECONDS = 120.0
ONE_SECONDS = 30.0
MOST_KIB = 400 * 1024
MOST_TOLD = 1000
"""Parts that an answer about a stored message lists."""

MEDIA = {"json": "application/json", "x12": "application/edi-x12", "hl7v2": "text/plain"}
SETTINGS = {"BATON_MAX_MESSAGE_BYTES": str(LARGEST_BYTES)}


def neighbour(number: int) -> InMessage:
    """A good message with an account of its own: JSON and remittances in turn."""
    account = f"N{number}"
    if number % 2:
        data = {"charge_id": account, "amount": "1.00", "service_date": "2026-03-14"}
        body = json.dumps(native(account, "charge.posted", data, account=account)).encode()
        return InMessage(f"json.{FEED}", body)
    return InMessage(f"x12.{FEED}", remittance(f"CLP*{account}*1*100*100**12*P{number}~"))


def peak_kib(pid: int) -> int:
    """The most memory that the process ever held."""
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


@pytest.mark.broker
@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_one_stream_of_hostile_messages_loses_none_and_harms_no_neighbour(
    database: str, tmp_path: Path, amqp_url: str, request: pytest.FixtureRequest
) -> None:
    url = f"sqlite:///{tmp_path}/baton.db"
    if database == "postgresql":
        url = request.getfixturevalue("postgres_url")
    home = Home(tmp_path, {**SETTINGS, "BATON_AMQP_URL": amqp_url, "BATON_DATABASE_URL": url})
    store = Store.open(url)
    store.upgrade()
    setup(amqp_url)
    sent = [neighbour(0)]
    for number, hostile in enumerate(TABLE, 1):
        sent += [InMessage(f"{hostile.format}.{FEED}", hostile.body), neighbour(number)]
    distinct = {(hashlib.sha256(m.body).hexdigest()): m for m in sent}
    log = tmp_path / "worker.log"
    with working(home, log) as worker:
        feed = RabbitFeed(amqp_url)
        assert all(feed.send(sent)), "each is confirmed by the broker"
        feed.close()

        def all_read() -> bool:
            with store.read() as reader:
                counts = reader.counts()
                taken = sum(row.received for row in reader.tallies(FEED))
            return (counts.messages, counts.unread, taken) == (len(distinct), 0, len(sent))

        until(all_read, STREAM_SECONDS, "not all was read in time")
        until(lambda: waiting_in(amqp_url, INBOX_QUEUE) == 0, ONE_SECONDS, "the queue is not empty")
        peak = peak_kib(worker.pid)
    assert waiting_in(amqp_url, INBOX_QUEUE, DEAD_QUEUE) == 0
    assert peak < MOST_KIB, f"{peak // 1024} MiB at the most"
    with store.read() as reader:
        parked = reader.parked(limit=100_000)
        tallies = reader.tallies(FEED)
        found: dict[str, list[str]] = {}
        for part in parked:
            found.setdefault(part.message_sha256, []).append(part.code)
        for hostile in TABLE:
            seal = hashlib.sha256(hostile.body).hexdigest()
            if hostile.disposition != "duplicate":
                assert tuple(found.get(seal, ())) == hostile.parked, hostile.name
            record = reader.message(seal, FEED)
            assert record is not None and reader.message_body(record.seq) == hostile.body, hostile.name
        for number in range(len(TABLE) + 1):
            row = reader.account(AccountRef("GEN", f"N{number}"))
            assert row is not None and row.facts == 1, number
        said = " ".join(f"{p.place} {p.code} {p.reason} {p.clause}" for p in parked)
    store.close()
    expected = {d: sum(h.disposition == d for h in TABLE) for d in ("accepted", "duplicate", "parked")}
    expected["accepted"] += len(TABLE) + 1
    assert {d: sum(getattr(row, d) for row in tallies) for d in expected} == expected
    assert sum(row.received for row in tallies) == sum(expected.values()) == len(sent)
    assert CANARY not in said
    lines = log.read_text().splitlines()
    assert all(json.loads(line)["level"] == "info" for line in lines), lines
    assert CANARY not in "".join(lines)


def post(at: tuple[str, int], hostile: Hostile, headers: dict[str, str]) -> tuple[int, str, bytes]:
    """Status, media type and body of the answer. A body over the limit is announced and not sent: a client
    that asks first (Expect: 100-continue) is answered before it sends."""
    connection = http.client.HTTPConnection(*at, timeout=ONE_SECONDS)
    announced = hostile.http is not None and hostile.http[0] == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    length = {"Content-Length": str(len(hostile.body))}
    try:
        connection.request(
            "POST", f"/v1/messages?feed={FEED}", b"" if announced else hostile.body, headers | length
        )
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def read_to_its_end(at: tuple[str, int], sha256: str, headers: dict[str, str]) -> dict[str, Any]:
    """What became of a long message, which is answered before it is read."""
    deadline = time.monotonic() + ONE_SECONDS
    while True:
        status, _, body = over_socket(at, "GET", f"/v1/messages/{sha256}?feed={FEED}", None, headers)
        told: dict[str, Any] = json.loads(body)
        assert status == 200 and CANARY.encode() not in body, told
        if told["disposition"] != "stored":
            return told
        assert time.monotonic() < deadline, "it was not read in time"
        time.sleep(0.1)


@pytest.mark.slow
def test_http_answers_each_hostile_message_with_its_exact_verdict(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path, BATON_HTTP_PORT="0", **SETTINGS)
    app.store.upgrade()
    key = create_key(app.store, SCOPES, NOW)
    with served(app) as at:
        for hostile in TABLE:
            headers = {"Authorization": f"Bearer {key}", "Content-Type": MEDIA[hostile.format]}
            began = time.monotonic()
            status, answered, body = post(at, hostile, headers)
            assert time.monotonic() - began < ONE_SECONDS, hostile.name
            assert CANARY.encode() not in body, hostile.name
            told = json.loads(body)
            if hostile.http is not None:
                assert (status, told["code"]) == hostile.http, hostile.name
                assert answered == "application/problem+json"
            else:
                assert status == 202, (hostile.name, told)
                if len(hostile.body) > MIB:
                    assert told["disposition"] == "stored", hostile.name
                    told = read_to_its_end(at, told["sha256"], headers)
                assert told["disposition"] == hostile.disposition, (hostile.name, told)
                codes = tuple(part["code"] for part in told["rejected"])
                most = MOST_TOLD if len(hostile.body) > MIB else len(hostile.parked)
                assert codes == hostile.parked[:most], hostile.name
                assert all(part["reason"] for part in told["rejected"])
        status, _, body = over_socket(
            at, "GET", "/v1/parked?limit=200", None, {"Authorization": f"Bearer {key}"}
        )
        for item in json.loads(body)["items"]:
            assert CANARY not in str({**item, "account": None})
    app.close()
    assert CANARY not in "".join(capfd.readouterr())


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to run commands in, in this process, with an empty store."""
    for name in [name for name in os.environ if name.startswith("BATON_")]:
        if not name.startswith("BATON_TEST"):
            monkeypatch.delenv(name)
    for name, value in {**SETTINGS, "BATON_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    assert ended("db", "upgrade") == 0
    return tmp_path


def ended(*words: str) -> int:
    """Run a command as `baton` does; its exit code."""
    with pytest.raises(SystemExit) as left:
        run(words)
    return int(left.value.code or 0)


def one_clean_answer(out: str, err: str, hostile: Hostile) -> None:
    assert err == "", (hostile.name, err)
    assert CANARY not in out and "Traceback" not in out and "\x1b" not in out, hostile.name
    assert "[bug]" not in out


@pytest.mark.slow
def test_ingest_takes_or_parks_each_hostile_file_and_says_so_in_one_clear_line(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, hostile in enumerate(TABLE):
        file = here / f"{number:03d}"
        file.write_bytes(hostile.body)
        capfd.readouterr()
        began = time.monotonic()
        code = ended("ingest", file.name)
        out, err = capfd.readouterr()
        assert time.monotonic() - began < ONE_SECONDS, hostile.name
        one_clean_answer(out, err, hostile)
        disposition = "parked" if hostile.as_file else "accepted" if hostile.parked else hostile.disposition
        assert out.startswith(f"{file.name}: {disposition}, "), (hostile.name, out)
        assert code == (1 if hostile.as_file else 0), hostile.name
        for parked in set(hostile.as_file[:20]):
            assert f"[{parked}]" in out, hostile.name
        file.unlink()
    assert ended("parked", "list", "--json") == 0
    items = json.loads(capfd.readouterr().out)["items"]
    assert items and not [i for i in items if CANARY in str({**i, "account": None})]


@pytest.mark.slow
def test_inspect_finds_in_each_hostile_file_what_would_park_and_says_it_once(
    here: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for number, hostile in enumerate(TABLE):
        file = here / f"{number:03d}"
        file.write_bytes(hostile.body)
        capfd.readouterr()
        began = time.monotonic()
        code = ended("inspect", file.name)
        out, err = capfd.readouterr()
        one_clean_answer(out, err, hostile)
        assert code == (1 if hostile.inspected else 0), (hostile.name, out)
        assert ended("inspect", file.name, "--json") == code, hostile.name
        out, err = capfd.readouterr()
        assert time.monotonic() - began < ONE_SECONDS, hostile.name
        told = json.loads(out)
        assert err == "" and len(out.splitlines()) == 1, hostile.name
        assert set(hostile.inspected) <= {f["code"] for f in told["findings"] if f["severity"] == "error"}
        assert CANARY not in json.dumps(told["findings"]), hostile.name
        said = [(f["code"], f["where"]) for f in told["findings"] if f["code"] in hostile.inspected]
        assert len(said) == len(set(said)), hostile.name
        if not hostile.inspected:
            assert told["facts"] or "empty array" in hostile.name, hostile.name
        file.unlink()


def test_a_fact_that_no_store_can_keep_is_told_as_one_that_would_park() -> None:
    good, bad = AccountRef("GEN", "A1"), AccountRef("GEN", "A1\u200b")
    facts = [
        Fact.of(ref, "key", NOW, ChargePosted("C1", 100, NOW.date()), where=str(place))
        for place, ref in enumerate((good, bad))
    ]
    summary = Summary()
    told = list(summary.follow([*facts, Tally("json")]))
    assert (told[0], summary.parks, list(summary.accounts)) == (facts[0], 1, ["A1"])
    assert isinstance(told[1], Noted) and (told[1].code, told[1].where) == ("account-unprintable", "1")
