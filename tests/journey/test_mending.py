"""For the operator: what people do about parked messages, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from adapters.store import ParkedFilter, ParkedProposal, ParkedRecord
from schemas.errors import BatonError
from schemas.facts import AccountRef
from service import answers
from service.app import App
from service.config import load
from service.intake import Intake
from service.mending import Mending, Person
from tests.journey.stories import MOMENT, NOW, TODAY, ago, native, ripe, sealed

A1 = AccountRef("GEN", "A1")


def opened(home: Path, **settings: str) -> App:
    app = App(
        load(
            {"BATON_HOME": str(home), "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"} | settings
        )
    )
    app.store.upgrade()
    return app


@pytest.fixture(params=["sqlite", "postgresql"])
def app(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[App]:
    url = f"sqlite:///{tmp_path}/baton.db"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    made = opened(tmp_path, BATON_DATABASE_URL=url)
    yield made
    made.close()


def charge(id: str, amount: str, charge_id: str = "C1", account: str = "A1") -> dict[str, Any]:
    said = {"charge_id": charge_id, "amount": amount, "service_date": ago(150)}
    return native(id, "charge.posted", said, days=149, account=account)


def told(app: App, account: AccountRef = A1) -> dict[str, Any]:
    with app.store.read() as reader:
        return answers.why(reader, app.policy, account, TODAY)


def stands(app: App, account: AccountRef = A1) -> tuple[Any, ...]:
    said = told(app, account)
    case = said["case"]
    return said["determination"], said["balance"], case["status"] if case else None


def parked(app: App, **words: Any) -> list[ParkedRecord]:
    with app.store.read() as reader:
        return reader.parked(like=ParkedFilter(**words))


def choices(app: App, seq: int) -> list[str]:
    with app.store.read() as reader:
        return [s["fact"] for s in answers.parked_one(reader, seq)["statements"]]


def settle(app: App, seq: int, choice: str) -> None:
    mending = Mending(app.store, app.intake())
    mending.propose(seq, ParkedProposal("settle", NOW, "Ada", "the desk asked the hospital", choice))
    mending.approve(seq, MOMENT, Person("Ben"))


def in_conflict(app: App) -> ParkedRecord:
    """An account with a case that a second amount for one charge takes back; and what waits."""
    app.intake().receive(sealed(*ripe()), MOMENT)
    assert stands(app) == ("final", "142.17", "open")
    app.intake().receive(sealed(charge("again", "700.00")), MOMENT)
    (record,) = parked(app, code="conflict")
    assert stands(app)[0] == "undetermined" and stands(app)[2] == "recalled"
    return record


def test_two_people_say_which_statement_stands_and_the_account_goes_on(app: App) -> None:
    record = in_conflict(app)
    first, _ = choices(app, record.seq)
    settle(app, record.seq, first)
    assert stands(app) == ("final", "142.17", "open")
    assert parked(app) == []
    with app.store.read() as reader:
        assert {e.kind for e in reader.audit_log()} >= {"parked.proposed", "parked.approved"}


def test_the_later_statement_may_stand_as_well(app: App) -> None:
    record = in_conflict(app)
    _, later = choices(app, record.seq)
    settle(app, record.seq, later)
    assert stands(app)[1] == "242.17" and parked(app) == []


def test_when_none_stands_the_next_statement_is_no_conflict(app: App) -> None:
    record = in_conflict(app)
    settle(app, record.seq, "none")
    assert choices(app, record.seq) == []
    (receipt,) = app.intake().receive(sealed(charge("third", "600.00", "C1") | {"source": "pas"}), MOMENT)
    # The very statement that was taken out stays out; a new one about the same charge is taken.
    (other,) = app.intake().receive(sealed(charge("fourth", "601.00", "C1")), MOMENT)
    assert (receipt.disposition, other.disposition) == ("duplicate", "accepted")
    assert parked(app) == []


def test_one_person_alone_changes_nothing(app: App) -> None:
    record = in_conflict(app)
    first, _ = choices(app, record.seq)
    mending = Mending(app.store, app.intake())
    with pytest.raises(BatonError, match="nobody has proposed"):
        mending.approve(record.seq, MOMENT, Person("Ben"))
    mending.propose(record.seq, ParkedProposal("settle", NOW, "Ada", "because", first))
    for same in ("Ada", " ada "):
        with pytest.raises(BatonError) as refused:
            mending.approve(record.seq, MOMENT, Person(same))
        assert refused.value.code == "same-person"
    assert stands(app)[0] == "undetermined"
    assert [r.seq for r in parked(app)] == [record.seq]


@pytest.mark.parametrize(
    ("proposal", "code"),
    [
        (ParkedProposal("settle", NOW, "Ada", "because", "f" * 64), "no-such-statement"),
        (ParkedProposal("settle", NOW, "Ada", "because", "both"), "no-such-statement"),
        (ParkedProposal("settle", NOW, "Ada", " ", "none"), "no-reason"),
        (ParkedProposal("settle", NOW, " ", "because", "none"), "no-name"),
        (ParkedProposal("discard", NOW, "Ada", "because"), "a-contradiction"),
    ],
)
def test_what_cannot_be_proposed_is_refused_and_says_why(
    tmp_path: Path, proposal: ParkedProposal, code: str
) -> None:
    app = opened(tmp_path)
    record = in_conflict(app)
    with pytest.raises(BatonError) as refused:
        Mending(app.store, app.intake()).propose(record.seq, proposal)
    assert refused.value.code == code
    app.close()


def test_a_sender_cannot_take_a_statement_out(app: App) -> None:
    record = in_conflict(app)
    for n, (source, fact) in enumerate((s, f) for s in ("pas", "baton") for f in choices(app, record.seq)):
        said = {"flag": "contradiction", "cleared_on": ago(0), "reference": fact}
        id = f"contradiction|{fact}" if source == "baton" else f"x{n}"
        app.intake().receive(sealed(native(id, "account.cleared", said) | {"source": source}), MOMENT)
    assert stands(app)[0] == "undetermined" and len(choices(app, record.seq)) == 2


def test_a_message_id_used_twice_may_mean_two_statements_that_both_stand(app: App) -> None:
    app.intake().receive(sealed(*ripe()), MOMENT)
    app.intake().receive(sealed(charge("A1-3", "50.00", "C9", account="B7")), MOMENT)
    (record,) = parked(app, code="id-reused")
    assert stands(app)[2] == "recalled"
    settle(app, record.seq, "both")
    assert stands(app) == ("final", "142.17", "open") and parked(app) == []
    assert told(app, AccountRef("GEN", "B7"))["balance"] == "50.00"


def test_the_order_of_arrival_does_not_matter_to_what_was_settled(tmp_path: Path) -> None:
    ends = set()
    for n, order in enumerate(permutations([charge("again", "700.00"), *ripe()[2:4]])):
        app = opened(tmp_path / str(n))
        story = ripe()
        app.intake().receive(sealed(story[0], story[1], *order, *story[4:]), MOMENT)
        (record,) = parked(app, code="conflict")
        with app.store.read() as reader:
            keep = next(
                r.fact.id for r in reader.facts(A1) if getattr(r.fact.body, "amount_cents", 0) == 60000
            )
        settle(app, record.seq, keep)
        ends.add(stands(app))
        app.close()
    assert ends == {("final", "142.17", "open")}


def test_a_rehearsal_says_what_would_change_and_stores_nothing(app: App) -> None:
    mapped = sealed({"schema": "baton/1", "type": "nothing.known"})
    app.intake().receive(mapped, MOMENT)
    (record,) = parked(app)
    story = ripe()

    def reader_of_tomorrow(_: Any) -> Any:
        for message in sealed(*story):
            yield from app.read(message)

    intake = Intake(app.store, app.read, reader_of_tomorrow, app.policy, app.terms())
    before = counted(app)
    (would,) = Mending(app.store, intake).retry([record.seq], MOMENT, Person("Ada"), dry_run=True)
    assert counted(app) == before and [r.seq for r in parked(app)] == [record.seq]
    assert would.outlook is not None
    ((ref, was, will),) = would.outlook.accounts
    assert (ref, was) == (A1, None) and will is not None
    assert (will.patient_cents, will.case_status) == (14217, "open")
    (done,) = Mending(app.store, intake).retry([record.seq], MOMENT, Person("Ada"))
    assert done.receipt == would.outlook.receipt and stands(app) == ("final", "142.17", "open")


def counted(app: App) -> Any:
    with app.store.read() as reader:
        return reader.counts(), len(list(reader.audit_log()))


def test_a_discard_takes_two_people_and_keeps_the_bytes(app: App) -> None:
    app.intake().receive(sealed(b"what is this?"), MOMENT)
    (record,) = parked(app)
    mending = Mending(app.store, app.intake())
    mending.propose(record.seq, ParkedProposal("discard", NOW, "Ada", "a test of the sender"))
    mending.approve(record.seq, MOMENT, Person("Ben"))
    assert parked(app) == []
    with app.store.read() as reader:
        done = reader.parked_one(record.seq)
        assert done is not None and (done.actions[0].action, done.actions[0].by) == ("discarded", "Ben")
        assert reader.message_body(record.message_seq) == b"what is this?"
    with pytest.raises(BatonError) as refused:
        mending.approve(record.seq, MOMENT, Person("Cleo"))
    assert refused.value.code == "settled-before"


def test_what_waits_is_found_by_feed_code_account_and_words(app: App) -> None:
    record = in_conflict(app)
    app.intake().receive(sealed(b"what is this?", feed="other"), MOMENT)
    assert [r.code for r in parked(app, account="GEN/A1")] == ["conflict"]
    assert [r.seq for r in parked(app, account="A1", feed="test", format="json")] == [record.seq]
    assert [r.feed for r in parked(app, feed="other")] == ["other"]
    assert [r.seq for r in parked(app, text="BUSINESS KEY")] == [record.seq]
    assert parked(app, text="%") == [] and parked(app, account="GEN/A2") == []
    assert parked(app, since=NOW.replace(year=2027)) == []
