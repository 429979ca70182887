"""The decision: every gate asked for every stage, and a record that anyone can compute again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, Final, TypeAlias, cast

from schemas.canonical import digest, from_bytes, to_bytes
from schemas.decisions import STAGES, Decision, Finding, Lifted, Responsibility, Scalar, Trace, Verdict
from schemas.facts import AccountFlagged, AccountRef, ContactLogged, Fact, NoticeRecorded, StatementSent
from schemas.records import from_plain, to_plain
from service.core.account import Account, Known
from service.core.gates import REGISTRY, Answer, Facility, Inquiry, Said
from service.core.gates.asking import NO_PAPERS, NOTHING_TOLD
from service.core.gates.letters import reader_of
from service.core.lifting import lift, permits_of
from service.core.policy import Period, Policy, Rule, shown


def inquire(
    account: Account, responsibility: Responsibility, as_of: date, facilities: tuple[Facility, ...] = ()
) -> Inquiry:
    """Prepare once what every gate looks at."""
    signals: dict[str, tuple[Trace, ...]] = {}
    for trace in responsibility.traces:
        signals[trace.rule] = (*signals.get(trace.rule, ()), trace)
    flags: dict[str, tuple[Known[AccountFlagged], ...]] = {}
    for flag in account.flags:
        flags[flag.body.flag] = (*flags.get(flag.body.flag, ()), flag)
    final = _final_statements(account, signals)
    unread: tuple[Known[StatementSent], ...] = ()
    if final and (reader := reader_of(account.registered)) is not None:
        unread = tuple([s for s in final if s.body.sent_on <= as_of and not reader.reads(s.body)])
        final = tuple([s for s in final if reader.reads(s.body)])
    delivered = tuple([s for s in final if s.body.sent_on <= as_of])
    later = final[len(delivered)].body.sent_on if len(delivered) < len(final) else None
    told = _told(account)
    return Inquiry(
        account,
        responsibility,
        as_of,
        signals,
        delivered,
        later,
        _clock_on(delivered),
        flags,
        _contacts(told, as_of),
        _papers(account),
        told,
        unread,
        facilities,
    )


_RARE: Final = frozenset({"contact.logged", "agency.reported", "claim.status"})
"""Kinds that gates read as they came, since few accounts have them."""


def _told(account: Account) -> Mapping[str, tuple[Fact, ...]]:
    found = [fact for fact in account.facts if fact.kind in _RARE]
    if not found:
        return NOTHING_TOLD
    told: dict[str, tuple[Fact, ...]] = {}
    for fact in found:
        told[fact.kind] = (*told.get(fact.kind, ()), fact)
    return told


def _contacts(told: Mapping[str, tuple[Fact, ...]], as_of: date) -> tuple[Known[ContactLogged], ...]:
    logged = told.get("contact.logged")
    if not logged:
        return ()
    known = [
        Known(body, fact.id, body.at, cast(AccountRef, fact.account))
        for fact in logged
        if (body := cast(ContactLogged, fact.body)).at.date() <= as_of
    ]
    return tuple(sorted(known, key=lambda c: (c.at, c.id)))


def _papers(account: Account) -> Mapping[str, Known[NoticeRecorded]]:
    """The newest document of each kind, where it holds: one that was taken back hides those before it."""
    if not account.notices:
        return NO_PAPERS
    newest = {n.body.kind: n for n in sorted(account.notices, key=lambda n: (n.body.on, n.id))}
    return {kind: notice for kind, notice in newest.items() if notice.body.valid}


def _final_statements(
    account: Account, signals: dict[str, tuple[Trace, ...]]
) -> tuple[Known[StatementSent], ...]:
    """Delivered statements that could show a final balance: sent once every payer had first answered, or was
    closed, or the account went the self-pay way."""
    if not account.statements:
        return ()
    settled = {i for rule in ("DET-10", "DET-18") for t in signals.get(rule, ()) for i in t.evidence}
    days = [a.on for a in account.adjudications if settled.intersection(a.ids)]
    days += [s.body.on for s in account.claim_statuses if s.id in settled]
    if account.self_pay_since is not None and account.self_pay_since.id in settled:
        days.append(account.self_pay_since.at.date())
    final_on = max(days, default=date.min)
    return account.delivered_statements(final_on)


def _clock_on(delivered: tuple[Known[StatementSent], ...]) -> date | None:
    """The day of the first statement; of merged accounts they are those of the one billed last."""
    return delivered[0].body.sent_on if delivered else None


def decide(account: Account, responsibility: Responsibility, policy: Policy, as_of: date) -> Decision:
    """Ask every gate about every stage, and record the answers.

    The decision is a pure function of the account's facts, the policy and the day: the same three give the
    same bytes. What a gate always says (its name, citation and standing sentence) is in the policy that the
    record names by digest, and is not repeated; `read_decision` puts it back. Of the policy's scoped packs
    those that match the account are in force, and the record names them. What people lifted is recorded with
    the gate's own verdict beside it.
    """
    policy = policy.for_account(account)
    period = policy.on(as_of)
    asked = inquire(account, responsibility, as_of, policy.facilities_of(account))
    findings, spoken, said, clear = _ask(asked, period)
    if account.overrides and (permits := permits_of(account, as_of, period)):
        findings = lift(findings, permits, responsibility, period)
        spoken = lift(spoken, permits, responsibility, period)
    lifted = [f for f in spoken if f.lifted is not None]
    outcomes = _outcomes(spoken)
    review_on = _review_on(spoken, outcomes, policy.next_change(as_of))
    if any(rule.moves for rule, _ in period.rules):
        # A rule about days may change its mind on any day, and names none.
        review_on = as_of + timedelta(days=1)
    owes = to_plain(responsibility)
    material = _material(responsibility, spoken, outcomes, lifted)
    content = to_bytes(
        {
            **({"lifted": _lifted_as_plain(lifted)} if lifted else {}),
            "account": (account.ref.facility, account.ref.number),
            "as_of": as_of,
            "clear": clear,
            "facts_sha256": account.facts_sha256,
            "gates": said,
            "material": material,
            "outcomes": [_WORDS[o] for o in outcomes],
            "policy": _named(policy),
            "responsibility": owes,
            "review_on": review_on,
        }
    )
    return Decision(
        account.ref,
        as_of,
        responsibility,
        tuple(findings),
        outcomes,
        policy.version,
        policy.sha256,
        account.facts_sha256,
        review_on,
        material,
        digest(content),
        content,
        policy.applied,
    )


def _lifted_as_plain(lifted: Sequence[Finding]) -> list[dict[str, Any]]:
    """What people lifted, as the record holds it."""
    return [{"gate": f.gate, "stage": f.stage, **to_plain(f.lifted)} for f in lifted]


def _named(policy: Policy) -> dict[str, Any]:
    """The policy as the record names it; no packs where no scoped pack concerned the account."""
    named: dict[str, Any] = {"sha256": policy.sha256, "version": policy.version}
    if policy.applied:
        named["packs"] = policy.applied
    return named


def answers_of(asked: Inquiry, period: Period) -> list[Answer]:
    """What every gate says, in the order of the registry."""
    return [answer_of(asked, period, place) for place in range(len(REGISTRY))]


def answer_of(asked: Inquiry, period: Period, place: int) -> Answer:
    """What the gate at one place of the registry says; a gate without a value it needs holds."""
    terms = period.gates[place]
    return REGISTRY[place].ask(asked, terms.values) if terms.missing is None else _no_value(terms.missing)


def heard_of(asked: Inquiry, period: Period) -> list[tuple[str, Said | None, bool]]:
    """What every house rule says about opening a case, by id, and whether mere days may change its mind."""
    found = []
    for rule, _ in period.rules:
        heard, _given = rule.ask(asked)
        found.append((rule.id, None if heard is None else heard[0], bool(rule.moves)))
    return found


Each: TypeAlias = tuple[Said | None, Said | None, Said | None]


def _ask(
    asked: Inquiry, period: Period
) -> tuple[list[Finding], list[Finding], list[dict[str, Any]], list[str]]:
    """Ask every gate: all findings, those that are no standing answer, as the record holds them, and the
    gates with nothing to say."""
    answers = answers_of(asked, period)
    findings = list(period.standing)
    spoken: list[Finding] = []
    said: list[dict[str, Any]] = []
    for at, answer in enumerate(answers):
        if answer is None:
            continue
        each = (answer, answer, answer) if isinstance(answer, Said) else answer
        for place, one in enumerate(each, at * len(STAGES)):
            if one is not None:
                findings[place] = _finding(one, findings[place])
                spoken.append(findings[place])
        said.append({"gate": REGISTRY[at].id, "given": period.gates[at].values, "says": _compact(each)})
    clear = [gate.id for gate, answer in zip(REGISTRY, answers, strict=True) if answer is None]
    for rule, standing in period.rules:
        heard, given = rule.ask(asked)
        if heard is None:
            clear.append(rule.id)
            findings += standing
            continue
        told = _rule_findings(rule, standing, heard, given)
        findings += told
        spoken += [finding for finding, one in zip(told, heard, strict=True) if one is not None]
        said.append({"gate": rule.id, "given": given, "says": _compact((heard[0], heard[1], heard[2]))})
    return findings, spoken, said, clear


def _rule_findings(
    rule: Rule, standing: tuple[Finding, ...], each: Sequence[Said | None], given: Mapping[str, Scalar]
) -> list[Finding]:
    """A house rule's answers, each with the values of the account that it looked at."""
    return [
        at_rest if one is None else replace(_finding(one, at_rest), parameters=shown(rule.when, given))
        for one, at_rest in zip(each, standing, strict=True)
    ]


