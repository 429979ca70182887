"""For an operator: the door over a real socket, and what stopping does."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import LIMIT, Door, charge, door_to, make_app, over_socket, overdue_story, served

from service.app import App
from service.intake import Intake
from service.web import ensure_key

Address = tuple[str, int, App]


def all_of(line: socket.socket) -> bytes:
    """What the server says until it closes."""
    said = b""
    # It closes with some of the request unread, which may end in a reset.
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(4096):
            said += chunk
    return said


def test_from_posted_messages_to_an_explained_case(address: Address) -> None:
    host, port, app = address
    key = {"Authorization": f"Bearer {ensure_key(app)}"}

    def get(url: str) -> dict[str, object]:
        status, headers, answered = over_socket((host, port), "GET", url, headers=key)
        assert (status, headers["content-type"]) == (200, "application/json"), answered
        said = json.loads(answered)
        assert isinstance(said, dict)
        return said

    body = json.dumps(overdue_story("A/1")).encode()
    status, _, answered = over_socket(
        (host, port), "POST", "/v1/messages", body, key | {"Content-Type": "application/json"}
    )
    assert (status, json.loads(answered)["disposition"]) == (202, "accepted")
    assert get("/v1/accounts/GEN/A%2F1")["account"] == "GEN/A/1"
    why = get("/v1/accounts/GEN/A%2F1/why")
    assert why["balance"] == "142.17"
    case = why["case"]
    assert isinstance(case, dict)
    assert get(f"/v1/cases/{case['id']}")["status"] == "open"


def test_the_server_refuses_a_body_over_the_limit_before_it_is_sent(address: Address) -> None:
    with socket.create_connection(address[:2], timeout=10) as line:
        line.sendall(b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % (LIMIT + 1))
        answer = all_of(line)
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"application/problem+json" in answer
    assert b"over the limit of %d bytes" % LIMIT in answer


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x00\x01\x02\r\n\r\n", b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 40_000 + b"\r\n\r\n", b"431"),
        (b"POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n", b"400"),
    ],
    ids=["no HTTP", "enormous header", "negative length"],
)
def test_what_is_no_good_http_gets_a_problem_and_the_next_request_is_served(
    address: Address, sent: bytes, status: bytes
) -> None:
    with socket.create_connection(address[:2], timeout=10) as line:
        line.sendall(sent)
        answer = all_of(line)
    assert answer.split(b" ", 2)[1] == status
    assert b"application/problem+json" in answer
    assert over_socket(address[:2], "GET", "/healthz")[0] == 200


def test_a_body_that_ends_too_early_is_not_stored(address: Address) -> None:
    host, port, app = address
    key = ensure_key(app)
    with socket.create_connection((host, port), timeout=10) as line:
        line.sendall(
            f"POST /v1/messages HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n"
            "Content-Type: application/json\r\nContent-Length: 500\r\n\r\n{".encode()
        )
    assert over_socket((host, port), "GET", "/healthz")[0] == 200
    with app.store.read() as reader:
        assert reader.counts().messages == 0


def test_a_large_remittance_comes_in_chunk_by_chunk(address: Address) -> None:
    from test_http_messages import remittance

    host, port, app = address
    sent = remittance(60, b"\n" * 4000)
    parts = (sent[at : at + 65_536] for at in range(0, len(sent), 65_536))
    headers = {"X-API-Key": str(ensure_key(app)), "Content-Type": "application/edi-x12"}
    status, _, answered = over_socket((host, port), "POST", "/v1/messages", parts, headers)
    assert (status, json.loads(answered)["disposition"]) == (202, "stored")
    until_read((host, port), headers, json.loads(answered)["sha256"], 20)


def test_a_remittance_of_9500_claims_is_answered_at_once_and_every_account_is_there_soon(
    address: Address,
) -> None:
    from test_http_messages import remittance

    host, port, app = address
    sent = remittance(9500)
    assert 1 << 20 < len(sent) < LIMIT
    headers = {"X-API-Key": str(ensure_key(app)), "Content-Type": "application/edi-x12"}
    began = time.perf_counter()
    status, _, answered = over_socket((host, port), "POST", "/v1/messages", sent, headers)
    took = time.perf_counter() - began
    assert (status, json.loads(answered)["disposition"]) == (202, "stored")
    assert took < 3, "the sender does not wait for the reading"
    told = until_read((host, port), headers, json.loads(answered)["sha256"], 120)
    assert (told["disposition"], told["rejected"]) == ("accepted", [])
    with app.store.read() as reader:
        assert reader.counts().accounts == 9500
        assert reader.counts().unread == 0
    for number in ("R0", "R4711", "R9499"):
        assert over_socket((host, port), "GET", f"/v1/accounts/GEN/{number}", headers=headers)[0] == 200


def test_a_long_body_that_an_earlier_process_left_unread_is_read_by_the_next(tmp_path: Path) -> None:
    from test_http_messages import remittance

    app = make_app(tmp_path, BATON_HTTP_PORT="0")
    app.store.upgrade()
    door = door_to(app)
    receipt = door.post(remittance(60, b"\n" * 4000), "application/edi-x12").json
    assert receipt["disposition"] == "stored"
    with served(app) as at:
        until_read(at, {"X-API-Key": door.key}, receipt["sha256"], 20)
    app.close()


def until_read(at: tuple[str, int], headers: dict[str, str], sha256: str, seconds: float) -> dict[str, Any]:
    """What became of a message, once it has been read."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        status, _, answered = over_socket(at, "GET", f"/v1/messages/{sha256}", headers=headers)
        assert status == 200
        told = json.loads(answered)
        if told["read_at"] is not None:
            assert isinstance(told, dict)
            return told
        time.sleep(0.2)
    raise AssertionError(f"not read within {seconds} seconds")


