"""For the architect: no float near money, no clock in the core, no message value in a log line."""

from __future__ import annotations

import ast
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.logs import ALLOWED, open_log

ROOT = Path(__file__).resolve().parents[2]
MONEY = [
    "schemas",
    "adapters/x12",
    "adapters/native.py",
    "adapters/store",
    "service/core",
    "service/posting.py",
]
CLOCKS = {"now", "utcnow", "today", "time", "monotonic", "perf_counter", "time_ns"}
OUTSIDE = {
    "os",
    "time",
    "random",
    "secrets",
    "socket",
    "pathlib",
    "logging",
    "subprocess",
    "threading",
    "uuid",
    "io",
}


def sources(*places: str) -> Iterator[tuple[Path, ast.Module]]:
    for place in places:
        path = ROOT / place
        for file in [path] if path.is_file() else sorted(path.rglob("*.py")):
            yield file, ast.parse(file.read_text())


def floats_in(tree: ast.AST) -> list[int]:
    lines = []
    for node in ast.walk(tree):
        literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
        call = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "float"
        division = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div)
        if literal or call or division:
            lines.append(node.lineno)  # type: ignore[attr-defined]
    return lines


def clocks_in(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            found.append(f"{node.lineno}: {node.attr}")
        if isinstance(node, ast.Import):
            found += [f"{node.lineno}: {a.name}" for a in node.names if a.name.split(".")[0] in OUTSIDE]
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in OUTSIDE:
            found.append(f"{node.lineno}: {node.module}")
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in ("open", "print")
        ):
            found.append(f"{node.lineno}: {node.func.id}")
    return found


def division_of_paths(file: Path) -> bool:
    """`/` joins paths there; those files are read by eye."""
    return file.name in ("migrate.py", "__init__.py", "engine.py") and "store" in file.parts


def test_no_float_and_no_true_division_near_money() -> None:
    found = {
        str(file.relative_to(ROOT)): lines
        for file, tree in sources(*MONEY)
        if not division_of_paths(file) and "timeouts" not in file.name and (lines := floats_in(tree))
    }
    assert found == {}


def test_the_float_check_sees_each_way_to_make_one() -> None:
    assert floats_in(ast.parse("a = 1.5\nb = float('2')\nc = 1 / 2\nd = 3 // 2")) == [1, 2, 3]


def test_the_core_reads_no_clock_and_opens_nothing() -> None:
    found = {
        str(f.relative_to(ROOT)): seen
        for f, tree in sources("service/core", "schemas")
        if (seen := clocks_in(tree))
    }
    assert found == {}


def test_the_clock_check_sees_each_way_to_read_one() -> None:
    assert len(clocks_in(ast.parse("import time\nfrom os import environ\ndatetime.now()\nopen('x')"))) == 4


def test_only_the_wiring_place_reads_the_clock() -> None:
    allowed = {"service/app.py", "service/demo.py", "service/bench.py"}
    found = [
        str(file.relative_to(ROOT))
        for file, tree in sources(
            "service", "schemas", "adapters/x12", "adapters/native.py", "adapters/store"
        )
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in ("now", "utcnow", "today")
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in ("datetime", "date")
    ]
    assert [f for f in found if f not in allowed and "bench" not in f] == []


@pytest.fixture
def log_text() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    yield stream
    logging.shutdown()


def test_a_field_that_is_not_listed_never_reaches_the_log(log_text: io.StringIO) -> None:
    log = open_log("worker", log_text)
    log.info("batch", messages=3, patient="ZQCANARY", account="ZQACCOUNT")
    line = json.loads(log_text.getvalue())
    assert line["messages"] == 3
    assert line["dropped"] == ["account", "patient"]
    assert "ZQ" not in log_text.getvalue()


def test_the_text_of_an_exception_never_reaches_the_log(log_text: io.StringIO) -> None:
    log = open_log("worker", log_text)
    try:
        raise ValueError("ZQCANARY is not an amount")
    except ValueError:
        log.exception("batch failed", messages=1)
    line = json.loads(log_text.getvalue())
    assert line["exception_type"] == "ValueError"
    assert "test_purity.py" in line["exception_at"]
    assert "ZQ" not in log_text.getvalue()


def test_no_listed_field_names_a_person_or_an_amount() -> None:
    assert not {
        f for f in ALLOWED if any(w in f for w in ("name", "patient", "amount", "birth", "member", "cents"))
    }
