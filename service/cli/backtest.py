"""`baton policy backtest`: what a draft policy would have done over the stored history."""

from __future__ import annotations

import csv
import os
import sys
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any, Final

import click

from schemas.canonical import from_bytes
from schemas.money import format_cents
from service.app import App, read_packs
from service.audit.reads import Shown
from service.backtest import Asked, Found, backtest
from service.cli import screen
from service.cli.asking import enter
from service.cli.chart import drawn
from service.cli.opening import DAY, opened
from service.cli.output import print_json

MOVES: Final = {
    "enters": "would enter collections",
    "leaves": "would stay out",
    "changes": "would have a case of another amount",
    "earlier": "would have entered earlier",
    "later": "would have entered later",
    "before": "differ only at an earlier time",
}
"""What a draft may do to an account, in words."""

SIDES: Final = (
    ("in_force", "under the policy in force"),
    ("draft", "under the draft"),
    ("difference", "difference"),
)
FILE: Final = click.Path(dir_okay=False, path_type=Path)
KINDS: Final = (("gate", "By gate"), ("facility", "By facility"), ("payer", "By first payer"))


@click.command("backtest")
@click.argument("draft", type=click.Path(exists=True, path_type=Path))
@click.option("--until", type=DAY, metavar="DATE", help="Walk the history up to this day instead of today.")
@click.option(
    "--csv", "csv_file", type=click.Path(dir_okay=False, path_type=Path), help="Every account that differs."
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="The sums by gate as an SVG picture."
)
@click.option("--processes", type=click.IntRange(1, 256), help="How many at once; by default one a core.")
@click.option("--scheduler", metavar="ADDRESS", help="Walk on the workers of this Dask cluster instead.")
@click.option("--json", "as_json", is_flag=True, help="The sums as JSON.")
def command(
    draft: Path,
    until: date | None,
    csv_file: Path | None,
    chart: Path | None,
    processes: int | None,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Walk every account's history under the policy in force and under a draft.

    DRAFT is a policy pack or a folder of packs; each replaces the pack of the same file name, the others stay
    as they are in force. Nothing is changed by asking.

    Example: baton policy backtest drafts/house_default.toml --csv differs.csv
    """
    with opened() as app:
        base = packs_in_force(app)
        now = app.moment()
        asked = Asked(
            app.config.database_url,
            base,
            base | read_packs([draft]),
            until or now.as_of,
            now.now,
            app.config.timezone,
        )
        begun = monotonic()
        with _bar(as_json) as bar:
            found = backtest(asked, processes or os.cpu_count() or 1, bar, scheduler)
        seconds = monotonic() - begun
        if csv_file is not None and found.rows:
            enter(app, None, None, Shown("policy.backtest", [str(row.account) for row in found.rows]))
    told = plain(found, asked.until)
    if csv_file is not None:
        write_csv(found, csv_file)
    if chart is not None:
        chart.write_text(
            drawn(bars_of(told), f"What the draft would change, as of {asked.until}"), encoding="utf-8"
        )
    if as_json:
        print_json(told)
    else:
        tell(told, seconds)


def packs_in_force(app: App) -> dict[str, str]:
    """The packs that decide now, as they were kept; those on disk where nothing was kept yet."""
    with app.store.read() as reader:
        row = reader.policy(app.policy.sha256)
    kept: dict[str, str] = from_bytes(row.content) if row is not None else app.policy_texts
    return kept


class _Progress:
    """A bar on a terminal, fed with ranges done and all."""

    def __init__(self) -> None:
        self._bar: Any = None
        self._done = 0

    def __call__(self, done: int, every: int) -> None:
        if self._bar is None:
            self._bar = click.progressbar(length=every, label="Walking", file=sys.stderr)
            self._bar.render_progress()
        self._bar.update(done - self._done)
        self._done = done

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.render_finish()


def _quiet(done: int, every: int) -> None:
    """Say nothing."""


def _bar(as_json: bool) -> AbstractContextManager[Any]:
    shown = not as_json and sys.stderr.isatty()
    return _Progress() if shown else nullcontext(_quiet)


def plain(found: Found, until: date) -> dict[str, Any]:
    """The answer as plain data."""
    return {
        "until": until.isoformat(),
        "accounts": found.seen,
        "joined": found.joined,
        "in_force": {"cases": found.base.accounts, "amount": format_cents(found.base.cents)},
        "draft": {"cases": found.draft.accounts, "amount": format_cents(found.draft.cents)},
        "difference": {
            "cases": found.draft.accounts - found.base.accounts,
            "amount": format_cents(found.draft.cents - found.base.cents),
        },
        "moves": [
            {
                "move": move,
                "accounts": found.moves[move].accounts,
                "amount": format_cents(found.moves[move].cents),
            }
            for move in MOVES
            if move in found.moves
        ],
        "by": {
            kind: [
                {"name": name, "move": move, "accounts": sums.accounts, "amount": format_cents(sums.cents)}
                for (of, name, move), sums in sorted(found.by.items())
                if of == kind
            ]
            for kind, _ in KINDS
        },
    }


def tell(told: Mapping[str, Any], seconds: float) -> None:
    """Print the answer as tables."""
    screen.title(f"Cases open on {told['until']}")
    rows = [
        (told[key]["cases"], told[key]["amount"], name)
        for key, name in (
            ("in_force", "under the policy in force"),
            ("draft", "under the draft"),
            ("difference", "difference"),
        )
    ]
    screen.columns(rows, ("cases", "amount", ""), right=(0, 1))
    screen.title("What the draft would change")
    if not told["moves"]:
        click.echo("  Nothing: every account goes the same way under both.")
    else:
        rows = [(m["accounts"], m["amount"], MOVES[m["move"]]) for m in told["moves"]]
        screen.columns(rows, ("accounts", "amount", ""), right=(0, 1))
    for kind, name in KINDS:
        if lines := told["by"][kind]:
            screen.title(name)
            screen.columns(
                [(m["accounts"], m["amount"], m["name"], MOVES[m["move"]]) for m in lines],
                ("accounts", "amount", kind, ""),
                right=(0, 1),
            )
    click.echo()
    joined = told["joined"]
    left = f" {joined} of them were merged with others." if joined else ""
    click.echo(
        f"{told['accounts']} accounts with statements walked in {seconds:.1f} s; nothing was changed.{left}"
    )


def write_csv(found: Found, path: Path) -> None:
    """A line for every account that differs."""
    with path.open("w", newline="", encoding="utf-8") as file:
        lines = csv.writer(file)
        lines.writerow(
            [
                "facility",
                "number",
                "move",
                "amount",
                "gates",
                "payer",
                "opened_on_in_force",
                "opened_on_draft",
            ]
        )
        for row in found.rows:
            lines.writerow(
                [
                    row.account.facility,
                    row.account.number,
                    row.move,
                    format_cents(row.cents),
                    "+".join(row.gates),
                    row.payer,
                    row.base_opened_on or "",
                    row.draft_opened_on or "",
                ]
            )


def bars_of(told: Mapping[str, Any]) -> list[tuple[str, int, str]]:
    """A bar for each gate and move: its label, how many accounts, and the amount."""
    return [
        (f"{line['name']}: {MOVES[line['move']]}", line["accounts"], line["amount"])
        for line in told["by"]["gate"]
    ]
