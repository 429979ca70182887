"""Reading the house rules of a pack."""

from __future__ import annotations

import re
from typing import Any, Final

from schemas.decisions import STAGES, Verdict
from service.core.policy.reading import DAYS, MOST, PackText, is_said
from service.core.policy.rules import VALUES, Condition, Rule
from service.core.policy.terms import Dated

_RULE: Final = DAYS | {
    "id", "name", "when", "stage", "verdict", "because", "citation", "lifted_by", "until_days", "until_from",
    "liftable", "note",
}  # fmt: skip
_VERDICTS: Final = {v.word: v for v in Verdict if v is not Verdict.ALLOW}


def read_rule(pack: PackText, entry: dict[str, Any], n: int) -> None:
    """Read the entry `[[rule]]` of this number."""
    id = entry.get("id")
    label = f"rule {id}"
    if not pack.only(entry, _RULE, ("rule", n), "unknown-key", f"{label}:"):
        return
    if not isinstance(id, str) or not re.fullmatch(r"H[0-9]{2,4}", id) or id in pack.all.rules:
        pack.refuse("bad-rule-id", "a rule has an id of its own: H and two to four digits", "rule", n, "id")
        return
    for key in ("name", "when", "because", "citation"):
        if not is_said(entry.get(key)):
            pack.refuse("incomplete-rule", f"{label} needs {key}, a text", "rule", n, key)
            return
    liftable = entry.get("liftable", False)
    if not isinstance(liftable, bool):
        pack.refuse("wrong-type", f"{label}: liftable is true or false", "rule", n, "liftable")
        return
    verdict, stages = entry.get("verdict"), entry.get("stage", list(STAGES))
    if verdict not in [*_VERDICTS]:
        text = f"{label}: verdict is require, hold or block; a rule never allows"
        pack.refuse("unknown-verdict", text, "rule", n, "verdict")
        return
    stages = [stages] if isinstance(stages, str) else stages
    if not isinstance(stages, list) or not stages or not all(stage in STAGES for stage in stages):
        pack.refuse("unknown-stage", f"{label}: stages are {', '.join(STAGES)}", "rule", n, "stage")
        return
    until, condition = _until(pack, entry, label, n), _condition(pack, entry["when"], label, n)
    days = pack.days(entry, label, ("rule", n))
    if until is None or condition is None or days is None:
        return
    rule = Rule(
        id,
        entry["name"].strip().replace(" ", "_"),
        entry["when"].strip(),
        condition,
        frozenset(stages),
        _VERDICTS[verdict],
        entry["because"].strip(),
        entry["citation"].strip(),
        entry.get("lifted_by"),
        *until,
        liftable,
    )
    pack.all.rules[id] = Dated(rule, *days, pack.at, pack.lines.of("rule", n))


def _until(pack: PackText, entry: dict[str, Any], label: str, n: int) -> tuple[int | None, str | None] | None:
    days, start = entry.get("until_days"), entry.get("until_from")
    dates = [name for name, value in VALUES.items() if value.kind == "day" and not value.moves]
    if not isinstance(entry.get("lifted_by"), str | None):
        pack.refuse("wrong-type", f"{label}: lifted_by is a text", "rule", n, "lifted_by")
        return None
    if days is None and start is None:
        return None, None
    if type(days) is not int or not 0 < days <= MOST["days"] or start not in dates:
        text = f"{label}: until_days is a number of days, and until_from one of {', '.join(dates)}"
        pack.refuse("wrong-type", text, "rule", n, "until_days" if "until_days" in entry else "until_from")
        return None
    return days, start


def _condition(pack: PackText, when: str, label: str, n: int) -> Condition | None:
    if pack.all.compile is None:
        pack.refuse("no-expressions", f"{label}: nothing here reads expressions", "rule", n, "when")
        return None
    try:
        return pack.all.compile(when)
    except ValueError as error:
        pack.refuse("bad-expression", f"{label}: {error}", "rule", n, "when")
        return None
