"""For the message desk: what an older mapping has read is read again, once, and nothing counts twice."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from schemas.facts import AccountRef, Message
from service.app import App
from service.mending import Mending, Person
from service.rederiving import Rederiving, Reread
from tests.journey.batons import Open, at
from tests.journey.command_line import Home
from tests.journey.stories import NOW

A1 = AccountRef("GEN", "A1")
ADA = Person("Ada")
SIGNS = '[hl7v2]\namount_sign = { XX = "magnitude" }\n'
CHARGES = f'{SIGNS}ft1_code = {{ ROOM = "charge" }}\n'
PAYMENTS = f'{SIGNS}ft1_code = {{ ROOM = "payment.patient" }}\n'


def dft(control: str, amount: str = "100.00", code: str = "ROOM", transaction: str = "T1") -> bytes:
    return (
        f"MSH|^~\\&|E|H|||20260105120000||DFT^P03|{control}|P|2.5\rEVN||20260105\rPID|1||1||Doe^Ann|||||||||||||A1\r"
        f"FT1|1|{transaction}||20260105||XX|{code}||||{amount}\r"
    ).encode()


def take(app: App, *bodies: bytes, feed: str = "ehr") -> list[str]:
    messages = [Message.of(body, feed=feed, format="hl7v2", door="file", received_at=NOW) for body in bodies]
    return [r.disposition for r in app.intake().receive(messages, at(0))]


def mapped(open: Open, folder: Path, text: str, of: App | None = None) -> App:
    folder.mkdir(exist_ok=True)
    (folder / "ehr.toml").write_text(text)
    return open(of=of, BATON_FEEDS_DIR=str(folder), BATON_SETTLING_SECONDS="0")


def again(app: App, do: bool = True) -> list[Reread]:
    from adapters.store import MessageFilter

    work = Rederiving(app.store, app.intake(), app.mapping_version)
    plan = work.plan(MessageFilter(), 1000)
    if do:
        work.apply(plan, at(1), ADA)
    return plan.messages


def balance(app: App) -> int:
    with app.store.read() as reader:
        row = reader.account(A1)
    return row.balance_cents if row else 0


def kinds(app: App) -> list[str]:
    with app.store.read() as reader:
        return [r.fact.kind for r in reader.facts(A1)]


def test_a_charge_that_is_a_payment_now_changes_the_balance_once_and_stays_on_record(
    batons: Open,
    tmp_path: Path,
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    assert take(app, dft("1"), dft("2", "250.00", transaction="T2")) == ["accepted", "accepted"]
    assert balance(app) == 35_000
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    would = again(app, do=False)
    assert [(len(one.fresh), len(one.gone), one.parked) for one in would] == [(1, 1, 0), (1, 1, 0)]
    assert {a for one in would for a in one.accounts} == {A1} and balance(app) == 35_000
    again(app)
    assert balance(app) == -35_000
    assert kinds(app).count("charge.posted") == 2 and kinds(app).count("payment.posted") == 2
    with app.store.read() as reader:
        assert reader.parked() == []
        entries = [e.kind for e in reader.audit_entries_for(would[0].sha256)]
    assert "message.read_again" in entries
    before = kinds(app)
    assert again(app) == [] and kinds(app) == before
    assert take(app, dft("1")) == ["duplicate"] and balance(app) == -35_000


def test_a_mapping_that_goes_back_is_blocked_and_changes_nothing(
    batons: Open,
    tmp_path: Path,
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    take(app, dft("1"))
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    again(app)
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    assert [one.blocked for one in again(app)] == [True]
    assert balance(app) == -10_000


def test_what_another_message_still_states_is_not_taken_out(
    batons: Open,
    tmp_path: Path,
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    (tmp_path / "feeds" / "twin.toml").write_text(CHARGES)
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    assert take(app, dft("1")) == ["accepted"]
    assert take(app, dft("1"), feed="twin") == ["duplicate"]
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    (would,) = again(app)
    assert (would.feed, len(would.gone)) == ("ehr", 0)


def test_a_code_that_is_explained_now_settles_what_waited_and_one_that_is_not_waits(
    batons: Open,
    tmp_path: Path,
) -> None:
    app = mapped(batons, tmp_path / "feeds", SIGNS)
    assert take(app, dft("1")) == ["parked"]
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    (one,) = again(app)
    assert (len(one.fresh) > 0, one.settled, one.parked) == (True, 1, 0)
    assert balance(app) == 10_000
    with app.store.read() as reader:
        assert reader.parked() == []
    app = mapped(batons, tmp_path / "feeds", SIGNS, app)
    (one,) = again(app)
    assert (one.parked or one.blocked) and kinds(app)


def test_a_replay_reads_each_message_by_the_mappings_that_read_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "ehr.toml").write_text(CHARGES)
    (tmp_path / "1.hl7").write_bytes(dft("1"))
    assert home.baton("ingest", "--feed", "ehr", "1.hl7").returncode == 0
    (feeds / "ehr.toml").write_text(PAYMENTS)
    (tmp_path / "2.hl7").write_bytes(dft("2", transaction="T2"))
    assert home.baton("ingest", "--feed", "ehr", "2.hl7").returncode == 0
    ran = home.baton("replay")
    assert ran.returncode == 0, ran.stdout
    told = json.loads(home.baton("messages", "rederive", "--dry-run", "--json").stdout)
    assert (told["messages"], told["changed"], told["taken_out"], told["accounts"]) == (1, 1, 1, 1)
    assert home.baton("messages", "rederive", "--by", "Ada").returncode == 0
    told = json.loads(home.baton("messages", "rederive", "--json").stdout)
    assert told["messages"] == 0
    ran = home.baton("replay")
    assert ran.returncode == 0, ran.stdout
    assert home.baton("audit", "verify").returncode == 0


def test_many_parts_of_one_message_are_tried_again_with_one_reading(
    batons: Open,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    app = mapped(batons, tmp_path / "feeds", SIGNS)
    lines = b"".join(
        dft("1", code=f"C{n}", transaction=f"T{n}").splitlines(keepends=True)[-1] for n in range(5)
    )
    head = b"".join(dft("1").splitlines(keepends=True)[:-1])
    assert take(app, head + lines) == ["parked"]
    codes = ", ".join(f'C{n} = "charge"' for n in range(5))
    app = mapped(batons, tmp_path / "feeds", f"{SIGNS}ft1_code = {{ {codes} }}\n", app)
    with app.store.read() as reader:
        seqs = [r.seq for r in reader.parked()]
    assert len(seqs) == 5
    read = app.read_large
    times: list[int] = []

    def counted(large, mapping=None):  # type: ignore[no-untyped-def]
        times.append(1)
        return read(large, mapping)

    app.read_large = counted  # type: ignore[method-assign]
    done = Mending(app.store, app.intake()).retry(seqs, at(1), ADA)
    assert [one.waits for one in done] == [False] * 5 and len(times) == 1


def test_another_content_under_the_same_key_and_message_id_is_no_contradiction(
    batons: Open, tmp_path: Path
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES.replace("magnitude", "inverted"))
    take(app, dft("1"))
    assert balance(app) == -10_000
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    (one,) = again(app)
    assert (len(one.fresh), len(one.gone)) == (1, 1) and balance(app) == 10_000
    with app.store.read() as reader:
        assert reader.parked() == []
