"""Mutation testing of the pure core: small wrong versions of a module, each of which some test must notice.

Each mutant runs in a forked process: first the second opinion over histories worked out beforehand (fast,
notices most), then the spec tests. What no test notices and tests/mutants.tsv does not judge is printed, and
the exit code is 1.
"""

from __future__ import annotations

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
JUDGED = ROOT / "tests" / "mutants.tsv"
HISTORIES = range(250)
LIMIT_SECONDS = 240
ELSEWHERE = {"canonical", "merkle", "policy", "policy_scope", "records", "state_packs"}
SPEC = [
    str(p)
    for p in sorted((ROOT / "tests" / "spec").glob("test_*.py"))
    if p.stem.removeprefix("test_") not in ELSEWHERE
]
"""The spec tests about accounts, answers, gates and cases; runs of them are what takes the time."""

COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
CALLS = {"min": "max", "max": "min", "any": "all", "all": "any"}


def changes(node: ast.AST) -> Iterator[ast.AST]:
    """Every small wrong version of one node."""
    if isinstance(node, ast.Compare):
        for at, operator in enumerate(node.ops):
            other = copy.deepcopy(node)
            other.ops[at] = COMPARE[type(operator)]()
            yield other
    elif isinstance(node, ast.BoolOp):
        other = copy.deepcopy(node)
        other.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        yield other
        for at in range(len(node.values)):
            yield _without(node, at)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub):
        yield node.operand
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        other = copy.deepcopy(node)
        other.op = ARITHMETIC[type(node.op)]()
        yield other
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
        other = copy.deepcopy(node)
        other.func = ast.Name(CALLS[node.func.id], ast.Load())
        yield other
    elif isinstance(node, ast.IfExp):
        yield node.body
        yield node.orelse
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.Continue):
        yield ast.Break()
    elif isinstance(node, ast.If):
        for value in (True, False):
            other = copy.deepcopy(node)
            other.test = ast.Constant(value)
            yield other


def _without(node: ast.BoolOp, at: int) -> ast.expr:
    values = [v for n, v in enumerate(node.values) if n != at]
    return values[0] if len(values) == 1 else ast.BoolOp(node.op, values)


def _constants(node: ast.Constant) -> Iterator[ast.AST]:
    if isinstance(node.value, bool):
        yield ast.Constant(not node.value)
    elif isinstance(node.value, int):
        yield ast.Constant(node.value + 1)
    elif isinstance(node.value, str) and node.value and " " not in node.value:
        yield ast.Constant(node.value + "~")


class Mutant:
    """One wrong version: which function, what was there, what is there now."""

    def __init__(self, path: str, tree: ast.Module, function: str, before: ast.AST, after: ast.AST) -> None:
        self.path, self.function, self.line = path, function, getattr(before, "lineno", 0)
        self.change = f"{_short(before)} → {_short(after)}"
        self.tree, self.before, self.after = tree, before, after

    @property
    def name(self) -> tuple[str, str, str]:
        """What stays the same when lines move: file, function, change."""
        return self.path, self.function, self.change

    def source(self) -> ast.Module:
        """The wrong module; the tree is changed in place, so only a forked process may ask."""
        before, after = self.before, self.after

        class Swap(ast.NodeTransformer):
            def visit(self, node: ast.AST) -> Any:
                return after if node is before else super().visit(node)

        return ast.fix_missing_locations(Swap().visit(self.tree))


def _is_alias(node: ast.AST) -> bool:
    return isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation)


