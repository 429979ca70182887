"""The one wiring place: the only module that opens doors, reads the clock and knows every part."""

from __future__ import annotations

import gc
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event
from typing import Final
from zoneinfo import ZoneInfo

from adapters import desk, fhir, hl7v2, native, x12
from adapters.embedded import EmbeddedTransport
from adapters.rabbitmq import BrokerState, RabbitTransport
from adapters.signing import Signer
from adapters.store import EmbeddedQueue, PolicyRow, Store
from adapters.transport import Transport
from schemas.canonical import to_bytes
from schemas.errors import ConfigRefused
from schemas.facts import Item, LargeMessage, Message, Rejected, Tally
from schemas.feeds import Alerts, Feed
from service.audit import Announced, make_checkpoint
from service.audit.checkpoints import name_key
from service.audit.keys import keys_in_log
from service.config import Config
from service.core import Policy, parse_policy
from service.core.policy import Condition, Examined, examine
from service.crosswalk import crosswalked
from service.feeds_in_force import FeedsInForce
from service.intake import Intake
from service.mappings import FeedMapping, remember
from service.publication import InForce, begin
from service.receipts import Moment
from service.release import Terms
from service.tree import UNDER_TREE

BUNDLED_POLICY: Final = Path(__file__).parent / "policies"
IN_MEMORY_BYTES: Final = 64 * 1024 * 1024
"""A JSON array or an HL7 v2 batch is read whole, up to here."""


def wall_clock() -> datetime:
    """This instant, in UTC: the one place where the clock is read."""
    return datetime.now(UTC)


def read_policy(config: Config) -> dict[str, str]:
    """The text of every policy file on disk, by name: the bundled packs with those of `policy_dir` laid over.

    Raises:
        ConfigRefused: a policy folder that cannot be read or is empty.
    """
    texts = {} if config.policy_dir and config.policy_bundled == "no" else read_packs([BUNDLED_POLICY])
    return texts | (read_packs([config.policy_dir]) if config.policy_dir else {})


def read_packs(paths: Iterable[Path]) -> dict[str, str]:
    """The text of policy files and of the `*.toml` files of folders, by file name; a later one replaces.

    Raises:
        ConfigRefused: one that cannot be read, is empty or is no text.
    """
    texts: dict[str, str] = {}
    for path in paths:
        try:
            files = sorted(path.glob("*.toml")) if path.is_dir() else [path]
            texts |= {file.name: file.read_text(encoding="utf-8") for file in files}
        except OSError as error:
            reason = f"cannot read it: {error.strerror}"
            raise ConfigRefused("unreadable-policy", reason, where=str(path)) from None
        except UnicodeDecodeError:
            raise ConfigRefused("unreadable-policy", "it is no UTF-8 text", where=str(path)) from None
        if not files:
            raise ConfigRefused("no-policy", "there is no *.toml policy file here", where=str(path))
    return texts


def compile_rule(text: str) -> Condition:
    """The expression of a house rule; the library that reads it is loaded by the first one.

    Raises:
        ValueError: it is none, or uses more than is allowed.
    """
    from service.rules import Expression

    return Expression(text)


def read_policy_texts(texts: Mapping[str, str]) -> Policy:
    """Packs as a policy, house rules included.

    Raises:
        PolicyRefused: something in them is wrong, with file, line and reason.
    """
    return parse_policy(texts, compile_rule)


def examine_policy_texts(texts: Mapping[str, str]) -> Examined:
    """Everything that is wrong with packs, and what has no effect."""
    return examine(texts, compile_rule)


