"""The page of the gates, made from the code, the policy packs and the analyst's stories."""

from __future__ import annotations

import inspect
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas.decisions import STAGES
from service.core import parse_policy
from service.core.gates import (
    REGISTRY,
    Gate,
    assistance,
    contact,
    extraordinary,
    integrity,
    liability,
    person,
    promises,
    refusals,
    timing,
)
from tests.spec.gate_scenarios import Answer, Scenario, scenarios

PACKS = Path(__file__).resolve().parents[2] / "service" / "policies"

ROOMS = (
    (integrity, "Is it known who owes what?"),
    (liability, "Is it the patient's at all?"),
    (refusals, "Does a payer's refusal make it the patient's?"),
    (assistance, "Was help offered, and is it settled?"),
    (timing, "Has the patient had time and a fair chance?"),
    (promises, "Has the patient promised, paid or objected?"),
    (person, "Is there a reason to leave this person alone?"),
    (contact, "How may this person be spoken to?"),
    (extraordinary, "Does the house go this far at all?"),
)
STAGE_WORDS = {"open_case": "open a case", "place": "place", "extraordinary": "extraordinary"}
STRICTER = {
    "higher": "the higher",
    "lower": "the lower",
    "true": "yes",
    "false": "no",
    "union": "all words",
    "intersection": "the common words",
}


@dataclass(frozen=True)
class Stated:
    """What one pack says of one gate."""

    pack: str
    citation: str
    values: tuple[dict[str, Any], ...]
    liftable: bool


@dataclass(frozen=True)
class Told:
    """What the stories of one gate show: their sentences, the stages it stops, and what lifts it."""

    stories: tuple[str, ...]
    stops: tuple[str, ...]
    lifted_by: tuple[str, ...]


def gates_page(made: str) -> str:
    """The whole page; `made` is its first line."""
    texts = {p.name: p.read_text(encoding="utf-8") for p in sorted(PACKS.glob("*.toml"))}
    version = parse_policy(texts).version
    stated, stories = _stated(texts), scenarios()
    lines = [
        made,
        "",
        "# The gates",
        "",
        "Every gate is asked about every account, every time, for each of three stages: opening a case,",
        "placing it with an agency, an extraordinary action. Its answer is `allow`, `require` (something",
        "must be done first), `hold` (wait for a date or an event) or `block`. The worst answer wins.",
        "A fact that is missing holds.",
        "",
        "The name is a sentence; the gate allows when the sentence is true. Values and citations come from",
        "the policy files in `service/policies/`. A pack of a state concerns accounts whose facility is",
        "there, or whose patient or guarantor lives there, and only tightens: of all values the stricter is",
        "in force. Whether two people may lift what a gate says, for one account, stands at each gate.",
        "The stories are checked each time the tests run; in each, the first statement went out on",
        "day 0.",
        f"This page shows policy `{version}` and the packs of the states.",
    ]
    for room, question in ROOMS:
        lines += ["", f"## {question}"]
        for gate in room.GATES:
            mine = [s for s in stories if s.gate == gate.id]
            lines += ["", *_section(gate, stated.get(gate.id, []), _told(mine))]
    return "\n".join(lines) + "\n"


def rooms_of(gate: Gate) -> list[str]:
    """The questions of the page under which a gate stands."""
    return [question for room, question in ROOMS if gate in room.GATES]


def _section(gate: Gate, stated: list[Stated], told: Told) -> list[str]:
    stops = "; ".join(told.stops) or "nothing"
    lines = [f"### {gate.id} {gate.name.replace('_', ' ')}", "", *_about(gate), "", f"It can stop: {stops}."]
    if told.lifted_by:
        lines += ["", f"What lifts it: {'; '.join(told.lifted_by)}."]
    lines += ["", _lifting(gate, stated), "", "Rests on:", ""]
    lines += [f"- {s.citation} (`{s.pack}`)" for s in stated]
    if gate.parameters:
        lines += ["", "| value | stage | pack | is | from | stricter |", "|---|---|---|---|---|---|"]
        lines += [row for p in sorted(gate.parameters, key=lambda p: p.name) for row in _rows(p, stated)]
    return [*lines, "", "Stories:", "", *[f"- {story}" for story in told.stories]]


def _lifting(gate: Gate, stated: list[Stated]) -> str:
    """Whether two people may lift what it says about opening a case."""
    if gate.lift == "never":
        return "Two people may lift it: never."
    what = "a wait that ends on a day it names" if gate.lift == "waits" else "what it says"
    silent = [f"`{s.pack}`" for s in stated if not s.liftable]
    but = f"; not where {', '.join(silent)} applies" if silent else ""
    return f"Two people may lift it: {what}, about opening a case only{but}."


def _about(gate: Gate) -> list[str]:
    text = (inspect.getdoc(gate.ask) or "").partition(": ")[2]
    return (text[:1].upper() + text[1:]).splitlines()


def _rows(parameter: Any, stated: list[Stated]) -> list[str]:
    rows = []
    for one in stated:
        for value in one.values:
            if value["name"] == parameter.name:
                cells = (
                    parameter.name.removesuffix("_days").replace("_", " "),
                    STAGE_WORDS.get(value.get("stage", ""), "all"),
                    f"`{one.pack}`",
                    _shown(value["value"], parameter.unit),
                    str(value.get("effective_from", "always")),
                    STRICTER[parameter.stricter],
                )
                rows.append(f"| {' | '.join(cells)} |")
    return rows


def _shown(value: Any, unit: str) -> str:
    if unit == "flag":
        return "yes" if value else "no"
    if unit == "USD":
        return f"{value} USD"
    if unit == "days":
        return "1 day" if value == 1 else f"{value} days"
    return f"{value} percent" if unit == "percent" else str(value) or "none"


def _stated(texts: dict[str, str]) -> dict[str, list[Stated]]:
    found: dict[str, list[Stated]] = {}
    for text in texts.values():
        table = tomllib.loads(text)
        for gate, said in table.get("gates", {}).items():
            values, liftable = tuple(said.get("value", ())), said.get("liftable", False)
            one = Stated(table["policy"]["id"], said["citation"], values, liftable)
            found.setdefault(gate, []).append(one)
    return {
        gate: sorted(many, key=lambda s: (s.pack.startswith("state"), s.pack)) for gate, many in found.items()
    }


def _told(stories: list[Scenario]) -> Told:
    lines, stops, lifts = [], dict[str, None](), dict[str, None]()
    for story in stories:
        answers = []
        for answer, findings in story.findings():
            answers.append(_in_words(answer))
            for f in findings:
                if f.verdict.word != "allow":
                    stops[f.stage] = None
                    if f.until:
                        lifts["waiting, until the day it names"] = None
                    if f.lifted_by:
                        lifts[f"`{f.lifted_by}`" if "." in f.lifted_by.split()[0] else f.lifted_by] = None
        stage = "" if story.stage == STAGES[0] else f" ({STAGE_WORDS[story.stage]})"
        lines.append(f"{story.says}{stage} {'; '.join(answers)}.")
    return Told(tuple(lines), tuple(STAGE_WORDS[s] for s in STAGES if s in stops), tuple(lifts))


def _in_words(answer: Answer) -> str:
    until = f" until day {answer.until}" if answer.until is not None else ""
    return f"Day {answer.on}: `{answer.verdict}`{until}"


assert {gate.id for room, _ in ROOMS for gate in room.GATES} == {gate.id for gate in REGISTRY}
