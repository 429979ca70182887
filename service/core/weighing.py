"""One payer decision weighed: how much of it is said to be the patient's, and how much may stay so."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from schemas.facts import Adjustment, ClaimAdjudicated
from schemas.money import format_cents
from schemas.records import swift_init
from service.core.adjudication import Adjudication
from service.core.policy import UNKNOWN, Code, Period

REDUCTIONS: Final = frozenset({"CONTRACTUAL", "BUNDLED", "PENALTY"})
"""Classes that lower the bill itself when the group is CO or PI; every other CO or PI amount is a denial."""

BALANCE_BILL: Final = "45"
COPAY: Final = "3"

_HOLDS: Final = {
    "PENDING": "DET-07.pending",
    "INFO_FROM_PATIENT": "DET-07.info_from_patient",
    "OTHER_PAYER": "DET-07.other_payer",
    "COVERAGE_NOT_FOUND": "DET-07.coverage_not_found",
    "REVIEW": "DET-07.review",
}
"""Classes that hold whatever the group."""

_NOTICE: Final = frozenset({"NONCOVERED", "LIMIT_REACHED", "MEDICAL_NECESSITY"})
_NO_REDUCTION: Final = frozenset({"COST_SHARE", "PAID_TO_PATIENT", "CREDIT"})
_SUSPICIOUS_PR: Final = frozenset(
    {"CONTRACTUAL", "BUNDLED", "TIMELY_FILING", "PENALTY", "PRIOR_PAYER", "DUPLICATE", "INFO_FROM_PROVIDER"}
)
_SUSPICIOUS_OA: Final = frozenset(
    {
        "COST_SHARE",
        "NONCOVERED",
        "LIMIT_REACHED",
        "MEDICAL_NECESSITY",
        "AUTHORIZATION",
        "CONTRACTUAL",
        "BUNDLED",
        "TIMELY_FILING",
        "PENALTY",
        "PAID_TO_PATIENT",
    }
)
_UNDECIDED: Final = frozenset({"PENDING", "INFO_FROM_PATIENT", "OTHER_PAYER"})
_NON_BINDING: Final = frozenset({"COVERAGE_NOT_FOUND", "OTHER_PAYER"})
_SILENT: Final = frozenset({"PRIOR_PAYER", "DUPLICATE", "PREDETERMINATION"})


@swift_init
@dataclass(frozen=True, slots=True)
class Programme:
    """What the patient's programmes and documents say about this payer's decision.

    `billable_reasons` are the only reasons a Medicaid payer's decision may leave with the patient. `injury`
    is a workers' compensation carrier.
    """

    medicaid: bool
    qmb: bool
    veteran: bool
    medicare: bool
    tricare: bool
    injury: bool
    notice_on_file: bool
    consent_on_file: bool
    billable_reasons: frozenset[str]


@swift_init
@dataclass(frozen=True, slots=True)
class Item:
    """One adjustment as weighed; `bearer` is patient, provider, reduction or none."""

    group: str
    code: str
    text: str
    amount_cents: int
    bearer: str


@dataclass(slots=True)
class Weighed:
    """One decision after weighing; amounts are signed cents.

    `pr_cents` is what the payer leaves with the patient (never more than it states), `ok_cents` what is left
    of it after every override, `reduction_cents` what lowers the bill, `denied_cents` what the provider bears
    beyond that, `prior_cents` what earlier payers are said to have paid and taken off (OA-23), `signals` rule
    to sentence.
    """

    pr_cents: int = 0
    ok_cents: int = 0
    reduction_cents: int = 0
    denied_cents: int = 0
    prior_cents: int = 0
    binding: bool = True
    items: list[Item] = field(default_factory=list)
    signals: dict[str, str] = field(default_factory=dict)
    effects: frozenset[str] = frozenset()


def weigh(one: Adjudication, period: Period, programme: Programme) -> Weighed:
    """Weigh one standing decision (DET-05 to DET-09)."""
    claim, out = one.claim, Weighed()
    effects = _effects(claim.remarks, period)
    every = set(effects)
    kinds: set[str] = set()
    total = stripped = 0
    capitated = any(code == "24" for _, code, _ in one.triples)
    scopes = _scopes(claim, effects, period, programme)
    for _, scope in scopes:
        every |= scope
    if "VETERAN" in every:  # Said of the person, on whichever line it stands.
        programme = replace(programme, veteran=True)
    for adjustments, scope in scopes:
        for a in adjustments:
            if a.amount_cents == 0:
                continue
            code = period.reasons.get(a.code, UNKNOWN)
            kinds.add(code.kind)
            if a.group == "PR":
                total += a.amount_cents
                why = _stripped(a, code, scope, programme, capitated)
                if why and a.amount_cents > 0:
                    stripped += a.amount_cents
                    out.signals.setdefault(why, _WHY[why])
                bearer = "provider" if why and a.amount_cents > 0 else "patient"
                out.items.append(Item("PR", a.code, code.text, a.amount_cents, bearer))
                _note_patient_part(a, code, scope, programme, out)
            else:
                _note_other_part(a, code, out)
    out.effects = frozenset(every)
    _note_effects(out)
    stated = claim.patient_responsibility_cents
    out.pr_cents = total if stated is None else min(total, stated)
    out.ok_cents = out.pr_cents - stripped
    _compare_stated(one, total, out)
    deciding = kinds - _SILENT
    out.binding = claim.paid_cents != 0 or not deciding or not deciding <= _NON_BINDING
    if claim.status == "4" and not one.triples:
        out.binding = False
        out.signals["DET-07.coverage_not_found"] = "The payer does not know the patient."
    return out


def _effects(remarks: tuple[str, ...], period: Period) -> frozenset[str]:
    if not remarks:
        return frozenset()
    return frozenset([period.remarks[r].kind for r in remarks if r in period.remarks])


_MODIFIERS: Final = {"GZ": "NO_NOTICE", "GL": "NO_NOTICE", "GY": "EXCLUDED"}
"""Medicare's notice modifiers on a line: no notice was given, no charge was meant, excluded by law anyway.

