"""What two people have let go: a gate's answer about opening a case, for one account, for a time.

An override lifts only the very answer its people looked at. Other evidence, another sentence, another value
of the policy, a larger amount or another identity of the account make another answer, and that stands: doubt
holds again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

from schemas.canonical import digest, to_bytes
from schemas.decisions import STAGES, Finding, Lifted, Responsibility, Verdict
from service.core.account import Account
from service.core.gates import REGISTRY, Lift
from service.core.overriding import Override
from service.core.policy import Period
from service.core.policy.rules import VALUES, Rule

OPENS: Final = STAGES[0]
"""The one stage about which people may lift anything."""


@dataclass(frozen=True, slots=True)
class Permit:
    """An override in force on a day, and the first day on which it no longer is."""

    override: Override
    until: date


def verdict_sha256(finding: Finding) -> str:
    """What an override names of the answer it lifts: everything of it that facts or policy can change.

    Values of a house rule that move with the days alone are left out: with them no day were like another.
    """
    given = {
        name: value
        for name, value in finding.parameters
        if not (name in VALUES and VALUES[name].moves and _is_rule(finding.gate))
    }
    return digest(
        to_bytes(
            [
                finding.gate,
                finding.stage,
                finding.verdict.word,
                finding.because,
                finding.until,
                finding.lifted_by,
                sorted(finding.evidence),
                given,
            ]
        )
    )


def why_not_liftable(finding: Finding, period: Period) -> str | None:
    """Why nobody may lift this answer, in a sentence; None where two people may."""
    if finding.stage != OPENS:
        return "only what keeps a case from opening may be lifted"
    way, allowed = _way(finding, period)
    if way == "never":
        return "it keeps law, certainty or a person's protection, and nobody may lift it"
    if not allowed:
        return "a policy pack in force for this account does not let people lift it"
    if way == "waits" and (finding.until is None or finding.lifted_by is not None):
        return "something is missing here that no waiting brings, and nobody may lift that"
    if _is_rule(finding.gate) and finding.because != _rule(finding.gate, period).because:
        return "what the house rule asks about is not known, and nobody may lift that"
    return None


def _is_rule(gate: str) -> bool:
    return gate not in _PLACES


_PLACES: Final = {gate.id: at for at, gate in enumerate(REGISTRY)}


def _rule(id: str, period: Period) -> Rule:
    return next(rule for rule, _ in period.rules if rule.id == id)


def _way(finding: Finding, period: Period) -> tuple[Lift, bool]:
    if _is_rule(finding.gate):
        return "any", _rule(finding.gate, period).liftable
    place = _PLACES[finding.gate]
    return REGISTRY[place].lift, period.gates[place].liftable


def permits_of(account: Account, as_of: date, period: Period) -> Mapping[str, tuple[Permit, ...]]:
    """The overrides in force on a day, by the gate that each is about."""
    found: dict[str, tuple[Permit, ...]] = {}
    for override in account.overrides:
        gate, until = override.proposal.gate, ends_on(override, period)
        if gate is None or until is None or override.approval is None:
            continue
        if override.approval.on <= as_of < until and not _is_another(account, override):
            found[gate] = (*found.get(gate, ()), Permit(override, until))
    return found


def ends_on(override: Override, period: Period) -> date | None:
    """The first day on which an approved override no longer lifts anything; None for one that is not."""
    if override.state != "approved" or override.approval is None or override.proposal.until is None:
        return None
    return min(override.proposal.until, override.approval.on + timedelta(days=period.allowance.max_days))


def _is_another(account: Account, override: Override) -> bool:
    """Whether the account has become another since: joined with others, or moved to another patient."""
    return override.account != account.ref or any(
        on >= override.proposal.on for on, _ in account.identity_events
    )


def lift(
    findings: Iterable[Finding],
    permits: Mapping[str, tuple[Permit, ...]],
    owes: Responsibility,
    period: Period,
) -> list[Finding]:
    """The same findings, each that people lifted with who did; its verdict stays what the gate says."""
    return [_lifted(finding, permits.get(finding.gate, ()), owes, period) for finding in findings]


def _lifted(finding: Finding, permits: tuple[Permit, ...], owes: Responsibility, period: Period) -> Finding:
    if not permits or finding.verdict is Verdict.ALLOW or why_not_liftable(finding, period) is not None:
        return finding
    told = verdict_sha256(finding)
    fitting = [
        p
        for p in permits
        if p.override.proposal.verdict_sha256 == told
        and owes.net_cents <= (p.override.proposal.amount_cents or 0)
    ]
    if not fitting:
        return finding
    longest = max(fitting, key=lambda p: (p.until, p.override.id))
    return replace(finding, lifted=_said(longest))


def _said(permit: Permit) -> Lifted:
    proposal, approval = permit.override.proposal, permit.override.approval
    if approval is None:
        raise AssertionError("only an approved override is in force")
    return Lifted(
        permit.override.id,
        proposal.by,
        approval.by,
        proposal.reason,
        approval.on,
        permit.until,
        permit.override.evidence,
    )
