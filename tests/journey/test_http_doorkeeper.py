"""For a security reviewer: a sender without a key cannot make the server take in a long body."""

from __future__ import annotations

import contextlib
import json
import socket
import time

import pytest
from web_fixtures import LIMIT, charge, over_socket

from service.app import App
from service.web import SCOPES, create_key, ensure_key
from service.web.doorkeeper import FREE_BYTES

Address = tuple[str, int, App]
LONG = 2 * 1024 * 1024
UNKNOWN = "bk_000000000000." + "x" * 43


def head(*lines: str) -> bytes:
    first = ["POST /v1/messages HTTP/1.1", "Host: x", "Content-Type: application/json"]
    return "\r\n".join([*first, *lines, "", ""]).encode()


def answer_to(line: socket.socket) -> bytes:
    said = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := line.recv(4096):
            said += chunk
    return said


@pytest.mark.parametrize(
    ("key", "code"),
    [
        ([], b"key-missing"),
        (["X-API-Key: guess"], b"key-refused"),
        (["Authorization: Basic eDp5"], b"key-missing"),
        ([f"Authorization: Bearer {UNKNOWN}"], b"key-refused"),
    ],
    ids=["none", "malformed", "another scheme", "unknown"],
)
@pytest.mark.parametrize("path", ["/v1/messages", "/healthz", "/nothing"])
def test_a_long_body_without_a_key_is_refused_before_any_of_it_is_sent(
    address: Address, key: list[str], code: bytes, path: str
) -> None:
    sent = head(*key, f"Content-Length: {LONG}").replace(b"/v1/messages", path.encode())
    with socket.create_connection(address[:2], timeout=10) as line:
        line.sendall(sent)
        answer = answer_to(line)
    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"www-authenticate: bearer" in answer.lower()
    assert code in answer
    assert b"application/problem+json" in answer


def test_a_body_that_hides_its_length_is_cut_off_early_without_a_key(address: Address) -> None:
    taken = 0
    with socket.create_connection(address[:2], timeout=10) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        line.sendall(head("Transfer-Encoding: chunked"))
        with contextlib.suppress(ConnectionError):
            while taken < LIMIT:
                line.sendall(b"4000\r\n" + b" " * 0x4000 + b"\r\n")
                taken += 0x4000
                time.sleep(0.002)
        with contextlib.suppress(ConnectionError):
            answer_to(line)
    assert taken < FREE_BYTES + 512 * 1024, "what the sockets hold is in flight; the rest is never taken"


@pytest.mark.parametrize("kind", ["length", "chunked"])
def test_a_long_body_with_a_key_that_was_never_seen_goes_through(address: Address, kind: str) -> None:
    host, port, app = address
    key = create_key(app.store, SCOPES, app.moment().now)
    sent = json.dumps([charge("A1")]).encode() + b" " * (FREE_BYTES * 4)
    headers = {"X-API-Key": key, "Content-Type": "application/json"}
    for disposition in ("accepted", "duplicate"):
        parts = (sent[at : at + 10_000] for at in range(0, len(sent), 10_000))
        body = sent if kind == "length" else parts
        status, _, answered = over_socket((host, port), "POST", "/v1/messages", body, headers)
        assert (status, json.loads(answered)["disposition"]) == (202, disposition)


def test_a_sender_that_waits_to_be_told_to_go_on_is_told_so_only_with_a_key(address: Address) -> None:
    host, port, app = address
    for key in (str(ensure_key(app)), UNKNOWN, ""):
        with socket.create_connection((host, port), timeout=10) as line:
            asked = [f"X-API-Key: {key}"] if key else []
            line.sendall(head(*asked, f"Content-Length: {LONG}", "Expect: 100-continue"))
            first = line.recv(4096)
            if key in ("", UNKNOWN):
                assert first.startswith(b"HTTP/1.1 401 ")
                continue
            assert first.startswith(b"HTTP/1.1 100 ")
            line.sendall(b"{}" + b" " * (LONG - 2))
            assert line.recv(4096).startswith(b"HTTP/1.1 202 ")


def test_a_body_over_the_limit_is_not_asked_for_even_with_a_key(address: Address) -> None:
    host, port, app = address
    with socket.create_connection((host, port), timeout=10) as line:
        asked = f"X-API-Key: {ensure_key(app)}"
        line.sendall(head(asked, f"Content-Length: {LIMIT + 1}", "Expect: 100-continue"))
        assert answer_to(line).startswith(b"HTTP/1.1 413 ")


def test_while_one_key_is_asked_about_others_are_served(address: Address) -> None:
    host, port, app = address
    key = str(ensure_key(app))
    lines = [socket.create_connection((host, port), timeout=10) for _ in range(20)]
    for line in lines:
        line.sendall(head(f"X-API-Key: {UNKNOWN}", f"Content-Length: {LONG}"))
    assert over_socket((host, port), "GET", "/v1/cases", headers={"X-API-Key": key})[0] == 200
    for line in lines:
        assert answer_to(line).startswith(b"HTTP/1.1 401 ")
        line.close()
