"""An account's story in order: facts, what each decision changed, case moves; and how a case came about."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, tzinfo
from typing import Final

from adapters.store import Reader
from adapters.store.rows import CaseHistory, DecisionRecord, FactRecord
from schemas.canonical import from_bytes
from schemas.cases import Case, CaseEvent, CaseMove, CaseStatus
from schemas.decisions import Verdict
from schemas.facts import AccountRef
from schemas.money import format_cents
from service.core import Policy, fold
from service.core.gates import REGISTRY
from service.core.walk import Opening, day_in, opening_of
from service.core.words import why_a_case_moved
from service.plainly import Cite, Plain, day_of, instant_of
from service.storyline import told

NAMES: Final = {gate.id: gate.name for gate in REGISTRY}
STANDING: Final = {gate.id: gate.standing for gate in REGISTRY}


@dataclass(frozen=True, slots=True)
class Against:
    """What one gate said against a case in a stored decision."""

    verdict: str
    because: str
    until: str | None


def against(stored: DecisionRecord) -> dict[str, Against]:
    """The gates that stood in the way of a case when it was decided, by id."""
    found = {}
    content = from_bytes(stored.content)
    # What people lifted about opening a case is not in the way.
    lifted = {one["gate"] for one in content.get("lifted", ())}
    for gate in content["gates"]:
        # The first entry of `says` is the answer about opening a case; None where the gate simply allows.
        said = gate["says"][0]
        if said and said[0] != Verdict.ALLOW.word and gate["gate"] not in lifted:
            found[gate["gate"]] = Against(said[0], said[1], said[2])
    return found


def why_it_ended(reader: Reader, reason: str | None, decision: str) -> str | None:
    """What the gate that a reason names, else the first in the way, had to say; None where there is none."""
    stored = reader.decision(decision) if reason else None
    found = against(stored) if stored else {}
    named = found.get(reason or "") or next(iter(found.values()), None)
    return named.because if named else None


def histories(reader: Reader, ref: AccountRef, seen_until: datetime) -> list[CaseHistory]:
    """The account's cases with the events that had happened by then, first case first."""
    found = []
    for record in reader.cases_of(ref):
        history = reader.case(record.case.id)
        if history is not None:
            events = tuple((event, at) for event, at in history.events if at <= seen_until)
            if events:
                found.append(CaseHistory(history.record, events))
    return found


def as_it_was(history: CaseHistory) -> Case:
    """The case after the last of these events."""
    event, _ = history.events[-1]
    ended = event.move in ("recalled", "closed")
    return replace(
        history.record.case,
        status=_STATUS_AFTER[event.move],
        amount_cents=event.amount_cents,
        decided_by=event.decision,
        events=event.sequence,
        reason=event.reason if ended else None,
    )


_STATUS_AFTER: Final[dict[CaseMove, CaseStatus]] = {
    "opened": "open",
    "adjusted": "open",
    "recalled": "recalled",
    "closed": "closed",
}


def timeline(
    records: Sequence[FactRecord],
    decisions: Sequence[DecisionRecord],
    cases_had: Sequence[CaseHistory],
    cite: Cite,
) -> list[Plain]:
    """Facts on the day they took effect, decisions and case moves when Baton made them, oldest first."""
    rows: list[tuple[datetime, int, Plain]] = []
    for record in records:
        said = {"what": told(record.fact.body), "evidence": cite([record.fact.id])}
        said["known_at"] = instant_of(record.recorded_at)
        rows.append((record.fact.occurred_at, 0, said))
    found: dict[str, dict[str, Against]] = {}
    before: dict[str, Against] | None = None
    for stored in decisions:
        now = found[stored.id] = against(stored)
        rows.append((stored.decided_at, 1, _decided(stored, before, now)))
        before = now
    for history in cases_had:
        for event, moved_at in history.events:
            rows.append((moved_at, 2, _moved(event, found.get(event.decision, {}))))
    rows.sort(key=lambda row: row[:2])
    return [{"at": instant_of(at), **said} for at, _, said in rows]


