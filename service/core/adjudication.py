"""Payer decisions, and which of them still stand once they have answered each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from schemas.facts import Adjustment, ClaimAdjudicated
from schemas.records import swift_init

REVERSAL: Final = "22"
NOT_OURS: Final = "23"
PREDETERMINATION: Final = "25"
PROCESSED: Final = {"1": 1, "2": 2, "3": 3, "19": 1, "20": 2, "21": 3}
"""Claim status to the rank in which the payer processed it."""
FORWARDED: Final = frozenset({"19", "20", "21", "23"})
PENDED: Final = frozenset({"5", "10", "13", "15", "16", "17", "27"})
"""4010 claim statuses that say: not decided yet."""


@swift_init
@dataclass(frozen=True, slots=True)
class Adjudication:
    """One payer decision, counted once.

    `ids` are all facts that state it, `places` where they state it. `triples` is the sorted multiset of
    its (group, code, cents). `forwarded_to` and `corrected_payers` hold payer ids from every carrier.
    `stated_twice` says that carriers disagree about the patient's part. `also_known_as` are other names under
    which carriers speak of the payer.
    """

    claim: ClaimAdjudicated
    key: str
    ids: tuple[str, ...]
    at: datetime
    places: tuple[str, ...]
    triples: tuple[tuple[str, str, int], ...]
    forwarded_to: tuple[str, ...]
    corrected_payers: tuple[str, ...]
    stated_twice: bool = False
    also_known_as: tuple[str, ...] = ()

    @property
    def on(self) -> date:
        """The business day of the decision: the payment's, else the payer's own."""
        return self.claim.payment_on or self.claim.adjudicated_on


def in_business_order(found: list[Adjudication]) -> tuple[Adjudication, ...]:
    """Sort decisions by payment day, business instant and place in the carrier, never by arrival; of one
    moment originals first, then reversals, then corrections.

    Source: 005010X221A1 1.10.2.8.
    """
    return tuple(sorted(found, key=_order))


def _order(one: Adjudication) -> tuple[date, datetime, str, int, str]:
    claim = one.claim
    rank = 1 if claim.status == REVERSAL else 2 if claim.original_payer_claim_id else 0
    return one.on, one.at, claim.sequence, rank, one.key


@swift_init
@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of one payer's decisions on one claim once they have answered each other.

    `active` are the decisions that count; `cancelled` pairs each decision taken back with its reversal;
    `orphans` are reversals of something never seen; `duplicates` said only "already decided";
    `superseded` are unpaid denials that a later decision replaced; `conflicting` says that paid decisions
    overlap; `predeterminations` decide nothing.
    """

    active: tuple[Adjudication, ...]
    cancelled: tuple[tuple[Adjudication, Adjudication], ...] = ()
    orphans: tuple[Adjudication, ...] = ()
    duplicates: tuple[Adjudication, ...] = ()
    superseded: tuple[Adjudication, ...] = ()
    predeterminations: tuple[Adjudication, ...] = ()
    forwarded_only: tuple[Adjudication, ...] = ()
    conflicting: bool = False


