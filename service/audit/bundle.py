"""Evidence of one account in one file that is checked offline: everything said, decided and disclosed."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from adapters.signing import Signer
from adapters.store import AuditRow, Reader, Store
from adapters.store.rows import FactRecord, LogRecord
from adapters.store.schema import instant_text
from schemas.audit import Checkpoint
from schemas.canonical import digest, from_bytes, to_bytes
from schemas.errors import BatonError
from schemas.facts import AccountRef
from schemas.merkle import Tree
from service.audit.checkpoints import make_checkpoint
from service.audit.erasure import erased_facts
from service.audit.keys import keys_in_log
from service.audit.program import program
from service.audit.stamps import Stamped, covering
from service.core import fold
from service.mappings import ANY

FORM: Final = "baton-bundle/1"
DISCLOSED: Final = "account.disclosed"
EXTENSIONS: Final = {"json": "json", "fhir": "json", "hl7v2": "hl7", "x12": "835", "desk": "json"}
EARLIER: Final = 50
"""Earlier checkpoints at most: the first and the last that were the first to cover an entry."""

Report = Callable[[Reader, AccountRef, Sequence[Stamped]], Mapping[str, bytes]]
"""Writes the account's story and what checks its time stamps: files by name."""


@dataclass(frozen=True, slots=True)
class Disclosure:
    """Why an account's evidence leaves the house, to whom, and who lets it. Source: 45 CFR 164.528."""

    purpose: str
    recipient: str
    by: str


@dataclass
class _Gathered:
    """What is known of an account and those joined with it, read in one moment."""

    ref: AccountRef
    group: list[AccountRef]
    size: int
    entries: list[LogRecord]
    facts: list[FactRecord]
    files: dict[str, bytes] = field(default_factory=dict)
    read_by: dict[str, str] = field(default_factory=dict)
    stamps: list[Stamped] = field(default_factory=list)

    @cached_property
    def said(self) -> list[tuple[LogRecord, dict[str, Any]]]:
        """What each entry about a decision says."""
        found = [e for e in self.entries if e.kind == "account.decided" and e.content]
        return [(e, from_bytes(e.content or b"{}")) for e in found]


def export(
    store: Store,
    signer: Signer,
    origin: str,
    ref: AccountRef,
    why: Disclosure,
    now: datetime,
    report: Report,
    *,
    with_messages: bool = True,
) -> bytes:
    """The bundle, whose making is itself an entry of the log.

    The entry is committed before anything is given out; where it cannot be, nothing is.

    Raises:
        BatonError: `no-such-account`, `no-purpose`, or something that the log names is gone.
        Unavailable: the entry could not be kept.
    """
    if not why.purpose.strip() or not why.recipient.strip():
        raise BatonError("no-purpose", "say for what purpose and to whom the evidence goes")
    with store.read() as reader:
        gathered = _gather(reader, ref, with_messages=with_messages)
        gathered.files |= report(reader, ref, gathered.stamps)
    said = {
        "account": str(ref),
        "joined": [str(other) for other in gathered.group if other != ref],
        "purpose": why.purpose,
        "recipient": why.recipient,
        "by": why.by,
        "made_at": instant_text(now),
        "with_messages": with_messages,
        "entries": [entry.seq for entry in gathered.entries],
        "read_by": gathered.read_by,
        **program(),
    }
    bound = {name: digest(data) for name, data in gathered.files.items()}
    content = to_bytes(said | {"files_sha256": digest(to_bytes(bound))})
    with store.write() as unit:
        unit.add_audit([AuditRow(DISCLOSED, str(ref), content, now)])
    make_checkpoint(store, signer, origin, now)
    with store.read() as reader:
        gathered.files["log.json"] = to_bytes(_log(reader, gathered, content))
    manifest = said | {
        "form": FORM,
        "rests_on": _rests_on(gathered),
        "files": {name: digest(data) for name, data in gathered.files.items()},
    }
    return zipped({**gathered.files, "manifest.json": to_bytes(manifest)})


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Files as a zip whose bytes depend on them alone: by name, of one day, stored as they are."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o644 << 16
            archive.writestr(entry, files[name])
    return out.getvalue()


def _gather(reader: Reader, ref: AccountRef, *, with_messages: bool) -> _Gathered:
    if reader.account(ref) is None:
        raise BatonError("no-such-account", "no message has named this account")
    group = reader.group(ref)
    facts = [record for one in group for record in reader.facts(one)]
    size = reader.audit_head().size
    entries = reader.audit_log_of({str(one) for one in group}, size)
    found = _Gathered(ref, group, size, entries, facts)
    if erased_facts(reader) & {record.fact.id for record in facts}:
        reason = "what the log said of this account was erased by law; what is left proves nothing any more"
        raise BatonError("erased", reason)
    if any("rows" not in said for _, said in found.said):
        raise BatonError("old-entries", "entries of this account were written before they named every row")
    named = {m for _, said in found.said for m in said["messages"]}
    for record in facts:
        found.files[f"facts/{record.fact.id}.json"] = record.fact.content
        named.add(f"{record.message_sha256}@{record.feed}")
    policies = set()
    for one in group:
        for stored in reader.decisions(one, limit=1_000_000):
            found.files[f"decisions/{stored.id}.json"] = stored.content
            policies.add(str(from_bytes(stored.content)["policy"]["sha256"]))
    for sha256 in policies:
        kept = reader.policy(sha256)
        if kept is None:
            raise BatonError("gone", "a policy that decided is not there; run `baton audit verify`")
        found.files[f"policies/{sha256}.json"] = kept.content
    # Beside what was decided: the reading of these messages, and who put these policies in force.
    about = {m.partition("@")[0] for m in named} | {f"policy:{sha256}" for sha256 in policies}
    mapped = _mappings(reader, found, named, size)
    told = [*entries, *reader.audit_log_of(about, size), *mapped]
    stamped = [one for one in covering(reader, [e.seq for e in told]) if one[0].seq <= size]
    found.entries = sorted([*told, *(entry for entry, _ in stamped)], key=lambda e: e.seq)
    found.stamps = [stamp for _, stamp in stamped]
    for stamp in found.stamps:
        found.files[f"stamps/{stamp.seq}.txt"] = stamp.checkpoint.encode()
        found.files[f"stamps/{stamp.seq}.tsr"] = stamp.answer
    if with_messages:
        for name in named:
            found.files |= _message(reader, name)
    return found