def _short(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 160 else text[:157] + "..."


def mutants(path: str) -> list[Mutant]:
    """All mutants of a module, by line; annotations, docstrings and sentences stay as they are."""
    tree = ast.parse((ROOT / path).read_text())
    found: list[Mutant] = []

    def walk(node: ast.AST, function: str) -> None:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            function = f"{function}.{node.name}" if function else node.name
        for change in changes(node):
            found.append(Mutant(path, tree, function or "module", node, change))
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list") or _is_alias(node):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                    continue
                if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.ImportFrom):
                    walk(child, function)

    walk(tree, "")
    return found


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Loads the one module from its wrong version; all others as ever."""

    def __init__(self, mutant: Mutant) -> None:
        self.name = mutant.path.removesuffix(".py").replace("/", ".")
        self.code = compile(mutant.source(), mutant.path, "exec")

    def find_spec(self, fullname: str, path: Any, target: Any = None) -> Any:
        return importlib.util.spec_from_loader(fullname, self) if fullname == self.name else None

    def exec_module(self, module: ModuleType) -> None:
        exec(self.code, module.__dict__)


def _worked_out() -> list[tuple[list[Any], dict[str, Any]]]:
    from tests.property.reference import reckon
    from tests.property.seeded import history

    told = [history(seed) for seed in HISTORIES]
    return [(facts, reckon(facts)) for facts in told if not any("unmerged" in f.kind for f in facts)]


def _notices(mutant: Mutant, known: list[tuple[list[Any], dict[str, Any]]]) -> bool:
    """In a forked process: whether the second opinion or the spec tests fail with this mutant."""
    for name in [n for n in sys.modules if n.split(".")[0] in ("service", "tests", "adapters")]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Mutated(mutant))
    try:
        from service.core import apportion, fold
        from tests.spec.facts_made import ACCOUNT, POLICY

        for facts, second in known:
            owes = apportion(fold(facts, ACCOUNT), POLICY)
            provider = sum(s.amount_cents for s in owes.shares if s.bearer == "provider")
            ours = (owes.determination, owes.assigned_cents, owes.collectible_cents, owes.net_cents)
            if (*ours, owes.balance_cents) != tuple(
                second[n] for n in ("state", "assigned", "collectible", "net", "balance")
            ):
                return True
            if owes.determination in ("final", "credit") and provider != second["bears"]["provider"]:
                return True
    except Exception:
        return True
    import pytest

    return pytest.main([*SPEC, "-x", "-q", "-n", "0", "--no-header"]) != 0


def outcome(mutant: Mutant, known: list[tuple[list[Any], dict[str, Any]]]) -> bool:
    """Whether some test notices; one that does not come back in time has been noticed."""
    child = os.fork()
    if child == 0:
        silent = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silent, 1)
        os.dup2(silent, 2)
        signal.alarm(LIMIT_SECONDS)
        seen = True
        try:
            seen = _notices(mutant, known)
        finally:
            os._exit(1 if seen else 0)
    _, status = os.waitpid(child, 0)
    return status != 0


def judged() -> set[tuple[str, str, str]]:
    """Mutants that a person has judged: nobody needs to notice them."""
    rows = [line.split("\t") for line in JUDGED.read_text().splitlines()[1:]] if JUDGED.exists() else []
    return {(row[0], row[1], row[2]) for row in rows}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("modules", nargs="+", help="files of the core, as service/core/claims.py")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth mutant")
    parser.add_argument(
        "--only", default="", metavar="WORD", help="only functions with this word in the name"
    )
    given = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    os.chdir(ROOT)
    known, known_ones = _worked_out(), judged()
    tried = lived = told = 0
    for path in given.modules:
        for mutant in mutants(path)[:: given.every]:
            if given.only not in mutant.function:
                continue
            tried += 1
            if not outcome(mutant, known):
                lived += 1
                told += mutant.name not in known_ones
                mark = "judged" if mutant.name in known_ones else "SURVIVED"
                print(mark, f"{path}:{mutant.line}", mutant.function, mutant.change, sep="\t", flush=True)
    noticed = tried - lived
    print(f"{tried} mutants, {noticed} noticed, {lived - told} judged, {told} not noticed by any test")
    return 1 if told else 0


if __name__ == "__main__":
    sys.exit(main())
