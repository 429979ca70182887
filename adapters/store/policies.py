"""Policies proposed, approved and withdrawn: who said so, and which one is in force at an instant."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import select

from adapters.store.limits import check_text
from adapters.store.rows import PolicyOutcomeRow, PolicyProposalRow, PolicyStep
from adapters.store.schema import policy, policy_outcome, policy_proposal
from adapters.store.session import Session, Sql

_PROPOSE: Final = Sql(
    "INSERT INTO policy_proposal (sha256, base_sha256, by, os_user, note, proposed_at)"
    " VALUES (%b, %b, %b, %b, %b, %b) RETURNING seq",
    "INSERT INTO policy_proposal (sha256, base_sha256, by, os_user, note, proposed_at)"
    " VALUES (?, ?, ?, ?, ?, ?) RETURNING seq",
)
_FIRST: Final = Sql(
    "INSERT INTO policy_proposal (seq, sha256, base_sha256, by, os_user, note, proposed_at)"
    " VALUES (0, %b, NULL, %b, %b, %b, %b) ON CONFLICT DO NOTHING",
    "INSERT INTO policy_proposal (seq, sha256, base_sha256, by, os_user, note, proposed_at)"
    " VALUES (0, ?, NULL, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
)
_SETTLE: Final = Sql(
    "INSERT INTO policy_outcome"
    " (proposal_seq, outcome, generation, by, os_user, note, settled_at, effective_at)"
    " VALUES (%b, %b, %b, %b, %b, %b, %b, %b) ON CONFLICT DO NOTHING RETURNING proposal_seq",
    "INSERT INTO policy_outcome"
    " (proposal_seq, outcome, generation, by, os_user, note, settled_at, effective_at)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING proposal_seq",
)
_STEPS: Final = (
    select(
        policy_proposal.c.seq,
        policy_proposal.c.sha256,
        policy.c.version,
        policy_proposal.c.base_sha256,
        policy_proposal.c.by,
        policy_proposal.c.os_user,
        policy_proposal.c.note,
        policy_proposal.c.proposed_at,
        policy_outcome.c.outcome,
        policy_outcome.c.generation,
        policy_outcome.c.by,
        policy_outcome.c.os_user,
        policy_outcome.c.note,
        policy_outcome.c.settled_at,
        policy_outcome.c.effective_at,
    )
    .join(policy, policy.c.sha256 == policy_proposal.c.sha256)
    .outerjoin(policy_outcome, policy_outcome.c.proposal_seq == policy_proposal.c.seq)
)


class PolicyWrites:
    """Proposals and what became of them."""

    _session: Session

    def propose_policy(self, row: PolicyProposalRow) -> int:
        """Note that somebody proposes a policy that is kept; answers the proposal's number."""
        for text, what in ((row.by, "name"), (row.note, "note")):
            check_text(text, what)
        values = (row.sha256, row.base_sha256, row.by, row.os_user, row.note, row.proposed_at)
        return int(self._session.fetch(_PROPOSE, *values)[0][0])

    def begin_policy(self, row: PolicyProposalRow) -> None:
        """Put a store's first policy in force, once; who comes later or at the same time changes nothing."""
        self._session.run(_FIRST, row.sha256, row.by, row.os_user, row.note, row.proposed_at)
        first = PolicyOutcomeRow(
            0, "bootstrap", row.by, row.os_user, row.note, row.proposed_at, row.proposed_at, 0
        )
        self.settle_policy(first)

    def settle_policy(self, row: PolicyOutcomeRow) -> bool:
        """Approve or withdraw a proposal; False when it was settled, or its generation taken, before."""
        for text, what in ((row.by, "name"), (row.note, "note")):
            check_text(text, what)
        return bool(
            self._session.fetch(
                _SETTLE,
                row.proposal_seq,
                row.outcome,
                row.generation,
                row.by,
                row.os_user,
                row.note,
                row.settled_at,
                row.effective_at,
            )
        )


class PolicyQuestions:
    """Which policy is in force, and how it came to be."""

    _session: Session

    def policy_in_force(self, at: datetime) -> PolicyStep | None:
        """The policy in force at an instant; None in a store that has decided nothing yet."""
        found = self._steps(
            _STEPS.where(policy_outcome.c.generation.is_not(None), policy_outcome.c.effective_at <= at)
            .order_by(policy_outcome.c.generation.desc())
            .limit(1)
        )
        return found[0] if found else None

    def last_approved_policy(self) -> PolicyStep | None:
        """The newest approval, in force already or not."""
        found = self._steps(
            _STEPS.where(policy_outcome.c.generation.is_not(None))
            .order_by(policy_outcome.c.generation.desc())
            .limit(1)
        )
        return found[0] if found else None

    def policy_steps(self, *, open_only: bool = False, limit: int = 1000) -> list[PolicyStep]:
        """Every proposal with what became of it, newest first; open: neither approved nor withdrawn."""
        asked = _STEPS.order_by(policy_proposal.c.seq.desc()).limit(limit)
        return self._steps(asked.where(policy_outcome.c.outcome.is_(None)) if open_only else asked)

    def _steps(self, asked: sa.Select[Any]) -> list[PolicyStep]:
        return [PolicyStep(*row) for row in self._session.select(asked)]
