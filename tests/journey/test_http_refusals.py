"""For a security reviewer: who is let in, and what a refusal gives away."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from web_fixtures import CANARIES, Door, charge, overdue_story, problem_of

from service.web import SCOPES, create_key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def routes(door: Door) -> list[tuple[str, str]]:
    """Every method and path of the route table, with a made-up value for each part."""
    found = []
    for rule in door.web.url_map.iter_rules():
        values = dict.fromkeys(rule.arguments, "ZQACCOUNT")
        with door.web.test_request_context():
            url = door.web.url_map.bind("x").build(rule.endpoint, values)
        found += [(method, url) for method in sorted(rule.methods or ())]
    return found


OPEN = {"/healthz", "/readyz", "/openapi.json", "/asyncapi.json", "/schemas/baton-1.json", "/version",
        "/fhir/metadata"}  # fmt: skip


def test_every_route_but_the_open_ones_refuses_a_request_without_a_key(door: Door) -> None:
    asked = [(m, u) for m, u in routes(door) if u not in OPEN and u != "/metrics"]
    assert len({u for _, u in asked}) >= 8
    for method, url in asked:
        for key, code in (
            (None, "key-missing"),
            ("bk_000000000000." + "x" * 43, "key-refused"),
            ("x", "key-refused"),
        ):
            answer = door.ask(method, url, key)
            assert answer.status_code == 401, (method, url)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            if method != "HEAD":
                problem_of(answer, 401, code)


def test_the_open_routes_answer_without_a_key(door: Door) -> None:
    for url in OPEN:
        assert door.ask("GET", url, None).status_code == 200, url


def test_nobody_learns_without_a_key_which_paths_exist_under_v1(door: Door) -> None:
    for url in ("/v1", "/v1/", "/v1/nothing", "/v1/cases/x/y"):
        problem_of(door.ask("GET", url, None), 401, "key-missing")
        problem_of(door.ask("GET", url), 404, "no-such-path")


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_opens_what_its_scope_says_and_nothing_else(door: Door, scope: str) -> None:
    key = create_key(door.app.store, [scope], NOW)
    asked = [(m, u) for m, u in routes(door) if u not in {*OPEN, "/metrics"} and m not in ("OPTIONS", "HEAD")]
    messages = {
        ("POST", "/v1/messages"),
        ("GET", "/v1/messages/ZQACCOUNT"),
        ("POST", "/fhir"),
        ("POST", "/fhir/ZQACCOUNT"),
    }
    acts = ("retry", *(f"ZQACCOUNT/{act}" for act in ("retry", "discard", "settle", "approve")))
    opened = {
        "messages:write": messages,
        "accounts:read": {
            (m, u)
            for m, u in asked
            if m == "GET" and u.startswith(("/v1/accounts", "/v1/trace", "/v1/overrides"))
        },
        "overrides:write": {
            (m, u) for m, u in asked if m == "POST" and u.startswith(("/v1/accounts", "/v1/overrides"))
        },
        "cases:read": {("GET", "/v1/cases"), ("GET", "/v1/cases/ZQACCOUNT")},
        "audit:read": {(m, u) for m, u in asked if u.startswith("/v1/audit")},
        "parked:read": {
            ("GET", "/v1/parked"),
            ("GET", "/v1/parked/ZQACCOUNT"),
            ("GET", "/v1/messages"),
            ("GET", "/v1/messages/ZQACCOUNT/detail"),
        },
        "parked:write": {("POST", f"/v1/parked/{act}") for act in acts},
        "feeds:read": {("GET", "/v1/feeds"), ("GET", "/v1/feeds/ZQACCOUNT")},
        "feeds:write": {("PUT", "/v1/feeds/ZQACCOUNT"), ("DELETE", "/v1/feeds/ZQACCOUNT")},
        "messages:reveal": {("POST", "/v1/messages/ZQACCOUNT/reveal")},
        "metrics:read": set(),
    }[scope]
    assert opened <= set(asked)
    for method, url in asked:
        answer = door.ask(method, url, key)
        assert (answer.status_code == 403) == ((method, url) not in opened), (method, url, answer.status_code)
        if answer.status_code == 403:
            problem_of(answer, 403, "scope-missing")


def test_an_unknown_scope_makes_no_key(door: Door) -> None:
    with pytest.raises(ValueError, match="no such scope"):
        create_key(door.app.store, ["everything"], NOW)


def test_either_header_carries_the_key(door: Door) -> None:
    assert door.ask("GET", "/v1/cases", None, headers={"X-API-Key": door.key}).status_code == 200
    assert (
        door.ask("GET", "/v1/cases", None, headers={"Authorization": f"bearer {door.key}"}).status_code == 200
    )
    basic = door.ask("GET", "/v1/cases", None, headers={"Authorization": f"Basic {door.key}"})
    problem_of(basic, 401, "key-missing")


def test_an_expired_key_is_refused(door: Door) -> None:
    key = create_key(door.app.store, SCOPES, NOW, lifetime=timedelta(days=1))
    assert door.app.moment().now > NOW + timedelta(days=1)
    problem_of(door.ask("GET", "/v1/cases", key), 401, "key-refused")


def test_a_key_with_another_secret_is_refused(door: Door) -> None:
    prefix, _, secret = door.key.partition(".")
    wrong = f"{prefix}.{'A' if secret[0] != 'A' else 'B'}{secret[1:]}"
    problem_of(door.ask("GET", "/v1/cases", wrong), 401, "key-refused")


def test_the_store_holds_no_secret(door: Door) -> None:
    with door.app.store.read() as reader:
        rows = reader.api_keys()
    assert door.key.partition(".")[2] not in repr(rows)


@pytest.mark.parametrize("query", ["limt=3", "limit=3&ZQ=1", "LIMIT=3"])
def test_a_mistyped_parameter_is_refused(door: Door, query: str) -> None:
    problem = problem_of(door.ask("GET", f"/v1/cases?{query}"), 422, "bad-parameters")
    assert [e["code"] for e in problem["errors"]] == ["unknown-parameter"]


def test_every_route_under_v1_refuses_an_unknown_parameter(door: Door) -> None:
    for method, url in routes(door):
        if url.startswith("/v1/") and method in ("GET", "POST"):
            answer = door.ask(method, url + "?surprise=ZQCANARY", data=b"{}", content_type="application/json")
            problem_of(answer, 422, "bad-parameters")


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("/v1/cases?limit=0", "query.limit"),
        ("/v1/cases?limit=201", "query.limit"),
        ("/v1/cases?limit=1.5", "query.limit"),
        ("/v1/cases?limit=-1", "query.limit"),
        ("/v1/cases?limit=%D9%A3", "query.limit"),
        ("/v1/cases?status=OPEN", "query.status"),
        ("/v1/cases?cursor=abc", "query.cursor"),
        ("/v1/cases?cursor=99999999999999999999", "query.cursor"),
        ("/v1/accounts/GEN/A1/why?as_of=2026-02-30", "query.as_of"),
        ("/v1/accounts/GEN/A1/why?as_of=0001-01-01", "query.as_of"),
        ("/v1/accounts/GEN/A1/why?known_at=2026-02-03T04:05:06", "query.known_at"),
    ],
)
def test_a_bad_parameter_is_named(door: Door, url: str, where: str) -> None:
    problem = problem_of(door.ask("GET", url), 422, "bad-parameters")
    assert [e["where"] for e in problem["errors"]] == [where]


def test_a_parameter_given_twice_is_refused(door: Door) -> None:
    problem_of(door.ask("GET", "/v1/cases?limit=1&limit=2"), 422, "parameter-repeated")


def test_another_method_is_refused_with_the_ones_there_are(door: Door) -> None:
    answer = door.ask("DELETE", "/v1/cases")
    problem_of(answer, 405, "method-not-allowed")
    assert "GET" in answer.headers["Allow"]


def test_an_unknown_path_is_refused(door: Door) -> None:
    problem_of(door.ask("GET", "/nothing", None), 404, "no-such-path")


@pytest.mark.parametrize(
    "url",
    [
        "/v1/accounts/GEN/ZQACCOUNT",
        "/v1/accounts/ZQACCOUNT",
        "/v1/accounts/GEN/ZQACCOUNT/why",
        "/v1/accounts/ZQACCOUNT/why",
        "/v1/cases/ZQACCOUNT",
    ],
)
def test_what_is_not_there_is_a_404_that_names_only_the_path_asked(door: Door, url: str) -> None:
    answer = door.ask("GET", url)
    problem = problem_of(answer, 404, "no-such-case" if "cases" in url else "no-such-account")
    assert problem.pop("instance") == url
    assert "ZQ" not in json.dumps(problem)


@pytest.mark.parametrize("url", ["/v1/accounts/GEN/a%00", "/v1/accounts/%00/why", "/v1/cases/%00", "/%00"])
def test_a_path_that_no_database_can_keep_is_not_there(door: Door, url: str) -> None:
    problem_of(door.ask("GET", url), 404, "no-such-path")


@pytest.mark.parametrize("text", ["%FF%FE", "%ED%A0%80", "x" * 5000, "%F0%9F%8F%A5", "%E2%80%8B"])
def test_a_path_with_odd_text_is_not_found(door: Door, text: str) -> None:
    for url in (f"/v1/accounts/{text}", f"/v1/accounts/GEN/{text}/why", f"/v1/cases/{text}"):
        assert door.ask("GET", url).status_code == 404


def test_a_number_of_two_facilities_needs_its_facility(door: Door) -> None:
    door.send(charge("A1"), charge("A1", "c2", facility="WEST"))
    problem_of(door.get("/v1/accounts/A1"), 409, "ambiguous-account")
    assert door.get("/v1/accounts/WEST/A1").status_code == 200


def test_no_error_and_no_log_line_holds_a_value_of_a_message(door: Door) -> None:
    story = overdue_story("ZQACCOUNT")
    door.send(*story)
    broken = [
        {**m, "data": {**m["data"], "amount": "ZQCANARY", "ZQCANARY": {}}, "ZQCANARY": 1} for m in story
    ]
    urls = [u for m, u in routes(door) if m == "GET" and u.startswith("/v1/") and "ZQ" not in u]
    answers = [
        door.send(*broken),
        door.post(json.dumps(story).encode()[:-40]),
        door.post(json.dumps(story).encode(), "ZQCANARY/x"),
        door.post(b"", headers={"X-ZQCANARY": "1"}),
        *[door.ask("GET", f"{url}?ZQCANARY=ZQCANARY") for url in urls],
    ]
    door.get("/v1/accounts/GEN/ZQACCOUNT/why")
    for answer in answers:
        for canary in CANARIES:
            assert canary not in answer.get_data(True), answer.get_data(True)
    # What waits for a person names its account, and nothing else of the message.
    waiting = door.get("/v1/parked").get_data(True).replace('"account":"GEN/ZQACCOUNT"', "")
    assert not [canary for canary in CANARIES if canary in waiting], waiting
    for canary in CANARIES:
        assert canary not in door.log.getvalue()
    assert door.log.getvalue().count('"answered"') > len(answers)


def test_every_answer_of_v1_is_kept_out_of_caches_and_frames(door: Door) -> None:
    answer = door.get("/v1/cases")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
