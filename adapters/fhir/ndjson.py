"""NDJSON in bounded memory: chunks of bytes become lines, each whole."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from schemas.errors import MessageRejected
from schemas.wire.strict_json import parse_exact

DOCUMENT_BYTES: Final = 32 << 20
"""Largest single resource or Bundle; NDJSON has no limit but this for each line."""

BLANK: Final = b" \t\r\n"


def is_whole(line: bytes) -> bool:
    """Whether a line is a JSON object of its own."""
    line = line.rstrip(BLANK)
    if not (line.startswith(b"{") and line.endswith(b"}")) or len(line) > DOCUMENT_BYTES:
        return False
    try:
        parse_exact(line)
    except MessageRejected:
        return False
    return True


def after_blanks(rest: bytes, chunks: Iterator[bytes]) -> bytes | None:
    """What follows the first line up to something that is not blank; None when nothing does."""
    while not rest.strip(BLANK):
        rest = next(chunks, b"")
        if not rest:
            return None
    return rest


def lines(held: bytes, chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines, each whole; one beyond the limit is cut off there, so that it is refused and never held."""
    pieces: list[bytes] = []
    size = 0
    while True:
        *ended, last = held.split(b"\n")
        for line in ended:
            yield b"".join([*pieces, line]) if pieces else line
            pieces, size = [], 0
        if last and size <= DOCUMENT_BYTES:
            pieces.append(last)
            size += len(last)
        held = next(chunks, b"")
        if not held:
            break
    if pieces:
        yield b"".join(pieces)
