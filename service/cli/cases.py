"""`baton cases` and `baton case`: the work that is there, and what made it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from service import answers
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import accounts_in, enter, who
from service.cli.opening import opened
from service.cli.output import print_json

STATUSES: Final = ("open", "recalled", "closed")
PAGE: Final = 200


@click.command()
@click.option("--status", type=click.Choice(STATUSES), help="Only cases in this status.")
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=1000, show_default=True, help="At most so many."
)
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items, next}.")
def cases(status: str | None, limit: int, by: str | None, purpose: str | None, as_json: bool) -> None:
    """List collections cases, in the order in which they were opened."""
    found: list[Mapping[str, Any]] = []
    cursor: int | None = None
    with opened() as app:
        with app.store.read() as reader:
            while len(found) < limit:
                page = answers.cases(reader, status, cursor, min(PAGE, limit - len(found)))
                found += page["items"]
                cursor = page["next"]
                if cursor is None:
                    break
        if found:
            asked = Shown("cases", accounts_in(found), parameters={"status": status, "limit": limit})
            enter(app, by, purpose, asked)
    if as_json:
        print_json({"items": found, "next": cursor})
        return
    if not found:
        click.echo(f"No {status + ' ' if status else ''}cases.")
        return
    rows = [(c["id"], c["account"], c["status"], c["amount"], c.get("reason") or "") for c in found]
    screen.columns(rows, heads=("case", "account", "status", "amount", "reason"), right=(3,))
    if cursor is not None:
        click.echo(f"\n  There are more; ask with --limit above {limit}.")


@click.command()
@click.argument("case_id", metavar="ID")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def case(case_id: str, by: str | None, purpose: str | None, as_json: bool) -> None:
    """Show one case and every move it made. Exit code 1 when there is no such case."""
    with opened() as app:
        with app.store.read() as reader:
            told = answers.case(reader, case_id)
        enter(app, by, purpose, Shown("case", [told["account"]], parameters={"case": case_id}))
    if as_json:
        print_json(told)
        return
    click.secho(f"{told['id']}", bold=True)
    reason = f", {told['reason']}" if told.get("reason") else ""
    click.echo(f"  {told['account']}: {told['status']}, {told['amount']} {told.get('currency', '')}{reason}")
    screen.title("Moves")
    rows = [
        (
            move["at"][:16].replace("T", " "),
            move["move"],
            move["previous_amount"],
            move["amount"],
            move["reason"],
        )
        for move in told["history"]
    ]
    screen.columns(rows, heads=("when (UTC)", "move", "from", "to", "because"), right=(2, 3))
    click.echo(f"\n  Explanation: baton why {told['account']}")