class App:
    """A configured Baton: store, policy, readers, transport. Doors open on first use and close together.

    Raises:
        PolicyRefused: a policy file that does not hold together, with file and reason.
        ConfigRefused: a policy folder that cannot be read.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.policy_texts = read_policy(config)
        self.policy_on_disk: Policy = read_policy_texts(self.policy_texts)
        self.feeds_in_force = FeedsInForce(
            config.feeds, config.facility, config.timezone, lambda: self.store, wall_clock
        )
        self._kept: list[FeedMapping] = []
        self._store: Store | None = None
        self._signer: Signer | None = None
        self._in_force = InForce(lambda: self.store, self.policy_on_disk, examine_policy_texts, wall_clock)

    @property
    def policy(self) -> Policy:
        """The policy to decide by now: the one approved last, unless the packs on disk are set to win.

        Raises:
            PolicyRefused: the policy in force does not fit this program.
            Unavailable: the store, which knows it, does not answer.
        """
        return self.policy_on_disk if self.config.policy_source == "disk" else self._in_force()

    @property
    def store(self) -> Store:
        """The open store.

        Raises:
            ConfigRefused: a bad URL. Unavailable: it does not answer.
        """
        if self._store is None:
            url = self.config.database_url
            if url.startswith("sqlite:///"):
                Path(url.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
            self._store = Store.open(url)
        return self._store

    @property
    def has_database(self) -> bool:
        """Whether there is a database to ask: opening SQLite would make one."""
        path = self.config.database_url.removeprefix("sqlite:///")
        return path == self.config.database_url or Path(path).exists()

    def close(self) -> None:
        """Close what was opened."""
        if self._store is not None:
            self._store.close()
            self._store = None

    def moment(self) -> Moment:
        """Now, and the day it is where the hospital is."""
        at = wall_clock()
        return Moment(at, at.astimezone(self.config.zone).date())

    @property
    def feeds(self) -> Mapping[str, Feed]:
        """The feeds that are known now, by name: those of files, and those said through the API.

        The latter are looked for once `intake` or `feeds_in_force.follow` was called.
        """
        return self.feeds_in_force().feeds

    def terms(self) -> Terms:
        """When decisions act now: the settling window, and what is only shadowed."""
        return Terms(
            timedelta(seconds=self.config.settling_seconds),
            frozenset(feed.name for feed in self.feeds.values() if feed.shadow),
        )

    def alerts(self) -> dict[str, Alerts]:
        """When people are told that something about a feed is not as it should be, by feed."""
        return {feed.name: feed.alerts for feed in self.feeds.values()}

    def unwatched(self) -> frozenset[str]:
        """The feeds that are never paused by themselves; what people state here is none of a sender's."""
        feeds = self.feeds.values()
        return frozenset((desk.FORMAT, *(feed.name for feed in feeds if not feed.watched)))

    def intake(self) -> Intake:
        """The use case, wired to the readers. The policy it decides by is kept with what it decides.

        A store that has no policy in force yet begins with the packs on disk.
        """
        on_disk, now = self.policy_on_disk, self.moment().now
        with self.store.write() as unit:
            if self.config.policy_source == "disk":
                unit.keep_policy(PolicyRow(on_disk.sha256, on_disk.version, to_bytes(self.policy_texts), now))
            else:
                begin(unit, on_disk, self.policy_texts, now)
            unit.latest_mappings()  # from here on nobody else says anything of a feed
            known = self.feeds_in_force.take(unit.reader)
            remember(unit, known.mappings.values(), known.standard, now)
        # Asked once here, so that a policy that does not fit is refused before anything is served.
        self.policy  # noqa: B018
        return Intake(
            self.store, self.read, self.read_large, lambda: self.policy, self.terms, self.mapping_of
        )

    def signer(self) -> Signer:
        """The key that signs checkpoints; made the first time, when the log knows none yet.

        Raises:
            ConfigRefused: its file cannot be used, or the log was signed with another key: one that was made
                here in silence would let anybody who reaches the database sign. Unavailable: no store.
        """
        if self._signer is None:
            file, named = self.config.audit_key, self._keys_in_log()
            signer = Signer.open(file) if file.exists() or not named else None
            if signer is None or (named and signer.key_id not in named):
                raise ConfigRefused(
                    "another-key",
                    f"the audit log was signed with the key {', '.join(named)}, which is not here; put its "
                    "file there, or start a new one with `baton audit key --new`",
                    where=str(file),
                )
            self._signer = signer
        return self._signer

    def renew_signer(self, by: str) -> Signer:
        """Begin to sign with a new key; the file of the one before is kept beside it. The log says who did.

        Raises:
            ConfigRefused: a file cannot be used. Unavailable: the store could not commit; the old key stays.
        """
        signer = Signer.renew(
            self.config.audit_key, lambda new: name_key(self.store, new, self.moment().now, by)
        )
        self._signer = signer
        return signer

    def _keys_in_log(self) -> list[str]:
        if not self.has_database:
            return []
        with self.store.read() as reader:
            return sorted(keys_in_log(reader))

    def keep_checkpoints(self) -> Announced | None:
        """Sign a checkpoint when one is due, and append it to the checkpoint file.

        Raises:
            Unavailable: the store could not commit. ConfigRefused: the key or the file cannot be used.
        """
        made = make_checkpoint(
            self.store,
            self.signer(),
            self.config.audit_origin,
            self.moment().now,
            entries=self.config.checkpoint_entries,
            seconds=self.config.checkpoint_seconds,
        )
        if made is not None:
            self.publish_checkpoint(made)
        return made

    def publish_checkpoint(self, made: Announced) -> None:
        """Append a checkpoint to the checkpoint file; the relay gives it out as an event besides.

        Raises:
            ConfigRefused: the file cannot be written.
        """
        file = self.config.checkpoint_file
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            with file.open("a", encoding="utf-8") as out:
                out.write(made.text + "\n")
        except OSError as error:
            raise ConfigRefused(
                "no-checkpoint-file", f"cannot write it: {error.strerror}", where=str(file)
            ) from None

    def transport(self) -> Transport:
        """RabbitMQ, or the store's own queue where no broker is configured."""
        if self.config.transport == "amqp" and self.config.amqp_url:
            return RabbitTransport(self.config.amqp_url)
        return EmbeddedTransport(
            EmbeddedQueue(self.store),
            delivery_limit=self.config.delivery_limit,
            now=wall_clock,
        )

    def broker_state(self) -> BrokerState | None:
        """How the broker stands; None where the store's own queue carries messages.

        Raises:
            ConfigRefused: exchanges or queues are missing. Unavailable: it does not answer.
        """
        if self.config.transport != "amqp" or self.config.amqp_url is None:
            return None
        return RabbitTransport(self.config.amqp_url).check()

    def read(self, message: Message, mapping: FeedMapping | None = None) -> Iterator[Item]:
        """Read a message in memory with the reader of its format.

        `mapping` is how; None for how its feed is read now.
        """
        mapping = mapping or self.mapping_of(message.feed)
        format = message.format if message.format != "unknown" else detect([message.body])
        feed, received_at, limit = message.feed, message.received_at, self._limit(mapping)
        if (strange := _strange(mapping.source, message.door, format)) is not None:
            return iter([strange, Tally(format)])
        if len(message.body) > limit:
            return iter([_too_large(limit), Tally(format)])
        if format == desk.FORMAT:
            return desk.read(message.body, door=message.door)
        if format == "json":
            return _shared(native.read(message.body, feed=feed, received_at=received_at), mapping)
        if format == "hl7v2":
            return _read_hl7v2(message.body, feed, received_at, mapping)
        facility = mapping.source.facility
        if format == "x12":
            items = x12.read(message.body, feed=feed, facility=facility, received_at=received_at)
            return _shared(items, mapping)
        if format == "fhir" and not fhir.looks_like_fhir_xml(message.body[:HEAD_BYTES]):
            return fhir.read(
                message.body, feed=feed, facility=facility, received_at=received_at, mapping=mapping.fhir
            )
        return iter([_unknown(message.body[:HEAD_BYTES]), Tally(format)])

    def mapping_of(self, feed: str) -> FeedMapping:
        """How a feed is read; a feed without a file is read as the standards say and no further."""
        return self.feeds_in_force().mapping_of(feed)

    def _limit(self, mapping: FeedMapping) -> int:
        """The size of the largest message that is read by a mapping."""
        most = self.config.max_message_bytes
        return min(most, mapping.source.max_bytes or most)

    def mapping_version(self, feed: str) -> str:
        """What names exactly how a feed is read now."""
        return self.mapping_of(feed).version

    def read_as_then(self, large: LargeMessage, sha256: str) -> Iterator[Item]:
        """Read a message by the version of a mapping that read it then.

        Raises:
            ConfigRefused: that version was not kept, or today's readers do not take it any more.
        """
        return self.read_large(large, self._kept_mapping(sha256))

    def _kept_mapping(self, sha256: str) -> FeedMapping:
        now = self.feeds_in_force()
        known = [*now.mappings.values(), now.standard, *self._kept]
        if (found := next((one for one in known if one.version == sha256), None)) is not None:
            return found
        with self.store.read() as reader:
            kept = reader.mapping_content(sha256)
        if kept is None:
            raise ConfigRefused("no-such-mapping", "this version of a mapping was not kept", where=sha256)
        mapping = FeedMapping.read_back(*kept)
        self._kept.append(mapping)
        return mapping

    def read_large(self, large: LargeMessage, mapping: FeedMapping | None = None) -> Iterator[Item]:
        """Read a message in chunks; remittances and NDJSON may be of any size up to the limit.

        `mapping` is how; None for how its feed is read now.
        """
        mapping = mapping or self.mapping_of(large.feed)
        format = large.format if large.format != "unknown" else detect(large.open_chunks())
        feed, received_at = large.feed, large.received_at
        limit = self._limit(mapping)
        if (strange := _strange(mapping.source, large.door, format)) is not None:
            return iter([strange, Tally(format)])
        if large.size > limit:
            return iter([_too_large(limit), Tally(format)])
        if format == desk.FORMAT and large.size <= IN_MEMORY_BYTES:
            return desk.read(b"".join(large.open_chunks()), door=large.door)
        if format == "json" and large.size <= IN_MEMORY_BYTES:
            body = b"".join(large.open_chunks())
            return _shared(native.read(body, feed=feed, received_at=received_at), mapping)
        if format == "hl7v2":
            if large.size > IN_MEMORY_BYTES:
                return iter([_too_large(IN_MEMORY_BYTES), Tally(format)])
            return _read_hl7v2(b"".join(large.open_chunks()), feed, received_at, mapping)
        facility, chunks = mapping.source.facility, large.open_chunks
        if format == "x12":
            items = x12.read_stream(chunks, feed=feed, facility=facility, received_at=received_at)
            return _shared(items, mapping)
        if format == "fhir" and not fhir.looks_like_fhir_xml(_head(chunks)):
            return fhir.read_stream(
                chunks, feed=feed, facility=facility, received_at=received_at, mapping=mapping.fhir
            )
        return iter([_unknown(_head(chunks)), Tally(format)])

    def advise(self, large: LargeMessage) -> Iterator[Item]:
        """Where FHIR does not conform to R4B, HL7 v2 to its version: warnings that keep nothing out."""
        format = large.format if large.format != "unknown" else detect(large.open_chunks())
        if format == "fhir" and large.size <= fhir.DOCUMENT_BYTES:
            # The library takes long to load and nothing else needs it.
            from adapters.fhir import conformance

            yield from conformance.advise(b"".join(large.open_chunks()))
        elif format == "hl7v2" and large.size <= IN_MEMORY_BYTES:
            from adapters.hl7v2 import conformance as hl7v2_conformance

            yield from hl7v2_conformance.check(b"".join(large.open_chunks()))


