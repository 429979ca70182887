"""Policies in the store: one line of policies in force, whoever approves at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import TYPE_CHECKING

import pytest

from adapters.store import PolicyOutcomeRow, PolicyProposalRow, PolicyRow, Store
from schemas.errors import BatonError
from service.app import BUNDLED_POLICY, read_packs
from service.core import parse_policy
from service.core.policy import examine
from service.publication import InForce, Person, approve, begin, propose, withdraw

if TYPE_CHECKING:
    from tests.ports.conftest import Maker

ANN, BOB, CAT = Person("Ann", "root"), Person("Bob", "root"), Person("Cat")
TEXTS = read_packs([BUNDLED_POLICY])
BUNDLED = parse_policy(TEXTS)


def ours(days: int) -> dict[str, str]:
    text = (
        '[policy]\nid = "ours"\nversion = "1"\nprecedence = 1\n[gates.G41]\ncitation = "Board"\n'
        f'[[gates.G41.value]]\nname = "min_days"\nvalue = {days}\nunit = "days"\n'
    )
    return TEXTS | {"ours.toml": text}


def proposed(store: Store, make: Maker, days: int, by: Person = ANN) -> str:
    with store.write() as unit:
        begin(unit, BUNDLED, TEXTS, make.now)
        return propose(unit, ours(days), by, "why", make.now, examine).policy.sha256


def code_of(work: object) -> str:
    with pytest.raises(BatonError) as caught:
        work()  # type: ignore[operator]
    return caught.value.code


def test_a_new_store_begins_with_the_policy_on_disk_and_says_so(store: Store, make: Maker) -> None:
    for _ in range(2):
        with store.write() as unit:
            begin(unit, BUNDLED, TEXTS, make.now)
    with store.read() as reader:
        (step,) = reader.policy_steps()
        assert (step.sha256, step.outcome, step.generation, step.by) == (
            BUNDLED.sha256,
            "bootstrap",
            0,
            "baton",
        )
        assert reader.policy_in_force(make.now) == step
        (entry,) = reader.audit_entries_for(f"policy:{BUNDLED.sha256}")
        assert entry.kind == "policy.begun"


def test_processes_that_start_at_once_begin_with_one_policy(store: Store, make: Maker) -> None:
    together = Barrier(4)

    def start(n: int) -> None:
        texts = ours(n + 1)
        together.wait()
        with store.write() as unit:
            begin(unit, parse_policy(texts), texts, make.now)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    with store.read() as reader:
        (step,) = reader.policy_steps()
        assert step.generation == 0


def test_a_second_person_puts_a_proposal_in_force(store: Store, make: Maker) -> None:
    sha256 = proposed(store, make, 75)
    with store.read() as reader:
        assert reader.policy_in_force(make.now).sha256 == BUNDLED.sha256  # type: ignore[union-attr]
    with store.write() as unit:
        approve(unit, sha256[:12], BOB, "seen", make.later(1), examine)
    with store.read() as reader:
        step = reader.policy_in_force(make.later(1))
        assert step is not None and step.sha256 == sha256
        assert (step.by, step.os_user, step.settled_by, step.settled_note) == ("Ann", "root", "Bob", "seen")
        assert reader.policy_in_force(make.now).sha256 == BUNDLED.sha256  # type: ignore[union-attr]
        assert reader.policy(sha256) is not None
        assert [e.kind for e in reader.audit_entries_for(f"policy:{sha256}")] == [
            "policy.approved",
            "policy.proposed",
        ]


@pytest.mark.parametrize("name", ["Ann", " ann ", "ANN"])
def test_who_proposed_cannot_approve(store: Store, make: Maker, name: str) -> None:
    sha256 = proposed(store, make, 75)
    with store.write() as unit:
        assert code_of(lambda: approve(unit, sha256, Person(name), "", make.now, examine)) == "same-person"
        assert code_of(lambda: approve(unit, sha256, Person(" "), "", make.now, examine)) == "no-name"
    with store.read() as reader:
        assert reader.policy_in_force(make.later(9)).sha256 == BUNDLED.sha256  # type: ignore[union-attr]


def test_two_who_approve_different_proposals_at_once_do_not_both_succeed(store: Store, make: Maker) -> None:
    digests = [proposed(store, make, 75), proposed(store, make, 80)]
    together = Barrier(2)

    def confirm(sha256: str) -> str:
        together.wait()
        try:
            with store.write() as unit:
                approve(unit, sha256, BOB, "", make.now, examine)
        except BatonError as error:
            return error.code
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(confirm, digests))
    assert said[0] == "approved" and said[1] in ("settled-before", "stale-proposal")
    with store.read() as reader:
        assert sorted(s.generation for s in reader.policy_steps() if s.generation is not None) == [0, 1]


def test_two_who_approve_the_same_proposal_at_once_leave_one_approval(store: Store, make: Maker) -> None:
    sha256 = proposed(store, make, 75)
    together = Barrier(2)

    def confirm(by: Person) -> str:
        together.wait()
        try:
            with store.write() as unit:
                approve(unit, sha256, by, "", make.now, examine)
        except BatonError as error:
            return error.code
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(confirm, [BOB, CAT]))
    assert said[0] == "approved" and said[1] in ("settled-before", "stale-proposal")


def test_an_outcome_for_a_taken_generation_is_not_written(store: Store, make: Maker) -> None:
    proposed(store, make, 75)
    proposed(store, make, 80)
    with store.write() as unit:
        first, second = [s.seq for s in unit.reader.policy_steps(open_only=True)]
        for seq, done in ((first, True), (second, False), (first, False)):
            row = PolicyOutcomeRow(seq, "approved", "Bob", "", "", make.now, make.now, 1)
            assert unit.settle_policy(row) is done


def test_a_proposal_made_before_another_was_approved_is_stale(store: Store, make: Maker) -> None:
    first, second = proposed(store, make, 75), proposed(store, make, 80)
    with store.write() as unit:
        approve(unit, first, BOB, "", make.now, examine)
    with store.write() as unit:
        assert code_of(lambda: approve(unit, second, BOB, "", make.now, examine)) == "stale-proposal"


def test_a_withdrawn_proposal_is_kept_and_cannot_be_approved(store: Store, make: Maker) -> None:
    sha256 = proposed(store, make, 75)
    with store.write() as unit:
        withdraw(unit, sha256, ANN, "a mistake", make.now)
    with store.write() as unit:
        assert code_of(lambda: approve(unit, sha256, BOB, "", make.now, examine)) == "settled-before"
    with store.read() as reader:
        step = reader.policy_steps()[0]
        assert (step.outcome, step.settled_note, step.generation) == ("withdrawn", "a mistake", None)


def test_a_policy_may_be_in_force_from_an_instant_to_come(store: Store, make: Maker) -> None:
    sha256 = proposed(store, make, 75)
    with store.write() as unit:
        approve(unit, sha256, BOB, "", make.now, examine, make.later(3600))
    with store.read() as reader:
        assert reader.policy_in_force(make.later(3599)).sha256 == BUNDLED.sha256  # type: ignore[union-attr]
        assert reader.policy_in_force(make.later(3600)).sha256 == sha256  # type: ignore[union-attr]
    other = proposed(store, make, 80)
    with store.write() as unit:
        early, past = make.later(60), make.now - timedelta(seconds=1)
        for at in (early, past):
            assert (
                code_of(lambda at=at: approve(unit, other, BOB, "", make.now, examine, at)) == "in-the-past"
            )


def test_nothing_new_is_no_proposal(store: Store, make: Maker) -> None:
    proposed(store, make, 75)
    assert code_of(lambda: proposed(store, make, 75, BOB)) == "proposed-already"
    with store.write() as unit:
        work = lambda: propose(unit, TEXTS, ANN, "", make.now, examine)  # noqa: E731
        assert code_of(work) == "nothing-changes"


def test_a_policy_that_is_wrong_is_never_proposed(store: Store, make: Maker) -> None:
    wrong = {"ours.toml": ours(1)["ours.toml"].replace("G41", "G99")}
    with store.write() as unit:
        begin(unit, BUNDLED, TEXTS, make.now)
        assert code_of(lambda: propose(unit, TEXTS | wrong, ANN, "", make.now, examine)) == "unknown-gate"
    with store.read() as reader:
        assert len(reader.policy_steps()) == 1


def test_a_running_process_takes_up_what_was_approved_and_asks_only_now_and_then(
    store: Store, make: Maker
) -> None:
    sha256 = proposed(store, make, 75)
    clock, asked = [make.now], [0]

    def opened() -> Store:
        asked[0] += 1
        return store

    in_force = InForce(opened, BUNDLED, examine, lambda: clock[0])
    assert in_force().sha256 == BUNDLED.sha256
    with store.write() as unit:
        approve(unit, sha256, BOB, "", make.now, examine)
    before = asked[0]
    assert in_force().sha256 == BUNDLED.sha256 and asked[0] == before
    clock[0] = make.later(3)
    assert in_force().sha256 == sha256 and in_force() is in_force()
    assert in_force().of_gate(make.today, "G41").values["min_days"] == (75, 75, 75)


def test_a_policy_in_force_that_does_not_fit_the_program_is_refused(store: Store, make: Maker) -> None:
    without = {name: text for name, text in TEXTS.items() if name != "us_federal.toml"}
    import json

    with store.write() as unit:
        unit.keep_policy(PolicyRow("ab" * 32, "old", json.dumps(without).encode(), make.now))
        unit.begin_policy(PolicyProposalRow("ab" * 32, None, "baton", "", "", make.now))
    assert code_of(InForce(lambda: store, BUNDLED, examine, lambda: make.now)) == "policy-does-not-fit"
