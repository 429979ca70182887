"""`baton parked`: messages that wait for a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from service import answers
from service.app import App
from service.cli import screen
from service.cli.opening import opened
from service.cli.output import print_json

MOST = 1000


@click.group()
def parked() -> None:
    """Messages that wait for a person: what did not fit, why, and trying again."""


@parked.command("list")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=MOST, show_default=True, help="At most so many."
)
@click.option("--all", "settled", is_flag=True, help="Also those that were dealt with.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items}.")
def list_parked(limit: int, settled: bool, as_json: bool) -> None:
    """List what waits, the oldest first. Exit code 0 also when something does."""
    with opened() as app, app.store.read() as reader:
        items = answers.parked(reader, limit, include_settled=settled)
    if as_json:
        print_json({"items": items})
    elif not items:
        click.echo("Nothing waits.")
    else:
        tell(items)
        click.echo("\n  baton parked show ID      more about one\n  baton parked retry ID     read it again")


def tell(items: Sequence[Mapping[str, Any]]) -> None:
    """Print parked messages as a table."""
    rows = [
        (i["id"], i["feed"], i["code"], i["where"] or "whole message", screen.advice(i["reason"], i["where"]))
        for i in items
    ]
    screen.columns(rows, heads=("id", "feed", "code", "where", "reason"), right=(0,))


@parked.command()
@click.argument("seq", metavar="ID", type=click.IntRange(1))
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(seq: int, as_json: bool) -> None:
    """Show one parked message: where it came from, what is wrong, what was done. Exit code 1 when unknown."""
    with opened() as app, app.store.read() as reader:
        item = answers.parked_one(reader, seq)
    if as_json:
        print_json(item)
        return
    screen.columns(
        [(name, value) for name, value in item.items() if isinstance(value, str | int) and value != ""]
    )
    for action in item.get("actions") or []:
        click.echo(f"  {action.get('at', '')[:19]}  {action.get('action')} by {action.get('by')}")


@parked.command()
@click.argument("seq", metavar="ID", type=click.IntRange(1), required=False)
@click.option("--all", "everything", is_flag=True, help="Every message that waits.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items}.")
@click.pass_context
def retry(ctx: click.Context, seq: int | None, everything: bool, as_json: bool) -> None:
    """Read a parked message again, from its stored bytes, with the readers of today.

    Exit code 1 when it, or any of them, still waits.
    """
    if (seq is None) != everything:
        raise click.UsageError("name one ID, or --all")
    with opened() as app:
        told = retried(app, [seq] if seq is not None else waiting(app))
    if as_json:
        print_json({"items": told})
    else:
        rows = [(one["id"], one["disposition"], one["facts"], one["reason"]) for one in told]
        screen.columns(rows, heads=("id", "now", "facts", "reason"), right=(0, 2))
    ctx.exit(1 if any(one["disposition"] == "parked" for one in told) else 0)


def waiting(app: App) -> list[int]:
    """The numbers of everything that waits, one for each message."""
    with app.store.read() as reader:
        items = answers.parked(reader, MOST)
    first: dict[str, int] = {}
    for item in items:
        first.setdefault(item["message"], item["id"])
    return list(first.values())


def retried(app: App, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """Read parked messages again and say what became of each."""
    intake, told = app.intake(), []
    for number in numbers:
        receipt = intake.retry(number, app.moment())
        reason = receipt.rejected[0].reason if receipt.rejected else ""
        told.append(
            {"id": number, "disposition": receipt.disposition, "facts": receipt.facts, "reason": reason}
        )
    return told
