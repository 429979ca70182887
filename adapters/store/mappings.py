"""How feeds were read from when on: each version of a mapping as it was written, first to last."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import func, select

from adapters.store import schema
from adapters.store.limits import check_text
from adapters.store.rows import FeedTextRow, MappingRow, ReadAgainRow, RereadOutcome, RereadProposal
from adapters.store.schema import (
    fact,
    feed_text,
    mapping_version,
    message,
    read_again,
    reading,
    reread_outcome,
    reread_proposal,
)
from adapters.store.session import Batch, Session, Sql

_MAPPINGS: Final = Batch(schema.mapping_version, "feed sha256 content recorded_at")
_FEED_TEXTS: Final = Batch(schema.feed_text, "feed number text sha256 by through at")
_REREAD: Final = Batch(schema.reread_proposal, "sha256 asked messages by through note at")
_OUTCOME: Final = Sql(
    "INSERT INTO reread_outcome (proposal_seq, outcome, by, through, note, at)"
    " VALUES (%b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING RETURNING proposal_seq",
    "INSERT INTO reread_outcome (proposal_seq, outcome, by, through, note, at)"
    " VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING proposal_seq",
)
_NEWEST_TEXT: Final = Sql("SELECT max(seq) FROM feed_text", "SELECT max(seq) FROM feed_text")
_READ_AGAIN: Final = Batch(schema.read_again, "message_seq mapping whole facts withdrawn by through at")
# Two who start with one new mapping: the second waits, and then finds it kept.
_ALONE: Final = Sql("SELECT pg_advisory_xact_lock(hashtextextended('mapping_version', 1))", "")
_LATEST: Final = "SELECT max(seq) FROM mapping_version GROUP BY feed"
_LATEST_MAPPINGS: Final = Sql(
    f"SELECT feed, sha256 FROM mapping_version WHERE seq IN ({_LATEST})",  # noqa: S608
    f"SELECT feed, sha256 FROM mapping_version WHERE seq IN ({_LATEST})",  # noqa: S608
)


class MappingWrites:
    """Versions of mappings."""

    _session: Session

    def latest_mappings(self) -> dict[str, str]:
        """The version kept last for each feed; nobody else changes them until this transaction ends."""
        self._session.run(_ALONE)
        return dict(self._session.fetch(_LATEST_MAPPINGS))

    def add_read_again(self, rows: Sequence[ReadAgainRow]) -> None:
        """Note which mapping read messages again."""
        self._session.write(
            _READ_AGAIN,
            [(r.message_seq, r.mapping, r.whole, r.facts, r.withdrawn, r.by, r.through, r.at) for r in rows],
        )

    def add_mappings(self, rows: Sequence[MappingRow]) -> None:
        """Keep versions as they are now in force."""
        self._session.write(_MAPPINGS, [(r.feed, r.sha256, r.content, r.recorded_at) for r in rows])

    def add_feed_text(self, row: FeedTextRow) -> None:
        """Keep what was said of a feed through the API; call `latest_mappings` first, to be alone."""
        check_text(row.by, "by")
        values = (row.feed, row.number, row.text, row.sha256, row.by, row.through, row.at)
        self._session.write(_FEED_TEXTS, [values])

    def propose_reread(self, row: RereadProposal) -> None:
        """Note that somebody proposes to read messages again."""
        for text, what in ((row.by, "by"), (row.note, "reason")):
            check_text(text, what)
        values = (row.sha256, row.asked, row.messages, row.by, row.through, row.note, row.at)
        self._session.write(_REREAD, [values])

    def settle_reread(self, row: RereadOutcome) -> bool:
        """Note what became of a proposal; False when somebody else was quicker."""
        for text, what in ((row.by, "by"), (row.note, "reason")):
            check_text(text, what)
        values = (row.proposal_seq, row.outcome, row.by, row.through, row.note, row.at)
        return bool(self._session.fetch(_OUTCOME, *values))


_TEXT_COLUMNS: Final = tuple(
    feed_text.c[name] for name in ("feed", "number", "text", "sha256", "by", "through", "at")
)


class MappingQuestions:
    """Which mapping read what."""

    _session: Session

    def mapping_versions(self, feed: str) -> list[MappingRow]:
        """How a feed was read from when on, first to last."""
        m = mapping_version.c
        asked = select(m.feed, m.sha256, m.content, m.recorded_at).where(m.feed == feed).order_by(m.seq)
        return [MappingRow(f, s, bytes(content), at) for f, s, content, at in self._session.select(asked)]

    def mapping_content(self, sha256: str) -> tuple[str, bytes] | None:
        """A version of a mapping as it was written, with its feed; None where it was not kept."""
        m = mapping_version.c
        rows = self._session.select(
            select(m.feed, m.content).where(m.sha256 == sha256).order_by(m.seq).limit(1)
        )
        return (rows[0][0], bytes(rows[0][1])) if rows else None

    def mappings_of_message(self, seq: int) -> list[tuple[str, bool]]:
        """The mappings that read a message, first to last, and whether each read it wholly."""
        a = read_again.c
        first = self._session.select(select(reading.c.mapping).where(reading.c.message_seq == seq))
        later = select(a.mapping, a.whole).where(a.message_seq == seq).order_by(a.seq)
        begun = [(row[0], True) for row in first if row[0] is not None]
        return begun + [(mapping, bool(whole)) for mapping, whole in self._session.select(later)]

    def feed_texts_number(self) -> int:
        """What grows whenever something is said of a feed through the API; 0 before that."""
        return int(self._session.fetch(_NEWEST_TEXT)[0][0] or 0)

    def feed_texts(self) -> list[FeedTextRow]:
        """The version said last of each feed through the API, by name; also of one that counts no more."""
        f = feed_text.c
        latest = select(func.max(f.seq)).group_by(f.feed)
        return self._texts(select(*_TEXT_COLUMNS).where(f.seq.in_(latest)).order_by(f.feed))

    def feed_text_versions(self, feed: str) -> list[FeedTextRow]:
        """Everything that was said of a feed through the API, first to last."""
        f = feed_text.c
        return self._texts(select(*_TEXT_COLUMNS).where(f.feed == feed).order_by(f.number))

    def _texts(self, asked: sa.Select[Any]) -> list[FeedTextRow]:
        return [FeedTextRow(*row) for row in self._session.select(asked)]

    def reread_proposals(self) -> list[RereadProposal]:
        """Every proposal to read messages again and what became of it, newest first."""
        p, o = reread_proposal.c, reread_outcome.c
        asked = (
            select(p.sha256, p.asked, p.messages, p.by, p.through, p.note, p.at, p.seq, o.outcome, o.by)
            .select_from(reread_proposal.outerjoin(reread_outcome, o.proposal_seq == p.seq))
            .order_by(p.seq.desc())
        )
        return [RereadProposal(row[0], bytes(row[1]), *row[2:]) for row in self._session.select(asked)]

    def mapping_contents(self, versions: Collection[str]) -> dict[str, bytes]:
        """Versions of mappings as they were written, by digest."""
        m = mapping_version.c
        asked = select(m.sha256, m.content).where(m.sha256.in_(sorted(versions)))
        return {sha256: bytes(content) for sha256, content in self._session.select(asked)}

    def mapping_of_fact(self, fact_id: str) -> str | None:
        """The version of the mapping that made a fact; None for one older than mappings, or no such fact."""
        asked = (
            select(func.max(reading.c.mapping))
            .select_from(
                fact.join(message, message.c.seq == fact.c.message_seq).join(
                    reading, reading.c.message_seq == message.c.seq
                )
            )
            .where(fact.c.id == fact_id)
        )
        return self._session.select(asked)[0][0]  # type: ignore[no-any-return]