def _decided(stored: DecisionRecord, before: dict[str, Against] | None, now: dict[str, Against]) -> Plain:
    """What a decision found, and which gates it found different from the one before."""
    changed = _changes(before or {}, now)
    verdict = "a case may open" if stored.opens else "no case"
    if before is None:
        parts = [f"{gate}: {said.because}" for gate, said in now.items()]
        what = f"Decided: {verdict}. " + " ".join(parts)
    else:
        gone = [f"{c['gate']} ({c['before']})" for c in changed if c["now"] == "allow"]
        new = [f"{c['gate']}: {c['because']}" for c in changed if c["was"] == "allow"]
        other = [f"{c['gate']}: {c['because']}" for c in changed if "allow" not in (c["now"], c["was"])]
        what = " ".join(
            part
            for part in (
                f"Decided: {verdict}.",
                f"No longer in the way: {', '.join(gone)}." if gone else "",
                f"New in the way: {' '.join(new)}" if new else "",
                f"Still in the way, differently: {' '.join(other)}" if other else "",
                "" if changed else "What stands in the way is the same; the amounts changed.",
            )
            if part
        )
    version = stored.policy_version
    return {
        "what": what.strip(),
        "evidence": [],
        "decision": stored.id,
        "changed": changed,
        "policy": version,
    }


def _changes(before: Mapping[str, Against], now: Mapping[str, Against]) -> list[Plain]:
    """Gate by gate, what a decision found otherwise than the one before it."""
    changed = []
    for gate in sorted({*before, *now}):
        was, is_ = before.get(gate), now.get(gate)
        if (was and (was.verdict, was.until)) != (is_ and (is_.verdict, is_.until)):
            changed.append(
                {
                    "gate": gate,
                    "name": NAMES.get(gate, gate),
                    "was": was.verdict if was else "allow",
                    "now": is_.verdict if is_ else "allow",
                    "before": was.because.rstrip(".") if was else "",
                    "because": is_.because if is_ else STANDING.get(gate, ""),
                }
            )
    return changed


def _moved(event: CaseEvent, found: Mapping[str, Against]) -> Plain:
    named = found.get(event.reason) or next(iter(found.values()), None)
    why = why_a_case_moved(event.reason, named.because if named else None)
    amount = format_cents(event.amount_cents)
    if event.move == "adjusted":
        what = f"Case adjusted from {format_cents(event.previous_cents)} to {amount}. {why}"
    elif event.move == "opened":
        what = f"Case opened for {amount}. {why}"
    else:
        what = f"Case {event.move} (it asked for {format_cents(event.previous_cents)}). {why}"
    return {"what": what, "evidence": [], "case": event.case_id, "reason": event.reason}


def how_it_opened(
    reader: Reader,
    policy_of: Callable[[str], Policy],
    facts: Sequence[FactRecord],
    cases_had: Sequence[CaseHistory],
    zone: tzinfo,
) -> Plain | None:
    """How the account's newest case came about: the gates that let go, the last of them, and the day before.

    Told from the facts as they were known when the case opened, under the policy that decided it.
    """
    for history in reversed(cases_had):
        event, opened_at = history.events[0]
        ref = event.account
        stored = reader.decision(event.decision)
        if event.move != "opened" or stored is None:
            continue
        on = stored.as_of
        known = [r.fact for r in facts if r.recorded_at <= opened_at and day_in(zone, r.fact) <= on]
        policy = policy_of(from_bytes(stored.content)["policy"]["sha256"])
        opening = opening_of(fold(known, ref), policy, on, zone)
        if opening is None:
            return None
        return {
            "case": event.case_id,
            "on": day_of(on),
            "at": instant_of(opened_at),
            "decision": event.decision,
            "sentence": _sentence(opening, on),
            "let_go": [
                {"gate": g.gate, "name": g.name, "on": day_of(g.on), "before": g.before, "after": g.after}
                for g in opening.let_go
            ],
            "day_before": {
                "on": day_of(opening.held_on),
                "held_by": [
                    {"gate": f.gate, "because": f.because, "until": day_of(f.until)} for f in opening.held_by
                ],
            }
            if opening.held_on
            else None,
        }
    return None


def _sentence(opening: Opening, on: date) -> str:
    """The last gate to let go, when and why; and why the case did not open a day earlier."""
    if not opening.let_go or opening.held_on is None:
        return f"The case opened on {on}; nothing in the facts ever stood in the way."
    last = [g for g in opening.let_go if g.on == opening.on]
    which = " and ".join(f"{g.gate} ({g.name.replace('_', ' ')})" for g in last)
    before = " ".join(dict.fromkeys(f.because for f in opening.held_by))
    said = (
        f"The last gate to let go was {which}, on {opening.on}. The day before, no case could open: {before}"
    )
    if opening.on < on:
        said += f" Baton opened the case on {on}, once it knew all of this and the account had settled."
    return said
