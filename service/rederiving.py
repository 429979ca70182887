"""Messages that today's mapping reads otherwise than the one that read them: read again, nothing twice.

What a message states no more is taken out by a fact of its own, as a settled contradiction is: nothing is
removed, and what is left is a function of the set of facts. What another message still states stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from adapters.store import MessageFilter, MessageReading, Reader, Store
from schemas.facts import AccountRef, Fact
from service.core.withdrawing import CONTRADICTION, withdrawal, withdrawn
from service.intake import CONTRADICTIONS, Intake, Moment, Reading, Revision
from service.mending import Person

PAGE: Final = 500
OWN: Final = "|baton|"


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading one message again comes to.

    `blocked` says that it would state again what was taken out before, which stays out: nothing is done.
    """

    seq: int
    sha256: str
    feed: str
    fresh: Sequence[Fact] = ()
    gone: Sequence[Fact] = ()
    parked: int = 0
    settled: int = 0
    blocked: bool = False

    @property
    def accounts(self) -> frozenset[AccountRef]:
        """The accounts that it changes."""
        return frozenset(f.account for f in (*self.fresh, *self.gone) if f.account is not None)

    @property
    def changes(self) -> bool:
        """Whether it does anything but note that it was read."""
        return not self.blocked and bool(self.fresh or self.gone or self.parked or self.settled)


@dataclass(slots=True)
class Plan:
    """Messages that another mapping read, and what reading each again comes to."""

    messages: list[Reread] = field(default_factory=list)
    read: dict[int, Reading] = field(default_factory=dict)


class Rederiving:
    """Finds messages that another mapping read, and reads them again."""

    def __init__(self, store: Store, intake: Intake, version: Callable[[str], str]) -> None:
        self._store = store
        self._intake = intake
        self._version = version

    def plan(self, like: MessageFilter, limit: int) -> Plan:
        """What reading again would come to; nothing is stored. At most `limit` messages, oldest first."""
        plan = Plan()
        stated: set[str] = set()
        before: dict[int, list[Fact]] = {}
        with self._store.read() as reader:
            found = list(self._otherwise(reader, like, limit))
        for one in found:
            reading = self._intake.read_again(one.seq)
            plan.read[one.seq] = reading
            stated.update(f.id for f in reading.facts)
        with self._store.read() as reader:
            for one in found:
                before[one.seq] = _standing_facts(reader, one.seq)
            doubtful = {f.id for facts in before.values() for f in facts} - stated
            if doubtful:
                doubtful -= self._stated_elsewhere(reader, {one.seq for one in found}, doubtful)
            for one in found:
                gone = [f for f in before[one.seq] if f.id in doubtful]
                plan.messages.append(_reread(reader, one, plan.read[one.seq], gone))
        return plan

    def _otherwise(self, reader: Reader, like: MessageFilter, limit: int) -> Iterator[MessageReading]:
        after, left = 0, limit
        while left > 0 and (page := reader.message_readings(like, after, PAGE)):
            after = page[-1].seq
            for one in page:
                if one.mapping is not None and one.mapping != self._version(one.feed) and left > 0:
                    left -= 1
                    yield one

    def _stated_elsewhere(self, reader: Reader, own: set[int], doubtful: set[str]) -> set[str]:
        """Which of these facts a message that repeated something states too: those are read for it."""
        found: set[str] = set()
        after = 0
        while page := reader.message_readings(MessageFilter(), after, PAGE):
            after = page[-1].seq
            for one in page:
                if one.duplicate and one.seq not in own:
                    found |= doubtful & {f.id for f in self._intake.read_again(one.seq).facts}
        return found

    def apply(self, plan: Plan, moment: Moment, by: Person) -> list[Reread]:
        """Do it, each message in one transaction with the decisions that follow; those that were changed."""
        done = []
        for one in plan.messages:
            if one.blocked:
                continue
            note = f"read again by mapping {self._version(one.feed)[:12]}"
            facts = [
                *one.fresh,
                *(
                    withdrawal(f, CONTRADICTION, moment.now, moment.as_of, by.name, note)
                    for f in one.gone
                    if f.account is not None
                ),
            ]
            self._intake.revise(
                one.seq,
                Revision(
                    facts,
                    plan.read[one.seq].rejected,
                    frozenset(f.id for f in one.gone),
                    self._version(one.feed),
                    (by.name, by.through),
                ),
                moment,
            )
            if one.changes:
                done.append(one)
        return done


def _standing_facts(reader: Reader, seq: int) -> list[Fact]:
    """The facts that a message was the first to state and that nobody has taken out."""
    facts = [r.fact for r in reader.facts_of_message(seq, limit=1_000_000) if OWN not in r.fact.key]
    accounts = {f.account for f in facts if f.account is not None}
    gone = withdrawn(r.fact for account in accounts for r in reader.facts(account))
    return [f for f in facts if f.account is not None and f.id not in gone]


def _reread(reader: Reader, one: MessageReading, reading: Reading, gone: Sequence[Fact]) -> Reread:
    known = reader.known_facts({f.id for f in reading.facts})
    fresh = list({f.id: f for f in reading.facts if f.id not in known}.values())
    open_ = reader.parked(message_seq=one.seq, limit=10_000)
    places = {(p.place, p.code) for p in reader.parked(open_only=False, message_seq=one.seq, limit=10_000)}
    waits = {r.where for r in reading.rejected}
    return Reread(
        one.seq,
        one.sha256,
        one.feed,
        fresh,
        gone,
        sum(1 for r in reading.rejected if (r.where, r.code) not in places),
        sum(1 for p in open_ if p.place not in waits and p.code not in CONTRADICTIONS),
        _returns(reader, reading.facts, known),
    )


def _returns(reader: Reader, facts: Iterable[Fact], known: frozenset[str]) -> bool:
    """Whether something is stated again that was taken out."""
    again = [f for f in facts if f.id in known and f.account is not None]
    accounts = {f.account for f in again if f.account is not None}
    gone = withdrawn(r.fact for account in accounts for r in reader.facts(account))
    return any(f.id in gone for f in again)
