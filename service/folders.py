"""Watched folders: files become messages of a feed, stored first and then moved away."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from time import monotonic
from typing import Final

from adapters.folder import DONE, PARKED, Folder, Taken
from adapters.unpacking import is_archive, unpack
from schemas.errors import Unavailable
from schemas.facts import LargeMessage, Message, Rejected
from service.consume import LARGE_BYTES
from service.intake import Intake
from service.logs import Log
from service.receipts import Moment, Receipt

ARCHIVE_BYTES: Final = 64 * 1024 * 1024
"""An archive is unpacked in memory, up to here; a larger one is stored and parked as it is."""

TOGETHER: Final = 100
CRASHED: Final = Rejected(
    "reading-failed",
    "",
    "reading this file failed in a way nobody foresaw; it was kept unread: report it, then retry it",
)


class FolderClerk:
    """Takes the files of one feed's folder in. `limit_bytes` bounds what an archive unpacks to."""

    def __init__(
        self,
        intake: Intake,
        folder: Folder,
        feed: str,
        limit_bytes: int,
        clock: Callable[[], Moment],
        log: Log,
    ) -> None:
        self._intake = intake
        self._folder = folder
        self._feed = feed
        self._limit_bytes = limit_bytes
        self._clock = clock
        self._log = log

    def look(self, now_seconds: Callable[[], float] = monotonic) -> list[Receipt]:
        """Take in every file that is whole; what became of each message.

        A crash between storing and moving is harmless: the next look finds a duplicate, and moves it.
        """
        receipts: list[Receipt] = []
        for name in self._folder.ready(now_seconds()):
            taken = self._folder.take(name)
            if taken is None:
                continue
            try:
                told = self._store(taken)
            except Unavailable as error:
                self._log.warning("store unavailable", feed=self._feed, code=error.code)
                return receipts
            finally:
                taken.close()
            receipts += told
            where = PARKED if any(one.disposition == "parked" for one in told) else DONE
            if self._folder.put_away(taken, where) is None:
                self._log.warning("file changed while it was stored", feed=self._feed, sha256=taken.sha256)
        return receipts

    def _store(self, taken: Taken) -> list[Receipt]:
        try:
            return self._receive(taken)
        except Unavailable:
            raise
        except Exception:
            # A bug, by definition; the file waits for a person, and its neighbours go through.
            self._log.exception("file failed", feed=self._feed, sha256=taken.sha256)
            moment = self._clock()
            return self._intake.park_whole([self._message(taken.body(), moment)], CRASHED, moment)

    def _receive(self, taken: Taken) -> list[Receipt]:
        moment = self._clock()
        head = next(taken.chunks(), b"")
        if is_archive(head) and taken.size <= ARCHIVE_BYTES:
            return self._receive_archive(taken.body(), moment)
        if taken.size > LARGE_BYTES:
            return [self._intake.receive_large(self._large(taken, moment), moment)]
        return self._intake.receive([self._message(taken.body(), moment)], moment)

    def _receive_archive(self, body: bytes, moment: Moment) -> list[Receipt]:
        parts = unpack(body, min(self._limit_bytes, ARCHIVE_BYTES))
        if isinstance(parts, Rejected):
            return self._intake.park_whole([self._message(body, moment)], parts, moment)
        receipts: list[Receipt] = []
        for batch in _batches([self._message(part, moment) for part in parts]):
            receipts += self._intake.receive(batch, moment)
        return receipts

    def _message(self, body: bytes, moment: Moment) -> Message:
        return Message.of(body, feed=self._feed, format="unknown", door="folder", received_at=moment.now)

    def _large(self, taken: Taken, moment: Moment) -> LargeMessage:
        return LargeMessage(
            taken.sha256, taken.size, self._feed, "unknown", "folder", moment.now, taken.chunks
        )


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    source = iter(messages)
    while batch := list(islice(source, TOGETHER)):
        yield batch
