"""What people do about one account: hold it, propose to release or to lift something, approve, withdraw.

Protecting more takes one person and is in force at once; protecting less takes two. Each word is a message of
its own at the desk: kept, read, decided on and recorded in one transaction like any other.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, cast

from adapters import desk
from adapters.store import AuditRow, Reader, Store, Unit
from adapters.store.rows import FactRecord
from schemas.canonical import to_bytes
from schemas.decisions import STAGES, Decision, Finding, Verdict
from schemas.errors import BatonError
from schemas.facts import (
    AccountFlagged,
    AccountRef,
    Body,
    Fact,
    Message,
    OverrideApproved,
    OverrideProposed,
    OverrideWithdrawn,
)
from service.core import Account, Policy, apportion, decide, fold
from service.core.lifting import ends_on, verdict_sha256, why_not_liftable
from service.core.overriding import (
    DESK,
    PLACED,
    Override,
    are_two_people,
    is_placed_at_desk,
    key_of_hold,
    released,
)
from service.core.policy import Period
from service.intake import Intake
from service.logins import check_logins
from service.plainly import Plain, day_of, instant_of
from service.receipts import Moment

NAME_CHARACTERS: Final = 100
REASON_CHARACTERS: Final = 500
SHORTEST_ID: Final = 8
SHOWN: Final = 12
MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Speaker:
    """Who says it, and how the machine knows them: `os:<user>` or `key:<id>`."""

    name: str
    known_as: str


@dataclass(frozen=True, slots=True)
class Stated:
    """What was said: the id of its fact, the account, and the hold or override that it is or is about."""

    id: str
    account: AccountRef
    override: str
    shared_login: str | None = None
    """The login of the machine by which both people came, where it was one."""


class Overrides:
    """The desk at which people speak about accounts."""

    def __init__(
        self, store: Store, intake: Intake, policy: Policy, *, refuse_shared_login: bool = False
    ) -> None:
        self._store = store
        self._intake = intake
        self._policy = policy
        self._refuse_shared_login = refuse_shared_login

    def hold(
        self, ref: AccountRef, by: Speaker, reason: str, moment: Moment, until: date | None = None
    ) -> Stated:
        """Hold an account from now on; an open case is taken back in the same transaction.

        Raises:
            BatonError: `no-such-account`, `no-name`, `no-reason`, `in-the-past`.
        """
        reason = _words(by, reason)
        if until is not None and until <= moment.as_of:
            raise BatonError("in-the-past", "the hold would end before it begins; name a later day")
        with self._store.read() as reader:
            _account_of(reader, ref)
        at = moment.now.astimezone(UTC).isoformat()
        body = AccountFlagged(PLACED, moment.as_of, until, at, by.name, reason)
        return self._state(ref, body, moment, by, key=key_of_hold(ref, at), event="override.held")

    def release(self, hold_id: str, by: Speaker, reason: str, moment: Moment) -> Stated:
        """Propose to release a hold that a person placed; a second person approves.

        Raises:
            BatonError: `no-such-hold`, `released-before`, `proposed-already`, `no-name`, `no-reason`.
        """
        reason = _words(by, reason)
        with self._store.read() as reader:
            found = [f for f in _begun(reader, hold_id) if is_placed_at_desk(f.fact)]
            if len(found) != 1:
                raise BatonError(
                    "no-such-hold", "no person placed this hold; `baton override list` shows them"
                )
            hold = found[0].fact
            ref = cast(AccountRef, hold.account)
            overrides = _overrides_of(reader, ref)
        if hold.id in released(overrides):
            raise BatonError("released-before", "two people have released this hold already")
        _none_waits(overrides, hold=hold.id)
        return self._state(ref, OverrideProposed(by.name, reason, moment.as_of, hold=hold.id), moment, by)

    def allow(
        self,
        ref: AccountRef,
        gate: str,
        by: Speaker,
        reason: str,
        moment: Moment,
        until: date | None = None,
    ) -> Stated:
        """Propose to lift what one gate says about opening a case; a second person approves.

        Raises:
            BatonError: `no-such-account`, `no-such-gate`, `nothing-to-lift`, `not-liftable`, `too-long`,
                `in-the-past`, `proposed-already`, `no-name`, `no-reason`.
        """
        reason = _words(by, reason)
        with self._store.read() as reader:
            account = _account_of(reader, ref)
        found, net_cents, period = self._looked_at(account, gate, moment.as_of)
        last = moment.as_of + timedelta(days=period.allowance.max_days)
        until = until or moment.as_of + timedelta(days=period.allowance.default_days)
        if until <= moment.as_of:
            raise BatonError("in-the-past", "it would end before it begins; name a later day")
        if until > last:
            most = period.allowance.max_days
            raise BatonError("too-long", f"policy lets it last {most} days; name {last} or a day before")
        _none_waits(account.overrides, gate=found.gate)
        body = OverrideProposed(
            by.name,
            reason,
            moment.as_of,
            found.gate,
            None,
            until,
            verdict_sha256(found),
            found.because,
            net_cents,
        )
        return self._state(account.ref, body, moment, by)

    def approve(self, id: str, by: Speaker, reason: str, moment: Moment) -> Stated:
        """Do what somebody else proposed; the account is decided on in the same transaction.

        Raises:
            BatonError: `no-such-override`, `settled-before`, `same-person`, `same-login`, `stale-proposal`,
                `not-liftable`, `no-name`, `no-reason`.
        """
        reason = _words(by, reason)
        with self._store.read() as reader:
            override, at = _override(reader, id)
            account = _home(reader, override.account)
        if override.state != "proposed":
            raise BatonError("settled-before", f"this override was {override.state} before")
        said = override.proposal
        if not are_two_people(said.by, said.known_as, by.name, by.known_as):
            raise BatonError("same-person", "who proposed this cannot approve it; a second person must")
        shared = check_logins(said.known_as, by.known_as, refuse=self._refuse_shared_login)
        if said.gate is not None:
            found, net_cents, _ = self._looked_at(account, said.gate, moment.as_of)
            within = said.until is not None and moment.as_of < said.until
            same = verdict_sha256(found) == said.verdict_sha256 and net_cents <= (said.amount_cents or 0)
            if not within or not same or account.ref != override.account:
                raise BatonError(
                    "stale-proposal", "the gate says something else by now; withdraw this and propose anew"
                )
        stated = self._state(
            override.account,
            OverrideApproved(override.id, by.name, reason, moment.as_of, by.known_as),
            moment,
            by,
            not_before=at,
        )
        return replace(stated, shared_login=shared)

    def withdraw(self, id: str, by: Speaker, reason: str, moment: Moment) -> Stated:
        """Take an override back, approved or not: what it lifted stands again at once.

        Raises:
            BatonError: `no-such-override`, `settled-before`, `no-name`, `no-reason`.
        """
        reason = _words(by, reason)
        with self._store.read() as reader:
            override, at = _override(reader, id)
        if override.state == "withdrawn":
            raise BatonError("settled-before", "this override was withdrawn before")
        body = OverrideWithdrawn(override.id, by.name, reason, moment.as_of, by.known_as)
        return self._state(override.account, body, moment, by, not_before=at)

    def _looked_at(self, account: Account, gate: str, as_of: date) -> tuple[Finding, int, Period]:
        """What a gate says about opening a case today, where people may lift it."""
        owes = apportion(account, self._policy)
        decision = decide(account, owes, self._policy, as_of)
        period = self._policy.for_account(account).on(as_of)
        found = next(
            (f for f in decision.findings if f.gate == gate.strip().upper() and f.stage == STAGES[0]), None
        )
        if found is None:
            raise BatonError(
                "no-such-gate", "no gate or house rule has this id; `baton policy show` lists them"
            )
        if found.verdict is Verdict.ALLOW:
            raise BatonError("nothing-to-lift", "this gate does not keep a case from opening")
        if (why := why_not_liftable(found, period)) is not None:
            name = found.name.replace("_", " ")
            raise BatonError("not-liftable", f"{found.gate} ({name}): {why}; it rests on {found.citation}")
        return found, owes.net_cents, period

    def _state(
        self,
        ref: AccountRef,
        body: Body,
        moment: Moment,
        by: Speaker,
        *,
        key: str = "",
        event: str = "",
        not_before: datetime | None = None,
    ) -> Stated:
        body = _known(body, by)
        kind = _KINDS.get(type(body), event)
        at = _instant(moment, not_before)
        key = key or f"{kind}|{ref}|{DESK}|{moment.now.astimezone(UTC).isoformat()}|{_about(body)}"
        fact = Fact.of(ref, key, at, body, where=desk.PLACE)
        message = Message.of(
            desk.write([fact]),
            feed=desk.FORMAT,
            format=desk.FORMAT,
            door=desk.FORMAT,
            received_at=moment.now,
        )

        def record(unit: Unit) -> None:
            unit.add_audit([_entry(kind, fact, by, moment.now)])

        self._intake.take(message, moment, record)
        return Stated(fact.id, ref, getattr(body, "override", fact.id))


_KINDS: Final[dict[type, str]] = {
    OverrideProposed: "override.proposed",
    OverrideApproved: "override.approved",
    OverrideWithdrawn: "override.withdrawn",
}


def _known(body: Body, by: Speaker) -> Body:
    """A proposal with how the machine knows who makes it."""
    if isinstance(body, OverrideProposed):
        return OverrideProposed(
            body.by, body.reason, body.on, body.gate, body.hold, body.until, body.verdict_sha256,
            body.because, body.amount_cents, by.known_as,
        )  # fmt: skip
    return body


def _about(body: Body) -> str:
    if isinstance(body, OverrideProposed):
        return body.gate or body.hold or ""
    return getattr(body, "override", "")


def _instant(moment: Moment, not_before: datetime | None) -> datetime:
    """When it became true: now, but never on a later day than it is where the hospital is."""
    at = moment.now.astimezone(UTC)
    if at.date() > moment.as_of:
        at = datetime.combine(moment.as_of, time.max, UTC)
    return at if not_before is None else max(at, not_before)


def _words(by: Speaker, reason: str) -> str:
    """The reason as it is kept.

    Raises:
        BatonError: `no-name`, `no-reason`, `name-too-long`, `reason-too-long`, `not-readable`.
    """
    name, why = by.name.strip(), " ".join(reason.split())
    if not name:
        raise BatonError("no-name", "say who you are")
    if not why:
        raise BatonError("no-reason", "say why; whoever asks `baton why` reads it")
    if len(name) > NAME_CHARACTERS:
        raise BatonError("name-too-long", f"write a name of at most {NAME_CHARACTERS} characters")
    if len(why) > REASON_CHARACTERS:
        raise BatonError("reason-too-long", f"write a reason of at most {REASON_CHARACTERS} characters")
    if not (name + why).isprintable():
        raise BatonError("not-readable", "name and reason are plain text; leave control characters out")
    return why


def _begun(reader: Reader, id: str) -> list[FactRecord]:
    id = id.strip().lower()
    if len(id) < SHORTEST_ID or not id.isascii() or not id.isalnum():
        raise BatonError("short-id", f"write at least {SHORTEST_ID} characters of the id")
    return reader.facts_begun(id)


def _override(reader: Reader, id: str) -> tuple[Override, datetime]:
    """The override of this id and when it was proposed."""
    found = [r.fact for r in _begun(reader, id) if isinstance(r.fact.body, OverrideProposed)]
    if len(found) != 1:
        raise BatonError("no-such-override", "nobody proposed this; `baton override list` shows what was")
    fact = found[0]
    one = next((o for o in _overrides_of(reader, cast(AccountRef, fact.account)) if o.id == fact.id), None)
    if one is None:
        raise BatonError("no-such-override", "nobody proposed this; `baton override list` shows what was")
    return one, fact.occurred_at


def _overrides_of(reader: Reader, ref: AccountRef) -> tuple[Override, ...]:
    """Everything proposed for one account, also where it was merged away since."""
    return tuple(one for one in _home(reader, ref).overrides if one.account == ref)


def _home(reader: Reader, ref: AccountRef) -> Account:
    """The account that holds this one's facts."""
    facts = [r.fact for one in reader.group(ref) for r in reader.facts(one)]
    account = fold(facts, ref)
    return account if account.moved_to is None else fold(facts, account.moved_to)


