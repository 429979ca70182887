"""What could plausibly happen next to an account, as facts: read from what stands in the way of its case.

Nothing here says what would follow; `counterfactual` decides again with these facts and tells only what does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final

from schemas.decisions import STAGES, Decision, Finding, Responsibility
from schemas.facts import (
    KIND_OF,
    AccountCleared,
    AccountFlagged,
    AccountRegistered,
    AdjudicationUnreadable,
    AdjustmentPosted,
    AssistanceChanged,
    BalanceReported,
    Body,
    CodingStatusChanged,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    OverrideWithdrawn,
    Payer,
    PaymentPending,
    PaymentPosted,
    Person,
    PlanChanged,
    PromiseChanged,
    StatementSent,
)
from schemas.money import format_cents
from service.core.account import Account
from service.core.words import FLAGS, name_of_flag, name_of_payer

BARRING: Final[dict[str | None, str]] = {
    "medicaid": "Medicaid",
    "qmb": "the protected Medicare programme",
    "workers_comp": "a workers' compensation carrier",
    "auto": "an auto carrier",
    "liability": "a liability carrier",
    "va": "the veterans' programme",
}
"""Kinds of coverage that keep a patient from being asked, in words."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that might happen: `says` completes "if …". Of one `topic` only one change can happen."""

    says: str
    topic: str
    facts: tuple[Fact, ...]


class Supposing:
    """States facts that nobody has stated, for one account on one day, later than all it has heard."""

    def __init__(self, account: Account, as_of: date) -> None:
        self.account = account
        self.as_of = as_of
        self.changes: list[Change] = []
        last = max(f.occurred_at for f in account.facts)
        self._at = max(datetime.combine(as_of, time(23, 59, 59), UTC), last) + timedelta(microseconds=1)

    def fact(self, body: Body, n: int = 0) -> Fact:
        """One fact nobody has stated, the `n`-th of its change."""
        key = f"{KIND_OF[type(body)]}|{self.account.ref}|supposed|{body!r}"
        at = self._at + timedelta(microseconds=n)
        return Fact.of(self.account.ref, key, at, body, currency=self.account.currency)

    def add(self, topic: str, says: str, *bodies: Body) -> None:
        """Offer a change, once."""
        if not any(c.topic == topic and c.says == says for c in self.changes):
            self.changes.append(
                Change(says, topic, tuple(self.fact(body, n) for n, body in enumerate(bodies)))
            )


def what_could_lift(
    account: Account, responsibility: Responsibility, decision: Decision
) -> tuple[Change, ...]:
    """What could happen to the facts behind the gates that hold a case back, payers' answers apart."""
    supposing = Supposing(account, decision.as_of)
    by_id = {f.id: f for f in account.facts}
    binding = [f for f in decision.findings if f.stage == STAGES[0] and f.stands]
    for finding in binding:
        for fact in [by_id[i] for i in finding.evidence if i in by_id]:
            if undo := _UNDONE.get(type(fact.body)):
                undo(supposing, responsibility, fact.body)
        for start, supply in _SUPPLIED:
            if finding.lifted_by is not None and finding.lifted_by.startswith(start):
                supply(supposing, responsibility, finding)
    return tuple(supposing.changes)


# -- what undoes a fact ---------------------------------------------------------------------------------


def _lift_flag(s: Supposing, owes: Responsibility, body: AccountFlagged) -> None:
    lifted = FLAGS[body.flag].lifted if body.flag in FLAGS else "lifted"
    says = f"the {name_of_flag(body.flag)} of {body.since} were {lifted}"
    s.add(f"flag {body.flag} {body.reference}", says, AccountCleared(body.flag, s.as_of, body.reference))


def _cancel_payment(s: Supposing, owes: Responsibility, body: PaymentPending) -> None:
    says = f"the announced payment of {format_cents(body.amount_cents)} were cancelled"
    s.add(f"pending {body.payment_id}", says, PaymentPending(body.payment_id, 0, body.expected_on))


def _cancel_plan(s: Supposing, owes: Responsibility, body: PlanChanged) -> None:
    s.add(
        f"plan {body.plan_id}",
        "the payment plan were cancelled",
        PlanChanged(body.plan_id, "cancelled", s.as_of),
    )


