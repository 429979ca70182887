"""For the message desk over HTTP: look into messages, trace them, try parked ones again, settle by two."""

from __future__ import annotations

import json
from typing import Any

import pytest
from web_fixtures import CANARIES, Door, charge, door, overdue_story, problem_of  # noqa: F401

from schemas.canonical import digest, from_bytes
from service.web import create_key

DESK = ["parked:read", "parked:write", "messages:write"]


@pytest.fixture
def second(door: Door) -> str:  # noqa: F811
    """The key of somebody else at the desk."""
    return create_key(door.app.store, DESK, door.app.moment().now)


def act(door: Door, path: str, key: str | None = "", **body: Any) -> Any:  # noqa: F811
    return door.ask("POST", f"/v1/parked/{path}", key, json=body)


def conflict(door: Door) -> tuple[int, list[str]]:  # noqa: F811
    """One charge with two amounts: the number of its entry, and the ids of both statements."""
    one, other = (charge("A1", id=id) for id in ("c1", "c2"))
    door.send(one)
    other["data"] = one["data"] | {"amount": "1.00"}
    assert door.send(other).get_json()["disposition"] == "parked"
    (item,) = door.get("/v1/parked").get_json()["items"]
    told = door.get(f"/v1/parked/{item['id']}").get_json()
    return item["id"], [s["fact"] for s in told["statements"]]


def test_a_contradiction_is_settled_by_two_names_with_two_keys(door: Door, second: str) -> None:  # noqa: F811
    seq, (first, _) = conflict(door)
    problem_of(act(door, f"{seq}/approve", second, by="Ben"), 409, "no-proposal")
    problem_of(act(door, f"{seq}/retry", by="Ada"), 409, "still-in-conflict")
    problem_of(act(door, f"{seq}/discard", by="Ada", reason="r"), 409, "a-contradiction")
    problem_of(act(door, f"{seq}/settle", by="Ada", reason="r", stands="f" * 64), 422, "no-such-statement")
    told = act(door, f"{seq}/settle", by="Ada", reason="the hospital was asked", stands=first).get_json()
    assert (told["proposal"]["by"], told["proposal"]["stands"]) == ("Ada", first)
    assert told["proposal"]["through"] == f"key:{door.key.partition('.')[0]}"
    problem_of(act(door, f"{seq}/approve", by="Ben"), 409, "same-key")
    problem_of(act(door, f"{seq}/approve", second, by=" ada "), 409, "same-person")
    done = act(door, f"{seq}/approve", second, by="Ben")
    assert done.status_code == 200 and done.get_json()["proposal"] is None
    (action,) = done.get_json()["actions"]
    assert (action["by"], action["through"]) == ("Ben", f"key:{second.partition('.')[0]}")
    problem_of(act(door, f"{seq}/approve", second, by="Ben"), 409, "settled-before")
    assert door.get("/v1/parked").get_json()["items"] == []
    with door.app.store.read() as reader:
        kinds = [e.kind for e in reader.audit_entries_for(f"parked/{seq}")]
        said = from_bytes(reader.audit_entries_for(f"parked/{seq}")[0].content)
    assert sorted(kinds) == ["parked.approved", "parked.proposed"]
    assert said["approved_through"] != said["through"]


def test_a_part_is_discarded_by_two(door: Door, second: str) -> None:  # noqa: F811
    door.post(b"{}")
    (item,) = door.get("/v1/parked").get_json()["items"]
    assert act(door, f"{item['id']}/discard", by="Ada", reason="a test of theirs").status_code == 200
    assert act(door, f"{item['id']}/approve", second, by="Ben").status_code == 200
    assert door.get("/v1/parked").get_json()["items"] == []


def test_trying_again_over_a_filter_changes_nothing_in_a_dry_run(door: Door) -> None:  # noqa: F811
    door.ask("POST", "/v1/messages?feed=era", data=b"{}", content_type="application/json")
    door.ask("POST", "/v1/messages?feed=other", data=b"[1]", content_type="application/json")
    before = door.get("/v1/parked").get_json()
    told = act(door, "retry", by="Ada", dry_run=True, feed="era").get_json()
    assert (told["dry_run"], told["waits"], len(told["items"])) == (True, 1, 1)
    assert told["items"][0]["disposition"] == "parked" and told["items"][0]["accounts"] == []
    assert len(act(door, "retry", by="Ada").get_json()["items"]) == 2
    one = before["items"][0]["id"]
    told = act(door, f"{one}/retry", by="Ada", dry_run=True).get_json()
    assert (told["id"], told["disposition"], told["dry_run"]) == (one, "parked", True)
    assert door.get("/v1/parked").get_json() == before