def _account_of(reader: Reader, ref: AccountRef) -> Account:
    facts = [r.fact for one in reader.group(ref) for r in reader.facts(one)]
    if not facts:
        raise BatonError("no-such-account", "no message has named this account; write FACILITY/NUMBER")
    account = fold(facts, ref)
    if account.moved_to is not None:
        raise BatonError("account-moved", f"this account was merged into {account.moved_to}; name that one")
    return account


def _none_waits(overrides: Iterable[Override], gate: str | None = None, hold: str | None = None) -> None:
    for one in overrides:
        if one.state == "proposed" and (one.proposal.gate, one.proposal.hold) == (gate, hold):
            text = f"the same waits for a second person as {one.id[:SHOWN]}; approve or withdraw that"
            raise BatonError("proposed-already", text)


def _entry(kind: str, fact: Fact, by: Speaker, now: datetime) -> AuditRow:
    """The audit entry: who said what about which account; the words themselves stand in the fact."""
    body: Any = fact.body
    content = {
        "account": [fact.account.facility, fact.account.number] if fact.account else None,
        "by": by.name,
        "fact": fact.id,
        "gate": getattr(body, "gate", None),
        "hold": getattr(body, "hold", None),
        "known_as": by.known_as,
        "override": getattr(body, "override", None),
        "until": getattr(body, "until", None),
    }
    return AuditRow(kind, str(fact.account), to_bytes(content), now)


