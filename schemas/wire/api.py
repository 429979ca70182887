"""Answers of the HTTP API and of `--json` on the command line.

Source: RFC 9457 for problems; the contract of `baton why --json` for the explanation.
"""

from __future__ import annotations

from marshmallow import INCLUDE, Schema, fields

from schemas.wire.answers import (
    CASE_STATUSES,
    CURRENCY,
    DETERMINATIONS,
    STAGES,
    VERDICTS,
    PolicyName,
    ShareSaid,
    day,
    many,
    maybe,
    moment,
    money,
    part,
    said,
    word,
)

SHA256 = {"pattern": "^[0-9a-f]{64}$"}


class ProblemPlace(Schema):
    """One place that must be mended."""

    where = said("The place in what was sent.", examples=["$.data.amount"])
    code = said("Stable code.", examples=["not-an-amount"])
    reason = said("What to write instead.")


class Problem(Schema):
    """What went wrong and what to do (RFC 9457, application/problem+json)."""

    class Meta:
        """RFC 9457 section 3.2 allows further members."""

        unknown = INCLUDE

    type = said("A URI that names the kind of problem.", format="uri-reference", examples=["about:blank"])
    title = said("The kind of problem in a few words.")
    status = fields.Integer(
        required=True,
        strict=True,
        metadata={"description": "The HTTP status.", "minimum": 400, "maximum": 599},
    )
    detail = fields.String(metadata={"description": "What is wrong, where, and what to do."})
    instance = fields.String(metadata={"description": "This very request.", "format": "uri-reference"})
    code = fields.String(metadata={"description": "Stable code.", "examples": ["missing-field"]})
    errors = fields.List(fields.Nested(ProblemPlace), metadata={"description": "Every place to mend."})


class Receipt(Schema):
    """What became of a message that was handed in: it is kept whole, and taken or parked."""

    message = said("SHA-256 of the bytes, the message's name from now on.", **SHA256)
    feed = said("The feed it came by.")
    received_at = moment("When it was kept.")
    status = word("`known` when the same bytes were kept before.", "accepted", "parked", "known")
    facts = fields.Integer(
        required=True, strict=True, metadata={"description": "Facts read from it.", "minimum": 0}
    )
    parked = many(ProblemPlace, "The parts that wait for a person.")
    findings = many(ProblemPlace, "What was noticed and does not hinder.")


class Evidence(Schema):
    """The fact something rests on and the bytes that fact was read from."""

    fact = said("The fact's id.", **SHA256)
    message = said("SHA-256 of the message.", **SHA256)
    where = said("The place in the message.", examples=["ST 0001 / CLP 3"])


class ShareExplained(ShareSaid):
    """One bearer's part of the balance and what it rests on."""

    evidence = many(Evidence, "What it rests on.")


class GateExplained(Schema):
    """One gate's answer; every gate is always asked."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.", examples=["notice_period_has_run"])
    stage = word("What it was asked about.", *STAGES)
    verdict = word("What it says.", *VERDICTS)
    until = day("First day on which waiting alone may change it; null when only an event can.")
    because = said("One plain sentence.")
    parameters = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "The policy values it used."}
    )
    citation = said("The law, contract or house rule it rests on.")
    evidence = many(Evidence, "What it rests on.")


class Outcomes(Schema):
    """The worst verdict of each stage."""

    open_case = word("Whether a case may open.", *VERDICTS)
    place = word("Whether it may go to an agency.", *VERDICTS)
    extraordinary = word("Whether an extraordinary action may be taken.", *VERDICTS)


class DecisionExplained(Schema):
    """The decision itself."""

    outcomes = part(Outcomes, "The worst verdict of each stage.")
    policy = part(PolicyName, "The policy in force.")
    decided_at = moment("When it was decided.")
    review_on = day("Next day on which waiting alone may change it.")


class CaseView(Schema):
    """A collections case."""

    id = said("The case.")
    account = said("facility/number.", examples=["GEN/A1"])
    number = fields.Integer(
        required=True,
        strict=True,
        metadata={"description": "The account's first, second, ... case.", "minimum": 1},
    )
    status = word("How it stands.", *CASE_STATUSES)
    amount = money("What it asks for now.")
    currency = said("ISO 4217 code.", **CURRENCY)
    reason = maybe("Why it ended; null while it is open.")
    opened_by = said("The decision that opened it.")
    decided_by = said("The decision that moved it last.")
    events = fields.Integer(
        required=True, strict=True, metadata={"description": "How many events it has.", "minimum": 1}
    )


class Happening(Schema):
    """One step of an account's story."""

    at = said("Day or moment it became true.")
    what = said("What happened, in plain words.")
    evidence = many(Evidence, "What it rests on.")


class Counterfactual(Schema):
    """What would change the answer."""

    change = said("What would have to be different.")
    outcome = said("What would follow.")


class AuditPlace(Schema):
    """Where the decision stands in the audit log."""

    entry = fields.Integer(
        required=True, strict=True, metadata={"description": "Entry number.", "minimum": 1}
    )
    hash = said("Hash of the chain at that entry.", **SHA256)


class WhyAnswer(Schema):
    """The explanation of one account: who owes what, what each gate says, and what all of it rests on."""

    account = said("facility/number.", examples=["GEN/A1"])
    as_of = said("The day asked about.", format="date")
    summary = said("One plain sentence.")
    balance = money("The account's balance.")
    currency = said("ISO 4217 code.", **CURRENCY)
    responsibility = many(ShareExplained, "Every bearer's part; together the balance.")
    determination = word("How sure it is.", *DETERMINATIONS)
    gates = many(GateExplained, "Every gate's answer.")
    decision = part(DecisionExplained, "The decision.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)
    timeline = many(Happening, "The account's story.")
    counterfactual = many(Counterfactual, "What would change the answer.")
    audit = part(AuditPlace, "Where it stands in the audit log.", null=True)


class AccountView(Schema):
    """An account in brief."""

    account = said("facility/number.", examples=["GEN/A1"])
    balance = money("The account's balance.")
    patient_amount = money("The patient's part of it.")
    currency = said("ISO 4217 code.", **CURRENCY)
    determination = word("How sure it is.", *DETERMINATIONS)
    outcomes = part(Outcomes, "The worst verdict of each stage.")
    review_on = day("Next day on which waiting alone may change it.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)


class PageAsked(Schema):
    """Which page of a list is asked for."""

    cursor = fields.String(metadata={"description": "`next` of the page before; leave it out for the first."})
    limit = fields.Integer(
        load_default=50,
        strict=False,
        metadata={"description": "Rows on a page.", "minimum": 1, "maximum": 200},
    )


class CasePage(Schema):
    """A page of cases."""

    items = many(CaseView, "The cases, newest first.")
    next = maybe("Cursor of the next page; null on the last.")


class AccountPage(Schema):
    """A page of accounts."""

    items = many(AccountView, "The accounts.")
    next = maybe("Cursor of the next page; null on the last.")
