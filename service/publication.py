"""Publishing a policy: one person proposes it, another approves it, and everything said about it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from adapters.store import Reader, Store, Unit
from adapters.store.rows import (
    AuditRow,
    PolicyOutcomeRow,
    PolicyProposalRow,
    PolicyRow,
    PolicyStep,
)
from schemas.canonical import from_bytes, to_bytes
from schemas.errors import BatonError, PolicyRefused
from service.core import Policy
from service.core.policy import Difference, Examined, compare
from service.logins import check_logins

Examine = Callable[[Mapping[str, str]], Examined]
"""Reads packs; `service.app` says how."""

LOOK_SECONDS: Final = 2.0
"""How long a newly approved policy may stay unnoticed by a running process."""

SHORTEST_DIGEST: Final = 8
SYSTEM: Final = "baton"


@dataclass(frozen=True, slots=True)
class Person:
    """Who says it, and as whom the machine knows them (empty over HTTP)."""

    name: str
    os_user: str = ""

    def is_same(self, name: str) -> bool:
        """Whether a name is this person's, however it is written."""
        return " ".join(self.name.split()).casefold() == " ".join(name.split()).casefold()


@dataclass(frozen=True, slots=True)
class Proposed:
    """A proposal, and what it would change of the policy approved last; None where that cannot be read."""

    seq: int
    policy: Policy
    differences: tuple[Difference, ...] | None


def read_kept(reader: Reader, sha256: str, examine: Examine) -> Policy:
    """A policy that was kept, read again.

    Raises:
        PolicyRefused: it is not there, not what it was, or does not fit this program.
    """
    row = reader.policy(sha256)
    if row is None:
        raise PolicyRefused("no-such-policy", "no policy with this digest was kept", where=sha256[:16])
    found = examine(from_bytes(row.content))
    if found.policy is None:
        said = found.refused[0]
        reason = (
            f"this policy does not fit this program ({said.reason}); publish one that does, "
            "or run the program it was published with"
        )
        raise PolicyRefused("policy-does-not-fit", reason, where=f"{sha256[:16]} {said.where}".strip())
    if found.policy.sha256 != sha256:
        raise PolicyRefused(
            "policy-changed", "the kept policy is not the one of this digest", where=sha256[:16]
        )
    return found.policy


def begin(unit: Unit, policy: Policy, texts: Mapping[str, str], now: datetime) -> None:
    """Put the policy on disk in force where a store has none yet; otherwise change nothing."""
    if unit.reader.policy_in_force(now) is not None or unit.reader.last_approved_policy() is not None:
        return
    _keep(unit, policy, texts, now)
    note = "the packs on disk when this store was first used"
    unit.begin_policy(PolicyProposalRow(policy.sha256, None, SYSTEM, "", note, now))
    _audit(unit, "policy.begun", policy.sha256, Person(SYSTEM), note, now)


def propose(
    unit: Unit, texts: Mapping[str, str], by: Person, note: str, now: datetime, examine: Examine
) -> Proposed:
    """Propose packs as the policy to be in force.

    Raises:
        PolicyRefused: the packs are wrong.
        BatonError: `nothing-changes`, `proposed-already`, `no-name`.
    """
    _named(by)
    found = examine(texts)
    if found.policy is None:
        raise found.refused[0]
    policy, last = found.policy, unit.reader.last_approved_policy()
    if last is not None and last.sha256 == policy.sha256:
        raise BatonError("nothing-changes", "this is the policy approved last; there is nothing to publish")
    for step in unit.reader.policy_steps(open_only=True):
        if step.sha256 == policy.sha256:
            raise BatonError(
                "proposed-already", f"{step.by} has proposed this very policy; another person may approve it"
            )
    _keep(unit, policy, texts, now)
    base = last.sha256 if last is not None else None
    seq = unit.propose_policy(PolicyProposalRow(policy.sha256, base, by.name, by.os_user, note, now))
    _audit(unit, "policy.proposed", policy.sha256, by, note, now)
    return Proposed(seq, policy, differences(unit.reader, policy, examine))


def differences(reader: Reader, policy: Policy, examine: Examine) -> tuple[Difference, ...] | None:
    """What a policy would change of the one approved last."""
    last = reader.last_approved_policy()
    if last is None:
        return None
    try:
        return compare(read_kept(reader, last.sha256, examine), policy)
    except PolicyRefused:
        return None


