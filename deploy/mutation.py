"""Small wrong versions of the pure core, each of which some test must notice, and how they are named.

A mutant changes one thing: a comparison, a condition, an operand, a number, a sign, a word. Of words, whole
sentences stay as they are, and at the level of a module only words that are looked up are changed: keys and
members of dictionaries, sets and tuples, and what is compared. `mutating.py` tries them.
"""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
JUDGED = ROOT / "tests" / "mutants.tsv"
IMPORTANT = (
    "adjudication", "claims", "weighing", "responsibility", "carriers", "payers", "bearers", "account",
    "merging", "guarantors", "withdrawing", "rules", "work", "setting", "decision", "case",
)  # fmt: skip
"""Modules of the core in the order in which a mistake in them hurts; the others follow."""

COMPARE = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr}
LOOKS_UP = {"frozenset", "set", "get", "startswith", "endswith"}
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

    def __init__(self, place: Place, before: ast.AST, after: ast.AST) -> None:
        self.path, self.function, self.line = place.path, place.function, getattr(before, "lineno", 0)
        self.change = f"{_short(before)} → {_short(after)}"
        self.outermost = place.outermost
        self.tree, self.before, self.after = place.tree, before, after

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


@dataclass(frozen=True)
class Place:
    """Where in a module a node stands; `outermost` is the function to exchange, by name and first line.

    None means that the node is evaluated when the module is imported.
    """

    path: str
    tree: ast.Module
    function: str = ""
    outermost: tuple[str, int] | None = None

    def inside(self, node: ast.AST) -> Place:
        if not isinstance(node, ast.FunctionDef | ast.ClassDef):
            return self
        name = f"{self.function}.{node.name}" if self.function else node.name
        outermost = self.outermost
        if isinstance(node, ast.FunctionDef) and outermost is None:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            outermost = (name, first)
        return replace(self, function=name, outermost=outermost)


def _short(node: ast.AST) -> str:
    if isinstance(node, ast.If):
        return f"if {ast.unparse(node.test)}"
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= 160 else text[:157] + "..."


def mutants(path: str) -> list[Mutant]:
    """All mutants of a module, by line; annotations, docstrings and sentences stay as they are."""
    tree = ast.parse((ROOT / path).read_text())
    return list(_walk(tree, Place(path, tree), looked_up=False))


def _walk(node: ast.AST, place: Place, looked_up: bool) -> Iterator[Mutant]:
    inside = place.inside(node)
    if place.outermost or looked_up or not _is_word(node):
        for change in changes(node):
            named = inside if inside.function else replace(inside, function="module")
            yield Mutant(named, node, change)
    for name, child in _children(node):
        if name == "args" and isinstance(node, ast.FunctionDef):
            # What an argument is by default is worked out when the module is imported.
            yield from _walk(child, replace(inside, outermost=place.outermost), looked_up=False)
        else:
            yield from _walk(child, inside, _is_looked_up(node, name, child, looked_up))


def _children(node: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list") or _says_what_it_is(node):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant):
                continue
            if isinstance(child, ast.AST) and not isinstance(child, ast.JoinedStr | ast.ImportFrom):
                yield name, child


def _says_what_it_is(node: ast.AST) -> bool:
    if isinstance(node, ast.AnnAssign):
        return "TypeAlias" in ast.unparse(node.annotation)
    return isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"


def _is_word(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_looked_up(node: ast.AST, name: str, child: ast.AST, already: bool) -> bool:
    """Whether a word here is looked up or looked for: the key or the member of something, or compared."""
    if isinstance(node, ast.Compare | ast.Set | ast.MatchValue):
        return True
    if isinstance(node, ast.Dict):
        return name == "keys"
    if isinstance(node, ast.Subscript):
        return name == "slice"
    if isinstance(node, ast.Call):
        return name == "args" and ast.unparse(node.func).rpartition(".")[2] in LOOKS_UP
    if isinstance(node, ast.Assign | ast.AnnAssign):
        return isinstance(child, ast.Tuple | ast.List)
    return already and isinstance(node, ast.Tuple | ast.List)


def judged() -> set[tuple[str, str, str]]:
    """Mutants that a person has judged: nobody needs to notice them."""
    rows = [line.split("\t") for line in JUDGED.read_text().splitlines()[1:]] if JUDGED.exists() else []
    return {(row[0], row[1], row[2]) for row in rows}
