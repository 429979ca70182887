"""How answers look on a terminal: aligned columns, lines of at most 100 characters, marks."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections.abc import Collection, Sequence
from typing import Any, Final

import click

WIDEST: Final = 100

MARKS: Final = {"allow": ("✓", "+"), "require": ("!", "!"), "hold": ("…", "~"), "block": ("✗", "x")}
COLORS: Final = {"allow": "green", "require": "yellow", "hold": "yellow", "block": "red"}


def width() -> int:
    """Characters in a line here: the terminal's, and at most 100."""
    return min(shutil.get_terminal_size((WIDEST, 24)).columns, WIDEST)


def speaks_unicode() -> bool:
    """Whether standard output can show more than ASCII."""
    return (getattr(sys.stdout, "encoding", None) or "ascii").lower().startswith("utf")


def sign(fancy: str, plain: str) -> str:
    """A mark, or its ASCII twin where the terminal has no other."""
    return fancy if speaks_unicode() else plain


def mark(verdict: str) -> str:
    """The coloured mark of a verdict: allow, require, hold, block."""
    fancy, plain = MARKS.get(verdict, ("?", "?"))
    return click.style(sign(fancy, plain), fg=COLORS.get(verdict), bold=True)


def title(text: str) -> None:
    """Begin a part of an answer."""
    click.echo()
    click.secho(text, bold=True)


def wrapped(text: str, indent: int = 0, hang: int | None = None) -> None:
    """Print a text over as many lines as it needs; all but the first are indented by `hang`."""
    rest = " " * (indent if hang is None else hang)
    click.echo("\n".join(_lines(text, width(), " " * indent, rest)))


def advice(reason: str, where: str) -> str:
    """A reason without the place it begins with, where the place stands beside it.

    >>> advice("$.id: write a text", "$.id")
    'write a text'
    """
    return reason.removeprefix(f"{where}: ")


def _lines(text: str, room: int, first: str = "", rest: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        room,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=True,
    ) or [""]


def marked(symbol: str, text: str, indent: int = 2, hang: int = 0) -> None:
    """Print a mark and, beside it, a text that wraps under itself, `hang` further in from line two."""
    further = " " * hang
    room = max(20, width() - indent - 2)
    lines = _lines(text, room, "", further)
    click.echo(f"{' ' * indent}{symbol} {lines[0]}")
    for line in lines[1:]:
        click.echo(f"{' ' * (indent + 2)}{line}")


def beside(start: str, text: str, *, dim: bool = False) -> None:
    """Print a text beside a fixed beginning, wrapped under itself."""
    lines = _lines(text, max(20, width() - len(start)))
    for n, line in enumerate(lines):
        head = start if n == 0 else " " * len(start)
        click.echo(head + click.style(line, dim=True) if dim else head + line)


def columns(rows: Sequence[Sequence[Any]], heads: Sequence[str] = (), right: Collection[int] = ()) -> None:
    """Print rows in aligned columns; the columns in `right` are flushed right, the last one wraps."""
    texts = [["" if value is None else str(value) for value in row] for row in rows]
    every = ([list(heads)] if heads else []) + texts
    if not every:
        return
    widths = [max(len(row[n]) for row in every) for n in range(len(every[0]))]
    for number, row in enumerate(every):
        _row(row, widths, right, head=bool(heads) and number == 0)


def _row(row: list[str], widths: list[int], right: Collection[int], *, head: bool) -> None:
    *front, last = [
        text.rjust(size) if n in right else text.ljust(size)
        for n, (text, size) in enumerate(zip(row, widths, strict=True))
    ]
    start = "  " + "".join(text + "  " for text in front)
    room = max(20, width() - len(start))
    # A right-aligned last column keeps its leading blanks; anything else is wrapped as prose.
    lines = [last] if len(row) - 1 in right else textwrap.wrap(last, room) or [""]
    for n, text in enumerate(lines):
        line = (start if n == 0 else " " * len(start)) + text
        click.secho(line.rstrip(), dim=head)