def _break_promise(s: Supposing, owes: Responsibility, body: PromiseChanged) -> None:
    says = "the promise to pay were broken"
    s.add(f"promise {body.promise_id}", says, PromiseChanged(body.promise_id, "broken"))


def _end_assistance(s: Supposing, owes: Responsibility, body: AssistanceChanged) -> None:
    if body.state == "approved":
        s.add("assistance", "the assistance granted expired", AssistanceChanged("expired", s.as_of))
    else:
        s.add("assistance", "financial assistance were refused", AssistanceChanged("denied", s.as_of))


def _finish_coding(s: Supposing, owes: Responsibility, body: CodingStatusChanged) -> None:
    s.add("coding", "coding were complete", CodingStatusChanged("complete"))


def _mend_unreadable(s: Supposing, owes: Responsibility, body: AdjudicationUnreadable) -> None:
    says = "a person settled the payer's decision that could not be read"
    s.add(f"unreadable {body.claim_id}", says, AccountCleared("unreadable_claim", s.as_of, body.claim_id))


def _agree(s: Supposing, owes: Responsibility, body: BalanceReported) -> None:
    unexplained = sum(x.amount_cents for x in owes.shares if x.reason.code == "difference")
    agreed = owes.balance_cents - unexplained
    says = f"the billing system reported a balance of {format_cents(agreed)}"
    s.add("report", says, BalanceReported(agreed, s.as_of))


_UNDONE: Final[dict[type, Callable[[Supposing, Responsibility, Any], None]]] = {
    AccountFlagged: _lift_flag,
    PaymentPending: _cancel_payment,
    PlanChanged: _cancel_plan,
    PromiseChanged: _break_promise,
    AssistanceChanged: _end_assistance,
    CodingStatusChanged: _finish_coding,
    AdjudicationUnreadable: _mend_unreadable,
    BalanceReported: _agree,
}


# -- what supplies a missing one ------------------------------------------------------------------------


