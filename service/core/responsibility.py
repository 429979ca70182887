"""Who owes every cent of an account's balance, and why; the shares always add up to the balance."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Final

from schemas.decisions import Determination, Reason, Responsibility, Share, Trace, WorkItem
from schemas.facts import AccountRef, BalanceReported
from schemas.money import format_cents
from service.core.account import WITH_MONEY, Account, Known, fold
from service.core.bearers import FORGIVEN
from service.core.claims import ClaimResult, determine_claims
from service.core.policy import Policy
from service.core.setting import Setting, setting_of
from service.core.work import difference_item, work_items


def apportion(account: Account, policy: Policy) -> Responsibility:
    """Divide the account's balance among those who answer for it.

    Balance = charges − every payment − reductions and write-offs, plus whatever the billing system reports
    beyond that. A posted contractual adjustment and the payers' own contractual reductions describe the same
    cents, so the larger counts. Denials nobody has written off stay in the balance, borne by the provider.

    Raises:
        AssertionError: the shares do not add up to the balance: a fault of ours, never to be ignored.
    """
    if account.moved_to is not None:
        return _moved(account, account.moved_to)
    derived = _Ledger(account, policy)
    derived.post()
    derived.reconcile()
    return derived.responsibility()


class _Ledger:
    """The balance and its shares while they are worked out; every step keeps their sum."""

    def __init__(self, account: Account, policy: Policy) -> None:
        self.account = account
        self.policy = policy
        self.setting: Setting = setting_of(account, policy)
        self.claims: list[ClaimResult] = determine_claims(self.setting)
        self.traces: list[Trace] = []
        self.shares: list[Share] = []
        self.balance = 0
        self.assigned = 0
        self.collectible = 0
        self.in_doubt = False
        self.doubted = False
        self.provisional = False
        self.items: tuple[WorkItem, ...] = ()

    # -- small steps ---------------------------------------------------------------------------------

    def found(self, rule: str, text: str, evidence: tuple[str, ...] = ()) -> None:
        self.traces.append(Trace(rule, text, None, evidence))

    def give(
        self, bearer: str, cents: int, reason: Reason, claim: str | None, evidence: tuple[str, ...]
    ) -> None:
        if cents:
            self.shares.append(Share(bearer, cents, reason, claim, evidence))

    def borne_by(self, *bearers: str) -> int:
        return sum([s.amount_cents for s in self.shares if s.bearer in bearers])

    # -- the steps -----------------------------------------------------------------------------------

    def post(self) -> None:
        """From charges to shares: doubts, claims, charges on no claim, fees, payments, adjustments."""
        self._doubts()
        for claim in self.claims:
            self.traces.extend(claim.traces)
            self._share_claim(claim)
        self._uncovered_charges()
        self._added_amounts()
        self._payer_payments()
        self._patient_money()
        self._write_offs()

    def _doubts(self) -> None:
        account = self.account
        for one in account.contradictions:
            self.in_doubt = True
            self.found(*_CONTRADICTIONS.get(one.kind, _CONTRADICTION), one.evidence)
        if account.mixed_currencies:
            self.in_doubt = True
            first: dict[str, str] = {}
            for fact in account.facts:
                if fact.kind in WITH_MONEY:
                    first.setdefault(fact.currency, fact.id)
            self.found("DET-01.currency", "The facts are in more than one currency.", tuple(first.values()))
        for unread in account.unreadable:
            self.in_doubt = True
            self.found("DET-01.unreadable", "A payer decided something that could not be read.", (unread.id,))
        self.doubted = self.in_doubt

    def _share_claim(self, claim: ClaimResult) -> None:
        """Divide what is left of one claim's bill."""
        left = claim.billed_cents - claim.paid_cents - claim.reduction_cents
        self.balance += left
        if claim.state == "final" and not self.in_doubt:
            self.assigned += claim.assigned_cents
            self.collectible += claim.collectible_cents
            left -= self._share_patient_part(claim)
        elif not self.in_doubt:
            self.assigned += claim.assigned_cents
        if claim.state == "provisional":
            self.provisional = True
        elif claim.state == "undetermined":
            self.doubted = True
        if claim.state == "undetermined" or self.in_doubt:
            reason = Reason("", "undetermined", _why_undetermined(claim, self.traces))
            self.give("undetermined", left, reason, claim.claim_id, claim.evidence)
            return
        left -= self._share_denials(claim, left)
        if claim.state == "provisional":
            bearer, code, text = claim.awaited
            self.give(bearer, left, Reason("", code, text), claim.claim_id, claim.evidence)
        elif left < 0:
            reason = Reason("", "overpaid", "Payers paid or wrote off more than was billed.")
            self.give("undetermined", left, reason, claim.claim_id, claim.evidence)
        elif any(t.rule in ("DET-06.mismatch", "DET-11.conflict") for t in claim.traces):
            reason = Reason("", "disagreement", "What payers say about the patient's part disagrees.")
            self.give("undetermined", left, reason, claim.claim_id, claim.evidence)
        else:
            reason = Reason(
                "", "remainder", "No payer leaves this with the patient, so it stays with the provider."
            )
            self.give("provider", left, reason, claim.claim_id, claim.evidence)

    def _share_patient_part(self, claim: ClaimResult) -> int:
        """The patient's part by reason where the reasons add up to it, else in one share."""
        if claim.self_pay:
            text = "Nobody insures this claim, so the bill is the patient's."
            reason = Reason("", "self_pay", text)
            self.give("patient", claim.collectible_cents, reason, claim.claim_id, claim.evidence)
            return claim.collectible_cents
        if claim.deciding is None or not claim.collectible_cents:
            return 0
        items = [i for w in claim.deciding.weighed for i in w.items if i.bearer == "patient"]
        evidence = claim.deciding.evidence
        if sum(i.amount_cents for i in items) == claim.collectible_cents:
            for i in items:
                reason = Reason(i.group, i.code, i.text)
                self.give("patient", i.amount_cents, reason, claim.claim_id, evidence)
        else:
            main = max(items, key=lambda i: (i.amount_cents, i.code))
            reason = Reason(main.group, main.code, main.text)
            self.give("patient", claim.collectible_cents, reason, claim.claim_id, evidence)
        return claim.collectible_cents

    def _share_denials(self, claim: ClaimResult, left: int) -> int:
        """What payers refused and may not be billed to the patient, as far as it is still open.

        While another payer has to answer, an amount taken off the patient may still be that payer's.
        """
        shared = 0
        for answer in claim.answers:
            for weighed in answer.weighed:
                for i in weighed.items:
                    cents = min(i.amount_cents, left - shared)
                    if i.bearer != "provider" or (claim.state == "provisional" and i.group == "PR"):
                        continue
                    if cents > 0:
                        reason = Reason(i.group, i.code, i.text)
                        self.give("provider", cents, reason, claim.claim_id, answer.evidence)
                        shared += cents
        return shared

    def _uncovered_charges(self) -> None:
        """Charges posted beyond what claims bill: not billed yet, or self-pay, or unexplained."""
        charges = self.account.charges
        if not charges:
            if not self.claims:
                self._nothing_decided()
            return
        posted = sum([c.body.amount_cents for c in charges])
        open_cents = posted - sum([c.billed_cents for c in self.claims])
        if open_cents == 0:
            return
        self.balance += open_cents
        evidence = tuple([c.id for c in charges])
        if self.claims:
            self.provisional = True
            text = "The charges posted and the claims billed differ."
            self.found("DET-12.uncovered", text, evidence)
            self.give("undetermined", open_cents, Reason("", "uncovered", text), None, evidence)
        elif self.setting.coverages is None:
            self.doubted = True
            text = "No coverage list was received, so nobody knows whether a payer owes this."
            self.found("DET-10.unknown_order", text, evidence)
            self.give("undetermined", open_cents, Reason("", "coverage_unknown", text), None, evidence)
        elif self.setting.coverages:
            self.provisional = True
            payer = self.setting.coverages[0].payer.id
            text = f"Payer {payer} has not been billed."
            self.found("DET-10.waiting", text, evidence)
            self.give(f"payer:{payer}", open_cents, Reason("", "not_billed", text), None, evidence)
        else:
            self._self_pay(open_cents, evidence)

    def _added_amounts(self) -> None:
        """Interest and fees: the patient's beside what payers leave; a gate asks whether lawfully."""
        cents = sum([c.body.amount_cents for c in self.account.added])
        evidence = tuple([c.id for c in self.account.added])
        self.balance += cents
        if cents >= 0:
            self.give("patient", cents, Reason("", "added", "Interest and fees were added."), None, evidence)
            return
        text = "More interest or fees were taken back than were added."
        self.found("DET-16.unexplained", text, evidence)
        self.give("undetermined", cents, Reason("", "unexplained_refund", text), None, evidence)

    def _self_pay(self, cents: int, evidence: tuple[str, ...]) -> None:
        """DET-18: the coverage list says that there is no payer."""
        account = self.account
        listed = (account.coverage.id,) if account.coverage else ()
        if account.coverage and account.coverage.body.coverages:
            self.provisional = True
            text = "No listed coverage was in force on the day of service; cover has to be looked for first."
            self.found("DET-07.coverage_not_found", text, evidence + listed)
            self.give("undetermined", cents, Reason("", "coverage_not_found", text), None, evidence + listed)
            return
        if self.setting.plans_missing:
            self.provisional = True
            text = f"Registration expects {self.setting.plans_missing} more plans than are listed."
            self.found("DET-10.waiting", text, evidence + listed)
            self.give("undetermined", cents, Reason("", "waiting", text), None, evidence + listed)
            return
        if account.self_pay_since is not None:
            listed = (account.self_pay_since.id,)
        text = "The account states that there is no insurance, so the charges are the patient's."
        self.found("DET-18", text, evidence + listed)
        bearer = "undetermined" if self.in_doubt else "patient"
        self.give(bearer, cents, Reason("", "self_pay", text), None, evidence + listed)
        if not self.in_doubt and cents > 0:
            self.assigned += cents
            self.collectible += cents

    def _nothing_decided(self) -> None:
        self.provisional = True
        if self.setting.coverages is None:
            self.doubted = True
            self.found("DET-10.unknown_order", "No coverage list was received.")
        self.found("DET-01", "Nothing has been charged or decided yet.")

    def _payer_payments(self) -> None:
        """Payer money that billing posted: counted once with the decision that reported it."""
        posted: dict[tuple[str, str], list[tuple[int, str]]] = {}
        for p in self.account.payments:
            if p.body.paid_by == "payer":
                payer = p.body.payer.id if p.body.payer else ""
                posted.setdefault((payer, p.body.trace or ""), []).append((p.body.amount_cents, p.id))
        if not posted:
            return
        decided = _paid_by_trace(self.claims)
        for (payer, trace), entries in sorted(posted.items()):
            cents = sum(c for c, _ in entries)
            if trace and (payer, trace) in decided:
                cents -= decided[payer, trace]
            elif not trace and cents == sum(c for (p, _), c in decided.items() if p == payer):
                cents = 0
            self._unmatched(
                payer, cents, tuple(i for _, i in entries), known=any(p == payer for p, _ in decided)
            )

    def _unmatched(self, payer: str, cents: int, evidence: tuple[str, ...], known: bool) -> None:
        if not cents:
            return
        self.balance -= cents
        if payer and not known and self.borne_by(f"payer:{payer}") >= cents > 0:
            text = f"Payer {payer} paid before its decision came."
            self.found("DET-16.paid_ahead", text, evidence)
            self.give(f"payer:{payer}", -cents, Reason("", "paid_ahead", text), None, evidence)
            return
        text = "Payer money was posted that no decision explains."
        self.found("DET-16.unexplained", text, evidence)
        self.give("undetermined", -cents, Reason("", "unexplained_payment", text), None, evidence)

    def _patient_money(self) -> None:
        """Payments by the patient and on the patient's behalf, and what was forgiven."""
        paid = [(p.body.amount_cents, p.id, p.body.paid_by) for p in self.account.payments]
        for who, code, text in (
            ("patient", "patient_payment", "Payments received from the patient."),
            ("other", "other_payment", "Payments received on the patient's behalf."),
        ):
            entries = [(c, i) for c, i, by in paid if by == who]
            self._credit_patient(entries, code, text)
        for kind in sorted(FORGIVEN):
            entries = [(a.body.amount_cents, a.id) for a in self.account.adjustments if a.body.kind == kind]
            if entries:
                self._credit_patient(entries, kind, _FORGIVEN_TEXT[kind])

    def _credit_patient(self, entries: list[tuple[int, str]], code: str, text: str) -> None:
        """Take money off the patient's part; a sum below zero never adds to it, it is unexplained."""
        cents = sum(c for c, _ in entries)
        if not cents:
            return
        evidence = tuple(i for _, i in entries)
        self.balance -= cents
        if cents > 0:
            self.give("patient", -cents, Reason("", code, text), None, evidence)
            return
        text = "More was taken back than was ever given."
        self.found("DET-16.unexplained", text, evidence)
        self.give("undetermined", -cents, Reason("", "unexplained_refund", text), None, evidence)

    def _write_offs(self) -> None:
        """Posted contractual and other adjustments beyond what the payers' decisions already reduce."""
        contractual = [a for a in self.account.adjustments if a.body.kind == "contractual"]
        decided = max(0, sum([c.reduction_cents for c in self.claims]))
        posted = sum([a.body.amount_cents for a in contractual])
        self._write_off(
            posted - min(decided, max(0, posted)), tuple([a.id for a in contractual]), patient_too=False
        )
        known = FORGIVEN | {"contractual"}
        other = [a for a in self.account.adjustments if a.body.kind not in known]
        self._write_off(
            sum([a.body.amount_cents for a in other]), tuple([a.id for a in other]), patient_too=True
        )

    def _write_off(self, cents: int, evidence: tuple[str, ...], *, patient_too: bool) -> None:
        """Lower the provider's part first, then payers', then what is undetermined, then the patient's."""
        if not cents:
            return
        self.balance -= cents
        reason = Reason("", "write_off", "Written off by billing.")
        payers = sorted({s.bearer for s in self.shares if s.bearer.startswith("payer:")})
        order = ["provider", *payers, "third_party", "undetermined"] + (["patient"] if patient_too else [])
        for bearer in order:
            part = max(0, min(cents, self.borne_by(bearer)))
            self.give(bearer, -part, reason, None, evidence)
            cents -= part
        if cents:
            text = "Billing posted a write-off that no decision explains."
            self.found("DET-16.unexplained", text, evidence)
            self.give("undetermined", -cents, Reason("", "unexplained_write_off", text), None, evidence)

    # -- against the billing system ------------------------------------------------------------------

    def reconcile(self) -> None:
        """DET-16: each reported balance against what the facts effective by then add up to.

        Of accounts merged since, each report is about the accounts that were one by then.
        """
        told: set[AccountRef] = set()
        for report in self.account.reports:
            if report.account not in told:
                then = self._as_reported(report)
                self._reconcile(report, then)
                told |= {report.account, then.account.ref, *then.account.holds}

    def _reconcile(self, report: Known[BalanceReported], then: _Ledger) -> None:
        difference = report.body.total_cents - then.balance
        patient_over = 0
        if report.body.patient_cents is not None:
            patient_over = max(0, then.borne_by("patient") - max(0, report.body.patient_cents))
        if difference:
            text = (
                f"Billing reports {format_cents(report.body.total_cents)} as of {report.body.as_of}; the "
                f"facts add up to {format_cents(then.balance)}: {format_cents(difference)} is unexplained."
            )
            self.found("DET-16.difference", text, (report.id,))
            self.balance += difference
            self.give("undetermined", difference, Reason("", "difference", text), None, (report.id,))
            self.items = (difference_item(self.account, then.claims, difference, report.id),)
        else:
            self.found(
                "DET-16", f"The balance agrees with billing's as of {report.body.as_of}.", (report.id,)
            )
        take = min(patient_over, max(0, self.borne_by("patient")))
        if take:
            text = f"Billing asks the patient for {format_cents(patient_over)} less; the lower amount stands."
            self.found("DET-16.patient_lower", text, (report.id,))
            self.give("patient", -take, Reason("", "reported_lower", text), None, (report.id,))
            self.give("undetermined", take, Reason("", "reported_lower", text), None, (report.id,))

    def _as_reported(self, report: Known[BalanceReported]) -> _Ledger:
        """The ledger from the facts in effect when the report was made."""
        cutoff = report.at
        if report.at.date() > report.body.as_of:
            cutoff = datetime.combine(report.body.as_of, time.max, tzinfo=UTC)
        facts = [f for f in self.account.facts if f.occurred_at <= cutoff]
        if not self.account.holds and len(facts) == len(self.account.facts):
            # The one report of an account that holds no other, about all there is: no need to add up anew.
            return self
        then = _Ledger(fold(facts, report.account), self.policy)
        then.post()
        return then

    # -- the answer ----------------------------------------------------------------------------------

    def responsibility(self) -> Responsibility:
        """Close the ledger."""
        determination: Determination = "final"
        if self.doubted:
            determination = "undetermined"
        elif self.provisional:
            determination = "provisional"
        collectible = self.collectible if determination == "final" else 0
        if determination != "final":
            self._withhold()
        net = self.borne_by("patient")
        if determination == "final" and net < 0:
            determination = "credit"
            self.found("DET-15", "More was paid than is the patient's: a credit, never a case.")
        if sum([s.amount_cents for s in self.shares]) != self.balance:
            raise AssertionError("the shares do not add up to the balance")
        return Responsibility(
            self.balance,
            self.account.currency,
            determination,
            tuple(self.shares),
            self.assigned,
            collectible,
            net,
            tuple(self.traces),
            tuple([p for claim in self.claims for p in claim.payers]),
            self.items + work_items(self.account, self.claims, self.traces, self.shares),
        )

    def _withhold(self) -> None:
        """While anything is open no part of a payer's decision is the patient's yet: it is undetermined.

        Only what the patient paid or was forgiven stays.
        """
        self.shares = [
            replace(s, bearer="undetermined") if s.bearer == "patient" and _waits(s) else s
            for s in self.shares
        ]


