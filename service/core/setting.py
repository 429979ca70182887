"""What all claims of an account share: coverage in force, payers' names, programmes, papers on file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from schemas.facts import Coverage
from service.core.account import Account, service_day
from service.core.adjudication import Adjudication
from service.core.policy import Period, Policy
from service.core.weighing import Programme


@dataclass(frozen=True, slots=True)
class Setting:
    """What every claim of an account needs, prepared once.

    `coverages` are those in force on any day of service, in order; None when no list was received, empty for
    self-pay. `names` maps every other name of a payer to the one used here. `plans_missing` is how many plans
    registration expects beyond those listed. `programmes` remembers what was worked out for a payer.
    """

    account: Account
    policy: Policy
    coverages: tuple[Coverage, ...] | None
    kinds: dict[str, str]
    names: dict[str, str]
    qmb: bool
    notice_on_file: bool
    consent_on_file: bool
    split_charges: bool
    plans_missing: int
    programmes: dict[tuple[str, frozenset[str | None], date], Programme] = field(default_factory=dict)

    def payer(self, id: str) -> str:
        """The one name of a payer that carriers call by several."""
        return self.names.get(id, id)

    def payer_of(self, one: Adjudication) -> str:
        """Who made this decision."""
        id = one.claim.payer.id
        return self.names.get(id, id)

    def programme(self, decisions: Iterable[Adjudication], on: date) -> Programme:
        """What the patient's programmes and papers say about these decisions of one payer, as of a day.

        A programme that one of them names covers all of them: a payer has one with a patient.
        """
        claims = [one.claim for one in decisions]
        payer = self.names.get(claims[0].payer.id, claims[0].payer.id)
        key = payer, frozenset([c.filing_indicator for c in claims]), self.policy.on(on).starts_on
        known = self.programmes.get(key)
        if known is None:
            known = self.programmes[key] = self._programme(payer, key[1], on)
        return known

    def _programme(self, payer: str, filed: frozenset[str | None], on: date) -> Programme:
        kind = self.kinds.get(payer, "")
        allowed = str(self.policy.of_gate(on, "G13").values["billable_reasons"][0] or "")
        return Programme(
            medicaid="MC" in filed or kind == "medicaid",
            qmb=self.qmb,
            veteran="VA" in filed or kind == "va",
            medicare=not filed.isdisjoint(("MA", "MB")) or kind == "medicare",
            tricare="CH" in filed or kind == "tricare",
            injury="WC" in filed or kind == "workers_comp",
            notice_on_file=self.notice_on_file,
            consent_on_file=self.consent_on_file,
            billable_reasons=frozenset(allowed.split()),
        )


def setting_of(account: Account, policy: Policy) -> Setting:
    """Prepare what every claim needs."""
    coverages = None
    missing = 0
    if account.coverage is not None:
        first, last = service_day(account), _last_service_day(account)
        listed = account.coverage.body.coverages
        coverages = tuple(
            sorted([c for c in listed if _in_force(c, first, last)], key=lambda c: (c.order, c.payer.id))
        )
        missing = max(0, (account.registered.expected_plans or 0) - len(listed))
    kinds = {c.payer.id: c.kind or "" for c in coverages or ()}
    notices = {n.body.kind for n in account.notices if n.body.valid}
    claims = {a.claim.claim_id for a in account.adjudications} | {s.body.claim_id for s in account.submitted}
    return Setting(
        account,
        policy.for_account(account),
        coverages,
        kinds,
        _names(account, kinds),
        "qmb" in kinds.values() or any(_shows_qmb(a, policy.on(a.on)) for a in account.adjudications),
        bool(notices & {"abn", "waiver"}),
        "surprise_billing_consent" in notices,
        len(claims) > 1,
        missing,
    )


def _names(account: Account, listed: dict[str, str]) -> dict[str, str]:
    """One name for each payer that carriers of one decision call differently: the listed one, else the first.

    Only decisions that several carriers told say that two names are one payer.
    """
    groups: list[set[str]] = []
    for one in account.adjudications:
        if one.also_known_as:
            group = {one.claim.payer.id, *one.also_known_as}
            for known in [g for g in groups if g & group]:
                group |= known
                groups.remove(known)
            groups.append(group)
    names: dict[str, str] = {}
    for group in groups:
        chosen = min(group & set(listed) or group)
        names.update((name, chosen) for name in group if name != chosen)
    return names


def _shows_qmb(one: Adjudication, period: Period) -> bool:
    """Whether this decision says that the patient is protected: that is so of the person, not of one line."""
    if any(code == "303" for _, code, _ in one.triples):
        return True
    remarks = [*one.claim.remarks, *[r for line in one.claim.lines for r in line.remarks]]
    return any(r in period.remarks and period.remarks[r].kind == "QMB" for r in remarks)


def _last_service_day(account: Account) -> date | None:
    """The last day of service that any fact states."""
    if account.registered.service_to:
        return account.registered.service_to
    if account.charges:
        return max(c.body.service_on for c in account.charges)
    stated = [a.claim.service_to or a.claim.service_from for a in account.adjudications]
    return max([on for on in stated if on], default=None)


def _in_force(coverage: Coverage, first: date | None, last: date | None) -> bool:
    """Whether the coverage was in force on any day of service: a payer of part of a stay decides too."""
    return not (
        (coverage.effective_from and last and coverage.effective_from > last)
        or (coverage.effective_to and first and coverage.effective_to < first)
    )
