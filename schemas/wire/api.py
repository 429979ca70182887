"""Answers of the HTTP API and of `--json` on the command line, as the use cases give them.

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
READ = ("accepted", "duplicate", "parked")


def whole(about: str, least: int = 0) -> fields.Integer:
    """A count, or a place in an order."""
    return fields.Integer(required=True, strict=True, metadata={"description": about, "minimum": least})


def yes_or_no(about: str) -> fields.Boolean:
    """True or false."""
    return fields.Boolean(required=True, metadata={"description": about})


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
    """What became of a message that was handed in. Whatever is said here, its bytes are kept whole."""

    sha256 = said("SHA-256 of the bytes, the message's name from now on.", **SHA256)
    disposition = word(
        "`accepted`: read, and all of it went through. `duplicate`: it said nothing new. `parked`: something "
        "in it waits for a person; the rest went through. `stored`: a body over 1 MiB, kept whole and read "
        "soon; `GET /v1/messages/{sha256}` tells what became of it.",
        *READ,
        "stored",
    )
    facts = whole("New facts that it told; 0 while it is `stored`.")
    rejected = many(ProblemPlace, "The parts that wait for a person.")


class FhirResource(Schema):
    """A FHIR resource, as FHIR defines it: an OperationOutcome, a response Bundle, a CapabilityStatement."""

    class Meta:
        """A resource has further elements."""

        unknown = INCLUDE

    resourceType = said("What resource it is.", examples=["OperationOutcome", "Bundle"])  # noqa: N815


class MessageView(Receipt):
    """A message that was handed in, by any door, and what became of it so far."""

    feed = said("The feed it came by.")
    format = said("Its format as its sender named it; `unknown` where it did not.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    read_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it was read to its end; null until then.", "format": "date-time"},
    )
    known = whole("Facts in it that were known before.")
    rejected = many(ProblemPlace, "The parts that nobody has settled yet, the first 1,000 of them.")


class FieldView(Schema):
    """One field of a message."""

    place = said("Where it stands.", examples=["PID-3.1", "$.data.amount"])
    name = said("What the standard calls it; empty where that is not known.")
    value = said("Its value, or what kind of value it is where values are masked.")


class FactView(Schema):
    """A statement that a message was the first to make."""

    fact = said("Its id.")
    type = said("What kind of statement.")
    account = maybe("facility/number; null where it is about none.")
    message = said("SHA-256 of the message.", **SHA256)
    where = said("The place in the message.")
    feed = said("The feed it came by.")
    occurred_at = moment("When it became true.")


class WaitsView(ProblemPlace):
    """A part that waits for a person, or did."""

    id = whole("Its number at /v1/parked.", 1)
    settled = fields.Boolean(required=True, metadata={"description": "Whether it was dealt with."})


class MessageDetail(Schema):
    """A message field by field, and what it made."""

    sha256 = said("SHA-256 of its bytes.", **SHA256)
    feed = said("The feed it came by.")
    format = said("Its format.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    fields_ = fields.List(
        fields.Nested(FieldView),
        required=True,
        data_key="fields",
        metadata={"description": "The first 5,000 of its fields."},
    )
    complete = fields.Boolean(required=True, metadata={"description": "Whether these are all fields."})
    revealed = fields.Boolean(required=True, metadata={"description": "Whether values are shown."})
    facts = many(FactView, "The statements it was the first to make, up to 1,000.")
    parked = many(WaitsView, "What waits of it, or did.")


class TraceDecision(Schema):
    """A decision that statements led to."""

    decision = said("Its id.")
    account = said("facility/number.")
    decided_at = moment("When.")
    entry = whole("The entry of the audit log.", 1)
    facts = fields.List(
        fields.String(), required=True, metadata={"description": "Which of these statements it was made on."}
    )


class TraceMove(Schema):
    """A move of a collections case."""

    class Meta:
        """What a case's event says besides stands at /v1/cases."""

        unknown = INCLUDE

    case = said("Its id.")
    account = said("facility/number.")
    move = said("What it was.")
    at = moment("When.")


class Trace(Schema):
    """What an id led to, and rests on."""

    kind = word("What the id is of.", "message", "fact", "decision", "case")
    id = said("The id.")
    account = fields.String(metadata={"description": "facility/number, of a decision or case."})
    facts = many(FactView, "The statements.")
    decisions = many(TraceDecision, "The decisions.")
    case_moves = many(TraceMove, "What happened to cases.")


