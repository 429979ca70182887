"""Request bodies: small ones in memory, large ones in a temporary file, none over the limit."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus
from tempfile import TemporaryFile
from typing import IO, Final

from schemas.facts import LargeMessage, Message
from service.web.problems import Refusal

IN_MEMORY_BYTES: Final = 1 << 20
CHUNK_BYTES: Final = 1 << 18


@dataclass(frozen=True, slots=True)
class Origin:
    """What the request says about a body before it is read."""

    feed: str
    format: str
    received_at: datetime


@contextmanager
def sealed(stream: IO[bytes], limit: int, origin: Origin) -> Iterator[Message | LargeMessage]:
    """Take a body to its end as a message: in memory up to 1 MiB, above that in a temporary file.

    Raises:
        Refusal: 400 `empty-body`; 413 `too-large` when it is longer than `limit` bytes.
    """
    head = _read(stream, min(IN_MEMORY_BYTES, limit) + 1)
    if len(head) > limit:
        raise too_large(limit)
    if not head:
        raise Refusal(HTTPStatus.BAD_REQUEST, "empty-body", "the body is empty; send a message in it")
    if len(head) <= IN_MEMORY_BYTES:
        yield Message.of(
            head, feed=origin.feed, format=origin.format, door="http", received_at=origin.received_at
        )
        return
    with TemporaryFile(prefix="baton-http-") as file:
        yield _spooled(head, stream, file, limit, origin)


def too_large(limit: int) -> Refusal:
    """The refusal of a body over the limit, which says the limit."""
    detail = f"the body is over the limit of {limit} bytes; send it in parts"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


def _read(stream: IO[bytes], size: int) -> bytes:
    """Up to `size` bytes; a stream may give fewer than asked for before its end."""
    chunks = []
    while size > 0 and (chunk := stream.read(size)):
        chunks.append(chunk)
        size -= len(chunk)
    return b"".join(chunks)


def _spooled(head: bytes, stream: IO[bytes], file: IO[bytes], limit: int, origin: Origin) -> LargeMessage:
    seal = sha256(head)
    size = len(head)
    file.write(head)
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        if size > limit:
            raise too_large(limit)
        seal.update(chunk)
        file.write(chunk)
    file.flush()
    number = file.fileno()

    def chunks() -> Iterator[bytes]:
        # By position: two readers of the same file do not disturb each other.
        at = 0
        while chunk := os.pread(number, CHUNK_BYTES, at):
            at += len(chunk)
            yield chunk

    return LargeMessage(
        seal.hexdigest(), size, origin.feed, origin.format, "http", origin.received_at, chunks
    )