def _no_value(name: str) -> Said:
    text = f"Policy states no {name.replace('_', ' ')} for this day."
    return Said(Verdict.HOLD, text, None, "a policy in force on this day")


def _finding(said: Said, standing: Finding) -> Finding:
    return Finding(
        standing.gate,
        standing.name,
        standing.stage,
        said.verdict,
        said.because,
        standing.citation,
        said.until,
        said.lifted_by,
        standing.parameters,
        said.evidence,
        standing.set_by,
    )


def _compact(answer: Each) -> list[list[Any] | None]:
    """One entry where all stages hear the same, else one for each; None for the standing sentence."""
    first = answer[0]
    if answer[1] is first and answer[2] is first:
        answer_once: tuple[Said | None, ...] = (first,)
    else:
        answer_once = answer
    return [None if one is None else [_WORDS[one[0]], *one[1:]] for one in answer_once]


_WORDS: Final = tuple(v.word for v in Verdict)


def _outcomes(spoken: list[Finding]) -> tuple[Verdict, Verdict, Verdict]:
    """The worst verdict of each stage that nobody lifted."""
    worst = dict.fromkeys(STAGES, Verdict.ALLOW)
    for finding in spoken:
        if finding.lifted is None and finding.verdict > worst[finding.stage]:
            worst[finding.stage] = finding.verdict
    return worst[STAGES[0]], worst[STAGES[1]], worst[STAGES[2]]


