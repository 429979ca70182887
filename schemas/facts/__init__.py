"""Messages and the facts they become: small, immutable statements, each pointing at its bytes.

The list of fact kinds is the contract `baton/1`; every other format is decoded into the same kinds.
Amounts are signed integer cents in the fact's currency; days are dates, instants are aware UTC datetimes.
None means "not stated", which is never the same as zero or no.
"""

from schemas.facts.billing import (
    AccountRegistered,
    AccountsMerged,
    AccountsUnmerged,
    AdjustmentPosted,
    BalanceReported,
    ChargePosted,
    CodingStatusChanged,
    Coverage,
    CoverageListed,
    PaymentPending,
    PaymentPosted,
    StatementSent,
)
from schemas.facts.claims import (
    AdjudicatedLine,
    AdjudicationUnreadable,
    Adjustment,
    ClaimAdjudicated,
    ClaimStatusReported,
    ClaimSubmitted,
    ProviderAdjustment,
    RemittanceReceived,
    adjudication_key,
)
from schemas.facts.collecting import (
    AgencyReported,
    ContactLogged,
    OverrideApproved,
    OverrideProposed,
    OverrideWithdrawn,
)
from schemas.facts.envelope import LargeMessage, Message
from schemas.facts.fact import (
    KIND_OF,
    KINDS,
    OVERRIDING,
    UNREAD_PART,
    Body,
    Fact,
    fact_from_content,
    unread_reference,
)
from schemas.facts.parties import AccountRef, Address, Payer, Person
from schemas.facts.protections import (
    AccountCleared,
    AccountFlagged,
    AssistanceChanged,
    NoticeRecorded,
    PlanChanged,
    PromiseChanged,
)
from schemas.facts.reading import Item, Noted, Rejected, Severity, Tally

__all__ = [
    "AccountCleared",
    "AccountFlagged",
    "AccountRef",
    "AccountRegistered",
    "AccountsMerged",
    "AccountsUnmerged",
    "Address",
    "AdjudicatedLine",
    "AdjudicationUnreadable",
    "Adjustment",
    "AdjustmentPosted",
    "AgencyReported",
    "AssistanceChanged",
    "BalanceReported",
    "Body",
    "ChargePosted",
    "ClaimAdjudicated",
    "ClaimStatusReported",
    "ClaimSubmitted",
    "CodingStatusChanged",
    "ContactLogged",
    "Coverage",
    "CoverageListed",
    "Fact",
    "Item",
    "KINDS",
    "KIND_OF",
    "LargeMessage",
    "Message",
    "Noted",
    "NoticeRecorded",
    "OVERRIDING",
    "OverrideApproved",
    "OverrideProposed",
    "OverrideWithdrawn",
    "Payer",
    "PaymentPending",
    "PaymentPosted",
    "Person",
    "PlanChanged",
    "PromiseChanged",
    "ProviderAdjustment",
    "Rejected",
    "RemittanceReceived",
    "Severity",
    "StatementSent",
    "Tally",
    "UNREAD_PART",
    "adjudication_key",
    "fact_from_content",
    "unread_reference",
]
