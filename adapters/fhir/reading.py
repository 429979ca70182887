"""The walk through a FHIR body: one resource, a Bundle of any type, or NDJSON with one resource on each line.

A Bundle is read whole, since its entries refer to each other; NDJSON is read line by line in bounded memory,
and its lines refer to nothing. One bad resource parks alone; its neighbours go through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from adapters.bounding import bounded
from adapters.fhir.adjudicating import adjudicate
from adapters.fhir.bundles import dead_without_account, method, newest_versions
from adapters.fhir.elements import Node, Wrong, concept_codings, exact, instant
from adapters.fhir.findings import noted, rejected
from adapters.fhir.mapping import Mapping
from adapters.fhir.names import RESOURCES
from adapters.fhir.ndjson import BLANK, DOCUMENT_BYTES, after_blanks, is_whole, lines
from adapters.fhir.neighbours import Neighbours, Setting
from adapters.fhir.paying import bill, charge, notify, reconcile
from adapters.fhir.people import deceased
from adapters.fhir.registering import register
from schemas.errors import MessageRejected
from schemas.facts import ClaimAdjudicated, Fact, Item, Rejected, Tally
from schemas.wire.strict_json import Repeating, parse_exact, repeated_name

VALUES: Final = 3_000_000
"""Most values in one document, told by its commas and brackets: 32 MiB of `[]` would take a GiB."""

ENTRIES: Final = 10_000
DEPTH: Final = 3
CHUNK_BYTES: Final = 1 << 18
DECISIONS: Final = frozenset({"ExplanationOfBenefit", "ClaimResponse"})
_MARK: Final = b"\xef\xbb\xbf"

_READ: Final[dict[str, Callable[[Node, str, Setting], Iterator[Item]]]] = {
    "ExplanationOfBenefit": adjudicate,
    "ClaimResponse": adjudicate,
    "Account": register,
    "PaymentReconciliation": reconcile,
    "PaymentNotice": notify,
    "Invoice": bill,
    "ChargeItem": charge,
}
_REFERRED: Final = frozenset({"Patient", "RelatedPerson", "Coverage", "Organization", "Claim"})
"""Read where another resource of the message refers to them; alone they state nothing of an account."""

TYPES: Final = frozenset(_READ) | {"Patient", "RelatedPerson", "Coverage"}
"""Resource types whose contents become facts."""


def looks_like_fhir(head: bytes) -> bool:
    """Whether JSON names a resourceType and is no native message.

    A quotation mark inside a JSON string is always escaped, so the name can only be a field's.

    >>> looks_like_fhir(b'{"resourceType": "Bundle"}'), looks_like_fhir(b'{"schema": "baton/1"}')
    (True, False)
    """
    return b'"resourceType"' in head and b'"baton/1"' not in head


def looks_like_fhir_xml(head: bytes) -> bool:
    """Whether the first bytes are of FHIR in XML, which is told apart only to say what to send instead.

    >>> looks_like_fhir_xml(b'<?xml version="1.0"?><Bundle xmlns="http://hl7.org/fhir"/>')
    True
    """
    return head.removeprefix(_MARK).lstrip(BLANK)[:1] == b"<" and b"http://hl7.org/fhir" in head


def looks_like_document(head: bytes) -> bool:
    """Whether the first bytes can be the start of a JSON object.

    >>> looks_like_document(b" \\n{"), looks_like_document(b"[")
    (True, False)
    """
    return head.removeprefix(_MARK).lstrip(BLANK)[:1] == b"{"


def read(
    body: bytes, *, feed: str, facility: str, received_at: datetime, mapping: Mapping | None = None
) -> Iterator[Item]:
    """Read FHIR JSON or NDJSON: facts, findings and parked parts in message order, a Tally last.

    Neither the feed nor the time of arrival changes what is read. Never raises for any bytes.

    >>> from datetime import timezone
    >>> now = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> items = list(read(b'{"resourceType": "Patient"}', feed="ehr", facility="GEN", received_at=now))
    >>> items[0].code, items[-1].messages
    ('without-account', 1)
    """

    def chunks() -> Iterator[bytes]:
        return (body[at : at + CHUNK_BYTES] for at in range(0, len(body), CHUNK_BYTES))

    return read_stream(chunks, feed=feed, facility=facility, received_at=received_at, mapping=mapping)


def read_stream(
    open_chunks: Callable[[], Iterator[bytes]],
    *,
    feed: str,
    facility: str,
    received_at: datetime,
    mapping: Mapping | None = None,
) -> Iterator[Item]:
    """Read FHIR of any size; chunks may be cut anywhere. Only one line of NDJSON is in memory at a time."""
    walk = Walk(facility, mapping or Mapping())
    yield from bounded(walk.over(open_chunks()), [rejected("too-many-parts", "")])
    yield walk.tally()


class Walk:
    """What the reader has counted so far, and how this feed is read."""

    def __init__(self, facility: str, mapping: Mapping) -> None:
        self._facility = facility
        self._mapping = mapping
        self._resources = self._claims = self._lines = 0
        self._submitted = Decimal(0)
        self._paid = self._stated = self._patient = 0
        self._unused: set[str] = set()
        self._may_repeat = False

    def tally(self) -> Tally:
        """Resources, decisions and their submitted totals; a total that is not whole cents is rounded here,
        once, and nowhere else."""
        charge = int((self._submitted * 100).to_integral_value(ROUND_HALF_EVEN))
        return Tally(
            "fhir",
            messages=self._resources,
            claims=self._claims,
            service_lines=self._lines,
            charge_cents=charge,
            paid_cents=self._paid,
            patient_responsibility_cents=self._stated,
            patient_adjustments_cents=self._patient,
        )

    def over(self, chunks: Iterator[bytes]) -> Iterator[Item]:
        """Read everything: a document when its first line is not a whole one, else line by line."""
        held = b""
        for chunk in chunks:
            held = held + chunk if held else chunk
            if not held.lstrip(_MARK + BLANK):
                continue
            if len(held) > DOCUMENT_BYTES or b"\n" in held.lstrip(_MARK + BLANK):
                break
        if held.startswith(_MARK):
            held = held[len(_MARK) :]
            yield noted("byte-order-mark", "")
        held = held.lstrip(BLANK)
        first, newline, rest = held.partition(b"\n")
        if newline and is_whole(first):
            more = after_blanks(rest, chunks)
            if more is not None:
                yield from self._lines_of(first, more, chunks)
                return
            held = first
        else:
            pieces, size = [held], len(held)
            for chunk in chunks:
                size += len(chunk)
                if size > DOCUMENT_BYTES:
                    break
                pieces.append(chunk)
            held = b"".join(pieces) if size <= DOCUMENT_BYTES else b" " * (DOCUMENT_BYTES + 1)
        yield from self._document(held, "")

    def _lines_of(self, first: bytes, rest: bytes, chunks: Iterator[bytes]) -> Iterator[Item]:
        for number, line in enumerate(lines(first + b"\n" + rest, chunks), 1):
            if line.strip(BLANK):
                yield from self._document(line, f"line {number}")

    def _document(self, body: bytes, line: str) -> Iterator[Item]:
        """One JSON text: its resource, or its Bundle's."""
        try:
            if len(body) > DOCUMENT_BYTES:
                raise Wrong("too-large", line)
            if len(body) > 1 << 20 and sum(map(body.count, (b",", b"[", b"{"))) > VALUES:
                raise Wrong("too-many", line)
            value, self._may_repeat = parse_exact(body)
        except MessageRejected as refused:
            where = f"{line} / {refused.where}" if line and refused.where else line or refused.where
            yield Rejected(refused.code, where, refused.reason, refused.clause)
            return
        except Wrong as wrong:
            yield rejected(wrong.code, wrong.path)
            return
        setting = Setting(self._facility, self._mapping)
        yield from self._resource(value, f"{line} / " if line else "", setting, 1)

    def _resource(
        self, value: Any, before: str, setting: Setting, depth: int, place: str = ""
    ) -> Iterator[Item]:
        """One resource at `before` + its type, or at `place` inside a Bundle."""
        kind = value.get("resourceType") if isinstance(value, dict) else None
        if kind.__class__ is not str:
            yield rejected("not-a-resource", place or before.removesuffix(" / "))
            return
        if kind not in RESOURCES:
            yield rejected("unknown-resource", place or before.removesuffix(" / "))
            return
        place = place or f"{before}{kind}"
        if kind == "Bundle":
            yield from self._bundle(value, place, setting, depth)
            return
        self._resources += 1
        if kind in DECISIONS:
            self._count(value)
        steps = repeated_name(value) if self._may_repeat else None
        if steps is not None:
            yield rejected("duplicate-key", _path(place, steps))
            return
        reader = _READ.get(kind)
        if reader is None:
            yield from self._unread(kind, value, place, depth)
            return
        try:
            for item in reader(value, place, setting):
                if isinstance(item, Fact) and isinstance(item.body, ClaimAdjudicated):
                    self._add(item.body)
                yield item
        except Wrong as wrong:
            yield rejected(wrong.code, wrong.path)

    def _unread(self, kind: str, value: Node, place: str, depth: int) -> Iterator[Item]:
        """A resource that becomes no fact by itself."""
        if kind == "Patient" and depth == 1:
            try:
                died, _ = deceased(value, place)
            except Wrong as wrong:
                yield rejected(wrong.code, wrong.path)
                return
            if died:
                yield rejected("death-without-account", place)
                return
        if kind in _REFERRED:
            if depth == 1:
                yield noted("without-account", place)
        elif depth == 1:
            yield rejected("resource-not-read", place)
        elif kind not in self._unused:
            self._unused.add(kind)
            yield noted("resource-not-used", place)

    def _bundle(self, bundle: Node, place: str, setting: Setting, depth: int) -> Iterator[Item]:
        """Every entry; first all are made known to each other."""
        if depth > DEPTH:
            yield rejected("too-nested", place)
            return
        entries = bundle.get("entry", [])
        if self._may_repeat and isinstance(bundle, Repeating):
            yield rejected("duplicate-key", place)
            return
        if not isinstance(entries, list):
            yield rejected("wrong-type", f"{place}.entry")
            return
        if len(entries) > ENTRIES:
            yield rejected("too-many", place)
            return
        try:
            timestamp = instant(bundle, "timestamp", place)
        except Wrong as wrong:
            yield rejected(wrong.code, wrong.path)
            return
        neighbours = Neighbours()
        inner = Setting(self._facility, self._mapping, neighbours, timestamp)
        newest = newest_versions(entries, neighbours)
        dead = dead_without_account(entries)
        for at, entry in enumerate(entries):
            where = f"{place}.entry[{at}].resource"
            if not isinstance(entry, dict):
                yield rejected("wrong-type", f"{place}.entry[{at}]")
            elif isinstance(entry.get("resource"), dict):
                resource = entry["resource"]
                if at not in newest:
                    yield noted("older-version", where)
                    self._resources += 1
                    if resource.get("resourceType") in DECISIONS:
                        self._count(resource)
                    continue
                if at in dead:
                    yield rejected("death-without-account", where)
                yield from self._resource(resource, "", inner, depth + 1, where)
            elif method(entry) == "DELETE":
                yield rejected("delete-not-taken", f"{place}.entry[{at}]")
            elif "resource" in entry:
                yield rejected("wrong-type", where)
            elif method(entry) not in ("GET", "HEAD") and "response" not in entry:
                yield rejected("no-resource", f"{place}.entry[{at}]")

    def _count(self, node: Node) -> None:
        """Count a decision, and add its submitted totals exactly as written."""
        self._claims += 1
        self._lines += _lines(node.get("item"), ("detail", "subDetail"))
        totals = node.get("total")
        for total in totals if isinstance(totals, list) else ():
            try:
                category = total["category"]
                if any(code == "submitted" for _, code in concept_codings(category, "", "")):
                    self._submitted += exact(total["amount"]["value"]) or 0
            except (KeyError, TypeError, AttributeError, Wrong):
                continue

    def _add(self, claim: ClaimAdjudicated) -> None:
        self._paid += claim.paid_cents
        self._stated += claim.patient_responsibility_cents or 0
        self._patient += sum([a.amount_cents for a in claim.every_adjustment() if a.group == "PR"])


def _lines(items: Any, deeper: tuple[str, ...]) -> int:
    """Service lines with their details."""
    if not isinstance(items, list):
        return 0
    inner = (
        [_lines(one.get(deeper[0]), deeper[1:]) for one in items if isinstance(one, dict)] if deeper else []
    )
    return len(items) + sum(inner)


def _path(place: str, steps: tuple[str | int, ...]) -> str:
    """A path of names that may be repeated: a name that is no plain word is not shown."""
    for step in steps:
        if isinstance(step, int):
            place += f"[{step}]"
        else:
            place += f".{step}" if step.isascii() and step.isalnum() and len(step) <= 64 else ".?"
    return place