class MessageLine(Schema):
    """A message that came, by any door; nothing of what it says."""

    sha256 = said("SHA-256 of its bytes.", **SHA256)
    feed = said("The feed it came by.")
    format = said("Its format as its sender named it; `unknown` where it did not.")
    door = said("The way it came.", examples=["http", "rabbitmq"])
    size = whole("How many bytes it has.")
    received_at = moment("When it came.")
    status = word("What became of it; `unread` until it was read to its end.", *READ, "unread")
    facts = whole("New facts that it told.")
    known = whole("Facts in it that were known before.")
    parked = whole("Parts of it that were parked when it was read.")


class MessagePage(Schema):
    """A page of messages."""

    items = many(MessageLine, "The messages, newest first.")
    next = maybe("Cursor of the next page; null on the last.")


class Evidence(Schema):
    """The fact something rests on and the bytes that fact was read from."""

    fact = said("The fact's id.", **SHA256)
    message = said("SHA-256 of the message.", **SHA256)
    where = said("The place in the message.", examples=["ST 0001 / CLP 3"])
    feed = said("The feed the message came by.")
    format = said("The message's format.", examples=["x12"])


class ShareExplained(ShareSaid):
    """One bearer's part of the balance, the claim it comes from, and what it rests on."""

    claim = maybe("The claim it comes from.")
    evidence = many(Evidence, "What it rests on.")


class LiftedSaid(Schema):
    """Who let a case open although a gate says otherwise."""

    override = said("The override's id.")
    by = said("Who proposed it.")
    approved_by = said("Who approved it: never the same person.")
    reason = said("Why.")
    approved_on = day("Since when it counts.")
    until = day("The first day on which it counts no more.")
    evidence = many(Evidence, "What it rests on.")


class OverrideSaid(Schema):
    """A hold that a person placed, or what people proposed, approved and withdrew."""

    id = said("Its id.")
    account = said("The account, as FACILITY/NUMBER.")
    what = word("What it is.", "hold", "release", "allow")
    gate = maybe("The gate it is about; null for a release.")
    hold = maybe("The hold to be released.")
    state = word(
        "How it stands.",
        "proposed",
        "in force",
        "lifts nothing now",
        "ended",
        "withdrawn",
        "released",
    )
    at = moment("When it was said.")
    by = said("Who said it.")
    known_as = maybe("How the machine knew the person: os:<user> or key:<id>.")
    reason = said("Why.")
    looked_at = maybe("The gate's sentence that was looked at; it lifts that answer and no other.")
    until = day("The first day on which it counts no more.")
    approved_by = maybe("Who approved it.")
    approved_as = maybe("How the machine knew that person.")
    approved_because = maybe("Why.")
    approved_on = day("When.")
    withdrawn_by = maybe("Who took it back.")
    withdrawn_as = maybe("How the machine knew that person.")
    withdrawn_because = maybe("Why.")
    withdrawn_on = day("When.")


class OverrideList(Schema):
    """What people decided by hand."""

    items = many(OverrideSaid, "Newest first.")


class FeedView(Schema):
    """What is known of one feed, and who says it."""

    feed = said("Its name.")
    source = word("Who says what counts: a file on the machine, or the API. A file wins.", "file", "api")
    version = said("SHA-256 of what is in force: of the text for `api`, of the mapping for `file`.")
    api_version = maybe("SHA-256 of what the API says of it, for If-Match; null where it says nothing.")
    conflict = yes_or_no("Whether the API says something of a feed that a file states; the file counts.")
    mapping = said("The version of its mapping: each message names the one that read it.")
    facility = said("Whose accounts it speaks of where a message does not say.")
    format = maybe("What it sends: x12, hl7v2, fhir or json; null for any.")
    door = maybe("How it comes; null for any door.")
    shadow = yes_or_no("Whether its messages open no case.")
    said_by = maybe("Who said it through the API; null for a file.")
    said_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When; null for a file.", "format": "date-time"},
    )


class FeedText(FeedView):
    """One feed, with its text."""

    text = maybe("What the API says of it, as TOML; null where it says nothing.")
    dry_run = yes_or_no("Whether this was only looked at, and nothing was kept.")
    mapping_before = maybe("The mapping that it was read by before; null where it had none of its own.")


class FeedList(Schema):
    """The feeds that are known."""

    items = many(FeedView, "By name.")