def _moved(account: Account, to: AccountRef) -> Responsibility:
    """DET-17: an account merged into another has nothing left to divide, and never a case."""
    text = f"This account was merged into {to}; its balance is there."
    evidence = tuple([f.id for f in account.facts if f.kind == "accounts.merged"])
    traces = [Trace("DET-17.merged", text, None, evidence)]
    traces += [
        Trace(*_CONTRADICTIONS.get(c.kind, _CONTRADICTION), None, c.evidence) for c in account.contradictions
    ]
    return Responsibility(0, account.currency, "undetermined", (), 0, 0, 0, tuple(traces))


_CONTRADICTION: Final = ("DET-03.contradiction", "Facts contradict each other; a person must choose.")

_CONTRADICTIONS: Final = {
    "guarantor": (
        "DET-17",
        "The guarantor changed, and nobody says who answers for the day of service.",
    ),
    "merged.circle": ("DET-03.contradiction", "Accounts were merged into one another in a circle."),
    "merged.unlike": (
        "DET-03.contradiction",
        "An account was taken out of another than the one it had been merged into.",
    ),
    "merged.coverage": (
        "DET-03.contradiction",
        "The merged accounts' payers differ; a list of payers for all of them is missing.",
    ),
}


def _waits(share: Share) -> bool:
    """Whether a patient's share rests on decisions, not on money: then it waits for the last of them."""
    return share.claim_id is not None or share.reason.code in ("added", "reported_lower")


