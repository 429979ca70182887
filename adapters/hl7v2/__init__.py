"""The HL7 v2 door: ADT, BAR, DFT and EHC messages become facts, findings, parked parts (2.1 to 2.9)."""

from __future__ import annotations

from adapters.hl7v2.findings import CODES
from adapters.hl7v2.framing import looks_like_hl7
from adapters.hl7v2.mapping import STANDARD, Mapping
from adapters.hl7v2.reading import read

__all__ = ["CODES", "STANDARD", "Mapping", "looks_like_hl7", "read"]
