"""Which program decides: its version, and a digest over the sources that decide."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DECIDING: Final = ("schemas", "service/core")
"""Facts and records, and what folds, apportions and decides."""


@cache
def program() -> dict[str, str]:
    """`baton` is the version; `code_sha256` covers name and digest of every deciding source, by name.

    >>> sorted(program())
    ['baton', 'code_sha256']
    """
    lines = [
        f"{sha256(file.read_bytes()).hexdigest()}  {file.relative_to(ROOT).as_posix()}\n"
        for folder in DECIDING
        for file in (ROOT / folder).rglob("*.py")
    ]
    try:
        named = version("baton-handoff")
    except PackageNotFoundError:
        named = "unknown"
    ordered = sorted(lines, key=lambda line: line.split("  ")[1])
    return {"baton": named, "code_sha256": sha256("".join(ordered).encode()).hexdigest()}
