"""Each claim determined: which payers must answer, what still stands, and what may be the patient's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from schemas.decisions import PayerState, Trace
from schemas.facts import ClaimSubmitted, CoverageListed
from schemas.money import format_cents
from service.core.account import Known
from service.core.adjudication import PENDED, PROCESSED, Adjudication, balances, standing
from service.core.payers import (
    CLOSED,
    FORWARDED_BY,
    UNCOVERED,
    Awaited,
    Expectation,
    PayerAnswer,
    awaited,
    points_elsewhere,
    states_of,
)
from service.core.setting import Setting
from service.core.weighing import Weighed, weigh

State: TypeAlias = Literal["final", "provisional", "undetermined"]

_KNOWN_STATUS: Final = frozenset(PROCESSED) | PENDED | {"4"}

_PROVISIONAL: Final = {
    "DET-07.pending": "payer",
    "DET-07.info_from_patient": "payer",
    "DET-07.other_payer": "third_party",
    "DET-07.review": "undetermined",
    "DET-08.info_from_provider": "provider",
    "DET-08.surprise_review": "undetermined",
    "DET-09.tricare": "undetermined",
}
"""Signals of one decision that keep a claim provisional, and who answers for the rest meanwhile."""


NOTHING_AWAITED: Final = Awaited("undetermined", "waiting", "")


@dataclass(slots=True)
class ClaimResult:
    """One claim determined; amounts are cents.

    `awaited` is who answers for what is not decided. `self_pay` says that nobody insures it any more, so the
    whole bill is the patient's. `payers` are all expected payers with their state.
    """

    claim_id: str
    state: State
    billed_cents: int
    paid_cents: int = 0
    reduction_cents: int = 0
    assigned_cents: int = 0
    collectible_cents: int = 0
    answers: list[PayerAnswer] = field(default_factory=list)
    deciding: PayerAnswer | None = None
    awaited: Awaited = NOTHING_AWAITED
    traces: list[Trace] = field(default_factory=list)
    evidence: tuple[str, ...] = ()
    payers: list[PayerState] = field(default_factory=list)
    self_pay: bool = False


def determine_claims(setting: Setting) -> list[ClaimResult]:
    """Determine every claim of the account, by claim number."""
    decided: dict[str, dict[str, list[Adjudication]]] = {}
    for one in setting.account.adjudications:
        decided.setdefault(one.claim.claim_id, {}).setdefault(setting.payer_of(one), []).append(one)
    submitted: dict[str, list[Known[ClaimSubmitted]]] = {}
    for sent in setting.account.submitted:
        decided.setdefault(sent.body.claim_id, {})
        submitted.setdefault(sent.body.claim_id, []).append(sent)
    return [
        _Determination(setting, claim_id, decided[claim_id], submitted.get(claim_id, [])).result()
        for claim_id in sorted(decided)
    ]


class _Determination:
    """One claim on its way to a result: rules are asked in order and leave traces."""

    def __init__(
        self,
        setting: Setting,
        claim_id: str,
        decisions: dict[str, list[Adjudication]],
        submitted: list[Known[ClaimSubmitted]],
    ) -> None:
        self.setting = setting
        self.claim_id = claim_id
        self.decisions = decisions
        self.submitted = submitted
        self.traces: list[Trace] = []
        self.provisional: list[Awaited] = []
        self.undetermined = False

    def found(self, rule: str, text: str, evidence: tuple[str, ...] = ()) -> None:
        self.traces.append(Trace(rule, text, self.claim_id, evidence))

    def open(self, rule: str, waits: Awaited, evidence: tuple[str, ...] = ()) -> None:
        """Something keeps the claim provisional."""
        self.provisional.append(waits)
        self.found(rule, waits.text, evidence)

    def result(self) -> ClaimResult:
        billed = self._billed_cents()
        answers = [self._answer(payer, many, billed) for payer, many in sorted(self.decisions.items())]
        answers.sort(key=lambda a: (a.rank, a.payer))
        self._check_rank(answers)
        self._check_prior_payers(answers)
        payers = self._payers(answers)
        active = [a for a in answers if a.standing.active]
        binding = [a for a in active if a.binding]
        uncovered = self._nobody_insures(answers, payers)
        if not uncovered:
            self._await_payers(answers, payers)
            if not binding:
                text = "No payer has accepted the patient as its member."
                self.provisional.append(Awaited("undetermined", "waiting", text))
        state: State = "undetermined" if self.undetermined else "provisional" if self.provisional else "final"
        out = ClaimResult(self.claim_id, state, billed, sum([a.paid_cents for a in active]), answers=answers)
        out.traces, out.payers, out.self_pay = self.traces, payers, uncovered
        out.evidence = tuple([i for a in answers for i in a.evidence])
        if not out.evidence:
            out.evidence = tuple([s.id for s in self.submitted])
        if self.provisional:
            out.awaited = self.provisional[0]
        if out.self_pay:
            # A payer that paid, or took anything off by contract, would have answered as the patient's own.
            refused = max([a.denied_cents for a in answers], default=0)
            out.assigned_cents = out.collectible_cents = max(0, billed - refused)
        elif active:
            out.assigned_cents = min(a.pr_cents for a in binding) if binding else active[-1].pr_cents
        self._settle(out, binding)
        return out

    # -- the lowest binding part (DET-11) ------------------------------------------------------------

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
        # Money that payers paid beyond the bill is real and stays in the balance; it is no reduction.
        out.reduction_cents = min(sum(reductions), max(0, room))
        if room < sum(reductions):
            self.found(
                "DET-11.overposted",
                "The payers' reductions together exceed what is left of the bill; none becomes a credit.",
                out.evidence,
            )

    def _billed_cents(self) -> int:
        """The charge billed on this claim: as last sent, else as posted for a lone claim, else as decided."""
        if self.submitted:
            # A bill sent again to a payer replaces the one before; of several payers the highest stands.
            newest = {
                s.body.payer.id: s.body.charge_cents
                for s in sorted(self.submitted, key=lambda s: (s.body.submitted_on, s.at, s.id))
            }
            return max(newest.values())
        # Where only a reversal is known, nothing is: no bill is below zero.
        decided = max([0, *[a.claim.charge_cents for many in self.decisions.values() for a in many]])
        if self.setting.split_charges:
            return decided
        return max(decided, sum([c.body.amount_cents for c in self.setting.account.charges]))

    # -- one payer's answer --------------------------------------------------------------------------

    def _answer(self, payer: str, decisions: list[Adjudication], billed: int) -> PayerAnswer:
        policy = self.setting.policy
        left = standing(decisions, billed, policy.on(decisions[-1].on).duplicate_codes)
        weighed = [weigh(a, policy.on(a.on), self.setting.programme(left.active, a.on)) for a in left.active]
        evidence = tuple([i for a in left.active for i in a.ids]) or tuple(
            [i for a in decisions for i in a.ids]
        )
        answer = PayerAnswer(payer, self._rank(payer, decisions), left, weighed, evidence)
        for a, w in zip(left.active, weighed, strict=True):
            answer.pr_cents += w.pr_cents
            answer.ok_cents += w.ok_cents
            answer.paid_cents += a.claim.paid_cents
            answer.reduction_cents += w.reduction_cents
            answer.denied_cents += w.denied_cents
            answer.prior_cents += w.prior_cents
            answer.binding = answer.binding or w.binding
            self._note_decision(answer, a, w)
        if left.conflicting:
            answer.pr_cents = min(w.pr_cents for w in weighed)
        self._note_standing(answer, billed)
        return answer

    def _rank(self, payer: str, decisions: list[Adjudication]) -> int:
        for at, coverage in enumerate(self.setting.coverages or (), 1):
            if self.setting.payer(coverage.payer.id) == payer:
                return at
        for one in decisions:
            if one.claim.order:
                return one.claim.order
        return min([PROCESSED.get(a.claim.status, 9) for a in decisions])

    def _note_decision(self, answer: PayerAnswer, one: Adjudication, weighed: Weighed) -> None:
        claim, payer = one.claim, answer.payer
        self.found(
            "DET-05",
            f"Payer {payer} decided on {one.on}: charge {format_cents(claim.charge_cents)}, paid "
            f"{format_cents(claim.paid_cents)}, left with the patient {format_cents(weighed.pr_cents)}.",
            one.ids,
        )
        if len(one.ids) > 1:
            self.found("DET-03.carriers", f"{len(one.ids)} messages tell this; it counts once.", one.ids)
        for rule, text in weighed.signals.items():
            self.found(rule, text, one.ids)
            if rule in _PROVISIONAL:
                bearer = _PROVISIONAL[rule]
                who, code = (f"payer:{payer}", "pending") if bearer == "payer" else (bearer, "waiting")
                self.provisional.append(Awaited(who, code, text))
            elif rule == "DET-08.unprocessable":
                self.undetermined = True
        if not balances(claim):
            self.undetermined = True
            self.found("DET-02.unbalanced", "Charge less adjustments is not what was paid.", one.ids)
        if claim.remittance_balanced is False:
            text = "The payment that carried this does not add up."
            self.open("DET-02.remittance", Awaited("undetermined", "waiting", text), one.ids)
        if claim.status in PENDED:
            text = "The payer has not decided yet."
            self.open("DET-07.pending", Awaited(f"payer:{payer}", "pending", text), one.ids)
        elif claim.status not in _KNOWN_STATUS:
            self.undetermined = True
            self.found("DET-01.status", "The claim status is not one that decides anything.", one.ids)
        self._note_frequency(answer, one)

    def _note_frequency(self, answer: PayerAnswer, one: Adjudication) -> None:
        """DET-12: interim bills wait for their last one; a void must take the earlier decision back."""
        if one.claim.frequency in ("2", "3"):
            if not any(a.claim.frequency == "4" for a in answer.standing.active):
                text = "An interim bill; the last one is not decided."
                self.open("DET-12.interim", Awaited(f"payer:{answer.payer}", "pending", text), one.ids)
        elif one.claim.frequency == "8":
            self.undetermined = True
            self.found("DET-12.void", "A void was decided instead of taking the bill back.", one.ids)

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
        for one in left.forwarded_only:
            self.found("DET-13.not_ours", "The payer passed the claim on without deciding it.", one.ids)
        self._expect_reversals(answer)
        if left.conflicting:
            self.undetermined = True
            self.found(
                "DET-21.conflict", "Paid decisions together exceed the charge billed.", answer.evidence
            )
        charge = sum([a.claim.charge_cents for a in left.active])
        if left.cancelled and not left.orphans and (not left.active or charge < billed):
            self.undetermined = True
            what = "part of its decision" if left.active else "its decision"
            text = f"The payer took {what} back and has sent no new one."
            taken = [i for target, reversal in left.cancelled for i in target.ids + reversal.ids]
            self.found("DET-04.reversed", text, tuple(dict.fromkeys([*answer.evidence, *taken])))
        elif left.active and charge < billed:
            text = f"Of {format_cents(billed)} billed only {format_cents(charge)} are decided."
            self.open("DET-12.split", Awaited(f"payer:{answer.payer}", "pending", text), answer.evidence)

    def _expect_reversals(self, answer: PayerAnswer) -> None:
        """A correction names what it corrects: the original and its reversal are told to be on their way."""
        left = answer.standing
        for one in left.active:
            wanted = one.claim.original_payer_claim_id
            if wanted and not any(
                wanted in (target.claim.payer_claim_id, reversal.claim.payer_claim_id)
                for target, reversal in left.cancelled
            ):
                text = "This corrects a decision whose taking back has not come; the correction stands."
                self.found("DET-04.expected", text, one.ids)

    # -- who else must answer (DET-10) ---------------------------------------------------------------

    def _check_rank(self, answers: list[PayerAnswer]) -> None:
        """A payer that processed as another rank than the coverage list gives it: somebody is wrong."""
        listed = {self.setting.payer(c.payer.id) for c in self.setting.coverages or ()}
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

    def _check_prior_payers(self, answers: list[PayerAnswer]) -> None:
        """A later payer repeats, under OA-23, what earlier ones paid and took off; told when it does not.

        Source: 005010X221A1 1.10.2.13. It never makes a credit or a debt.
        """
        before = 0
        for answer in answers:
            if before > 0 and answer.binding and answer.prior_cents != before:
                text = (
                    f"Payer {answer.payer} counts {format_cents(answer.prior_cents)} from earlier payers; "
                    f"they paid and took off {format_cents(before)}."
                )
                self.found("DET-10.prior_payers", text, answer.evidence)
            if answer.binding:
                before += answer.paid_cents + answer.reduction_cents + answer.denied_cents

    def _payers(self, answers: list[PayerAnswer]) -> list[PayerState]:
        """Every expected payer, from every signal, with its state."""
        name = self.setting.payer
        expected: dict[str, Expectation] = {}
        listed = (self.setting.account.coverage.id,) if self.setting.account.coverage else ()
        for at, coverage in enumerate(self.setting.coverages or (), 1):
            expected.setdefault(
                name(coverage.payer.id), Expectation(at, "It is on the coverage list.", listed)
            )
        for sent in self.submitted:
            expected.setdefault(
                name(sent.body.payer.id), Expectation(sent.body.order, "A claim was sent to it.", (sent.id,))
            )
        for answer in answers:
            left = answer.standing
            for one in (*left.active, *left.forwarded_only):
                for payer in one.forwarded_to:
                    because = f"{FORWARDED_BY} by payer {answer.payer}."
                    expected.setdefault(name(payer), Expectation(answer.rank + 1, because, one.ids))
                for payer in one.corrected_payers:
                    because = f"Payer {answer.payer} names it as the one to decide first."
                    expected.setdefault(name(payer), Expectation(answer.rank, because, one.ids))
        for answer in answers:
            expected.setdefault(answer.payer, Expectation(answer.rank, "It has answered.", answer.evidence))
        reported = [s for s in self.setting.account.claim_statuses if s.body.claim_id == self.claim_id]
        return states_of(self.claim_id, expected, answers, self.submitted, reported)

    def _await_payers(self, answers: list[PayerAnswer], payers: list[PayerState]) -> None:
        """DET-10: every expected payer must have answered. Silence never becomes the patient's debt."""
        missing = [p for p in payers if p.state not in CLOSED and p.state not in ("final", "undetermined")]
        decided = {a.payer for a in answers if a.standing.active}
        for payer in missing:
            if payer.payer not in decided:
                self.open("DET-10.waiting", awaited(payer), payer.evidence)
        for payer in payers:
            if payer.state in CLOSED:
                self.found("DET-10.closed", payer.because, payer.evidence)
        self._await_unnamed(answers, {p.payer for p in payers})
        if self.setting.plans_missing:
            text = f"Registration expects {self.setting.plans_missing} more plans than are listed."
            self.open("DET-10.waiting", Awaited("undetermined", "waiting", text), _ids(answers))
        if self.setting.coverages is None:
            text = "No coverage list was received, so the order of payers is not known."
            self.open("DET-10.unknown_order", Awaited("undetermined", "waiting", text), _ids(answers))
        elif not missing:
            first = tuple([i for a in answers for i in self._first_answer(a)])
            closed = tuple([i for p in payers if p.state in CLOSED for i in p.evidence])
            self.found("DET-10", "Every expected payer has answered.", first + closed)

    def _first_answer(self, answer: PayerAnswer) -> tuple[str, ...]:
        """The facts by which this payer first decided for good: a later correction does not undo that day."""
        taken_back = [target for target, _ in answer.standing.cancelled if not self._was_open(target)]
        decisions = sorted([*taken_back, *answer.standing.active], key=lambda a: a.on)
        return decisions[0].ids if decisions else ()

    def _was_open(self, one: Adjudication) -> bool:
        weighed = weigh(one, self.setting.policy.on(one.on), self.setting.programme((one,), one.on))
        return not weighed.binding or any(rule in _PROVISIONAL for rule in weighed.signals)

    def _await_unnamed(self, answers: list[PayerAnswer], known: set[str]) -> None:
        """A payer forwarded the claim, or says that it did not: somebody else must decide, named or not."""
        for answer in answers:
            # Of two with one rank, the one that decided first is not whom the other passed the claim on to.
            earlier = {a.payer for a in answers if (a.rank, a.decided_on) < (answer.rank, answer.decided_on)}
            if points_elsewhere(answer) and not known - {answer.payer} - earlier:
                text = f"Payer {answer.payer} points to another payer that is not named."
                self.open("DET-10.waiting", Awaited("undetermined", "waiting", text), answer.evidence)

    def _nobody_insures(self, answers: list[PayerAnswer], payers: list[PayerState]) -> bool:
        """DET-18: every payer of this claim is verified not to cover it, so it goes the self-pay way.

        A person closed each of them, or the account states self-pay since a payer did not know the patient.
        """
        if self.undetermined or self.provisional:
            return False
        if any(a.binding for a in answers):
            return False
        since = self.setting.account.self_pay_since
        said_so = {a.payer for a in answers if a.standing.active and self._answered_before(a, since)}
        if not all(p.state in UNCOVERED or p.payer in said_so for p in payers):
            return False
        evidence = tuple(dict.fromkeys([i for p in payers for i in p.evidence]))
        text = "Each payer was verified not to cover this claim, so it goes the self-pay way."
        self.found("DET-18", text, evidence + ((since.id,) if since else ()))
        return True

    @staticmethod
    def _answered_before(answer: PayerAnswer, since: Known[CoverageListed] | None) -> bool:
        return since is not None and all(a.at < since.at for a in answer.standing.active)


def _ids(answers: list[PayerAnswer]) -> tuple[str, ...]:
    return tuple([i for a in answers for i in a.evidence])
