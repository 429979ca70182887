"""The audit record itself: verdicts, findings, responsibility and the decision that holds them.

Everything here is a pure function of facts, policy and the day asked about; the same three give the same
bytes. Evidence names facts by id, never by position in a database.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import IntEnum
from typing import Final, Literal, TypeAlias

from schemas.facts import AccountRef
from schemas.records import swift_init


class Verdict(IntEnum):
    """What one gate says; the worst wins."""

    ALLOW = 0
    REQUIRE = 1
    HOLD = 2
    BLOCK = 3

    @property
    def word(self) -> str:
        """The verdict as it crosses a door: allow, require, hold, block."""
        return self.name.lower()


Stage: TypeAlias = Literal["open_case", "place", "extraordinary"]
STAGES: Final[tuple[Stage, ...]] = ("open_case", "place", "extraordinary")

Determination: TypeAlias = Literal["final", "provisional", "undetermined", "credit"]

Scalar: TypeAlias = str | int | bool | None


@swift_init
@dataclass(frozen=True, slots=True)
class Reason:
    """Why a share falls to its bearer; group and code are CAS group and reason where a payer gave them.

    `text` is in our own words.
    """

    group: str
    code: str
    text: str


@swift_init
@dataclass(frozen=True, slots=True)
class Share:
    """Cents of the balance that one bearer answers for.

    `bearer` is `patient`, `payer:<id>`, `provider`, `third_party` or `undetermined`. Amounts are signed; all
    shares of an account add up to its balance. `evidence` holds fact ids.
    """

    bearer: str
    amount_cents: int
    reason: Reason
    claim_id: str | None = None
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class Trace:
    """One rule that was asked and what it found: the steps behind a share.

    `rule` is a stable id (DET-06), `found` says in plain words what it saw and did.
    """

    rule: str
    found: str
    claim_id: str | None = None
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class PayerState:
    """Where one expected payer stands on one claim; `rank` is 1 for primary, 9 where the order is not known.

    `state` is not_billed, billed, accepted, rejected, pending, final, undetermined, closed_no_coverage,
    closed_patient_election or closed_no_response. Only final and closed let the claim become final.
    """

    claim_id: str
    payer: str
    rank: int
    state: str
    because: str
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class WorkItem:
    """A task for people outside collections: what keeps an account open, and who can close it.

    `queue` is coding, billing, insurance_follow_up, remittance, registration, refunds, compliance or
    patient_help. `amount_cents` is what it is about, None where no amount is; `due_on` the day by which it
    should be done, None where nobody set one. `claims` are those that it concerns or that may explain it.
    """

    queue: str
    reason: str
    text: str
    amount_cents: int | None = None
    due_on: date | None = None
    claims: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class Responsibility:
    """Who owes every cent of an account's balance.

    `assigned_cents` is what payers say is the patient's; `collectible_cents` is what remains after every
    override (zero unless the determination is final); `net_cents` takes patient payments and adjustments off
    and may be negative (credit). The shares add up to `balance_cents`. `payers` are all expected payers with
    their state, `work_items` what people outside collections have to do before anything can be settled.
    """

    balance_cents: int
    currency: str
    determination: Determination
    shares: tuple[Share, ...]
    assigned_cents: int
    collectible_cents: int
    net_cents: int
    traces: tuple[Trace, ...] = ()
    payers: tuple[PayerState, ...] = ()
    work_items: tuple[WorkItem, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class Lifted:
    """Two people who let a case open although a gate says otherwise, why, and until when.

    `override` is the id of the fact that proposed it; `until` is the first day on which it no longer counts.
    """

    override: str
    by: str
    approved_by: str
    reason: str
    approved_on: date
    until: date
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class Finding:
    """One gate's answer for one stage.

    `until` is the first day on which waiting alone may change it; None when only an event can. `because` is
    one plain sentence; `parameters` are the policy values it used, `evidence` the fact ids it rests on,
    `set_by` the packs that set each parameter. The verdict is always the gate's own: where people lifted it,
    `lifted` says so beside it.
    """

    gate: str
    name: str
    stage: Stage
    verdict: Verdict
    because: str
    citation: str
    until: date | None = None
    lifted_by: str | None = None
    parameters: tuple[tuple[str, Scalar], ...] = ()
    evidence: tuple[str, ...] = ()
    set_by: tuple[tuple[str, str], ...] = ()
    lifted: Lifted | None = None

    @property
    def stands(self) -> bool:
        """Whether it is in the way: the gate does not allow, and nobody lifted that."""
        return self.verdict is not Verdict.ALLOW and self.lifted is None


@swift_init
@dataclass(frozen=True, slots=True)
class Decision:
    """What Baton decided about an account as of a day, with everything that led there.

    `outcomes` holds the worst verdict of each stage, in the order of STAGES. `facts_sha256` is over the
    sorted ids of every fact used. `review_on` is the next day on which waiting alone may change an outcome.
    `material` is a digest of what makes a decision different from the one before (outcomes, verdicts, until
    dates, shares); texts that only count days are not part of it. `packs` names the scoped policy packs that
    concerned the account.
    """

    account: AccountRef
    as_of: date
    responsibility: Responsibility
    findings: tuple[Finding, ...]
    outcomes: tuple[Verdict, Verdict, Verdict]
    policy_version: str
    policy_sha256: str
    facts_sha256: str
    review_on: date | None
    material: str
    id: str
    content: bytes
    packs: tuple[str, ...] = ()

    @property
    def opens_case(self) -> bool:
        """Whether every `open_case` gate allows."""
        return self.outcomes[0] is Verdict.ALLOW