class Slow(App):
    """An app that takes its time."""

    def intake(self) -> Intake:
        time.sleep(2.0)
        return super().intake()


def test_a_request_that_is_being_answered_when_the_stop_comes_is_answered(tmp_path: Path) -> None:
    app = make_app(tmp_path, BATON_HTTP_PORT="0")
    app.store.upgrade()
    headers = {"X-API-Key": str(ensure_key(app)), "Content-Type": "application/json"}
    app.__class__ = Slow
    seen: list[int] = []
    server = served(app)
    with server as at:
        body = json.dumps(charge("A1")).encode()
        asking = threading.Thread(
            target=lambda: seen.append(over_socket(at, "POST", "/v1/messages", body, headers)[0])
        )
        asking.start()
        time.sleep(0.3)
        server.stop.set()
        asking.join(10)
    assert seen == [202]
    with app.store.read() as reader:
        assert reader.counts().messages == 1
    with pytest.raises(ConnectionError):
        over_socket(at, "GET", "/healthz")
    app.close()


def test_many_senders_at_once_are_each_stored_once(address: Address) -> None:
    host, port, app = address
    headers = {"X-API-Key": str(ensure_key(app)), "Content-Type": "application/json"}
    seen: list[str] = []
    bodies = [json.dumps(charge("A1", f"c{n}")).encode() for n in range(10)]

    def send() -> None:
        for body in bodies:
            status, _, answered = over_socket((host, port), "POST", "/v1/messages", body, headers)
            assert status == 202
            seen.append(json.loads(answered)["disposition"])

    senders = [threading.Thread(target=send) for _ in range(6)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join(60)
    assert len(seen) == 60
    with app.store.read() as reader:
        assert (reader.counts().messages, reader.counts().facts) == (10, 10)


@pytest.mark.postgres
def test_the_same_way_leads_through_postgresql(tmp_path: Path, fresh_postgres: Callable[[], str]) -> None:
    app = make_app(tmp_path, BATON_DATABASE_URL=fresh_postgres())
    app.store.upgrade()
    door: Door = door_to(app)
    assert door.send(*overdue_story("A1")).json["disposition"] == "accepted"
    assert door.get("/v1/accounts/GEN/A1/why").json["balance"] == "142.17"
    assert len(door.get("/v1/cases", status="open").json["items"]) == 1
    assert door.ask("GET", "/readyz", None).status_code == 200
    app.close()
