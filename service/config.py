"""Environment and an optional `baton.toml` become one frozen Config; nothing else reads either."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import ConfigRefused
from schemas.feeds import Feed
from service.feeds import load_feeds, read_feed

T = TypeVar("T")

PREFIX: Final = "BATON_"
DEFAULT_FACILITY: Final = "GEN"


@dataclass(frozen=True, slots=True)
class Setting:
    """One value in force and where it came from, for `baton doctor`; secrets are masked in `shown`."""

    name: str
    shown: str
    origin: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an operator can set. Times are seconds, sizes are bytes."""

    home: Path
    database_url: str
    amqp_url: str | None
    transport: str
    facility: str
    timezone: str
    policy_dir: Path | None
    policy_bundled: str
    policy_source: str
    http_host: str
    http_port: int
    batch_size: int
    batch_wait_seconds: float
    workers: int
    delivery_limit: int
    max_message_bytes: int
    settling_seconds: int
    audit_key: Path
    audit_origin: str
    checkpoint_file: Path
    checkpoint_seconds: int
    checkpoint_entries: int
    tsa_url: str | None
    tsa_roots: Path | None
    shared_login: str
    redecide_per_second: int
    mllp_host: str
    mllp_port: int | None
    mllp_feed: str
    mllp_tls_cert: Path | None
    mllp_tls_key: Path | None
    mllp_tls_ca: Path | None
    mllp_connections: int
    mllp_peer_connections: int
    feeds: Mapping[str, Feed] = field(default_factory=dict)
    settings: tuple[Setting, ...] = ()

    @property
    def refuses_shared_login(self) -> bool:
        """Whether the second of two people must have a login of the machine of their own."""
        return self.shared_login == "refuse"

    @property
    def zone(self) -> ZoneInfo:
        """The time zone in which a day begins."""
        return ZoneInfo(self.timezone)


def mask(url: str) -> str:
    """A URL without its password.

    >>> mask("postgresql://baton:secret@db/baton")
    'postgresql://baton:***@db/baton'
    """
    parts = urlsplit(url)
    if parts.password is None:
        return url
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{parts.username or ''}:***@{host}"))


class _Reading:
    """One pass over environment and file that remembers where each value came from."""

    def __init__(self, environ: Mapping[str, str], table: Mapping[str, object], file: Path) -> None:
        self._environ = environ
        self._table = table
        self._file = file
        self._known: set[str] = set()
        self.settings: list[Setting] = []

    def value(self, name: str, default: T, read: Callable[[str], T], *, secret: bool = False) -> T:
        """The value of one setting: environment, then its `_FILE`, then `baton.toml`, then the default.

        Raises:
            ConfigRefused: the value cannot be read.
        """
        self._known.add(name)
        variable = PREFIX + name.upper()
        text, origin = self._find(name, variable)
        if text is None:
            result, origin = default, "default"
        else:
            try:
                result = read(text)
            except ValueError as error:
                raise ConfigRefused("bad-setting", f"{name}: {error}", where=origin) from None
        shown = "" if result is None else str(result)
        self.settings.append(Setting(name, mask(shown) if secret else shown, origin))
        return result

    def _find(self, name: str, variable: str) -> tuple[str | None, str]:
        if variable in self._environ:
            return self._environ[variable], variable
        if variable + "_FILE" in self._environ:
            path = Path(self._environ[variable + "_FILE"])
            try:
                return path.read_text(encoding="utf-8").strip(), f"{variable}_FILE"
            except OSError as error:
                raise ConfigRefused(
                    "unreadable-file", f"cannot read it: {error.strerror}", where=f"{variable}_FILE"
                ) from None
        if name in self._table:
            return str(self._table[name]), str(self._file)
        return None, ""

    def refuse_unknown(self, feeds_key: str) -> None:
        unknown = sorted(set(self._table) - self._known - {feeds_key})
        if unknown:
            raise ConfigRefused(
                "unknown-setting",
                f"no such setting: {', '.join(unknown)}; `baton doctor` lists the ones there are",
                where=str(self._file),
            )