class GateExplained(Schema):
    """One gate's answer; every gate is always asked."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.", examples=["notice_period_has_run"])
    stage = word("What it was asked about.", *STAGES)
    verdict = word("What it says.", *VERDICTS)
    until = day("First day on which waiting alone may change it; null when only an event can.")
    because = said("One plain sentence.")
    lifted_by = maybe("The event that would lift it; null when only time does, or nothing.")
    parameters = fields.Dict(
        keys=fields.String(), required=True, metadata={"description": "The policy values it used."}
    )
    set_by = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "The policy packs that set each of these values."},
    )
    citation = said("The law, contract or house rule it rests on.")
    evidence = many(Evidence, "What it rests on.")
    lifted = part(LiftedSaid, "Who lifted it for a case; the verdict stays the gate's own.", null=True)


class Outcomes(Schema):
    """The worst verdict of each stage."""

    open_case = word("Whether a case may open.", *VERDICTS)
    place = word("Whether it may go to an agency.", *VERDICTS)
    extraordinary = word("Whether an extraordinary action may be taken.", *VERDICTS)


class PolicyThen(PolicyName):
    """The policy an answer was computed under."""

    packs = fields.List(
        fields.String(), required=True, metadata={"description": "The scoped packs that concern the account."}
    )
    note = maybe("What to know where the policy of that time cannot be used as it was.")


class DecisionExplained(Schema):
    """The decision, computed again from the stored facts."""

    id = said("The decision.", **SHA256)
    stored = fields.Boolean(
        required=True,
        metadata={"description": "Whether the decision recorded at the time says the same."},
    )
    outcomes = part(Outcomes, "The worst verdict of each stage.")
    policy = part(PolicyThen, "The policy in force at the time asked about.")
    decided_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it was recorded; null when it was not.", "format": "date-time"},
    )
    review_on = day("Next day on which waiting alone may change it.")


class CaseView(Schema):
    """A collections case."""

    id = said("The case.")
    account = said("facility/number.", examples=["GEN/A1"])
    number = whole("The account's first, second, ... case.", 1)
    status = word("How it stands.", *CASE_STATUSES)
    amount = money("What it asks for now.")
    currency = said("ISO 4217 code.", **CURRENCY)
    reason = maybe("Why it ended, as a code; null while it is open.")
    reason_text = maybe("The same in plain words.")
    opened_by = said("The decision that opened it.")
    decided_by = said("The decision that moved it last.")
    events = whole("How many events it has.", 1)


class CaseMove(Schema):
    """One thing that happened to a case."""

    id = said("Stable id of the event; the same as in the published event.")
    sequence = whole("Counts the case's events from 1.", 1)
    move = word("What happened.", "opened", "adjusted", "recalled", "closed")
    at = moment("When.")
    amount = money("What the case asks for from then on.")
    previous_amount = money("What it asked for before.")
    reason = said("Why, as a code.")
    reason_text = said("Why, in plain words.")
    decision = said("The decision that caused it.", **SHA256)


class CaseWithHistory(CaseView):
    """A case with everything that happened to it."""

    history = many(CaseMove, "What happened, first to last.")


class CasePage(Schema):
    """A page of cases."""

    items = many(CaseView, "The cases, in the order of opening.")
    next = maybe("Cursor of the next page; null on the last.")


class GateChanged(Schema):
    """What a decision found otherwise than the one before it, of one gate and opening a case."""

    gate = said("The gate's number.", examples=["G41"])
    name = said("The gate's name.")
    was = word("What it said before.", *VERDICTS)
    now = word("What it says now.", *VERDICTS)
    before = said("What stood in the way before; empty where nothing did.")
    because = said("One plain sentence of what it says now.")


class StoryStep(Schema):
    """One step of an account's story: a fact, a decision or a move of a case."""

    at = said("Day or moment it became true.")
    what = said("What happened, in plain words.")
    evidence = many(Evidence, "What it rests on.")
    decision = fields.String(metadata={"description": "The decision, where the step is one."})
    case = fields.String(metadata={"description": "The case, where the step moved one."})
    reason = fields.String(metadata={"description": "Why the case moved, as a code."})
    known_at = fields.String(metadata={"description": "When Baton learned of a fact.", "format": "date-time"})
    changed = fields.List(
        fields.Nested(GateChanged), metadata={"description": "What a decision found otherwise, gate by gate."}
    )
    policy = fields.String(metadata={"description": "The version of the policy a decision was made under."})


