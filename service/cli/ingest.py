"""`baton ingest`: files and folders through the very same path as every other message."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import click

from schemas.facts import Message, Rejected
from service.app import App, calm_collector, detect
from service.cli import screen
from service.cli.inspect import plural
from service.cli.opening import opened
from service.cli.output import print_json
from service.cli.paths import Named, Source, reason_of, shown
from service.consume import LARGE_BYTES
from service.intake import Intake
from service.receipts import Moment, Receipt

PASSES: Final = 3
"""How often a file is gone through: for its digest, to keep it, to read it."""

TOGETHER: Final = 100
"""Small files that share one transaction."""

SHOWN: Final = 20
"""Parked parts that the text form names; the rest is counted."""


@dataclass(slots=True)
class Taken:
    """What became of the files of one command; counts, and the first parked parts for the screen."""

    files: int = 0
    facts: int = 0
    dispositions: dict[str, int] = field(default_factory=lambda: {"accepted": 0, "duplicate": 0, "parked": 0})
    parked_parts: int = 0
    parked: list[tuple[Path, Rejected]] = field(default_factory=list)

    def add(self, path: Path, receipt: Receipt) -> None:
        """Count one file's receipt."""
        self.files += 1
        self.facts += receipt.facts
        self.dispositions[receipt.disposition] += 1
        self.parked_parts += len(receipt.rejected)
        room = max(0, SHOWN - len(self.parked))
        self.parked += [(path, part) for part in receipt.rejected[:room]]


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True)
@click.option("--feed", default="files", show_default=True, metavar="NAME", help="The feed they belong to.")
@click.option("--json", "as_json", is_flag=True, help="A summary as JSON.")
@click.pass_context
def ingest(ctx: click.Context, paths: tuple[str, ...], feed: str, as_json: bool) -> None:
    """Read files or folders into Baton: stored whole, decoded, decided. The same file again changes nothing.

    The format is detected; a file need not fit into memory. Exit code 1 when something was parked, 2 when
    a path cannot be read (the others are read all the same).

    Example: baton ingest --feed clearinghouse inbox/
    """
    named, taken = Named(paths), Taken()
    with opened(begin=True) as app:
        files = named.files()
        with watched(sum(named.sizes.values()) * PASSES, as_json) as (advance, line):
            for path, receipt in received(app, files, feed, advance, named):
                taken.add(path, receipt)
                parts = len(receipt.rejected)
                waits = f", {plural(parts, 'part')} parked" if parts else ""
                line(f"{shown(path)}: {receipt.disposition}, {plural(receipt.facts, 'new fact')}{waits}")
    if as_json:
        print_json(summary(taken, named))
    else:
        tell(taken)
    ctx.exit(2 if named.unusable else 1 if taken.parked_parts else 0)


def received(
    app: App, files: Sequence[Path], feed: str, advance: Callable[[int], None], named: Named
) -> Iterator[tuple[Path, Receipt]]:
    """Receive files in order: small ones together, each large one by itself. The rest has been said."""
    small: list[tuple[Path, Message]] = []
    intake = app.intake()
    calm_collector()
    for path in files:
        try:
            source = Source.of(path, feed, detect, advance)
            if named.sizes[path] <= LARGE_BYTES:
                small.append((path, source.whole()))
                advance((PASSES - 1) * named.sizes[path])
                if len(small) == TOGETHER:
                    yield from _receive_small(intake, app.moment(), small)
                continue
            yield from _receive_small(intake, app.moment(), small)
            yield path, intake.receive_large(source.message(), app.moment())
        except OSError as error:
            named.refuse(path, reason_of(error))
    yield from _receive_small(intake, app.moment(), small)


def _receive_small(
    intake: Intake, moment: Moment, small: list[tuple[Path, Message]]
) -> Iterator[tuple[Path, Receipt]]:
    receipts = intake.receive([message for _, message in small], moment) if small else []
    paths = [path for path, _ in small]
    small.clear()
    yield from zip(paths, receipts, strict=True)


@contextmanager
def watched(total_bytes: int, quiet: bool) -> Iterator[tuple[Callable[[int], None], Callable[[str], None]]]:
    """A progress bar on a terminal, one line a file in a pipe, nothing when quiet."""
    if sys.stderr.isatty() and not quiet:
        with click.progressbar(length=total_bytes, label="Reading", file=sys.stderr) as bar:
            yield bar.update, lambda text: None
            bar.update(total_bytes)
    else:
        yield lambda read: None, lambda text: None if quiet else click.echo(text)


def summary(taken: Taken, named: Named) -> dict[str, Any]:
    """The counts as plain data."""
    return {
        "files": taken.files,
        "unreadable": named.unusable,
        **taken.dispositions,
        "facts": taken.facts,
        "parked_parts": [
            {"path": shown(path), "code": part.code, "where": part.where, "reason": part.reason}
            for path, part in taken.parked
        ],
        "parked_parts_total": taken.parked_parts,
    }


def tell(taken: Taken) -> None:
    """Print the counts, and what was parked and why."""
    said = ", ".join(f"{count} {word}" for word, count in taken.dispositions.items())
    click.echo(f"{plural(taken.files, 'file')}: {said}; {plural(taken.facts, 'new fact')}")
    if taken.parked:
        screen.title(f"{plural(taken.parked_parts, 'part')} parked")
        for path, part in taken.parked:
            screen.marked(
                screen.mark("block"), f"{shown(path)} {part.where or 'whole message'} [{part.code}]"
            )
            screen.wrapped(screen.advice(part.reason, part.where), indent=4)
        if taken.parked_parts > len(taken.parked):
            click.echo(f"  and {taken.parked_parts - len(taken.parked)} more")
        click.echo("\n  baton parked list   shows what waits")