def _review_on(
    spoken: list[Finding], outcomes: tuple[Verdict, Verdict, Verdict], policy_change: date | None
) -> date | None:
    """The first day on which some stage's outcome can change by waiting alone.

    A stage's outcome changes once the last of its worst findings runs out; if one of them waits for an event,
    no day changes it. What is allowed or lifted only until a day is looked at again on that
    day. A change of policy is always a day to look again.
    """
    days = [policy_change] if policy_change else []
    days += [f.until for f in spoken if f.until is not None and f.verdict is Verdict.ALLOW]
    days += [f.lifted.until for f in spoken if f.lifted is not None]
    for stage, worst in zip(STAGES, outcomes, strict=True):
        if worst is Verdict.ALLOW:
            continue
        untils = [f.until for f in spoken if f.stage == stage and f.verdict is worst and f.lifted is None]
        if None not in untils:
            days.append(max(u for u in untils if u is not None))
    return min(days, default=None)


def _material(
    responsibility: Responsibility,
    spoken: list[Finding],
    outcomes: tuple[Verdict, Verdict, Verdict],
    lifted: list[Finding],
) -> str:
    """What makes a decision another one: who owes what, verdicts and the days they run until; no wording."""
    return digest(
        to_bytes(
            [
                outcomes,
                responsibility.determination,
                responsibility.balance_cents,
                responsibility.net_cents,
                [
                    (s.bearer, s.amount_cents, s.reason.group, s.reason.code, s.claim_id)
                    for s in responsibility.shares
                ],
                [(f.gate, f.stage, f.verdict, f.until) for f in spoken if f.verdict is not Verdict.ALLOW],
                *[(f.gate, f.stage, f.lifted.override, f.lifted.until) for f in lifted if f.lifted],
            ]
        )
    )


