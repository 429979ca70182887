"""Messages that today's mapping reads otherwise than the one that read them: read again, nothing twice.

What a message states no more is taken out by a fact of its own, as a settled contradiction is: nothing is
removed, and what is left is a function of the set of facts. What another message still states stays; what
went out so and is stated again comes back. What changes anything is proposed by one person and approved by
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.store import (
    AuditRow,
    MessageFilter,
    MessageReading,
    Reader,
    RereadOutcome,
    RereadProposal,
    Store,
    Unit,
)
from schemas.canonical import digest, from_bytes, to_bytes
from schemas.errors import BatonError
from schemas.facts import UNREAD_PART, AccountFlagged, AccountRef, Fact
from service.core.withdrawing import (
    REREAD,
    reread_out,
    settled_out,
    to_bring_back,
    to_take_out,
    withdrawal,
    withdrawn,
)
from service.intake import Intake
from service.logins import check_logins
from service.mending import KEY, Person
from service.readings import CONTRADICTIONS, Reading, Revision
from service.receipts import Moment
from service.unread_holds import waiting_or_discarded

PAGE: Final = 500
OWN: Final = "|baton|"
SHORTEST_DIGEST: Final = 8


@dataclass(frozen=True, slots=True)
class Reread:
    """What reading one message again by a mapping comes to.

    `fresh` is new, `gone` is stated no more, `back` stood once, went out so, and is stated again.
    `withdraws` are the facts that have to be withdrawn for that. `waits` are the parts that wait from now
    on, `settled` the entries that wait no more. `blocked` says that people took out what it states again:
    nothing is done.
    """

    seq: int
    sha256: str
    feed: str
    mapping: str
    fresh: Sequence[Fact] = ()
    gone: Sequence[Fact] = ()
    back: Sequence[Fact] = ()
    withdraws: Sequence[Fact] = ()
    superseded: frozenset[str] = frozenset()
    waits: Sequence[tuple[str, str]] = ()
    settled: Sequence[int] = ()
    blocked: bool = False

    @property
    def accounts(self) -> frozenset[AccountRef]:
        """The accounts that it changes."""
        changed = (*self.fresh, *self.gone, *self.back)
        return frozenset(f.account for f in changed if f.account is not None)

    @property
    def changes(self) -> bool:
        """Whether it does anything but note that it was read."""
        return not self.blocked and bool(self.fresh or self.gone or self.back or self.waits or self.settled)

    def plain(self) -> dict[str, Any]:
        """What it comes to, for a digest over it."""
        return {
            "message": self.sha256,
            "feed": self.feed,
            "mapping": self.mapping,
            "fresh": sorted(f.id for f in self.fresh),
            "gone": sorted(f.id for f in self.gone),
            "back": sorted(f.id for f in self.back),
            "waits": sorted([place, code] for place, code in self.waits),
            "settled": sorted(self.settled),
            "blocked": self.blocked,
        }


@dataclass(slots=True)
class Plan:
    """Messages that another mapping read, and what reading each again comes to."""

    messages: list[Reread] = field(default_factory=list)
    read: dict[int, Reading] = field(default_factory=dict)

    @property
    def changes(self) -> bool:
        """Whether it does anything but note that messages were read."""
        return any(one.changes for one in self.messages)

    @property
    def sha256(self) -> str:
        """What names exactly these changes."""
        return digest(to_bytes([one.plain() for one in self.messages]))


class Rederiving:
    """Finds messages that another mapping read, and reads them again."""

    def __init__(
        self,
        store: Store,
        intake: Intake,
        version: Callable[[str], str],
        *,
        refuse_shared_login: bool = False,
    ) -> None:
        self._store = store
        self._refuse_shared_login = refuse_shared_login
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
            brought: set[str] = set()
            for one in found:
                gone = [f for f in before[one.seq] if f.id in doubtful]
                told = _reread(reader, one, plan.read[one.seq], gone, brought)
                brought |= {f.id for f in told.back}
                plan.messages.append(told)
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

    def note(self, plan: Plan, moment: Moment, by: Person) -> None:
        """Note which mapping reads messages now, where that changes nothing else; one person is enough.

        Raises:
            BatonError: `proposal-needed`, it changes something.
        """
        if plan.changes:
            raise BatonError(
                "proposal-needed",
                "this changes accounts; one person proposes it (--propose --reason TEXT --by NAME), another "
                "approves; --dry-run shows it",
            )
        self._apply(plan, moment, by)

    def propose(self, like: MessageFilter, limit: int, by: Person, note: str, now: datetime) -> Plan:
        """Propose to read messages again; nothing changes until somebody else approves these very changes.

        Raises:
            BatonError: `no-name`, `no-reason`, `nothing-changes`, `proposed-already`.
        """
        _named(by)
        if not note.strip():
            raise BatonError("no-reason", "say why; the second person reads it")
        plan = self.plan(like, limit)
        if not plan.changes:
            raise BatonError("nothing-changes", "reading these messages again changes nothing")
        asked = to_bytes(_told_filter(like) | {"limit": limit})
        row = RereadProposal(plan.sha256, asked, len(plan.messages), by.name, by.through, note, now)
        with self._store.write() as unit:
            if any(p.sha256 == row.sha256 for p in waiting(unit.reader)):
                raise BatonError(
                    "proposed-already", "these very changes are proposed; another person may approve them"
                )
            unit.propose_reread(row)
            _audit(unit, "reread.proposed", row, by, note, now)
        return plan

    def approve(self, sha256: str, moment: Moment, by: Person) -> Plan:
        """Do what somebody else proposed, each message in one transaction with the decisions that follow.

        The approval is kept first: where that is cut off, what is left shows up again and is proposed anew.

        Raises:
            BatonError: `no-such-proposal`, `settled-before`, `no-name`, `same-person`, `same-key`,
                `same-login`, `stale-proposal` (it would come to something else now).
        """
        _named(by)
        with self._store.read() as reader:
            proposal = _open(reader, sha256)
        if by.is_same(proposal.by):
            raise BatonError("same-person", "who proposed this cannot approve it; a second person must")
        if by.through.startswith(KEY) and by.through == proposal.through:
            raise BatonError("same-key", "this was proposed with the same key; a second person has their own")
        check_logins(proposal.through or None, by.through or None, refuse=self._refuse_shared_login)
        plan = self.plan(*_filter_of(proposal.asked))
        if plan.sha256 != proposal.sha256:
            raise BatonError(
                "stale-proposal",
                "reading these messages again would come to something else now; look at it with "
                "--dry-run, and propose that",
            )
        self._settle(proposal, "approved", by, "", moment.now)
        self._apply(plan, moment, by)
        return plan

    def withdraw(self, sha256: str, by: Person, note: str, now: datetime) -> None:
        """Take a proposal back, or refuse it.

        Raises:
            BatonError: `no-such-proposal`, `settled-before`, `no-name`.
        """
        _named(by)
        with self._store.read() as reader:
            proposal = _open(reader, sha256)
        self._settle(proposal, "withdrawn", by, note, now)

    def _settle(self, proposal: RereadProposal, outcome: str, by: Person, note: str, now: datetime) -> None:
        with self._store.write() as unit:
            if not unit.settle_reread(RereadOutcome(proposal.seq, outcome, by.name, by.through, note, now)):
                raise BatonError("settled-before", "somebody else was quicker; look again")
            _audit(unit, f"reread.{outcome}", proposal, by, note, now)

    def _apply(self, plan: Plan, moment: Moment, by: Person) -> None:
        """Do it, each message in one transaction with the decisions that follow."""
        for one in plan.messages:
            if one.blocked:
                continue
            note = f"read again by mapping {one.mapping[:12]}"
            out = [withdrawal(f, REREAD, moment.now, moment.as_of, by.name, note) for f in one.withdraws]
            self._intake.revise(
                one.seq,
                Revision(
                    [*one.fresh, *out],
                    plan.read[one.seq].rejected,
                    one.superseded,
                    one.mapping,
                    (by.name, by.through),
                    len(one.gone),
                ),
                moment,
            )


def waiting(reader: Reader) -> list[RereadProposal]:
    """The proposals that nobody has approved or withdrawn, newest first."""
    return [p for p in reader.reread_proposals() if p.outcome is None]


def _named(by: Person) -> None:
    if not by.name.strip():
        raise BatonError("no-name", "say who you are")


def _open(reader: Reader, sha256: str) -> RereadProposal:
    if len(sha256) < SHORTEST_DIGEST:
        raise BatonError("short-digest", f"write at least {SHORTEST_DIGEST} digits of the proposal's digest")
    every = [p for p in reader.reread_proposals() if p.sha256.startswith(sha256.lower())]
    still = [p for p in every if p.outcome is None]
    if len({p.sha256 for p in still}) > 1:
        raise BatonError("ambiguous-digest", "more than one proposal begins so; write more digits")
    if still:
        return still[0]
    if every:
        raise BatonError("settled-before", f"this proposal was {every[0].outcome} by {every[0].settled_by}")
    raise BatonError("no-such-proposal", "there is no such proposal; --proposals lists them")


def _audit(unit: Unit, kind: str, row: RereadProposal, by: Person, note: str, now: datetime) -> None:
    content = {
        "changes": row.sha256,
        "asked": from_bytes(row.asked),
        "messages": row.messages,
        "by": by.name,
        "through": by.through,
        "reason": note,
    }
    unit.add_audit([AuditRow(kind, f"reread/{row.sha256}", to_bytes(content), now)])


def _told_filter(like: MessageFilter) -> dict[str, Any]:
    return {
        "feed": like.feed,
        "since": like.since.isoformat() if like.since else None,
        "until": like.until.isoformat() if like.until else None,
        "account": like.account,
    }


def _filter_of(asked: bytes) -> tuple[MessageFilter, int]:
    said = from_bytes(asked)
    since, until = (datetime.fromisoformat(said[k]) if said[k] else None for k in ("since", "until"))
    return MessageFilter(said["feed"], since, until, None, said["account"]), said["limit"]


def _standing_facts(reader: Reader, seq: int) -> list[Fact]:
    """The facts that a message was the first to state and that nobody has taken out.

    The hold for a part that waited is none of them: what lifts it comes and goes with the part's entry.
    """
    places = {p.place for p in reader.parked(open_only=False, message_seq=seq, limit=10_000)}
    facts = [f for f in _first_stated(reader, seq) if not (_holds_unread(f) and f.where in places)]
    accounts = {f.account for f in facts if f.account is not None}
    gone = withdrawn(r.fact for account in accounts for r in reader.facts(account))
    return [f for f in facts if f.id not in gone]


def _holds_unread(fact: Fact) -> bool:
    return isinstance(fact.body, AccountFlagged) and fact.body.flag == UNREAD_PART


def _first_stated(reader: Reader, seq: int) -> list[Fact]:
    records = reader.facts_of_message(seq, limit=1_000_000)
    return [r.fact for r in records if OWN not in r.fact.key and r.fact.account is not None]


def _reread(
    reader: Reader, one: MessageReading, reading: Reading, gone: Sequence[Fact], brought: set[str]
) -> Reread:
    known = reader.known_facts({f.id for f in reading.facts})
    fresh = list({f.id: f for f in reading.facts if f.id not in known}.values())
    again = {f.id: f for f in reading.facts if f.id in known and f.account is not None}
    first = _first_stated(reader, one.seq)
    accounts = {f.account for f in (*again.values(), *first) if f.account is not None}
    every = [r.fact for account in sorted(accounts) for r in reader.facts(account)]
    out = reread_out(every)
    back = [f for f in again.values() if f.id in out and f.id not in brought]
    open_ = reader.parked(message_seq=one.seq, limit=10_000)
    places = waiting_or_discarded(reader.parked(open_only=False, message_seq=one.seq, limit=10_000))
    waits = {r.where for r in reading.rejected}
    return Reread(
        one.seq,
        one.sha256,
        one.feed,
        reading.mapping or "",
        fresh,
        gone,
        back,
        [w for f in gone for w in to_take_out(f, every)] + [w for f in back for w in to_bring_back(f, every)],
        frozenset(({f.id for f in gone} | ({f.id for f in first} & withdrawn(every))) - again.keys()),
        [(r.where, r.code) for r in reading.rejected if (r.where, r.code) not in places],
        [p.seq for p in open_ if p.place not in waits and p.code not in CONTRADICTIONS],
        not again.keys().isdisjoint(settled_out(every)),
    )
