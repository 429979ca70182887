"""Answers about what was parked, and what people did about it."""

from __future__ import annotations

from marshmallow import Schema, fields

from schemas.wire.answers import many, maybe, moment, money, part, said, word
from schemas.wire.api.common import READ, SHA256, whole
from schemas.wire.api.problems import ProblemPlace


class ParkedAct(Schema):
    """What a person did about something parked."""

    action = word("What was done.", "retried", "discarded")
    at = moment("When.")
    by = said("By whom.")
    through = said(
        "As whom the machine knows them: `os:` and a user, `key:` and an API key's prefix, or nothing."
    )
    note = said("What they noted.")


class ParkedView(ProblemPlace):
    """A message, or the part of it at `where`, that waits for a person."""

    id = whole("Its number.", 1)
    message = said("SHA-256 of the message.", **SHA256)
    feed = said("The feed it came by.")
    format = said("Its format.")
    clause = said("The rule it broke.")
    account = maybe("facility/number, where it names one.")
    parked_at = moment("Since when it waits.")
    actions = many(ParkedAct, "What was done about it.")


class StatementView(Schema):
    """One of the statements that contradict each other: which, not what."""

    fact = said("Its id.")
    type = said("What kind of statement.")
    account = said("facility/number.")
    occurred_at = moment("When it became true.")
    message = said("SHA-256 of the message that stated it first.", **SHA256)
    where = said("The place in the message.")
    feed = said("The feed it came by.")


class ParkedProposalView(Schema):
    """What somebody proposes; another person with another key approves it."""

    action = word("What to do.", "discard", "settle")
    stands = said("The statement that stands: an id, `none`, `both`; nothing where it is to be discarded.")
    at = moment("When.")
    by = said("By whom.")
    through = said("As whom the machine knows them.")
    note = said("Why.")


class ParkedOne(ParkedView):
    """One parked message or part, with what is needed to act on it."""

    statements = many(StatementView, "The statements that contradict each other; none elsewhere.")
    proposal = part(ParkedProposalView, "What is proposed and not done; null where nothing is.", null=True)


class StandingView(Schema):
    """How an account stands."""

    determination = maybe("final, provisional, undetermined or credit; null before the first decision.")
    balance = money("What is open.")
    patient_amount = money("The patient's part of it.")
    case = maybe("The status of its open case; null without one.")


class AccountChange(Schema):
    """An account that trying again would change."""

    account = said("facility/number.")
    before = part(StandingView, "How it stands; null where it is not known yet.", null=True)
    after = part(StandingView, "How it would.", null=True)


class ParkedLine(Schema):
    """What became of one entry that was tried again, or would."""

    id = whole("Its number.", 1)
    disposition = word("What it is now, or would be.", *READ)
    facts = whole("New facts.")
    reason = said("Why it still waits; empty where it does not.")
    accounts = fields.List(
        fields.Nested(AccountChange), metadata={"description": "What would change; with `dry_run` alone."}
    )


class ParkedTried(ParkedLine):
    """What became of the entry."""

    dry_run = fields.Boolean(required=True, metadata={"description": "Whether it was only tried."})


class ParkedTold(Schema):
    """What became of many entries."""

    items = many(ParkedLine, "One for each that was tried, oldest first.")
    dry_run = fields.Boolean(required=True, metadata={"description": "Whether they were only tried."})
    waits = whole("How many still wait, or would.")


class ParkedList(Schema):
    """What waits for a person."""

    items = many(ParkedView, "Oldest first.")
