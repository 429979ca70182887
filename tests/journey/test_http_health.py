"""For an operator: what the probes and the monitoring system are told."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families
from web_fixtures import Door, charge, make_app, overdue_story, problem_of

from adapters.store.rows import OutboxRow
from service.logs import open_log
from service.web import create_web, ensure_key


def test_a_process_without_its_database_is_alive_and_not_ready(tmp_path: Path) -> None:
    app = make_app(tmp_path, BATON_DATABASE_URL="postgresql://nobody:secret@127.0.0.1:1/baton")
    client = create_web(app, open_log("web", io.StringIO())).test_client()
    assert client.get("/healthz").status_code == 200
    answer = client.get("/readyz")
    problem = problem_of(answer, 503, "not-ready")
    assert {e["where"] for e in problem["errors"]} == {"store", "tables", "relay"}
    assert "127.0.0.1" not in answer.get_data(True)
    assert "secret" not in answer.get_data(True)
    assert "baton_store_up 0.0" in client.get("/metrics").get_data(True)


def test_tables_that_were_never_made_are_not_ready(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    problem = problem_of(
        create_web(app, open_log("web", io.StringIO())).test_client().get("/readyz"), 503, "not-ready"
    )
    assert "tables" in {e["where"] for e in problem["errors"]}
    app.close()


def test_a_broker_that_does_not_answer_is_not_ready(tmp_path: Path) -> None:
    app = make_app(tmp_path, BATON_AMQP_URL="amqp://nobody:secret@127.0.0.1:1/")
    app.store.upgrade()
    answer = create_web(app, open_log("web", io.StringIO())).test_client().get("/readyz")
    problem = problem_of(answer, 503, "not-ready")
    assert [e["where"] for e in problem["errors"]] == ["broker"]
    assert "secret" not in answer.get_data(True)
    app.close()


def test_an_event_that_waits_for_over_a_minute_makes_it_not_ready(door: Door) -> None:
    now = door.app.moment().now
    with door.app.store.write() as unit:
        unit.add_outbox([OutboxRow("e0", "case.opened", "GEN/A1", b"{}", now - timedelta(seconds=61))])
    answer = door.ask("GET", "/readyz", None)
    assert [e["code"] for e in problem_of(answer, 503, "not-ready")["errors"]] == ["relay-stuck"]


def test_an_event_that_waits_for_half_a_minute_is_no_trouble(door: Door) -> None:
    now = door.app.moment().now
    with door.app.store.write() as unit:
        unit.add_outbox([OutboxRow("e0", "case.opened", "GEN/A1", b"{}", now - timedelta(seconds=30))])
    assert door.ask("GET", "/readyz", None).status_code == 200


def test_the_metrics_count_what_was_done_and_name_nobody(door: Door) -> None:
    door.send(*overdue_story("ZQACCOUNT"))
    door.post(b"{")
    door.get("/v1/accounts/GEN/ZQACCOUNT")
    door.ask("GET", "/nothing/ZQACCOUNT", None)
    text = door.ask("GET", "/metrics", None).get_data(True)
    assert "ZQ" not in text
    found = {
        (s.name, tuple(sorted(s.labels.items()))): s.value
        for family in text_string_to_metric_families(text)
        for s in family.samples
    }
    assert found["baton_messages", ()] == 2
    assert found["baton_accounts", ()] == 1
    assert found["baton_parked_open", ()] == 1
    assert found["baton_cases", (("status", "open"),)] == 1
    assert found["baton_outbox_events", ()] >= 1
    assert found["baton_http_messages_total", (("disposition", "accepted"),)] == 1
    assert found["baton_http_messages_total", (("disposition", "parked"),)] == 1
    route = "/v1/accounts/<part:facility>/<part:number>"
    assert found["baton_http_requests_total", (("method", "GET"), ("route", route), ("status", "200"))] == 1
    assert (
        found["baton_http_requests_total", (("method", "GET"), ("route", "(none)"), ("status", "404"))] == 1
    )


def test_the_metrics_need_a_key_from_elsewhere_and_through_a_proxy(door: Door) -> None:
    elsewhere = {"environ_overrides": {"REMOTE_ADDR": "10.1.2.3"}}
    problem_of(door.ask("GET", "/metrics", None, **elsewhere), 401, "key-missing")
    assert door.ask("GET", "/metrics", **elsewhere).status_code == 200
    proxied = door.ask("GET", "/metrics", None, headers={"X-Forwarded-For": "127.0.0.1"})
    problem_of(proxied, 401, "key-missing")


def test_the_version_names_the_policy_in_force(door: Door) -> None:
    said = door.ask("GET", "/version", None).json
    assert said["policy"]["version"] == door.app.policy.version
    assert len(said["policy"]["sha256"]) == 64


def test_the_first_key_is_made_once(tmp_path: Path) -> None:
    app = make_app(tmp_path)
    app.store.upgrade()
    key = ensure_key(app)
    assert key is not None
    assert ensure_key(app) is None
    client = create_web(app, open_log("web", io.StringIO())).test_client()
    assert client.get("/v1/cases", headers={"X-API-Key": key}).status_code == 200
    app.close()


def test_a_revoked_key_is_believed_for_no_more_than_a_minute(door: Door) -> None:
    from service.web.keys import CACHE_SECONDS, Keyring

    clock = [0.0]
    ring = Keyring(lambda: door.app.store, lambda: door.app.moment().now, lambda: clock[0])
    assert ring.verify(door.key) is not None
    with door.app.store.write() as unit:
        assert unit.revoke_api_key(door.key.partition(".")[0], door.app.moment().now)
    assert CACHE_SECONDS <= 60
    clock[0] = CACHE_SECONDS + 0.1
    assert ring.verify(door.key) is None


def test_a_log_line_says_the_route_and_never_the_path(door: Door) -> None:
    door.send(charge("ZQACCOUNT"))
    door.get("/v1/accounts/GEN/ZQACCOUNT/why", as_of="2026-03-09")
    logged = door.log.getvalue()
    assert "ZQ" not in logged
    assert "2026-03-09" not in logged