HEAD_BYTES: Final = 4096
_UNLIKE: Final = (
    "this feed {what}; send it by a feed of its own, or mend `{key}` in the feed's file and retry it"
)
BY_HAND: Final = "file"
"""The door of files that an operator names on the command line."""


def detect(chunks: Iterable[bytes]) -> str:
    """The format of a message: json, x12, hl7v2, fhir or unknown.

    Its first bytes tell, but for JSON that names neither its contract nor a resourceType there: a FHIR
    resource may name its type last.

    >>> detect([b'{"meta": {}, ', b'"resourceType": "Bundle"}']), detect([b'{"schema": "baton/1"}'])
    ('fhir', 'json')
    """
    source = iter(chunks)
    chunk = next(source, b"")
    head = chunk[:HEAD_BYTES]
    if hl7v2.looks_like_hl7(head):
        return "hl7v2"
    if native.looks_like_json(head):
        last = b""
        while chunk:
            window = last + chunk
            if native.CONTRACT_NAME in window[:HEAD_BYTES]:
                return "json"
            if fhir.looks_like_fhir(window):
                return "fhir"
            last, chunk = window[-HEAD_BYTES:], next(source, b"")
        return "json"
    if x12.looks_like_x12(head):
        return "x12"
    return "unknown"


def _strange(known: Feed, door: str, format: str) -> Rejected | None:
    """Why a message is not what its feed's file says; None where it is, or nothing is said.

    What an operator reads from a file by hand may have come by any door once.
    """
    if known.door is not None and door not in (known.door, BY_HAND):
        what = f"comes by {known.door}, and this came by {door}"
        return Rejected("wrong-door", "", _UNLIKE.format(what=what, key="door"))
    if known.format is not None and format != known.format:
        what = f"sends {known.format}, and this is {format}"
        return Rejected("wrong-format", "", _UNLIKE.format(what=what, key="format"))
    return None


