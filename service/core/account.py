"""What an account's facts add up to: every field is a sum, a latest by business time, or a union."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, Generic, TypeVar, cast

from schemas.canonical import digest, to_bytes
from schemas.facts import (
    AccountCleared,
    AccountFlagged,
    AccountRef,
    AccountRegistered,
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
    PlanChanged,
    PromiseChanged,
    StatementSent,
)
from schemas.records import swift_init
from service.core.adjudication import Adjudication
from service.core.carriers import merge_adjudications
from service.core.clearing import flags_and_days
from service.core.guarantors import NOTHING_REGISTERED, Kinds, Tenure, register
from service.core.merging import Contradiction, United, business_time, unite
from service.core.overriding import Override, overrides_of
from service.core.withdrawing import reconciled, withdrawn

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


@swift_init
@dataclass(frozen=True, slots=True)
class Account:
    """A patient account as its facts state it; equal for any order and any repetition of the facts.

    `holds` are other accounts, merged into this one, whose facts are among these. `moved_to` is the account
    that holds this one's facts; then nothing is left here but the facts themselves. A statement that
    people have taken out is not among the facts; the fact that takes it out is. `flags` are those placed
    and not lifted, `lifted` the others, each with the day it was lifted. `reports` has the newest of each
    account held, newest first. `guarantors` says who answered since when; `registered` names the one of the
    day of service, as far as it is known. `identity_events` are the days, each with its fact, on which it
    changed whose account this is: merged, unmerged, moved to another patient. `elsewhere` are statements that
    went to somebody who does not answer, `billings` for each account held the statements that were about it.
    `overrides` is everything people proposed to lift here, oldest first, with what became of it.
    `charges` are those for services; `added` are interest and fees, which no payer is billed for.
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
    reports: tuple[Known[BalanceReported], ...] = ()
    holds: tuple[AccountRef, ...] = ()
    guarantors: tuple[Tenure, ...] = ()
    identity_events: tuple[tuple[date, str], ...] = ()
    elsewhere: frozenset[str] = frozenset()
    billings: tuple[frozenset[str], ...] = ()
    overrides: tuple[Override, ...] = ()
    added: tuple[Known[ChargePosted], ...] = ()

    def delivered_statements(self, since: date = date.min) -> tuple[Known[StatementSent], ...]:
        """Statements from a day on that reached who answers, by day; returned mail takes a delivery back.

        Of accounts merged into one, the statements about the account that was billed last: nobody is asked
        for a balance on the strength of a statement about another.
        """
        reached = [s for s in self._reached() if since <= s.body.sent_on]
        if not self.billings:
            return tuple(reached)
        lists = [tuple([s for s in reached if s.id in ids]) for ids in self.billings]
        return max(lists, key=lambda told: (told[0].body.sent_on if told else date.max, -len(told)))

    def _reached(self) -> list[Known[StatementSent]]:
        returned = [(f, date.max) for f in self.flags if f.body.flag == "returned_mail"]
        returned += [(f, on) for f, on in self.lifted if f.body.flag == "returned_mail"]
        numbered = {_number_of(f) for f, _ in returned}
        since = max([on for f, on in returned if _number_of(f) is None], default=date.min)
        return [
            s
            for s in self.statements
            if s.body.delivered
            and s.id not in self.elsewhere
            and str(s.body.number) not in numbered
            and since <= s.body.sent_on
        ]


def _number_of(returned: Known[AccountFlagged]) -> str | None:
    """The number of the one statement that came back; None where the address itself is in question."""
    reference = returned.body.reference or ""
    if not (reference.isascii() and reference.isdigit()):
        return None
    return reference.lstrip("0") or "0"