def standing(decisions: list[Adjudication], billed_cents: int, duplicate_codes: frozenset[str]) -> Standing:
    """Which of a payer's decisions on a claim still stand, given in business order.

    `billed_cents` is the charge billed on the claim. Source: 005010X221A1 1.10.2.8; DET-03, 04, 13, 21.
    """
    if len(decisions) == 1 and decisions[0].claim.status in ("1", "2", "3", "19"):
        only = decisions[0]
        if not _says_only_duplicate(only, duplicate_codes):
            return Standing((only,), conflicting=only.claim.charge_cents > billed_cents)
    told: list[Adjudication] = []
    cancelled: list[tuple[Adjudication, Adjudication]] = []
    orphans: list[Adjudication] = []
    duplicates: list[Adjudication] = []
    predeterminations: list[Adjudication] = []
    forwarded: list[Adjudication] = []
    for one in decisions:
        if one.claim.status == REVERSAL:
            target = _target(one, told)
            if target is None:
                orphans.append(one)
            else:
                told.remove(target)
                # Taking back "decided before" takes nothing back.
                if not _says_only_duplicate(target, duplicate_codes):
                    cancelled.append((target, one))
        elif one.claim.status == PREDETERMINATION:
            predeterminations.append(one)
        elif one.claim.status == NOT_OURS:
            forwarded.append(one)
        else:
            told.append(one)
            if _says_only_duplicate(one, duplicate_codes):
                duplicates.append(one)
    active = [one for one in told if not _says_only_duplicate(one, duplicate_codes)]
    superseded = _supersede(active, billed_cents)
    # Where nothing stands nothing overlaps, even if only a reversal's negative charge is known.
    over = bool(active) and sum(a.claim.charge_cents for a in active) > billed_cents
    return Standing(
        tuple(active),
        tuple(cancelled),
        tuple(orphans),
        tuple(duplicates),
        tuple(superseded),
        tuple(predeterminations),
        tuple(forwarded),
        over,
    )


def _says_only_duplicate(one: Adjudication, duplicate_codes: frozenset[str]) -> bool:
    said = [(group, code) for group, code, cents in one.triples if cents]
    return (
        one.claim.paid_cents == 0
        and bool(said)
        and all(group != "PR" and code in duplicate_codes for group, code in said)
    )


def _target(reversal: Adjudication, told: list[Adjudication]) -> Adjudication | None:
    """The decision a reversal takes back: the latest before it, by payer claim number, then original
    reference, then exact negation (DET-04). A 4010 reversal names no reasons of its own, only group CR, so
    there charge and payment negate.
    """
    number, original = reversal.claim.payer_claim_id, reversal.claim.original_payer_claim_id
    for wanted in (number, original):
        if wanted:
            for one in reversed(told):
                if one.claim.payer_claim_id == wanted:
                    return one
    old_form = bool(reversal.triples) and all(group == "CR" for group, _, _ in reversal.triples)
    for one in reversed(told):
        if (
            one.claim.charge_cents == -reversal.claim.charge_cents
            and one.claim.paid_cents == -reversal.claim.paid_cents
            and (old_form or sorted((g, c, -a) for g, c, a in one.triples) == list(reversal.triples))
        ):
            return one
    return None


def _supersede(active: list[Adjudication], billed_cents: int) -> list[Adjudication]:
    """Drop the earliest unpaid denials, never the newest decision, while more is decided than was billed.

    A replacement of a lost payment (remark MA74) replaces the equal decision before it. DET-21.
    """
    dropped: list[Adjudication] = []
    for one in list(active):
        if "MA74" in one.claim.remarks:
            for earlier in active[: active.index(one)]:
                if earlier.triples == one.triples and earlier.claim.paid_cents == one.claim.paid_cents:
                    active.remove(earlier)
                    dropped.append(earlier)
                    break
    charge = sum(a.claim.charge_cents for a in active)
    while charge > billed_cents:
        unpaid = next((a for a in active[:-1] if a.claim.paid_cents == 0), None)
        if unpaid is None:
            break
        active.remove(unpaid)
        dropped.append(unpaid)
        charge -= unpaid.claim.charge_cents
    return dropped


def balances(claim: ClaimAdjudicated) -> bool:
    """Whether charge less every adjustment is what was paid, for the claim and for each of its lines.

    Tolerance is zero. Source: 005010X221A1 1.10.2.1.1 and 1.10.2.1.2.
    """
    own = _total(claim.adjustments)
    if not claim.lines:
        return claim.charge_cents - own == claim.paid_cents
    charge = paid = 0
    for line in claim.lines:
        if line.charge_cents - _total(line.adjustments) != line.paid_cents:
            return False
        charge += line.charge_cents
        paid += line.paid_cents
    # Each line adds up, so with these two the claim as a whole does.
    return charge == claim.charge_cents and paid - own == claim.paid_cents


def _total(adjustments: tuple[Adjustment, ...]) -> int:
    return sum([a.amount_cents for a in adjustments])
