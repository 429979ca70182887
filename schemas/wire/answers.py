"""What Baton says to others: the fields its events and its API answers are made of, with their meaning.

These schemas describe and write; nothing foreign is read by them. Amounts are decimal strings, days
`YYYY-MM-DD`, moments RFC 3339 in UTC.
"""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields

from schemas.wire import values


def said(about: str, **more: Any) -> fields.String:
    """A text that is always there."""
    return fields.String(required=True, metadata={"description": about} | more)


def maybe(about: str, **more: Any) -> fields.String:
    """A text, or null where there is none."""
    return fields.String(required=True, allow_none=True, metadata={"description": about} | more)


def money(about: str) -> fields.String:
    """An amount as a decimal string with two places."""
    return said(about, pattern=values.AMOUNT_PATTERN, examples=["142.17"])


def day(about: str) -> fields.String:
    """A calendar day, or null."""
    return maybe(about, format="date", examples=["2026-03-14"])


def moment(about: str) -> fields.String:
    """An instant in UTC."""
    return said(about, format="date-time", examples=["2026-03-14T09:30:00Z"])


def word(about: str, *words: str) -> fields.String:
    """One word of a list."""
    return said(about, enum=list(words))


def part(schema: type[Schema], about: str, *, null: bool = False) -> fields.Nested:
    """An object, or null where `null` says so."""
    return fields.Nested(schema, required=True, allow_none=null, metadata={"description": about})


def many(schema: type[Schema], about: str) -> fields.List[Any]:
    """A list of objects, maybe empty."""
    return fields.List(fields.Nested(schema), required=True, metadata={"description": about})


VERDICTS = ("allow", "require", "hold", "block")
STAGES = ("open_case", "place", "extraordinary")
DETERMINATIONS = ("final", "provisional", "undetermined", "credit")
CASE_STATUSES = ("open", "recalled", "closed")
CURRENCY = {"pattern": values.CURRENCY_PATTERN, "examples": ["USD"]}


class AccountName(Schema):
    """A patient account."""

    facility = said("The facility that bills.", examples=["GEN"])
    number = said("The facility's account number.", examples=["A1"])


class PolicyName(Schema):
    """The policy a decision was made under."""

    version = said("The policy's version.")
    sha256 = said("SHA-256 of the policy, 64 hexadecimal digits.", pattern="^[0-9a-f]{64}$")


class Why(Schema):
    """Why a share falls to its bearer."""

    group = said("CAS group where a payer gave one, otherwise empty.", examples=["PR"])
    code = said("Reason code where a payer gave one, otherwise Baton's own.", examples=["1"])
    text = said("The reason in plain words.")


class ShareSaid(Schema):
    """One bearer's part of the balance."""

    bearer = said("patient, payer:<id>, provider, third_party or undetermined.", examples=["patient"])
    amount = money("The part; all parts together are the balance.")
    reason = part(Why, "Why it falls to this bearer.")


class HoldingGate(Schema):
    """A gate that keeps a case from opening."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.", examples=["notice_period_has_run"])
    verdict = word("What it says.", *VERDICTS[1:])
    until = day("First day on which waiting alone may change it; null when only an event can.")
    because = said("One plain sentence.")


class CaseMoved(Schema):
    """A case was opened, adjusted, recalled or closed."""

    case_id = said("The case.")
    sequence = fields.Integer(
        required=True, strict=True, metadata={"description": "Counts the case's events from 1.", "minimum": 1}
    )
    account = part(AccountName, "The account.")
    amount = money("What the case asks for now.")
    previous_amount = money("What it asked for before; 0.00 when it was opened.")
    currency = said("ISO 4217 code.", **CURRENCY)
    status = word("How the case stands now.", *CASE_STATUSES)
    reason = said("Why it moved.")
    decision = said("The decision that moved it.")
    policy = part(PolicyName, "The policy of that decision.")


class ResponsibilityDetermined(Schema):
    """Who owes every cent of an account."""

    account = part(AccountName, "The account.")
    balance = money("The account's balance.")
    patient_amount = money("The patient's part of it.")
    currency = said("ISO 4217 code.", **CURRENCY)
    determination = word("How sure it is.", *DETERMINATIONS)
    shares = many(ShareSaid, "Every bearer's part; together the balance.")
    decision = said("The decision that says so.")
    policy = part(PolicyName, "The policy of that decision.")


class CheckpointGivenOut(Schema):
    """A signed checkpoint of the audit log."""

    checkpoint = said("Origin, size, root, time and signature, as C2SP tlog-checkpoint text.")


class FeedTold(Schema):
    """A feed is not itself, or is again."""

    feed = said("The feed.")
    cause = said("A stable word.", examples=["silent", "gap", "denials"])
    text = said("One sentence with the figures, about messages and claims in number, never about a person.")


class AccountHeld(Schema):
    """No case opens for an account now, and why."""

    account = part(AccountName, "The account.")
    patient_amount = money("The patient's part of the balance.")
    currency = said("ISO 4217 code.", **CURRENCY)
    holding = many(HoldingGate, "Every gate that does not allow a case.")
    review_on = day("Next day on which waiting alone may change it.")
    decision = said("The decision that says so.")
    policy = part(PolicyName, "The policy of that decision.")
