"""What an account's facts add up to: every field is a sum, a latest by business time, or a union."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from operator import attrgetter
from typing import Any, Final, Generic, TypeVar, cast

from schemas.canonical import digest, to_bytes
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
    AccountsMerged,
    AdjudicationUnreadable,
    AdjustmentPosted,
    AssistanceChanged,
    BalanceReported,
    ChargePosted,
    ClaimStatusReported,
    ClaimSubmitted,
    CodingStatusChanged,
    CoverageListed,
    Fact,
    NoticeRecorded,
    PaymentPending,
    PaymentPosted,
    Person,
    PlanChanged,
    PromiseChanged,
    StatementSent,
)
from schemas.records import swift_init
from service.core.adjudication import Adjudication
from service.core.carriers import merge_adjudications

B_co = TypeVar("B_co", covariant=True)


@swift_init
@dataclass(frozen=True, slots=True)
class Known(Generic[B_co]):
    """One statement in force: what it says, since when, for which account, and the fact that says it."""

    body: B_co
    id: str
    at: datetime
    account: AccountRef
    where: str = ""


NOTHING_REGISTERED: Final = AccountRegistered()


@dataclass(frozen=True, slots=True)
class Contradiction:
    """Facts that cannot all be true: two contents under one business key, or one message id used twice."""

    kind: str
    evidence: tuple[str, ...]


@swift_init
@dataclass(frozen=True, slots=True)
class Account:
    """A patient account as its facts state it; equal for any order and any repetition of the facts.

    `moved_to` is set when this account was merged into another whose facts were not given: its balance is
    elsewhere. `flags` are those placed and not lifted, `lifted` the others, each with the day it was lifted.
    `self_pay_since` is the list that first stated self-pay, where every later one says so too. Amounts are
    signed cents in `currency`.
    """

    ref: AccountRef
    currency: str
    facts: tuple[Fact, ...]
    facts_sha256: str
    contradictions: tuple[Contradiction, ...] = ()
    mixed_currencies: bool = False
    moved_to: AccountRef | None = None
    registered: AccountRegistered = NOTHING_REGISTERED
    coverage: Known[CoverageListed] | None = None
    charges: tuple[Known[ChargePosted], ...] = ()
    coding: Known[CodingStatusChanged] | None = None
    submitted: tuple[Known[ClaimSubmitted], ...] = ()
    adjudications: tuple[Adjudication, ...] = ()
    unreadable: tuple[Known[AdjudicationUnreadable], ...] = ()
    payments: tuple[Known[PaymentPosted], ...] = ()
    adjustments: tuple[Known[AdjustmentPosted], ...] = ()
    report: Known[BalanceReported] | None = None
    statements: tuple[Known[StatementSent], ...] = ()
    pending_payments: tuple[Known[PaymentPending], ...] = ()
    assistance: Known[AssistanceChanged] | None = None
    plans: tuple[Known[PlanChanged], ...] = ()
    promises: tuple[Known[PromiseChanged], ...] = ()
    notices: tuple[Known[NoticeRecorded], ...] = ()
    flags: tuple[Known[AccountFlagged], ...] = ()
    lifted: tuple[tuple[Known[AccountFlagged], date], ...] = ()
    claim_statuses: tuple[Known[ClaimStatusReported], ...] = ()
    self_pay_since: Known[CoverageListed] | None = None

    def delivered_statements(self) -> tuple[Known[StatementSent], ...]:
        """Statements that reached the guarantor, by day; returned mail takes a delivery back."""
        lost: list[tuple[Known[AccountFlagged], date | None]] = [
            (f, None) for f in self.flags if f.body.flag == "returned_mail"
        ]
        lost += [(f, on) for f, on in self.lifted if f.body.flag == "returned_mail"]
        return tuple([s for s in self.statements if s.body.delivered and not (lost and _lost(s, lost))])


def _lost(statement: Known[StatementSent], lost: list[tuple[Known[AccountFlagged], date | None]]) -> bool:
    for flag, lifted_on in lost:
        reference = flag.body.reference
        if reference is not None and reference.isdigit():
            if int(reference) == statement.body.number:
                return True
        elif lifted_on is None or statement.body.sent_on < lifted_on:
            return True
    return False


def fold(facts: Iterable[Fact]) -> Account:
    """Add an account's facts up, in an order that the facts themselves determine.

    Facts of merged accounts may be given together: the account that survives is the one described.

    >>> from datetime import timezone
    >>> from schemas.facts import ChargePosted
    >>> at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> made = Fact.of(AccountRef("GEN", "A1"), "k", at, ChargePosted("C1", 60000, date(2026, 1, 2)))
    >>> fold([made]) == fold([made, made])
    True

    Raises:
        ValueError: no fact names an account.
    """
    distinct = {fact.id: fact for fact in facts if fact.account is not None}
    ordered = tuple(sorted(distinct.values(), key=_business_time))
    if not ordered:
        raise ValueError("no fact names an account")
    ref, moved_to, circular = _survivor(ordered)
    by_kind, contradictions = _by_kind(ordered)
    if circular:
        contradictions += (circular,)
    currencies = sorted({f.currency for f in ordered if f.kind in _WITH_MONEY})
    adjudications = merge_adjudications(by_kind.get("claim.adjudicated", ()))
    flags, lifted = _flags(by_kind)
    return Account(
        ref,
        currencies[0] if currencies else ordered[0].currency,
        ordered,
        digest(to_bytes(sorted(distinct))),
        contradictions,
        len(currencies) > 1,
        moved_to,
        _registered(by_kind.get("account.registered", ())),
        _latest(by_kind.get("coverage.listed", ())),
        _all(by_kind.get("charge.posted", ())),
        _latest(by_kind.get("coding.status", ())),
        _all(by_kind.get("claim.submitted", ())),
        adjudications,
        _unreadable(by_kind, adjudications),
        _all(by_kind.get("payment.posted", ())),
        _all(by_kind.get("adjustment.posted", ())),
        _newest(by_kind.get("balance.reported", ()), "as_of"),
        tuple(sorted(_all(by_kind.get("statement.sent", ())), key=lambda s: (s.body.sent_on, s.id))),
        _pending(by_kind),
        _newest(by_kind.get("assistance.changed", ()), "on"),
        _latest_by(by_kind.get("plan.changed", ()), "plan_id"),
        _latest_by(by_kind.get("promise.changed", ()), "promise_id"),
        _all(by_kind.get("notice.recorded", ())),
        flags,
        lifted,
        tuple(sorted(_all(by_kind.get("claim.status", ())), key=lambda s: (s.body.on, s.at, s.id))),
        _self_pay_since(by_kind.get("coverage.listed", ())),
    )


def service_day(account: Account) -> date | None:
    """The first day of service that any fact states."""
    if account.registered.service_from:
        return account.registered.service_from
    if account.charges:
        return min(c.body.service_on for c in account.charges)
    stated = [a.claim.service_from for a in account.adjudications if a.claim.service_from]
    return min(stated, default=None)


Kinds = dict[str, list[Fact]]

_WITH_MONEY: Final = frozenset(
    {
        "charge.posted",
        "claim.submitted",
        "claim.adjudicated",
        "payment.posted",
        "adjustment.posted",
        "balance.reported",
        "statement.sent",
        "payment.pending",
    }
)


_business_time: Final = attrgetter("occurred_at", "id")


def _known(fact: Fact) -> Known[Any]:
    return Known(fact.body, fact.id, fact.occurred_at, cast(AccountRef, fact.account), fact.where)


def _all(facts: Iterable[Fact]) -> tuple[Known[Any], ...]:
    return tuple([_known(fact) for fact in facts])


def _latest(facts: list[Fact] | tuple[()]) -> Known[Any] | None:
    return _known(facts[-1]) if facts else None


def _self_pay_since(facts: list[Fact] | tuple[()]) -> Known[CoverageListed] | None:
    """The first of the empty lists at the end: the same list sent again starts nothing anew."""
    since = None
    for fact in reversed(facts):
        if cast(CoverageListed, fact.body).coverages:
            break
        since = fact
    return _known(since) if since else None


def _newest(facts: Iterable[Fact], day: str) -> Known[Any] | None:
    """The statement about the newest day; of one day the one that became true last."""
    return _known(found) if (found := max(facts, key=lambda f: _day_time(f, day), default=None)) else None


def _day_time(fact: Fact, day: str) -> tuple[date, datetime, str]:
    return getattr(fact.body, day), fact.occurred_at, fact.id


def _latest_by(facts: Iterable[Fact], name: str) -> tuple[Known[Any], ...]:
    last = {getattr(fact.body, name): fact for fact in facts}
    return tuple([_known(last[key]) for key in sorted(last)])


def _by_kind(ordered: tuple[Fact, ...]) -> tuple[Kinds, tuple[Contradiction, ...]]:
    """Facts by kind, one for each business key, and what contradicts.

    Among contradicting facts the last by business time (ties by id) stands, so that every reading of the same
    facts shows the same account; the contradiction itself makes the account undetermined.
    """
    by_key: dict[str, list[Fact]] = {}
    by_identity: dict[str, list[Fact]] = {}
    for fact in ordered:
        by_key.setdefault(fact.key, []).append(fact)
        if fact.identity is not None:
            by_identity.setdefault(fact.identity, []).append(fact)
    found = [
        Contradiction(group[0].kind, tuple(sorted(f.id for f in group)))
        for group in by_key.values()
        if len(group) > 1 and group[0].kind != "claim.adjudicated"
    ]
    found += [
        Contradiction(group[0].kind, ids)
        for group in by_identity.values()
        if len(group) > 1
        and (ids := tuple(sorted(f.id for f in group)))
        and not any(c.evidence == ids for c in found)
    ]
    kinds: Kinds = {}
    for group in by_key.values():
        stands = group if group[0].kind == "claim.adjudicated" else group[-1:]
        kinds.setdefault(group[0].kind, []).extend(stands)
    for facts in kinds.values():
        if len(facts) > 1:
            facts.sort(key=_business_time)
    return kinds, tuple(sorted(found, key=lambda c: c.evidence))


def _survivor(ordered: tuple[Fact, ...]) -> tuple[AccountRef, AccountRef | None, Contradiction | None]:
    """Which account the facts describe once every merge is followed."""
    present = {cast(AccountRef, fact.account) for fact in ordered}
    into: dict[AccountRef, tuple[AccountRef, str]] = {}
    for fact in ordered:
        if isinstance(fact.body, AccountsMerged) and fact.account is not None:
            into[fact.account] = (fact.body.into, fact.id)
    if not into:
        first = min(present)
        if len(present) == 1:
            return first, None, None
        return first, None, Contradiction("account", tuple(f.id for f in ordered))
    roots, circular = set(), False
    for start in present:
        here, seen = start, {start}
        while here in into:
            here = into[here][0]
            if here in seen:
                circular = True
                break
            seen.add(here)
        roots.add(here)
    root = min(roots)
    problem = None
    if circular or len(roots) > 1:
        problem = Contradiction("accounts.merged", tuple(sorted(id for _, id in into.values())))
    if root in present:
        return root, None, problem
    return min(present), root, problem


def _newer_fields(older: Any, newer: Any) -> Any:
    """Take each field the newer record states; None leaves a field as it was."""
    if older is None or newer is None:
        return older if newer is None else newer
    changed = {
        name: _newer_fields(getattr(older, name), value) if isinstance(value, Person) else value
        for name in newer.__dataclass_fields__
        if (value := getattr(newer, name)) is not None
    }
    return replace(older, **changed)


def _registered(facts: Iterable[Fact]) -> AccountRegistered:
    stated: AccountRegistered | None = None
    for fact in facts:
        body = cast(AccountRegistered, fact.body)
        stated = body if stated is None else _newer_fields(stated, body)
    return stated or NOTHING_REGISTERED


def _pending(kinds: Kinds) -> tuple[Known[PaymentPending], ...]:
    """Payments under way: not posted under the same id, and not withdrawn by an amount of zero."""
    posted = {cast(PaymentPosted, f.body).payment_id for f in kinds.get("payment.posted", ())}
    last = _latest_by(kinds.get("payment.pending", ()), "payment_id")
    return tuple(p for p in last if p.body.amount_cents != 0 and p.body.payment_id not in posted)


def _lifts(cleared: Fact, flagged: Fact) -> bool:
    """Whether this clearing lifts this flag: same name, same reference (or none on either), and later.

    A flag with a reference needs that reference; so a general clearing never lifts a hold it did not name.
    """
    lifted, placed = cast(AccountCleared, cleared.body), cast(AccountFlagged, flagged.body)
    if lifted.flag != placed.flag or lifted.reference != placed.reference:
        return False
    return (cleared.occurred_at, lifted.cleared_on) > (flagged.occurred_at, placed.since)


def _flags(
    kinds: Kinds,
) -> tuple[tuple[Known[AccountFlagged], ...], tuple[tuple[Known[AccountFlagged], date], ...]]:
    standing: list[Known[AccountFlagged]] = []
    lifted: list[tuple[Known[AccountFlagged], date]] = []
    cleared = kinds.get("account.cleared", [])
    for fact in kinds.get("account.flagged", ()):
        days = [cast(AccountCleared, c.body).cleared_on for c in cleared if _lifts(c, fact)]
        if days:
            lifted.append((_known(fact), min(days)))
        else:
            standing.append(_known(fact))
    return tuple(standing), tuple(lifted)


def _unreadable(
    kinds: Kinds, adjudications: tuple[Adjudication, ...]
) -> tuple[Known[AdjudicationUnreadable], ...]:
    """Decisions nobody could read and nobody has mended.

    One is mended when the same place of the same payment was read later, or when a person clears the flag
    `unreadable_claim` for its claim number.
    """
    found = _all(kinds.get("claim.unreadable", ()))
    if not found:
        return ()
    read = {(a.claim.claim_id, a.claim.trace, place) for a in adjudications for place in a.places}
    lifted = {
        (body.reference, fact.occurred_at)
        for fact in kinds.get("account.cleared", ())
        if (body := cast(AccountCleared, fact.body)).flag == "unreadable_claim"
    }
    return tuple(
        u
        for u in found
        if not (u.where and (u.body.claim_id, u.body.trace, u.where) in read)
        and not any(reference == u.body.claim_id and at > u.at for reference, at in lifted)
    )
