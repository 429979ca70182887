"""Reads what is known about feeds: one file for each in a folder, or tables of `baton.toml`.

A file may say only what `KEYS` lists; a wrong key is refused with its file and line: a misspelt `shadow`
would open cases.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, TypeAlias

from schemas.errors import ConfigRefused
from schemas.feeds import Feed

Reader: TypeAlias = Callable[[object], Any]


def _word(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise ValueError("write one word in quotes")
    return value


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("write true or false")
    return value


KEYS: Final[dict[str, Reader]] = {
    "name": _word,
    "facility": _word,
    "shadow": _yes_or_no,
    "door": _word,
    "format": _word,
    "watched": _yes_or_no,
}
"""What may be said of a feed, and how each is read; a key fills the field of `Feed` that has its name."""


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
        try:
            text = path.read_text(encoding="utf-8")
            table = tomllib.loads(text)
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigRefused("bad-feed", f"cannot be read as TOML: {error}", where=str(path)) from None
        feed = read_feed(table, path.stem, facility, _places(path, text))
        if feed.name in feeds:
            raise ConfigRefused("feed-twice", f"another file states feed {feed.name}", where=str(path))
        feeds[feed.name] = feed
    return feeds


def read_feed(table: Mapping[str, object], name: str, facility: str, place: Callable[[str], str]) -> Feed:
    """One feed from its table; `place` says where a key stands.

    Raises:
        ConfigRefused: an unknown key or a wrong value.
    """
    said: dict[str, Any] = {"name": name, "facility": facility}
    for key, value in table.items():
        read = KEYS.get(key)
        if read is None:
            known = ", ".join(KEYS)
            raise ConfigRefused("unknown-key", f"a feed has no {key}; there are: {known}", where=place(key))
        try:
            said[key] = read(value)
        except ValueError as error:
            raise ConfigRefused("bad-feed", f"{key}: {error}", where=place(key)) from None
    return Feed(**said)


def _places(path: Path, text: str) -> Callable[[str], str]:
    def place(key: str) -> str:
        wanted = re.compile(rf'\s*\[*\s*"?{re.escape(key)}"?\s*[=.\]]')
        lines = (n for n, line in enumerate(text.splitlines(), 1) if wanted.match(line))
        return f"{path}:{next(lines, 1)}"

    return place