Source: Medicare Claims Processing Manual, chapter 30, section 50 (advance beneficiary notices).
"""


def _scopes(
    claim: ClaimAdjudicated, effects: frozenset[str], period: Period, programme: Programme
) -> list[tuple[tuple[Adjustment, ...], frozenset[str]]]:
    """Adjustments with the effects that reach them; a line's remarks and modifiers reach that line alone."""
    scopes = [(claim.adjustments, effects)]
    for line in claim.lines:
        scope = effects
        if line.remarks:
            scope = scope | _effects(line.remarks, period)
        if line.modifiers and programme.medicare:
            scope = scope | {_MODIFIERS[m] for m in line.modifiers if m in _MODIFIERS}
        scopes.append((line.adjustments, scope))
    return scopes


_WHY: Final = {
    "DET-09.qmb": "Programme rules for low-income Medicare patients bar any cost share.",
    "DET-09.veteran": "The veterans' payment is payment in full.",
    "DET-09.medicaid": "Medicaid's payment is payment in full beyond its own cost share.",
    "DET-07.no_collect": "A rule or contract bars collecting this part from the patient.",
    "DET-07.balance_bill": "The amount above the plan's price is marked as the patient's; it is not billed.",
    "DET-08.not_liable": "A remark of the payer relieves the patient of this part.",
    "DET-07.coverage_not_found": "The payer says there was no cover; other cover has to be looked for first.",
    "DET-08.no_notice": "The line says that no notice was given, so the patient is not liable.",
    "DET-09.injury": "Workers' compensation leaves nothing with the injured worker.",
    "DET-09.capitation": "The payer pays this provider a fixed sum; only a copay may be the patient's.",
    "DET-07.predetermination": "This is a price estimate, not a decision.",
}


def _stripped(
    a: Adjustment, code: Code, effects: frozenset[str], programme: Programme, capitated: bool
) -> str | None:
    """The rule that takes a PR amount off the patient, strongest first (DOMAIN precedence), or None."""
    if programme.qmb:
        return "DET-09.qmb"
    if programme.veteran:
        return "DET-09.veteran"
    if programme.injury:
        return "DET-09.injury"
    if programme.medicaid and a.code not in programme.billable_reasons:
        return "DET-09.medicaid"
    if effects and (why := _stripped_by_remark(a, code, effects, programme)):
        return why
    kind = code.kind
    if "NO_NOTICE" in effects and kind in _NOTICE:
        return "DET-08.no_notice"
    if a.code == BALANCE_BILL and (not programme.consent_on_file or "BALANCE_BILL_BARRED" in effects):
        return "DET-07.balance_bill"
    if kind == "NO_COLLECT":
        return "DET-07.no_collect"
    if kind == "COVERAGE_NOT_FOUND":
        return "DET-07.coverage_not_found"
    if kind == "PREDETERMINATION":
        return "DET-07.predetermination"
    if capitated and a.code != COPAY:
        return "DET-09.capitation"
    return None


def _stripped_by_remark(
    a: Adjustment, code: Code, effects: frozenset[str], programme: Programme
) -> str | None:
    relieved = (
        "STRIP_ALL" in effects
        or "INFO_FROM_PROVIDER" in effects
        or ("STRIP_REDUCTION" in effects and code.kind not in _NO_REDUCTION and not programme.notice_on_file)
        or ("STRIP_ABOVE_COST_SHARE" in effects and code.kind != "COST_SHARE")
        or ("STRIP_BALANCE_BILL" in effects and a.code == BALANCE_BILL)
    )
    return "DET-08.not_liable" if relieved else None


