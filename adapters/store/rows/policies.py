"""Policies, and how they came to be in force."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class PolicyRow:
    """A policy that decided something, kept whole."""

    sha256: str
    version: str
    content: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyProposalRow:
    """Somebody proposes a policy. `base_sha256` was in force then; `os_user` is who the machine knows."""

    sha256: str
    base_sha256: str | None
    by: str
    os_user: str
    note: str
    proposed_at: datetime


@dataclass(frozen=True, slots=True)
class PolicyOutcomeRow:
    """What became of a proposal. `generation` counts the policies in force; None for a withdrawn one."""

    proposal_seq: int
    outcome: Literal["bootstrap", "approved", "withdrawn"]
    by: str
    os_user: str
    note: str
    settled_at: datetime
    effective_at: datetime | None = None
    generation: int | None = None


@dataclass(frozen=True, slots=True)
class PolicyStep:
    """A proposal and, where there is one, its outcome."""

    seq: int
    sha256: str
    version: str
    base_sha256: str | None
    by: str
    os_user: str
    note: str
    proposed_at: datetime
    outcome: str | None = None
    generation: int | None = None
    settled_by: str | None = None
    settled_os_user: str | None = None
    settled_note: str | None = None
    settled_at: datetime | None = None
    effective_at: datetime | None = None