_FORGIVEN_TEXT: Final = {
    "charity": "Financial assistance granted.",
    "courtesy": "A courtesy reduction.",
    "small_balance": "A small balance given up.",
    "bad_debt": "Written off as bad debt.",
}


def _paid_by_trace(claims: list[ClaimResult]) -> dict[tuple[str, str | None], int]:
    """What standing decisions, and those taken back, report as paid, by payer and trace."""
    out: dict[tuple[str, str | None], int] = {}
    for claim in claims:
        for answer in claim.answers:
            left = answer.standing
            moved = [*left.active, *left.superseded, *left.orphans]
            moved += [one for pair in left.cancelled for one in pair]
            for one in moved:
                key = (answer.payer, one.claim.trace)
                out[key] = out.get(key, 0) + one.claim.paid_cents
    return out


_UNSETTLES: Final = frozenset(
    {
        "DET-01.status",
        "DET-02.unbalanced",
        "DET-04.orphan",
        "DET-04.reversed",
        "DET-08.unprocessable",
        "DET-12.void",
        "DET-21.conflict",
    }
)
"""What leaves a claim undetermined."""


def _why_undetermined(claim: ClaimResult, traces: list[Trace]) -> str:
    """The claim's own reason, else the first doubt about the whole account."""
    own = [t.found for t in claim.traces if t.rule in _UNSETTLES]
    return own[0] if own else traces[0].found