def _note_patient_part(
    a: Adjustment, code: Code, scope: frozenset[str], programme: Programme, out: Weighed
) -> None:
    kind = code.kind
    if programme.tricare and a.amount_cents > 0 and kind not in ("COST_SHARE", "CREDIT"):
        out.signals.setdefault(
            "DET-09.tricare", "More than a cost share is left with a service family; a person must look."
        )
    if kind in _HOLDS:
        out.signals.setdefault(_HOLDS[kind], f"PR-{a.code}: {code.text}")
    elif kind in _NOTICE:
        if not ("EXCLUDED" in scope and kind == "NONCOVERED"):
            out.signals.setdefault("DET-07.notice", f"PR-{a.code}: {code.text}")
    elif kind == "AUTHORIZATION":
        out.signals.setdefault("DET-07.authorization", f"PR-{a.code}: {code.text}")
    elif kind in _SUSPICIOUS_PR and a.code != BALANCE_BILL:
        out.signals.setdefault("DET-07.review", f"PR-{a.code} is no reason a patient can owe: {code.text}")


def _note_other_part(a: Adjustment, code: Code, out: Weighed) -> None:
    kind, label = code.kind, f"{a.group}-{a.code}: {code.text}"
    bearer = "none"
    if a.group in ("CO", "PI"):
        # What another payer or an answer may still pay is nobody's loss yet, whatever the group.
        bearer = "reduction" if kind in REDUCTIONS else "none" if kind in _UNDECIDED else "provider"
        if bearer == "reduction":
            out.reduction_cents += a.amount_cents
        else:
            out.denied_cents += a.amount_cents
        if kind == "PAID_TO_PATIENT":
            out.signals.setdefault("DET-07.review", label)
    elif a.group == "OA":
        bearer = "provider" if kind == "NO_COLLECT" else "none"
        if kind == "PRIOR_PAYER":
            out.prior_cents += a.amount_cents
        if kind in _SUSPICIOUS_OA:
            out.signals.setdefault("DET-07.review", label)
    else:
        out.signals.setdefault("DET-07.review", f"Group {a.group} belongs to a reversal only.")
    if kind in _HOLDS:
        out.signals.setdefault(_HOLDS[kind], label)
    out.items.append(Item(a.group, a.code, code.text, a.amount_cents, bearer))


_BY_EFFECT: Final = {
    "OTHER_PAYER": ("DET-07.other_payer", "A remark says that another payer decides first."),
    "INFO_FROM_PROVIDER": ("DET-08.info_from_provider", "The payer waits for papers from the provider."),
    "UNPROCESSABLE": (
        "DET-08.unprocessable",
        "The payer could not process the claim; it has to be billed anew.",
    ),
    "REFUND": ("DET-08.refund", "A remark says that the patient may have money to come back."),
    "VETERAN": ("DET-09.veteran", _WHY["DET-09.veteran"]),
    "QMB": ("DET-09.qmb", _WHY["DET-09.qmb"]),
    "SURPRISE_BILLING": ("DET-08.surprise_billing", "The law on surprise bills was applied to this claim."),
    "SURPRISE_BILLING_REVIEW": (
        "DET-08.surprise_review",
        "Whether the law on surprise bills applies is open.",
    ),
    "BALANCE_BILL_BARRED": ("DET-07.balance_bill", "Consent to out-of-network prices was not valid."),
    "NOTICE": ("DET-07.notice", "A remark leaves this with the patient only with a signed paper."),
    "SPLIT": ("DET-12.split_remark", "The payer split the claim and sends the rest by itself."),
}


def _note_effects(out: Weighed) -> None:
    for effect in sorted(out.effects):
        if effect in _BY_EFFECT:
            rule, text = _BY_EFFECT[effect]
            out.signals.setdefault(rule, text)


def _compare_stated(one: Adjudication, total: int, out: Weighed) -> None:
    """DET-06: what the payer states against the sum of its PR adjustments."""
    stated = one.claim.patient_responsibility_cents
    if one.stated_twice:
        out.signals["DET-06.mismatch"] = "Two carriers state different patient amounts for one decision."
    elif stated is None:
        if total > 0:
            out.signals["DET-06.missing"] = "The payer states no patient amount; its adjustments are used."
    elif stated != total:
        out.signals["DET-06.mismatch"] = (
            f"The payer states {format_cents(stated)} for the patient, "
            f"its adjustments add up to {format_cents(total)}; the lower is used."
        )