def _statement(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    """As many statements of the amount as the gate still misses, as far apart as it wants them."""
    given = dict(finding.parameters)
    wanted, apart = given.get("statements"), given.get("days_apart")
    missing, every = 1, timedelta()
    if type(wanted) is int and type(apart) is int:
        missing, every = wanted - len(finding.evidence), timedelta(days=apart)
    sent = s.account.statements
    first = max([s.as_of, *(x.body.sent_on + every for x in sent if x.id in finding.evidence)])
    days = [first + n * every for n in range(missing)]
    number = max((x.body.number for x in sent), default=0) + 1
    cents = owes.net_cents if owes.net_cents > 0 else None
    bodies = [
        StatementSent(number + n, day, cents, None, None, True, False, True) for n, day in enumerate(days)
    ]
    what = "a statement" if missing == 1 else f"{missing} statements"
    was = "was" if missing == 1 else "were"
    amount = f" of {format_cents(cents)}" if cents else ""
    s.add(
        "statement",
        f"{what}{amount} {was} delivered on {' and '.join(map(str, days))}",
        *bodies,
    )


def _notice(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    kind = f"{finding.lifted_by}".split()[1]
    paper = {"abn": "a signed advance notice", "waiver": "a signed waiver"}.get(
        kind, f'the document "{kind.replace("_", " ")}"'
    )
    s.add(f"notice {kind}", f"{paper} were on file", NoticeRecorded("supposed", kind, s.as_of))


def _offer_help(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    s.add("assistance", "financial assistance were offered", AssistanceChanged("offered", s.as_of))


def _register(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    adult = Person("supposed", birth_on=s.as_of - timedelta(days=365 * 40))
    s.add("registered", "an adult guarantor were registered", AccountRegistered(guarantor=adult))


def _post_discount(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    """The share that was granted of what may be asked of the patient, whatever of it was paid."""
    granted = s.account.assistance.body.discount_percent if s.account.assistance else None
    whole, _, part = (granted or "").strip().partition(".")
    if (whole + part).isdecimal():
        cents = owes.collectible_cents * int(whole + part) // (100 * 10 ** len(part))
        says = f"the assistance granted, {format_cents(cents)}, were posted"
        s.add("discount", says, AdjustmentPosted("supposed", cents, "charity", s.as_of))


def _list_coverage(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    """The order of payers, as those who have spoken so far would be listed; else that there is none."""
    payers: dict[str, Payer] = {}
    for one in s.account.adjudications:
        payers.setdefault(one.claim.payer.id, one.claim.payer)
    for sent in s.account.submitted:
        payers.setdefault(sent.body.payer.id, sent.body.payer)
    if not payers:
        s.add("coverage", "the account were stated to have no insurance", CoverageListed(()))
        return
    listed = tuple(Coverage(n, payer, "commercial") for n, payer in enumerate(payers.values(), 1))
    names = ", then ".join(name_of_payer(id, s.account) for id in payers)
    s.add("coverage", f"the insurance were listed: {names}", CoverageListed(listed))


def _drop_coverage(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    listed = _listed(s.account)
    barring = [c for c in listed if c.kind in BARRING]
    if not barring:
        return
    left = tuple(c for c in listed if c.kind not in BARRING)
    kinds = " and ".join(dict.fromkeys(BARRING[c.kind] for c in barring))
    says = f"the coverage list no longer named {kinds}" + ("" if left else ", and so no insurance at all")
    s.add("coverage", says, CoverageListed(left))


def _take_back_payment(s: Supposing, owes: Responsibility, finding: Finding) -> None:
    """A payment of the patient's that fails, exactly as much as makes the amount reach the minimum."""
    least = dict(finding.parameters).get("min_balance")
    missing = (least if type(least) is int else 1) - owes.net_cents
    says = f"{format_cents(missing)} of what the patient paid were taken back by the bank"
    # More than was paid would be nobody's debt, so it leads to nothing and is not told.
    s.add("refund", says, PaymentPosted("supposed", -missing, "patient", s.as_of))


_SUPPLIED: Final[tuple[tuple[str, Callable[[Supposing, Responsibility, Finding], None]], ...]] = (
    ("statement.sent", _statement),
    ("the first statement", _statement),
    ("notice.recorded", _notice),
    ("assistance.changed offered", _offer_help),
    ("account.registered", _register),
    ("adjustment.posted charity", _post_discount),
    ("coverage.listed", _list_coverage),
    ("a coverage list without", _drop_coverage),
    ("a corrected decision", _drop_coverage),
    ("a larger balance", _take_back_payment),
    ("a refund or a new charge", _take_back_payment),
)


# -- what could take a case back ------------------------------------------------------------------------


def what_could_take_back(account: Account, decision: Decision) -> tuple[Change, ...]:
    """What could end a case that is open: the patient's word, the patient's standing, help, another payer."""
    s, today = Supposing(account, decision.as_of), decision.as_of
    soon = today + timedelta(days=14)
    s.add("flag dispute", "the patient disputed the bill", AccountFlagged("dispute", today))
    s.add("assistance", "the patient applied for financial assistance", AssistanceChanged("applied", today))
    s.add("plan", "a payment plan were agreed", PlanChanged("supposed", "active", today))
    s.add("promise", f"the patient promised to pay by {soon}", PromiseChanged("supposed", "made", None, soon))
    s.add("flag mail", "a letter came back as undeliverable", AccountFlagged("returned_mail", today))
    s.add("flag bankruptcy", "a bankruptcy became known", AccountFlagged("bankruptcy", today))
    s.add("flag manual", "a person placed a hold", AccountFlagged("manual", today))
    s.add("coverage", "another insurer were listed", CoverageListed((*_listed(account), _ANOTHER)))
    for lifted in [f.lifted for f in decision.findings if f.lifted is not None]:
        taken_back = OverrideWithdrawn(lifted.override, "supposed", "supposed", today)
        s.add(f"override {lifted.override}", "the override in force were withdrawn", taken_back)
    return tuple(s.changes)


_ANOTHER: Final = Coverage(9, Payer("supposed", "another insurer"), "commercial")


def _listed(account: Account) -> tuple[Coverage, ...]:
    return account.coverage.body.coverages if account.coverage else ()
