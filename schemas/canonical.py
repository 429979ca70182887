"""The one canonical byte form of a record, and the digest over it.

Sorted keys, no blanks, UTF-8, integers only (cents), dates as ISO text. The same bytes come from
`json.dumps(..., sort_keys=True, separators=(",", ":"), ensure_ascii=False)`, so nobody needs this library
to check a digest.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

import orjson

_OPTIONS: Final = orjson.OPT_SORT_KEYS | orjson.OPT_UTC_Z


def to_bytes(plain: Any) -> bytes:
    """Write plain data (dict, list, str, int, bool, None, date, datetime) canonically.

    Raises:
        TypeError: the data holds something else. Floats are refused, since no amount may be one.
    """
    return orjson.dumps(plain, option=_OPTIONS)


def from_bytes(data: bytes) -> Any:
    """Read what `to_bytes` wrote. For our own stored bytes only: foreign JSON comes in by its own door."""
    return orjson.loads(data)


def digest(data: bytes) -> str:
    """SHA-256 of bytes as 64 lower-case hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def stable_id(text: str) -> str:
    """An id in the form of a UUID that the same text always has; taken from its SHA-256.

    >>> stable_id("case-1|1")
    '54b45dce-5c9c-98e5-6346-ff870479b048'
    """
    hex = digest(text.encode())
    return f"{hex[:8]}-{hex[8:12]}-{hex[12:16]}-{hex[16:20]}-{hex[20:32]}"