def fold(facts: Iterable[Fact], ref: AccountRef | None = None) -> Account:
    """Add an account's facts up, in an order that the facts themselves determine.

    Facts of accounts merged with one another may be given together: `ref` says which one is described;
    without it, the one that the others went into.

    >>> from datetime import timezone
    >>> from schemas.facts import ChargePosted
    >>> at = datetime(2026, 1, 2, tzinfo=timezone.utc)
    >>> made = Fact.of(AccountRef("GEN", "A1"), "k", at, ChargePosted("C1", 60000, date(2026, 1, 2)))
    >>> fold([made]) == fold([made, made])
    True

    Raises:
        ValueError: no fact names an account, and no `ref` does.
    """
    distinct: dict[str, Fact] = {}
    for fact in facts:
        # One statement from two places: which of them is kept must not depend on which came first.
        known = distinct.get(fact.id)
        if fact.account is not None and (known is None or _place(fact) < _place(known)):
            distinct[fact.id] = fact
    gone = withdrawn(distinct.values())
    standing = [f for f in distinct.values() if f.id not in gone]
    united = unite(tuple(sorted(standing, key=business_time)), ref)
    ordered = united.facts
    by_kind, contradictions = _by_kind(ordered, reconciled(ordered))
    currencies = sorted({f.currency for f in ordered if f.kind in WITH_MONEY})
    currency = currencies[0] if currencies else ordered[0].currency if ordered else "USD"
    facts_sha256 = digest(to_bytes(sorted([f.id for f in ordered])))
    registration = register(by_kind, united)
    events = tuple(sorted([*registration.moves, *_links(by_kind)]))
    if united.moved_to is not None:
        return Account(
            united.ref,
            currency,
            ordered,
            facts_sha256,
            united.contradictions,
            moved_to=united.moved_to,
            registered=registration.stated,
            identity_events=events,
        )
    contradictions += united.contradictions
    if registration.doubt is not None:
        contradictions += (registration.doubt,)
    coverage = united.standing(by_kind.get("coverage.listed", ()))
    if united.is_joint and (unlike := _unlike_coverage(coverage, by_kind, united)) is not None:
        contradictions += (unlike,)
    adjudications = merge_adjudications(by_kind.get("claim.adjudicated", ()))
    charges: tuple[Known[ChargePosted], ...] = _all(by_kind.get("charge.posted", ()))
    overrides = _overrides(by_kind)
    flags, lifted = _flags(by_kind, united, overrides)
    reports = _newest_of_each(by_kind.get("balance.reported", ()), "as_of")
    return Account(
        united.ref,
        currency,
        ordered,
        facts_sha256,
        contradictions,
        len(currencies) > 1,
        None,
        registration.stated,
        _known(coverage[0]) if coverage else None,
        tuple(c for c in charges if c.body.kind in _SERVICE),
        _coding(by_kind, united),
        _all(by_kind.get("claim.submitted", ())),
        adjudications,
        _unreadable(by_kind, adjudications),
        _all(by_kind.get("payment.posted", ())),
        _all(by_kind.get("adjustment.posted", ())),
        reports[0] if reports else None,
        tuple(sorted(_all(by_kind.get("statement.sent", ())), key=lambda s: (s.body.sent_on, s.id))),
        _pending(by_kind),
        _assistance(by_kind, united),
        _latest_by(by_kind.get("plan.changed", ()), "plan_id"),
        _latest_by(by_kind.get("promise.changed", ()), "promise_id"),
        _all(by_kind.get("notice.recorded", ())),
        flags,
        lifted,
        tuple(sorted(_all(by_kind.get("claim.status", ())), key=lambda s: (s.body.on, s.at, s.id))),
        _self_pay_since(by_kind.get("coverage.listed", ())),
        reports,
        tuple(sorted(united.members - {united.ref})),
        registration.tenures,
        events,
        registration.elsewhere,
        _billings(by_kind, united) if united.is_joint else (),
        overrides,
        tuple(c for c in charges if c.body.kind not in _SERVICE),
    )


_SERVICE: Final = frozenset({None, "service"})


def service_day(account: Account) -> date | None:
    """The first day of service that any fact states."""
    if account.registered.service_from:
        return account.registered.service_from
    if account.charges:
        return min(c.body.service_on for c in account.charges)
    stated = [a.claim.service_from for a in account.adjudications if a.claim.service_from]
    return min(stated, default=None)


