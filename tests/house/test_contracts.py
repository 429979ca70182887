"""For the architect: the layout is held by a machine, and each contract is seen to break when violated."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

VIOLATIONS = {
    "a door that calls a verb breaks the floors": (
        "adapters/native.py",
        "import service.config",
        "Three floors",
    ),
    "a noun that knows a door breaks the floors": (
        "schemas/money.py",
        "import adapters.native",
        "Three floors",
    ),
    "a door that imports a door breaks independence": (
        "adapters/native.py",
        "import adapters.x12",
        "A door never imports a door",
    ),
    "a core that imports a third-party library breaks purity": (
        "service/core/__init__.py",
        "import orjson",
        "The core imports schemas alone",
    ),
    "a core that opens the store breaks purity": (
        "service/core/__init__.py",
        "import adapters.store",
        "The core imports schemas alone",
    ),
    "a core that knows another verb is refused": (
        "service/core/__init__.py",
        "import service.config",
        "The core knows no other verb",
    ),
    "pika away from home is refused": ("service/intake.py", "import pika", "pika lives in adapters.rabbitmq"),
    "SQLAlchemy away from home is refused": (
        "service/intake.py",
        "import sqlalchemy",
        "SQLAlchemy, Alembic and psycopg live in adapters.store",
    ),
    "Flask away from home is refused": ("service/intake.py", "import flask", "Flask lives in service.web"),
    "marshmallow away from home is refused": (
        "adapters/native.py",
        "import marshmallow",
        "marshmallow and apispec live in schemas.wire",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "from importlinter.cli import lint_imports_command as c; c()"
    return subprocess.run(
        [sys.executable, "-c", code, "--config", str(folder / "pyproject.toml"), "--no-cache"],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "/usr/bin:/bin", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_every_import_contract_is_kept() -> None:
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout
    assert "0 broken" in result.stdout


@pytest.mark.parametrize("sentence", VIOLATIONS)
def test_a_violated_contract_is_found(sentence: str, tmp_path: Path) -> None:
    file, line, contract = VIOLATIONS[sentence]
    for part in ("schemas", "adapters", "service"):
        shutil.copytree(ROOT / part, tmp_path / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    target = tmp_path / file
    text = target.read_text()
    target.write_text(
        text.replace(
            "from __future__ import annotations\n", f"from __future__ import annotations\n\n{line}\n", 1
        )
        if "from __future__" in text
        else f"{text}\n{line}\n"
    )
    result = lint(tmp_path)
    assert result.returncode == 1, result.stdout + result.stderr
    assert contract in result.stdout


@pytest.mark.parametrize("name", ["schemas", "adapters", "service"])
def test_each_import_name_has_exactly_one_owner(name: str) -> None:
    # An editable installation lists no files; then nobody else may, and the name must lead here.
    owners = importlib.metadata.packages_distributions().get(name, ["baton-handoff"])
    assert set(owners) == {"baton-handoff"}
    found = importlib.util.find_spec(name)
    assert found is not None and found.origin is not None
    assert Path(found.origin).is_relative_to(ROOT)
