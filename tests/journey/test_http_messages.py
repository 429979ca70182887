"""For an integrator: what `POST /v1/messages` answers to each kind of body."""

from __future__ import annotations

import gzip
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import LIMIT, Door, charge, door_to, make_app, problem_of

from schemas.errors import Unavailable
from service.app import App
from service.intake import Intake

JSON = "application/json"


def body(*messages: object) -> bytes:
    return json.dumps(messages[0] if len(messages) == 1 else list(messages)).encode()


def kept(door: Door, sent: bytes, feed: str = "http") -> bool:
    with door.app.store.read() as reader:
        record = reader.message(sha256(sent).hexdigest(), feed)
        return record is not None and reader.message_body(record.seq) == sent


def fate(door: Door, sent: bytes, **query: str) -> dict[str, Any]:
    answer = door.get(f"/v1/messages/{sha256(sent).hexdigest()}", **query)
    assert answer.status_code == 200, answer.json
    told = answer.json
    assert isinstance(told, dict)
    return told


def test_a_message_is_stored_whole_and_answered_with_its_receipt(door: Door) -> None:
    sent = body(charge("A1"))
    answer = door.post(sent)
    assert (answer.status_code, answer.content_type) == (202, JSON)
    assert answer.json == {
        "sha256": sha256(sent).hexdigest(),
        "disposition": "accepted",
        "facts": 1,
        "rejected": [],
    }
    assert kept(door, sent)


def test_the_same_bytes_again_are_a_duplicate_and_change_nothing(door: Door) -> None:
    sent = body(charge("A1"))
    door.post(sent)
    before = door.get("/v1/accounts/GEN/A1").json
    again = door.post(sent)
    assert (again.status_code, again.json["disposition"], again.json["facts"]) == (202, "duplicate", 0)
    assert door.get("/v1/accounts/GEN/A1").json == before


def test_an_array_is_taken_message_by_message_and_a_bad_one_parks_alone(door: Door) -> None:
    bad = charge("A2", "c2")
    bad["data"]["amount"] = "12.345"
    sent = body(charge("A1"), bad, charge("A3", "c3"))
    answer = door.post(sent)
    assert answer.status_code == 202
    assert (answer.json["disposition"], answer.json["facts"]) == ("parked", 2)
    assert [r["where"] for r in answer.json["rejected"]] == ["$[1]"] or "$[1]" in answer.json["rejected"][0][
        "where"
    ]
    assert set(answer.json["rejected"][0]) == {"code", "where", "reason"}
    assert kept(door, sent)
    assert len(door.get("/v1/parked").json["items"]) == 1


@pytest.mark.parametrize(
    "sent",
    [
        b'{"schema": "baton/1", "type": "charge.po',
        b"\x00\xff\xfe",
        b"[" * 5000,
        b'{"a": NaN}',
        b"{}",
        b"[]x",
        b"null",
    ],
    ids=["truncated", "binary", "deep", "NaN", "empty object", "rest after it", "null"],
)
def test_json_that_cannot_be_read_is_acknowledged_and_parked_whole(door: Door, sent: bytes) -> None:
    answer = door.post(sent)
    assert (answer.status_code, answer.json["disposition"]) == (202, "parked")
    assert answer.json["rejected"][0]["code"]
    assert kept(door, sent)


def test_an_array_of_1001_messages_is_parked_whole(door: Door) -> None:
    sent = body(*[charge("A1", f"c{n}") for n in range(1001)])
    answer = door.post(sent)
    assert (answer.status_code, answer.json["disposition"], answer.json["facts"]) == (202, "parked", 0)
    assert [r["code"] for r in answer.json["rejected"]] == ["too-many"]


def test_an_empty_body_is_refused(door: Door) -> None:
    problem_of(door.post(b""), 400, "empty-body")


def test_a_body_over_the_limit_is_refused_with_the_limit(door: Door) -> None:
    problem = problem_of(door.post(b"x" * (LIMIT + 1), "text/plain"), 413, "too-large")
    assert str(LIMIT) in problem["detail"]