WITH_MONEY: Final = frozenset(
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
"""Kinds of facts that name money."""


def _place(fact: Fact) -> tuple[str, str]:
    return fact.identity or "", fact.where


def _known(fact: Fact) -> Known[Any]:
    return Known(fact.body, fact.id, fact.occurred_at, cast(AccountRef, fact.account), fact.where)


def _all(facts: Iterable[Fact]) -> tuple[Known[Any], ...]:
    return tuple([_known(fact) for fact in facts])


def _self_pay_since(facts: list[Fact] | tuple[()]) -> Known[CoverageListed] | None:
    """The first of the empty lists at the end: the same list sent again starts nothing anew."""
    since = None
    for fact in reversed(facts):
        if cast(CoverageListed, fact.body).coverages:
            break
        since = fact
    return _known(since) if since else None


def _newest_of_each(facts: Sequence[Fact], day: str) -> tuple[Known[Any], ...]:
    """For each account its statement about the newest day, of one day the one that became true last."""
    last: dict[AccountRef | None, Fact] = {}
    for fact in sorted(facts, key=lambda f: _day_time(f, day)):
        last.pop(fact.account, None)
        last[fact.account] = fact
    return tuple([_known(fact) for fact in reversed(last.values())])


def _day_time(fact: Fact, day: str) -> tuple[date, datetime, str]:
    return getattr(fact.body, day), fact.occurred_at, fact.id


def _latest_by(facts: Iterable[Fact], name: str) -> tuple[Known[Any], ...]:
    last = {getattr(fact.body, name): fact for fact in facts}
    return tuple([_known(last[key]) for key in sorted(last)])


def _by_kind(
    ordered: tuple[Fact, ...], agreed: frozenset[str] = frozenset()
) -> tuple[Kinds, tuple[Contradiction, ...]]:
    """Facts by kind, one for each business key, and what contradicts.

    Of `agreed` facts people have said that they stand although they share a message id.

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
    by_now = {c.evidence for c in found}
    for group in by_identity.values():
        if len(group) > 1:
            ids = tuple(sorted([f.id for f in group]))
            if not agreed.issuperset(ids) and ids not in by_now:
                found.append(Contradiction(group[0].kind, ids))
    kinds: Kinds = {}
    for group in by_key.values():
        stands = group if group[0].kind == "claim.adjudicated" else group[-1:]
        kinds.setdefault(group[0].kind, []).extend(stands)
    for facts in kinds.values():
        facts.sort(key=business_time)
    return kinds, tuple(sorted(found, key=lambda c: c.evidence))


def _links(kinds: Kinds) -> list[tuple[date, str]]:
    return [
        (f.occurred_at.date(), f.id)
        for kind in ("accounts.merged", "accounts.unmerged")
        for f in kinds.get(kind, ())
    ]


def _coding(kinds: Kinds, united: United) -> Known[CodingStatusChanged] | None:
    """Where coding stands; of merged accounts where it is least complete."""
    said = kinds.get("coding.status")
    if not said:
        return None
    stands = united.standing(said)
    return _known(min(stands, key=lambda f: cast(CodingStatusChanged, f.body).status == "complete"))


_MOST_PROTECTIVE: Final = ("complete", "incomplete", "applied", "approved", "offered", "denied", "expired")


def _assistance(kinds: Kinds, united: United) -> Known[AssistanceChanged] | None:
    """Where financial assistance stands; of merged accounts the step that protects the patient most."""
    said = kinds.get("assistance.changed")
    if not said:
        return None
    stands = united.standing(sorted(said, key=lambda f: _day_time(f, "on")))
    return _known(min(stands, key=lambda f: _protection(cast(AssistanceChanged, f.body).state)))


def _protection(state: str) -> int:
    return _MOST_PROTECTIVE.index(state) if state in _MOST_PROTECTIVE else -1


_WITH_BALANCE: Final = ("charge.posted", "claim.adjudicated")


def _stating(kinds: Kinds, united: United, *named: str) -> list[AccountRef]:
    """The accounts, of those that came together, for which facts of these kinds were stated."""
    stated = {f.account for kind in named for f in kinds.get(kind, ())}
    return [member for member in sorted(united.members) if member in stated]


def _unlike_coverage(stands: list[Fact], kinds: Kinds, united: United) -> Contradiction | None:
    """Merged accounts whose payers differ, or are stated for some only, until a list for all comes."""
    listed = {account for f in stands for account in united.reaches(f)}
    missing = stands and not listed.issuperset(_stating(kinds, united, *_WITH_BALANCE))
    if not missing and all(f.body == stands[0].body for f in stands):
        return None
    merges = [f.id for f in kinds.get("accounts.merged", ())] if missing else []
    return Contradiction("merged.coverage", tuple(sorted([f.id for f in stands] + merges)))


def _billings(kinds: Kinds, united: United) -> tuple[frozenset[str], ...]:
    """For each account with a balance or statements of its own, the statements that were about it."""
    reached = [(f.id, united.reaches(f)) for f in kinds.get("statement.sent", ())]
    billed = _stating(kinds, united, *_WITH_BALANCE, "statement.sent")
    return tuple([frozenset(id for id, of in reached if account in of) for account in billed])


def _pending(kinds: Kinds) -> tuple[Known[PaymentPending], ...]:
    """Payments under way: not posted under the same id, and not withdrawn by an amount of zero."""
    posted = {cast(PaymentPosted, f.body).payment_id for f in kinds.get("payment.posted", ())}
    last = _latest_by(kinds.get("payment.pending", ()), "payment_id")
    return tuple(p for p in last if p.body.amount_cents != 0 and p.body.payment_id not in posted)


def _overrides(kinds: Kinds) -> tuple[Override, ...]:
    return overrides_of(
        kinds.get("override.proposed", ()),
        kinds.get("override.approved", ()),
        kinds.get("override.withdrawn", ()),
    )


def _flags(
    kinds: Kinds, united: United, overrides: tuple[Override, ...]
) -> tuple[tuple[Known[AccountFlagged], ...], tuple[tuple[Known[AccountFlagged], date], ...]]:
    """Flags that stand, and those lifted with their day."""
    standing: list[Known[AccountFlagged]] = []
    lifted: list[tuple[Known[AccountFlagged], date]] = []
    for fact, on in flags_and_days(kinds, united, overrides):
        if on is None:
            standing.append(_known(fact))
        else:
            lifted.append((_known(fact), on))
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
    # Of several clearings of one claim the last lifts all that the others do.
    lifted = {
        body.reference: fact.occurred_at
        for fact in kinds.get("account.cleared", ())
        if (body := cast(AccountCleared, fact.body)).flag == "unreadable_claim"
    }
    return tuple(
        u
        for u in found
        if not (u.where and (u.body.claim_id, u.body.trace, u.where) in read)
        and not (u.body.claim_id in lifted and lifted[u.body.claim_id] > u.at)
    )
