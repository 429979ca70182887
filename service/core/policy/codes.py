"""Our own classes of reason codes and effects of remark codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLASSES: Final = frozenset(
    [
        "COST_SHARE",
        "NONCOVERED",
        "LIMIT_REACHED",
        "MEDICAL_NECESSITY",
        "AUTHORIZATION",
        "COVERAGE_NOT_FOUND",
        "OTHER_PAYER",
        "INFO_FROM_PATIENT",
        "INFO_FROM_PROVIDER",
        "CONTRACTUAL",
        "BUNDLED",
        "TIMELY_FILING",
        "PENALTY",
        "PRIOR_PAYER",
        "DUPLICATE",
        "PENDING",
        "NO_COLLECT",
        "PAID_TO_PATIENT",
        "CREDIT",
        "PREDETERMINATION",
        "REVIEW",
    ]
)
EFFECTS: Final = frozenset(
    [
        "STRIP_ALL",
        "STRIP_REDUCTION",
        "STRIP_ABOVE_COST_SHARE",
        "STRIP_BALANCE_BILL",
        "QMB",
        "OTHER_PAYER",
        "INFO_FROM_PROVIDER",
        "FORWARDED",
        "NOT_FORWARDED",
        "SPLIT",
        "UNPROCESSABLE",
        "REFUND",
        "VETERAN",
        "SURPRISE_BILLING",
        "SURPRISE_BILLING_REVIEW",
        "BALANCE_BILL_BARRED",
        "CONSENT",
        "NOTICE",
        "APPEAL_CLOSED",
        "CORRECTION",
        "NOTE",
    ]
)


@dataclass(frozen=True, slots=True)
class Code:
    """A reason or remark code: what kind it is (a class or an effect) and a sentence of ours for people."""

    kind: str
    text: str


UNKNOWN: Final = Code("REVIEW", "This code is not in the policy yet; a person must look.")
