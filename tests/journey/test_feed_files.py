"""For hospital IT: a feed is one file, refused with file, line and reason, or saying how bytes are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.errors import ConfigRefused
from schemas.facts import ClaimAdjudicated, CoverageListed, Fact, Message, RemittanceReceived
from service.app import App
from service.config import load
from service.feeds import load_feed
from tests.journey.batons import A1, Open, at
from tests.journey.stories import NOW, adjudicated, native, sealed
from tests.journey.test_shadow import feed_file

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
WHOLE = """name = "ehr"
facility = "GEN"
door = "mllp"
format = "hl7v2"
shadow = true

[account]
field = "PID-3"
type = "VN"

[hl7v2]
timezone = "America/New_York"
pv1_46 = "patient"
ignore = ["ADT^A02"]
ft1_code = { PTPMT = "payment.patient" }

[payers]
"BC.BS" = "60054"

[limits]
max_bytes = 2048
"""


def refused(folder: Path, text: str) -> ConfigRefused:
    with pytest.raises(ConfigRefused) as caught:
        load(
            {"BATON_FEEDS_DIR": feed_file(folder, text, "ehr.toml"), "BATON_HOME": str(folder)},
        )
    return caught.value


@pytest.mark.parametrize(
    ("old", "new", "line", "says"),
    [
        ("shadow =", "shadwo =", 5, "shadwo"),
        ("shadow = true", 'shadow = "no"', 5, "true or false"),
        ('"mllp"', '"fax"', 3, "folder"),
        ('"mllp"', '"folder"', 3, "path"),
        ('"PID-3"', '"PID-99"', 8, "PID-18"),
        ('type = "VN"', 'typ = "VN"', 9, "typ"),
        ('"payment.patient"', '"payed"', 15, "payment.patient"),
        ("ft1_code", "ft1_kode", 15, "ft1_kode"),
        ("America/New_York", "Mars/Olympus", 12, "time zone"),
        ('["ADT^A02"]', '["all"]', 14, "ignore"),
        ('"BC.BS" = "60054"', '"BC.BS" = 60054', 18, "BC.BS"),
        ('"BC.BS" = "60054"', '"BC.BS" = ""', 18, "BC.BS"),
        ("2048", "12", 21, "1024"),
        ("max_bytes", "max_bites", 21, "max_bites"),
        ("[payers]", "[payers", 17, "TOML"),
        ("[limits]", "[[limits]]", 20, "table"),
        ('pv1_46 = "patient"', 'payer = { "BC.BS" = "1" }', 13, "state it once"),
        ('pv1_46 = "patient"', 'account = "PID-18"', 13, "account.field"),
    ],
)
def test_what_is_wrong_in_a_feeds_file_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, says: str
) -> None:
    assert old in WHOLE
    error = refused(tmp_path, WHOLE.replace(old, new, 1))
    assert says in error.reason or says in error.where
    assert error.where.endswith(f"ehr.toml:{line}") or f"line {line}" in error.reason


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 5000,
        "hl7v2 = 1",
        "fhir = []",
        "account = 3",
        "payers = [1]",
        "[fhir]\naccount = 1",
        "[fhir]\npayers = 2",
        "[hl7v2]\npayer = 2\n[payers]\na = 'b'",
        "[hl7v2]\nz = {'ZZZ' = 'x'}",
        "[hl7v2.ft1_code]\nA = {}",
        "name = 'a b'",
        'name = "\\u0007"',
        "[account]\nfield = {}",
        "[account]\nrules = ['x']",
        "[payers]\n'a' = {}",
        "\ufeff = 1",
    ],
)
def test_a_hostile_file_is_refused_and_never_a_trace(tmp_path: Path, text: str) -> None:
    assert refused(tmp_path, text).where


def test_a_file_of_any_bytes_or_size_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ehr.toml"
    for body in (b"\xff\xfe\x00", b"#" * (1 << 20) + b"\n"):
        path.write_bytes(body)
        with pytest.raises(ConfigRefused):
            load_feed(path, "GEN")
    path.unlink()
    with pytest.raises(ConfigRefused):
        load_feed(path, "GEN")


def test_a_feeds_mapping_reads_its_messages_and_no_others(batons: Open, tmp_path: Path) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, WHOLE.replace('"VN"', '"AN"'), "ehr.toml"))
    bar = (Path(__file__).parents[1] / "doors" / "hl7v2" / "payment.hl7").read_bytes()
    ours, theirs = (
        [
            item.code
            for item in app.read(Message.of(bar, feed=feed, format="hl7v2", door="t", received_at=NOW))
            if not isinstance(item, Fact) and hasattr(item, "code")
        ]
        for feed in ("ehr", "other")
    )
    assert ours != theirs


def test_one_payer_has_one_id_whatever_the_carrier_calls_it(batons: Open, tmp_path: Path) -> None:
    text = '[payers]\n"1512345678" = "60054"\n"EXH" = "60054"\n[facilities]\nMAIN = "GEN"\n'
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, text))
    era = (EXAMPLES / "remittance.835").read_bytes()
    facts = facts_of(app, era, "x12")
    assert {f.body.payer.id for f in facts if isinstance(f.body, ClaimAdjudicated | RemittanceReceived)} == {
        "60054"
    }
    plain = native("1", "claim.adjudicated", adjudicated("A1") | {"payer": {"id": "EXH"}})
    plain["account"]["facility"] = "MAIN"
    [alias] = facts_of(app, json.dumps(plain).encode(), "json")
    [same] = facts_of(app, json.dumps(native("1", "claim.adjudicated", adjudicated("A1"))).encode(), "json")
    assert alias.account == A1 and alias.key == same.key
    listed = native(
        "2", "coverage.listed", {"coverages": [{"order": 1, "payer": {"id": "EXH"}, "kind": "commercial"}]}
    )
    [coverage] = facts_of(app, json.dumps(listed).encode(), "json")
    assert isinstance(coverage.body, CoverageListed)
    assert coverage.body.coverages[0].payer.id == "60054"


def facts_of(app: App, body: bytes, format: str) -> list[Fact]:
    message = Message.of(body, feed="era", format=format, door="t", received_at=NOW)
    return [item for item in app.read(message) if isinstance(item, Fact)]


def test_each_fact_names_the_mapping_that_made_it_and_a_change_is_in_the_audit_log(
    batons: Open, tmp_path: Path
) -> None:
    first = batons(BATON_FEEDS_DIR=feed_file(tmp_path, '[payers]\nEXH = "60054"'))
    one = native("1", "claim.adjudicated", adjudicated("A1"))
    first.intake().receive(sealed(one, feed="era"), at(0))
    second = batons(first, BATON_FEEDS_DIR=feed_file(tmp_path, '[payers]\nEXH = "60055"'))
    second.intake().receive(sealed(native("2", "coding.status", {"status": "hold"}), feed="era"), at(1))
    with second.store.read() as reader:
        made = [reader.mapping_of_fact(record.fact.id) for record in reader.facts(A1)]
        versions = [row.sha256 for row in reader.mapping_versions("era")]
        kinds = [entry.kind for entry in reader.audit_entries_for("era")]
    assert made == versions == [first.mapping_version("era"), second.mapping_version("era")]
    assert kinds == ["mapping.changed", "mapping.changed"]


def test_a_feeds_own_limit_parks_what_is_larger(batons: Open, tmp_path: Path) -> None:
    app = batons(BATON_FEEDS_DIR=feed_file(tmp_path, "[limits]\nmax_bytes = 1024"))
    [receipt] = app.intake().receive(sealed(b"[" + b" " * 2000 + b"]", feed="era"), at(0))
    assert [part.code for part in receipt.rejected] == ["too-large"]
