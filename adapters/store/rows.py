"""What crosses the store's door: one frozen record for each thing kept. Amounts are integer cents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, NamedTuple, TypeAlias

from schemas.cases import Case, CaseEvent
from schemas.decisions import Determination
from schemas.facts import AccountRef, Fact
from schemas.records import swift_init

ParkedMove: TypeAlias = Literal["retried", "discarded"]
FeedMove: TypeAlias = Literal["paused", "resumed"]
WithheldMove: TypeAlias = Literal["withheld", "ended"]


@swift_init
@dataclass(frozen=True, slots=True)
class KeptMessage:
    """Where a message lies; `new` is False when the same bytes of the same feed were there before.

    `finished` says of one that was there whether it has been read to its end.
    """

    seq: int
    new: bool
    finished: bool = False


@swift_init
@dataclass(frozen=True, slots=True)
class AccountRow:
    """An account's head: what its latest decision said, and its open case.

    `review_on` is the next day, `review_at` the next instant on which to decide again; None for never.
    `facts` and `cases` count what it has so far; `version` counts how often the head was saved.
    `policy_sha256` is the policy of its latest decision, `heard_at` when its last fact was recorded, `feeds`
    every feed that spoke of it. `withheld` says why a case that its decision allows does not open yet.
    `group_id` is the same for all accounts that a merge ever named together, also after it was taken back;
    None for one that no merge named.
    """

    id: int
    ref: AccountRef
    decision_id: str | None = None
    material: str | None = None
    review_on: date | None = None
    review_at: datetime | None = None
    determination: Determination | None = None
    patient_cents: int = 0
    balance_cents: int = 0
    currency: str = "USD"
    facts: int = 0
    cases: int = 0
    version: int = 0
    policy_sha256: str | None = None
    heard_at: datetime | None = None
    feeds: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    group_id: int | None = None
    case: Case | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact to keep; its place in the message is the fact's own `where`; `account_id` None: no account."""

    fact: Fact
    account_id: int | None
    message_seq: int
    recorded_at: datetime


@swift_init
@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A decision to keep; `content` is its canonical bytes, `opens` whether every open_case gate allows."""

    id: str
    account_id: int
    as_of: date
    decided_at: datetime
    content: bytes
    policy_version: str
    opens: bool


@dataclass(frozen=True, slots=True)
class CaseEventRow:
    """A case event to keep, and when it happened to us."""

    event: CaseEvent
    account_id: int
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """An event that waits for the relay, in order per account; `seq` is 0 until it is stored."""

    event_id: str
    routing_key: str
    account: str
    body: bytes
    created_at: datetime
    seq: int = 0


@dataclass(frozen=True, slots=True)
class AuditRow:
    """An audit entry to keep; `subject` is what it is about (an account, a parked message, a key)."""

    kind: str
    subject: str
    content: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ParkedRow:
    """A message, or the part of it at `place`, that waits for a person. No field holds a message's value."""

    message_seq: int
    place: str
    code: str
    reason: str
    clause: str
    parked_at: datetime
    account_id: int | None = None


@dataclass(frozen=True, slots=True)
class ReadingRow:
    """A message that was read to its end, and how many of its statements went which way.

    `mapping` is the version of the feed's mapping that read it; None where nobody tried to read it.
    """

    message_seq: int
    finished_at: datetime
    accepted: int
    duplicate: int
    parked: int
    mapping: str | None = None


@dataclass(frozen=True, slots=True)
class ReadAgainRow:
    """A message that was read again by a mapping: `whole`, or only a part that was parked."""

    message_seq: int
    mapping: str
    whole: bool
    facts: int
    withdrawn: int
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class MessageReading:
    """By which mapping a message was read last; None for one older than mappings."""

    seq: int
    sha256: str
    feed: str
    mapping: str | None
    duplicate: int


@dataclass(frozen=True, slots=True)
class MappingRow:
    """How a feed is read from an instant on. `content` is the canonical table, `sha256` its digest."""

    feed: str
    sha256: str
    content: bytes
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FeedTextRow:
    """What was said of a feed through the API: its TOML and the digest of it; None where it counts no more.

    `number` counts the versions of one feed from 1; `through` is as whom the machine knows who said it.
    """

    feed: str
    number: int
    text: str | None
    sha256: str | None
    by: str
    through: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RereadProposal:
    """Messages that one person proposes to read again: which (`asked`, canonical), and what would change.

    `sha256` is over the changes, `messages` how many it is. `outcome` is approved, withdrawn or None, `seq` 0
    before it is kept.
    """

    sha256: str
    asked: bytes
    messages: int
    by: str
    through: str
    note: str
    at: datetime
    seq: int = 0
    outcome: str | None = None
    settled_by: str | None = None


