"""The X12 835 door: remittance bytes become facts, findings, parked parts (005010X221A1, and 004010)."""

from __future__ import annotations

from adapters.x12.findings import CODES
from adapters.x12.reading import read, read_stream
from adapters.x12.splitting import looks_like_x12

__all__ = ["CODES", "looks_like_x12", "read", "read_stream"]
