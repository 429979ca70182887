"""What is inside a gzip or zip file, within bounds: no bomb, no archive in an archive, no path ever used."""

from __future__ import annotations

import struct
import zipfile
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from schemas.facts import Rejected

GZIP: Final = b"\x1f\x8b"
ZIP: Final = b"PK\x03\x04"
EMPTY_ZIP: Final = b"PK\x05\x06"
RATIO: Final = 100
"""How many times its size a file may unpack to."""

ENTRIES: Final = 1000
PIECE: Final = 1 << 16
_ENCRYPTED: Final = 0x1


@dataclass(frozen=True, slots=True)
class _Refused(Exception):
    code: str
    reason: str


_TOO_LARGE: Final = _Refused(
    "archive-too-large", "unpacked it is over the limit, or over 100 times its size; send smaller files"
)
_NESTED: Final = _Refused("archive-nested", "it holds an archive itself; send plain files")
_BROKEN: Final = _Refused("archive-unreadable", "it cannot be unpacked; check the transfer and send it again")


def is_archive(head: bytes) -> bool:
    """Whether a file that begins so is gzip or zip."""
    return head.startswith((GZIP, ZIP, EMPTY_ZIP))


def unpack(body: bytes, limit_bytes: int) -> list[bytes] | Rejected:
    """The files inside, or why the archive waits for a person; all together at most `limit_bytes`.

    >>> import gzip
    >>> unpack(gzip.compress(b"MSH|^~"), 1024)
    [b'MSH|^~']
    """
    bound = min(limit_bytes, RATIO * len(body))
    try:
        parts = [_gunzip(body, bound)] if body.startswith(GZIP) else _unzip(body, bound)
        if any(is_archive(part) for part in parts):
            raise _NESTED
    except _Refused as refused:
        return Rejected(refused.code, "", refused.reason)
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, RuntimeError, ValueError,
        OSError, OverflowError, UnicodeError,
    ):  # fmt: skip
        return Rejected(_BROKEN.code, "", _BROKEN.reason)
    return parts


def _gunzip(body: bytes, bound: int) -> bytes:
    """Every member of a gzip file, one after another."""
    made = bytearray()
    rest = body
    while rest:
        stream = zlib.decompressobj(31)
        made += stream.decompress(rest, bound + 1 - len(made))
        if len(made) > bound:
            raise _TOO_LARGE
        if not stream.eof:
            raise _BROKEN
        rest = stream.unused_data.lstrip(b"\x00")
    return bytes(made)


def _unzip(body: bytes, bound: int) -> list[bytes]:
    parts: list[bytes] = []
    with zipfile.ZipFile(BytesIO(body)) as archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        if not entries:
            raise _BROKEN
        if len(entries) > ENTRIES:
            raise _TOO_LARGE
        for entry in entries:
            if entry.flag_bits & _ENCRYPTED:
                raise _Refused("archive-encrypted", "it is encrypted; send it without a password")
            part = bytearray()
            with archive.open(entry) as source:
                # What the entry says of its own size is not believed.
                while piece := source.read(PIECE):
                    part += piece
                    if len(part) > bound:
                        raise _TOO_LARGE
            bound -= len(part)
            parts.append(bytes(part))
    return parts
