"""What the FHIR reader may find, by code: how bad it is, what it is, and what to do. Never a value."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from schemas.facts import AccountRef, Noted, Rejected

_Severity: TypeAlias = Literal["error", "warning", "info"]

_JSON: Final = "FHIR R4 2.6.2 JSON"
_DATATYPES: Final = "FHIR R4 2.24 data types"
_EOB: Final = "FHIR R4 13.10 ExplanationOfBenefit"
_BUNDLE: Final = "FHIR R4 2.36 Bundle"
_ACCOUNT: Final = "FHIR R4 12.5 Account"

_FOUND: Final[dict[str, tuple[_Severity, str, str]]] = {
    # The body
    "byte-order-mark": ("info", "leave the byte order mark out; it was skipped", _JSON),
    "not-a-resource": ("error", "write one FHIR resource: an object with a resourceType", _JSON),
    "unknown-resource": ("error", "the resourceType is no FHIR resource; check how it is written", _JSON),
    "resource-not-read": (
        "error",
        "resources of this type say nothing Baton reads; send those of /fhir/metadata",
        _JSON,
    ),
    "resource-not-used": (
        "info",
        "resources of this type say nothing Baton reads; they were passed over",
        _JSON,
    ),
    "duplicate-key": (
        "error",
        "a name stands twice in one object, so which value counts cannot be told; write it once",
        _JSON,
    ),
    "too-large": (
        "error",
        "write a resource or Bundle of at most 32 MiB, or NDJSON with one on each line",
        _JSON,
    ),
    "too-many": ("error", "write a Bundle of at most 10,000 entries; send the rest in further ones", _BUNDLE),
    "too-nested": ("error", "write Bundles at most three deep", _BUNDLE),
    "too-many-parts": (
        "error",
        "over 1,000 parts of this message wait for a person; the others are not listed: "
        "mend these and send it again",
        "",
    ),
    "no-resource": ("error", "an entry has no resource, so nothing can be read from it", _BUNDLE),
    "delete-not-taken": (
        "error",
        "an entry deletes a resource; a deletion does not say what is true instead: "
        "send the resource with status entered-in-error",
        _BUNDLE,
    ),
    "older-version": (
        "info",
        "a newer version of the same resource stands in this Bundle; this one was passed over",
        _BUNDLE,
    ),
    # Any resource
    "wrong-type": (
        "error",
        "a value has the wrong type; write it as the resource's definition says",
        _DATATYPES,
    ),
    "text-unreadable": ("error", "text is empty, too long, or holds characters nobody can see", _DATATYPES),
    "date-unreadable": ("error", "a date or time is none of the calendar", _DATATYPES),
    "amount-unreadable": (
        "error",
        "an amount is no plain decimal number, or beyond 99,999,999.99",
        _DATATYPES,
    ),
    "amount-not-whole-cents": (
        "error",
        "an amount is not whole cents; nothing is rounded: send the exact amount",
        _DATATYPES,
    ),
    "currency-mixed": ("error", "amounts stand in more than one currency", _DATATYPES),
    "status-unknown": ("error", "the status is missing or none that this resource has", _DATATYPES),
    "account-missing": ("error", "no account number was found where this feed's mapping looks for it", ""),
    "undated": (
        "warning",
        "nothing says when this became true (meta.lastUpdated, Bundle.timestamp); any dated "
        "statement goes before it",
        _DATATYPES,
    ),
    "not-in-force": ("info", "a draft or planned resource states nothing yet", _DATATYPES),
    # Adjudications
    "not-a-claim": ("info", "an estimate or authorisation, not a claim; it decides nothing", f"{_EOB} use"),
    "use-missing": ("error", "without `use` a claim cannot be told from an estimate", f"{_EOB} use"),
    "not-decided": ("warning", "the payer has not decided yet; the bill is pending", f"{_EOB} outcome"),
    "outcome-error": (
        "warning",
        "the payer could not process the claim; it has to be mended and billed anew",
        f"{_EOB} outcome",
    ),
    "outcome-unknown": ("error", "the outcome is missing or none of the standard's", f"{_EOB} outcome"),
    "payer-missing": (
        "error",
        "nothing names the payer (insurer identifier, reference or display)",
        f"{_EOB} insurer",
    ),
    "date-missing": (
        "error",
        "neither payment.date nor created says when the payer decided",
        f"{_EOB} created",
    ),
    "charge-missing": (
        "error",
        "nothing says what was charged (total or adjudication `submitted`, item.net)",
        f"{_EOB} total",
    ),
    "paid-missing": (
        "error",
        "nothing says what was paid (`benefit`, `paidtoprovider`, payment.amount)",
        f"{_EOB} total",
    ),
    "adjustment-group": (
        "error",
        "an adjustment's group is none of CO, PR, OA, PI; ask the payer what is meant",
        f"{_EOB} adjudication.reason",
    ),
    "too-many-lines": ("error", "a claim has over 9,999 lines", f"{_EOB} item"),
    "order-not-stated": (
        "info",
        "nothing says which payer this is in order; it is read as processed first",
        f"{_EOB} precedence",
    ),
    "payment-differs": (
        "warning",
        "payment.amount is not what the adjudication says was paid; the account holds",
        f"{_EOB} payment",
    ),
    "paid-differs": (
        "warning",
        "`benefit` is not what went to provider and patient together; the account holds",
        f"{_EOB} total",
    ),
    "total-differs": ("warning", "a total is not the sum of its lines; the account holds", f"{_EOB} total"),
    "unbalanced": (
        "warning",
        "charge less every adjustment is not what was paid, so who owes the rest cannot be "
        "told; the account holds",
        f"{_EOB} adjudication",
    ),
    "share-variables": (
        "warning",
        "the patient's share stands in codes of the payer's own; map them "
        "(categories) or nothing says what the patient owes",
        f"{_EOB} adjudication",
    ),
    "share-not-stated": (
        "warning",
        "nothing states the patient's share; it is not known, which is not zero",
        f"{_EOB} adjudication",
    ),
    "patient-responsibility-differs": (
        "warning",
        "memberliability is not the sum of the patient's adjustments",
        f"{_EOB} total",
    ),
    "noncovered-unassigned": (
        "warning",
        "an amount is not covered and nothing says who bears it; the account holds",
        f"{_EOB} adjudication",
    ),
    "contractual-derived": (
        "info",
        "charge less eligible is taken as contractual (CO-45): what is eligible is "
        "fully paid or the patient's",
        f"{_EOB} adjudication",
    ),
    # Accounts, coverage, money
    "coverage-not-included": (
        "warning",
        "a coverage of the account is not in this message or names no payer, so "
        "the payer order stays unknown; send it in the same Bundle",
        f"{_ACCOUNT} coverage",
    ),
    "without-account": ("info", "it speaks of no account in this message; it was passed over", _ACCOUNT),
    "death-without-account": (
        "error",
        "it states a death and no account of this person is in the message: send "
        "the Account in the same Bundle",
        _ACCOUNT,
    ),
    "person-not-included": (
        "warning",
        "a person of the account is not in this message; send it in the same Bundle",
        _ACCOUNT,
    ),
    "merge-not-taken": (
        "warning",
        "a link to another patient moves no account by itself; send the merge as "
        "accounts.merged or HL7 v2 ADT",
        "FHIR R4 8.1 Patient link",
    ),
    "account-in-error": (
        "error",
        "an account was entered in error or voided; it holds until a person has looked",
        f"{_ACCOUNT} status",
    ),
    "balance-incomplete": (
        "warning",
        "the balance has no total and not both of its parts; it was left out",
        f"{_ACCOUNT} balance",
    ),
    "withdrawn": (
        "error",
        "it takes back what was said before; a person has to say what is true instead",
        "",
    ),
    "amount-missing": ("error", "there is no amount", _DATATYPES),
    "number-missing": ("error", "there is no identifier, or for an invoice none with digits", _DATATYPES),
    "not-a-payment": (
        "info",
        "an advance or adjustment between payer and provider; never the patient's",
        "FHIR R4 13.9 PaymentReconciliation detail",
    ),
    "not-to-a-person": ("info", "the invoice went to no person; it is no statement", "FHIR R4 12.8 Invoice"),
}

CODES: Final = frozenset(_FOUND)
"""Every code the reader may use besides those of strict JSON."""


def noted(code: str, where: str) -> Noted:
    """A finding by its code."""
    severity, message, _ = _FOUND[code]
    return Noted(severity, code, where, message)


def rejected(code: str, where: str, account: AccountRef | None = None, looked: str = "") -> Rejected:
    """The message, or the part at `where`, parked by its code; `looked` names the fields that were tried."""
    _, message, clause = _FOUND[code]
    return Rejected(code, where, f"{message}: {looked}" if looked else message, clause, account)