class SupposedFact(Schema):
    """A fact that nobody has stated, written as a fact is."""

    type = said("Its type.", examples=["payment.posted"])
    occurred_at = moment("When it would have become true.")
    currency = said("ISO 4217 code.", **CURRENCY)
    data = fields.Dict(required=True, metadata={"description": "What it would say; amounts in cents."})


class Counterfactual(Schema):
    """What would change the answer."""

    change = said("What would have to be different.")
    outcome = said("What would follow; decided on before it is told, and no part of the change does as much.")
    opens = fields.Boolean(required=True, metadata={"description": "Whether a case would open."})
    on = day("The day the outcome is about; null where it is about every day.")
    facts = many(SupposedFact, "The facts supposed; none where only time passes.")


class Searched(Schema):
    """How far the counterfactuals were looked for."""

    decisions = whole("How often the account was decided on for it.", 0)
    complete = fields.Boolean(
        required=True,
        metadata={"description": "Whether every set of up to three plausible changes was tried."},
    )


class BasisFact(Evidence):
    """A fact the answer rests on."""

    what = said("What it says, in plain words.")


class Basis(Schema):
    """Facts that alone give the same answer."""

    minimal = fields.Boolean(
        required=True,
        metadata={"description": "Whether without any one of them the answer would be another."},
    )
    facts = many(BasisFact, "The facts, in the order they became true.")


class LetGo(Schema):
    """A gate that once stood in the way of a case."""

    gate = said("The gate's number.")
    name = said("The gate's name.")
    on = said("First day on which it no longer did.", format="date")
    before = said("What it said until then.")
    after = said("What it said from then on.")


class HeldBy(Schema):
    """A gate that stood in the way the day before."""

    gate = said("The gate's number.")
    because = said("One plain sentence.")
    until = day("Until when.")


class DayBefore(Schema):
    """Why a case did not open a day earlier."""

    on = said("The day before the last gate let go.", format="date")
    held_by = many(HeldBy, "What stood in the way.")


class Opened(Schema):
    """How the newest case came about, from what was known when it opened."""

    case = said("The case.")
    on = said("The day it was decided for.", format="date")
    at = moment("When it opened.")
    decision = said("The decision that opened it.", **SHA256)
    sentence = said("The last gate to let go, when, and what stood in the way the day before.")
    let_go = many(LetGo, "Every gate that let go, the last one last.")
    day_before = part(DayBefore, "Why not a day earlier; null when nothing ever stood in the way.", null=True)


class Task(Schema):
    """What somebody outside collections has to do."""

    queue = said("Who does it.", examples=["billing"])
    reason = said("Why, as a code.")
    text = said("What to do, in plain words.")
    amount = maybe("What it is about; null where no amount is.")
    due_on = day("By when.")
    claims = fields.List(fields.String(), required=True, metadata={"description": "Claims it concerns."})
    evidence = many(Evidence, "What it rests on.")


class PayerStanding(Schema):
    """Where one expected payer stands on one claim."""

    claim = said("The claim.")
    payer = said("The payer.")
    rank = whole("1 for primary; 9 where the order is not known.", 1)
    state = said("not_billed, billed, accepted, rejected, pending, final, undetermined or closed_…")
    because = said("One plain sentence.")
    evidence = many(Evidence, "What it rests on.")


class BearerSum(Schema):
    """What one bearer answers for altogether."""

    bearer = said("patient, payer:<id>, provider, third_party or undetermined.")
    amount = money("All its parts; the sums of all bearers are the balance.")


class AuditPlace(Schema):
    """Where the decision stands in the audit log."""

    entry = whole("Entry number.", 1)
    hash = said("Hash of the chain at that entry.", **SHA256)


class WaterfallStep(Schema):
    """One step of the way from the charges to the patient's part."""

    step = said("What it is.")
    why = said("Its reason in plain words; empty where the step says it all.")
    amount = money("What it adds, or takes away.")
    left = money("What is left after it.")
    evidence = many(Evidence, "What it rests on.")


class RuleTrace(Schema):
    """One rule that was asked, and what it found."""

    rule = said("The rule's stable id.", examples=["DET-06"])
    name = said("The rule as a sentence that can be true.")
    citation = said("What the rule rests on.")
    found = said("What it saw and did.")
    claim = maybe("The claim it looked at.")
    evidence = many(Evidence, "What it rests on.")


