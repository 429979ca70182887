"""The store: messages, facts, decisions and cases, in PostgreSQL or SQLite; history is only ever added to."""

from adapters.store.faults import StatementFailed
from adapters.store.limits import check_account, check_fact, check_text
from adapters.store.queue import EmbeddedQueue, Leased, QueuedEvent
from adapters.store.reader import Reader
from adapters.store.rows import (
    AccountRow,
    ApiKeyRow,
    AuditRecord,
    AuditRow,
    CaseEventRow,
    CaseHistory,
    CaseRecord,
    Counts,
    DecisionRecord,
    DecisionRow,
    FactRecord,
    FactRow,
    IdempotencyRow,
    KeptMessage,
    MessageRecord,
    OutboxRow,
    OutboxState,
    ParkedAction,
    ParkedRecord,
    ParkedRow,
    PolicyRow,
    ReadingRow,
    TallyRow,
)
from adapters.store.schema import LARGE_BYTES
from adapters.store.store import Store
from adapters.store.unit import Unit

__all__ = [
    "LARGE_BYTES",
    "AccountRow",
    "ApiKeyRow",
    "AuditRecord",
    "AuditRow",
    "CaseEventRow",
    "CaseHistory",
    "CaseRecord",
    "Counts",
    "DecisionRecord",
    "DecisionRow",
    "EmbeddedQueue",
    "FactRecord",
    "FactRow",
    "IdempotencyRow",
    "KeptMessage",
    "Leased",
    "MessageRecord",
    "OutboxRow",
    "OutboxState",
    "ParkedAction",
    "ParkedRecord",
    "ParkedRow",
    "PolicyRow",
    "QueuedEvent",
    "Reader",
    "ReadingRow",
    "StatementFailed",
    "Store",
    "TallyRow",
    "Unit",
    "check_account",
    "check_fact",
    "check_text",
]