def approve(
    unit: Unit,
    digest: str,
    by: Person,
    note: str,
    now: datetime,
    examine: Examine,
    effective_at: datetime | None = None,
    *,
    refuse_shared_login: bool = False,
) -> PolicyStep:
    """Put a proposal in force, from now or from an instant to come.

    Raises:
        PolicyRefused: it does not fit this program.
        BatonError: `same-person`, `same-login`, `stale-proposal`, `no-such-proposal`, `settled-before`,
            `in-the-past`.
    """
    step = _open(unit, digest, by)
    if by.is_same(step.by):
        raise BatonError("same-person", f"{step.by} proposed this policy; a second person must approve it")
    check_logins(step.os_user or None, by.os_user or None, refuse=refuse_shared_login)
    read_kept(unit.reader, step.sha256, examine)
    last = unit.reader.last_approved_policy()
    if step.base_sha256 != (last.sha256 if last else None):
        raise BatonError(
            "stale-proposal",
            "another policy was approved since this was proposed; withdraw it, look at the difference again "
            "and publish anew",
        )
    at = effective_at or now
    if at < now or (last is not None and last.effective_at is not None and at < last.effective_at):
        raise BatonError(
            "in-the-past", "it can be in force from now on at the earliest, and not before the last approved"
        )
    generation = 0 if last is None or last.generation is None else last.generation + 1
    _settle(
        unit, PolicyOutcomeRow(step.seq, "approved", by.name, by.os_user, note, now, at, generation), step, by
    )
    return step


def withdraw(unit: Unit, digest: str, by: Person, note: str, now: datetime) -> PolicyStep:
    """Take a proposal back, or refuse it; it is kept with the reason.

    Raises:
        BatonError: `no-such-proposal`, `settled-before`, `no-name`.
    """
    step = _open(unit, digest, by)
    _settle(unit, PolicyOutcomeRow(step.seq, "withdrawn", by.name, by.os_user, note, now), step, by)
    return step


def _open(unit: Unit, digest: str, by: Person) -> PolicyStep:
    _named(by)
    if len(digest) < SHORTEST_DIGEST:
        raise BatonError("short-digest", f"write at least {SHORTEST_DIGEST} digits of the policy's digest")
    steps = [s for s in unit.reader.policy_steps() if s.sha256.startswith(digest.lower())]
    waiting = [s for s in steps if s.outcome is None]
    if len(waiting) == 1:
        return waiting[0]
    if len(waiting) > 1:
        raise BatonError("ambiguous-digest", "more than one proposal begins so; write more digits")
    if steps:
        raise BatonError("settled-before", f"this proposal was {steps[0].outcome} by {steps[0].settled_by}")
    raise BatonError("no-such-proposal", "there is no such proposal; `baton policy history` lists them")


def _named(by: Person) -> None:
    if not by.name.strip():
        raise BatonError("no-name", "say who you are")


def _settle(unit: Unit, row: PolicyOutcomeRow, step: PolicyStep, by: Person) -> None:
    if not unit.settle_policy(row):
        raise BatonError(
            "settled-before", "somebody else was quicker; `baton policy history` shows what is in force"
        )
    _audit(unit, f"policy.{row.outcome}", step.sha256, by, row.note, row.settled_at)


def _keep(unit: Unit, policy: Policy, texts: Mapping[str, str], now: datetime) -> None:
    unit.keep_policy(PolicyRow(policy.sha256, policy.version, to_bytes(dict(texts)), now))


def _audit(unit: Unit, kind: str, sha256: str, by: Person, note: str, now: datetime) -> None:
    content = to_bytes({"by": by.name, "note": note, "os_user": by.os_user, "policy": sha256})
    unit.add_audit([AuditRow(kind, f"policy:{sha256}", content, now)])


class InForce:
    """The policy to decide by now. It is looked up every few seconds and read again only when it changed."""

    def __init__(
        self, store: Callable[[], Store], on_disk: Policy, examine: Examine, now: Callable[[], datetime]
    ) -> None:
        self._store = store
        self._on_disk = on_disk
        self._examine = examine
        self._now = now
        self._found: Policy | None = None
        self._looked_at: datetime | None = None

    def __call__(self) -> Policy:
        """The policy in force; of a store that has none yet, the one on disk.

        Raises:
            PolicyRefused: the policy in force does not fit this program.
            Unavailable: the store does not answer.
        """
        now = self._now()
        found, looked_at = self._found, self._looked_at
        if found is not None and looked_at is not None:
            if abs((now - looked_at).total_seconds()) < LOOK_SECONDS:
                return found
        elif self._store().revision() is None:
            return self._on_disk
        with self._store().read() as reader:
            step = reader.policy_in_force(now)
            if step is None:
                return self._on_disk
            if found is None or found.sha256 != step.sha256:
                same = step.sha256 == self._on_disk.sha256
                found = self._on_disk if same else read_kept(reader, step.sha256, self._examine)
        self._found, self._looked_at = found, now
        return found
