"""Files and folders that a person names, as messages that need not fit into memory."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from schemas.facts import LargeMessage, Message
from service.app import wall_clock

CHUNK_BYTES: Final = 1 << 18

Advance = Callable[[int], None]


def stay(bytes_read: int) -> None:
    """Nobody watches the progress."""


@dataclass(slots=True)
class Named:
    """The paths of a command line: the files behind them, and how many of them could not be used."""

    paths: Sequence[str]
    unusable: int = 0
    sizes: dict[Path, int] = field(default_factory=dict)

    def files(self) -> list[Path]:
        """Every regular file named or inside a named folder, in order of name; an error line for the rest."""
        for text in self.paths:
            path = Path(text)
            found = 0
            for file, size in self._behind(path):
                self.sizes.setdefault(file, size)
                found += 1
            if not found and path.is_dir():
                self.refuse(path, "there is no file in this folder")
        return list(self.sizes)

    def refuse(self, path: Path, reason: str) -> None:
        """Say on one line why a path cannot be used, and go on."""
        self.unusable += 1
        click.echo(
            f"baton: {reason}, {path}: correct the path or its permissions; the others go on", err=True
        )

    def _behind(self, path: Path) -> Iterator[tuple[Path, int]]:
        try:
            status = path.stat()
            if stat.S_ISDIR(status.st_mode):
                inside = sorted(path.iterdir())
            elif stat.S_ISREG(status.st_mode):
                yield path, status.st_size
                return
            else:
                self.refuse(path, "neither a file nor a folder")
                return
        except (OSError, ValueError) as error:
            self.refuse(path, reason_of(error))
            return
        for child in inside:
            if not child.name.startswith(".") and (child.is_dir() or child.is_file() or child.is_symlink()):
                yield from self._behind(child)


def reason_of(error: OSError | ValueError) -> str:
    """The system's words for what it refused, without the path."""
    words = error.strerror if isinstance(error, OSError) else None
    return (words or "not a path").lower()


@dataclass(frozen=True, slots=True)
class Source:
    """A file on its way in: `format` as detected from its first bytes."""

    path: Path
    feed: str
    format: str
    advance: Advance = stay

    @classmethod
    def of(
        cls, path: Path, feed: str, detect: Callable[[Iterable[bytes]], str], advance: Advance = stay
    ) -> Source:
        """Look at a file's first bytes, or as many as tell its format.

        Raises:
            OSError: it cannot be read.
        """
        with path.open("rb") as file:
            return cls(path, feed, detect(iter(lambda: file.read(CHUNK_BYTES), b"")), advance)

    def message(self) -> LargeMessage:
        """The file as a message whose bytes are read when they are asked for; its digest is taken now."""
        taken = hashlib.sha256()
        for chunk in self.chunks():
            taken.update(chunk)
        size = self.path.stat().st_size
        return LargeMessage(
            taken.hexdigest(), size, self.feed, self.format, "file", wall_clock(), self.chunks
        )

    def whole(self) -> Message:
        """The file as a message in memory."""
        body = b"".join(self.chunks())
        return Message.of(body, feed=self.feed, format=self.format, door="file", received_at=wall_clock())

    def chunks(self) -> Iterator[bytes]:
        """The file's bytes from the first; whoever watches is told how many were read."""
        with self.path.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                yield chunk
                self.advance(len(chunk))


def shown(path: Path) -> str:
    """A path as text that any encoding can carry."""
    return os.fspath(path).encode("utf-8", "backslashreplace").decode()
