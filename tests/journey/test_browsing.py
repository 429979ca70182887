"""For the operator: which messages came, what is in them, what they did; on both databases."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from command_line import Home, refused

from adapters.store import MessageFilter
from schemas.errors import BatonError
from service import browsing
from service.app import App, detect
from service.config import load
from tests.journey.stories import MOMENT, NOW, ripe, sealed

HL7 = (
    b"MSH|^~\\&|PAS|GEN|BATON|GEN|20260301120000||ADT^A04|77|P|2.5.1\r"
    b"PID|1||P1^^^GEN^MR||ZQNAME^ANN||19800101|F\rPV1|1|O\r"
)
X12 = (
    b"ISA*00*          *00*          *ZZ*SENDER         *ZZ*RECEIVER       "
    b"*260101*1200*^*00501*000000007*0*P*:~CLP*ZQACC*1*600*357.83~"
)


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    at_once = {"BATON_DATABASE_URL": url, "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"}
    made = App(load(at_once | {"BATON_HOME": str(tmp_path)}))
    made.store.upgrade()
    made.intake().receive(sealed(*ripe()), MOMENT)
    made.intake().receive(sealed(b"what is this?", feed="other"), MOMENT)
    yield made
    made.close()


def test_messages_are_found_by_feed_status_account_and_id_page_by_page(app: App) -> None:
    with app.store.read() as reader:
        first = browsing.page(reader, MessageFilter(), None, 5)
        rest = browsing.page(reader, MessageFilter(), first["next"], 5)
        assert (len(first["items"]), len(rest["items"]), rest["next"]) == (5, 3, None)
        every = [m["sha256"] for m in first["items"] + rest["items"]]
        assert len(set(every)) == 8 and first["items"][0]["feed"] == "other"
        for like, count in (
            (MessageFilter(feed="other"), 1),
            (MessageFilter(status="parked"), 1),
            (MessageFilter(status="accepted"), 7),
            (MessageFilter(status="duplicate"), 0),
            (MessageFilter(status="unread"), 0),
            (MessageFilter(account="GEN/A1"), 7),
            (MessageFilter(account="A1", feed="other"), 0),
            (MessageFilter(id="pas/A1-3"), 1),
            (MessageFilter(id="999"), 0),
            (MessageFilter(since=NOW), 8),
            (MessageFilter(until=NOW), 0),
        ):
            assert len(browsing.page(reader, like, None, 50)["items"]) == count, like


def test_a_trace_leads_from_a_message_to_the_case_and_from_the_case_to_the_bytes(app: App) -> None:
    (charge,) = sealed(ripe()[2])
    with app.store.read() as reader:
        onward = browsing.trace(reader, charge.sha256)
        (fact,) = onward["facts"]
        assert (fact["type"], fact["account"], fact["where"]) == ("charge.posted", "GEN/A1", "$")
        (decision,) = onward["decisions"]
        assert decision["facts"] == [fact["fact"]]
        (move,) = onward["case_moves"]
        assert (move["move"], move["amount"]) == ("opened", "142.17")
        for id in (move["case"], decision["decision"]):
            back = browsing.trace(reader, id)
            assert {f["message"] for f in back["facts"]} == {m.sha256 for m in sealed(*ripe())}
            assert [d["decision"] for d in back["decisions"]] == [decision["decision"]]
            assert [m["case"] for m in back["case_moves"]] == [move["case"]]
        assert browsing.trace(reader, fact["fact"])["facts"] == [fact]
        with pytest.raises(BatonError) as nothing:
            browsing.trace(reader, "f" * 64)
    assert nothing.value.code == "no-such-id"


@pytest.mark.parametrize(
    ("body", "format", "place", "name", "secret", "plain"),
    [
        (HL7, "hl7v2", "MSH[1] PID[2]-5", "patient name", "ZQNAME^ANN", "ADT^A04"),
        (X12, "x12", "CLP01 (segment 2)", "account number of the hospital", "ZQACC", "000000007"),
        (b'{"resourceType": "Patient", "name": [{"family": "ZQNAME"}]}', "fhir", "$.name[0].family",
         "family", "ZQNAME", "Patient"),
    ],
)  # fmt: skip
def test_fields_are_told_by_name_and_masked_until_somebody_says_why(
    tmp_path: Path, body: bytes, format: str, place: str, name: str, secret: str, plain: str
) -> None:
    app = App(load({"BATON_HOME": str(tmp_path), "BATON_TRANSPORT": "embedded"}))
    app.store.upgrade()
    (message,) = sealed(body)
    with app.store.write() as unit:
        unit.keep_messages([message.__class__(**{**_plain(message), "format": "unknown"})])
    with app.store.read() as reader:
        record = browsing.found_message(reader, message.sha256)
        hidden = browsing.show(reader, record, detect, reveal=False)
        shown = browsing.show(reader, record, detect, reveal=True)
    assert hidden["format"] == format and secret not in json.dumps(hidden) and plain in json.dumps(hidden)
    assert {"place": place, "name": name, "value": "(text)"} in hidden["fields"]
    assert {"place": place, "name": name, "value": secret} in shown["fields"]
    app.close()


def _plain(message: object) -> dict[str, object]:
    return {name: getattr(message, name) for name in message.__dataclass_fields__}  # type: ignore[attr-defined]


def test_revealing_needs_a_name_and_a_reason_and_is_in_the_log_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    (tmp_path / "one.json").write_text(json.dumps(ripe()[2]))
    assert home.baton("ingest", "one.json").returncode == 0
    (item,) = json.loads(home.baton("messages", "list", "--json").stdout)["items"]
    masked = home.baton("messages", "show", item["sha256"])
    assert masked.returncode == 0 and "600.00" not in masked.stdout and "$.data.amount" in masked.stdout
    refused(home.baton("messages", "show", item["sha256"], "--reveal", "--by", "Ada"), 2)
    shown = home.baton("messages", "show", item["sha256"], "--reveal", "--by", "Ada", "--reason", "a call")
    assert shown.returncode == 0 and "600.00" in shown.stdout
    app = App(load({"BATON_HOME": str(tmp_path)}))
    with app.store.read() as reader:
        (entry,) = reader.audit_entries_for(item["sha256"])
    assert entry.kind == "message.revealed" and b"a call" in entry.content and b"600.00" not in entry.content
    app.close()
    assert "[no-such-message]" in refused(home.baton("messages", "show", "f" * 64), 1)
    assert home.baton("messages", "trace", item["sha256"]).returncode == 0
    assert "[no-such-id]" in refused(home.baton("messages", "trace", "nothing"), 1)
