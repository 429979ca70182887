"""`baton feed`: which feeds there are, how they stand, and what samples of an unknown sender say."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click

from schemas.errors import BatonError, ConfigRefused
from schemas.facts import Message
from schemas.feeds import Feed
from service.app import App, detect
from service.cli import screen
from service.cli.inspect import plural
from service.cli.opening import opened
from service.cli.output import print_json
from service.cli.paths import Named, Source, reason_of
from service.config import Config, load
from service.feed_status import feed_status
from service.feeds import load_feed
from service.feeds_in_force import TO_END, Known
from service.onboarding import examine_samples, page_of

DONE: Final = 0
NO: Final = 1
NONE: Final = "-"
UNNAMED: Final = "unnamed"
SAMPLE_BYTES: Final = 64 * 1024 * 1024
"""Samples are read whole, up to here; a file beyond is left out."""


@click.group()
def feed() -> None:
    """Feeds: what is known of each sender, and what samples of a new one say."""


@feed.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show the feeds that are configured, who says so, and the version of each one's mapping.

    Exit code 1 when a file and the API both say something of one feed: the file counts.
    """
    app = App(load())
    try:
        known = _known(app)
    finally:
        app.close()
    told = [
        {
            "feed": one.name,
            "source": "api" if name in known.texts and name not in known.hidden else "file",
            "conflict": name in known.hidden,
            "facility": one.facility,
            "format": one.format,
            "door": one.door,
            "shadow": one.shadow,
            "payers": len(one.payers),
            "mapping": known.mapping_of(name).version,
        }
        for name, one in sorted(known.feeds.items())
    ]
    if as_json:
        print_json(told)
    elif not told:
        click.echo("No feed has a file yet; write feeds/NAME.toml. `baton feed check - SAMPLES` says what.")
    else:
        heads = ("feed", "said by", "facility", "format", "door", "cases", "mapping")
        screen.columns(
            [
                (t["feed"], t["source"], t["facility"], t["format"] or "any", t["door"] or "any",
                 "shadow" if t["shadow"] else "open", str(t["mapping"])[:12])
                for t in told
            ],
            heads=heads,
        )  # fmt: skip
        for name in known.hidden:
            said = f"{name}: the API says something of it too; the file counts. {TO_END}"
            screen.wrapped(said, indent=2, hang=4)
    ctx.exit(NO if known.hidden else DONE)


def _known(app: App) -> Known:
    """What is known of feeds: where there is a database of this revision, also what the API said."""
    if app.has_database and app.store.revision() == app.store.expected_revision():
        app.feeds_in_force.follow()
    return app.feeds_in_force()


@feed.command()
@click.argument("name", metavar="[FEED]", required=False)
@click.option("--json", "as_json", is_flag=True, help="As JSON, with everything that happened.")
def status(name: str | None, as_json: bool) -> int:
    """Show how each feed does, or one: last seen, how much, how late, what is missing, what waits.

    Exit code 1 when opening cases from one is paused, or an alert stands.
    """
    with opened() as app, app.store.read() as reader:
        told = feed_status(reader, app.feeds_in_force.take(reader).feeds, app.moment(), name)
    if name is not None and not told:
        raise BatonError(
            "no-such-feed", "nothing is said of a feed of this name, and it never sent anything", where=name
        )
    if as_json:
        print_json(told)
    elif not told:
        click.echo("No feed has a file, and none ever sent anything.")
    elif name is not None:
        _tell_feed(told[0])
    else:
        _tell_feeds(told)
    return NO if any(one["paused"] or one["alerts"] for one in told) else DONE


def _tell_feeds(told: Sequence[Mapping[str, Any]]) -> None:
    rows = [
        (
            one["feed"],
            _cases(one),
            (one["last_seen_at"] or "never")[:16].replace("T", " "),
            one["last_hour"]["messages"],
            one["last_day"]["messages"],
            _or_none(one["parked_percent"], " %"),
            _or_none(one["lag_seconds"], " s"),
            _or_none(one["missing_numbers"]),
            ", ".join(alert["cause"] for alert in one["alerts"]),
        )
        for one in told
    ]
    heads = ("feed", "cases", "last seen (UTC)", "hour", "day", "parked", "lag", "missing", "alerts")
    screen.columns(rows, heads=heads, right=(3, 4, 5, 6, 7))


def _tell_feed(one: Mapping[str, Any]) -> None:
    usual = one["usual_day"]
    click.secho(one["feed"], bold=True)
    rows = [
        ("cases", _cases(one)),
        ("last seen", one["last_seen_at"] or "never"),
        ("silent for", _or_none(one["silent_hours"], " hours")),
        ("last hour", f"{one['last_hour']['messages']} messages, {one['last_hour']['parked']} parked"),
        ("last day", f"{one['last_day']['messages']} messages, {one['last_day']['parked']} parked"),
        (
            "yesterday",
            f"{one['yesterday']} messages"
            + (f"; such a day brings {usual['least']} to {usual['most']}" if usual else ""),
        ),
        ("parked share", _or_none(one["parked_percent"], " %")),
        ("lag", _or_none(one["lag_seconds"], " seconds from receipt to decision, at the slowest")),
        ("delay", _or_none(one["delay_seconds"], " seconds old when it came, the newest statement")),
        ("missing numbers", ", ".join(one["gaps"]) or _or_none(one["missing_numbers"])),
        ("mapping", (one["mapping"] or "")[:12]),
    ]
    screen.columns(rows)
    for alert in one["alerts"]:
        screen.wrapped(f"{alert['at'][:16]}  {alert['cause']}: {alert['text']}", indent=2, hang=4)
    for event in one["events"]:
        screen.wrapped(f"{event['at'][:16]}  {event['move']} by {event['by']}: {event['text']}", 2, 4)


