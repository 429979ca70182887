"""The FHIR door: R4, R4B and R5 JSON become facts, findings and parked parts.

Read from the exact text, tolerantly: only what a decision needs, and that strictly. Whether a resource
conforms to the standard is advice, in `conformance`.
"""

from __future__ import annotations

from adapters.fhir.findings import CODES
from adapters.fhir.mapping import Mapping
from adapters.fhir.reading import TYPES, looks_like_fhir, read, read_stream

__all__ = ["CODES", "Mapping", "TYPES", "looks_like_fhir", "read", "read_stream"]
