"""Short ways to state facts in tests, in the words an analyst would use; days are days of the story."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from schemas.decisions import Decision, Responsibility
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    AccountsMerged,
    AccountsUnmerged,
    AdjudicatedLine,
    Adjustment,
    AdjustmentPosted,
    BalanceReported,
    Body,
    ChargePosted,
    ClaimAdjudicated,
    ClaimSubmitted,
    Coverage,
    CoverageListed,
    Fact,
    Payer,
    PaymentPosted,
    Person,
    StatementSent,
    adjudication_key,
)
from schemas.money import parse_cents
from service.core import Account, Policy, apportion, decide, fold, parse_policy

ACCOUNT = AccountRef("GEN", "A1")
START = date(2026, 1, 1)
PACKS = Path(__file__).resolve().parents[2] / "service" / "policies"


def policy_texts() -> dict[str, str]:
    return {path.name: path.read_text() for path in sorted(PACKS.glob("*.toml"))}


def everybodys_texts() -> dict[str, str]:
    """The packs without those of the states."""
    return {name: text for name, text in policy_texts().items() if not name.startswith("state_")}


POLICY: Policy = parse_policy(policy_texts())


def day(number: int) -> date:
    return START + timedelta(days=number)


def fact(
    body: Body,
    on: int | date = 0,
    *,
    key: str | None = None,
    account: AccountRef = ACCOUNT,
    currency: str = "USD",
) -> Fact:
    when = day(on) if isinstance(on, int) else on
    at = datetime.combine(when, time(12), tzinfo=UTC)
    if isinstance(body, ClaimAdjudicated):
        key = adjudication_key(account, body)
    if key is None:
        key = f"{type(body).__name__}|{account}|{when}|{body!r}"
    return Fact.of(account, key, at, body, currency=currency)


def triples(*texts: str) -> tuple[Adjustment, ...]:
    """Read "PR-1 320.00"."""
    found = []
    for text in texts:
        label, amount = text.split()
        group, code = label.split("-", 1)
        found.append(Adjustment(group, code, parse_cents(amount)))
    return tuple(found)


def decided(
    charge: str,
    paid: str,
    *adjustments: str,
    on: int = 0,
    payer: str = "P1",
    status: str = "1",
    states: str | None = None,
    number: str | None = None,
    original: str | None = None,
    remarks: tuple[str, ...] = (),
    trace: str | None = None,
    claim: str = "A1",
    sequence: str = "",
    forwarded: str | None = None,
    filing: str | None = None,
    lines: tuple[AdjudicatedLine, ...] = (),
    remittance_balanced: bool | None = None,
    account: AccountRef = ACCOUNT,
) -> Fact:
    body = ClaimAdjudicated(
        claim_id=claim,
        payer=Payer(payer),
        status=status,
        adjudicated_on=day(on),
        charge_cents=parse_cents(charge),
        paid_cents=parse_cents(paid),
        payer_claim_id=number,
        original_payer_claim_id=original,
        filing_indicator=filing,
        trace=trace,
        payment_on=day(on),
        patient_responsibility_cents=None if states is None else parse_cents(states),
        adjustments=triples(*adjustments),
        remarks=remarks,
        lines=lines,
        forwarded_to=Payer(forwarded) if forwarded else None,
        sequence=sequence,
        remittance_balanced=remittance_balanced,
    )
    return fact(body, on, account=account)


def covered(
    *payers: str, kinds: dict[str, str] | None = None, on: int = -10, account: AccountRef = ACCOUNT
) -> Fact:
    listed = tuple(
        Coverage(order, Payer(payer), (kinds or {}).get(payer, "commercial"))
        for order, payer in enumerate(payers, 1)
    )
    return fact(CoverageListed(listed), on, account=account)


def charged(amount: str, on: int = -20, id: str = "C1", account: AccountRef = ACCOUNT) -> Fact:
    body = ChargePosted(id, parse_cents(amount), day(on))
    return fact(body, on, key=f"charge.posted|{account}|billing|{id}", account=account)


def submitted(charge: str, payer: str = "P1", claim: str = "A1", on: int = -10, order: int = 1) -> Fact:
    return fact(ClaimSubmitted(claim, Payer(payer), order, parse_cents(charge), day(on)), on)


def paid(
    amount: str,
    on: int = 0,
    by: str = "patient",
    id: str = "PAY1",
    payer: str | None = None,
    trace: str | None = None,
) -> Fact:
    body = PaymentPosted(id, parse_cents(amount), by, day(on), Payer(payer) if payer else None, None, trace)
    return fact(body, on, key=f"payment.posted|GEN/A1|billing|{id}")


def adjusted(amount: str, kind: str, on: int = 0, id: str = "ADJ1") -> Fact:
    return fact(
        AdjustmentPosted(id, parse_cents(amount), kind, day(on)),
        on,
        key=f"adjustment.posted|GEN/A1|billing|{id}",
    )


def reported(total: str, patient: str | None = None, on: int = 0, account: AccountRef = ACCOUNT) -> Fact:
    stated = None if patient is None else parse_cents(patient)
    return fact(BalanceReported(parse_cents(total), day(on), stated), on, account=account)


def statement(
    number: int,
    on: int,
    amount: str | None = None,
    final: bool = False,
    delivered: bool = True,
    notice: bool | None = True,
    account: AccountRef = ACCOUNT,
) -> Fact:
    cents = None if amount is None else parse_cents(amount)
    body = StatementSent(number, day(on), cents, "mail", "en", notice, final, delivered)
    return fact(body, on, key=f"statement.sent|{account}|billing|{number}", account=account)


def statements(first: int = 0, amount: str | None = None) -> list[Fact]:
    """Three delivered statements thirty days apart, the last a final notice."""
    return [
        statement(1, first, amount),
        statement(2, first + 30, amount),
        statement(3, first + 60, amount, final=True),
    ]


def adult(on: int = -30, account: AccountRef = ACCOUNT) -> Fact:
    return fact(
        AccountRegistered(patient=Person("M1", birth_on=date(1980, 2, 14)), facility_kind="hospital"),
        on,
        account=account,
    )


def flagged(
    name: str,
    on: int = 0,
    *,
    reference: str | None = None,
    until: int | None = None,
    petition: int | None = None,
) -> Fact:
    body = AccountFlagged(
        name,
        day(on),
        None if until is None else day(until),
        reference,
        petition_on=None if petition is None else day(petition),
    )
    return fact(body, on)


def cleared(name: str, on: int, reference: str | None = None) -> Fact:
    return fact(AccountCleared(name, day(on), reference), on)


def merged(source: AccountRef, into: AccountRef, on: int = 0) -> Fact:
    return fact(AccountsMerged(into), on, account=source)


def unmerged(source: AccountRef, out_of: AccountRef, on: int = 0) -> Fact:
    return fact(AccountsUnmerged(out_of), on, account=source)


def judge(
    facts: list[Fact], as_of: int | date, policy: Policy = POLICY, ref: AccountRef | None = None
) -> tuple[Account, Responsibility, Decision]:
    account = fold(facts, ref)
    responsibility = apportion(account, policy)
    when = day(as_of) if isinstance(as_of, int) else as_of
    return account, responsibility, decide(account, responsibility, policy, when)


def verdicts(decision: Decision, stage: str = "open_case") -> dict[str, str]:
    """Gates that do not allow, by id."""
    return {
        f.gate: f.verdict.word for f in decision.findings if f.stage == stage and f.verdict.word != "allow"
    }


OWED: list[Fact] = [
    adult(),
    covered("P1"),
    charged("1000.00", on=-35),
    decided("1000.00", "400.00", "CO-45 300.00", "PR-1 300.00", on=-9),
]
"""Of 1,000.00 the payer leaves 300.00 with the patient; nobody was asked yet."""

CASE: list[Fact] = [*OWED, *statements()]
"""The same, with three statements."""
