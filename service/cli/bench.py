"""`baton bench`: this machine's limits, the naive design and Baton, measured in one run and side by side."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime

import click

from service.bench import breakdown, grounds, machine, plan
from service.bench.ratios import ratios
from service.bench.rows import Row
from service.bench.workload import Workload
from service.cli import screen

BAR_WIDTH = 40
CHART_UNITS = ("messages/s", "claims/s")
WRONG = 1


@click.command()
@click.option("--quick", is_flag=True, help="Smaller rounds; ends within two minutes.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object: machine, rows, ratios.")
@click.option("--messages", type=click.IntRange(7), metavar="N", help="Messages a scenario, at most.")
@click.option("--store", type=click.Choice(["sqlite", "postgres", "both"]), default="both", show_default=True)
@click.option(
    "--amqp-url", metavar="URL", help="Measure on this RabbitMQ (an empty vhost), not on a private one."
)
@click.option(
    "--database-url", metavar="URL", help="Measure on this PostgreSQL database, not on a private one."
)
@click.option("--seed", type=int, default=1, show_default=True, help="Of the made-up workload.")
@click.option("--profile", is_flag=True, help="Also show where the time of one message goes, stage by stage.")
def bench(
    quick: bool,
    as_json: bool,
    messages: int | None,
    store: str,
    amqp_url: str | None,
    database_url: str | None,
    seed: int,
    profile: bool,
) -> int:
    """Measure this machine's limits and Baton beside them.

    Starts a private RabbitMQ and a private PostgreSQL unless told otherwise, and removes them again. A URL
    given should be of a server that nobody else uses now; its queues must be empty.
    """
    begun = time.monotonic()
    sizes = plan.QUICK if quick else plan.FULL
    if messages is not None:
        sizes = sizes.at_most(messages)
    stores = [kind for kind in grounds.STORES if store in (kind, "both")]
    workload = Workload(sizes.baton, datetime.now(UTC).date(), seed)
    progress = Progress()
    with grounds.prepared(
        progress.say, amqp_url=amqp_url, database_url=database_url, postgres="postgres" in stores
    ) as ground:
        about = machine.describe(ground.folder) | {
            "broker": ground.broker_product,
            "database": ground.database_product() or None,
            "seed": seed,
        }
        parts = list(plan.parts(ground, stores, sizes, workload))
        progress.of = len(parts)
        deadline = begun + plan.QUICK_SECONDS if quick else None
        outcome = plan.measure(parts, deadline, progress.told)
        apart = [breakdown.take_apart(ground, kind, workload) for kind in stores] if profile else []
    figures, reasons = ratios(outcome.rows)
    if as_json:
        answer = {
            "machine": about,
            "warning": machine.busy(about) or None,
            "quick": quick,
            "seconds": round(time.monotonic() - begun, 1),
            "rows": [row.plain() for row in outcome.rows],
            "ratios": figures,
            "reasons": reasons,
            "wrong": outcome.wrong,
            "profile": [_plain(b) for b in apart],
        }
        click.echo(json.dumps(answer, indent=2))
    else:
        show(about, outcome.rows, figures, reasons)
        if warning := machine.busy(about):
            screen.title("Warning")
            screen.wrapped(warning, indent=2)
        for taken in apart:
            show_breakdown(taken)
    for line in outcome.wrong:
        click.echo(f"baton: wrong or failed: {line}", err=True)
    return WRONG if outcome.wrong else 0


class Progress:
    """Says on standard error what is measured: one changing line on a terminal, plain lines in a pipe."""

    def __init__(self) -> None:
        self.of = 0
        self._live = sys.stderr.isatty()

    def say(self, text: str) -> None:
        """One line."""
        click.echo(text, err=True)

    def told(self, number: int, part: plan.Part, rows: Sequence[Row]) -> None:
        """A part begins, or has given its rows."""
        head = f"[{number + 1}/{self.of}] {part.title} {part.store}".rstrip()
        if not rows:
            if self._live:
                click.echo(f"{head} …", err=True, nl=False)
            return
        found = ", ".join(_figure(row) for row in rows)
        clear = "\r\x1b[K" if self._live else ""
        click.echo(f"{clear}{head}: {found}", err=True)


def show(
    about: dict[str, object], rows: Sequence[Row], figures: dict[str, float | None], reasons: dict[str, str]
) -> None:
    """The table, the chart and the ratios, for people."""
    screen.title("Machine")
    screen.columns([(name, value) for name, value in about.items() if value is not None])
    screen.title("Measured")
    table = [(row.what, row.store, row.n or "", _figure(row), _spread(row)) for row in rows]
    screen.columns(table, ("what", "store", "n", "median", "spread"), right=(2, 3))
    for row in rows:
        if row.left_out:
            screen.wrapped(f"{row.what} {row.store}: {row.left_out}", indent=2)
    for unit in CHART_UNITS:
        _chart([row for row in rows if row.unit == unit and row.value], unit)
    screen.title("Ratios")
    screen.columns(
        [(name, f"{value:.2f}") for name, value in figures.items() if value is not None], right=(1,)
    )
    for name, why in reasons.items():
        screen.wrapped(f"{name}: not measured ({why})", indent=2, hang=4)


def show_breakdown(taken: breakdown.Breakdown) -> None:
    """Where one message's time goes."""
    screen.title(f"One message, {taken.store}: {taken.total_microseconds:.0f} microseconds in the intake")
    most = max((stage.microseconds for stage in taken.stages), default=1.0)
    rows = [
        (
            stage.name,
            f"{stage.microseconds:.1f}",
            f"{100 * stage.microseconds / taken.total_microseconds:.0f} %",
            _bar(stage.microseconds, most),
        )
        for stage in taken.stages
    ]
    screen.columns(rows, ("stage", "µs", "share", ""), right=(1, 2))
    screen.title("Functions with the most time of their own, a message")
    for line in taken.slowest:
        click.echo(f"  {line}")


def _chart(rows: Sequence[Row], unit: str) -> None:
    if not rows:
        return
    screen.title(f"{unit[:1].upper()}{unit[1:]}")
    most = max(row.value or 0.0 for row in rows)
    screen.columns(
        [(row.key, f"{row.value or 0.0:,.0f}", _bar(row.value or 0.0, most)) for row in rows], right=(1,)
    )


def _bar(value: float, most: float) -> str:
    """A bar of at most BAR_WIDTH characters; whatever is above nothing shows at least one."""
    return screen.sign("█", "#") * (max(1, round(BAR_WIDTH * value / most)) if value > 0 else 0)


def _figure(row: Row) -> str:
    if row.value is None:
        return "left out"
    digits = 0 if row.value >= 100 else 1
    more = f", p99 {row.detail['p99_ms']}" if "p99_ms" in row.detail else ""
    return f"{row.value:,.{digits}f} {row.unit}{more}"


def _spread(row: Row) -> str:
    return "" if row.spread is None else f"{row.spread[0]:,.0f} to {row.spread[1]:,.0f}"


def _plain(taken: breakdown.Breakdown) -> dict[str, object]:
    return {
        "store": taken.store,
        "messages": taken.messages,
        "microseconds": round(taken.total_microseconds, 1),
        "stages": [
            {"stage": s.name, "microseconds": round(s.microseconds, 1), "calls": s.calls}
            for s in taken.stages
        ],
        "slowest": list(taken.slowest),
    }
