"""For a witness outside: checkpoints, keys and proofs over HTTP hold a Baton to the log it once showed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
from test_http_answers import must_fit
from web_fixtures import Door, charge, door_to, make_app, problem_of

from adapters.signing import signature_holds
from adapters.store import AuditRow, Store
from schemas.audit import Checkpoint
from schemas.merkle import proves_consistency, root_of
from service.audit.proofs import BLOCK, Witnessed
from service.web import create_key
from tests.journey.stories import NOW


@pytest.fixture
def door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.chdir(tmp_path)
    app = make_app(tmp_path)
    app.store.upgrade()
    yield door_to(app)
    app.close()


def test_a_witness_follows_the_log_over_http_alone(door: Door) -> None:
    problem_of(door.get("/v1/audit/checkpoint"), 404, "no-checkpoint")
    for number in ("A1", "A2", "A3"):
        door.send(charge(number))
        assert door.app.keep_checkpoints() is not None or number != "A1"
        if number != "A1":
            from service.audit import make_checkpoint

            made = make_checkpoint(door.app.store, door.app.signer(), "baton", door.app.moment().now)
            assert made is not None
            door.app.publish_checkpoint(made)
    page = door.get("/v1/audit/checkpoints", limit="2")
    must_fit(door, page, "listCheckpoints")
    rest = door.get("/v1/audit/checkpoints", after=page.json["next"])
    texts = [item["text"] for item in page.json["items"] + rest.json["items"]]
    assert (len(texts), rest.json["next"]) == (3, None)
    assert "\n".join([*texts, ""]) == door.app.config.checkpoint_file.read_text()
    newest = door.get("/v1/audit/checkpoint")
    assert (newest.get_data(True), newest.content_type) == (texts[-1], "text/plain; charset=utf-8")
    keys = door.get("/v1/audit/key")
    must_fit(door, keys, "getAuditKeys")
    assert [k["key_id"] for k in keys.json["items"]] == [keys.json["signs"]]
    key = bytes.fromhex(keys.json["items"][0]["public_key"])
    seen = [Checkpoint.read(text) for text in texts]
    for one in seen:
        assert signature_holds(
            key, one.signed_text(one.origin, one.size, one.root, one.made_at), one.signature
        )
    for before in seen:
        for after in seen[seen.index(before) :]:
            answer = door.get("/v1/audit/consistency", **{"from": str(before.size), "to": str(after.size)})
            must_fit(door, answer, "proveConsistency")
            proof = [bytes.fromhex(one) for one in answer.json["proof"]]
            assert proves_consistency(before.size, before.root, after.size, after.root, proof)
            assert not proves_consistency(before.size, before.root, after.size, bytes(32), proof)


@pytest.mark.parametrize("query", ["from=1&to=99999", "from=2&to=1"])
def test_sizes_the_log_never_had_are_refused(door: Door, query: str) -> None:
    door.send(charge("A1"), charge("A2"))
    problem_of(door.ask("GET", f"/v1/audit/consistency?{query}"), 404, "no-such-size")


@pytest.mark.parametrize("query", ["", "from=0&to=1", "from=1", "from=a&to=1"])
def test_sizes_that_are_none_are_refused(door: Door, query: str) -> None:
    problem_of(door.ask("GET", f"/v1/audit/consistency?{query}"), 422, "bad-parameters")


def test_the_scope_of_a_witness_opens_the_log_and_no_patient(door: Door) -> None:
    key = create_key(door.app.store, ["audit:read"], NOW)
    assert door.ask("GET", "/v1/audit/key", key).status_code == 200
    problem_of(door.ask("GET", "/v1/cases", key), 403, "scope-missing")


def test_proofs_over_many_blocks_hold_as_the_log_grows(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    store.upgrade()
    witnessed, random = Witnessed(), Random(5)
    for size in (1, BLOCK, 3 * BLOCK + 17, 5 * BLOCK):
        with store.write() as unit:
            more = size - unit.reader.audit_head().size
            unit.add_audit([AuditRow("message.read", "x", b"{}", NOW)] * more)
        with store.read() as reader:
            joined = reader.audit_leaves(size)
            leaves = [joined[at : at + 32] for at in range(0, len(joined), 32)]
            for _ in range(25):
                to = random.randint(1, size)
                earlier = random.choice([random.randint(1, to), max(1, to // BLOCK * BLOCK) % to or to])
                proof = witnessed.consistency(reader, earlier, to)
                assert proves_consistency(earlier, root_of(leaves[:earlier]), to, root_of(leaves[:to]), proof)
    store.close()
