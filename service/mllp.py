"""MLLP messages through the one intake: stored first, then acknowledged; same message, same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import monotonic, sleep
from typing import Final

from adapters.hl7v2.acknowledging import Asked, acknowledge, refuse
from adapters.mllp import Answer
from adapters.store import Store
from schemas.canonical import digest
from schemas.errors import Unavailable
from schemas.facts import Message, Rejected
from service.intake import Intake
from service.logs import Log
from service.receipts import Moment, Receipt
from service.refusing import Refusals

BACKOFF_SECONDS: Final = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
PATIENCE_SECONDS: Final = 15.0
"""How long messages wait for a store that does not answer; then the connections close without an answer."""

TOO_LARGE: Final = Rejected(
    "message-too-large", "", "the message is over 1 MiB and was not stored; send less in one"
)
CRASHED: Final = Rejected(
    "reading-failed",
    "",
    "reading this message failed in a way nobody foresaw; it was kept unread: report it, then retry it",
)


class Clerk:
    """Takes messages of one feed in, and writes what is answered."""

    def __init__(
        self,
        intake: Intake,
        store: Store,
        clock: Callable[[], Moment],
        feed: str,
        log: Log,
        seen: Callable[[Sequence[Receipt]], None],
        patience_seconds: float = PATIENCE_SECONDS,
        refusals: Refusals | None = None,
    ) -> None:
        self._refusals = refusals
        self._intake = intake
        self._store = store
        self._clock = clock
        self._feed = feed
        self._log = log
        self._seen = seen
        self._patience_seconds = patience_seconds

    def take(self, bodies: Sequence[bytes]) -> list[Answer]:
        """Store messages in one transaction; what cannot be stored gets no answer, its peer is let go."""
        moment = self._clock()
        messages = [
            Message.of(body, feed=self._feed, format="hl7v2", door="mllp", received_at=moment.now)
            for body in bodies
        ]
        try:
            receipts = self._until_stored(lambda: self._intake.receive(messages, moment))
        except Exception:
            # A bug, by definition. It must not take its neighbours along, so each goes alone.
            self._log.exception("batch failed, going one by one", messages=len(messages))
            return [self._alone(message, moment) for message in messages]
        if receipts is None:
            return [Answer(None, close=True)] * len(messages)
        self._seen(receipts)
        try:
            return [self._answer(m, r) for m, r in zip(messages, receipts, strict=True)]
        except Unavailable:
            return [Answer(None, close=True)] * len(messages)  # stored; sent again, they are answered

    def refuse(self, beginning: bytes) -> bytes:
        """The answer to a message over the limit, from its beginning; it is counted and not kept."""
        if self._refusals is not None:
            self._refusals.note(self._feed, "mllp", TOO_LARGE.code)
        return refuse(Asked.of(beginning), TOO_LARGE, digest(beginning), self._clock().now)

    def _alone(self, message: Message, moment: Moment) -> Answer:
        try:
            receipts = self._until_stored(lambda: self._intake.receive([message], moment))
        except Exception:
            self._log.exception("message failed, kept unread", sha256=message.sha256)
            receipts = self._until_stored(lambda: self._intake.park_whole([message], CRASHED, moment))
        if receipts is None:
            return Answer(None, close=True)
        self._seen(receipts)
        try:
            return self._answer(message, receipts[0])
        except Unavailable:
            return Answer(None, close=True)

    def _answer(self, message: Message, receipt: Receipt) -> Answer:
        rejected, stored_at = receipt.rejected, message.received_at
        if receipt.disposition == "duplicate":
            with self._store.read() as reader:
                record = reader.message(message.sha256, message.feed)
                if record is not None:
                    stored_at = record.received_at
                    waiting = reader.parked(open_only=False, message_seq=record.seq)
                    rejected = tuple(Rejected(p.code, p.place, p.reason, p.clause) for p in waiting)
        return Answer(acknowledge(Asked.of(message.body), rejected, message.sha256, stored_at))

    def _until_stored(self, store: Callable[[], list[Receipt]]) -> list[Receipt] | None:
        """Try for a while; None when the store does not answer. Nothing is acknowledged meanwhile."""
        until = monotonic() + self._patience_seconds
        for attempt in range(1 << 30):
            try:
                return store()
            except Unavailable as error:
                wait = BACKOFF_SECONDS[min(attempt, len(BACKOFF_SECONDS) - 1)]
                self._log.warning(
                    "store unavailable", code=error.code, attempt=attempt + 1, wait_seconds=wait
                )
                if monotonic() + wait > until:
                    return None
                sleep(wait)
        return None
