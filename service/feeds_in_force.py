"""Which feeds are in force: those of files, and those said through the API. A file wins, and that is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from adapters.store import AuditRow, FeedTextRow, MappingRow, Reader, Store
from schemas.canonical import digest, to_bytes
from schemas.errors import BatonError, ConfigRefused
from schemas.feeds import Feed
from service.feeds import read_feed_text
from service.mappings import ANY, FeedMapping

LOOK_SECONDS: Final = 2.0
"""How long what was said of a feed may stay unnoticed by a running process."""

MOST_FEEDS: Final = 1000
"""Feeds that the API may say something of: each is a label of metrics."""

TO_END: Final = "Take the file away, or take back what the API says: DELETE /v1/feeds/NAME."
"""How the two are made one again."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of feeds at one moment. `texts` are those said through the API that still count.

    `hidden` are the names that a file states besides: what the API says of them is kept and not used.
    """

    feeds: Mapping[str, Feed]
    mappings: Mapping[str, FeedMapping]
    standard: FeedMapping
    texts: Mapping[str, FeedTextRow] = field(default_factory=dict)
    hidden: tuple[str, ...] = ()
    number: int = 0

    def mapping_of(self, feed: str) -> FeedMapping:
        """How a feed is read; one that nothing is said of is read as the standards say and no further."""
        return self.mappings.get(feed, self.standard)


@dataclass(frozen=True, slots=True)
class Author:
    """Who says it, and as whom the machine knows them: `key:` and an API key's prefix, `os:` and a user."""

    name: str
    through: str


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a statement: the version in force of that feed, and what was there before."""

    row: FeedTextRow | None
    before: FeedTextRow | None
    mapping: FeedMapping

    @property
    def is_new(self) -> bool:
        """Whether nothing was said of this feed before."""
        return self.before is None

    @property
    def changes(self) -> bool:
        """Whether it says anything else than before."""
        return (self.row and self.row.sha256) != (self.before and self.before.sha256)


class FeedsInForce:
    """The feeds in force. Once it follows a store, it looks there every few seconds for what the API said."""

    def __init__(
        self,
        files: Mapping[str, Feed],
        facility: str,
        timezone: str,
        store: Callable[[], Store],
        now: Callable[[], datetime],
    ) -> None:
        self._files = files
        self._facility = facility
        self._timezone = timezone
        self._store = store
        self._now = now
        self._from_files = {name: FeedMapping.of(feed, timezone) for name, feed in files.items()}
        self._standard = FeedMapping.of(Feed(ANY, facility), timezone)
        self._found = Known(files, self._from_files, self._standard)
        self._follows = False
        self._looked_at: datetime | None = None

    def __call__(self) -> Known:
        """What is known now.

        Raises:
            ConfigRefused: what was said of a feed does not fit this program. Unavailable: no store.
        """
        if self._follows:
            now = self._now()
            at = self._looked_at
            if at is None or abs((now - at).total_seconds()) >= LOOK_SECONDS:
                with self._store().read() as reader:
                    if at is None or reader.feed_texts_number() != self._found.number:
                        self.take(reader)
                self._looked_at = now
        return self._found

    def follow(self) -> None:
        """From now on look at the store, beginning with the next question."""
        self._follows, self._looked_at = True, None

    def take(self, reader: Reader) -> Known:
        """Read what the store says now, and follow it from here on.

        Raises:
            ConfigRefused: what was said of a feed does not fit this program.
        """
        number = reader.feed_texts_number()
        texts = {row.feed: row for row in reader.feed_texts() if row.text is not None}
        feeds, mappings = dict(self._files), dict(self._from_files)
        for name, row in texts.items():
            if name in self._files:
                continue
            same = self._found.texts.get(name)
            if same is not None and same.sha256 == row.sha256 and name in self._found.mappings:
                feeds[name], mappings[name] = self._found.feeds[name], self._found.mappings[name]
            else:
                feeds[name], mappings[name] = self._read(name, row.text or "")
        hidden = tuple(sorted(set(texts) & set(self._files)))
        self._found = Known(feeds, mappings, self._standard, texts, hidden, number)
        self._follows, self._looked_at = True, self._now()
        return self._found

    def _read(self, name: str, text: str) -> tuple[Feed, FeedMapping]:
        try:
            return self.examine(name, text)
        except ConfigRefused as error:
            reason = f"this program does not take what was said of it ({error.reason}); say it anew with PUT"
            where = f"feed {name}, {error.where}"
            raise ConfigRefused("feed-does-not-fit", reason, where=where) from None

    def examine(self, name: str, text: str) -> tuple[Feed, FeedMapping]:
        """What a text says of a feed; nothing is kept.

        Raises:
            ConfigRefused: something in it is wrong, with its line and the reason.
        """
        feed = read_feed_text(text, name, self._facility)
        return feed, FeedMapping.of(feed, self._timezone)

    def state(
        self, name: str, text: str, holds: Callable[[FeedTextRow | None], None], by: Author, now: datetime
    ) -> Said:
        """Say through the API what is known of a feed; it is kept, audited and in force in one transaction.

        `holds` is told the version that is there and raises where it is not the one that the author saw.

        Raises:
            ConfigRefused: something in the text is wrong, with its line and the reason.
            BatonError: `feed-in-file`, a file states this feed. Unavailable: nothing is kept.
        """
        _, mapping = self.examine(name, text)
        if name in self._files:
            raise _in_file()
        return self._keep(name, text, mapping, holds, by, now)

    def look_at(self, name: str, text: str, holds: Callable[[FeedTextRow | None], None]) -> Said:
        """What `state` would come to; nothing is kept.

        Raises:
            ConfigRefused, BatonError: as `state`.
        """
        _, mapping = self.examine(name, text)
        if name in self._files:
            raise _in_file()
        with self._store().read() as reader:
            before = _last(reader, name)
        holds(before)
        row = FeedTextRow(name, 0, text, digest(text.encode()), "", "", self._now())
        return Said(row, before, mapping)

    def leave_to_file(
        self, name: str, holds: Callable[[FeedTextRow | None], None], by: Author, now: datetime
    ) -> Said:
        """Let what the API said of a feed count no more, where a file states it: nothing is read otherwise.

        Raises:
            BatonError: `no-such-feed`, `not-in-file`.
        """
        with self._store().read() as reader:
            if _last(reader, name) is None:
                raise no_such_feed()
        if name not in self._files:
            raise BatonError(
                "not-in-file",
                "no file states this feed: its messages would be read without a mapping, and shadow mode "
                "would end; write its file first, or say it anew with PUT",
            )
        return self._keep(name, None, self._from_files[name], holds, by, now)

    def _keep(
        self,
        name: str,
        text: str | None,
        mapping: FeedMapping,
        holds: Callable[[FeedTextRow | None], None],
        by: Author,
        now: datetime,
    ) -> Said:
        with self._store().write() as unit:
            versions = unit.latest_mappings()  # and from here on nobody else changes them
            every = unit.reader.feed_text_versions(name)
            before = every[-1] if every and every[-1].text is not None else None
            holds(before)
            sha256 = None if text is None else digest(text.encode())
            if before is not None and before.sha256 == sha256:
                return Said(before, before, mapping)
            if not every and len(unit.reader.feed_texts()) >= MOST_FEEDS:
                raise BatonError(
                    "too-many-feeds", f"the API may speak of {MOST_FEEDS} feeds; write files for more"
                )
            row = FeedTextRow(name, len(every) + 1, text, sha256, by.name, by.through, now)
            unit.add_feed_text(row)
            who = {"by": by.name, "through": by.through}
            said = {
                "feed": name,
                "number": row.number,
                "from": before.sha256 if before else None,
                "to": sha256,
                "mapping": mapping.version,
            }
            unit.add_audit([AuditRow("feed.stated", name, to_bytes(said | who), now)])
            if versions.get(name) != mapping.version:
                unit.add_mappings([MappingRow(name, mapping.version, mapping.content, now)])
                moved = {"feed": name, "from": versions.get(name), "to": mapping.version}
                unit.add_audit([AuditRow("mapping.changed", name, to_bytes(moved | who), now)])
        self.follow()
        return Said(row if text is not None else None, before, mapping)


def no_such_feed() -> BatonError:
    """The refusal of a name that nothing is said of."""
    return BatonError(
        "no-such-feed", "nothing is said of a feed of this name; /v1/feeds lists those there are"
    )


def _in_file() -> BatonError:
    return BatonError(
        "feed-in-file",
        "a file states this feed, and what a file says counts; change that file, or take it away first",
    )


def _last(reader: Reader, name: str) -> FeedTextRow | None:
    every = reader.feed_text_versions(name)
    return every[-1] if every and every[-1].text is not None else None
