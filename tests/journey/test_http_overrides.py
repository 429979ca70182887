"""For the specialist over HTTP: one key holds an account, two keys and two names let go."""

from __future__ import annotations

from typing import Any

import pytest
from web_fixtures import Door, door, overdue_story, problem_of  # noqa: F401

from service.web import create_key

WORK = ["accounts:read", "cases:read", "overrides:write"]
ACCOUNT = "/v1/accounts/GEN/A1"
WHY = "The family called."


@pytest.fixture
def second(door: Door) -> str:  # noqa: F811
    """The key of somebody else at the desk."""
    return create_key(door.app.store, WORK, door.app.moment().now)


def say(door: Door, path: str, key: str | None = "", **body: Any) -> Any:  # noqa: F811
    return door.ask("POST", path, key, json=body)


def case_status(door: Door) -> str | None:  # noqa: F811
    case = door.get(f"{ACCOUNT}/why").get_json()["case"]
    return None if case is None else str(case["status"])


def test_one_key_holds_and_two_names_with_two_keys_release(door: Door, second: str) -> None:  # noqa: F811
    door.send(*overdue_story("A1"))
    assert case_status(door) == "open"
    held = say(door, f"{ACCOUNT}/holds", by="Ada", reason=WHY).get_json()
    assert (held["what"], held["state"], held["reason"]) == ("hold", "in force", WHY)
    assert case_status(door) == "recalled"
    release = f"/v1/overrides/{held['id']}/release"
    proposed = say(door, release, by="Ada", reason="Settled.").get_json()
    assert (proposed["state"], proposed["known_as"]) == ("proposed", f"key:{door.key.partition('.')[0]}")
    problem_of(say(door, release, second, by="Ben", reason="r"), 409, "proposed-already")
    approve = f"/v1/overrides/{proposed['id']}/approve"
    problem_of(say(door, approve, by="Ben", reason="r"), 409, "same-person")
    problem_of(say(door, approve, second, by=" ada", reason="r"), 409, "same-person")
    assert case_status(door) == "recalled"
    done = say(door, approve, second, by="Ben", reason="Agreed.").get_json()
    assert (done["state"], done["approved_by"]) == ("in force", "Ben")
    assert case_status(door) == "open"
    problem_of(say(door, approve, second, by="Ben", reason="r"), 409, "settled-before")
    taken_back = say(door, f"/v1/overrides/{proposed['id']}/withdraw", by="Ada", reason="No.").get_json()
    assert (taken_back["state"], taken_back["withdrawn_by"]) == ("withdrawn", "Ada")
    assert case_status(door) == "recalled"
    listed = door.get("/v1/overrides?account=GEN/A1").get_json()["items"]
    assert [one["what"] for one in listed] == ["release", "hold"]
    assert door.get("/v1/overrides").get_json()["items"] == listed


def test_what_nobody_may_lift_and_what_makes_no_sense_is_refused(door: Door) -> None:  # noqa: F811
    door.send(*overdue_story("A1"))
    say(door, f"{ACCOUNT}/holds", by="Ada", reason=WHY)
    propose = f"{ACCOUNT}/overrides"
    problem_of(say(door, propose, by="Ada", reason=WHY, gate="G56"), 409, "not-liftable")
    problem_of(say(door, propose, by="Ada", reason=WHY, gate="G42"), 409, "nothing-to-lift")
    problem_of(say(door, propose, by="Ada", reason=WHY, gate="G99"), 422, "no-such-gate")
    problem_of(say(door, "/v1/accounts/GEN/NO/holds", by="Ada", reason=WHY), 404, "no-such-account")
    problem_of(say(door, "/v1/overrides/0123456789ab/approve", by="B", reason="r"), 404, "no-such-override")
    problem_of(say(door, "/v1/overrides/0123456789ab/release", by="B", reason="r"), 404, "no-such-hold")
    assert say(door, propose, by="Ada", gate="G42").status_code == 422
    assert say(door, f"{ACCOUNT}/holds", by="Ada", reason="x" * 501).status_code == 422


def test_a_key_that_only_reads_lets_nobody_speak(door: Door) -> None:  # noqa: F811
    door.send(*overdue_story("A1"))
    reader = create_key(door.app.store, ["accounts:read"], door.app.moment().now)
    problem_of(say(door, f"{ACCOUNT}/holds", reader, by="Ada", reason=WHY), 403, "scope-missing")
    assert door.ask("GET", "/v1/overrides", reader).status_code == 200
