"""Everything done again: each stored decision, and each message read by today's readers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from typing import Any, Final

from adapters.store import Reader
from schemas.canonical import digest, from_bytes, to_bytes
from schemas.errors import ConfigRefused
from schemas.facts import AccountRef, Fact, Item, LargeMessage, fact_from_content
from service.audit.erasure import erased_facts
from service.core import Policy, apportion, decide, fold

PART: Final = 500
"""Accounts read at a time."""

MOST: Final = 1000
"""Differences told one by one."""

OWN: Final = "|baton|"
"""In the key of a fact that Baton stated itself, which no message does."""


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that came out otherwise.

    `kind` is one of decision, policy, head, mapping, fact-missing, fact-new.
    """

    kind: str
    account: str | None
    id: str
    text: str


@dataclass(slots=True)
class Replayed:
    """How much was done again, and what came out otherwise (counted; the first ones are kept)."""

    decisions: int = 0
    messages: int = 0
    facts: int = 0
    count: int = 0
    differences: list[Difference] = field(default_factory=list)

    def tell(self, kind: str, account: AccountRef | None, id: str, text: str) -> None:
        """Note a difference."""
        self.count += 1
        if len(self.differences) < MOST:
            self.differences.append(Difference(kind, str(account) if account else None, id, text))


PolicyOf = Callable[[str], Policy | None]
Read = Callable[[LargeMessage, str | None], Iterator[Item]]
Progress = Callable[[int], None]


def decide_again(reader: Reader, policy_of: PolicyOf, out: Replayed, progress: Progress) -> None:
    """Execute every stored decision again, and hold each account's head against its last one."""
    last, erased = reader.last_account(), erased_facts(reader)
    for first in range(1, last + 1, PART):
        for ref in reader.account_refs(first, first + PART - 1):
            _decide_account(reader, ref, policy_of, out, erased)
            progress(1)


def _decide_account(
    reader: Reader, ref: AccountRef, policy_of: PolicyOf, out: Replayed, erased: set[str]
) -> None:
    group = reader.group(ref)
    facts = {r.fact.id: r.fact for one in group for r in reader.facts(one)}
    stored = {d.id: d for d in reader.decisions(ref, limit=1_000_000)}
    # Entries that were erased by law no longer say what they did; their facts were known before the rest.
    known = erased & facts.keys()
    newest = None
    for entry in reader.audit_log_of([str(one) for one in group], reader.audit_head().size):
        if entry.kind != "account.decided" or entry.content is None:
            continue
        said = from_bytes(entry.content)
        known.update(said["facts"])
        if entry.subject != str(ref):
            continue
        for id in said.get("decisions") or filter(None, [said.get("decision")]):
            newest = id
            kept = stored.get(id)
            if kept is None:
                out.tell("decision", ref, id, f"entry {entry.seq} names a decision that is not stored")
            elif known - set(facts):
                out.tell("decision", ref, id, "facts that it rests on are not stored")
            else:
                _decide_one(kept.content, ref, [facts[f] for f in known], policy_of, out)
    head = reader.account(ref)
    if head is not None and newest is not None and head.decision_id != newest:
        out.tell("head", ref, newest, "the account does not stand at its last decision")


def _decide_one(
    content: bytes, ref: AccountRef, facts: list[Fact], policy_of: PolicyOf, out: Replayed
) -> None:
    id, said = digest(content), from_bytes(content)
    policy = policy_of(said["policy"]["sha256"])
    out.decisions += 1
    if policy is None:
        out.tell("policy", ref, id, "its policy is not stored, or does not fit this program")
        return
    account = fold(facts, ref)
    again = decide(account, apportion(account, policy), policy, date.fromisoformat(said["as_of"]))
    if again.content != content:
        differing = ", ".join(_differing(said, from_bytes(again.content)))
        out.tell("decision", ref, id, f"decided again it differs in: {differing or 'its bytes'}")


def _differing(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [key for key in sorted({*one, *other}) if one.get(key) != other.get(key)]


def read_again(reader: Reader, read: Read, out: Replayed, progress: Progress) -> None:
    """Read every stored message with today's readers, by the mappings that read it, and compare the facts.

    `read` is told the version of the mapping; None for a message that is older than mappings.
    """
    stored, stated = reader.audited_ids("fact"), set[str]()
    for seq in range(1, reader.last_message() + 1):
        kept = reader.message_at(seq)
        progress(1)
        if kept is None:
            continue
        out.messages += 1
        message = LargeMessage(
            kept.sha256, kept.size, kept.feed, kept.format, kept.door, kept.received_at,
            partial(reader.message_chunks, seq),
        )  # fmt: skip
        versions: dict[str | None, bool] = {}
        read_by: list[tuple[str | None, bool]] = [*reader.mappings_of_message(seq)]
        for version, whole in read_by or [(None, True)]:
            versions[version] = whole or versions.get(version, False)
        for version, whole in versions.items():
            for item in _read_by(read, message, version, out):
                stated.add(item.id)
                if whole and kept.finished_at is not None and item.id not in stored:
                    text = f"read again, message {kept.sha256[:16]} states this at {item.where}"
                    out.tell("fact-new", item.account, item.id, text)
    out.facts = len(stated)
    for id in sorted(stored - stated):
        fact = _fact(reader, id)
        if fact is not None and OWN not in fact.key:
            out.tell("fact-missing", fact.account, id, "no stored message states it any more")


def _read_by(read: Read, message: LargeMessage, version: str | None, out: Replayed) -> Iterator[Fact]:
    try:
        for item in read(message, version):
            if isinstance(item, Fact):
                yield item
    except ConfigRefused as error:
        out.tell("mapping", None, version or "", f"message {message.sha256[:16]}: {error.reason}")


def _fact(reader: Reader, id: str) -> Fact | None:
    content = reader.fact_content(id)
    return None if content is None else fact_from_content(content, id=id)


def as_plain(out: Replayed) -> bytes:
    """The outcome as canonical bytes, the same on every machine."""
    return to_bytes(
        {
            "decisions": out.decisions,
            "messages": out.messages,
            "facts": out.facts,
            "differences": out.count,
            "told": [[d.kind, d.account, d.id, d.text] for d in out.differences],
        }
    )