# -- what there is ---------------------------------------------------------------------------------------


def listed(reader: Reader, policy: Policy, as_of: date, ref: AccountRef | None = None) -> list[Plain]:
    """Holds that people placed and everything proposed, of one account or of all, newest first."""
    if ref is not None:
        spoken = [ref]
    else:
        spoken = [r.fact.account for r in reader.facts_of_the_desk(MOST) if r.fact.account is not None]
    homes = {account.ref: account for one in dict.fromkeys(spoken) for account in [_home(reader, one)]}
    found = []
    for account in homes.values():
        owes = apportion(account, policy)
        decision = decide(account, owes, policy, as_of)
        found += told_of(account, decision, policy.for_account(account).on(as_of))
    return sorted(found, key=_told_order, reverse=True)


def told_of(account: Account, decision: Decision, period: Period) -> list[Plain]:
    """The holds that people placed and the overrides of one account as plain data, oldest first."""
    let_go, standing = released(account.overrides), {flag.id for flag in account.flags}
    by_id = {f.id: f for f in account.facts}
    lifting = {f.lifted.override for f in decision.findings if f.lifted is not None}
    told = [
        _hold(fact, fact.id in standing, let_go.get(fact.id))
        for fact in account.facts
        if is_placed_at_desk(fact)
    ]
    told += [_one(o, by_id[o.id].occurred_at, period, lifting, decision.as_of) for o in account.overrides]
    return sorted(told, key=_told_order)