def test_a_body_over_the_limit_that_hides_its_length_is_refused(door: Door) -> None:
    import io

    for size in (LIMIT + 1, LIMIT * 2):
        answer = door.web.test_client().post(
            "/v1/messages",
            input_stream=io.BytesIO(b"x" * size),
            content_type="text/plain",
            headers={"Authorization": f"Bearer {door.key}"},
            environ_overrides={"wsgi.input_terminated": True, "CONTENT_LENGTH": ""},
        )
        problem_of(answer, 413, "too-large")


@pytest.mark.parametrize("kind", ["image/png", "", "application/xml", "application/json; charset=utf-16"])
def test_another_media_type_is_refused_and_told_which_are_taken(door: Door, kind: str) -> None:
    answer = door.post(b"{}", kind)
    problem_of(answer, 415, "media-type-unsupported")
    assert JSON in answer.headers["Accept-Post"]


def test_an_encoded_body_is_refused(door: Door) -> None:
    answer = door.post(gzip.compress(b"{}"), headers={"Content-Encoding": "gzip"})
    problem_of(answer, 415, "media-type-unsupported")


@pytest.mark.parametrize("kind", ["application/edi-x12", "text/plain", "application/octet-stream"])
def test_a_remittance_comes_in_under_each_of_its_media_types(door: Door, kind: str) -> None:
    sent = remittance(1)
    answer = door.post(sent, kind)
    assert (answer.status_code, answer.json["disposition"]) == (202, "accepted"), answer.json
    assert door.get("/v1/accounts/GEN/R0").status_code == 200


def test_a_remittance_over_a_megabyte_comes_in_and_is_known_when_it_comes_again(door: Door) -> None:
    sent = remittance(60, b"\n" * 4000)
    assert 1 << 20 < len(sent) < LIMIT
    for _ in range(2):
        answer = door.post(sent, "application/edi-x12")
        assert (answer.status_code, answer.json["disposition"]) == (202, "stored"), answer.json
        assert kept(door, sent)
        assert fate(door, sent)["disposition"] == "stored"
        assert fate(door, sent)["read_at"] is None
    assert door.get("/v1/accounts/GEN/R0").status_code == 404
    assert door.web.extensions["backlog"].read() == 1
    read = fate(door, sent)
    assert (read["disposition"], read["rejected"], read["size"]) == ("accepted", [], len(sent))
    assert read["facts"] >= 60
    assert door.get("/v1/accounts/GEN/R59").status_code == 200
    assert door.post(sent, "application/edi-x12").json["disposition"] == "duplicate"
    assert door.web.extensions["backlog"].read() == 0


def test_a_long_body_that_cannot_be_read_is_stored_and_then_parked(door: Door) -> None:
    sent = b"\x00" * (1 << 20) + b"x"
    assert door.post(sent, "application/octet-stream").json["disposition"] == "stored"
    door.web.extensions["backlog"].read()
    assert fate(door, sent)["disposition"] == "parked"
    assert [r["code"] for r in fate(door, sent)["rejected"]] == ["unknown-format"]
    assert len(door.get("/v1/parked").json["items"]) == 1


def test_what_became_of_a_message_is_told_for_every_message_and_feed(door: Door) -> None:
    bad = charge("A2", "c2")
    bad["data"]["amount"] = "1.234"
    sent = body(charge("A1"), bad)
    receipt = door.post(sent).json
    told = fate(door, sent)
    assert {name: told[name] for name in receipt} == receipt
    assert (told["feed"], told["door"], told["format"], told["size"]) == ("http", "http", "json", len(sent))
    assert told["read_at"] is not None
    door.ask("POST", "/v1/messages?feed=billing", data=sent, content_type=JSON)
    again = fate(door, sent, feed="billing")
    assert (again["feed"], again["facts"], again["known"]) == ("billing", 0, 1)
    url = f"/v1/messages/{receipt['sha256']}"
    problem_of(door.get(url, feed="nobody"), 404, "no-such-message")
    problem_of(door.get("/v1/messages/" + "0" * 64), 404, "no-such-message")
    problem_of(door.get("/v1/messages/" + "A" * 64), 404, "no-such-message")


