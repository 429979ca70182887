"""The stories of the gates as data: read, made into facts through the JSON door, and judged."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from adapters import native
from schemas.decisions import Finding
from schemas.facts import AccountRef, AssistanceChanged, Fact
from service.core import Policy, parse_policy
from tests.spec.facts_made import (
    ACCOUNT,
    POLICY,
    adult,
    charged,
    covered,
    day,
    decided,
    fact,
    judge,
    merged,
    policy_texts,
    statements,
)

KEYS = {"gate", "says", "stage", "account", "facts", "without", "merged_on", "policy", "answers"}
FOLDER = Path(__file__).parent / "gates"


@dataclass(frozen=True)
class Answer:
    """What the gate says on one day; `until` is a day of the story."""

    on: int
    verdict: str
    until: int | None


@dataclass(frozen=True)
class Scenario:
    """One story about one gate, in an analyst's words, with what it must answer."""

    gate: str
    says: str
    stage: str
    account: str
    facts: tuple[dict[str, Any], ...]
    without: tuple[str, ...]
    merged_on: int | None
    policy: tuple[dict[str, Any], ...]
    answers: tuple[Answer, ...]

    def findings(self) -> Iterator[tuple[Answer, tuple[Finding, ...]]]:
        """Each answer expected, and all findings of this gate on that day."""
        facts = self._facts()
        policy = changed_policy(json.dumps(self.policy)) if self.policy else POLICY
        for answer in self.answers:
            found = judge(facts, answer.on, policy)[2].findings
            yield answer, tuple(f for f in found if f.gate == self.gate)

    def _facts(self) -> list[Fact]:
        start = [f for f in base(self.account) if f.kind not in self.without]
        if self.merged_on is not None:
            other = AccountRef("GEN", "A0")
            start += [charged("1.00", account=other, id="OTHER"), merged(other, ACCOUNT, self.merged_on)]
        return [*start, *(_fact(n, said) for n, said in enumerate(self.facts))]


def scenarios() -> list[Scenario]:
    """Every story of every file, in the order of the files."""
    return [_scenario(told) for path in sorted(FOLDER.glob("*.toml")) for told in _told(path)]


def _told(path: Path) -> list[dict[str, Any]]:
    return list(tomllib.loads(path.read_text())["scenario"])


def _scenario(told: dict[str, Any]) -> Scenario:
    unknown = set(told) - {
        "gate",
        "says",
        "stage",
        "account",
        "facts",
        "without",
        "merged_on",
        "policy",
        "answers",
    }
    assert not unknown, f"{told['gate']}: {unknown}"
    return Scenario(
        told["gate"],
        told["says"],
        told.get("stage", "open_case"),
        told.get("account", "ready"),
        tuple(told.get("facts", ())),
        tuple(told.get("without", ())),
        told.get("merged_on"),
        tuple(told.get("policy", ())),
        tuple(Answer(a[0], a[1], a[2] if len(a) > 2 else None) for a in told["answers"]),
    )


def base(name: str) -> list[Fact]:
    """A plain account to start from; `owed 25.00` is `ready` with that amount."""
    kind, _, amount = name.partition(" ")
    start = [adult(), covered("P1", on=-40), charged(amount or "320.00", on=-35)]
    owed = [*start, decided(amount or "320.00", "0.00", f"PR-1 {amount or '320.00'}", on=-5)]
    if name == "owed":
        return owed
    if name == "ready" or (kind == "owed" and amount):
        return [*owed, *statements()]
    if name == "medicare":
        claim = decided("320.00", "0.00", "PR-1 320.00", on=-5, filing="MB")
        return [*start, claim, *statements()]
    if name == "question":
        return [*start, decided("320.00", "0.00", "PR-227 320.00", on=-5), *statements()]
    if name == "cover_ended":
        first = decided("500.00", "425.00", "PR-2 75.00", on=-5)
        second = decided("500.00", "0.00", "OA-23 425.00", "PR-27 75.00", on=-4, payer="P2", status="2")
        return [adult(), covered("P1", "P2"), charged("500.00"), first, second, *statements()]
    assert name == "self_pay", name
    offered = fact(AssistanceChanged("offered", day(1)), 1)
    return [adult(), covered(), charged("1450.00"), offered, *statements()]


_DAY = re.compile(r"day (-?\d+)(?: at (\d\d:\d\d))?\Z")


def _dated(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _dated(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_dated(inner) for inner in value]
    if isinstance(value, str) and (found := _DAY.match(value)):
        text = day(int(found[1])).isoformat()
        return f"{text}T{found[2]}:00Z" if found[2] else text
    return value


def _fact(number: int, said: dict[str, Any]) -> Fact:
    """A fact of a story, through the door that a sender would use."""
    data = {name: _dated(value) for name, value in said.items() if name not in ("day", "type")}
    message = {
        "schema": "baton/1",
        "type": said["type"],
        "id": f"story-{number}",
        "source": "analyst",
        "occurred_at": f"{day(said['day']).isoformat()}T12:00:00Z",
        "account": {"facility": ACCOUNT.facility, "number": ACCOUNT.number},
        "data": data,
    }
    body = json.dumps(message).encode()
    items = list(native.read(body, feed="spec", received_at=datetime(2030, 1, 1, tzinfo=UTC)))
    facts = [item for item in items if isinstance(item, Fact)]
    assert len(facts) == 1 and len(items) == 2, items
    return facts[0]


@cache
def changed_policy(changes: str) -> Policy:
    """The bundled policy with some values of the house changed."""
    texts = policy_texts()
    for change in json.loads(changes):
        name = "house_default.toml"
        section = re.compile(
            rf'(\[\[gates\.{change["gate"]}\.value\]\]\nname = "{change["name"]}"\n)'
            rf"({_stage(change)})value = .*\n"
        )
        value = json.dumps(change["value"])
        texts[name], count = section.subn(rf"\g<1>\g<2>value = {value}\n", texts[name])
        assert count == 1, change
    return parse_policy(texts)


def _stage(change: dict[str, Any]) -> str:
    return f'stage = "{change["stage"]}"\n' if "stage" in change else ""
