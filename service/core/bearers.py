"""Reason codes of our own on shares, and what they mean for the balance."""

from __future__ import annotations

from typing import Final

FORGIVEN: Final = frozenset({"charity", "courtesy", "small_balance", "bad_debt"})
"""Posted adjustments that take the patient's part away; `contractual` and `other` lower the bill first."""

UNEXPLAINED: Final = frozenset(
    {"difference", "unexplained_payment", "unexplained_write_off", "unexplained_refund", "reported_lower"}
)
"""Reason codes of shares that no payer's decision and no payment explains."""

MOVED: Final = (
    FORGIVEN
    | {"added", "patient_payment", "other_payment", "paid_ahead", "write_off"}
    | (UNEXPLAINED - {"reported_lower"})
)
"""Reason codes of shares that moved the balance after the claims were divided."""
