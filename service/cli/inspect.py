"""`baton inspect`: decode files and show what is in them."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import click

from service.app import App, detect
from service.cli import screen
from service.cli.paths import Named, Source, reason_of, shown
from service.config import load
from service.inspection import Kind, Summary, write_json

WORTH: dict[str, int] = {"error": 0, "warning": 1, "info": 2}


@click.command()
@click.argument("paths", metavar="PATH…", nargs=-1, required=True)
@click.option(
    "--feed", default="files", show_default=True, metavar="NAME", help="Read as if this feed had sent it."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object for each file, one on a line.")
@click.option("--strict", is_flag=True, help="Also say where FHIR or HL7 v2 does not conform; only advice.")
@click.pass_context
def inspect(ctx: click.Context, paths: tuple[str, ...], feed: str, as_json: bool, strict: bool) -> None:
    """Decode files or folders and show facts, totals and findings. Nothing is stored.

    The format is detected. Exit code 1 when something in them would wait for a person, 2 when a path
    cannot be read.

    Example: baton inspect remittance.835 --json
    """
    app = App(load())
    named = Named(paths)
    parks = 0
    for path in named.files():
        try:
            source = Source.of(path, feed, detect)
            message = source.message()
            items = app.read_large(message)
            if strict:
                items = chain(app.advise(message), items)
            if as_json:
                summary = write_json(shown(path), message.sha256, items, sys.stdout.write)
                sys.stdout.flush()
            else:
                summary = Summary()
                for _ in summary.follow(items):
                    pass
                tell(path, message.size, summary)
        except BrokenPipeError:
            raise
        except OSError as error:
            named.refuse(path, reason_of(error))
            continue
        parks += summary.parks
    ctx.exit(2 if named.unusable else 1 if parks else 0)


def tell(path: Path, size: int, summary: Summary) -> None:
    """Print one file's totals and findings for a person."""
    tally = summary.tally
    screen.title(shown(path))
    accounts, facts = len(summary.accounts), sum(summary.facts.values())
    counts = [plural(tally.messages, "message"), plural(accounts, "account"), plural(facts, "fact")]
    click.echo(f"  {summary.format}, {size:,} bytes, {', '.join(counts)}")
    rows = [(name, n) for name, n in sorted(summary.facts.items())]
    if rows:
        click.echo()
        screen.columns(rows, heads=("fact", "count"), right=(1,))
    if tally.transactions or tally.claims:
        click.echo()
        totals = summary.totals()
        screen.columns(
            [(name.replace("_", " "), value) for name, value in totals.items()], ("total", ""), right=(1,)
        )
    tell_findings(list(summary.kinds.values()), summary.parks)


def tell_findings(kinds: list[Kind], parks: int) -> None:
    """Print findings grouped by what they are, the worst first."""
    click.echo()
    if not kinds:
        click.echo("  No findings.")
        return
    kinds.sort(key=lambda kind: (WORTH.get(kind.severity, 3), -kind.count))
    for kind in kinds:
        color = {"error": "red", "warning": "yellow"}.get(kind.severity)
        head = click.style(kind.severity, fg=color)
        first = f"{'first ' if kind.count > 1 else ''}at {kind.where}" if kind.where else "the whole message"
        click.echo(f"  {head} {kind.code}{f' ×{kind.count}' if kind.count > 1 else ''}, {first}")
        screen.wrapped(screen.advice(kind.message, kind.where), indent=4)
    if parks:
        click.echo()
        click.echo(f"  {plural(parks, 'part')} would wait for a person.")


def plural(count: int, word: str) -> str:
    """A count and its word.

    >>> plural(1, "fact"), plural(2, "fact")
    ('1 fact', '2 facts')
    """
    return f"{count:,} {word}{'' if count == 1 else 's'}"
