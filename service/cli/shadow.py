"""`baton shadow`: what would have opened, had it not only been looked at."""

from __future__ import annotations

import csv
import sys
from datetime import date, datetime, time

import click

from service import shadow as shadowed
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import accounts_in, enter, who
from service.cli.inspect import plural
from service.cli.opening import DAY, opened
from service.cli.output import print_json

SHOWN = 50


@click.group()
def shadow() -> None:
    """What feeds and policies in shadow mode would have opened."""


@shadow.command()
@click.option("--since", type=DAY, metavar="DATE", help="Only what would have opened from this day on.")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.option("--csv", "as_csv", is_flag=True, help="As CSV, one line for each case.")
def report(since: date | None, by: str | None, purpose: str | None, as_json: bool, as_csv: bool) -> None:
    """Show the cases that would have opened: when, how much, by feed, facility and policy."""
    if as_json and as_csv:
        raise click.UsageError("--json and --csv exclude each other")
    with opened() as app:
        with app.store.read() as reader:
            begin = datetime.combine(since, time(), tzinfo=app.config.zone) if since else None
            told = shadowed.report(reader, begin)
        if accounts := accounts_in(told["items"]):
            enter(app, by, purpose, Shown("shadow", accounts))
    if as_json:
        print_json(told)
        return
    if as_csv:
        writer = csv.writer(sys.stdout, quoting=csv.QUOTE_ALL)
        writer.writerow(shadowed.COLUMNS)
        writer.writerows(shadowed.cells(item) for item in told["items"])
        return
    if not told["items"]:
        click.echo("Nothing would have opened.")
        return
    click.echo(f"{plural(told['cases'], 'case')} would have opened, for {told['amount']} together;")
    click.echo(f"{told['still']} of them would be open now.")
    for title, name in (("Feed", "by_feed"), ("Facility", "by_facility"), ("Policy", "by_policy")):
        screen.title(f"By {title.lower()}")
        rows = [(row["name"], str(row["cases"]), row["amount"]) for row in told[name]]
        screen.columns(rows, heads=(title.lower(), "cases", "amount"), right=(1, 2))
    screen.title("Cases")
    listed = [
        (
            item["would_open_at"][:16].replace("T", " "),
            item["account"],
            item["amount"],
            item["ended_at"][:10] if item["ended_at"] else "",
            ", ".join(item["causes"]),
        )
        for item in told["items"][:SHOWN]
    ]
    screen.columns(listed, heads=("when (UTC)", "account", "amount", "until", "because"), right=(2,))
    if told["cases"] > SHOWN:
        click.echo(f"\n  {told['cases'] - SHOWN} more; --csv or --json shows all.")
