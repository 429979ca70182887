"""Each claim determined: which payers must answer, what still stands, and what may be the patient's."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal, TypeAlias

from schemas.decisions import Trace
from schemas.facts import Coverage
from schemas.money import format_cents
from schemas.records import swift_init
from service.core.account import Account, service_day
from service.core.adjudication import FORWARDED, PENDED, PROCESSED, Adjudication, Standing, balances, standing
from service.core.policy import Policy
from service.core.weighing import Programme, Weighed, weigh

State: TypeAlias = Literal["final", "provisional", "undetermined"]

_KNOWN_STATUS: Final = frozenset(PROCESSED) | PENDED | {"4"}

_PROVISIONAL: Final = {
    "DET-07.pending": "pending",
    "DET-07.info_from_patient": "pending",
    "DET-07.other_payer": "third_party",
    "DET-07.review": "undetermined",
    "DET-08.info_from_provider": "provider",
    "DET-08.surprise_review": "undetermined",
}
"""Signals of one decision that keep a claim provisional, and who answers for the rest meanwhile."""


@dataclass(slots=True)
class PayerAnswer:
    """What one payer's standing decisions on a claim come to."""

    payer: str
    rank: int
    standing: Standing
    weighed: list[Weighed]
    evidence: tuple[str, ...]
    pr_cents: int = 0
    ok_cents: int = 0
    paid_cents: int = 0
    reduction_cents: int = 0
    binding: bool = False


@dataclass(slots=True)
class ClaimResult:
    """One claim determined. `awaited` is who answers for what is not decided, with our reason for it."""

    claim_id: str
    state: State
    billed_cents: int
    paid_cents: int = 0
    reduction_cents: int = 0
    assigned_cents: int = 0
    collectible_cents: int = 0
    answers: list[PayerAnswer] = field(default_factory=list)
    deciding: PayerAnswer | None = None
    awaited: tuple[str, str] = ("undetermined", "")
    traces: list[Trace] = field(default_factory=list)
    evidence: tuple[str, ...] = ()


@swift_init
@dataclass(frozen=True, slots=True)
class Setting:
    """What all claims of an account share: coverage in force, programme, documents on file."""

    account: Account
    policy: Policy
    coverages: tuple[Coverage, ...] | None
    kinds: dict[str, str]
    qmb: bool
    notice_on_file: bool
    consent_on_file: bool
    split_charges: bool


def setting_of(account: Account, policy: Policy) -> Setting:
    """Prepare what every claim needs: coverage in force on the day of service, and programme membership."""
    coverages = None
    if account.coverage is not None:
        day = service_day(account)
        listed = account.coverage.body.coverages
        coverages = tuple(
            sorted((c for c in listed if _in_force(c, day)), key=lambda c: (c.order, c.payer.id))
        )
    kinds = {c.payer.id: c.kind or "" for c in coverages or ()}
    notices = {n.body.kind for n in account.notices if n.body.valid}
    return Setting(
        account,
        policy.for_account(account),
        coverages,
        kinds,
        "qmb" in kinds.values() or any(_shows_qmb(a) for a in account.adjudications),
        bool(notices & {"abn", "waiver"}),
        "surprise_billing_consent" in notices,
        len({a.claim.claim_id for a in account.adjudications} | {s.body.claim_id for s in account.submitted})
        > 1,
    )


def _shows_qmb(one: Adjudication) -> bool:
    return any(code == "303" for _, code, _ in one.triples)


def _in_force(coverage: Coverage, day: date | None) -> bool:
    if day is None:
        return True
    return not (
        (coverage.effective_from and coverage.effective_from > day)
        or (coverage.effective_to and coverage.effective_to < day)
    )


def determine_claims(setting: Setting) -> list[ClaimResult]:
    """Determine every claim of the account, by claim number."""
    decided: dict[str, dict[str, list[Adjudication]]] = {}
    for one in setting.account.adjudications:
        decided.setdefault(one.claim.claim_id, {}).setdefault(one.claim.payer.id, []).append(one)
    for sent in setting.account.submitted:
        decided.setdefault(sent.body.claim_id, {})
    return [_Determination(setting, claim_id, decided[claim_id]).result() for claim_id in sorted(decided)]