def _read_hl7v2(body: bytes, feed: str, received_at: datetime, mapping: FeedMapping) -> Iterator[Item]:
    return hl7v2.read(
        body,
        feed=feed,
        facility=mapping.source.facility,
        received_at=received_at,
        mapping=mapping.hl7v2,
        zone=ZoneInfo(mapping.timezone),
    )


def _shared(items: Iterator[Item], mapping: FeedMapping) -> Iterator[Item]:
    """Payers and facilities under the ids that all feeds share."""
    if mapping.payers or mapping.facilities:
        return crosswalked(items, mapping.payers, mapping.facilities)
    return items


def _head(chunks: Callable[[], Iterable[bytes]]) -> bytes:
    """The first bytes of a message that comes in chunks."""
    return next(iter(chunks()), b"")[:HEAD_BYTES]


def _too_large(limit: int) -> Rejected:
    return Rejected(
        "too-large",
        "",
        f"the message is over the limit of {limit} bytes; send it in parts",
    )


def _unknown(head: bytes) -> Rejected:
    if fhir.looks_like_fhir_xml(head):
        return Rejected(
            "fhir-xml",
            "",
            "this is FHIR in XML, which is not read; send the same resource as JSON (application/fhir+json)",
            "FHIR R4 2.6",
        )
    return Rejected(
        "unknown-format", "", "it is empty, or holds neither baton/1 JSON, FHIR JSON, HL7 v2 nor X12 835"
    )


def calm_collector() -> None:
    """Once everything is wired: let the garbage collector pass over what stays, and run rarely over the rest.

    A batch makes many records and almost no circles, so the usual intervals cost a tenth of a message's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1000)


def stop_on_signals() -> Event:
    """An event that SIGTERM, SIGINT or the end of the process tree sets, so that a loop can finish."""
    stop = Event()

    def ask(signum: int, frame: object) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    if os.environ.get(UNDER_TREE):
        threading.Thread(target=_stop_with_tree, args=(stop,), daemon=True, name="tree").start()
    return stop


def _stop_with_tree(stop: Event) -> None:
    """Wait until the tree's end of standard input closes."""
    while os.read(0, 1024):
        pass
    stop.set()