def _mappings(reader: Reader, found: _Gathered, named: set[str], size: int) -> list[LogRecord]:
    """Keep the mappings that read these messages, and find the entries that put them in force."""
    for name in named:
        sha256, _, feed = name.partition("@")
        kept = reader.message(sha256, feed)
        reading = reader.reading_of(kept.seq) if kept else None
        if reading is not None and reading.mapping is not None:
            found.read_by[name] = reading.mapping
    versions = set(found.read_by.values())
    for version, content in reader.mapping_contents(versions).items():
        found.files[f"mappings/{version}.json"] = content
    feeds = {name.partition("@")[2] for name in found.read_by} | {ANY}
    changed = [e for e in reader.audit_log_of(feeds, size) if e.kind == "mapping.changed" and e.content]
    return [e for e in changed if from_bytes(e.content or b"{}")["to"] in versions]


def _message(reader: Reader, name: str) -> dict[str, bytes]:
    sha256, _, feed = name.partition("@")
    kept = reader.message(sha256, feed)
    if kept is None:
        raise BatonError("gone", "a message that the log names is not there; run `baton audit verify`")
    return {f"messages/{sha256}.{EXTENSIONS.get(kept.format, 'bin')}": reader.message_body(kept.seq)}


def _rests_on(gathered: _Gathered) -> dict[str, list[str]]:
    """The facts of each decision that does not rest on exactly its own account's (accounts were merged)."""
    known: dict[str, set[str]] = {str(one): set() for one in gathered.group}
    by_id = {record.fact.id: record.fact for record in gathered.facts}
    found = {}
    for entry, said in gathered.said:
        account = entry.subject or ""
        known[account].update(said["facts"])
        for id in said["decisions"]:
            stated = from_bytes(gathered.files[f"decisions/{id}.json"])["facts_sha256"]
            if digest(to_bytes(sorted(known[account]))) == stated:
                continue
            facts = [by_id[f] for ids in known.values() for f in ids if f in by_id]
            folded = fold(facts, AccountRef(*account.split("/", 1)))
            found[id] = sorted(f.id for f in folded.facts)
    return found


def _log(reader: Reader, gathered: _Gathered, content: bytes) -> dict[str, Any]:
    last = reader.last_checkpoint()
    if last is None:
        raise BatonError("no-checkpoint", "no checkpoint was signed; run `baton audit checkpoint`")
    tree = Tree(reader.audit_leaves(last.size))
    made = [e for e in reader.audit_log_of([str(gathered.ref)], last.size) if e.content == content]
    entries = [*gathered.entries, *made[-1:]]
    return {
        "checkpoint": last.text,
        "entries": [_entry(entry, tree) | {"rows": _rows(reader, entry)} for entry in entries],
        "earlier": [
            {"checkpoint": text, "proof": [h.hex() for h in tree.consistency_proof(size)]}
            for size, text in _earlier(reader, gathered, entries, last.size)
        ],
        "keys": sorted(key.hex() for key in keys_in_log(reader).values()),
    }


def _entry(entry: LogRecord, tree: Tree) -> dict[str, Any]:
    return {
        "seq": entry.seq,
        "kind": entry.kind,
        "recorded_at": instant_text(entry.recorded_at),
        "subject": entry.subject,
        "content": (entry.content or b"").decode(),
        "salt": (entry.salt or b"").hex(),
        "commitment": entry.commitment.hex(),
        "proof": [h.hex() for h in tree.inclusion_proof(entry.seq - 1)],
    }


def _rows(reader: Reader, entry: LogRecord) -> list[Any] | None:
    """What an entry's digest over rows covers; None where it names none."""
    said = from_bytes(entry.content or b"{}")
    if "rows" not in said:
        return None
    found = [
        *[(reader.audited_messages([m]), m) for m in said["messages"]],
        *[(reader.audited_facts([f]), f) for f in said["facts"]],
        *[(reader.audited_decisions([d]), d) for d in said["decisions"]],
        *[(reader.audited_case_events([e]), e) for e in said["case_events"]],
    ]
    if any(id not in stored for stored, id in found):
        raise BatonError("gone", "a row that the log names is not there; run `baton audit verify`")
    return [stored[id].told for stored, id in found]


def _earlier(
    reader: Reader, gathered: _Gathered, entries: list[LogRecord], size: int
) -> list[tuple[int, str]]:
    """The checkpoints that first covered an entry: given out then, they say that it was there by then.

    And those that were stamped.
    """
    found = {}
    for entry in entries:
        for row in reader.checkpoints(after=entry.seq - 1, limit=1):
            if row.size < size and Checkpoint.read(row.text).size == row.size:
                found[row.size] = row.text
    sizes = sorted(found)
    kept = sizes if len(sizes) <= EARLIER else [*sizes[: EARLIER // 2], *sizes[-EARLIER // 2 :]]
    told = {one: found[one] for one in kept} | {one.size: one.checkpoint for one in gathered.stamps}
    return sorted(told.items())
