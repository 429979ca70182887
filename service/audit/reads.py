"""Who looked at which patient's account, and what for: an entry of the log, before the answer leaves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from adapters.store import AuditRow, StatementFailed, Store
from schemas.canonical import to_bytes
from schemas.errors import BatonError, Unavailable

READ: Final = "patient.read"
QUERIES: Final = (
    "account",
    "why",
    "cases",
    "case",
    "parked",
    "parked.outlook",
    "overrides",
    "override",
    "messages",
    "message",
    "trace",
    "shadow",
    "policy.backtest",
    "audit.reads",
    "audit.fhir",
)
"""What may be asked that shows patients."""

MOST_ACCOUNTS: Final = 1000
"""Accounts in one entry; an answer that shows more has more entries."""

MOST_CHARACTERS: Final = 100

PURPOSES: Final[Mapping[str, str]] = {
    "TREAT": "care of the patient",
    "ETREAT": "care in an emergency",
    "BTG": "access beyond the usual rights, to be reviewed",
    "HPAYMT": "billing, collecting and paying for care",
    "REMITADV": "reading payments and remittances",
    "COVERAGE": "finding out what insurance covers",
    "HOPERAT": "running the organisation",
    "HCOMPL": "compliance and audit",
    "HLEGAL": "legal affairs",
    "FRAUD": "looking for fraud",
    "HSYSADMIN": "running the systems",
    "PATRQT": "the patient asked",
    "FAMRQT": "the family asked",
    "PUBHLTH": "public health",
    "HRESCH": "research",
    "TRAIN": "training staff",
}
"""What somebody may look for, in our own words. Source: HL7 v3 value set PurposeOfUse (of ActReason)."""

PURPOSE_SYSTEM: Final = "http://terminology.hl7.org/CodeSystem/v3-ActReason"


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks, by which door, and what for.

    `agent` is what Baton knows itself: an API key's prefix (`key:bk_…`) or the user of the machine (`os:…`).
    `person` is whom the agent names behind itself, None for nobody. `purpose` is a code of `PURPOSES`, None
    where none was stated: Baton never supposes one. `address` is the other end of the connection.
    """

    agent: str
    door: str
    person: str | None = None
    purpose: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """What is about to be shown: the question asked, and the accounts (`facility/number`) in its answer.

    `about` is the digest of the message where the answer is about one.
    """

    query: str
    accounts: Collection[str] = ()
    about: str | None = None
    parameters: Mapping[str, str | int | None] = field(default_factory=dict)


def subject_of(account: str) -> str:
    """Under which subject the reads of one account, or of one message, stand in the log.

    >>> subject_of("GEN/A1")
    'read:GEN/A1'
    """
    return f"read:{account}"


def read_entries(asker: Asker, shown: Shown, now: datetime) -> list[AuditRow]:
    """What the log says of one answer: one entry, which names every account shown in it."""
    if shown.query not in QUERIES:
        raise AssertionError("a question that the accounting of reads does not know")
    accounts = sorted(set(shown.accounts))
    parts = [accounts[at : at + MOST_ACCOUNTS] for at in range(0, len(accounts), MOST_ACCOUNTS)]
    one = shown.about or (accounts[0] if len(accounts) == 1 else shown.query)
    return [_entry(asker, shown, one, part, now) for part in parts or [[]]]


def _entry(asker: Asker, shown: Shown, about: str, accounts: list[str], now: datetime) -> AuditRow:
    said: dict[str, Any] = {
        "address": asker.address,
        "agent": asker.agent,
        "door": asker.door,
        "person": asker.person,
        "purpose": asker.purpose,
        "query": shown.query,
        "accounts": accounts,
        "parameters": {name: value for name, value in shown.parameters.items() if value is not None},
    }
    if shown.about is not None:
        said["message"] = shown.about
    return AuditRow(READ, subject_of(about), to_bytes(said), now)


def record(store: Store, entries: Iterable[AuditRow]) -> None:
    """Commit the entries of reads; only then may their answers leave.

    Raises:
        Unavailable: `read-not-recorded`; nothing may be shown.
    """
    try:
        with store.write() as unit:
            unit.add_audit(list(entries))
    except (Unavailable, StatementFailed) as error:
        raise not_recorded(error) from None


def not_recorded(error: BatonError) -> Unavailable:
    """The refusal of a read whose entry could not be kept."""
    why = error.reason.partition(";")[0]
    reason = f"who reads a patient's account is recorded first, and that failed: {why} [{error.code}]"
    return Unavailable("read-not-recorded", f"{reason}; make the database writable, then ask again")


def purpose_of(text: str) -> str:
    """A purpose of use by its code.

    Raises:
        BatonError: `bad-purpose`.
    """
    if text not in PURPOSES:
        raise BatonError(
            "bad-purpose", f"there is no such purpose of use; write one of {', '.join(PURPOSES)}"
        )
    return text


def person_named(text: str) -> str:
    """The name of a person, bounded, on one line.

    Raises:
        BatonError: `bad-name`.
    """
    name = text.strip()
    if not name or len(name) > MOST_CHARACTERS or not name.isprintable():
        reason = f"a person's name has 1 to {MOST_CHARACTERS} printable characters; write it so"
        raise BatonError("bad-name", reason)
    return name
