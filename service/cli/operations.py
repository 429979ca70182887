"""`baton db`, `baton broker` and `baton version`: what an operator does before and between."""

from __future__ import annotations

import click

from service.cli.table import installed_version


@click.group()
def db() -> None:
    """The database."""


@db.command()
def upgrade() -> None:
    """Make or bring up to date the tables of the database. Safe to repeat, and by several at once."""
    from service.app import App
    from service.config import load

    app = App(load())
    try:
        before = app.store.revision()
        after = app.store.upgrade()
        click.echo(
            f"{app.store.place}: {'already at' if before == after else 'upgraded to'} revision {after}"
        )
    finally:
        app.close()


@click.group()
def broker() -> None:
    """The message broker."""


@broker.command()
def setup() -> None:
    """Declare the exchanges and queues on the broker. Safe to repeat; a mismatch is an error."""
    from service.app import App
    from service.checkup import broker_says
    from service.config import load

    click.echo(broker_says(App(load()), set_up=True))


@click.command()
def version() -> None:
    """Print the version."""
    click.echo(f"baton {installed_version()}")