@dataclass(frozen=True, slots=True)
class RereadOutcome:
    """What became of such a proposal: `outcome` is approved or withdrawn."""

    proposal_seq: int
    outcome: str
    by: str
    through: str
    note: str
    at: datetime


@dataclass(frozen=True, slots=True)
class TallyRow:
    """What one transaction took from one feed on one day: counts of statements and their cents.

    `claims` counts new decisions of payers, `denied` and `taken_back` those that refused and reversed;
    `charge_cents` and `patient_cents` are what the others charged and left to the patient. `recorded_at` is
    when; None for one counted before that was kept, and for a sum. `slowest_ms` is how long the slowest
    message waited from its receipt, `freshest_ms` how old the youngest was when it came; None is unknown.
    """

    feed: str
    day: date
    received: int = 0
    received_cents: int = 0
    accepted: int = 0
    accepted_cents: int = 0
    duplicate: int = 0
    duplicate_cents: int = 0
    parked: int = 0
    parked_cents: int = 0
    claims: int = 0
    denied: int = 0
    taken_back: int = 0
    charge_cents: int = 0
    patient_cents: int = 0
    recorded_at: datetime | None = None
    slowest_ms: int | None = None
    freshest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class FeedWindow:
    """What a feed brought since an instant, and how long it waited: see `TallyRow`."""

    feed: str
    messages: int = 0
    parked: int = 0
    slowest_ms: int | None = None
    freshest_ms: int | None = None


@dataclass(frozen=True, slots=True)
class RefusalRow:
    """Messages that a door refused and did not keep: not a byte is stored, only how many they were."""

    feed: str
    day: date
    door: str
    code: str
    messages: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class ControlNumberRow:
    """The number by which a sender counts a message or an interchange (ISA13, a numeric MSH-10)."""

    feed: str
    number: int
    message_seq: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class FeedEventRow:
    """Opening cases from a feed paused or resumed. `text` says why, in our own words and with figures."""

    feed: str
    move: FeedMove
    cause: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FeedDay:
    """What one feed said on one day."""

    feed: str
    day: date
    messages: int = 0
    claims: int = 0
    denied: int = 0
    taken_back: int = 0
    charge_cents: int = 0
    patient_cents: int = 0


@dataclass(frozen=True, slots=True)
class WithheldRow:
    """A case that would have opened for `amount_cents` but for `causes`; or that this is over (`ended`)."""

    account_id: int
    move: WithheldMove
    causes: tuple[str, ...]
    feeds: tuple[str, ...]
    amount_cents: int
    currency: str
    decision: str
    policy_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WithheldRecord:
    """A stored `WithheldRow`; `seq` orders them."""

    seq: int
    account: AccountRef
    move: WithheldMove
    causes: tuple[str, ...]
    feeds: tuple[str, ...]
    amount_cents: int
    currency: str
    decision: str
    policy_version: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """How many accounts have a decision, how many of them under one policy, and whose case is withheld."""

    decided: int
    under_policy: int
    withheld: dict[tuple[str, ...], int]


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


@dataclass(frozen=True, slots=True)
class ApiKeyRow:
    """A key's public prefix, the digest of its secret and what it may do; never the secret."""

    prefix: str
    sha256: str
    scopes: tuple[str, ...]
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class IdempotencyRow:
    """A request that came under a key of the sender's own, and its answer: None until it is answered.

    `sha256` is the digest of the request, so that another request under the same key is told apart.
    """

    key: str
    sha256: str
    created_at: datetime
    status: int | None = None
    response: bytes | None = None


@dataclass(frozen=True, slots=True)
class MessageRecord:
    """A stored message without its bytes; `finished_at` is None while it is not read to its end."""

    seq: int
    sha256: str
    feed: str
    format: str
    door: str
    size: int
    received_at: datetime
    finished_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MessageFilter:
    """Which messages are asked for; None and empty do not restrict. `until` is beyond the last instant.

    `status` is accepted, duplicate, parked or unread; `id` the sender's message id or control number.
    """

    feed: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    status: str | None = None
    account: str | None = None
    id: str | None = None