class SilentRule(Schema):
    """One determination rule that was asked and found nothing to tell."""

    rule = said("The rule's stable id.", examples=["DET-14"])
    name = said("The rule as a sentence that can be true.")
    citation = said("What the rule rests on.")


class Withheld(Schema):
    """Why a case that the decision allows does not open, or is not raised, yet."""

    cause = said("settling, shadow policy PACK, shadow feed NAME or paused feed NAME.", examples=["settling"])
    until = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "When it ends by itself; null when it does not.", "format": "date-time"},
    )
    text = said("One plain sentence.")


class WhyAnswer(Schema):
    """The explanation of one account: who owes what, what each gate says, and what all of it rests on."""

    account = said("facility/number.", examples=["GEN/A1"])
    facility = said("The facility that bills.", examples=["GEN"])
    number = said("The facility's account number.", examples=["A1"])
    as_of = said("The day asked about.", format="date")
    known_at = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "Only what was known by then counts; null: all.", "format": "date-time"},
    )
    summary = said("One plain sentence.")
    balance = money("The account's balance.")
    currency = said("ISO 4217 code.", **CURRENCY)
    assigned = money("What payers say is the patient's.")
    collectible = money("What remains of it after every rule that protects the patient.")
    net = money("What remains after the patient's payments; negative is a credit.")
    responsibility = many(ShareExplained, "Every bearer's part; together the balance.")
    bearers = many(BearerSum, "The same, summed by bearer.")
    payers = many(PayerStanding, "Every expected payer and where it stands.")
    determination = word("How sure it is.", *DETERMINATIONS)
    waterfall = many(WaterfallStep, "The way from the charges to the patient's part.")
    traces = many(RuleTrace, "The rules that found something, in the order in which they were asked.")
    silent_rules = many(SilentRule, "The rules that were asked and found nothing to tell.")
    gates = many(GateExplained, "Every gate's answer, the binding ones first.")
    decision = part(DecisionExplained, "The decision.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)
    opening = part(Opened, "How the newest case came about; null when there was none.", null=True)
    work = many(Task, "What people outside collections have to do first.")
    timeline = many(StoryStep, "The account's story.")
    overrides = many(OverrideSaid, "What people placed, proposed, approved and withdrew, oldest first.")
    withheld = many(Withheld, "Why a case that the decision allows waits; empty when none does.")
    counterfactual = many(Counterfactual, "What would change the answer.")
    searched = part(Searched, "How far that was looked for.")
    basis = part(Basis, "The facts that alone give the same answer.")
    audit = part(AuditPlace, "Where it stands in the audit log.", null=True)


class CheckpointView(Schema):
    """A signed checkpoint of the audit log."""

    size = whole("How many entries it covers.", 1)
    made_at = moment("When it was signed.")
    text = said("The checkpoint as it was given out (C2SP tlog-checkpoint).")


class CheckpointPage(Schema):
    """Some checkpoints, smallest first."""

    items = many(CheckpointView, "The checkpoints.")
    next = maybe("`after` of the next page; null on the last.")


class PublicKey(Schema):
    """A key that signs checkpoints."""

    key_id = said("Its name on checkpoints.", pattern="^[0-9a-f]{16}$")
    public_key = said("Its 32 bytes (Ed25519) in hexadecimal.", **SHA256)


class PublicKeys(Schema):
    """The keys that the log names, oldest first."""

    origin = said("The name of this log on its checkpoints.")
    signs = maybe("The key that signed the newest checkpoint; null before the first.")
    items = many(PublicKey, "The keys.")


ConsistencyProof = Schema.from_dict(
    {
        "from": whole("The earlier size.", 1),
        "to": whole("The later size.", 1),
        "proof": fields.List(
            said("A hash.", **SHA256), required=True, metadata={"description": "Hashes, in order (RFC 9162)."}
        ),
    },
    name="ConsistencyProof",
)
"""How the log of one size became that of another."""


class AccountView(Schema):
    """An account in brief, as its latest decision left it."""

    account = said("facility/number.", examples=["GEN/A1"])
    balance = money("The account's balance.")
    patient_amount = money("The patient's part of it.")
    currency = said("ISO 4217 code.", **CURRENCY)
    determination = maybe("How sure the balance's division is; null before the first decision.")
    outcomes = part(Outcomes, "The worst verdict of each stage; null before the first decision.", null=True)
    review_on = day("Next day on which waiting alone may change it.")
    case = part(CaseView, "The open or latest case; null when there was none.", null=True)
    facts = whole("Facts known about it.")


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
