"""For hospital IT: HL7 v2 files through the real store; what waits, what holds, and how it is mended."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.hl7v2 import STANDARD, Mapping
from schemas.facts import AccountRef, Message
from service.app import App
from service.config import load
from service.mappings import FeedMapping
from tests.journey.command_line import Home
from tests.journey.stories import MOMENT

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples"
FACTS = SAMPLES / "hl7_facts.tsv"
KNOWN = {"Efferent-Health__HL7-dotnetcore__Sample-ADT.txt", "dib0__NHapiTools__ADT_A04.txt"}
"""PID-18 sent twice; see tests/doors/test_hl7v2_samples.py."""


class Site(App):
    """A Baton whose feed has a mapping, which may be mended while it runs."""

    mapping: Mapping = STANDARD

    def mapping_of(self, feed: str) -> FeedMapping:
        return replace(super().mapping_of(feed), hl7v2=self.mapping)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    app = Site(load({"BATON_HOME": str(tmp_path)}))
    app.store.upgrade()
    yield app
    app.close()


def payment(control: str = "1", amount: str = "100.00", at: str = "20260402083100") -> bytes:
    return (
        f"MSH|^~\\&|PAS|GEN|||{at}||DFT^P03|{control}|P|2.5.1\rEVN|P03|{at}\r"
        "PID|||M1||DOE^PAT|||||||||||||A1\r"
        f"FT1|1|T1||20260401|20260401|PY|PTPMT|||1|{amount}\r"
        "FT1|2|T2||20260401|20260401|CG|SUP|||1|40.00\r"
        "IN1|1|P|MCD|MEDICAID\r"
    ).encode()


def sealed(app: App, *bodies: bytes) -> list[Message]:
    now = MOMENT.now
    return [Message.of(b, feed="adt", format="hl7v2", door="file", received_at=now) for b in bodies]


def facts(app: App) -> dict[str, int]:
    told: dict[str, int] = {}
    with app.store.read() as reader:
        row = reader.account(AccountRef("GEN", "A1"))
        assert row is not None
        for fact in reader.facts_of_account(row.id):
            told[fact.kind] = told.get(fact.kind, 0) + 1
    return told


def waiting(app: App) -> list[tuple[str, str]]:
    with app.store.read() as reader:
        return [(p.code, p.place) for p in reader.parked()]


def test_a_payment_nobody_can_read_holds_the_account_until_the_mapping_is_mended(site: Site) -> None:
    intake = site.intake()
    (receipt,) = intake.receive(sealed(site, payment()), MOMENT)
    assert receipt.disposition == "parked"
    assert waiting(site) == [("transaction-code-unmapped", "MSH 1 / FT1 1")]
    with site.store.read() as reader:
        (entry,) = reader.parked()
    assert intake.retry(entry.seq, MOMENT).disposition == "parked"
    site.mapping = Mapping.from_table(
        {"ft1_code": {"PTPMT": "payment.patient"}, "payer_kind": {"MCD": "medicaid"}}
    )
    mended = intake.retry(entry.seq, MOMENT)
    assert (mended.disposition, mended.facts) == ("accepted", 2), "the payment, and the end of its hold"
    assert waiting(site) == [], "what was stated before under the old mapping is not contradicted"
    with site.store.read() as reader:
        why = reader.account(AccountRef("GEN", "A1"))
    assert why is not None and why.balance_cents == 4000 - 10000


def test_the_same_statement_in_a_second_message_counts_once(site: Site) -> None:
    site.mapping = Mapping.from_table({"ft1_code": {"PTPMT": "payment.patient"}})
    intake = site.intake()
    first, second = sealed(site, payment("1"), payment("2", at="20260403083100"))
    assert intake.receive([first, second], MOMENT)[0].disposition == "accepted"
    with site.store.read() as reader:
        row = reader.account(AccountRef("GEN", "A1"))
    assert row is not None and row.balance_cents == 4000 - 10000


def test_the_same_control_id_with_another_amount_waits_and_is_decided_by_neither(site: Site) -> None:
    site.mapping = Mapping.from_table({"ft1_code": {"PTPMT": "payment.patient"}})
    intake = site.intake()
    for amount in ("100.00", "10.00"):
        intake.receive(sealed(site, payment(amount=amount)), MOMENT)
    assert waiting(site) == [("id-reused", "MSH 1 / FT1 1")]
    with site.store.read() as reader:
        row = reader.account(AccountRef("GEN", "A1"))
    assert row is not None and row.determination == "undetermined"


def test_framing_and_line_ends_of_a_second_copy_change_nothing(site: Site) -> None:
    site.mapping = Mapping.from_table({"ft1_code": {"PTPMT": "payment.patient"}})
    intake = site.intake()
    body = payment()
    copies = (body, b"\x0b" + body + b"\x1c\r", body.replace(b"\r", b"\r\n"), b"\xef\xbb\xbf" + body)
    told = [intake.receive(sealed(site, copy), MOMENT)[0].disposition for copy in copies]
    assert told == ["accepted", "duplicate", "duplicate", "duplicate"]


@pytest.mark.skipif(not FACTS.exists(), reason="needs the sample folder beside the project")
def test_inspect_reproduces_what_was_computed_without_baton(tmp_path: Path) -> None:
    with FACTS.open() as table:
        rows = {Path(row["file"]).name: row for row in csv.DictReader(table, delimiter="\t")}
    ran = Home(tmp_path).baton("inspect", "--json", *(SAMPLES / row["file"] for row in rows.values()))
    assert (ran.returncode, ran.stderr) == (1, "")
    told = {Path(one["path"]).name: one for one in map(json.loads, ran.stdout.splitlines())}
    assert set(told) == set(rows)
    for name, row in rows.items():
        assert (told[name]["format"], told[name]["messages"]) == ("hl7v2", int(row["msgs"])), name
        if name not in KNOWN:
            assert set(told[name]["accounts"]) == {row["pid18_1"]} - {""}, name


def test_inspect_says_where_a_message_departs_from_the_standard_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / "a.hl7").write_bytes(payment().replace(b"PID|||M1||", b"PID||||||"))
    home = Home(tmp_path)
    plain, strict = (
        json.loads(home.baton("inspect", "--json", *more, "a.hl7").stdout) for more in ([], ["--strict"])
    )
    found = {f["code"] for f in strict["findings"]} - {f["code"] for f in plain["findings"]}
    assert found == {"conformance"} and strict["facts"] == plain["facts"]