class _Determination:
    """One claim on its way to a result: rules are asked in order and leave traces."""

    def __init__(self, setting: Setting, claim_id: str, decisions: dict[str, list[Adjudication]]) -> None:
        self.setting = setting
        self.claim_id = claim_id
        self.decisions = decisions
        self.traces: list[Trace] = []
        self.provisional: list[tuple[str, str]] = []
        self.undetermined = False
        self.submitted = [s for s in setting.account.submitted if s.body.claim_id == claim_id]

    def found(self, rule: str, text: str, evidence: tuple[str, ...] = ()) -> None:
        self.traces.append(Trace(rule, text, self.claim_id, evidence))

    def result(self) -> ClaimResult:
        billed = self._billed_cents()
        answers = sorted(
            (self._answer(payer, many, billed) for payer, many in sorted(self.decisions.items())),
            key=lambda a: (a.rank, a.payer),
        )
        self._check_rank(answers)
        self._await_payers(answers)
        binding = [a for a in answers if a.binding and a.standing.active]
        active = [a for a in answers if a.standing.active]
        if active and not binding:
            self.provisional.append(("undetermined", "No payer has accepted the patient as its member."))
        state: State = "undetermined" if self.undetermined else "provisional" if self.provisional else "final"
        out = ClaimResult(self.claim_id, state, billed, sum(a.paid_cents for a in active), answers=answers)
        out.traces = self.traces
        out.evidence = tuple(i for a in answers for i in a.evidence)
        if not active and not self.undetermined and not out.evidence:
            out.evidence = tuple(s.id for s in self.submitted)
        if self.provisional:
            out.awaited = self.provisional[0]
        if active:
            out.assigned_cents = min(a.pr_cents for a in binding) if binding else active[-1].pr_cents
        self._settle(out, binding)
        return out

    def _settle(self, out: ClaimResult, binding: list[PayerAnswer]) -> None:
        """Lowest binding patient responsibility, and never more than is left of the bill (DET-11)."""
        reductions = [a.reduction_cents for a in out.answers if a.standing.active]
        if out.state == "final" and binding:
            out.deciding = min(binding, key=lambda a: (a.ok_cents, -a.rank, a.payer))
            left = out.billed_cents - out.paid_cents - max(reductions)
            lowest = max(0, out.deciding.ok_cents)
            out.collectible_cents = min(lowest, max(0, left))
            if out.collectible_cents < lowest:
                self.found(
                    "DET-11.conflict", "Payments already cover part of what the payers leave.", out.evidence
                )
            last = binding[-1]
            if out.assigned_cents < last.pr_cents:
                self.found(
                    "DET-11.conflict",
                    "The last payer leaves more with the patient than an earlier one; the lower stands.",
                    last.evidence,
                )
            if len(binding) > 1:
                self.found(
                    "DET-11",
                    f"The lowest patient part of {len(binding)} payers: {format_cents(out.assigned_cents)}.",
                    out.deciding.evidence,
                )
        if out.state == "undetermined":
            return
        room = out.billed_cents - out.paid_cents - out.collectible_cents
        out.reduction_cents = min(sum(reductions), room)
        if out.reduction_cents < sum(reductions):
            self.found(
                "DET-11.overposted",
                "The payers' reductions together exceed what is left of the bill; none becomes a credit.",
                out.evidence,
            )

    def _billed_cents(self) -> int:
        """The charge billed on this claim: as submitted, else as posted for a lone claim, else as decided."""
        if self.submitted:
            return max(s.body.charge_cents for s in self.submitted)
        decided = max((a.claim.charge_cents for many in self.decisions.values() for a in many), default=0)
        if self.setting.split_charges or not self.setting.account.charges:
            return decided
        return max(decided, sum(c.body.amount_cents for c in self.setting.account.charges))

    def _answer(self, payer: str, decisions: list[Adjudication], billed: int) -> PayerAnswer:
        period = self.setting.policy.on(decisions[-1].on)
        left = standing(decisions, billed, period.duplicate_codes)
        weighed = [weigh(a, self.setting.policy.on(a.on), self._programme(a)) for a in left.active]
        evidence = tuple(i for a in left.active for i in a.ids) or tuple(i for a in decisions for i in a.ids)
        answer = PayerAnswer(payer, self._rank(payer, decisions), left, weighed, evidence)
        for a, w in zip(left.active, weighed, strict=True):
            answer.pr_cents += w.pr_cents
            answer.ok_cents += w.ok_cents
            answer.paid_cents += a.claim.paid_cents
            answer.reduction_cents += w.reduction_cents
            answer.binding = answer.binding or w.binding
            self._note_decision(payer, a, w)
        if left.conflicting:
            answer.pr_cents = min(w.pr_cents for w in weighed)
        self._note_standing(answer, billed)
        return answer

    def _programme(self, one: Adjudication) -> Programme:
        kind = self.setting.kinds.get(one.claim.payer.id, "")
        filing = one.claim.filing_indicator
        allowed = str(self.setting.policy.of_gate(one.on, "G13").values["billable_reasons"][0] or "")
        return Programme(
            filing == "MC" or kind == "medicaid",
            self.setting.qmb,
            filing == "VA" or kind == "va",
            self.setting.notice_on_file,
            self.setting.consent_on_file,
            frozenset(allowed.split()),
        )

    def _rank(self, payer: str, decisions: list[Adjudication]) -> int:
        for at, coverage in enumerate(self.setting.coverages or (), 1):
            if coverage.payer.id == payer:
                return at
        for one in decisions:
            if one.claim.order:
                return one.claim.order
        return min((PROCESSED.get(a.claim.status, 9) for a in decisions), default=9)

    def _note_decision(self, payer: str, one: Adjudication, weighed: Weighed) -> None:
        claim = one.claim
        self.found(
            "DET-05",
            f"Payer {payer} decided on {one.on}: charge {format_cents(claim.charge_cents)}, paid "
            f"{format_cents(claim.paid_cents)}, left with the patient {format_cents(weighed.pr_cents)}.",
            one.ids,
        )
        for rule, text in weighed.signals.items():
            self.found(rule, text, one.ids)
            if rule in _PROVISIONAL:
                bearer = _PROVISIONAL[rule]
                self.provisional.append((f"payer:{payer}" if bearer == "pending" else bearer, text))
            elif rule == "DET-08.unprocessable":
                self.undetermined = True
        if not balances(claim):
            self.undetermined = True
            self.found("DET-02.unbalanced", "Charge less adjustments is not what was paid.", one.ids)
        if claim.remittance_balanced is False:
            self.provisional.append(("undetermined", "The payment that carried this does not add up."))
            self.found("DET-02.remittance", "The payment that carried this does not add up.", one.ids)
        if claim.status in PENDED:
            self.provisional.append((f"payer:{payer}", "The payer has not decided yet."))
            self.found("DET-07.pending", "The payer has not decided yet.", one.ids)
        elif claim.status not in _KNOWN_STATUS:
            self.undetermined = True
            self.found("DET-01.status", "The claim status is not one that decides anything.", one.ids)
        if claim.frequency in ("2", "3") and not self._interim_closed(payer):
            self.provisional.append((f"payer:{payer}", "An interim bill; the last one is not decided."))
            self.found("DET-12.interim", "An interim bill; the last one is not decided.", one.ids)

    def _interim_closed(self, payer: str) -> bool:
        return any(a.claim.frequency == "4" for a in self.decisions[payer])

    def _note_standing(self, answer: PayerAnswer, billed: int) -> None:
        left = answer.standing
        for target, reversal in left.cancelled:
            self.found(
                "DET-04.cancelled", "The payer took an earlier decision back.", target.ids + reversal.ids
            )
        for orphan in left.orphans:
            self.undetermined = True
            self.found("DET-04.orphan", "A reversal takes back a decision that never came.", orphan.ids)
        for one in left.duplicates:
            self.found("DET-03", "The payer only says that it decided this before; no effect.", one.ids)
        for one in left.superseded:
            self.found("DET-21", "A later decision replaces this unpaid one.", one.ids)
        for one in left.predeterminations:
            self.found("DET-13", "A price estimate decides nothing.", one.ids)
        if left.conflicting:
            self.undetermined = True
            self.found(
                "DET-21.conflict", "Paid decisions together exceed the charge billed.", answer.evidence
            )
        if not left.active and not left.orphans:
            self._note_nothing_standing(answer)
        charge = sum(a.claim.charge_cents for a in left.active)
        if left.active and answer.binding and charge < billed:
            text = f"Of {format_cents(billed)} billed only {format_cents(charge)} are decided."
            self.provisional.append((f"payer:{answer.payer}", text))
            self.found("DET-12.split", text, answer.evidence)

    def _note_nothing_standing(self, answer: PayerAnswer) -> None:
        left, payer = answer.standing, answer.payer
        if left.cancelled:
            self.undetermined = True
            text = "The payer took its decision back and has sent no new one."
            self.found("DET-04.reversed", text, answer.evidence)
        elif left.duplicates:
            text = "The payer says that it decided this before, but that decision never came."
            self.provisional.append((f"payer:{payer}", text))
            self.found("DET-10.waiting", text, answer.evidence)
        elif left.predeterminations:
            text = f"Payer {payer} has only estimated."
            self.provisional.append((f"payer:{payer}", text))
            self.found("DET-10.waiting", text, answer.evidence)

    def _check_rank(self, answers: list[PayerAnswer]) -> None:
        """A payer that processed as another rank than the coverage list gives it: somebody is wrong."""
        listed = {c.payer.id for c in self.setting.coverages or ()}
        if len(listed) < 2:
            return
        for answer in answers:
            for one, weighed in zip(answer.standing.active, answer.weighed, strict=True):
                as_rank = PROCESSED.get(one.claim.status)
                if (
                    answer.payer in listed
                    and as_rank is not None
                    and as_rank != answer.rank
                    and weighed.binding
                    and "DET-07.other_payer" not in weighed.signals
                ):
                    self.found(
                        "DET-11.conflict",
                        f"Payer {answer.payer} decided as number {as_rank}, the coverage list has it as "
                        f"number {answer.rank}.",
                        one.ids,
                    )

    def _await_payers(self, answers: list[PayerAnswer]) -> None:
        """DET-10: every expected payer must have answered. Silence never becomes the patient's debt."""
        answered = {a.payer for a in answers}
        expected = {c.payer.id: "It is on the coverage list." for c in self.setting.coverages or ()}
        for sent in self.submitted:
            expected.setdefault(sent.body.payer.id, "A claim was sent to it.")
        for answer in answers:
            self._expect_named(answer, expected)
        missing = [payer for payer in expected if payer not in answered]
        for payer in missing:
            billed = any(s.body.payer.id == payer for s in self.submitted)
            text = f"Payer {payer} {'was billed and' if billed else 'is expected and'} has not answered."
            self.provisional.append((f"payer:{payer}", text))
            self.found("DET-10.waiting", f"{text} {expected[payer]}", _ids(answers))
        self._await_unnamed(answers, set(expected) | answered)
        if self.setting.coverages is None:
            text = "No coverage list was received, so the order of payers is not known."
            self.provisional.append(("undetermined", text))
            self.found("DET-10.unknown_order", text, _ids(answers))
        elif not missing and answers:
            first = tuple(i for a in answers for i in self._first_answer(a))
            self.found("DET-10", "Every expected payer has answered.", first)

    def _first_answer(self, answer: PayerAnswer) -> tuple[str, ...]:
        """The facts by which this payer first decided for good: a later correction does not undo that day."""
        taken_back = [target for target, _ in answer.standing.cancelled if not self._was_open(target)]
        decisions = sorted([*taken_back, *answer.standing.active], key=lambda a: a.on)
        return decisions[0].ids if decisions else ()

    def _was_open(self, one: Adjudication) -> bool:
        weighed = weigh(one, self.setting.policy.on(one.on), self._programme(one))
        return not weighed.binding or any(rule in _PROVISIONAL for rule in weighed.signals)

    def _expect_named(self, answer: PayerAnswer, expected: dict[str, str]) -> None:
        left = answer.standing
        for one in left.active + left.forwarded_only:
            for payer in one.forwarded_to:
                expected.setdefault(payer, f"Payer {answer.payer} forwarded the claim to it.")
            for payer in one.corrected_payers:
                expected.setdefault(payer, f"Payer {answer.payer} names it as the one to decide first.")

    def _await_unnamed(self, answers: list[PayerAnswer], known: set[str]) -> None:
        """A payer forwarded the claim, or says that it did not: somebody else must decide, named or not."""
        for answer in answers:
            left = answer.standing
            decisions = left.active + left.forwarded_only
            points = any(a.claim.status in FORWARDED for a in decisions) or any(
                w.effects & {"FORWARDED", "NOT_FORWARDED"} for w in answer.weighed
            )
            earlier = {a.payer for a in answers if a.rank < answer.rank}
            if points and not known - {answer.payer} - earlier:
                text = f"Payer {answer.payer} points to another payer that is not named."
                self.provisional.append(("undetermined", text))
                self.found("DET-10.waiting", text, answer.evidence)


def _ids(answers: list[PayerAnswer]) -> tuple[str, ...]:
    return tuple(i for a in answers for i in a.evidence)
