"""Where in a TOML text each table and key stands, so that a refusal names the line."""

from __future__ import annotations

import re
from typing import Final, TypeAlias

Path: TypeAlias = tuple[str | int, ...]

_KEY: Final = re.compile(r"""\s*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))\s*""")


class Lines:
    """The line of every table, array entry and key of a text that `tomllib` accepts; lines count from 1.

    >>> lines = Lines('[gates.G41]\\n[[gates.G41.value]]\\nname = "min_days"\\n')
    >>> lines.of("gates", "G41", "value", 0, "name"), lines.of("gates", "G41", "value", 0, "unit")
    (3, 2)
    """

    def __init__(self, text: str) -> None:
        self._lines: dict[Path, int] = {}
        self._entries: dict[Path, int] = {}
        table: Path = ()
        open_text = _Open()
        for number, line in enumerate(text.split("\n"), 1):
            if open_text.still:
                open_text.read(line)
                continue
            stripped = line.strip()
            if stripped.startswith("["):
                table = self._table(stripped, number)
            elif stripped and not stripped.startswith("#"):
                keys, rest = _dotted(line)
                self._note((*table, *keys), number)
                open_text.read(rest)

    def of(self, *path: str | int) -> int:
        """The line of a place, or of the nearest one around it; 0 when nothing around it stands anywhere."""
        while path:
            if path in self._lines:
                return self._lines[path]
            path = path[:-1]
        return 0

    def _table(self, header: str, number: int) -> Path:
        many = header.startswith("[[")
        keys, _ = _dotted(header[2:] if many else header[1:])
        path: Path = ()
        for at, key in enumerate(keys):
            path = (*path, key)
            if many and at == len(keys) - 1:
                self._entries[path] = self._entries.get(path, -1) + 1
            if path in self._entries:
                self._lines.setdefault(path, number)
                path = (*path, self._entries[path])
        self._note(path, number)
        return path

    def _note(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self._lines.setdefault(path[:length], number)
        # A table's own header is the better place than the first mention of something inside it.
        self._lines[path] = number


def _dotted(text: str) -> tuple[list[str], str]:
    """The keys of a header or of `a.b = value`, and what follows them."""
    keys: list[str] = []
    at = 0
    while match := _KEY.match(text, at):
        keys.append(next(part for part in match.groups() if part is not None))
        at = match.end()
        if text[at : at + 1] != ".":
            break
        at += 1
    return keys, text[at:]


class _Open:
    """A value that goes on over several lines: brackets, or a text in three quotes."""

    def __init__(self) -> None:
        self._depth = 0
        self._quote = ""

    @property
    def still(self) -> bool:
        return bool(self._depth or self._quote)

    def read(self, line: str) -> None:
        at = 0
        while at < len(line):
            at = self._inside(line, at) if self._quote else self._outside(line, at)
        if len(self._quote) == 1:
            self._quote = ""

    def _inside(self, line: str, at: int) -> int:
        if line[at] == "\\" and self._quote[0] == '"':
            return at + 2
        if line.startswith(self._quote, at):
            end = at + len(self._quote)
            self._quote = ""
            return end
        return at + 1

    def _outside(self, line: str, at: int) -> int:
        if line[at] == "#":
            return len(line)
        if line[at] in "\"'":
            self._quote = line[at] * 3 if line.startswith(line[at] * 3, at) else line[at]
            return at + len(self._quote)
        self._depth += (line[at] in "[{") - (line[at] in "]}")
        return at + 1
