"""For the operator: what doors refused is in the control totals; what is unlike its feed's file waits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mllp_rig import adt, answer_on, code, listening, make_app
from web_fixtures import LIMIT, Door, address, charge, door, door_to, over_socket  # noqa: F401
from web_fixtures import make_app as web_app

from adapters.mllp.frames import FRAME_BYTES
from schemas.errors import Unavailable
from schemas.facts import Message
from service.app import App
from service.readings import large
from service.refusing import MOST_KEYS, Refusals
from service.web import create_key
from tests.journey.command_line import Home
from tests.journey.stories import NOW, native


def refused(app: App) -> list[tuple[str, str, str, int]]:
    with app.store.read() as reader:
        return [(r.feed, r.door, r.code, r.messages) for r in reader.refusals()]


def test_what_http_refuses_is_counted_by_feed_and_reason_and_never_kept(door: Door) -> None:  # noqa: F811
    assert door.post(b"{}", "application/pdf").status_code == 415
    assert door.post(b"{}", "application/pdf").status_code == 415
    assert door.post(b"").status_code == 400
    assert door.ask("POST", "/v1/messages?feed=era", data=b"").status_code == 415
    assert door.ask("POST", "/v1/messages?feed=%20%00", data=b"x").status_code == 422
    assert door.ask("POST", "/fhir?feed=ehr", data=b"[]", content_type="application/json").status_code == 400
    assert door.ask("POST", "/v1/messages", None, data=b"x").status_code == 401
    reader = create_key(door.app.store, ["cases:read"], NOW)
    assert door.ask("POST", "/v1/messages", reader, data=b"x").status_code == 403
    assert refused(door.app) == []
    door.web.extensions["refusals"].flush()
    found = refused(door.app)
    assert [one for one in found if one[0] != "ehr"] == [
        ("(unnamed)", "http", "bad-parameters", 1),
        ("era", "http", "media-type-unsupported", 1),
        ("http", "http", "empty-body", 1),
        ("http", "http", "media-type-unsupported", 2),
    ]
    assert [(feed, way, n) for feed, way, _, n in found if feed == "ehr"] == [("ehr", "http", 1)]
    with door.app.store.read() as reader_:
        assert reader_.counts().messages == 0


def test_a_body_that_the_server_itself_cuts_short_counts_where_its_sender_has_a_key(
    address: tuple[str, int, App],  # noqa: F811
) -> None:
    host, port, app = address
    key = create_key(app.store, ["messages:write"], NOW)
    long = {"Content-Type": "text/plain", "Content-Length": str(LIMIT + 2)}
    for headers, status in (({"Authorization": f"Bearer {key}"}, 202), ({}, 401)):
        told, _, _ = over_socket(
            (host, port), "POST", "/v1/messages?feed=era", b"x", {"Content-Type": "text/plain", **headers}
        )
        assert told == status
    told, _, _ = over_socket(
        (host, port), "POST", "/v1/messages?feed=era", b"x", long | {"Authorization": f"Bearer {key}"}
    )
    assert told == 413
    told, _, _ = over_socket((host, port), "POST", "/v1/messages?feed=era", b"x", long)
    assert told in (401, 413)
    from tests.journey.mllp_rig import until

    until(lambda: refused(app) == [("era", "http", "too-large", 1)])


def test_a_frame_over_the_limit_is_answered_ar_and_counted(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    with listening(app) as rig, rig.connect() as peer:
        peer.sendall(b"\x0b" + adt("A1") + b"x" * FRAME_BYTES)
        assert code(answer_on(peer)) == "AR"
    assert [(way, why, n) for _, way, why, n in refused(app)] == [("mllp", "message-too-large", 1)]
    app.close()


def test_a_store_that_does_not_answer_loses_no_count_and_invented_feeds_no_memory(door: Door) -> None:  # noqa: F811
    answers = False

    def store():  # type: ignore[no-untyped-def]
        if not answers:
            raise Unavailable("database-down", "it does not answer")
        return door.app.store

    refusals = Refusals(store, door.app.moment, flush_seconds=3600)
    for n in range(MOST_KEYS + 50):
        refusals.note(f"f{n}", "http", "too-large")
    refusals.note("\x00", "http", "too-large")
    refusals.flush()
    assert refused(door.app) == []
    answers = True
    refusals.note("f1", "http", "too-large")
    refusals.flush()
    found = {feed: n for feed, _, _, n in refused(door.app)}
    assert found["f1"] == 2 and found["(others)"] == 51 and sum(found.values()) == MOST_KEYS + 52


def test_totals_count_the_refused_as_received_and_say_why(tmp_path: Path) -> None:
    home = Home(tmp_path)
    app = web_app(tmp_path)
    app.store.upgrade()
    at = door_to(app)
    assert at.send(charge("A1")).status_code == 202
    for _ in range(3):
        at.post(b"")
    at.web.extensions["refusals"].flush()
    app.close()
    ran = home.baton("totals", "--json")
    (item,) = json.loads(ran.stdout)["items"]
    assert (ran.returncode, item["received"], item["accepted"], item["refused"]) == (0, 4, 1, 3)
    assert item["refusals"] == [{"door": "http", "code": "empty-body", "messages": 3}]
    assert item["unexplained"] == 0
    ran = home.baton("totals")
    assert "Refused at a door" in ran.stdout and "empty-body" in ran.stdout


@pytest.fixture
def strict(tmp_path: Path) -> Path:
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "bill.toml").write_text('door = "rabbitmq"\nformat = "json"\n')
    return folder


def test_a_message_by_another_door_or_in_another_format_waits_and_states_nothing(strict: Path) -> None:
    app = web_app(strict.parent, BATON_FEEDS_DIR=str(strict))
    app.store.upgrade()
    charge_a1 = json.dumps(native("m", "charge.posted", CHARGE, account="A1")).encode()

    def sent(body: bytes, way: str, format: str = "unknown", feed: str = "bill") -> tuple[str, list[str]]:
        message = Message.of(body, feed=feed, format=format, door=way, received_at=NOW)
        (receipt,) = app.intake().receive([message], app.moment())
        return receipt.disposition, [r.code for r in receipt.rejected]

    assert sent(charge_a1, "http") == ("parked", ["wrong-door"])
    assert sent(adt("A1"), "rabbitmq") == ("parked", ["wrong-format"])
    assert sent(b"<ClaimResponse/>", "rabbitmq") == ("parked", ["wrong-format"])
    other = charge_a1.replace(b'"m"', b'"m2"')
    assert sent(other, "rabbitmq", "json") == ("accepted", [])
    assert sent(charge_a1.replace(b'"m"', b'"m3"'), "file")[0] == "duplicate"
    assert sent(charge_a1, "http", feed="another")[0] == "duplicate"
    app.close()

    (strict / "bill.toml").write_text('format = "json"\n')
    home = Home(strict.parent)
    (waits, _, _) = json.loads(home.baton("parked", "list", "--json").stdout)["items"]
    assert "door" in waits["reason"]
    assert home.baton("parked", "retry", waits["id"]).returncode == 0


CHARGE = {"charge_id": "C", "amount": "600.00", "service_date": "2026-01-05"}


def test_over_mllp_such_a_message_is_answered_ar(tmp_path: Path) -> None:
    folder = tmp_path / "feeds"
    folder.mkdir()
    (folder / "adt.toml").write_text('door = "http"\n')
    app = make_app(tmp_path, BATON_FEEDS_DIR=str(folder))
    with listening(app) as rig, rig.connect() as peer:
        peer.sendall(b"\x0b" + adt("A1") + b"\x1c\r")
        assert code(answer_on(peer)) == "AR" and rig.messages() == 1
    app.close()


XML = b'<Claim xmlns="http://hl7.org/fhir"/>'
DOCTYPE = b'<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b "c">]>\n'


@pytest.mark.parametrize("format", ["unknown", "fhir"])
@pytest.mark.parametrize("head", [b"", b"\xef\xbb\xbf", DOCTYPE])
def test_fhir_in_xml_is_kept_unread_with_a_word_on_json(door: Door, format: str, head: bytes) -> None:  # noqa: F811
    def of(body: bytes) -> Message:
        return Message.of(body, feed="ehr", format=format, door="rabbitmq", received_at=NOW)

    intake, moment = door.app.intake(), door.app.moment()
    (receipt,) = intake.receive([of(head + XML)], moment)
    long = intake.receive_large(large(of(head + XML + b" " * (2 << 20))), moment)
    assert [r.code for r in (*receipt.rejected, *long.rejected)] == ["fhir-xml", "fhir-xml"]
