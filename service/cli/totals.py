"""`baton totals`: whether everything that came is accounted for, in messages and in cents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import click

from adapters.store import RefusalRow, TallyRow
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
    """Control totals by feed and day: received = accepted + duplicate + parked + refused.

    In cents for remittances, without the refused ones: nobody read them. Exit code 1 when it does not add up.
    """
    with opened() as app, app.store.read() as reader:
        items = _items(reader.tallies(feed, day), reader.refusals(feed, day))
    adds_up = all(item["adds_up"] for item in items)
    if as_json:
        print_json({"items": items, "adds_up": adds_up})
    elif not items:
        click.echo("Nothing was counted.")
    else:
        names = ("received", "accepted", "duplicate", "parked", "unexplained")
        refused = any(item["refused"] for item in items)
        rows = [
            (
                i["day"],
                i["feed"],
                *(f"{i[n]} ({i[f'{n}_amount']})" for n in names),
                *([i["refused"]] if refused else []),
                "" if i["adds_up"] else "!",
            )
            for i in items
        ]
        heads = ("day", "feed", *names, *(["refused"] if refused else []), "")
        screen.columns(rows, heads=heads, right=range(2, len(heads) - 1))
        _tell_refused(items)
    return DONE if adds_up else NO


def _tell_refused(items: Sequence[Mapping[str, Any]]) -> None:
    rows = [(i["day"], i["feed"], r["door"], r["code"], r["messages"]) for i in items for r in i["refusals"]]
    if rows:
        screen.title("Refused at a door, and not kept")
        screen.columns(rows, heads=("day", "feed", "door", "code", "messages"), right=(4,))


def _items(tallied: Sequence[TallyRow], refused: Sequence[RefusalRow]) -> list[dict[str, Any]]:
    """What each feed brought on each day, refused messages included."""
    days = {(row.feed, row.day): row for row in tallied}
    by_day: dict[tuple[str, date], list[RefusalRow]] = {}
    for row in refused:
        by_day.setdefault((row.feed, row.day), []).append(row)
    return [_told(days.get(key, TallyRow(*key)), by_day.get(key, [])) for key in sorted({*days, *by_day})]


def _told(row: TallyRow, refusals: Sequence[RefusalRow]) -> dict[str, Any]:
    refused = sum(r.messages for r in refusals)
    unexplained = row.received - row.accepted - row.duplicate - row.parked
    cents = row.received_cents - row.accepted_cents - row.duplicate_cents - row.parked_cents
    return {
        "feed": row.feed,
        "day": row.day.isoformat(),
        "received": row.received + refused,
        "accepted": row.accepted,
        "duplicate": row.duplicate,
        "parked": row.parked,
        "refused": refused,
        "unexplained": unexplained,
        "refusals": [{"door": r.door, "code": r.code, "messages": r.messages} for r in refusals],
        "received_amount": format_cents(row.received_cents),
        "accepted_amount": format_cents(row.accepted_cents),
        "duplicate_amount": format_cents(row.duplicate_cents),
        "parked_amount": format_cents(row.parked_cents),
        "unexplained_amount": format_cents(cents),
        "adds_up": unexplained == 0 and cents == 0,
    }
