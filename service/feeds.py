"""Reads what is known about feeds: one file for each in a folder, or tables of `baton.toml`.

A file may say only what `KEYS` lists; what is wrong is refused with file and line. A misspelt `shadow`
would open cases, and a misspelt code would be a payment that never was.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from adapters import desk
from schemas.errors import ConfigRefused
from schemas.feeds import Alerts, Feed
from service.core.policy import Lines
from service.mappings import ACCOUNT_KEYS, FeedMapping

Reader: TypeAlias = Callable[[object], Any]
Place: TypeAlias = Callable[..., str]
"""Says where a path of keys stands."""

FORMATS: Final = ("x12", "hl7v2", "fhir", "json")
DOORS: Final = ("rabbitmq", "http", "mllp", "folder", "file")
FILE_BYTES: Final = 1024 * 1024
MOST_BYTES: Final = 1 << 31
DEEPEST: Final = 6
RESERVED: Final = ("*", desk.FORMAT)
"""No sender's name: what feeds without a file share, and what people state by hand."""

_LINE: Final = re.compile(r"\bline ([0-9]+)")


def _word(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise ValueError("write one word in quotes")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise ValueError("write a text in quotes")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


def _one_of(*words: str) -> Reader:
    def read(value: object) -> str:
        if value not in words:
            raise ValueError(f"write one of: {', '.join(words)}")
        return str(value)

    return read


def _size(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1024 <= value <= MOST_BYTES:
        raise ValueError(f"write a whole number of bytes from 1024 to {MOST_BYTES}")
    return value


def _whole(low: int, high: int) -> Reader:
    def read(value: object) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise ValueError(f"write a whole number from {low} to {high}")
        return value

    return read


def _table(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("write a table")
    return value


def _crosswalk(value: object) -> dict[str, str]:
    for word, meaning in _table(value).items():
        try:
            if not word.isprintable():
                raise ValueError("write a text of visible characters")
            _word(meaning)
        except ValueError as error:
            raise _At(str(error), word) from None
    return _table(value)


class _At(ValueError):
    """Something wrong below a key."""

    def __init__(self, reason: str, *path: str) -> None:
        super().__init__(reason)
        self.path = path


KEYS: Final[dict[str, Reader]] = {
    "name": _word,
    "facility": _word,
    "shadow": _yes_or_no,
    "door": _one_of(*DOORS),
    "format": _one_of(*FORMATS),
    "watched": _yes_or_no,
    "path": _text,
    "marker": _word,
    "payers": _crosswalk,
    "facilities": _crosswalk,
    "account": _table,
    "hl7v2": _table,
    "fhir": _table,
    "limits": _table,
    "alerts": _table,
}
"""What may be said of a feed, and how each is read; a key fills the field of `Feed` that has its name."""

LIMITS: Final[dict[str, Reader]] = {"max_bytes": _size}
"""What `[limits]` may say."""

ALERTS: Final[dict[str, Reader]] = {
    "parked_percent": _whole(0, 100),
    "lag_seconds": _whole(0, 30 * 86_400),
    "rate_times": _whole(0, 1000),
    "silent_hours": _whole(0, 10_000),
}
"""What `[alerts]` may say; 0 is never."""


def load_feeds(folder: Path, facility: str, *, required: bool) -> dict[str, Feed]:
    """The feeds of a folder, by name; a file without `name` speaks of the feed it is named after.

    `facility` is that of feeds that name none. With `required`, the folder must be there.

    Raises:
        ConfigRefused: an unreadable file, an unknown key, a wrong value or a feed stated twice.
    """
    if not folder.is_dir():
        if required:
            raise ConfigRefused("no-feeds", "there is no such folder", where=str(folder))
        return {}
    feeds: dict[str, Feed] = {}
    for path in sorted(folder.glob("*.toml")):
        feed = load_feed(path, facility)
        if feed.name in feeds:
            raise ConfigRefused("feed-twice", f"another file states feed {feed.name}", where=str(path))
        feeds[feed.name] = feed
    return feeds


def load_feed(path: Path, facility: str) -> Feed:
    """The feed that one file states.

    Raises:
        ConfigRefused: it cannot be read, or something in it is wrong, with file, line and reason.
    """
    try:
        with path.open("rb") as file:
            written = file.read(FILE_BYTES + 1)
        if len(written) > FILE_BYTES:
            raise ConfigRefused("bad-feed", f"it is over {FILE_BYTES} bytes", where=str(path))
        text = written.decode("utf-8")
        table = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigRefused("bad-feed", f"cannot be read as TOML: {error}", where=str(path)) from None
    except RecursionError:
        raise ConfigRefused("bad-feed", "it is nested too deep", where=str(path)) from None
    return read_feed(table, path.stem, facility, _places(path, text))


def read_feed_text(text: str, name: str, facility: str) -> Feed:
    """The feed that a text says which came through the API; it may not name a folder of this machine.

    >>> read_feed_text('payers = { BCBS = "60054" }', "ehr", "GEN").payers
    {'BCBS': '60054'}

    Raises:
        ConfigRefused: something in it is wrong, with line and reason.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        number = found.group(1) if found else str(text.count("\n") + 1)
        raise ConfigRefused("bad-feed", f"cannot be read as TOML: {error}", where=f"line {number}") from None
    except RecursionError:
        raise ConfigRefused("bad-feed", "it is nested too deep", where="line 1") from None
    lines = Lines(text)

    def place(*keys: str) -> str:
        return f"line {lines.of(*keys) or 1}"

    feed = read_feed(table, name, facility, place)
    if feed.name != name:
        raise ConfigRefused(
            "bad-feed", "name: leave it out, or write the name in the path", where=place("name")
        )
    if feed.door == "folder":
        reason = "door: a folder is watched only where a file on that machine says so; write feeds/NAME.toml"
        raise ConfigRefused("bad-feed", reason, where=place("door"))
    return feed


def read_feed(table: Mapping[str, object], name: str, facility: str, place: Place) -> Feed:
    """One feed from its table; `place` says where a path of keys stands.

    Raises:
        ConfigRefused: an unknown key or a wrong value.
    """
    said: dict[str, Any] = {"name": name, "facility": facility}
    for key, value in table.items():
        said[key] = _read(KEYS, key, value, place)
    limits = said.pop("limits", {})
    said |= {key: _read(LIMITS, key, value, place, "limits") for key, value in limits.items()}
    alerts = said.pop("alerts", {})
    said["alerts"] = Alerts(**{k: _read(ALERTS, k, value, place, "alerts") for k, value in alerts.items()})
    for key in said.get("account", {}):
        if key not in ACCOUNT_KEYS:
            raise _unknown(key, ACCOUNT_KEYS, place("account", key), "[account]")
    feed = Feed(**said)
    if feed.name in RESERVED:
        raise ConfigRefused("bad-feed", "name: this name is taken by Baton itself", where=place("name"))
    if (feed.door == "folder") != (feed.path is not None):
        raise ConfigRefused(
            "bad-feed", 'path goes with door = "folder", and the other way round', where=place("door")
        )
    try:
        FeedMapping.of(feed)
    except ConfigRefused as error:
        raise ConfigRefused(error.code, _reason(error), where=place(*_path(error.where, table))) from None
    return feed


def _read(known: Mapping[str, Reader], key: str, value: object, place: Place, *inside: str) -> Any:
    read = known.get(key)
    if read is None:
        raise _unknown(key, known, place(*inside, key), f"[{inside[0]}]" if inside else "a feed")
    try:
        return read(value)
    except ValueError as error:
        below = error.path if isinstance(error, _At) else ()
        named = ".".join((*inside, key, *below))
        raise ConfigRefused("bad-feed", f"{named}: {error}", where=place(*inside, key, *below)) from None


def _unknown(key: str, known: Mapping[str, Reader] | tuple[str, ...], where: str, what: str) -> ConfigRefused:
    return ConfigRefused("unknown-key", f"{what} has no {key}; there are: {', '.join(known)}", where=where)


def _reason(error: ConfigRefused) -> str:
    return f"{error.where}: {error.reason}"


def _path(where: str, table: Mapping[str, object]) -> tuple[str, ...]:
    """The keys of a place such as `hl7v2.ft1_code.A.B`, whose last key may hold points itself."""
    path: list[str] = []
    rest, level = where, table
    while rest and isinstance(level, Mapping):
        key = next((k for k in sorted(level, key=len, reverse=True) if _begins(rest, k)), None)
        if key is None:
            break
        path.append(key)
        rest = rest.removeprefix(key).lstrip(".[")
        level = level[key]  # type: ignore[assignment]
    shared = next((own for said, own in _SHARED.items() if _begins(where, said)), ())
    return shared if len(path) < 2 and shared else tuple(path)


_SHARED: Final = {
    "hl7v2.account_type": ("account", "type"),
    "hl7v2.account": ("account", "field"),
    "fhir.account_systems": ("account", "systems"),
    "fhir.account": ("account", "rules"),
}
"""Where a door's setting is stated when its own table does not state it."""


def _begins(text: str, key: str) -> bool:
    return text == key or text.startswith((f"{key}.", f"{key}["))


def _places(path: Path, text: str) -> Place:
    lines = Lines(text)
    return lambda *keys: f"{path}:{lines.of(*keys) or 1}"
