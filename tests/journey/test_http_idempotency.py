"""For an integrator: what an Idempotency-Key promises, over both databases."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Response
from web_fixtures import Door, charge, door_to, make_app, problem_of
from werkzeug.test import TestResponse

from schemas.errors import Unavailable
from service.app import App
from service.audit.reads import READ
from service.intake import Intake
from service.web import SCOPES, create_key, create_web
from service.web.idempotency import Repeats


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def either(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    """A door over each database."""
    monkeypatch.chdir(tmp_path)
    settings = {}
    if request.param == "postgresql":
        fresh: Callable[[], str] = request.getfixturevalue("fresh_postgres")
        settings["BATON_DATABASE_URL"] = fresh()
    app = make_app(tmp_path, **settings)
    app.store.upgrade()
    yield door_to(app)
    app.close()


def body(*numbers: str) -> bytes:
    return json.dumps([charge(number) for number in numbers]).encode()


def under(door: Door, name: str, sent: bytes, *, key: str = "", url: str = "/v1/messages") -> TestResponse:
    return door.ask(
        "POST", url, key, data=sent, content_type="application/json", headers={"Idempotency-Key": name}
    )


def test_the_same_request_under_the_same_key_gets_the_same_bytes_again(either: Door) -> None:
    sent = body("A1", "A2")
    first = under(either, "order-7", sent)
    assert (first.status_code, first.json["disposition"], first.json["facts"]) == (202, "accepted", 2)
    before = either.get("/v1/accounts/GEN/A1").json
    again = under(either, "order-7", sent)
    assert (again.status_code, again.data, again.content_type) == (202, first.data, first.content_type)
    assert either.get("/v1/accounts/GEN/A1").json == before
    counted = either.ask("GET", "/metrics", None).get_data(True)
    assert 'baton_http_messages_total{disposition="duplicate"} 0.0' in counted, "it was not even tried again"
    assert either.post(sent).json["disposition"] == "duplicate", "without the key it is what it is"


def test_a_parked_answer_is_given_again_too(either: Door) -> None:
    first = under(either, "k", b"{")
    assert (first.status_code, first.json["disposition"]) == (202, "parked")
    assert under(either, "k", b"{").data == first.data


def test_another_request_under_the_same_key_is_refused_and_has_no_effect(either: Door) -> None:
    sent = body("A1")
    under(either, "k", sent)
    problem_of(under(either, "k", body("A2")), 422, "idempotency-key-reused")
    assert either.get("/v1/accounts/GEN/A2").status_code == 404
    problem_of(under(either, "k", sent, url="/v1/messages?feed=other"), 422, "idempotency-key-reused")
    assert under(either, "k2", body("A2")).json["disposition"] == "accepted"


def test_a_key_belongs_to_the_api_key_that_used_it(either: Door) -> None:
    other = create_key(either.app.store, SCOPES, either.app.moment().now)
    under(either, "k", body("A1"))
    assert under(either, "k", body("A2"), key=other).json["disposition"] == "accepted"


def test_a_long_body_under_a_key_is_stored_once_and_answered_alike(either: Door) -> None:
    sent = body("A1") + b" " * (1 << 20)
    first = under(either, "k", sent)
    assert first.json["disposition"] == "stored"
    assert either.web.extensions["backlog"].read() == 1
    assert under(either, "k", sent).data == first.data
    problem_of(under(either, "k", sent + b" "), 422, "idempotency-key-reused")


def together(count: int, act: Callable[[int], None]) -> None:
    """Act that many times at the same moment."""
    ready = threading.Barrier(count)

    def one(n: int) -> None:
        ready.wait(10)
        act(n)

    threads = [threading.Thread(target=one, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)


def test_requests_at_the_same_moment_under_one_key_have_one_effect_and_one_answer(either: Door) -> None:
    sent = body("A1", "A2")
    seen: list[tuple[int, bytes]] = []

    def send(n: int) -> None:
        answer = under(either, "k", sent)
        seen.append((answer.status_code, answer.data))

    together(8, send)
    assert len(seen) == 8
    ((status, answered),) = set(seen)
    assert (status, json.loads(answered)["disposition"], json.loads(answered)["facts"]) == (
        202,
        "accepted",
        2,
    )


def test_who_comes_while_the_first_is_being_answered_waits_and_gets_its_answer(either: Door) -> None:
    repeats = Repeats(lambda: either.app.store, lambda: either.app.moment().now)
    had: list[int] = []
    seen: list[bytes] = []

    def act(n: int) -> None:
        def effect() -> Response:
            time.sleep(0.3)
            had.append(n)
            return Response(str(n).encode(), status=202)

        seen.append(repeats.once("bk_1:k", "ab" * 32, effect).get_data())

    together(4, act)
    assert len(had) == 1
    assert seen == [str(had[0]).encode()] * 4


def test_of_different_requests_at_the_same_moment_under_one_key_one_takes_effect(either: Door) -> None:
    """Over two web processes' worth of state: they share the store alone."""
    second = Door(either.app, create_web(either.app), either.key, either.log)
    seen: list[int] = []

    def send(n: int) -> None:
        seen.append(under((either, second)[n % 2], "k", body(f"A{n}")).status_code)

    together(8, send)
    assert sorted(seen) == [202] + [422] * 7
    with either.app.store.read() as reader:
        assert (reader.counts().messages, reader.counts().accounts) == (1, 1)


