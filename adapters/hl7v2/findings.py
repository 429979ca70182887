"""What the HL7 v2 reader can find: one table of codes, so that each says the same wherever it is found.

No text here, and no place, ever holds a value from a message: places count messages and segments.
"""

from __future__ import annotations

from typing import Final

from schemas.facts import AccountRef, Noted, Rejected, Severity

_FOUND: Final[dict[str, tuple[Severity, str, str]]] = {
    # The message
    "empty": ("error", "the message holds nothing to read; check the transfer and send it again", ""),
    "not-hl7": ("error", "the message does not begin with MSH; check the feed's format", "HL7 v2 2.5"),
    "separators": (
        "error",
        "MSH-1 and MSH-2 must be four or five different signs that are no letters, digits or blanks; "
        "correct the sender's encoding characters and send again",
        "HL7 v2 2.5.4",
    ),
    "encoding-characters": (
        "warning",
        "MSH-2 leaves out encoding characters; the usual ones were taken for those missing",
        "HL7 v2 2.5.4",
    ),
    "message-too-large": ("error", "the message is over 1 MiB; send less in one message", ""),
    "too-many-segments": ("error", "the message has over 5,000 segments; send less in one message", ""),
    "field-too-long": (
        "error",
        "a field holds over 64 KiB; send documents by another way",
        "HL7 v2 2.5.3",
    ),
    "too-many-repetitions": ("error", "a field repeats over 1,000 times; send less in one message", ""),
    "stray-line": (
        "error",
        "a line is no segment (three letters or digits, then the field separator), so a field may have been "
        "torn; write line breaks inside a field as \\.br\\ or \\X0D\\ and send again",
        "HL7 v2 2.5.2, 2.7",
    ),
    "framing-left": ("info", "framing bytes, a byte order mark or NULs stood around the message", ""),
    "too-many-parts": (
        "error",
        "more than 1,000 parts of this message cannot be read; check how it was made and send it again",
        "",
    ),
    "charset-unknown": (
        "warning",
        "MSH-18 names a character set that is not read here; UTF-8 was tried, then 8859/1",
        "HL7 v2 table 0211",
    ),
    "charset-mismatch": (
        "warning",
        "the bytes are not in the character set that MSH-18 states (ASCII where it is empty); "
        "UTF-8 was tried, then 8859/1",
        "HL7 v2 table 0211",
    ),
    "version-unknown": (
        "info",
        "MSH-12 is none of 2.1 to 2.9; the message was read like 2.5.1",
        "HL7 v2 table 0104",
    ),
    "control-id-missing": (
        "warning",
        "MSH-10 is empty, so a message sent twice with other content cannot be told",
        "HL7 v2 2.14.9.10",
    ),
    "time-missing": (
        "error",
        "neither EVN-6, EVN-2 nor MSH-7 states when this became true, and the time of arrival never stands "
        "in; send one of them",
        "HL7 v2 3.4.1, 2.14.9.7",
    ),
    "in-the-future": (
        "warning",
        "this became true later than it was received; check the sender's clock",
        "HL7 v2 3.4.1",
    ),
    "unsupported-event": (
        "error",
        "this message type and trigger event state nothing that Baton reads; stop sending it on this feed, "
        'or let the mapping pass over it: ignore = ["TYPE^EVENT"]',
        "HL7 v2 table 0003",
    ),
    "ignored-event": ("info", "the mapping passes over this message type and trigger event", ""),
    "account-missing": (
        "error",
        "no account number stands where the mapping looks for it (PID-18 unless it says otherwise); "
        'correct the feed, or say where it is: [account] field = "PID-18" | "PID-3" | "PV1-19" | "PV1-50"',
        "HL7 v2 3.4.2.18",
    ),
    "field-repeats": (
        "warning",
        "a field that holds one value repeats; the first one counts",
        "HL7 v2 2.5.3.1, 2.8",
    ),
    "null-not-kept": (
        "warning",
        'a field states "" (nothing any more), which a fact cannot take back; the earlier value stands '
        "until another is stated",
        "HL7 v2 2.5.3",
    ),
    "date-unreadable": (
        "warning",
        "a date or time is no day of the calendar or has an unknown form; it was left out",
        "HL7 v2 2A.3.21",
    ),
    # Batches
    "batch-count": (
        "error",
        "BTS-1 or FTS-1 differs from what was counted, so messages may be missing; ask the sender for them",
        "HL7 v2 2.14.2, 2.14.6",
    ),
    "batch-cut-short": (
        "error",
        "a batch or file ends without its BTS or FTS, so messages may be missing; ask the sender for them",
        "HL7 v2 2.10.3",
    ),
    # Coverage
    "payer-missing": (
        "error",
        "IN1-3 names no payer, so the list of payers is not known and the account holds; "
        "correct the registration and send it again",
        "HL7 v2 6.5.6.3",
    ),
    "payer-order": (
        "error",
        "two coverages have one order, so who pays first is not known and the account holds; "
        "number IN1-22 or IN1-1 and send it again",
        "HL7 v2 6.5.6.22",
    ),
    "order-from-set-id": (
        "info",
        "IN1-22 does not number the coverages; the order of IN1-1 was taken",
        "HL7 v2 6.5.6.1",
    ),
    "plan-kind-unmapped": (
        "warning",
        "the mapping does not say what kind of plan this is, and the account holds until it does: "
        '[hl7v2.plan_kind] "code in IN1-15" = "commercial" (or medicare, medicaid, …), or by payer: '
        "[hl7v2.payer_kind]",
        "HL7 v2 6.5.6.15",
    ),
    "coverage-of-a-charge": (
        "info",
        "IN1 inside a financial transaction concerns that charge alone; the account's list was left as it is",
        "HL7 v2 6.4.8",
    ),
    "coverage-incomplete": (
        "warning",
        "PV2-20 expects more plans than IN1 lists; the account holds until all are listed",
        "HL7 v2 3.4.4.20",
    ),
    "several-guarantors": (
        "info",
        "several guarantors stand here; the first by GT1-15, then by GT1-1, was taken",
        "HL7 v2 6.5.5.15",
    ),
    # Transactions
    "transaction-type-unmapped": (
        "error",
        "the mapping does not say what this FT1-6 is, and the account holds; add a line to it: "
        '[hl7v2.ft1_type] "type in FT1-6" = "charge" (or map each FT1-7 under [hl7v2.ft1_code])',
        "HL7 v2 6.5.1.6",
    ),
    "transaction-code-unmapped": (
        "error",
        "the mapping does not say what this FT1-7 is, and the account holds; add a line to it: "
        '[hl7v2.ft1_code] "code in FT1-7" = "payment.patient" (or payment.payer, adjustment.contractual, …)',
        "HL7 v2 6.5.1.7",
    ),
    "amount-sign-unmapped": (
        "error",
        "the mapping does not say what the sign of this amount means, and the account holds; add a line to "
        'it: [hl7v2.amount_sign] "type in FT1-6" = "magnitude" (or signed, inverted)',
        "HL7 v2 6.5.1.11",
    ),
    "amount-missing": (
        "error",
        "neither FT1-11 nor FT1-10 with FT1-12 states an amount, and the account holds; correct the feed",
        "HL7 v2 6.5.1.11",
    ),
    "amount-unreadable": (
        "error",
        "an amount is not written as digits with one point (such as 142.17, at most 99999999.99), and the "
        "account holds; correct the feed",
        "HL7 v2 2A.3.47",
    ),
    "amount-not-whole-cents": (
        "error",
        "an amount is not whole cents, and the account holds; correct the feed",
        "HL7 v2 2A.3.47",
    ),
    "currency-unreadable": (
        "error",
        "the currency of an amount is no three letters, and the account holds; correct the feed",
        "HL7 v2 2A.3.41",
    ),
    "transaction-id-missing": (
        "error",
        "FT1-2 is empty, so this transaction cannot be told from a repetition and the account holds; correct "
        'the feed, or let each message count once: transaction_id = "message"',
        "HL7 v2 6.5.1.2",
    ),
    "transaction-date-missing": (
        "error",
        "FT1-4 states no day and the day of arrival never stands in; the account holds: correct the feed",
        "HL7 v2 6.5.1.4",
    ),
    "transaction-ignored": ("info", "the mapping passes over this kind of transaction", "HL7 v2 6.5.1"),
    "notice-unmapped": (
        "info",
        "FT1-27 speaks of a notice to the patient; the mapping does not say that it counts as signed: "
        '[abn] "code in FT1-27" = "valid"',
        "HL7 v2 table 0339",
    ),
    # Balance
    "balance-ignored": (
        "info",
        'PV1-46 states a balance; the mapping does not say whose: pv1_46 = "account" | "patient"',
        "HL7 v2 3.4.3.46",
    ),
    "balance-unreadable": (
        "warning",
        "PV1-46 to PV1-49 hold what is no amount (some senders write a time there); no balance was stated",
        "HL7 v2 3.4.3.46",
    ),
    "balance-incomplete": (
        "warning",
        "PV1-46 states the patient's part, and PV1-47 to PV1-49 do not give the whole; no balance was stated",
        "HL7 v2 3.4.3.47",
    ),
    # Identity
    "merge-incomplete": (
        "error",
        "a merge or move does not name both accounts (PID-18 and MRG-3); do it by hand or send it again",
        "HL7 v2 3.3.41, 3.4.10",
    ),
    "account-renumbered": (
        "error",
        "MRG-3 names another account than PID-18 in an event that is no merge; the account holds: send the "
        "merge (A41), or state it by hand",
        "HL7 v2 3.3.6, 3.3.7",
    ),
    "purge-kept": ("info", "P02 purges the sender's account; what is proven here stays", "HL7 v2 6.4.2"),
    "account-ended": (
        "info",
        "P06 ends the account at the sender; it states no fact here",
        "HL7 v2 6.4.4",
    ),
    "status-only": (
        "info",
        "claim messages of the insurance chapter state where a claim stands; what the patient owes is read "
        "from remittances",
        "HL7 v2 16.3",
    ),
    "claim-status-only": (
        "info",
        "this result is no decision yet, or only an estimate or a refusal; nothing was stated of who owes",
        "HL7 v2 table 0571",
    ),
    "adjudication-incomplete": (
        "error",
        "the claim's number, payer, order, day or an amount is missing here; ask the payer for it, or agree "
        "on where it stands",
        "HL7 v2 16.4",
    ),
    "adjudication-unagreed": (
        "error",
        "ADJ-7 is not one X12 group and reason such as PR-1, as the feed's file says this payer writes; the "
        "claim waits whole",
        "HL7 v2 16.4.7, X12 CAS",
    ),
    "adjudication-unbalanced": (
        "error",
        "the amount billed less the adjustments is not what was paid, or the lines do not add up to the "
        "claim; ask the payer for a corrected message",
        "HL7 v2 16.4, 005010X221A1 1.10.2.1",
    ),
    "claim-status-unmapped": (
        "warning",
        "the mapping does not say what this claim status means; nothing was stated: "
        '[claim_status] "code in IPR-4" = "pending"',
        "HL7 v2 table 0571",
    ),
}

CODES: Final = frozenset(_FOUND)
"""Every code this reader can yield."""


def noted(code: str, where: str) -> Noted:
    """A finding at a place."""
    severity, message, _ = _FOUND[code]
    return Noted(severity, code, where, message)


def rejected(code: str, where: str, account: AccountRef | None = None) -> Rejected:
    """A part that waits for a person, or the whole message when `where` is empty."""
    _, reason, clause = _FOUND[code]
    return Rejected(code, where, reason, clause, account)
