"""What hl7apy says of a message: strict validation for onboarding, never on the way of a live feed.

hl7apy is some hundred times slower than the reader; it knows the standard's tables and structures, which the
reader does not need. Its own words may quote a message, so they are put into ours.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from tempfile import NamedTemporaryFile
from typing import Final

from hl7apy import check_version
from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.core import Message
from hl7apy.exceptions import UnsupportedVersion
from hl7apy.parser import parse_message
from hl7apy.validation import Validator

from adapters.hl7v2.framing import Raw, framed
from schemas.facts import Noted, Rejected

_FAULTS: Final = (
    (re.compile(r"Missing required child \w+\.(\w+)", re.ASCII), "a part that is required is missing"),
    (re.compile(r"Child limit exceeded \w+\.(\w+)", re.ASCII), "a part stands here more often than allowed"),
    (re.compile(r"in element \w+\.(\w+)$", re.ASCII), "the code is not in the standard's table"),
    (re.compile(r"Exceeded max length \(\d+\) of \w+\.(\w+)", re.ASCII), "the value is longer than allowed"),
    (re.compile(r"Datatype \w+ is not correct for \w+\.(\w+)", re.ASCII), "the field has another data type"),
    (re.compile(r"(?:Invalid|Unknown)()"), "a segment or field that this message structure does not have"),
)
"""hl7apy's sentences, and what they say in ours: theirs quote values, ours name places."""

_NAMED: Final = re.compile(r"([A-Z][A-Z0-9]{2})(?:_(\d{1,3}))?", re.ASCII)


def check(body: bytes) -> Iterator[Noted]:
    """Findings of a strict validation of each message in a body; none where everything conforms."""
    for item in framed(body):
        if isinstance(item, Raw):
            yield from _check_one(item, f"MSH {item.number}")
        elif isinstance(item, Rejected):
            yield Noted("error", item.code, item.where, item.reason)


def normalised(raw: Raw) -> str:
    """A message as hl7apy takes it: carriage returns, no blank lines, no framing."""
    return "\r".join(raw.lines) + "\r"


def parsed(raw: Raw, *, find_groups: bool = False) -> Message | None:
    """hl7apy's reading, without its groups, which drop what no structure has; None where it gives up."""
    try:
        return parse_message(normalised(raw), VALIDATION_LEVEL.TOLERANT, find_groups=find_groups)
    except Exception:
        # It raises errors of many kinds, its own and bare ones, on what feeds really send.
        return None


def _check_one(raw: Raw, where: str) -> Iterator[Noted]:
    version = raw.lines[0].split(raw.marks.field)
    try:
        check_version(version[11].partition(raw.marks.component)[0] if len(version) > 11 else "")
    except UnsupportedVersion:
        yield Noted("info", "conformance-unchecked", where, "hl7apy does not know this version (MSH-12)")
        return
    message = parsed(raw, find_groups=True)
    if message is None:
        yield Noted("warning", "conformance-unchecked", where, "hl7apy cannot read this message at all")
        return
    seen: set[Noted] = set()
    for line in _report(message):
        found = _noted(line, where)
        if found not in seen:
            seen.add(found)
            yield found


def _report(message: Message) -> list[str]:
    """Every fault hl7apy finds, in its own sentences; it collects them in a file only."""
    with NamedTemporaryFile("r", encoding="utf-8", errors="replace", suffix=".hl7apy") as report:
        with suppress(Exception):
            # It raises the first fault after it has written all; on some structures something bare instead.
            Validator.validate(message, report_file=report.name)
        return [line for line in report.read().split("\n") if line.startswith(("Error: ", "Warning: "))]


def _noted(line: str, where: str) -> Noted:
    kind, _, text = line.partition(": ")
    for pattern, said in _FAULTS:
        if found := pattern.search(text):
            named = _NAMED.fullmatch(found[1])
            place = where
            if named is not None:
                place += f" / {named[1]}" + (f"-{named[2]}" if named[2] else "")
            return Noted("warning" if kind == "Error" else "info", "conformance", place, said)
    return Noted("info", "conformance", where, "the message departs from the standard's structure")