class AwayOnce(App):
    """An app whose store breaks off the first message after its key was claimed."""

    def intake(self) -> Intake:
        self.__class__ = App
        raise Unavailable("database-lost", "the connection to the database broke")


def test_a_request_that_failed_half_way_goes_through_when_it_comes_again(either: Door) -> None:
    either.app.__class__ = AwayOnce
    sent = body("A1")
    problem_of(under(either, "k", sent), 503, "database-lost")
    problem_of(under(either, "k", body("A2")), 422, "idempotency-key-reused")
    first = under(either, "k", sent)
    assert (first.status_code, first.json["disposition"]) == (202, "accepted")
    assert under(either, "k", sent).data == first.data


def test_a_refused_request_leaves_its_key_free(either: Door) -> None:
    problem_of(under(either, "k", b""), 400, "empty-body")
    assert under(either, "k", body("A1")).status_code == 202


def acts(door: Door, name: str, url: str, key: str = "", **said: object) -> TestResponse:
    sent = json.dumps(said).encode()
    return under(door, name, sent, key=key, url=url)


def looks(door: Door) -> int:
    """How many looks at patients the audit log has entered."""
    with door.app.store.read() as reader:
        return sum(entry.kind == READ for entry in reader.audit_log())


def test_what_people_do_about_an_account_has_one_effect_and_each_look_is_entered(either: Door) -> None:
    either.post(body("A1"))
    hold = "/v1/accounts/GEN/A1/holds"
    first = acts(either, "h", hold, by="Ada", reason="the patient called")
    assert first.status_code == 200
    entered = looks(either)
    again = acts(either, "h", hold, by="Ada", reason="the patient called")
    assert (again.status_code, again.data, again.content_type) == (200, first.data, first.content_type)
    assert looks(either) == entered + 1, "whoever gets the answer again has seen it again"
    problem_of(acts(either, "h", hold, by="Ada", reason="another"), 422, "idempotency-key-reused")
    problem_of(
        acts(either, "h", "/v1/accounts/GEN/A2/holds", by="Ada", reason="the patient called"),
        422,
        "idempotency-key-reused",
    )
    items = either.get("/v1/overrides?account=GEN/A1").json["items"]
    assert [item["id"] for item in items] == [first.json["id"]]
    other = create_key(either.app.store, SCOPES, either.app.moment().now)
    url = f"/v1/overrides/{first.json['id']}/release"
    said = acts(either, "r", url, by="Ada", reason="it was settled")
    assert said.data == acts(either, "r", url, by="Ada", reason="it was settled").data
    approve = f"/v1/overrides/{said.json['id']}/approve"
    done = acts(either, "a", approve, other, by="Ben", reason="looked at it")
    assert done.status_code == 200
    assert done.data == acts(either, "a", approve, other, by="Ben", reason="looked at it").data
    assert acts(either, "b", approve, other, by="Ben", reason="looked at it").status_code == 409


def test_what_people_do_about_parked_parts_has_one_effect(either: Door) -> None:
    either.post(b"{")
    (item,) = either.get("/v1/parked").json["items"]
    url = f"/v1/parked/{item['id']}"
    other = create_key(either.app.store, SCOPES, either.app.moment().now)
    for path, said in (
        (f"{url}/retry", {"by": "Ada"}),
        ("/v1/parked/retry", {"by": "Ada"}),
        (f"{url}/discard", {"by": "Ada", "reason": "a test of theirs"}),
    ):
        first = acts(either, path, path, **said)
        assert first.status_code == 200, first.data
        assert acts(either, path, path, **said).data == first.data
    with either.app.store.read() as reader:
        steps = [e.kind for e in reader.audit_entries_for(f"parked/{item['id']}")]
    assert steps.count("parked.proposed") == 1
    done = acts(either, "y", f"{url}/approve", other, by="Ben")
    assert done.status_code == 200
    assert acts(either, "y", f"{url}/approve", other, by="Ben").data == done.data
    problem_of(acts(either, "z", f"{url}/approve", other, by="Ben"), 409, "settled-before")


def test_what_was_refused_may_come_again_under_its_key(either: Door) -> None:
    either.post(b"{")
    (item,) = either.get("/v1/parked").json["items"]
    other = create_key(either.app.store, SCOPES, either.app.moment().now)
    url = f"/v1/parked/{item['id']}"
    problem_of(acts(either, "y", f"{url}/approve", other, by="Ben"), 409, "no-proposal")
    acts(either, "x", f"{url}/discard", by="Ada", reason="a test of theirs")
    assert acts(either, "y", f"{url}/approve", other, by="Ben").status_code == 200
