"""`baton breaker`: feeds whose cases are paused, and the person who resumes one."""

from __future__ import annotations

from typing import Final

import click

from service import watch
from service.cli import screen
from service.cli.asking import says
from service.cli.opening import opened
from service.cli.output import print_json
from service.logs import open_log

DONE: Final = 0
NO: Final = 1

SAID: Final = says("Why; recorded. No patient's data.")


@click.group()
def breaker() -> None:
    """Feeds that are not themselves: opening cases from them is paused until a person resumes it.

    Taking cases back is never paused.
    """


@breaker.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything that happened.")
def list_(as_json: bool) -> int:
    """Show which feeds are paused, since when and why. Exit code 1 when one is."""
    with opened() as app, app.store.read() as reader:
        told = watch.standing(reader)
    paused = [feed for feed in told if feed["paused"]]
    if as_json:
        print_json(told)
    elif not told:
        click.echo("No feed was ever paused.")
    else:
        rows = []
        for feed in told:
            last = feed["events"][-1]
            state = "paused" if feed["paused"] else "open"
            rows.append((feed["feed"], state, last["at"][:16].replace("T", " "), last["by"], last["text"]))
        screen.columns(rows, heads=("feed", "cases", "since (UTC)", "by", "because"))
    return NO if paused else DONE


@breaker.command()
@click.argument("feed", metavar="FEED")
@SAID
def resume(feed: str, by: str, reason: str) -> None:
    """Let cases from FEED open again. Exit code 1 when it is not paused."""
    with opened() as app:
        watch.resume(app.store, feed, by, reason, app.moment().now)
    open_log("breaker").info("opening cases resumed", feed=feed)
    click.echo(f"Cases from feed {feed} open again; the clock opens those that waited.")


@breaker.command()
@click.argument("feed", metavar="FEED")
@SAID
def pause(feed: str, by: str, reason: str) -> None:
    """Pause opening cases from FEED by hand. Exit code 1 when it is paused already."""
    with opened() as app:
        watch.pause(app.store, feed, by, reason, app.moment().now)
    open_log("breaker").warning("opening cases paused", feed=feed, code=watch.PERSON)
    click.echo(f"Cases from feed {feed} are paused until `baton breaker resume {feed}`.")