def _cases(one: Mapping[str, Any]) -> str:
    return "paused" if one["paused"] else "shadow" if one["shadow"] else "open"


def _or_none(value: object, unit: str = "") -> str:
    return "" if value is None else f"{value}{unit}"


@feed.command()
@click.argument("name", metavar="FEED")
@click.argument("paths", metavar="SAMPLES…", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="The whole report as JSON.")
@click.option("--html", "page", type=click.Path(dir_okay=False), metavar="FILE", help="Write it as a page.")
@click.pass_context
def check(ctx: click.Context, name: str, paths: tuple[str, ...], as_json: bool, page: str | None) -> None:
    """Say what SAMPLES of a sender hold, what Baton needs, and what to write into the feed's file.

    FEED is a feed's name, a TOML file, or `-` where nothing is known yet. Without samples only the file is
    checked. The samples go through the real readers and rules in a store of their own; nothing is kept. Exit
    code 1 when something would wait for a person or a code is unknown.

    Example: baton feed check feeds/ehr.toml samples/ --html report.html
    """
    config, feed_name = _configured(name)
    app = App(config)
    if not paths:
        click.echo(f"Feed {feed_name} is in order; mapping {app.mapping_version(feed_name)[:12]}.")
        return
    named = Named(paths)
    messages = _messages(named, feed_name)
    report = examine_samples(app, feed_name, messages)
    told = report.plain()
    if page is not None:
        Path(page).write_text(page_of(told), encoding="utf-8")
    if as_json:
        print_json(told)
    else:
        tell(told)
        if page is not None:
            click.echo(f"\nThe page is in {page}.")
    ctx.exit(2 if named.unusable else DONE if report.ready else NO)


def _configured(name: str) -> tuple[Config, str]:
    """The configuration with the feed that is meant in it."""
    config = load()
    if name == NONE:
        return config, UNNAMED
    if name.endswith(".toml"):
        one = load_feed(Path(name), config.facility)
    elif name in (feeds := _feeds(config)):
        one = feeds[name]
    else:
        known = ", ".join(sorted(feeds)) or "none yet"
        raise ConfigRefused(
            "no-such-feed", f"no feed has this name ({known}); write a name, a TOML file or -", where="FEED"
        )
    return dataclasses.replace(config, feeds={**config.feeds, one.name: one}), one.name


def _feeds(config: Config) -> Mapping[str, Feed]:
    app = App(config)
    try:
        return _known(app).feeds
    finally:
        app.close()


def _messages(named: Named, feed_name: str) -> list[Message]:
    messages = []
    for path in named.files():
        if named.sizes[path] > SAMPLE_BYTES:
            named.refuse(path, "too large for a sample")
            continue
        try:
            messages.append(Source.of(path, feed_name, detect).whole())
        except OSError as error:
            named.refuse(path, reason_of(error))
    return messages


def tell(told: dict[str, Any]) -> None:
    """Print a report for a person: needs, what to write, unknown codes, the first day, what did not fit."""
    formats = ", ".join(f"{n} {f}" for f, n in told["formats"].items())
    screen.title(f"Feed {told['feed']}: {plural(told['files'], 'file')} ({formats})")
    click.echo(f"  mapping {told['mapping'][:12]}")
    screen.title("What Baton needs")
    for one in told["needs"]:
        verdict = {"found": "allow", "partly": "require", "missing": "block"}[one["state"]]
        places = [f"{f['field']} {f['filled']}/{f['of']}" for f in one["fields"] if f["of"]]
        places += [plural(one["facts"], "fact")] if one["facts"] else []
        click.echo(f"  {screen.mark(verdict)} {one['need']}: {', '.join(places) or 'not here'}")
        if one["lack"]:
            screen.wrapped(one["lack"], indent=4)
    if told["suggested"]:
        screen.title("What to write into the feed's file (a line after # needs your choice)")
        for line in told["suggested"]:
            click.echo(f"  {line}")
    _tell_codes(told)
    _tell_first_day(told["first_day"])
    for heading, kinds in (("What did not fit", told["findings"]), ("Strict advice", told["advice"])):
        if kinds:
            screen.title(heading)
        for kind in kinds[:20]:
            click.echo(f"  {kind['severity']} {kind['code']} ×{kind['count']}, first at {kind['where']}")
            screen.wrapped(kind["message"], indent=4)


def _tell_codes(told: dict[str, Any]) -> None:
    rows = [(u["field"], u["code"], str(u["count"])) for u in told["unknown_codes"]]
    for name, counted in told["codes_not_in_policy"].items():
        rows += [(f"{name}, not in policy", code, str(n)) for code, n in counted.items()]
    if rows:
        screen.title("Codes nobody has explained yet")
        screen.columns(rows, heads=("field", "code", "times"), right=(2,))


def _tell_first_day(day: dict[str, Any]) -> None:
    screen.title("What the first day would look like")
    said = ", ".join(f"{n} {word}" for word, n in day["messages"].items())
    click.echo(f"  messages: {said or 'none'}; {plural(day['accounts'], 'account')}")
    for label, counts in (("responsibility", day["determinations"]), ("opening a case", day["open_case"])):
        said = ", ".join(f"{n} {word}" for word, n in counts.items())
        click.echo(f"  {label}: {said or 'none'}")
    rows = [(g["gate"], g["verdict"], str(g["accounts"])) for g in day["gates"][:12]]
    if rows:
        screen.columns(rows, heads=("gate", "verdict", "accounts"), right=(2,))
