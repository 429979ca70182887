"""What the first day would look like: the samples through the real readers, store and core, not kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from schemas.decisions import Verdict
from schemas.facts import AccountRef, Message, Rejected
from service.app import App
from service.core import apportion, decide, fold

ACCOUNTS: Final = 1000
"""Accounts that are looked at one by one; all are counted."""

TOGETHER: Final = 100


@dataclass(slots=True)
class FirstDay:
    """Counts: what became of messages, how accounts stand, and which gates stop how many of them."""

    dispositions: Counter[str] = field(default_factory=Counter)
    parked: Counter[str] = field(default_factory=Counter)
    accounts: int = 0
    looked_at: int = 0
    determinations: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    gates: Counter[tuple[str, str]] = field(default_factory=Counter)

    def plain(self) -> dict[str, Any]:
        """As plain data."""
        return {
            "messages": dict(self.dispositions),
            "parked": dict(self.parked.most_common()),
            "accounts": self.accounts,
            "looked_at": self.looked_at,
            "determinations": dict(self.determinations),
            "open_case": dict(self.outcomes),
            "gates": [
                {"gate": gate, "verdict": verdict, "accounts": n}
                for (gate, verdict), n in self.gates.most_common()
            ],
        }


def try_out(app: App, messages: Sequence[Message], accounts: Sequence[AccountRef]) -> FirstDay:
    """Receive messages in a store of their own that is gone afterwards; the policy is the one on disk."""
    day = FirstDay(accounts=len(accounts))
    with TemporaryDirectory(prefix="baton-") as folder:
        url = f"sqlite:///{Path(folder) / 'trial.db'}"
        trial = App(replace(app.config, database_url=url, policy_source="disk", settling_seconds=0))
        try:
            trial.store.upgrade()
            _receive(trial, messages, day)
            _look(trial, accounts[:ACCOUNTS], day)
        finally:
            trial.close()
    return day


def _receive(trial: App, messages: Sequence[Message], day: FirstDay) -> None:
    intake = trial.intake()
    for batch in _batches(messages):
        for receipt in intake.receive(batch, trial.moment()):
            day.dispositions[receipt.disposition] += 1
            day.parked.update(part.code for part in receipt.rejected if isinstance(part, Rejected))


def _batches(messages: Sequence[Message]) -> Iterator[list[Message]]:
    source = iter(messages)
    while batch := list(islice(source, TOGETHER)):
        yield batch


def _look(trial: App, accounts: Sequence[AccountRef], day: FirstDay) -> None:
    policy, as_of = trial.policy, trial.moment().as_of
    with trial.store.read() as reader:
        for ref in accounts:
            facts = [record.fact for one in reader.group(ref) for record in reader.facts(one)]
            account = fold(facts, ref)
            owes = apportion(account, policy)
            decision = decide(account, owes, policy, as_of)
            day.looked_at += 1
            day.determinations[str(owes.determination)] += 1
            day.outcomes[decision.outcomes[0].word] += 1
            stopping = {
                (f"{f.gate} {f.name}", f.verdict.word)
                for f in decision.findings
                if f.stage == "open_case" and f.verdict in (Verdict.HOLD, Verdict.BLOCK)
            }
            day.gates.update(stopping)
