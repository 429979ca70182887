"""The expressions of house rules: the rule-engine library, allowed to compare and to combine, no more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from typing import Any, Final

import rule_engine
from rule_engine import DataType, ast

from service.core.policy import VALUES, Value

LONGEST: Final = 1000
"""Characters of an expression."""

_TYPES: Final = {
    "cents": DataType.FLOAT,
    "count": DataType.FLOAT,
    "day": DataType.DATETIME,
    "word": DataType.STRING,
    "words": DataType.SET(DataType.STRING),
    "flag": DataType.BOOLEAN,
}
"""rule-engine's FLOAT is a Decimal: whole cents stay whole."""

_ALLOWED: Final = (
    ast.SymbolExpression,
    ast.BooleanExpression,
    ast.FloatExpression,
    ast.StringExpression,
    ast.DatetimeExpression,
    ast.TimedeltaExpression,
    ast.NullExpression,
    ast.ArrayExpression,
    ast.SetExpression,
    ast.LogicExpression,
    ast.ComparisonExpression,
    ast.ContainsExpression,
    ast.UnaryExpression,
    ast.AddExpression,
    ast.SubtractExpression,
)
_PARTS: Final = ("left", "right", "value", "container", "member")


class Expression:
    """A condition over the values of an account, checked when it is made.

    Raises:
        ValueError: it is no expression, names no known value, compares what cannot be compared, or uses more
            than values, dates, numbers and texts, `and`, `or`, `not`, comparisons, `in`, plus and minus.
    """

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise ValueError(f"it is longer than {LONGEST} characters")
        types = {name: _TYPES[value.kind] for name, value in VALUES.items()}
        context = rule_engine.Context(
            type_resolver=rule_engine.type_resolver_from_dict(types), default_timezone=UTC
        )
        try:
            self._rule: Any = rule_engine.Rule(text, context=context)
        except (rule_engine.EngineError, ValueError, ArithmeticError, RecursionError) as error:
            raise ValueError(_reason(error)) from None
        root = self._rule.statement.expression
        nodes = list(_nodes(root))
        for node in nodes:
            _check(node)
        if root.result_type is not DataType.BOOLEAN:
            raise ValueError("it is neither true nor false; compare something")
        self.uses: tuple[str, ...] = tuple(
            sorted({node.name for node in nodes if isinstance(node, ast.SymbolExpression)})
        )
        self.minds_missing: bool = any(isinstance(node, ast.NullExpression) for node in nodes)
        if not self.uses:
            raise ValueError("it uses no value of the account")

    def holds(self, values: Mapping[str, Value]) -> bool:
        """Whether it is true of these values.

        Raises:
            ValueError: it cannot be worked out.
        """
        try:
            return bool(self._rule.matches({name: _given(value) for name, value in values.items()}))
        except (rule_engine.EngineError, ArithmeticError, TypeError, OverflowError) as error:
            raise ValueError(_reason(error)) from None


def _given(value: Value) -> Any:
    if isinstance(value, date):
        return datetime.combine(value, time(), tzinfo=UTC)
    return set(value) if isinstance(value, frozenset) else value


def _nodes(node: Any) -> Iterator[Any]:
    yield node
    for part in _PARTS:
        inner = getattr(node, part, None)
        for one in inner if isinstance(inner, (list, tuple, set, frozenset)) else (inner,):
            if isinstance(one, ast.ExpressionBase):
                yield from _nodes(one)


def _check(node: Any) -> None:
    if isinstance(node, ast.FuzzyComparisonExpression) or not isinstance(node, _ALLOWED):
        kind = type(node).__name__.removesuffix("Expression")
        raise ValueError(f"{kind} is not allowed; compare values, and combine with and, or, not, in, + and -")
    if isinstance(node, ast.SymbolExpression) and (node.scope is not None or node.name not in VALUES):
        raise ValueError(f"{node.name} is no value of an account; for today write as_of")


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "message", None) or error).split())[:200]
