"""The determination rules by name: what each says, what it rests on, and what each of its findings means.

Every rule is asked of every claim; one that finds nothing worth telling leaves no trace, and an explanation
says so from this table.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas.decisions import Trace


@dataclass(frozen=True, slots=True)
class Rule:
    """One determination rule. `name` is a sentence that can be true, `findings` the parts of its traces' ids
    after the dot (empty for the rule itself) and what they mean."""

    id: str
    name: str
    citation: str
    findings: dict[str, str]


def _rule(id: str, name: str, citation: str, **findings: str) -> Rule:
    itself = findings.pop("itself", "")
    return Rule(id, name, citation, ({"": itself} if itself else {}) | findings)


_TR3: Final = "005010X221A1"

RULES: Final = (
    _rule(
        "DET-01",
        "Only decisions that a payer finished and that can be read count.",
        f"{_TR3} 2100 CLP02; house rule",
        itself="Nothing has been charged or decided yet.",
        currency="The facts are in more than one currency.",
        status="The claim status is not one that decides anything.",
        unreadable="A payer decided something that could not be read.",
    ),
    _rule(
        "DET-02",
        "Charge less every adjustment is what was paid, for each line, claim and payment.",
        f"{_TR3} 1.10.2.1 (balancing)",
        unbalanced="A claim or line does not add up.",
        remittance="The payment that carried the decision does not add up.",
    ),
    _rule(
        "DET-03",
        "One decision counts once, however often and by whatever carrier it is told.",
        "House rule; 005010X221A1 2100 CAS (a repeat decides nothing)",
        itself="The payer only says that it decided this before.",
        carriers="Several messages tell one decision.",
        contradiction="Facts contradict each other; a person must choose.",
    ),
    _rule(
        "DET-04",
        "A reversal takes back the decision it names, and nothing else.",
        f"{_TR3} 1.10.2.8 (reversals and corrections)",
        cancelled="A decision was taken back.",
        reversed="A decision was taken back and no new one has come.",
        orphan="A reversal takes back a decision that never came.",
        expected="A correction came before the taking back of what it corrects.",
    ),
    _rule(
        "DET-05",
        "What a payer leaves with the patient is the signed sum of its patient adjustments.",
        f"{_TR3} 2100/2110 CAS, group PR",
        itself="A payer's decision in figures.",
    ),
    _rule(
        "DET-06",
        "The patient amount that a payer states is the sum of its patient adjustments; the lower counts.",
        f"{_TR3} 2100 CLP05",
        missing="The payer states no patient amount.",
        mismatch="The stated amount and the adjustments, or two carriers, disagree.",
    ),
    _rule(
        "DET-07",
        "The class of each reason code decides what may stay with the patient; an unknown code holds.",
        f"{_TR3} 2100/2110 CAS; reason classes of the policy",
        authorization="A permission that the plan asks for is missing.",
        balance_bill="An amount above the plan's price is marked as the patient's.",
        coverage_not_found="The payer says that there was no cover.",
        info_from_patient="The payer waits for an answer of the patient.",
        no_collect="A rule bars collecting this from the patient.",
        notice="A denial left with the patient needs a signed notice.",
        other_payer="Another payer should decide first.",
        pending="The payer has not decided yet.",
        predetermination="A price estimate, not a decision.",
        review="A reason code that nobody has classified, or that no patient can owe.",
    ),
    _rule(
        "DET-08",
        "A remark that relieves the patient is stronger than the group of an adjustment.",
        f"{_TR3} 2100 MIA/MOA, 2110 LQ; Medicare Claims Processing Manual, chapter 30",
        info_from_provider="The payer waits for papers from the provider.",
        no_notice="The line says that no notice was given.",
        not_liable="A remark relieves the patient of this part.",
        refund="A remark says that the patient may have money to come back.",
        surprise_billing="A law on surprise bills was applied.",
        surprise_review="Whether a law on surprise bills applies is open.",
        unprocessable="The claim has to be billed anew.",
    ),
    _rule(
        "DET-09",
        "A programme's ban on billing the patient is stronger than any payer's statement.",
        "42 CFR 447.15; 42 USC 1396a(n)(3)(B); 38 CFR 17.4035; 32 CFR 199; state workers' compensation acts",
        capitation="Only a cost share may be asked beside a fixed sum.",
        injury="Workers' compensation leaves nothing with the injured worker.",
        medicaid="Medicaid's payment is payment in full beyond its own cost share.",
        qmb="A protected Medicare beneficiary owes no cost share.",
        tricare="More than a cost share is left with a service family.",
        veteran="The veterans' payment is payment in full.",
    ),
    _rule(
        "DET-10",
        "Every expected payer has answered or was closed by a person; silence is not an answer.",
        f"{_TR3} 1.10.2.13 (coordination of benefits); house rule",
        itself="Every expected payer has answered.",
        closed="A person closed a payer.",
        prior_payers="A later payer counts other money from the earlier ones than they report.",
        unknown_order="No list of payers was received.",
        waiting="A payer has not answered.",
    ),
    _rule(
        "DET-11",
        "The patient owes the lowest part a binding payer leaves, and no more than is left of the bill.",
        "House rule, from 005010X221A1 1.10.2.13",
        itself="The lowest patient part among several payers.",
        conflict="Payers disagree about the patient's part or their order.",
        overposted="Reductions together exceed what is left of the bill.",
    ),
    _rule(
        "DET-12",
        "All of the charge has been billed and decided.",
        f"{_TR3} 1.10.2.11 (split claims); NUBC type of bill, frequency code",
        interim="An interim bill without its last one.",
        split="Only a part of the charge is decided.",
        split_remark="The payer says that the rest comes separately.",
        uncovered="The charges posted and the claims billed differ.",
        void="A void was decided instead of taking the bill back.",
    ),
    _rule(
        "DET-13",
        "Estimates and forwarded claims decide nothing.",
        f"{_TR3} 2100 CLP02 (25, 23)",
        itself="A price estimate.",
        not_ours="The payer passed the claim on.",
    ),
    _rule(
        "DET-14",
        "What payer and provider settle between themselves never changes what the patient owes.",
        f"{_TR3} 1.10.2.1.3 (PLB)",
    ),
    _rule(
        "DET-15",
        "Less than nothing owed is a credit, never a case.",
        "42 CFR 489.41 (refunds); house rule",
        itself="More was paid than is the patient's.",
    ),
    _rule(
        "DET-16",
        "The balance agrees with the billing system's.",
        "House rule: what nobody can explain is nobody's debt",
        itself="The balance agrees.",
        difference="Billing reports another balance than the facts add up to.",
        paid_ahead="A payer's money came before its decision.",
        patient_lower="Billing asks less of the patient than payers leave.",
        unexplained="A posting that no decision explains.",
    ),
    _rule(
        "DET-17",
        "The account's guarantor on the day of service is the one who answers.",
        "House rule; HL7 v2.5.1 chapter 3 (A18, A40, A41, A44)",
        itself="Who answered on the day of service cannot be told.",
        merged="The account's facts belong to another account now.",
    ),
    _rule(
        "DET-18",
        "Where nobody insures, the bill goes the self-pay way, never straight to collections.",
        "45 CFR 149.610 (good-faith estimate); house rule",
        itself="Nobody insures this.",
    ),
    _rule(
        "DET-19",
        "Every new fact is decided upon anew.",
        "House rule",
    ),
    _rule(
        "DET-20",
        "An increase is asked for only after it has been on a statement for its days.",
        "House rule; gate G48",
    ),
    _rule(
        "DET-21",
        "A later decision replaces an earlier unpaid one of the same charge; paid ones never overlap.",
        f"House rule, from {_TR3} 1.10.2.8",
        itself="A later decision replaces an unpaid one.",
        conflict="Paid decisions together exceed the charge billed.",
    ),
)

_BY_ID: Final = {rule.id: rule for rule in RULES}


def rule_of(trace: Trace) -> Rule:
    """The rule behind a trace.

    >>> rule_of(Trace("DET-04.orphan", "...")).name
    'A reversal takes back the decision it names, and nothing else.'

    Raises:
        KeyError: no rule has this id.
    """
    return _BY_ID[trace.rule.partition(".")[0]]


def silent(traces: Iterable[Trace]) -> tuple[Rule, ...]:
    """The rules that were asked and found nothing to tell."""
    spoken = {trace.rule.partition(".")[0] for trace in traces}
    return tuple(rule for rule in RULES if rule.id not in spoken)