def read_decision(content: bytes, policy: Policy) -> Decision:
    """Read a stored decision back, with the standing answers of the policy it names.

    Raises:
        ValueError: the policy is not the one the decision was made under.
    """
    plain = from_bytes(content)
    sha256 = plain["policy"]["sha256"]
    if sha256 != policy.sha256:
        raise ValueError("this decision was made under another policy")
    policy = policy.with_packs(plain["policy"].get("packs", ()))
    as_of = date.fromisoformat(plain["as_of"])
    findings = _read_findings({g["gate"]: g for g in plain["gates"]}, policy.on(as_of))
    if told := plain.get("lifted"):
        lifted = {(one.pop("gate"), one.pop("stage")): from_plain(Lifted, one) for one in told}
        findings = tuple(
            replace(f, lifted=lifted[f.gate, f.stage]) if (f.gate, f.stage) in lifted else f for f in findings
        )
    words = {v.word: v for v in Verdict}
    outcomes = [words[word] for word in plain["outcomes"]]
    responsibility = from_plain(Responsibility, plain["responsibility"])
    review_on = plain["review_on"]
    return Decision(
        AccountRef(*plain["account"]),
        as_of,
        responsibility,
        findings,
        (outcomes[0], outcomes[1], outcomes[2]),
        plain["policy"]["version"],
        sha256,
        plain["facts_sha256"],
        date.fromisoformat(review_on) if review_on else None,
        plain["material"],
        digest(content),
        content,
        policy.applied,
    )


def _read_findings(said: dict[str, dict[str, Any]], period: Period) -> tuple[Finding, ...]:
    out: list[Finding] = []
    for gate, terms in zip(REGISTRY, period.gates, strict=True):
        for one, standing in zip(_read_says(said.get(gate.id)), terms.standing, strict=True):
            out.append(standing if one is None else _finding(one, standing))
    for rule, rests in period.rules:
        record = said.get(rule.id)
        out += _rule_findings(rule, rests, _read_says(record), record["given"] if record else {})
    return tuple(out)


def _read_says(record: dict[str, Any] | None) -> list[Said | None]:
    """A gate's or rule's answer for each stage, as recorded; None for the standing sentence."""
    words = {v.word: v for v in Verdict}
    read: list[Said | None] = []
    for one in record["says"] if record else [None]:
        if one is None:
            read.append(None)
            continue
        word, because, until, lifted_by, evidence = one
        day = date.fromisoformat(until) if until else None
        read.append(Said(words[word], because, day, lifted_by, tuple(evidence)))
    return read * len(STAGES) if len(read) == 1 else read
