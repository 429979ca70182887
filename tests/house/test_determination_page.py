"""For the auditor: the page of determination rules is made from the code, and no finding is without a rule.

After a change of rules run this module once with BATON_UPDATE_DOCS=1.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from service.core.rules import RULES
from service.core.work import TASKS

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "determination.md"
MADE = "<!-- Made from the code by tests/house/test_determination_page.py; change it there. -->"
FINDING = re.compile(r'"(DET-\d\d(?:\.[a-z_]+)?)"')


def findings_told() -> set[str]:
    """Every finding id that the core writes or looks for."""
    paths = (ROOT / "service" / "core").rglob("*.py")
    return {id for path in paths for id in FINDING.findall(path.read_text(encoding="utf-8"))}


def findings_named() -> set[str]:
    return {f"{rule.id}.{part}" if part else rule.id for rule in RULES for part in rule.findings}


def page() -> str:
    lines = [
        MADE,
        "",
        "# Who owes what: the determination rules",
        "",
        "Every rule is asked of every claim. What a rule finds is kept with the decision, with the messages",
        "it rests on, and `baton why` shows it; a rule that finds nothing worth telling is named as silent.",
        "A finding that keeps an account open is a task for somebody outside collections.",
        "",
        "| rule | says | rests on |",
        "|---|---|---|",
        *[f"| {rule.id} | {rule.name} | {rule.citation} |" for rule in RULES],
        "",
        "## What a rule can find",
        "",
        "| finding | means | whose task | what to do | within |",
        "|---|---|---|---|---|",
    ]
    for rule in RULES:
        for part, meaning in rule.findings.items():
            id = f"{rule.id}.{part}" if part else rule.id
            task = TASKS.get(id)
            days = f"{task.days} days" if task and task.days else ""
            whose = task.queue.replace("_", " ") if task else ""
            lines.append(f"| `{id}` | {meaning} | {whose} | {task.text if task else ''} | {days} |")
    return "\n".join([*lines, ""])


def test_the_page_is_the_one_made_from_the_code() -> None:
    if os.environ.get("BATON_UPDATE_DOCS"):
        PAGE.write_text(page(), encoding="utf-8")
    assert PAGE.read_text(encoding="utf-8") == page()


def test_there_are_twenty_one_rules_in_order_each_with_a_sentence_and_a_citation() -> None:
    assert [rule.id for rule in RULES] == [f"DET-{n:02}" for n in range(1, 22)]
    assert all(rule.name.endswith(".") and rule.citation for rule in RULES)


def test_every_finding_that_the_core_tells_is_named_and_every_named_one_is_told() -> None:
    assert findings_told() - {rule.id for rule in RULES} == findings_named() - {rule.id for rule in RULES}


def test_every_task_belongs_to_a_finding() -> None:
    assert set(TASKS) <= findings_named()
