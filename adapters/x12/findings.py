"""What the 835 reader can find: one table of codes, so that each says the same wherever it is found.

No text here, and no place, ever holds a value from a message: places count segments.
"""

from __future__ import annotations

from typing import Final

from schemas.facts import AccountRef, Noted, Rejected, Severity

_TR3: Final = "005010X221A1"

_FOUND: Final[dict[str, tuple[Severity, str, str]]] = {
    # The message
    "empty": ("error", "the message holds nothing to read; check the transfer and send it again", ""),
    "not-x12": ("error", "the message does not begin with ISA, GS or ST; check the feed's format", "X12.5"),
    "separators": (
        "error",
        "separators cannot be told, are equal, or are letters or digits; "
        "nothing from here on was read: correct the ISA and send again",
        "X12.5 ISA",
    ),
    "segment-too-long": (
        "error",
        "a segment never ends; nothing from here on was read: check the segment terminator and send again",
        "X12.5 ISA",
    ),
    "unsupported-transaction": (
        "error",
        "not an 835 remittance; send this transaction to the system that reads it",
        f"{_TR3} ST01",
    ),
    "too-many-parts": (
        "error",
        "more than 1,000 parts of this message cannot be read; check how the file was made and send it again",
        "",
    ),
    # Envelope
    "truncated": (
        "error",
        "the message ends before its closing segment; ask for it again: until then "
        "no claim in it may open a case",
        "X12.6 SE, GE, IEA",
    ),
    "segment-count": (
        "error",
        "SE01 differs from the segments counted, so some may be missing or added; "
        "no claim in it may open a case until the sender confirms",
        f"{_TR3} SE01",
    ),
    "group-count": (
        "error",
        "GE01 differs from the transactions counted; ask the sender for the missing ones",
        "X12.6 GE01",
    ),
    "interchange-count": (
        "error",
        "IEA01 differs from the groups counted; ask the sender for the missing ones",
        "X12.5 IEA01",
    ),
    "control-number": (
        "warning",
        "the closing segment repeats another control number than the opening one",
        "X12.6 SE02, GE02, IEA02",
    ),
    "unterminated": ("info", "the last segment has no terminator; it was read as it stands", "X12.6"),
    "no-envelope": (
        "warning",
        "a group or transaction without the ISA or GS that should enclose it",
        "X12.5",
    ),
    "stray": (
        "error",
        "text outside any transaction; it was passed over: check how the file was put together",
        "X12.5",
    ),
    "version": ("info", "another version than 005010X221A1 is stated; it was read as one", f"{_TR3} GS08"),
    "segment-unknown": (
        "info",
        "a segment that an 835 does not have; it was passed over (first one of this transaction)",
        _TR3,
    ),
    "segment-out-of-place": (
        "error",
        "a claim's segment stands where no claim is open; it belongs to no account: ask the sender",
        f"{_TR3} 2100, 2110",
    ),
    # Transaction
    "transaction-unbalanced": (
        "error",
        "BPR02 is not the claims' payments less the provider adjustments; "
        "no claim in it opens a case until finance has settled the difference",
        f"{_TR3} 1.10.2.1.3",
    ),
    "payment-unreadable": (
        "error",
        "BPR02 is no amount of whole cents, so the payment cannot be told and no claim in it may open a "
        "case; ask the payer for a corrected remittance",
        f"{_TR3} BPR02",
    ),
    "provider-adjustment-unreadable": (
        "error",
        "a PLB amount is no amount of whole cents, so the payment does not add up; "
        "ask the payer for a corrected remittance",
        f"{_TR3} PLB04",
    ),
    "provider-adjustment-missing": (
        "error",
        "a PLB reason stands without its amount, so the payment may not add up; "
        "ask the payer for a corrected remittance",
        f"{_TR3} PLB04",
    ),
    "provider-adjustments-too-many": (
        "error",
        "more than 10,000 provider adjustments; the rest is in the sums only: see the stored message",
        f"{_TR3} PLB",
    ),
    "trace-missing": (
        "warning",
        "TRN02 is missing, so the payment can hardly be told from others",
        f"{_TR3} TRN02",
    ),
    "payer-missing": (
        "error",
        "nothing names the payer (N1*PR, REF*2U, TRN03, BPR10), and its accounts hold; "
        "ask the payer for a corrected remittance",
        f"{_TR3} 1000A",
    ),
    "date-missing": (
        "error",
        "neither BPR16 nor DTM*405 states a day, the day of arrival never stands in, and its accounts hold; "
        "ask the payer for a corrected remittance",
        f"{_TR3} BPR16, DTM*405",
    ),
    "currency-unreadable": (
        "error",
        "CUR02 is no three-letter currency, and its accounts hold; ask the payer for a corrected remittance",
        f"{_TR3} CUR02",
    ),
    # Claim
    "account-missing": (
        "error",
        "CLP01 is no account number of up to 64 visible characters; find the account and post by hand",
        f"{_TR3} CLP01",
    ),
    "claim-status": (
        "error",
        "CLP02 is missing or no claim status of an 835, so the decision cannot be told and the account "
        "holds; ask the payer for a corrected remittance",
        f"{_TR3} CLP02",
    ),
    "claim-status-4010": ("warning", "CLP02 holds a status that only 004010 knows", f"{_TR3} CLP02"),
    "claim-too-large": (
        "error",
        "the claim holds more segments than any 835 may, and the account holds; "
        "check the segment terminator, then ask the payer for a corrected remittance",
        f"{_TR3} 2110",
    ),
    "amount-unreadable": (
        "error",
        "an amount is not written as digits with one point (such as 142.17, at most 99999999.99), and the "
        "account holds; ask the payer for a corrected remittance",
        "X12.6 type R",
    ),
    "amount-not-whole-cents": (
        "error",
        "an amount has more than two decimal places, and the account holds; "
        "ask the payer for a corrected remittance",
        "X12.6 type R",
    ),
    "amount-missing": (
        "error",
        "a required amount is missing, and the account holds; ask the payer for a corrected remittance",
        f"{_TR3} CLP03, CLP04, CAS03",
    ),
    "line-amount-missing": (
        "warning",
        "a line states no charge; read as zero, the claim's sums decide",
        f"{_TR3} SVC02",
    ),
    "adjustment-group": (
        "error",
        "CAS01 is no adjustment group (CO, PR, OA, PI, CR), so who owes it cannot be told and the "
        "account holds; ask the payer for a corrected remittance",
        f"{_TR3} CAS01",
    ),
    "adjustment-group-4010": ("warning", "group CR, which only 004010 knows", f"{_TR3} CAS01"),
    "adjustment-code-missing": (
        "error",
        "an adjustment has an amount and no reason code, and the account holds; "
        "ask the payer for a corrected remittance",
        f"{_TR3} CAS02",
    ),
    "adjustment-too-long": (
        "error",
        "a CAS holds more than six adjustments, and the account holds; "
        "ask the payer for a corrected remittance",
        f"{_TR3} CAS",
    ),
    "date-unreadable": ("warning", "a date is no day of the calendar; it was left out", f"{_TR3} DTM02"),
    "line-unbalanced": (
        "error",
        "SVC02 less the line's adjustments is not SVC03, and the account holds; ask the payer what is right",
        f"{_TR3} 1.10.2.1.1",
    ),
    "claim-unbalanced": (
        "error",
        "CLP03 less all adjustments is not CLP04, and the account holds; ask the payer what is right",
        f"{_TR3} 1.10.2.1.2",
    ),
    "line-charges-differ": (
        "error",
        "the lines' charges do not add up to CLP03, and the account holds; ask the payer what is right",
        f"{_TR3} 1.10.2.1.2",
    ),
    "patient-responsibility-differs": (
        "warning",
        "CLP05 is not the sum of the PR adjustments",
        f"{_TR3} CLP05",
    ),
    "patient-responsibility-missing": ("warning", "PR adjustments without CLP05", f"{_TR3} CLP05"),
}

CODES: Final = frozenset(_FOUND)
"""Every code the reader may use."""


def noted(code: str, where: str) -> Noted:
    """A finding by its code."""
    severity, message, _ = _FOUND[code]
    return Noted(severity, code, where, message)


def rejected(code: str, where: str, account: AccountRef | None = None) -> Rejected:
    """The message, or the part at `where`, parked by its code."""
    _, message, clause = _FOUND[code]
    return Rejected(code, where, message, clause, account)
