"""One report on samples of a sender: what Baton needs and was found, what to write, what would happen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from adapters.fhir import census as fhir_census
from adapters.hl7v2 import census as hl7v2_census
from schemas.census import Census
from schemas.facts import AccountRef, ClaimAdjudicated, CoverageListed, Fact, Message, Noted, Payer
from service.app import App, detect
from service.core import Policy
from service.inspection import Kind, Summary
from service.onboarding.advice import Unknown, aliases, suggested, unknown_codes
from service.onboarding.needs import ZONE, Met, met
from service.onboarding.trial import FirstDay, try_out
from service.readings import large

TAKES: Final = {"hl7v2": hl7v2_census.take, "fhir": fhir_census.take}
ADVISED: Final = 200
"""Messages that the strict libraries look at: they are slow, and say the same of the next ones."""


@dataclass(slots=True)
class Report:
    """What samples of one feed came to. `advice` is what the strict libraries say; it keeps nothing out."""

    feed: str
    mapping: str
    files: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    census: dict[str, Census] = field(default_factory=dict)
    facts: Counter[str] = field(default_factory=Counter)
    findings: dict[tuple[str, str], Kind] = field(default_factory=dict)
    advice: dict[tuple[str, str], Kind] = field(default_factory=dict)
    accounts: dict[AccountRef, None] = field(default_factory=dict)
    payers: Counter[str] = field(default_factory=Counter)
    payer_names: dict[str, dict[str, None]] = field(default_factory=dict)
    codes: dict[str, Counter[str]] = field(default_factory=lambda: {"CARC": Counter(), "RARC": Counter()})
    needs: list[Met] = field(default_factory=list)
    unknown: list[Unknown] = field(default_factory=list)
    suggested: list[str] = field(default_factory=list)
    first_day: FirstDay = field(default_factory=FirstDay)

    @property
    def ready(self) -> bool:
        """Whether nothing of the samples would wait for a person and no code is unknown."""
        return not self.first_day.dispositions["parked"] and not self.unknown

    def plain(self) -> dict[str, Any]:
        """As plain data; payers and codes are the sender's, and nothing here is a patient's."""
        return {
            "feed": self.feed,
            "mapping": self.mapping,
            "ready": self.ready,
            "files": self.files,
            "formats": dict(self.formats),
            "kinds": {f: dict(c.kinds.most_common()) for f, c in self.census.items()},
            "facts": dict(sorted(self.facts.items())),
            "needs": [one.plain() for one in self.needs],
            "unknown_codes": [
                {"field": u.field, "code": u.code, "count": u.count, "table": u.table, "choices": u.choices}
                for u in self.unknown
            ],
            "codes_not_in_policy": {name: dict(c.most_common()) for name, c in self.codes.items()},
            "payers": dict(self.payers.most_common()),
            "suggested": self.suggested,
            "findings": _kinds(self.findings),
            "advice": _kinds(self.advice),
            "first_day": self.first_day.plain(),
        }


def examine_samples(app: App, feed: str, messages: Sequence[Message]) -> Report:
    """Read samples as this feed, look into them field by field, and try them out; nothing is kept."""
    report = Report(feed, app.mapping_version(feed))
    period_policy = app.policy_on_disk
    for message in messages:
        _take(app, report, message, period_policy)
    unread = {code: kind.count for (severity, code), kind in report.findings.items() if severity == "error"}
    mapping = app.mapping_of(feed)
    report.needs = met(list(report.formats), report.census, report.facts, unread, len(report.accounts))
    if mapping.hl7v2.timezone is not None:
        report.needs = [one for one in report.needs if one.need is not ZONE]
    report.unknown = unknown_codes(report.census, mapping)
    report.suggested = suggested(report.census, mapping, unread) + aliases(report.payer_names)
    report.first_day = try_out(app, messages, list(report.accounts))
    return report


def _take(app: App, report: Report, message: Message, policy: Policy) -> None:
    format = message.format if message.format != "unknown" else detect([message.body])
    report.files += 1
    report.formats[format] += 1
    if (take := TAKES.get(format)) is not None:
        take(message.body, report.census.setdefault(format, Census()))
    summary = Summary()
    for item in summary.follow(app.read(message)):
        if isinstance(item, Fact):
            _take_fact(report, item, policy)
    report.facts.update(summary.facts)
    _add(report.findings, summary.kinds.values())
    if report.files <= ADVISED:
        strict = Summary()
        for _ in strict.follow(i for i in app.advise(large(message)) if isinstance(i, Noted)):
            pass
        _add(report.advice, strict.kinds.values())


def _take_fact(report: Report, fact: Fact, policy: Policy) -> None:
    if fact.account is not None:
        report.accounts.setdefault(fact.account)
    for payer in _payers(fact):
        report.payers[payer.id] += 1
        if payer.name:
            report.payer_names.setdefault(payer.name.casefold(), {}).setdefault(payer.id)
    if isinstance(fact.body, ClaimAdjudicated):
        known = policy.on(fact.body.adjudicated_on)
        report.codes["CARC"].update(
            a.code for a in fact.body.every_adjustment() if a.code not in known.reasons
        )
        remarks = [*fact.body.remarks, *(r for line in fact.body.lines for r in line.remarks)]
        report.codes["RARC"].update(r for r in remarks if r not in known.remarks)


def _payers(fact: Fact) -> tuple[Payer, ...]:
    if isinstance(fact.body, CoverageListed):
        return tuple(one.payer for one in fact.body.coverages)
    return (fact.body.payer,) if isinstance(fact.body, ClaimAdjudicated) else ()


def _add(known: dict[tuple[str, str], Kind], kinds: Iterable[Kind]) -> None:
    for one in kinds:
        have = known.get((one.severity, one.code))
        if have is None:
            known[one.severity, one.code] = one
        else:
            have.count += one.count


def _kinds(kinds: Mapping[tuple[str, str], Kind]) -> list[dict[str, Any]]:
    rank = {"error": 0, "warning": 1, "info": 2}
    return [
        {"severity": k.severity, "code": k.code, "count": k.count, "where": k.where, "message": k.message}
        for k in sorted(kinds.values(), key=lambda k: (rank.get(k.severity, 3), -k.count, k.code))
    ]
