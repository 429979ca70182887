"""For the reader: pages that repeat the code are made from it, and the tables by hand name what there is.

After a change of gates, policy or finding codes, run this module once with BATON_UPDATE_DOCS=1.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters import hl7v2, x12
from adapters.hl7v2 import findings as hl7v2_findings
from adapters.store import Store
from adapters.x12.findings import noted, rejected
from schemas.wire.events import EVENTS
from schemas.wire.native import TYPES
from service.cli.table import COMMANDS
from service.config import load
from service.core import Policy, parse_policy
from service.core.gates import REGISTRY
from service.core.policy import DIRECTIONS, VALUES
from service.metrics import DoorMeter
from service.web import SCOPES
from tests.house.gates_page import gates_page, rooms_of

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
UPDATE = "BATON_UPDATE_DOCS"
MADE = "<!-- Made from the code by tests/house/test_generated_pages.py; change it there. -->"

JSON_SOURCES = (
    *sorted((ROOT / "schemas" / "wire").glob("*.py")),
    ROOT / "adapters" / "native.py",
    ROOT / "adapters" / "store" / "limits.py",
    ROOT / "service" / "app.py",
    ROOT / "service" / "intake.py",
    ROOT / "service" / "readings.py",
    ROOT / "service" / "posting.py",
    ROOT / "service" / "consume.py",
)
SPEAKERS = {"Fault", "MessageRejected", "Rejected", "Noted", "Trouble"}
CODE = re.compile(r"[a-z]+(-[a-z0-9]+)*\Z")


def bundled_policy() -> Policy:
    folder = ROOT / "service" / "policies"
    return parse_policy({p.name: p.read_text(encoding="utf-8") for p in sorted(folder.glob("*.toml"))})


def cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ").strip()


def x12_codes_page() -> str:
    lines = [
        MADE,
        "",
        "# What the 835 reader can find",
        "",
        "The code is stable; the sentence may be reworded. `baton inspect` shows every finding; what parks",
        "stands in `baton parked list` under the same code, with its place. Clauses name the",
        "005010X221A1 guide or X12.5 and X12.6, where the rule behind the finding is to be read.",
        "",
        "| code | severity | means, and what to do | clause |",
        "|---|---|---|---|",
    ]
    for code in sorted(x12.CODES):
        found = noted(code, "")
        row = (f"`{code}`", found.severity, found.message, rejected(code, "").clause)
        lines.append(f"| {' | '.join(cell(text) for text in row)} |")
    return "\n".join(lines) + "\n"


def hl7v2_codes_page() -> str:
    lines = [
        MADE,
        "",
        "# What the HL7 v2 reader can find",
        "",
        "The code is stable; the sentence may be reworded. `baton inspect` shows every finding; what parks",
        "stands in `baton parked list` under the same code, with its place. Clauses name a section of the",
        "HL7 v2.5.1 standard, or a table, where the rule behind the finding is to be read.",
        "",
        "| code | severity | means, and what to do | clause |",
        "|---|---|---|---|",
    ]
    for code in sorted(hl7v2.CODES):
        found = hl7v2_findings.noted(code, "")
        row = (f"`{code}`", found.severity, found.message, hl7v2_findings.rejected(code, "").clause)
        lines.append(f"| {' | '.join(cell(text) for text in row)} |")
    return "\n".join(lines) + "\n"


def house_rules_page() -> str:
    lines = [
        MADE,
        "",
        "# What a house rule may look at",
        "",
        "A `[[rule]]` of a policy pack holds, requires or blocks while its expression `when` is true. It can",
        "add a restriction, never allow. An expression compares the values below, with `and`, `or`, `not`,",
        "`in`, plus and minus, texts in quotes, `null` and days as `d'2026-11-01'`; functions, patterns and",
        "the clock are refused. Money is whole cents. A value that is missing holds the account, unless the",
        "expression itself asks for `null`. A rule that uses a value marked daily makes every account it",
        "concerns due again every day.",
        "",
        "| value | is | meaning |",
        "|---|---|---|",
    ]
    for value in VALUES.values():
        kind = value.kind + (", daily" if value.moves else "")
        lines.append(f"| `{value.name}` | {kind} | {cell(value.meaning)} |")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    "name, made",
    [
        ("gates.md", lambda: gates_page(MADE)),
        ("x12-codes.md", x12_codes_page),
        ("house-rules.md", house_rules_page),
        ("hl7v2-codes.md", hl7v2_codes_page),
    ],
)
def test_a_page_made_from_the_code_says_what_the_code_says(name: str, made) -> None:  # type: ignore[no-untyped-def]
    page, text = DOCS / name, made()
    if os.environ.get(UPDATE):
        page.write_text(text, encoding="utf-8")
    assert page.read_text(encoding="utf-8") == text, f"set {UPDATE}=1 and run this test again"


def test_every_gate_stands_in_one_room_of_the_page_with_citation_values_and_stories() -> None:
    page = gates_page(MADE)
    for gate in REGISTRY:
        assert len(rooms_of(gate)) == 1, gate.id
        found = re.search(rf"^### {gate.id} .*?(?=^##|\Z)", page, re.DOTALL | re.MULTILINE)
        assert found, f"{gate.id} is not on the page"
        text = found[0]
        assert re.search(r"^Rests on:\n\n- \S", text, re.MULTILINE), f"{gate.id} cites nothing"
        stories = text.partition("Stories:")[2]
        assert "`allow`" in stories, f"{gate.id} has no story that allows"
        assert re.search("`(require|hold|block)`", stories), f"{gate.id} has no story that does not allow"
        for parameter in gate.parameters:
            assert parameter.unit in DIRECTIONS, f"{gate.id} {parameter.name} has no unit"
            label = parameter.name.removesuffix("_days").replace("_", " ")
            assert f"| {label} |" in text, f"{gate.id} {parameter.name} has no value"


def section(page: Path, title: str) -> str:
    text = page.read_text(encoding="utf-8")
    found = re.search(rf"^##+ {re.escape(title)}\n(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert found, f"{page.name} has no section {title}"
    return found[1]


def first_cells(text: str) -> list[str]:
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def test_the_table_of_settings_lists_each_setting_with_its_default(tmp_path: Path) -> None:
    config = load({"BATON_CONFIG": str(_empty(tmp_path))})
    rows = dict(
        re.findall(
            r"^\| `(BATON_\w+)` \| ([^|]*) \|", section(DOCS / "operator.md", "Settings"), re.MULTILINE
        )
    )
    expected = {f"BATON_{s.name.upper()}": f"`{s.shown}`" if s.shown else "none" for s in config.settings}
    assert {name: value.strip() for name, value in rows.items()} == expected


def _empty(folder: Path) -> Path:
    file = folder / "baton.toml"
    file.touch()
    return file


def test_the_readme_lists_exactly_the_commands_there_are() -> None:
    rows = re.findall(r"^\| `baton ([a-z]+)", section(ROOT / "README.md", "Commands"), re.MULTILINE)
    assert sorted(set(rows)) == sorted(COMMANDS)


def codes_spoken() -> set[str]:
    """Every code that the JSON door and the intake say, read from their source."""
    return {code for file in JSON_SOURCES for code in _codes_in(ast.parse(file.read_text()))}


def _codes_in(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            arguments = [a.value for a in node.args if isinstance(a, ast.Constant)]
            if name in SPEAKERS:
                texts = [a for a in arguments if isinstance(a, str) and a not in ("info", "warning", "error")]
                yield from (t for t in texts[:1] if CODE.match(t))
            yield from (
                k.value.value
                for k in node.keywords
                if k.arg == "code" and isinstance(k.value, ast.Constant) and isinstance(k.value.value, str)
            )
        elif isinstance(node, ast.arguments):
            given = dict(zip([a.arg for a in node.args[::-1]], node.defaults[::-1], strict=False))
            if isinstance(usual := given.get("code"), ast.Constant) and isinstance(usual.value, str):
                yield usual.value
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple):
            first = node.value.elts[0] if node.value.elts else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str) and "-" in first.value:
                yield first.value
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # marshmallow's own messages are rewritten as `code: advice`.
            found = re.match(r"([a-z]+(?:-[a-z]+)+): [a-z]", node.value)
            if found:
                yield found[1]


def test_the_table_of_codes_names_every_code_of_json_and_intake_and_no_other() -> None:
    listed = first_cells(section(DOCS / "integrator.md", "Codes"))
    assert len(listed) == len(set(listed))
    assert set(listed) == codes_spoken()


def test_the_integrators_page_names_every_message_type_and_every_event() -> None:
    page = DOCS / "integrator.md"
    assert set(first_cells(section(page, "The types"))) == set(TYPES)
    assert set(first_cells(section(page, "Events out"))) == set(EVENTS)


def test_the_specialists_page_explains_every_reason_for_which_a_case_ends() -> None:
    source = (ROOT / "service" / "core" / "case.py").read_text()
    reasons = set(re.findall(r'"([A-Z]+(?:_[A-Z]+)+|ADMINISTRATIVE)"', source))
    reasons -= {"EVERY_GATE_ALLOWS", "LIFTED_BY_TWO_PEOPLE", "AMOUNT_CHANGED"}
    text = (DOCS / "specialist.md").read_text()
    assert reasons
    assert [reason for reason in sorted(reasons) if f"`{reason}`" not in text] == []


def test_the_specialists_page_says_of_every_gate_whose_it_is() -> None:
    text = section(DOCS / "specialist.md", "When an account is held")
    ids = [gate.id for gate in REGISTRY]
    named = set(re.findall(r"G\d[\dA]", text))
    for first, last in re.findall(r"(G\d[\dA]) to (G\d[\dA])", text):
        named |= {id for id in ids if first <= id <= last}
    assert named == set(ids)


def test_the_operators_page_names_every_metric(tmp_path: Path) -> None:
    store = Store.open(f"sqlite:///{tmp_path}/baton.db")
    store.upgrade()
    meter = DoorMeter(lambda: store, lambda: datetime.now(UTC), "0")
    served = set(re.findall(r"^# TYPE (\w+)", meter.exposition().decode(), re.MULTILINE))
    store.close()
    text = section(DOCS / "operator.md", "Health and metrics")
    assert {name for name in served if not name.endswith("_created")} == set(
        re.findall(r"`(baton_\w+)`", text)
    )


def test_the_operators_page_names_every_scope_of_a_key() -> None:
    text = section(DOCS / "operator.md", "API keys")
    assert [scope for scope in SCOPES if f"`{scope}`" not in text] == []