def load(environ: Mapping[str, str] | None = None, file: Path | None = None) -> Config:
    """Read the configuration in force.

    Raises:
        ConfigRefused: a value that cannot be read, an unknown setting in the file, or an unreadable file.
    """
    environ = os.environ if environ is None else environ
    path = file or Path(environ.get(PREFIX + "CONFIG", "baton.toml"))
    table = _table(path, required=file is not None or PREFIX + "CONFIG" in environ)
    reading = _Reading(environ, table, path)
    home = reading.value("home", Path("var"), Path)
    amqp_url = reading.value("amqp_url", None, _amqp_url, secret=True)
    facility = reading.value("facility", DEFAULT_FACILITY, _word)
    folder = reading.value("feeds_dir", None, Path)
    feeds = _feeds(
        table.get("feeds", {}), path, folder or Path("feeds"), facility, required=folder is not None
    )
    config = Config(
        home=home,
        database_url=reading.value("database_url", f"sqlite:///{home}/baton.db", str, secret=True),
        amqp_url=amqp_url,
        transport=reading.value("transport", "amqp" if amqp_url else "embedded", _one_of("amqp", "embedded")),
        facility=facility,
        timezone=reading.value("timezone", "UTC", _zone),
        policy_dir=reading.value("policy_dir", None, Path),
        policy_bundled=reading.value("policy_bundled", "yes", _one_of("yes", "no")),
        policy_source=reading.value("policy_source", "published", _one_of("published", "disk")),
        http_host=reading.value("http_host", "127.0.0.1", _word),
        http_port=reading.value("http_port", 8087, _whole(0, 65535)),
        batch_size=reading.value("batch_size", 500, _whole(1, 10_000)),
        batch_wait_seconds=reading.value("batch_wait_seconds", 0.05, _seconds),
        workers=reading.value("workers", 1, _whole(1, 64)),
        delivery_limit=reading.value("delivery_limit", 10, _whole(1, 1000)),
        max_message_bytes=reading.value("max_message_bytes", 128 * 1024 * 1024, _whole(1024, 1 << 31)),
        audit_key=reading.value("audit_key", home / "audit.key", Path),
        audit_origin=reading.value("audit_origin", "baton", _word),
        checkpoint_file=reading.value("checkpoint_file", home / "checkpoints.txt", Path),
        checkpoint_seconds=reading.value("checkpoint_seconds", 60, _whole(1, 86_400)),
        checkpoint_entries=reading.value("checkpoint_entries", 10_000, _whole(1, 10_000_000)),
        tsa_url=reading.value("tsa_url", None, _word, secret=True),
        tsa_roots=reading.value("tsa_roots", None, Path),
        shared_login=reading.value("shared_login", "allow", _one_of("allow", "refuse")),
        settling_seconds=reading.value("settling_seconds", 4 * 3600, _whole(0, 30 * 86_400)),
        redecide_per_second=reading.value("redecide_per_second", 200, _whole(1, 100_000)),
        feeds=feeds,
        mllp_host=reading.value("mllp_host", "127.0.0.1", _word),
        mllp_port=reading.value("mllp_port", None, _whole(0, 65535)),
        mllp_feed=reading.value("mllp_feed", "mllp", _word),
        mllp_tls_cert=reading.value("mllp_tls_cert", None, Path),
        mllp_tls_key=reading.value("mllp_tls_key", None, Path),
        mllp_tls_ca=reading.value("mllp_tls_ca", None, Path),
        mllp_connections=reading.value("mllp_connections", 512, _whole(1, 10_000)),
        mllp_peer_connections=reading.value("mllp_peer_connections", 64, _whole(1, 10_000)),
        settings=tuple(reading.settings),
    )
    reading.refuse_unknown("feeds")
    if config.transport == "amqp" and config.amqp_url is None:
        raise ConfigRefused(
            "no-broker", "transport is amqp, but BATON_AMQP_URL is not set", where="transport"
        )
    if config.mllp_tls_cert is None and (config.mllp_tls_key or config.mllp_tls_ca):
        raise ConfigRefused(
            "no-certificate", "a key or CA for MLLP is set, but no certificate", where="mllp_tls_cert"
        )
    return config


def _table(path: Path, *, required: bool) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if required:
            raise ConfigRefused("no-file", "there is no such file", where=str(path)) from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigRefused("bad-file", f"cannot be read as TOML: {error}", where=str(path)) from None


def _feeds(table: object, path: Path, folder: Path, facility: str, *, required: bool) -> dict[str, Feed]:
    """The feeds of the folder and those of `baton.toml`; none may be stated in both."""
    if not isinstance(table, dict):
        raise ConfigRefused("bad-feeds", "write one [feeds.NAME] table for each feed", where=str(path))
    feeds = load_feeds(folder, facility, required=required)
    for name, entry in table.items():
        where = f"{path}: feeds.{name}"
        if not isinstance(entry, dict):
            raise ConfigRefused("bad-feed", "write one [feeds.NAME] table for each feed", where=where)
        if name in feeds:
            raise ConfigRefused("feed-twice", f"{folder} states feed {name} already", where=where)
        feeds[name] = read_feed({"facility": DEFAULT_FACILITY, **entry}, name, facility, _always(where))
    return feeds


def _always(where: str) -> Callable[..., str]:
    return lambda *keys: where


def _word(text: str) -> str:
    if not text or not text.isprintable() or " " in text:
        raise ValueError("write one word")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone; write a name such as America/New_York") from None
    return text


def _amqp_url(text: str) -> str | None:
    if not text:
        return None
    if urlsplit(text).scheme not in ("amqp", "amqps"):
        raise ValueError("write an amqp:// or amqps:// URL")
    return text


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return int(text)

    return read


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        raise ValueError("write seconds, such as 0.05") from None
    if not 0 < seconds <= 60:
        raise ValueError("write seconds above 0 and up to 60")
    return seconds


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in words:
            raise ValueError(f"write one of: {', '.join(words)}")
        return text

    return read