def test_an_entry_that_is_not_there_is_404_and_a_wrong_body_says_what_is_wrong(door: Door) -> None:  # noqa: F811
    for id in ("99", "x", "-1", "9" * 30, "%00"):
        assert door.get(f"/v1/parked/{id}").status_code in (400, 404, 422)
        assert act(door, f"{id}/retry", by="Ada").status_code in (400, 404, 422)
    problem_of(door.get("/v1/parked/99"), 404, "no-such-parked")
    for body in ({}, {"by": ""}, {"by": " "}, {"by": "a\x00b"}, {"by": "A", "extra": 1}, {"by": "x" * 101}):
        problem_of(act(door, "1/retry", **body), 422, "bad-parameters")
    problem_of(door.ask("POST", "/v1/parked/1/retry", data=b"by=A"), 415, "media-type-unsupported")
    long = json.dumps({"by": "A" * 20_000}).encode()
    answer = door.ask("POST", "/v1/parked/1/retry", data=long, content_type="application/json")
    problem_of(answer, 413, "too-large")
    broken = door.ask("POST", "/v1/parked/1/retry", data=b"{", content_type="application/json")
    assert broken.status_code == 400
    problem_of(act(door, "1/settle", by="A", reason="r", stands="either"), 422, "bad-parameters")


def test_a_message_is_shown_masked_and_revealed_only_with_its_scope_and_a_reason(door: Door) -> None:  # noqa: F811
    story = overdue_story("ZQACCOUNT1")
    body = json.dumps(story).encode()
    assert door.post(body).status_code == 202
    path = f"/v1/messages/{digest(body)}"
    masked = door.get(f"{path}/detail")
    assert masked.status_code == 200 and not masked.get_json()["revealed"]
    assert not [c for c in CANARIES if c in str(masked.get_json()["fields"])]
    assert masked.get_json()["facts"] and masked.get_json()["fields"]
    desk = create_key(door.app.store, DESK, door.app.moment().now)
    asked = {"by": "Ada", "reason": "the sender asked what came"}
    problem_of(door.ask("POST", f"{path}/reveal", desk, json=asked), 403, "scope-missing")
    problem_of(door.ask("POST", f"{path}/reveal", json={"by": "Ada"}), 422, "bad-parameters")
    shown = door.ask("POST", f"{path}/reveal", json=asked)
    assert shown.get_json()["revealed"] and "ZQCANARYFAMILY" in shown.get_data(True)
    assert shown.headers["Cache-Control"] == "no-store"
    with door.app.store.read() as reader:
        (entry,) = [e for e in reader.audit_entries_for(digest(body)) if e.kind == "message.revealed"]
    said = from_bytes(entry.content)
    assert (said["by"], said["reason"]) == ("Ada", asked["reason"])
    assert said["through"] == f"key:{door.key.partition('.')[0]}"
    assert not [c for c in CANARIES if c in door.log.getvalue()]
    problem_of(door.get(f"/v1/messages/{'0' * 64}/detail"), 404, "no-such-message")


def test_a_message_is_traced_to_its_decisions_and_back_over_http(door: Door) -> None:  # noqa: F811
    body = json.dumps(overdue_story("ZQACCOUNT1")).encode()
    door.post(body)
    told = door.get(f"/v1/trace/{digest(body)}").get_json()
    assert told["kind"] == "message" and told["facts"] and told["decisions"]
    back = door.get(f"/v1/trace/{told['decisions'][0]['decision']}").get_json()
    assert back["kind"] == "decision" and digest(body) in {f["message"] for f in back["facts"]}
    problem_of(door.get("/v1/trace/nothing"), 404, "no-such-id")


def test_messages_are_found_by_time_account_and_the_senders_id(door: Door) -> None:  # noqa: F811
    one, other = charge("A1"), charge("A2")
    door.send(one)
    door.send(other)

    def found(**asked: str) -> list[str]:
        return [item["sha256"] for item in door.get("/v1/messages", **asked).get_json()["items"]]

    second, first = found()
    assert found(account="GEN/A1") == [first] and found(account="A2") == [second]
    assert found(id=f"test-hospital/{other['id']}") == [second] and found(id="nobody/9") == []
    long_ago, ahead = "2020-01-01T00:00:00Z", "2900-01-01T00:00:00Z"
    assert found(since=long_ago, until=ahead) == [second, first]
    assert found(since=ahead) == found(until=long_ago) == found(account="A9") == []
    assert found(account="A1", since=long_ago) == [first]
    problem_of(door.get("/v1/messages", since="yesterday"), 422, "bad-parameters")


def test_what_waits_is_searched_over_http(door: Door) -> None:  # noqa: F811
    conflict(door)
    door.ask("POST", "/v1/messages?feed=era", data=b"{}", content_type="application/json")

    def found(**asked: str) -> list[str]:
        return [item["code"] for item in door.get("/v1/parked", **asked).get_json()["items"]]

    every = found()
    assert len(every) == 2 and every[0] == "conflict"
    assert found(feed="era") == found(code=every[1]) == every[1:]
    assert found(account="GEN/A1") == found(search="conflict") == ["conflict"]
    assert found(format="x12") == found(since="2900-01-01T00:00:00Z") == found(search="nothing like it") == []
    problem_of(door.get("/v1/parked", colour="red"), 422, "bad-parameters")
