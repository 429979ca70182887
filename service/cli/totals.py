"""`baton totals`: whether everything that came is accounted for, in messages and in cents."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import click

from adapters.store import TallyRow
from schemas.money import format_cents
from service.cli import screen
from service.cli.opening import DAY, opened
from service.cli.output import print_json

DONE: Final = 0
NO: Final = 1


@click.command()
@click.option("--feed", metavar="FEED", help="Only this feed.")
@click.option("--day", type=DAY, metavar="DAY", help="Only this day, where the hospital is.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items, adds_up}.")
def totals(feed: str | None, day: date | None, as_json: bool) -> int:
    """Control totals by feed and day: received = accepted + duplicate + parked, in messages and in cents.

    Exit code 1 when something does not add up.
    """
    with opened() as app, app.store.read() as reader:
        items = [_told(row) for row in reader.tallies(feed, day)]
    adds_up = all(item["adds_up"] for item in items)
    if as_json:
        print_json({"items": items, "adds_up": adds_up})
    elif not items:
        click.echo("Nothing was counted.")
    else:
        names = ("received", "accepted", "duplicate", "parked", "unexplained")
        rows = [
            (
                i["day"],
                i["feed"],
                *(f"{i[n]} ({i[f'{n}_amount']})" for n in names),
                "" if i["adds_up"] else "!",
            )
            for i in items
        ]
        screen.columns(rows, heads=("day", "feed", *names, ""), right=(2, 3, 4, 5, 6))
    return DONE if adds_up else NO


def _told(row: TallyRow) -> dict[str, Any]:
    unexplained = row.received - row.accepted - row.duplicate - row.parked
    cents = row.received_cents - row.accepted_cents - row.duplicate_cents - row.parked_cents
    return {
        "feed": row.feed,
        "day": row.day.isoformat(),
        "received": row.received,
        "accepted": row.accepted,
        "duplicate": row.duplicate,
        "parked": row.parked,
        "unexplained": unexplained,
        "received_amount": format_cents(row.received_cents),
        "accepted_amount": format_cents(row.accepted_cents),
        "duplicate_amount": format_cents(row.duplicate_cents),
        "parked_amount": format_cents(row.parked_cents),
        "unexplained_amount": format_cents(cents),
        "adds_up": unexplained == 0 and cents == 0,
    }
