"""One fact: a statement of any kind with its key, its instant and its place in the message."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeAlias

from schemas.canonical import digest, from_bytes, to_bytes
from schemas.facts.billing import (
    AccountRegistered,
    AccountsMerged,
    AccountsUnmerged,
    AdjustmentPosted,
    BalanceReported,
    ChargePosted,
    CodingStatusChanged,
    CoverageListed,
    PaymentPending,
    PaymentPosted,
    StatementSent,
)
from schemas.facts.claims import (
    AdjudicationUnreadable,
    ClaimAdjudicated,
    ClaimStatusReported,
    ClaimSubmitted,
    RemittanceReceived,
)
from schemas.facts.collecting import (
    AgencyReported,
    ContactLogged,
    OverrideApproved,
    OverrideProposed,
    OverrideWithdrawn,
)
from schemas.facts.parties import AccountRef
from schemas.facts.protections import (
    AccountCleared,
    AccountFlagged,
    AssistanceChanged,
    NoticeRecorded,
    PlanChanged,
    PromiseChanged,
)
from schemas.records import from_plain, swift_init, to_plain

Body: TypeAlias = (
    AccountRegistered
    | CoverageListed
    | ChargePosted
    | CodingStatusChanged
    | ClaimSubmitted
    | ClaimStatusReported
    | ClaimAdjudicated
    | AdjudicationUnreadable
    | RemittanceReceived
    | PaymentPosted
    | AdjustmentPosted
    | BalanceReported
    | StatementSent
    | PaymentPending
    | AssistanceChanged
    | PlanChanged
    | PromiseChanged
    | NoticeRecorded
    | AccountFlagged
    | AccountCleared
    | AccountsMerged
    | AccountsUnmerged
    | ContactLogged
    | AgencyReported
    | OverrideProposed
    | OverrideApproved
    | OverrideWithdrawn
)


KINDS: Final[dict[str, type[Body]]] = {
    "account.registered": AccountRegistered,
    "coverage.listed": CoverageListed,
    "charge.posted": ChargePosted,
    "coding.status": CodingStatusChanged,
    "claim.submitted": ClaimSubmitted,
    "claim.status": ClaimStatusReported,
    "claim.adjudicated": ClaimAdjudicated,
    "claim.unreadable": AdjudicationUnreadable,
    "remittance.received": RemittanceReceived,
    "payment.posted": PaymentPosted,
    "adjustment.posted": AdjustmentPosted,
    "balance.reported": BalanceReported,
    "statement.sent": StatementSent,
    "payment.pending": PaymentPending,
    "assistance.changed": AssistanceChanged,
    "plan.changed": PlanChanged,
    "promise.changed": PromiseChanged,
    "notice.recorded": NoticeRecorded,
    "account.flagged": AccountFlagged,
    "account.cleared": AccountCleared,
    "accounts.merged": AccountsMerged,
    "accounts.unmerged": AccountsUnmerged,
    "contact.logged": ContactLogged,
    "agency.reported": AgencyReported,
    "override.proposed": OverrideProposed,
    "override.approved": OverrideApproved,
    "override.withdrawn": OverrideWithdrawn,
}
"""Wire type to record. `claim.unreadable` and `remittance.received` come from remittance files only, what is
about overrides from Baton's own desk only: no sender may write it."""


OVERRIDING: Final = ("override.proposed", "override.approved", "override.withdrawn")
"""The kinds with which people lift what holds an account."""


KIND_OF: Final[dict[type[Body], str]] = {record: kind for kind, record in KINDS.items()}


@swift_init
@dataclass(frozen=True, slots=True)
class Fact:
    """One statement about one account (or, for a remittance, about none).

    `key` is the business key: what the statement is about. Two facts with one key and one digest are the same
    statement; with different digests they contradict each other, and the fold decides by neither (except
    adjudications, whose key covers everything that matters; see `adjudication_key`).
    `identity` is the sender's own message id, `<source>/<id>`, where the format has one.
    `occurred_at` is when it became true in the sender's world, never when it arrived.
    `where` is the place in the message: `ST 0001 / CLP 3`, `$[2]`.
    """

    kind: str
    account: AccountRef | None
    key: str
    occurred_at: datetime
    body: Body
    currency: str = "USD"
    identity: str | None = None
    where: str = ""
    id: str = field(default="")
    content: bytes = field(default=b"", repr=False, compare=False)

    @classmethod
    def of(
        cls,
        account: AccountRef | None,
        key: str,
        occurred_at: datetime,
        body: Body,
        *,
        currency: str = "USD",
        identity: str | None = None,
        where: str = "",
    ) -> Fact:
        """State a fact: its canonical content and its id (SHA-256 of that content) are computed once, here.

        The content covers kind, account, key, currency, occurred_at and body; not the sender's message id and
        not the place, so the same statement from two carriers has one id.
        """
        kind = KIND_OF[type(body)]
        content = to_bytes(
            {
                "account": [account.facility, account.number] if account else None,
                "body": to_plain(body),
                "currency": currency,
                "key": key,
                "kind": kind,
                "occurred_at": occurred_at,
            }
        )
        return cls(kind, account, key, occurred_at, body, currency, identity, where, digest(content), content)


UNREAD_PART: Final = "unread_part"
"""The flag of an account on which a part of a message waits for a person; reading that part lifts it."""


def unread_reference(message_sha256: str, where: str) -> str:
    """The reference of such a flag: this part of this message and no other."""
    return f"{message_sha256[:16]} {where}"


def fact_from_content(content: bytes, *, id: str = "", identity: str | None = None, where: str = "") -> Fact:
    """Read a stored fact from its canonical content.

    >>> from datetime import timezone
    >>> made = Fact.of(AccountRef("GEN", "A1"), "k", datetime(2026, 1, 2, tzinfo=timezone.utc),
    ...                ChargePosted("C1", 60000, date(2026, 1, 2)))
    >>> fact_from_content(made.content) == made
    True
    """
    plain = from_bytes(content)
    account = plain["account"]
    return Fact(
        plain["kind"],
        AccountRef(account[0], account[1]) if account else None,
        plain["key"],
        datetime.fromisoformat(plain["occurred_at"]),
        from_plain(KINDS[plain["kind"]], plain["body"]),
        plain["currency"],
        identity,
        where,
        id or digest(content),
        content,
    )
