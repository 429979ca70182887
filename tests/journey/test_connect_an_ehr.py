"""For hospital IT on the first day: an unknown EHR over MLLP with TLS, and a broken part that is mended."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from adapters.store import Store
from schemas.facts import AccountRef
from service.core import fold
from tests.journey.certificates import make_certificates
from tests.journey.command_line import Home
from tests.journey.test_mllp_commands import heard

V1 = AccountRef("GEN", "V1")
HEAD = r"MSH|^~\&|NEWEHR|MAIN|||2026040208{n}000||{event}|{n}|P|2.5.1" "\rEVN||20260402083100\r"
WHO = "PID|1||M1^^^H^MR||DOE^PAT\rPV1|1|O|||||||||||||||||V1^^^H^VN|COMM\r"
TEN_LINES = """
door = "mllp"
format = "hl7v2"
[account]
field = "PV1-19"
[hl7v2]
timezone = "America/New_York"
plan_kind = { HMO = "commercial" }
ft1_code = { "PP" = "payment.patient" }
financial_class = { COMM = "commercial" }
"""


def dft(n: int, *lines: tuple[str, str, str, str]) -> str:
    """A message of postings: transaction, type, code and amount of each."""
    posted = "".join(
        f"FT1|{i}|{number}||20260302|20260402|{type}|{code}|||1|{amount}\r"
        for i, (number, type, code, amount) in enumerate(lines, 1)
    )
    return HEAD.format(n=n, event="DFT^P03") + WHO + posted


DAY = {
    "1.hl7": HEAD.format(n=1, event="ADT^A04")
    + WHO
    + "GT1|1||DOE^PAT\rIN1|1|P1|60054|EXAMPLE HEALTH|||||||||||HMO|||||||1\r",
    "2.hl7": dft(2, ("T1", "CG", "OFFICE", "250.00"), ("T2", "PY", "PP", "100.00")),
    "3.hl7": dft(3, ("T3", "CG", "OFFICE", "40.00"), ("T4", "PY", "LAB9", "75.00")),
}
"""A registration; a charge and a payment; a charge, and money whose code nobody has explained."""


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    assert made.baton("db", "upgrade").returncode == 0
    for name, text in DAY.items():
        (tmp_path / name).write_text(text, newline="")
    make_certificates(tmp_path)
    return made


def known(home: Home) -> tuple[int, int, int, int]:
    """The balance in cents, the charges and the payments that count, and how many messages are stored."""
    store = Store.open(f"sqlite:///{home.folder}/baton.db")
    try:
        with store.read() as reader:
            account = fold([r.fact for r in reader.facts(V1)])
            row = reader.account(V1)
            assert row is not None and account.contradictions == ()
            return row.balance_cents, len(account.charges), len(account.payments), reader.counts().messages
    finally:
        store.close()


def test_from_the_first_sample_to_the_mended_part_and_nothing_counts_twice(home: Home) -> None:
    look = home.baton("feed", "check", "-", *DAY)
    assert look.returncode == 1
    for said in ('field = "PV1-19"', '"PP"', '"LAB9"', '"COMM"', '"HMO"', "G03"):
        assert said in look.stdout, said
    (home.folder / "feeds").mkdir()
    file = home.folder / "feeds" / "new.toml"
    file.write_text(TEN_LINES)
    assert len(TEN_LINES.strip().splitlines()) <= 10
    assert home.baton("feed", "check", "new", "1.hl7", "2.hl7").returncode == 0
    assert "LAB9" in home.baton("feed", "check", "new", *DAY).stdout

    over_tls = {
        "BATON_MLLP_TLS_CERT": "server.pem",
        "BATON_MLLP_TLS_KEY": "server.key",
        "BATON_MLLP_FEED": "new",
    }
    home.settings |= over_tls
    with heard(home, home.folder / "log") as (_, port):
        send = ("send", f"127.0.0.1:{port}", "--tls", "--ca", "ca.pem", *DAY)
        first = home.baton(*send)
        answers = re.findall(r"^(\d).hl7: (\w+)", first.stdout, re.MULTILINE)
        assert answers == [("1", "AA"), ("2", "AA"), ("3", "AA")], first.stdout + first.stderr
        plain = home.baton("send", f"127.0.0.1:{port}", "1.hl7")
        assert plain.returncode == 1 and "Traceback" not in plain.stderr
        assert known(home) == (19_000, 2, 1, 3)

        (waits,) = json.loads(home.baton("parked", "list", "--json").stdout)["items"]
        assert waits["feed"] == "new" and "FT1-7" in waits["where"] + waits["reason"]
        told = home.baton("parked", "show", waits["id"]).stdout
        assert "FT1 2" in told and "[hl7v2.ft1_code]" in told, told
        still = home.baton("parked", "retry", waits["id"])
        assert still.returncode == 1, "nothing has changed yet"

        file.write_text(TEN_LINES.replace("}\nfin", ', "LAB9" = "payment.payer" }\nfin'))
        would = home.baton("parked", "retry", "--all", "--dry-run")
        assert would.returncode == 0 and known(home) == (19_000, 2, 1, 3)
        assert home.baton("parked", "retry", "--all", "--by", "Ada").returncode == 0
        assert known(home) == (11_500, 2, 2, 3)
        assert home.baton("parked", "list").stdout == "Nothing waits.\n"

        again = home.baton(*send)
        assert re.findall(r"^(\d).hl7: (\w+)", again.stdout, re.MULTILINE) == answers, (
            "the same answers again"
        )
    with heard(home, home.folder / "log2") as (_, port):
        assert home.baton("send", f"127.0.0.1:{port}", "--tls", "--ca", "ca.pem", *DAY).returncode == 0
    look = json.loads(home.baton("messages", "rederive", "--dry-run", "--json").stdout)
    assert look["changed"] == 0, "what the new mapping reads is what is known"
    assert known(home) == (11_500, 2, 2, 3)
    assert home.baton("audit", "verify").returncode == 0 and home.baton("totals").returncode == 0
