"""The FHIR door: R4, R4B and R5 JSON become facts, findings and parked parts.

Read from the exact text, tolerantly: only what a decision needs, and that strictly. Whether a resource
conforms to the standard is advice, in `conformance`.
"""

from __future__ import annotations

from adapters.fhir.answering import Issue, Peek, capability, outcome, peek, response
from adapters.fhir.findings import CODES
from adapters.fhir.mapping import Mapping
from adapters.fhir.names import RESOURCES
from adapters.fhir.ndjson import DOCUMENT_BYTES
from adapters.fhir.reading import (
    TYPES,
    looks_like_document,
    looks_like_fhir,
    looks_like_fhir_xml,
    read,
    read_stream,
)

__all__ = [
    "CODES",
    "DOCUMENT_BYTES",
    "Issue",
    "Mapping",
    "Peek",
    "RESOURCES",
    "TYPES",
    "capability",
    "looks_like_document",
    "looks_like_fhir",
    "looks_like_fhir_xml",
    "outcome",
    "peek",
    "read",
    "read_stream",
    "response",
]
