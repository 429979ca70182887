"""For an integrator: a feed is said over HTTP, is in force within seconds, and nobody overwrites another."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from web_fixtures import Door, door_to, make_app, problem_of
from werkzeug.test import TestResponse

from schemas.canonical import digest, from_bytes
from schemas.errors import ConfigRefused
from schemas.facts import AccountRef, Message
from service.app import App
from service.config import load
from service.feeds_in_force import LOOK_SECONDS, Author, FeedsInForce
from service.intake import Intake
from tests.journey.batons import Open, at
from tests.journey.command_line import Home
from tests.journey.stories import NOW

CHARGES = '[hl7v2]\namount_sign = { XX = "magnitude" }\nft1_code = { ROOM = "charge" }\n'
PAYMENTS = CHARGES.replace('"charge"', '"payment.patient"')
NEW = {"If-None-Match": "*"}
ADA = Author("Ada", "key:ada")


def dft(control: str, transaction: str = "T1") -> bytes:
    return (
        f"MSH|^~\\&|E|H|||20260105120000||DFT^P03|{control}|P|2.5\rEVN||20260105\rPID|1||1||Doe^Ann|||||||||||||A1\r"
        f"FT1|1|{transaction}||20260105||XX|ROOM||||100.00\r"
    ).encode()


def put(door: Door, text: str | bytes, name: str = "ehr", query: str = "", **headers: str) -> TestResponse:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    sent = {"X-Baton-User": "Ada", "Content-Type": "application/toml"} | named
    return door.ask("PUT", f"/v1/feeds/{name}{query}", data=text, headers=sent)


def new(door: Door, text: str, name: str = "ehr") -> TestResponse:
    answer = put(door, text, name, **NEW)
    assert answer.status_code == 201, answer.get_data(True)
    return answer


def entries(app: App, kind: str) -> list[Any]:
    with app.store.read() as reader:
        every = reader.audit_log_of(["ehr"], reader.audit_head().size)
    return [from_bytes(e.content) for e in every if e.kind == kind]


def nothing(before: object) -> None:
    assert before is None


def test_what_is_said_is_kept_with_who_said_it_and_comes_back_by_its_digest(door: Door) -> None:
    assert door.get("/v1/feeds").json == {"items": []}
    problem_of(door.get("/v1/feeds/ehr"), 404, "no-such-feed")
    said = new(door, CHARGES)
    version = digest(CHARGES.encode())
    assert said.headers["ETag"] == f'"{version}"'
    assert said.json["mapping_before"] is None and not said.json["dry_run"]
    one = door.get("/v1/feeds/ehr")
    assert one.headers["ETag"] == f'"{version}"' and one.json["text"] == CHARGES
    told = one.json
    assert (told["source"], told["version"], told["conflict"]) == ("api", version, False)
    assert (told["said_by"], told["mapping"]) == ("Ada", door.app.mapping_version("ehr"))
    listed = door.get("/v1/feeds").json["items"]
    assert listed == [{k: v for k, v in told.items() if k not in ("text", "dry_run", "mapping_before")}]
    through = f"key:{door.key.partition('.')[0]}"
    (stated,) = entries(door.app, "feed.stated")
    assert (stated["by"], stated["through"], stated["from"], stated["to"]) == ("Ada", through, None, version)
    (changed,) = entries(door.app, "mapping.changed")
    assert (changed["by"], changed["through"]) == ("Ada", through)
    assert (changed["from"], changed["to"]) == (None, told["mapping"])


def test_who_has_not_seen_the_version_in_force_overwrites_nothing(door: Door) -> None:
    problem_of(put(door, CHARGES), 428, "precondition-required")
    problem_of(put(door, CHARGES, If_Match="*"), 428, "precondition-required")
    problem_of(put(door, CHARGES, If_Match='"0"'), 412, "version-changed")
    first = new(door, CHARGES).headers["ETag"]
    problem_of(put(door, PAYMENTS, **NEW), 412, "version-changed")
    second = put(door, PAYMENTS, If_Match=first)
    assert second.status_code == 200
    late = put(door, "shadow = true\n" + CHARGES, If_Match=first)
    problem_of(late, 412, "version-changed")
    assert (
        late.headers["ETag"] == second.headers["ETag"] and door.get("/v1/feeds/ehr").json["text"] == PAYMENTS
    )
    weak = put(door, CHARGES, If_Match=f"W/{second.headers['ETag']}")
    problem_of(weak, 412, "version-changed")
    assert len(entries(door.app, "feed.stated")) == 2


def test_the_same_text_again_is_no_new_version(door: Door) -> None:
    tag = new(door, CHARGES).headers["ETag"]
    again = put(door, CHARGES, If_Match=tag)
    assert (again.status_code, again.headers["ETag"]) == (200, tag)
    with door.app.store.read() as reader:
        assert [row.number for row in reader.feed_text_versions("ehr")] == [1]


@pytest.mark.parametrize(
    ("text", "line", "code", "reason"),
    [
        ("shadow = true\nshadov = true\n", "line 2", "unknown-key", "no shadov"),
        ('shadow = true\n\n[hl7v2]\nft1_code = { A = "money" }\n', "line 4", "bad-mapping", "ft1_code"),
        ("shadow = yes\n", "line 1", "bad-feed", "TOML"),
        ('shadow = true\npayers = { A = "x"\n', "line 2", "bad-feed", "TOML"),
        ("\nshadow = 1\n", "line 2", "bad-feed", "true or false"),
        ('shadow = true\nname = "other"\n', "line 2", "bad-feed", "name"),
        ('path = "/etc"\ndoor = "folder"\n', "line 2", "bad-feed", "a file on that machine"),
        ("[limits]\nmax_bytes = 3\n", "line 2", "bad-feed", "1024"),
        ("shadow = true\nx = " + "[" * 5000, "line 1", "bad-feed", "deep"),
        (b"shadow = true\n# \xff\n", "line 2", "bad-feed", "UTF-8"),
    ],
)
def test_a_text_that_is_wrong_is_refused_with_its_line_and_the_reason(
    door: Door, text: str | bytes, line: str, code: str, reason: str
) -> None:
    for query in ("", "?dry_run=true"):
        told = problem_of(put(door, text, query=query, **NEW), 422, code)
        (fault,) = told["errors"]
        assert fault["where"] == line and fault["code"] == code and reason in fault["reason"], told
    assert door.get("/v1/feeds").json == {"items": []} and entries(door.app, "feed.stated") == []


def test_a_request_that_cannot_be_used_says_what_to_send(door: Door) -> None:
    problem_of(put(door, CHARGES, Content_Type="application/json", **NEW), 415, "media-type-unsupported")
    problem_of(put(door, CHARGES, Content_Encoding="gzip", **NEW), 415, "media-type-unsupported")
    problem_of(put(door, b"#" * (1024 * 1024 + 1), **NEW), 413, "too-large")
    problem_of(put(door, CHARGES, "desk", **NEW), 422, "bad-feed")
    problem_of(put(door, CHARGES, "a%20b", **NEW), 422, "bad-name")
    problem_of(put(door, CHARGES, "%2A", **NEW), 422, "bad-name")
    problem_of(put(door, CHARGES, X_Baton_User="", **NEW), 422, "bad-name")
    body = door.ask("PUT", "/v1/feeds/ehr", data=CHARGES, content_type="text/plain", headers=NEW)
    problem_of(body, 422, "no-name")
    problem_of(put(door, CHARGES, query="?dry_run=yes", **NEW), 422, "bad-parameters")
    assert door.get("/v1/feeds").json == {"items": []}
    assert put(door, CHARGES, Content_Type="text/plain", **NEW).status_code == 201


def test_a_look_says_what_would_be_and_keeps_nothing(door: Door) -> None:
    told = put(door, CHARGES, query="?dry_run=true").json
    assert told["dry_run"] and told["mapping_before"] is None and told["text"] == CHARGES
    assert door.get("/v1/feeds").json == {"items": []} and entries(door.app, "feed.stated") == []
    new(door, CHARGES)
    assert door.app.mapping_version("ehr") == told["mapping"]
    told = put(door, PAYMENTS, query="?dry_run=true").json
    assert told["mapping_before"] == door.app.mapping_version("ehr") != told["mapping"]
    problem_of(put(door, PAYMENTS, query="?dry_run=true", **NEW), 412, "version-changed")


def test_a_message_after_it_is_read_by_what_was_said_and_names_that_mapping(door: Door) -> None:
    def sent(body: bytes) -> str:
        answer = door.ask("POST", "/v1/messages?feed=ehr", data=body, content_type="text/plain")
        return str(answer.json["disposition"])

    assert sent(dft("1")) == "parked"
    tag = new(door, CHARGES).headers["ETag"]
    assert sent(dft("2")) == "accepted"
    with door.app.store.read() as reader:
        (fact,) = [r.fact for r in reader.facts(AccountRef("GEN", "A1")) if r.fact.kind == "charge.posted"]
        assert reader.mapping_of_fact(fact.id) == door.app.mapping_version("ehr")
    shadow = put(door, f"shadow = true\n{CHARGES}", If_Match=tag)
    assert shadow.json["mapping"] == door.app.mapping_version("ehr") == shadow.json["mapping_before"]
    assert [one["to"] for one in entries(door.app, "feed.stated")][-1] == shadow.json["version"]
    assert len(entries(door.app, "mapping.changed")) == 1
    assert door.app.terms().shadow_feeds == {"ehr"}


def test_a_file_counts_before_the_api_and_both_at_once_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    tag = new(door_to(app), CHARGES).headers["ETag"]
    app.close()
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "ehr.toml").write_text(PAYMENTS)
    both = door_to(make_app(tmp_path))
    both.app.intake()
    told = both.get("/v1/feeds/ehr").json
    assert (told["source"], told["conflict"], told["text"]) == ("file", True, CHARGES)
    assert told["version"] == told["mapping"] == both.app.mapping_version("ehr")
    assert f'"{told["api_version"]}"' == tag
    problem_of(put(both, PAYMENTS, If_Match=tag), 409, "feed-in-file")
    problem_of(put(both, PAYMENTS, query="?dry_run=true"), 409, "feed-in-file")
    mapping = both.app.mapping_version("ehr")

    home = Home(tmp_path)
    listed = home.baton("feed", "list")
    assert listed.returncode == 1 and "ehr: the API says something of it too" in listed.stdout
    doctor = home.baton("doctor")
    assert doctor.returncode == 1 and "both speak of ehr, where the file counts" in doctor.stdout

    ask = {"X-Baton-User": "Ada"}
    url = "/v1/feeds/ehr"
    problem_of(both.ask("DELETE", url, headers=ask), 428, "precondition-required")
    problem_of(both.ask("DELETE", url, headers=ask | {"If-Match": '"0"'}), 412, "version-changed")
    left = both.ask("DELETE", url, headers=ask | {"If-Match": tag})
    assert (left.status_code, left.json["source"], left.json["conflict"]) == (200, "file", False)
    assert both.app.mapping_version("ehr") == mapping
    problem_of(both.ask("DELETE", url, headers=ask | {"If-Match": tag}), 404, "no-such-feed")
    assert home.baton("feed", "list").returncode == 0
    both.app.close()


def test_a_feed_that_no_file_states_cannot_lose_what_the_api_says(door: Door) -> None:
    tag = new(door, f"shadow = true\n{CHARGES}").headers["ETag"]
    gone = door.ask("DELETE", "/v1/feeds/ehr", headers={"X-Baton-User": "Ada", "If-Match": tag})
    problem_of(gone, 409, "not-in-file")
    assert door.app.terms().shadow_feeds == {"ehr"}


def test_a_process_that_runs_takes_it_up_and_one_that_starts_keeps_it(batons: Open, tmp_path: Path) -> None:
    one = batons()
    clock = [NOW]
    known = FeedsInForce({}, "GEN", "UTC", lambda: one.store, lambda: clock[0])
    known.follow()
    intake = Intake(
        one.store, one.read, one.read_large, one.policy, one.terms, lambda f: known().mapping_of(f)
    )

    def take(control: str) -> str:
        body = dft(control)
        message = Message.of(body, feed="ehr", format="hl7v2", door="mllp", received_at=NOW)
        return intake.receive([message], at(0))[0].disposition

    assert take("1") == "parked"
    other = batons(of=one)
    other.intake()
    said = other.feeds_in_force.state("ehr", CHARGES, nothing, ADA, NOW)
    clock[0] += timedelta(seconds=LOOK_SECONDS / 2)
    assert take("2") == "parked"
    clock[0] += timedelta(seconds=LOOK_SECONDS)
    assert take("3") == "accepted"
    with one.store.read() as reader:
        (fact,) = [r.fact for r in reader.facts(AccountRef("GEN", "A1")) if r.fact.kind == "charge.posted"]
        assert reader.mapping_of_fact(fact.id) == said.mapping.version
    third = batons(of=one)
    third.intake()
    assert third.mapping_version("ehr") == said.mapping.version
    with one.store.read() as reader:
        assert [row.sha256 for row in reader.mapping_versions("ehr")] == [said.mapping.version]


def test_a_mapping_that_changes_while_a_message_is_read_is_not_named_by_it(batons: Open) -> None:
    app = batons()
    app.intake()
    first = app.feeds_in_force.state("ehr", CHARGES, nothing, ADA, NOW)

    def read(message: Message, mapping: Any) -> Any:
        items = list(app.read(message, mapping))
        app.feeds_in_force.state("ehr", PAYMENTS, lambda before: None, ADA, NOW)
        return iter(items)

    intake = Intake(app.store, read, app.read_large, app.policy, app.terms, app.mapping_of)
    message = Message.of(dft("1"), feed="ehr", format="hl7v2", door="mllp", received_at=NOW)
    assert [r.disposition for r in intake.receive([message], at(0))] == ["accepted"]
    with app.store.read() as reader:
        (fact,) = [r.fact for r in reader.facts(AccountRef("GEN", "A1")) if r.fact.kind == "charge.posted"]
        assert reader.mapping_of_fact(fact.id) == first.mapping.version != app.mapping_version("ehr")


def test_what_this_program_does_not_take_any_more_stops_it_with_the_reason(batons: Open) -> None:
    from adapters.store import FeedTextRow

    app = batons()
    with app.store.write() as unit:
        unit.add_feed_text(FeedTextRow("ehr", 1, "colour = 1\n", "d", "Ada", "key:a", NOW))
    with pytest.raises(ConfigRefused) as refused:
        app.intake()
    assert refused.value.code == "feed-does-not-fit" and refused.value.where == "feed ehr, line 1"


def test_the_command_line_shows_and_checks_a_feed_that_the_api_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    new(door_to(app), CHARGES)
    home = Home(tmp_path)
    (told,) = json.loads(home.baton("feed", "list", "--json").stdout)
    assert (told["feed"], told["source"], told["mapping"]) == ("ehr", "api", app.mapping_version("ehr"))
    assert home.baton("feed", "check", "ehr").stdout.startswith("Feed ehr is in order")
    (status,) = json.loads(home.baton("feed", "status", "--json").stdout)
    assert status["configured"] and status["mapping"] == app.mapping_version("ehr")
    app.close()
    assert load({"BATON_HOME": str(tmp_path)}).feeds == {}
