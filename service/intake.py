"""The one use case: receive a batch of messages, or review accounts that are due, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import count, islice
from typing import Final, TypeVar

from adapters.hl7v2.places import belongs
from adapters.store import Overtaken, Reader, Store, Unit
from adapters.store.rows import (
    AuditRow,
    ControlNumberRow,
    MessageRecord,
    ParkedAction,
    ReadAgainRow,
    ReadingRow,
)
from schemas.canonical import to_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef, Fact, LargeMessage, Message, Rejected, Tally
from service.core import Policy
from service.entries import kept_entry, told_of
from service.mappings import FeedMapping
from service.posting import Arrival, Posting, parked_row
from service.readings import CONTRADICTIONS, MOST_PARTS, Read, Reading, ReadLarge, ReadOnce, Revision
from service.receipts import Moment, Outlook, Receipt, fates_of, receipts_of, reread_receipt, standing_of
from service.release import Terms, stands
from service.tallying import Fate, age_of, control_numbers, tallies
from service.unread_holds import holds_again, lifts, waiting_or_discarded

T = TypeVar("T")


MOST_BEGINNINGS: Final = 10


"""How often a transaction begins that others keep merging the accounts of, before it is left to later."""


SLICE_ITEMS: Final = 500


"""Facts and findings of a large message that share one transaction."""


class _Rehearsed(Exception):
    """Ends a transaction that was only tried."""


class Intake:
    """Receives messages and reviews due accounts. Safe to repeat: the same input changes nothing twice."""

    def __init__(
        self,
        store: Store,
        read: Read,
        read_large: ReadLarge,
        policy: Policy | Callable[[], Policy],
        terms: Terms | Callable[[], Terms] | None = None,
        mapping_of: Callable[[str], FeedMapping | None] = lambda feed: None,
    ) -> None:
        self._store = store
        self._mapping_of = mapping_of
        self._read = read
        self._read_large = read_large
        self._policy_now: Callable[[], Policy] = (lambda: policy) if isinstance(policy, Policy) else policy
        standing = terms or Terms()
        self._terms: Callable[[], Terms] = (lambda: standing) if isinstance(standing, Terms) else standing

    @property
    def _policy(self) -> Policy:
        """The policy in force as a transaction begins."""
        return self._policy_now()

    def receive(self, messages: Sequence[Message], moment: Moment) -> list[Receipt]:
        """Keep, read, decide and record a batch in one transaction; receipts in the order of the messages.

        When it returns, everything is committed and may be acknowledged. Reading happens before the
        transaction opens, so account locks are held for storing and deciding only.

        Raises:
            Unavailable: the store could not commit; nothing of the batch is stored.
        """
        readings = [self._reading(message) for message in messages]
        return self._unless_overtaken(lambda unit: self._receive(unit, messages, readings, moment))

    def take(self, message: Message, moment: Moment, record: Callable[[Unit], None]) -> Receipt:
        """Receive one message, and record something about it in the same transaction where it is new.

        Raises:
            Unavailable: the store could not commit; nothing is stored.
        """
        reading = self._reading(message)

        def post(unit: Unit) -> Receipt:
            receipt = self._receive(unit, [message], [reading], moment)[0]
            if receipt.facts:
                record(unit)
            return receipt

        return self._unless_overtaken(post)

    def _reading(self, message: Message) -> Reading:
        """What a message says, and by which mapping: a mapping that changes meanwhile read none of it."""
        mapping = self._mapping_of(message.feed)
        if mapping is None:
            return Reading().take(self._read(message))
        return Reading(mapping=mapping.version).take(self._read(message, mapping))

    def _reading_stored(self, message: MessageRecord) -> Reading:
        """What a stored message says today."""
        stored, mapping = self._stored(message), self._mapping_of(message.feed)
        if mapping is None:
            return Reading().take(self._read_large(stored))
        return Reading(mapping=mapping.version).take(self._read_large(stored, mapping))

    def _receive(
        self, unit: Unit, messages: Sequence[Message], readings: Sequence[Reading], moment: Moment
    ) -> list[Receipt]:
        kept = unit.keep_messages(messages)
        arrivals = [
            Arrival(row.seq, m.sha256, m.feed, r.facts, list(r.rejected), told_of(m))
            for row, m, r in zip(kept, messages, readings, strict=True)
            if row.new
        ]
        self._posting(unit, moment).post(arrivals)
        by_seq = {row.seq: r.mapping for row, r in zip(kept, readings, strict=True) if row.new}
        unit.finish_messages([_finished(arrival, by_seq[arrival.seq], moment) for arrival in arrivals])
        receipts = receipts_of(kept, messages, arrivals)
        ages = [age_of(r.facts, m.received_at) for m, r in zip(messages, readings, strict=True)]
        fates = fates_of(messages, receipts, [r.tally for r in readings], moment.now, ages)
        unit.add_tallies(tallies(fates, arrivals, moment.as_of, moment.now))
        unit.add_control_numbers(
            [
                number
                for row, m, r in zip(kept, messages, readings, strict=True)
                if row.new
                for number in control_numbers(row.seq, m.feed, r.tally, moment.now)
            ]
        )
        return receipts

    def receive_large(
        self, large: LargeMessage, moment: Moment, progress: Callable[[int], None] = lambda facts: None
    ) -> Receipt:
        """Keep a message too large for memory in parts, then post what it says slice by slice.

        The bytes are stored whole before anything is read; each slice is one transaction; the message counts
        as read only after the last. `progress` is told the number of facts so far.

        Raises:
            Unavailable: the store could not commit; call again: nothing counts twice.
        """
        with self._store.write() as unit:
            kept = unit.keep_large_message(large)
            if kept.new:
                unit.add_audit([kept_entry(large, moment.now)])
        if kept.finished:
            return Receipt(large.sha256, "duplicate")
        return self._post_in_slices(kept.seq, large, moment, progress)

    def retry(
        self,
        parked_seq: int,
        moment: Moment,
        by: str = "operator",
        once: ReadOnce | None = None,
        through: str = "",
    ) -> Receipt:
        """Read a parked message again from its stored bytes, the same way it came in the first time.

        What it says now is posted; what is known already changes nothing. The entry is settled when its part
        is no longer refused. `once` reads a message of several entries only once, `through` is as whom the
        machine knows who does it.

        Raises:
            BatonError: `no-such-parked`, `settled-before`, or `still-in-conflict` (only a person can end it).
        """
        fresh, still, version = self._reread(parked_seq, moment, by, once or ReadOnce())

        def post(unit: Unit) -> Arrival:
            arrival = fresh.anew()
            self._posting(unit, moment).post([arrival])
            if not still:
                note = f"{arrival.new_facts} new facts" + (f", mapping {version}" if version else "")
                unit.act_on_parked(parked_seq, ParkedAction("retried", moment.now, by, note, through))
                unit.add_audit([_retried(parked_seq, arrival, moment, (by, through))])
                if version:
                    row = ReadAgainRow(
                        fresh.seq, version, False, arrival.new_facts, 0, by, through, moment.now
                    )
                    unit.add_read_again([row])
            return arrival

        return reread_receipt(self._unless_overtaken(post), still)

    def rehearse(
        self, parked_seq: int, moment: Moment, by: str = "operator", once: ReadOnce | None = None
    ) -> Outlook:
        """What `retry` would do now, tried in a transaction that is taken back: nothing is stored.

        Raises:
            BatonError: as `retry`.
        """
        fresh, still, _ = self._reread(parked_seq, moment, by, once or ReadOnce())
        return self._rehearsed(fresh, still, moment)

    def _rehearsed(self, fresh: Arrival, still: tuple[Rejected, ...], moment: Moment) -> Outlook:
        found: list[Outlook] = []

        def attempt(unit: Unit) -> None:
            arrival = fresh.anew()
            refs = sorted({f.account for f in fresh.facts if f.account is not None})
            refs = sorted({one for ref in refs for one in unit.reader.group(ref)})
            before = [standing_of(unit.reader, ref) for ref in refs]
            self._posting(unit, moment).post([arrival])
            after = [standing_of(unit.reader, ref) for ref in refs]
            changed = tuple((r, b, a) for r, b, a in zip(refs, before, after, strict=True) if a != b)
            found[:] = [Outlook(reread_receipt(arrival, still), changed)]
            raise _Rehearsed

        try:
            self._unless_overtaken(attempt)
        except _Rehearsed:
            pass
        return found[0]

    def state(
        self, message_seq: int, facts: Sequence[Fact], moment: Moment, record: Callable[[Unit], None]
    ) -> Receipt:
        """Post facts that people state about a stored message, decide, and record it, in one transaction.

        Raises:
            Unavailable: the store could not commit; nothing is stored.
        """
        with self._store.read() as reader:
            message = reader.message_at(message_seq)
        if message is None:
            raise AssertionError("a parked entry always has its message")

        def post(unit: Unit) -> Arrival:
            arrival = Arrival(message.seq, message.sha256, message.feed, list(facts), [], told_of(message))
            if facts:
                self._posting(unit, moment).post([arrival])
            record(unit)
            return arrival

        arrival = self._unless_overtaken(post)
        return Receipt(message.sha256, arrival.disposition, arrival.new_facts)

    def read_again(self, message_seq: int) -> Reading:
        """What a stored message says today; nothing is stored."""
        with self._store.read() as reader:
            message = reader.message_at(message_seq)
        if message is None:
            raise AssertionError("only messages that are stored are read again")
        return self._reading_stored(message)

    def revise(self, message_seq: int, revision: Revision, moment: Moment) -> Receipt:
        """Post what a stored message says now and take out what it says no more, in one transaction.

        Parts that are refused now and were not wait from now on; those that are refused no more are settled.

        Raises:
            Unavailable: the store could not commit; nothing is stored.
        """
        with self._store.read() as reader:
            message = reader.message_at(message_seq)
            every = reader.parked(open_only=False, message_seq=message_seq, limit=10 * MOST_PARTS)
        if message is None:
            raise AssertionError("only messages that are stored are read again")
        by, through = revision.by
        before = waiting_or_discarded(every)
        waits = {r.where for r in revision.rejected}
        settled = [
            p for p in every if not p.actions and p.place not in waits and p.code not in CONTRADICTIONS
        ]
        fresh = [r for r in revision.rejected if (r.where, r.code) not in before]
        facts = list(revision.facts)
        with self._store.read() as reader:
            for p in settled:
                if p.account is not None:
                    facts += lifts(reader, p.account, message.sha256, p.place, moment, by)
            for part in fresh:
                if part.account is not None:
                    facts += holds_again(reader, part.account, message.sha256, part.where, moment, by)
        arrival = Arrival(
            message.seq, message.sha256, message.feed, facts, fresh, told_of(message),
            superseded=revision.superseded,
        )  # fmt: skip

        def post(unit: Unit) -> Arrival:
            posted = arrival.anew()
            if facts or fresh:
                self._posting(unit, moment).post([posted])
            note = f"read again by mapping {revision.mapping}"
            for entry in settled:
                unit.act_on_parked(entry.seq, ParkedAction("retried", moment.now, by, note, through))
            counts = (posted.new_facts, revision.withdrawn)
            unit.add_read_again(
                [ReadAgainRow(message.seq, revision.mapping, True, *counts, by, through, moment.now)]
            )
            content = {
                "message": message.sha256,
                "feed": message.feed,
                "mapping": revision.mapping,
                "facts": posted.new_facts,
                "withdrawn": revision.withdrawn,
                "by": by,
                "through": through,
            }
            unit.add_audit([AuditRow("message.read_again", message.sha256, to_bytes(content), moment.now)])
            return posted

        posted = self._unless_overtaken(post)
        return Receipt(message.sha256, posted.disposition, posted.new_facts, tuple(posted.rejected))

    def _reread(
        self, parked_seq: int, moment: Moment, by: str, once: ReadOnce
    ) -> tuple[Arrival, tuple[Rejected, ...], str | None]:
        """What a parked message says now, what of its parked part is still refused, and by which mapping."""
        with self._store.read() as reader:
            record = reader.parked_one(parked_seq)
            if record is None:
                raise BatonError("no-such-parked", "there is no such entry; `baton parked list` shows them")
            if record.actions:
                raise BatonError("settled-before", "this entry has been settled already")
            if record.code in CONTRADICTIONS:
                raise BatonError(
                    "still-in-conflict",
                    "reading it again cannot say which of two contradicting facts is right; "
                    "`baton parked settle` can",
                )
            message = reader.message_at(record.message_seq)
        if message is None:
            raise AssertionError("a parked entry always has its message")
        reading = once.read(message.seq, lambda: self._reading_stored(message))
        still = tuple(r for r in reading.rejected if r.where == record.place)
        facts = list(reading.facts)
        if reading.tally is not None and reading.tally.format == "hl7v2":
            # Another mapping may read the other parts otherwise than when they were stated: they stand.
            facts = [f for f in facts if belongs(f.where, record.place)]
            if not still and record.account is not None:
                with self._store.read() as reader:
                    facts += lifts(reader, record.account, message.sha256, record.place, moment, by)
        arrival = Arrival(message.seq, message.sha256, message.feed, facts, [], told_of(message))
        return arrival, still, reading.mapping

    def _stored(self, record: MessageRecord) -> LargeMessage:
        """A stored message as one that comes in chunks from the store."""

        def chunks() -> Iterator[bytes]:
            for n in count():
                with self._store.read() as reader:
                    chunk = reader.message_chunk(record.seq, n)
                if chunk is None:
                    return
                yield chunk

        return LargeMessage(
            record.sha256, record.size, record.feed, record.format, record.door, record.received_at, chunks
        )

    def _post_in_slices(
        self, seq: int, large: LargeMessage, moment: Moment, progress: Callable[[int], None]
    ) -> Receipt:
        with self._store.read() as reader:
            # What an earlier, cut-off reading of the same message parked is not parked again.
            before = {
                (p.place, p.code)
                for p in reader.parked(open_only=False, message_seq=seq, limit=MOST_PARTS + 1)
            }
        told = told_of(large)
        total = Arrival(seq, large.sha256, large.feed, [], [], told)
        numbers: list[ControlNumberRow] = []
        tally: Tally | None = None
        mapping = self._mapping_of(large.feed)
        source = self._read_large(large) if mapping is None else self._read_large(large, mapping)
        version = None if mapping is None else mapping.version
        while piece := list(islice(source, SLICE_ITEMS)):
            reading = Reading().take(piece)
            fresh = [r for r in reading.rejected if (r.where, r.code) not in before]
            arrival = Arrival(seq, large.sha256, large.feed, reading.facts, fresh, told)
            arrival = self._post_alone(arrival, moment)
            total.absorb(arrival)
            tally = reading.tally or tally
            numbers += control_numbers(seq, large.feed, reading.tally, moment.now)
            total.rejected += [r for r in reading.rejected if (r.where, r.code) in before]
            progress(total.new_facts)
        receipt = Receipt(large.sha256, total.disposition, total.new_facts, tuple(total.rejected))
        with self._store.write() as unit:
            unit.finish_messages([_finished(total, version, moment)])
            unit.add_control_numbers(numbers)
            fate = Fate(large.feed, receipt.disposition, tally, moment.now - large.received_at)
            unit.add_tallies(tallies([fate], [total], moment.as_of, moment.now))
        return receipt

    def park_whole(self, messages: Sequence[Message], why: Rejected, moment: Moment) -> list[Receipt]:
        """Keep messages that nobody should try to read now (they crashed a reader, or are over a limit)."""
        with self._store.write() as unit:
            kept = unit.keep_messages(messages)
            fresh = [row.seq for row in kept if row.new]
            unit.park([parked_row(seq, why, moment.now) for seq in fresh])
            unit.finish_messages([ReadingRow(seq, moment.now, 0, 0, 1) for seq in fresh])
            unit.add_audit(
                [kept_entry(m, moment.now, (why,)) for row, m in zip(kept, messages, strict=True) if row.new]
            )
            receipts = [
                Receipt(m.sha256, "parked" if row.new else "duplicate", 0, (why,) if row.new else ())
                for row, m in zip(kept, messages, strict=True)
            ]
            unit.add_tallies(
                tallies(
                    fates_of(messages, receipts, [None] * len(messages), moment.now),
                    (),
                    moment.as_of,
                    moment.now,
                )
            )
        return receipts

    def review(self, moment: Moment, limit: int = 500) -> int:
        """Decide again for accounts whose review day has come; how many there were.

        Raises:
            Unavailable: the store could not commit; nothing of this round is stored.
        """

        def decide_due(unit: Unit) -> int:
            due = unit.due_accounts(moment.as_of, moment.now, limit)
            if due:
                self._posting(unit, moment).review(due)
            return len(due)

        return self._unless_overtaken(decide_due)

    def _post_alone(self, arrival: Arrival, moment: Moment) -> Arrival:
        def post(unit: Unit) -> Arrival:
            posted = arrival.anew()
            self._posting(unit, moment).post([posted])
            return posted

        return self._unless_overtaken(post)

    def _unless_overtaken(self, work: Callable[[Unit], T]) -> T:
        """Do one transaction; begin it anew when another one merged its accounts while it waited for them.

        Whoever overtakes has committed, so each beginning follows a step forward of somebody else.
        """
        for _ in range(MOST_BEGINNINGS - 1):
            try:
                with self._store.write() as unit:
                    return work(unit)
            except Overtaken:
                continue
        with self._store.write() as unit:
            return work(unit)

    def redecide(self, moment: Moment, limit: int = 200) -> int:
        """Decide again where another policy decided, or a case waits for what no longer stands.

        Answers how many accounts that was; none is left once it answers 0.

        What is left is found by asking the store, so a crash in between loses nothing.

        Raises:
            Unavailable: the store could not commit; nothing of this round is stored.
        """
        with self._store.read() as reader:
            due = self._under_other_terms(reader, limit)
        if due:
            self._unless_overtaken(lambda unit: self._posting(unit, moment).review(due))
        return len(due)

    def _under_other_terms(self, reader: Reader, limit: int) -> list[AccountRef]:
        policy = self._policy
        terms = replace(self._terms_of(policy), paused_feeds=reader.paused_feeds())
        over = [
            causes
            for causes in reader.reasons_withheld()
            if not all(stands(cause, terms) for cause in causes)
        ]
        due = reader.accounts_withheld_for(over, limit) if over else []
        if len(due) < limit:
            others = reader.accounts_under_other_policies(policy.sha256, limit - len(due))
            due = list(dict.fromkeys([*due, *others]))
        return due

    def _posting(self, unit: Unit, moment: Moment) -> Posting:
        policy = self._policy
        return Posting(unit, policy, moment.now, moment.as_of, self._terms_of(policy))

    def _terms_of(self, policy: Policy) -> Terms:
        """When decisions by this policy act: its shadow packs may be other ones than those at the start."""
        packs = frozenset(pack.name for pack in policy.packs if pack.shadow)
        terms = self._terms()
        return replace(terms, shadow_packs=terms.shadow_packs | packs) if packs else terms


def _finished(arrival: Arrival, mapping: str | None, moment: Moment) -> ReadingRow:
    counts = (arrival.new_facts, arrival.duplicate_facts, len(arrival.rejected))
    return ReadingRow(arrival.seq, moment.now, *counts, mapping)


def _retried(parked_seq: int, arrival: Arrival, moment: Moment, who: tuple[str, str]) -> AuditRow:
    by, through = who
    content = {
        "parked": parked_seq,
        "message": arrival.sha256,
        "facts": arrival.new_facts,
        "by": by,
        "through": through,
    }
    return AuditRow("parked.retried", f"parked/{parked_seq}", to_bytes(content), moment.now)
