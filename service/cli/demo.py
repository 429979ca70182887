"""`baton demo`: the whole way once, on the screen, with real processes and made-up people."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click

from schemas.errors import BatonError
from service.app import App
from service.checkup import broker_says
from service.cli.hearing import listening
from service.cli.run import broker_for
from service.cli.story import Stage, tell
from service.config import load

STOP_SECONDS: Final = 30.0
KEPT_SETTINGS: Final = ("BATON_AMQP_URL", "BATON_AMQP_URL_FILE")
"""The demo runs with a clean house: of the settings in force only the broker is taken over."""


@click.command()
@click.option(
    "--private-broker", is_flag=True, help="Start a RabbitMQ of its own, unless BATON_AMQP_URL names one."
)
@click.option("--transport", type=click.Choice(["amqp", "embedded"]), help="What carries the messages.")
@click.option("--keep", is_flag=True, help="Keep the demo's folder, to look around in afterwards.")
def demo(private_broker: bool, transport: str | None, keep: bool) -> None:
    """See the whole way once: an account held, a case opened, an insurer's correction, the case recalled.

    Runs a worker, a relay and a clock on a database of its own that is thrown away at the end. Nobody in it
    is real. Exit code 1 when a step does not come true in time.
    """
    outer = load()
    home = outer.home / f"demo-{os.getpid()}" if keep else Path(tempfile.mkdtemp(prefix="baton-demo-"))
    environ = clean_environment(home.resolve())
    if outer.amqp_url:
        environ["BATON_AMQP_URL"] = outer.amqp_url
    if transport:
        environ["BATON_TRANSPORT"] = transport
    click.secho("Baton, the whole way once. Nobody here is real; all dates count back from today.", bold=True)
    try:
        with broker_for(environ, private=private_broker and transport != "embedded"):
            play(home, environ)
    except BatonError:
        click.echo(f"The logs of the demo: {home / 'log'}", err=True)
        raise
    if keep:
        click.echo("\nLook around (cases, why GEN/A1001, doctor, …), for example:")
        click.echo(f"  BATON_HOME={home} baton parked list")
    else:
        shutil.rmtree(home, ignore_errors=True)
        click.echo(
            "\nRun it with --keep to look around afterwards (baton cases, parked list, why GEN/A1001)."
        )


def clean_environment(home: Path) -> dict[str, str]:
    """The environment of the demo's processes: nothing of the settings in force but the broker."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "baton.toml").touch()
    environ = {k: v for k, v in os.environ.items() if not k.startswith("BATON_") or k in KEPT_SETTINGS}
    # The story is told in one sitting: nothing settles for hours in it.
    own = {"BATON_HOME": str(home), "BATON_CONFIG": str(home / "baton.toml"), "BATON_SETTLING_SECONDS": "0"}
    return environ | own


def play(home: Path, environ: dict[str, str]) -> None:
    """Start the parts, tell the story, stop the parts."""
    app = App(load(environ))
    try:
        app.store.upgrade()
        click.echo(f"Transport: {broker_says(app, set_up=True)}")
        with listening(app) as events, running(home / "log", environ):
            feed = app.transport().feed()
            try:
                tell(Stage(app, feed, events), environ)
            finally:
                feed.close()
    finally:
        app.close()


@contextmanager
def running(log: Path, environ: dict[str, str]) -> Iterator[None]:
    """`baton run` beside this process, its output in a file."""
    with log.open("wb") as out:
        argv = [sys.executable, "-m", "service.cli", "run", "--no-web"]
        child = subprocess.Popen(argv, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield
    finally:
        child.terminate()
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
