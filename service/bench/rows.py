"""What a measurement leaves behind: one row with its figure, how often it was taken and how far it spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median

from schemas.errors import BatonError

Detail = Mapping[str, str | int | float | bool | None]


class WrongAnswer(BatonError):
    """What was measured did not end where it must: a fast wrong answer is no answer."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measurement. `value` is in `unit`, the median of `rounds`; None when it was left out, and why.

    `key` names it for `ratios` and for other programs; `n` is how many messages one round had.
    """

    key: str
    what: str
    store: str
    unit: str
    value: float | None
    n: int = 0
    rounds: tuple[float, ...] = ()
    detail: Detail = field(default_factory=dict)
    left_out: str = ""

    @classmethod
    def of(
        cls,
        key: str,
        what: str,
        unit: str,
        rounds: Sequence[float],
        *,
        n: int,
        store: str = "",
        detail: Detail | None = None,
    ) -> Row:
        """The median of what the rounds gave."""
        return cls(key, what, store, unit, median(rounds), n, tuple(rounds), detail or {})

    @classmethod
    def without(cls, key: str, what: str, unit: str, why: str, *, store: str = "") -> Row:
        """A measurement that was not taken, with the reason: no figure is made up."""
        return cls(key, what, store, unit, None, left_out=why)

    @property
    def spread(self) -> tuple[float, float] | None:
        """The lowest and the highest round; None for a single one."""
        return (min(self.rounds), max(self.rounds)) if len(self.rounds) > 1 else None

    def plain(self) -> dict[str, object]:
        """The row for `--json`."""
        return {
            "key": self.key,
            "what": self.what,
            "store": self.store or None,
            "unit": self.unit,
            "value": None if self.value is None else _figure(self.value),
            "n": self.n,
            "rounds": [_figure(r) for r in self.rounds],
            "spread": None if self.spread is None else [_figure(v) for v in self.spread],
            "detail": dict(self.detail),
            "left_out": self.left_out or None,
        }


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent of the values do not exceed.

    >>> percentile([5.0, 1.0, 3.0, 2.0], 50), percentile([5.0, 1.0, 3.0, 2.0], 99)
    (2.0, 5.0)
    """
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _figure(value: float) -> float:
    """Three digits after the point are more than any of these measurements holds."""
    return round(value, 3)
