"""The public keys that a check believes: given by who checks, or named by the log itself."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from adapters.signing import key_id_of
from adapters.store import Reader
from schemas.canonical import from_bytes
from schemas.errors import ConfigRefused


def read_public_keys(given: Iterable[str]) -> dict[str, bytes]:
    """Public keys by key id, from 64 hexadecimal digits or files with lines `KEY_ID HEX` or `HEX`.

    Raises:
        ConfigRefused: one is neither.
    """
    keys: dict[str, bytes] = {}
    for one in given:
        path = Path(one)
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else [one]
        for line in filter(None, map(str.strip, lines)):
            try:
                key = bytes.fromhex(line.split()[-1])
            except ValueError:
                key = b""
            if len(key) != 32:
                raise ConfigRefused(
                    "bad-key", "write 64 hexadecimal digits, or name a file with them", where="--key"
                )
            keys[key_id_of(key)] = key
    return keys


def keys_in_log(reader: Reader) -> dict[str, bytes]:
    """The keys that entries of the log name; whoever owns the database could have named them too."""
    keys: dict[str, bytes] = {}
    for content in reader.audit_key_entries():
        try:
            key = bytes.fromhex(from_bytes(content)["public_key"])
        except (ValueError, KeyError, TypeError):
            continue
        if len(key) == 32:
            keys[key_id_of(key)] = key
    return keys
