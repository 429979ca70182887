"""For the message desk: what an older mapping has read is read again, once, and nothing counts twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from adapters.store import MessageFilter
from schemas.canonical import from_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef, Message
from service.app import App
from service.core import fold
from service.core.withdrawing import CONTRADICTION, withdrawal
from service.mending import Mending, Person
from service.rederiving import Rederiving, Reread
from tests.journey.batons import Open, at
from tests.journey.command_line import Home
from tests.journey.stories import NOW

A1 = AccountRef("GEN", "A1")
ADA = Person("Ada")
KIM = Person("Kim")
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
    work = Rederiving(app.store, app.intake(), app.mapping_version)
    plan = work.plan(MessageFilter(), 1000)
    if do and plan.changes:
        work.propose(MessageFilter(), 1000, ADA, "a code was wrong", at(1).now)
        assert work.approve(plan.sha256, at(1), KIM).sha256 == plan.sha256
    elif do:
        work.note(plan, at(1), ADA)
    return plan.messages


def facts(app: App) -> set[str]:
    with app.store.read() as reader:
        return {r.fact.id for r in reader.facts(A1)}


def unread(app: App) -> bool:
    """Whether the account holds for a part of a message that nobody could read."""
    with app.store.read() as reader:
        flags = fold([r.fact for r in reader.facts(A1)]).flags
    return any(flag.body.flag == "unread_part" for flag in flags)


def waits(app: App) -> list[int]:
    with app.store.read() as reader:
        return [entry.seq for entry in reader.parked()]


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
    assert [(len(one.fresh), len(one.gone), len(one.waits)) for one in would] == [(1, 1, 0), (1, 1, 0)]
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


@pytest.mark.parametrize("times", [2, 5])
def test_a_mapping_that_goes_back_ends_in_the_facts_of_the_first_counted_once(
    batons: Open, tmp_path: Path, times: int
) -> None:
    """A, B, A, B, …: whatever the last mapping says counts, once; everything that was said stays."""
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    take(app, dft("1"), dft("2", "250.00", transaction="T2"))
    stated = facts(app)
    for n in range(times):
        back = n % 2 == 1
        app = mapped(batons, tmp_path / "feeds", CHARGES if back else PAYMENTS, app)
        would = again(app, do=False)
        assert [len(one.back) for one in would] == [int(n > 0)] * 2
        assert [len(one.gone) for one in would] == [1, 1] and not any(one.blocked for one in would)
        before = facts(app)
        again(app)
        assert before <= facts(app), "something was removed"
        assert balance(app) == (35_000 if back else -35_000)
        assert again(app) == []
    assert stated <= facts(app)
    assert kinds(app).count("charge.posted") == 2 and kinds(app).count("payment.posted") == 2
    with app.store.read() as reader:
        standing = fold([r.fact for r in reader.facts(A1)])
        assert reader.parked() == [] and standing.contradictions == ()
    assert (len(standing.charges), len(standing.payments)) == ((2, 0) if times % 2 == 0 else (0, 2))


def test_a_third_mapping_contradicts_neither_of_those_before(batons: Open, tmp_path: Path) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES.replace("magnitude", "inverted"))
    take(app, dft("1"))
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    again(app)
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    again(app)
    assert balance(app) == 10_000
    with app.store.read() as reader:
        assert reader.parked() == []
        assert fold([r.fact for r in reader.facts(A1)]).contradictions == ()


def test_what_went_out_and_another_message_states_counts_again(batons: Open, tmp_path: Path) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    take(app, dft("1"))
    (tmp_path / "feeds" / "twin.toml").write_text(CHARGES)
    app = mapped(batons, tmp_path / "feeds", f'{SIGNS}ft1_code = {{ ROOM = "ignore" }}\n', app)
    again(app)
    assert balance(app) == 0
    assert take(app, dft("1"), feed="twin") == ["duplicate"]
    assert balance(app) == 10_000 and kinds(app).count("charge.posted") == 1
    assert take(app, dft("1"), feed="twin") == ["duplicate"] and balance(app) == 10_000
    assert again(app) == []


def test_what_people_took_out_stays_out_and_its_message_is_left_as_it_is(
    batons: Open, tmp_path: Path
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    take(app, dft("1"))
    with app.store.read() as reader:
        (fact,) = [r.fact for r in reader.facts(A1) if r.fact.kind == "charge.posted"]
        (message,) = reader.message_readings(MessageFilter(), 0, 9)
    out = withdrawal(fact, CONTRADICTION, at(0).now, at(0).as_of, "Ada, Kim", "not ours")
    app.intake().state(message.seq, [out], at(0), lambda unit: None)
    assert balance(app) == 0
    app = mapped(batons, tmp_path / "feeds", CHARGES + 'ft1_type = { CG = "charge" }\n', app)
    assert [one.blocked for one in again(app)] == [True]
    assert balance(app) == 0


def test_what_changes_an_account_needs_a_second_person_who_approves_exactly_that(
    batons: Open, tmp_path: Path
) -> None:
    app = mapped(batons, tmp_path / "feeds", CHARGES)
    take(app, dft("1"))
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    work, like, now = Rederiving(app.store, app.intake(), app.mapping_version), MessageFilter(), at(1).now

    def refused(code: str, do: Callable[[], object]) -> None:
        with pytest.raises(BatonError) as error:
            do()
        assert error.value.code == code
        assert balance(app) == 10_000, "it was done all the same"

    refused("proposal-needed", lambda: work.note(work.plan(like, 9), at(1), ADA))
    refused("no-such-proposal", lambda: work.approve(work.plan(like, 9).sha256, at(1), KIM))
    refused("no-reason", lambda: work.propose(like, 9, ADA, " ", now))
    refused("no-name", lambda: work.propose(like, 9, Person(" "), "a code", now))
    first = work.propose(like, 9, ADA, "a code", now).sha256
    refused("proposed-already", lambda: work.propose(like, 9, KIM, "a code", now))
    refused("same-person", lambda: work.approve(first, at(1), Person("  ada ")))
    refused("short-digest", lambda: work.approve(first[:7], at(1), KIM))
    work.withdraw(first, KIM, "not yet", now)
    refused("settled-before", lambda: work.approve(first, at(1), KIM))
    key = Person("Ada", "key:one")
    assert work.propose(like, 9, key, "a code", now).sha256 == first
    refused("same-key", lambda: work.approve(first, at(1), Person("Kim", "key:one")))
    take(app, dft("2", transaction="T2"))  # read by the new mapping: these changes stay what they are
    app = mapped(batons, tmp_path / "feeds", CHARGES.replace("magnitude", "inverted"), app)
    work = Rederiving(app.store, app.intake(), app.mapping_version)
    with pytest.raises(BatonError, match="stale-proposal"):
        work.approve(first, at(1), KIM)
    app = mapped(batons, tmp_path / "feeds", PAYMENTS, app)
    work = Rederiving(app.store, app.intake(), app.mapping_version)
    work.approve(first[:8].upper(), at(1), KIM)
    assert balance(app) == -20_000
    with app.store.read() as reader:
        entries = reader.audit_entries_for(f"reread/{first}")
        told = [from_bytes(e.content) | {"kind": e.kind} for e in reversed(entries)]
    assert [(t["kind"], t["by"], t["reason"]) for t in told] == [
        ("reread.proposed", "Ada", "a code"),
        ("reread.withdrawn", "Kim", "not yet"),
        ("reread.proposed", "Ada", "a code"),
        ("reread.approved", "Kim", ""),
    ]


def test_the_command_line_leads_from_a_look_to_the_second_person(tmp_path: Path) -> None:
    home = Home(tmp_path)
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "ehr.toml").write_text(CHARGES)
    (tmp_path / "1.hl7").write_bytes(dft("1"))
    assert home.baton("ingest", "--feed", "ehr", "1.hl7").returncode == 0
    (feeds / "ehr.toml").write_text(PAYMENTS)
    look = home.baton("messages", "rederive", "--dry-run")
    assert look.returncode == 0 and "--propose --reason TEXT --by NAME" in look.stdout
    assert "proposal-needed" in home.baton("messages", "rederive").stderr
    assert home.baton("messages", "rederive", "--propose", "--by", "Ada").returncode == 2
    said = home.baton(
        "messages", "rederive", "--propose", "--reason", "ROOM is a payment", "--by", "Ada"
    ).stdout
    digest = said.split("--approve ")[1].split()[0]
    assert "nothing has changed yet" in said
    listed = home.baton("messages", "rederive", "--proposals").stdout
    assert digest in listed and "ROOM is a payment" in listed
    assert "same-person" in home.baton("messages", "rederive", "--approve", digest, "--by", "ada").stderr
    words = ("messages", "rederive", "--approve", digest, "--by", "Kim")
    assert "same-login" in home.baton(*words, BATON_SHARED_LOGIN="refuse").stderr
    approved = home.baton(*words)
    assert approved.returncode == 0 and "cannot tell them apart" in approved.stderr
    told = json.loads(home.baton("messages", "rederive", "--json").stdout)
    assert (told["messages"], told["changed"]) == (0, 0)
    assert home.baton("messages", "rederive", "--proposals").stdout == "Nothing is proposed.\n"
    assert home.baton("audit", "verify").returncode == 0 and home.baton("replay").returncode == 0


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
    assert (len(one.fresh) > 0, len(one.settled), len(one.waits)) == (True, 1, 0)
    assert balance(app) == 10_000
    with app.store.read() as reader:
        assert reader.parked() == []
    app = mapped(batons, tmp_path / "feeds", SIGNS, app)
    for _ in range(2):
        (one,) = again(app)
        assert (len(one.waits), len(one.gone), balance(app)) == (1, 1, 0)
        assert unread(app) and len(waits(app)) == 1, "the part waits again, so the account holds again"
        app = mapped(batons, tmp_path / "feeds", CHARGES, app)
        (one,) = again(app)
        assert len(one.settled) == 1 and balance(app) == 10_000
        assert not unread(app) and waits(app) == []
        app = mapped(batons, tmp_path / "feeds", SIGNS, app)
    again(app)
    app = mapped(batons, tmp_path / "feeds", CHARGES, app)
    (seq,) = waits(app)
    (done,) = Mending(app.store, app.intake()).retry([seq], at(2), ADA)
    assert not done.waits and not unread(app) and balance(app) == 10_000 and waits(app) == []


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
    asked = ("messages", "rederive", "--propose", "--reason", "a code", "--by", "Ada", "--json")
    told = json.loads(home.baton(*asked).stdout)
    assert home.baton("messages", "rederive", "--approve", told["changes"], "--by", "Kim").returncode == 0
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