def _told_order(one: Plain) -> tuple[datetime, bool, str]:
    """By time; of one instant a hold comes before what releases it."""
    return datetime.fromisoformat(one["at"]), one["what"] != "hold", one["id"]


def _hold(fact: Fact, stands: bool, done: Override | None) -> Plain:
    body = cast(AccountFlagged, fact.body)
    return {
        "id": fact.id,
        "account": str(fact.account),
        "what": "hold",
        "gate": "G56",
        "hold": None,
        "state": "in force" if stands else "released",
        "at": instant_of(fact.occurred_at),
        "by": body.by,
        "known_as": None,
        "reason": body.note,
        "looked_at": None,
        "until": day_of(body.until),
        **_answers(done if not stands else None),
    }


def _one(one: Override, at: datetime, period: Period, lifting: set[str], as_of: date) -> Plain:
    said, until = one.proposal, ends_on(one, period) or one.proposal.until
    state = one.state
    if state == "approved":
        in_force = one.id in lifting or said.hold is not None
        ended = until is not None and as_of >= until
        state = "in force" if in_force else "ended" if ended else "lifts nothing now"
    return {
        "id": one.id,
        "account": str(one.account),
        "what": "allow" if said.gate else "release",
        "gate": said.gate,
        "hold": said.hold,
        "state": state,
        "at": instant_of(at),
        "by": said.by,
        "known_as": said.known_as,
        "reason": said.reason,
        "looked_at": said.because,
        "until": day_of(until),
        **_answers(one),
    }


def _answers(one: Override | None) -> Plain:
    """What others said to a proposal."""
    yes, no = (one.approval, one.withdrawal) if one else (None, None)
    return {
        "approved_by": yes.by if yes else None,
        "approved_as": yes.known_as if yes else None,
        "approved_because": yes.reason if yes else None,
        "approved_on": day_of(yes.on) if yes else None,
        "withdrawn_by": no.by if no else None,
        "withdrawn_as": no.known_as if no else None,
        "withdrawn_because": no.reason if no else None,
        "withdrawn_on": day_of(no.on) if no else None,
    }