def test_the_feed_is_one_word_and_names_the_sender(door: Door) -> None:
    sent = body(charge("A1"))
    assert door.ask("POST", "/v1/messages?feed=billing", data=sent, content_type=JSON).status_code == 202
    assert kept(door, sent, "billing")
    for feed in ("", "a b", "a/b", "x" * 65, "a\n", "ä"):
        answer = door.web.test_client().post(
            "/v1/messages", query_string={"feed": feed}, data=sent, content_type=JSON,
            headers={"Authorization": f"Bearer {door.key}"},
        )  # fmt: skip
        assert problem_of(answer, 422, "bad-parameters")["errors"][0]["where"] == "query.feed"


@pytest.mark.parametrize("key", ["a b", "", "x" * 256, "ä"])
def test_a_malformed_idempotency_key_is_refused(door: Door, key: str) -> None:
    answer = door.post(body(charge("A1")), headers={"Idempotency-Key": key})
    problem_of(answer, 400, "bad-idempotency-key")


class StoreAway(App):
    """An app whose store stops answering between the key and the message."""

    def intake(self) -> Intake:
        raise Unavailable("database-lost", "the connection to the database broke")


class Broken(App):
    """An app with a defect that quotes a message."""

    def intake(self) -> Intake:
        raise ValueError("ZQCANARY")


def other(kind: type[App], home: Path) -> Door:
    app = make_app(home)
    app.store.upgrade()
    app.__class__ = kind
    return door_to(app)


def test_nothing_is_acknowledged_while_the_store_does_not_answer(tmp_path: Path) -> None:
    door = other(StoreAway, tmp_path)
    answer = door.post(body(charge("A1")))
    problem_of(answer, 503, "database-lost")
    assert int(answer.headers["Retry-After"]) > 0


def test_a_defect_is_answered_and_logged_without_its_text(tmp_path: Path) -> None:
    door = other(Broken, tmp_path)
    problem = problem_of(door.post(body(charge("A1"))), 500, "defect")
    logged = door.log.getvalue()
    assert "ValueError" in logged
    assert "ZQCANARY" not in logged + json.dumps(problem)
    assert problem["request_id"]


def remittance(claims: int, noise: bytes = b"") -> bytes:
    """An 835 of balanced claims: 100.00 charged, 60.00 paid, 40.00 the patient's; `noise` ends lines."""
    paid = 60 * claims
    head = [
        f"ISA*00*{'':10}*00*{'':10}*ZZ*{'PAYER':15}*ZZ*{'GENERAL':15}*260301*1200*^*00501*000000001*0*P*:",
        "GS*HP*PAYER*GENERAL*20260301*1200*1*X*005010X221A1",
        "ST*835*0001",
        f"BPR*I*{paid}*C*CHK************20260301",
        "TRN*1*T0001*1512345678",
        "DTM*405*20260301",
        "N1*PR*EXAMPLE HEALTH PLAN",
        "N3*1 STREET",
        "N4*COLUMBUS*OH*43215",
        "REF*2U*12345",
        "PER*BL*HELP*TE*8005550100",
        "N1*PE*GENERAL HOSPITAL*XX*1234567893",
        "LX*1",
    ]
    loops = [
        f"CLP*R{n}*1*100*60*40*12*PC{n}*11*1~CAS*PR*1*40~NM1*QC*1*SAMPLE*ALEX****MI*M{n}~DTM*232*20260101~DTM*050*20260201"
        for n in range(claims)
    ]
    count = len(head) - 2 + 5 * claims + 1
    tail = [f"SE*{count}*0001", "GE*1*1", "IEA*1*000000001"]
    return ("~".join([*head, *loops, *tail]) + "~").encode().replace(b"~", b"~" + noise)
