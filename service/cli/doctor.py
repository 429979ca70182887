"""`baton doctor`: what is in force, where it comes from, and what is wrong."""

from __future__ import annotations

import click

from service.checkup import Check, checks
from service.cli import screen
from service.cli.output import print_json
from service.config import Config, load


@click.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON: {ok, settings, checks}.")
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Show the settings in force and check what Baton stands on.

    Looks only; nothing is changed. Exit code 1 when something is wrong: each such line says what to do.
    """
    config = load()
    found = checks(config)
    well = all(check.ok for check in found)
    if as_json:
        settings = [{"name": s.name, "value": s.shown, "origin": s.origin} for s in config.settings]
        lines = [{"name": c.name, "ok": c.ok, "says": c.says, "to_do": c.to_do} for c in found]
        print_json({"ok": well, "settings": settings, "checks": lines})
    else:
        tell(config, found)
    ctx.exit(0 if well else 1)


def tell(config: Config, found: list[Check]) -> None:
    """Print settings and checks for a person."""
    click.secho("Settings", bold=True)
    rows = [(s.name, s.origin, s.shown or "-") for s in config.settings]
    screen.columns(rows, heads=("name", "from", "value"))
    screen.title("Checks")
    wide = max(len(check.name) for check in found)
    for check in found:
        screen.marked(
            screen.mark("allow" if check.ok else "block"),
            f"{check.name.ljust(wide)}  {check.says}",
            hang=wide + 2,
        )
        if check.to_do:
            screen.wrapped(check.to_do, indent=6 + wide)
    wrong = sum(not check.ok for check in found)
    click.echo()
    click.echo("All is well." if not wrong else f"{wrong} of {len(found)} checks found something wrong.")
