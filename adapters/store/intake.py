"""Writing what came in: messages whole, then accounts locked, then facts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Final

from adapters.store import schema
from adapters.store.convert import account_row
from adapters.store.faults import Overtaken
from adapters.store.limits import check_account, check_fact
from adapters.store.rows import AccountRow, FactRow, KeptMessage, ReadingRow, TallyRow
from adapters.store.session import Batch, BatchUpdate, Session, Sql
from schemas.errors import MessageRejected
from schemas.facts import AccountRef, Fact, LargeMessage, Message, fact_from_content

_MESSAGES: Final = Batch(
    schema.message,
    "sha256 feed format door size received_at body parts",
    unless="sha256, feed",
    returning="seq, sha256, feed",
)
_LARGE: Final = Batch(schema.message, "seq sha256 feed format door size received_at parts")
_PARTS: Final = Batch(schema.message_part, "message_seq n bytes")
_UNREAD: Final = Batch(schema.unread, "message_seq")
_READINGS: Final = Batch(
    schema.reading, "message_seq finished_at accepted duplicate parked mapping", unless="message_seq"
)
_ACCOUNTS: Final = Batch(schema.account, "facility number", unless="number, facility")
_FACTS: Final = Batch(
    schema.fact,
    "id kind account_id key identity content message_seq place recorded_at",
    unless="id",
    returning="id",
)
_TALLIES: Final = Batch(
    schema.tally,
    "feed day received received_cents accepted accepted_cents duplicate duplicate_cents parked parked_cents"
    " claims denied taken_back charge_cents patient_cents recorded_at slowest_ms freshest_ms",
)

_MESSAGES_BY_DIGEST: Final = Sql(
    "SELECT m.seq, m.sha256, m.feed, r.message_seq IS NOT NULL FROM message m"
    " LEFT JOIN reading r ON r.message_seq = m.seq WHERE m.sha256 = ANY(%b)",
    "SELECT m.seq, m.sha256, m.feed, r.message_seq IS NOT NULL FROM message m"
    " LEFT JOIN reading r ON r.message_seq = m.seq WHERE m.sha256 IN (SELECT value FROM json_each(?))",
)
_NEXT_MESSAGE: Final = Sql(
    "SELECT nextval(pg_get_serial_sequence('message', 'seq'))",
    "SELECT coalesce(max(seq), 0) + 1 FROM message",
)
# Two who bring the same large body: the second waits, and then finds it kept.
_ALONE: Final = Sql("SELECT pg_advisory_xact_lock(hashtextextended(%b, 1))", "")
_HEAD: Final = (
    "a.id, a.facility, a.number, a.decision_id, a.material, a.review_on, a.review_at, a.determination,"
    " a.patient_cents, a.balance_cents, a.currency, a.facts, a.cases, a.version,"
    " a.policy_sha256, a.heard_at, a.feeds, a.withheld, a.group_id,"
    " c.id, c.number, c.status, c.amount_cents, c.currency, c.opened_by, c.decided_by, c.events, c.reason"
)
# Whom a merge ever named together are locked together; one without a group finds nobody in the inner join.
_LOCK: Final = Sql(
    "SELECT id FROM account WHERE id = ANY(ARRAY("
    "SELECT coalesce(m.id, a.id) FROM account a LEFT JOIN account m ON m.group_id = a.group_id"
    " WHERE (a.number, a.facility) IN (SELECT * FROM unnest(%b::text[], %b::text[]))"
    ")) ORDER BY id FOR UPDATE",
    "",
)
# A statement of its own: the locking one, having waited, would still see cases as they were before it waited.
_HEADS: Final = Sql(
    f"SELECT {_HEAD} FROM account a"  # noqa: S608
    " LEFT JOIN collections_case c ON c.account_id = a.id AND c.status = 'open'"
    " WHERE (a.number, a.facility) IN (SELECT * FROM unnest(%b::text[], %b::text[]))",
    f"SELECT {_HEAD} FROM json_each(?) j"  # noqa: S608
    " JOIN account a ON a.number = j.value ->> 0 AND a.facility = j.value ->> 1"
    " LEFT JOIN collections_case c ON c.account_id = a.id AND c.status = 'open'",
)
_HEADS_OF_GROUPS: Final = Sql(
    f"SELECT {_HEAD} FROM account a"  # noqa: S608
    " LEFT JOIN collections_case c ON c.account_id = a.id AND c.status = 'open'"
    " WHERE a.group_id = ANY(%b)",
    f"SELECT {_HEAD} FROM account a"  # noqa: S608
    " LEFT JOIN collections_case c ON c.account_id = a.id AND c.status = 'open'"
    " WHERE a.group_id IN (SELECT value FROM json_each(?))",
)
_GROUPS: Final = BatchUpdate(schema.account, "id group_id")
_FACTS_OF: Final = Sql(
    "SELECT account_id, id, identity, place, content FROM fact WHERE account_id = ANY(%b) ORDER BY seq",
    "SELECT account_id, id, identity, place, content FROM fact"
    " WHERE account_id IN (SELECT value FROM json_each(?)) ORDER BY seq",
)
_KNOWN: Final = Sql(
    "SELECT f.identity, f.id, a.facility, a.number FROM fact f JOIN account a ON a.id = f.account_id"
    " WHERE f.identity = ANY(%b) ORDER BY f.seq",
    "SELECT f.identity, f.id, a.facility, a.number FROM fact f JOIN account a ON a.id = f.account_id"
    " WHERE f.identity IN (SELECT value FROM json_each(?)) ORDER BY f.seq",
)
_READ_NOW: Final = Sql(
    "DELETE FROM unread WHERE message_seq = ANY(%b)",
    "DELETE FROM unread WHERE message_seq IN (SELECT value FROM json_each(?))",
)


class IntakeWrites:
    """Messages, accounts and facts, in the order in which they are written."""

    _session: Session
    _kept_here: set[int]
    _finished: set[int]
    _account_ids: dict[AccountRef, int]

    def keep_messages(self, messages: Sequence[Message]) -> list[KeptMessage]:
        """Keep messages whole; answers in the same order. A large body goes through `keep_large_message`.

        The same bytes on the same feed are kept once, also when they come twice in one batch: then the
        second is not new.
        """
        by_key = {(m.sha256, m.feed): m for m in messages}
        # One order for every writer, so that two who bring the same messages wait, and never for each other.
        rows = [
            (m.sha256, m.feed, m.format, m.door, len(m.body), m.received_at, m.body, 0)
            for _, m in sorted(by_key.items())
            if len(m.body) <= schema.LARGE_BYTES
        ]
        kept: dict[tuple[str, str], KeptMessage] = {}
        for seq, digest, feed in self._session.insert_new(_MESSAGES, rows):
            kept[(digest, feed)] = KeptMessage(seq, True)
            self._kept_here.add(seq)
        for key, m in sorted(by_key.items()):
            if len(m.body) > schema.LARGE_BYTES:
                kept[key] = self.keep_large_message(_as_large(m))
        if missing := {key[0] for key in by_key if key not in kept}:
            for seq, digest, feed, finished in self._session.fetch(
                _MESSAGES_BY_DIGEST, self._session.texts(missing)
            ):
                kept.setdefault((digest, feed), KeptMessage(seq, False, bool(finished)))
        answers = []
        for m in messages:
            answer = kept[(m.sha256, m.feed)]
            answers.append(answer)
            if answer.new:
                kept[(m.sha256, m.feed)] = KeptMessage(answer.seq, False)
        return answers

    def keep_large_message(self, large: LargeMessage) -> KeptMessage:
        """Keep a body of any size, as it is read, in parts of at most 1 MiB; never whole in memory.

        Raises:
            MessageRejected: `digest-differs`: the bytes are not those that `sha256` and `size` announce.
        """
        session = self._session
        session.run(_ALONE, f"{large.sha256} {large.feed}")
        for seq, _, feed, finished in session.fetch(_MESSAGES_BY_DIGEST, session.texts([large.sha256])):
            if feed == large.feed:
                return KeptMessage(seq, False, bool(finished))
        seq = session.fetch(_NEXT_MESSAGE)[0][0]
        hashed = sha256()
        size = parts = 0
        for part in _parts(large.open_chunks()):
            hashed.update(part)
            size += len(part)
            session.write(_PARTS, [(seq, parts, part)])
            session.flush()
            parts += 1
        if (hashed.hexdigest(), size) != (large.sha256, large.size):
            raise MessageRejected("digest-differs", "the bytes changed while they were read; send them again")
        session.write(
            _LARGE,
            [(seq, large.sha256, large.feed, large.format, large.door, size, large.received_at, parts)],
        )
        self._kept_here.add(seq)
        return KeptMessage(seq, True)

    def finish_messages(self, rows: Sequence[ReadingRow]) -> None:
        """Note that messages were read to their end; a message finishes once."""
        before = [r.message_seq for r in rows if r.message_seq not in self._kept_here]
        self._finished.update(r.message_seq for r in rows)
        self._session.write(
            _READINGS,
            [(r.message_seq, r.finished_at, r.accepted, r.duplicate, r.parked, r.mapping) for r in rows],
        )
        if before:
            self._session.run(_READ_NOW, self._session.integers(before))

    def _note_unread(self) -> None:
        left = sorted(self._kept_here - self._finished)
        self._session.write(_UNREAD, [(seq,) for seq in left])

    def lock_accounts(self, refs: Collection[AccountRef]) -> dict[AccountRef, AccountRow]:
        """Lock accounts until the end of the transaction, creating those that are not there yet.

        Accounts that a merge ever named together with one of these are locked and answered too. Call it once
        a transaction, with every account it touches: the one order of locking is what keeps two writers from
        waiting for each other.

        Raises:
            MessageRejected: an account that cannot be kept (`check_account` asks beforehand).
            Overtaken: while this waited, another transaction merged one of these with an account that is not
                locked here; begin anew.
        """
        if not refs:
            return {}
        for ref in refs:
            check_account(ref)
        ordered = sorted(set(refs))
        session = self._session
        # Creating comes before locking, both in order: who waits for a new account then holds no old one.
        session.write(_ACCOUNTS, [(ref.facility, ref.number) for ref in ordered])
        pairs = session.pairs([(ref.number, ref.facility) for ref in ordered])
        locked, heads = session.fetch_both(_LOCK, _HEADS, *pairs)
        rows = {row.ref: row for row in map(account_row, heads)}
        if groups := {row.group_id for row in rows.values() if row.group_id is not None}:
            more = session.fetch(_HEADS_OF_GROUPS, session.integers(groups))
            rows.update((row.ref, row) for row in map(account_row, more))
            if locked and not {row.id for row in rows.values()} <= {id for (id,) in locked}:
                raise Overtaken
        self._account_ids.update((row.ref, row.id) for row in rows.values())
        return rows

    def join_accounts(self, groups: Mapping[int, int]) -> None:
        """Note the group of each of these locked accounts, by id: whom a merge named together."""
        self._session.write(_GROUPS, sorted(groups.items()))

    def facts_of(self, account_ids: Collection[int]) -> dict[int, list[Fact]]:
        """The facts of accounts, in the order of writing; an account without facts has an empty list."""
        facts: dict[int, list[Fact]] = {id: [] for id in account_ids}
        if facts:
            for account_id, id, identity, place, content in self._session.fetch(
                _FACTS_OF, self._session.integers(facts)
            ):
                facts[account_id].append(fact_from_content(content, id=id, identity=identity, where=place))
        return facts

    def known_identities(self, identities: Collection[str]) -> dict[str, list[tuple[str, AccountRef]]]:
        """Which facts of which accounts already carry these identities; unknown ones are left out."""
        known: dict[str, list[tuple[str, AccountRef]]] = {}
        if identities:
            rows = self._session.fetch(_KNOWN, self._session.texts(set(identities)))
            for identity, fact_id, facility, number in rows:
                known.setdefault(identity, []).append((fact_id, AccountRef(facility, number)))
        return known

    def add_facts(self, rows: Sequence[FactRow]) -> set[str]:
        """Keep facts; returns the ids that were not known before.

        Raises:
            MessageRejected: a fact that cannot be kept (`check_fact` asks beforehand).
        """
        for row in rows:
            check_fact(row.fact)
        first = {row.fact.id: row for row in reversed(rows)}
        ordered = sorted(first.values(), key=lambda row: row.fact.id)
        inserted = self._session.insert_new(_FACTS, [_fact_values(row) for row in ordered])
        return {id for (id,) in inserted}

    def add_tallies(self, rows: Sequence[TallyRow]) -> None:
        """Keep what this transaction counted, by feed and day."""
        self._session.write(
            _TALLIES,
            [
                (
                    r.feed, r.day, r.received, r.received_cents, r.accepted, r.accepted_cents,
                    r.duplicate, r.duplicate_cents, r.parked, r.parked_cents,
                    r.claims, r.denied, r.taken_back, r.charge_cents, r.patient_cents, r.recorded_at,
                    r.slowest_ms, r.freshest_ms,
                )
                for r in rows
            ],
        )  # fmt: skip


def _fact_values(row: FactRow) -> tuple[object, ...]:
    f = row.fact
    return (
        f.id, f.kind, row.account_id, f.key, f.identity, f.content, row.message_seq, f.where, row.recorded_at,
    )  # fmt: skip


def _as_large(m: Message) -> LargeMessage:
    return LargeMessage(
        m.sha256, len(m.body), m.feed, m.format, m.door, m.received_at, lambda: iter([m.body])
    )


def _parts(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Cut a stream into parts of exactly LARGE_BYTES, and a rest."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= schema.LARGE_BYTES:
            yield bytes(held[: schema.LARGE_BYTES])
            del held[: schema.LARGE_BYTES]
    if held:
        yield bytes(held)