@dataclass(frozen=True, slots=True)
class MessageFate:
    """A message and how many of its statements went which way; None until it was read to its end."""

    seq: int
    sha256: str
    feed: str
    format: str
    door: str
    size: int
    received_at: datetime
    accepted: int | None
    duplicate: int | None
    parked: int | None

    @property
    def status(self) -> Literal["unread", "parked", "duplicate", "accepted"]:
        """What became of it."""
        if self.parked is None:
            return "unread"
        if self.parked:
            return "parked"
        return "duplicate" if self.duplicate and not self.accepted else "accepted"


@dataclass(frozen=True, slots=True)
class FactRecord:
    """A stored fact, and the message, place, instant, feed and format it came by."""

    seq: int
    fact: Fact
    message_sha256: str
    place: str
    recorded_at: datetime
    feed: str = ""
    format: str = ""


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """A stored decision; `seq` orders the decisions of an account."""

    seq: int
    id: str
    account: AccountRef
    as_of: date
    decided_at: datetime
    content: bytes
    policy_version: str
    opens: bool


@dataclass(frozen=True, slots=True)
class CaseRecord:
    """A stored case; `seq` is the cursor of lists."""

    seq: int
    case: Case


@dataclass(frozen=True, slots=True)
class CaseHistory:
    """A case with its events, first to last, each with its instant."""

    record: CaseRecord
    events: tuple[tuple[CaseEvent, datetime], ...]


@dataclass(frozen=True, slots=True)
class ParkedAction:
    """What a person did about a parked message."""

    action: ParkedMove
    at: datetime
    by: str
    note: str
    through: str = ""


@dataclass(frozen=True, slots=True)
class ParkedProposal:
    """What a person proposes to do about a parked message.

    `stands` settles a contradiction: the id of the fact that stands, `none` or `both`; empty for a discard.
    """

    action: Literal["discard", "settle"]
    at: datetime
    by: str
    note: str
    stands: str = ""
    through: str = ""


@dataclass(frozen=True, slots=True)
class ParkedFilter:
    """Which parked messages are asked for; None and empty do not restrict.

    `text` is looked for in code, place, reason and account number, whatever its case.
    """

    feed: str | None = None
    code: str | None = None
    format: str | None = None
    since: datetime | None = None
    account: str | None = None
    text: str | None = None


@dataclass(frozen=True, slots=True)
class FeedAlertRow:
    """Something about a feed was told to people, or was over. `text` is in our own words, with figures.

    `number` counts the alerts and recoveries of one cause of a feed, from 1; None for those of before.
    """

    feed: str
    move: Literal["alert", "recovered"]
    cause: str
    text: str
    at: datetime
    number: int | None = None


@dataclass(frozen=True, slots=True)
class ParkedRecord:
    """A parked message or part, where it came from, and what was done about it since."""

    seq: int
    message_seq: int
    message_sha256: str
    feed: str
    format: str
    place: str
    code: str
    reason: str
    clause: str
    account: AccountRef | None
    parked_at: datetime
    actions: tuple[ParkedAction, ...] = ()
    proposal: ParkedProposal | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """A stored audit entry."""

    seq: int
    kind: str
    subject: str
    content: bytes
    hash: str
    recorded_at: datetime


class LogRecord(NamedTuple):
    """One entry of the audit log as stored; subject, content and salt are None once they were erased.

    `hash` is the leaf's, in hexadecimal; `chain` the chain value after it. A tuple, since a check of a whole
    log makes one for each entry: a frozen dataclass takes four times as long.
    """

    seq: int
    kind: str
    commitment: bytes
    hash: str
    chain: bytes
    recorded_at: datetime
    subject: str | None
    content: bytes | None
    salt: bytes | None


@dataclass(frozen=True, slots=True)
class LogHead:
    """What the audit log says of itself: size, the joined roots of its full subtrees, its chain value."""

    size: int
    peaks: bytes
    chain: bytes


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint as it was given out."""

    size: int
    text: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxState:
    """How many events wait for the relay, and since when the oldest does."""

    depth: int
    oldest_at: datetime | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How much there is of what, for metrics and readiness."""

    messages: int
    facts: int
    accounts: int
    decisions: int
    cases: dict[str, int]
    parked_open: int
    unread: int
    outbox: OutboxState
