"""Messages and the facts they become: small, immutable statements, each pointing at its bytes.

The list of fact kinds is the contract `baton/1`; every other format is decoded into the same kinds.
Amounts are signed integer cents in the fact's currency; days are dates, instants are aware UTC datetimes.
None means "not stated", which is never the same as zero or no.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, Literal, TypeAlias

from schemas.canonical import digest, from_bytes, to_bytes
from schemas.records import from_plain, swift_init, to_plain


@swift_init
@dataclass(frozen=True, slots=True)
class Message:
    """One delivery, kept whole before anything is read from it.

    `sha256` is over `body`; `format` is `json`, `x12`, `hl7v2` or `fhir` as the sender or the detection said;
    `door` is `rabbitmq`, `http`, `file` or `mllp`. The same bytes on the same feed are the same message.
    """

    body: bytes
    sha256: str
    feed: str
    format: str
    door: str
    received_at: datetime

    @classmethod
    def of(cls, body: bytes, *, feed: str, format: str, door: str, received_at: datetime) -> Message:
        """Seal bytes as a message."""
        return cls(body, digest(body), feed, format, door, received_at)


@swift_init
@dataclass(frozen=True, slots=True)
class LargeMessage:
    """A message too large for memory: its bytes come in chunks, and may be asked for again.

    `size` is in bytes; `open_chunks` starts from the first byte at every call.
    """

    sha256: str
    size: int
    feed: str
    format: str
    door: str
    received_at: datetime
    open_chunks: Callable[[], Iterator[bytes]]


@swift_init
@dataclass(frozen=True, slots=True, order=True)
class AccountRef:
    """The patient account: the facility that bills and its account number (PID-18, CLP01)."""

    facility: str
    number: str

    def __str__(self) -> str:
        return f"{self.facility}/{self.number}"


@swift_init
@dataclass(frozen=True, slots=True)
class Address:
    """A postal address as the sender wrote it."""

    line: str | None = None
    city: str | None = None
    state: str | None = None
    postal_code: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Person:
    """A patient or guarantor; `relationship` is the guarantor's to the patient.

    `kind` is person or organization; `letter_format` is how letters must come (large print, braille, audio),
    None for plain print.
    """

    id: str | None = None
    family: str | None = None
    given: str | None = None
    birth_on: date | None = None
    sex: str | None = None
    language: str | None = None
    address: Address | None = None
    phone: str | None = None
    email: str | None = None
    deceased_on: date | None = None
    relationship: str | None = None
    kind: str | None = None
    letter_format: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays or decides: an identifier that is stable across formats, and a name for people."""

    id: str
    name: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountRegistered:
    """Who and when. The newest statement wins field by field; None leaves a field as it was.

    `expected_plans` is how many insurance plans registration expects (HL7 PV2-20).
    """

    patient: Person | None = None
    guarantor: Person | None = None
    service_from: date | None = None
    service_to: date | None = None
    patient_class: str | None = None
    financial_class: str | None = None
    facility_kind: str | None = None
    expected_plans: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Coverage:
    """One payer of a coverage list; `order` is 1 for primary."""

    order: int
    payer: Payer
    kind: str | None = None
    member_id: str | None = None
    effective_from: date | None = None
    effective_to: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class CoverageListed:
    """The whole list, in order; the newest replaces. Empty states self-pay."""

    coverages: tuple[Coverage, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class ChargePosted:
    """A charge; a negative amount takes one back. `provider` is whose charge it is, where not the facility's.

    `kind` is service, interest, late_fee or collection_fee; None is a service.
    """

    charge_id: str
    amount_cents: int
    service_on: date
    code_system: str | None = None
    code: str | None = None
    description: str | None = None
    units: str | None = None
    kind: str | None = None
    provider: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class CodingStatusChanged:
    """Where medical coding stands: pending, hold or complete."""

    status: str
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimSubmitted:
    """A bill to one payer."""

    claim_id: str
    payer: Payer
    order: int
    charge_cents: int
    submitted_on: date


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimStatusReported:
    """Where a bill stands with one payer before that payer decides, or that a person closed it there.

    `status` is accepted, rejected, pending or finalized (what a clearinghouse or payer answers: X12 277CA,
    277), or closed_no_coverage, closed_patient_election or closed_no_response (what a person states; then
    `by` says who). None of them decides what the patient owes.
    Source: 005010X214, 005010X212 STC.
    """

    claim_id: str
    payer: Payer
    status: str
    on: date
    by: str | None = None
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Adjustment:
    """One (group, reason, amount) triple; positive lowers what is paid. Groups: CO PR OA PI CR."""

    group: str
    code: str
    amount_cents: int
    quantity: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AdjudicatedLine:
    """A payer's decision on one service line."""

    line: str
    charge_cents: int
    paid_cents: int
    procedure: str | None = None
    modifiers: tuple[str, ...] = ()
    service_on: date | None = None
    adjustments: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class ClaimAdjudicated:
    """A payer's decision on a claim: one CLP loop, one EOB.

    `status` is the X12 claim status code as text ("1", "22", ...). `adjustments` are claim level only; the
    lines carry theirs. `patient_responsibility_cents` is what the payer states (CLP05); None when suppressed.
    `sequence` orders decisions of one payment day inside their carrier (interchange, transaction, ordinal);
    it never holds an arrival time. `remittance_balanced` is False when the transaction that carried it does
    not add up, None when its carrier has no such check.
    Source: 005010X221A1 2100/2110 loops.
    """

    claim_id: str
    payer: Payer
    status: str
    adjudicated_on: date
    charge_cents: int
    paid_cents: int
    order: int | None = None
    payer_claim_id: str | None = None
    original_payer_claim_id: str | None = None
    filing_indicator: str | None = None
    frequency: str | None = None
    trace: str | None = None
    payment_on: date | None = None
    patient_responsibility_cents: int | None = None
    adjustments: tuple[Adjustment, ...] = ()
    remarks: tuple[str, ...] = ()
    lines: tuple[AdjudicatedLine, ...] = ()
    forwarded_to: Payer | None = None
    corrected_payer: Payer | None = None
    appealable_until: date | None = None
    service_from: date | None = None
    service_to: date | None = None
    sequence: str = ""
    remittance_balanced: bool | None = None

    def every_adjustment(self) -> Iterator[Adjustment]:
        """Claim-level adjustments, then each line's, in message order."""
        yield from self.adjustments
        for line in self.lines:
            yield from line.adjustments


@swift_init
@dataclass(frozen=True, slots=True)
class AdjudicationUnreadable:
    """A payer decided something about this account that could not be read: the claim is parked, and until
    a person has mended it nobody may say what the patient owes."""

    claim_id: str
    code: str
    payer: Payer | None = None
    trace: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class ProviderAdjustment:
    """One PLB reason and amount: between payer and provider, never the patient's.

    Source: 005010X221A1 PLB.
    """

    code: str
    amount_cents: int
    reference: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class RemittanceReceived:
    """One payment transaction with many claims (ST to SE); it belongs to no single account."""

    payer: Payer
    trace: str
    payment_cents: int
    payment_on: date | None = None
    handling: str | None = None
    method: str | None = None
    production_on: date | None = None
    claims: int = 0
    charge_cents: int = 0
    paid_cents: int = 0
    provider_adjustments: tuple[ProviderAdjustment, ...] = ()
    balanced: bool = True


@swift_init
@dataclass(frozen=True, slots=True)
class PaymentPosted:
    """Money received; a negative amount takes it back. `paid_by` is patient, payer or other."""

    payment_id: str
    amount_cents: int
    paid_by: str
    received_on: date
    payer: Payer | None = None
    method: str | None = None
    trace: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AdjustmentPosted:
    """A change of the balance without money; positive lowers it."""

    adjustment_id: str
    amount_cents: int
    kind: str
    posted_on: date
    reason: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class BalanceReported:
    """What the billing system says is open.

    `guarantor_total_cents` is what the guarantor owes on all accounts together, this one too;
    `guarantor_credit_cents` is what the guarantor has in credit on other accounts.
    """

    total_cents: int
    as_of: date
    patient_cents: int | None = None
    insurance_cents: int | None = None
    guarantor_total_cents: int | None = None
    guarantor_credit_cents: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class StatementSent:
    """A bill that went to the guarantor. None for a notice flag means that nobody said it was on it.

    `dispute_contact` says whether it told whom to ask when it looks wrong.
    """

    number: int
    sent_on: date
    amount_cents: int | None = None
    channel: str | None = None
    language: str | None = None
    financial_assistance_notice: bool | None = None
    final_notice: bool | None = None
    delivered: bool = True
    dispute_contact: bool | None = None
    format: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PaymentPending:
    """Money on its way; cleared by the payment with the same id, or by an amount of zero."""

    payment_id: str
    amount_cents: int
    expected_on: date


@swift_init
@dataclass(frozen=True, slots=True)
class AssistanceChanged:
    """A step of financial assistance. Source: 26 CFR 1.501(r)."""

    state: str
    on: date
    discount_percent: str | None = None
    covers_from: date | None = None
    household_income_percent_fpl: str | None = None
    reference: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PlanChanged:
    """A step of a payment plan."""

    plan_id: str
    state: str
    on: date
    installment_cents: int | None = None
    first_due_on: date | None = None
    count: int | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class PromiseChanged:
    """A step of a promise to pay."""

    promise_id: str
    state: str
    amount_cents: int | None = None
    due_on: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class NoticeRecorded:
    """A document that bears on liability or on what may be done about a debt.

    `actions` are the extraordinary actions an announcement names (empty: it names none); `deadline_on` is the
    last day it gives the guarantor; `provider` is whose estimate it is, where not the facility's.
    """

    document_id: str
    kind: str
    on: date
    amount_cents: int | None = None
    valid: bool = True
    actions: tuple[str, ...] = ()
    deadline_on: date | None = None
    provider: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountFlagged:
    """A hold placed. An unknown flag holds, it never passes."""

    flag: str
    since: date
    until: date | None = None
    reference: str | None = None
    by: str | None = None
    note: str | None = None
    petition_on: date | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountCleared:
    """A hold lifted, by its reference or, without one, by its name."""

    flag: str
    cleared_on: date
    reference: str | None = None
    by: str | None = None
    note: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AccountsMerged:
    """This account's facts now belong to `into`. Source: HL7 v2.5.1 chapter 3, A18, A40, A41."""

    into: AccountRef


@swift_init
@dataclass(frozen=True, slots=True)
class AccountsUnmerged:
    """This account's merge into `out_of` is taken back: its facts are its own again.

    Source: HL7 v2.5.1 chapter 3, A44, A49 and corrections by hand.
    """

    out_of: AccountRef


@swift_init
@dataclass(frozen=True, slots=True)
class ContactLogged:
    """A contact with the guarantor or an attempt at one.

    `local_minutes` are those after midnight where the person was; `automated` an autodialled or prerecorded
    one; `disclosed` that debt or health was named to anybody but the guarantor; `opt_out_offered` that it
    told how to stop.
    """

    channel: str
    direction: str
    disposition: str
    at: datetime
    case_id: str | None = None
    right_party: bool | None = None
    note: str | None = None
    local_minutes: int | None = None
    automated: bool | None = None
    disclosed: bool | None = None
    opt_out_offered: bool | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class AgencyReported:
    """What a collections agency says about a placed case."""

    case_id: str
    kind: str
    on: date
    amount_cents: int | None = None
    agency: str | None = None
    note: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideProposed:
    """What a person proposes to lift: one gate's answer about opening a case, or a hold that a person placed.

    Exactly one of `gate` and `hold` (the id of the fact that placed it) is stated; for a gate also
    `verdict_sha256`, the digest of the very answer that was looked at, its sentence `because`, the patient's
    part `amount_cents` of that day, above which it does not reach, and `until`, the first day on which it no
    longer lifts. `known_as` is how the machine knows the person: `os:<user>` or `key:<id>`.
    """

    by: str
    reason: str
    on: date
    gate: str | None = None
    hold: str | None = None
    until: date | None = None
    verdict_sha256: str | None = None
    because: str | None = None
    amount_cents: int | None = None
    known_as: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideApproved:
    """A second person approves; `override` is the id of the fact that proposes it."""

    override: str
    by: str
    reason: str
    on: date
    known_as: str | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class OverrideWithdrawn:
    """A person takes an override back, approved or not; one is enough."""

    override: str
    by: str
    reason: str
    on: date
    known_as: str | None = None


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


def adjudication_key(account: AccountRef, claim: ClaimAdjudicated) -> str:
    """The key under which one payer decision is counted once, whichever file or format carries it.

    Covers payer, claim number, status, charge, paid, payer claim number, trace and the multiset of all
    adjustments; clearinghouses re-wrap files, so no interchange number is part of it.
    """
    triples = sorted((a.group, a.code, a.amount_cents) for a in claim.every_adjustment())
    parts = [
        claim.payer.id,
        claim.claim_id,
        claim.status,
        claim.charge_cents,
        claim.paid_cents,
        claim.payer_claim_id,
        claim.trace,
        triples,
    ]
    return f"claim.adjudicated|{account}|{digest(to_bytes(parts))[:32]}"


UNREAD_PART: Final = "unread_part"
"""The flag of an account on which a part of a message waits for a person; reading that part lifts it."""


def unread_reference(message_sha256: str, where: str) -> str:
    """The reference of such a flag: this part of this message and no other."""
    return f"{message_sha256[:16]} {where}"


Severity: TypeAlias = Literal["error", "warning", "info"]


@swift_init
@dataclass(frozen=True, slots=True)
class Noted:
    """Something a reader noticed and went on: a finding of `baton inspect`. Never holds a value."""

    severity: Severity
    code: str
    where: str
    message: str


@swift_init
@dataclass(frozen=True, slots=True)
class Rejected:
    """A message, or the part of it at `where`, that waits for a person; its neighbours go through.

    `where` is empty when the whole message is meant. `account` is known for a part that names one.
    """

    code: str
    where: str
    reason: str
    clause: str = ""
    account: AccountRef | None = None


@swift_init
@dataclass(frozen=True, slots=True)
class Tally:
    """What a reader counted, for `baton inspect` and control totals. Amounts are cents.

    `messages` counts JSON messages, ST segments, MSH segments or FHIR resources. `control_numbers` are those
    by which the sender counts its messages or interchanges, where they are numbers (ISA13, MSH-10).
    """

    format: str
    messages: int = 0
    transactions: int = 0
    claims: int = 0
    service_lines: int = 0
    charge_cents: int = 0
    paid_cents: int = 0
    patient_responsibility_cents: int = 0
    patient_adjustments_cents: int = 0
    provider_adjustments_cents: int = 0
    payment_cents: int = 0
    control_numbers: tuple[int, ...] = ()


Item: TypeAlias = Fact | Noted | Rejected | Tally
"""What a reader yields, in message order; one Tally comes last."""


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
