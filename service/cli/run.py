"""`baton run`: everything in one process tree."""

from __future__ import annotations

import os
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Final

import click

from schemas.errors import BatonError
from service.app import App, stop_on_signals
from service.checkup import broker_says
from service.config import Config, load, mask
from service.logs import open_log
from service.tree import Part, Tree

EMBEDDED: Final = "going on with the embedded transport: the same contract over the database"


@click.command()
@click.option(
    "--private-broker", is_flag=True, help="Start a RabbitMQ of its own, unless BATON_AMQP_URL names one."
)
@click.option(
    "--transport",
    type=click.Choice(["amqp", "embedded"]),
    help="What carries messages, instead of BATON_TRANSPORT.",
)
@click.option("--port", type=click.IntRange(0, 65535), help="HTTP port, instead of BATON_HTTP_PORT.")
@click.option("--no-web", is_flag=True, help="Without HTTP.")
@click.pass_context
def run(
    ctx: click.Context, private_broker: bool, transport: str | None, port: int | None, no_web: bool
) -> None:
    """Run everything in one process tree: workers, relay, clock, web.

    Brings the database up to date, declares the queues, and prints an API key when there is none yet.
    SIGTERM and SIGINT stop everything in good order. Logs are JSON lines on standard error.
    """
    stop, environ = stop_on_signals(), dict(os.environ)
    if transport:
        environ["BATON_TRANSPORT"] = transport
    if port is not None:
        environ["BATON_HTTP_PORT"] = str(port)
    with broker_for(environ, private=private_broker and transport != "embedded"):
        config = load(environ)
        prepare(config, web=not no_web)
        tree = Tree(parts(config, web=not no_web), environ, open_log("run"))
        try:
            tree.start()
            click.echo("Running. Logs follow on standard error; Ctrl-C stops everything in good order.")
            code = tree.watch(stop)
        finally:
            tree.stop()
    ctx.exit(code)


@contextmanager
def broker_for(environ: MutableMapping[str, str], *, private: bool) -> Iterator[None]:
    """Where it is wanted, a private RabbitMQ for as long as this lasts; `environ` then names it."""
    if not private:
        yield
        return
    if environ.get("BATON_AMQP_URL"):
        click.echo(f"Using the RabbitMQ of BATON_AMQP_URL, {mask(environ['BATON_AMQP_URL'])}.")
        yield
        return
    from adapters.nodes import RabbitNode

    node = RabbitNode(load({**environ, "BATON_TRANSPORT": "embedded"}).home / "rabbitmq", say=click.echo)
    try:
        environ.update(BATON_AMQP_URL=node.start(), BATON_TRANSPORT="amqp")
    except BatonError as error:
        click.echo(f"A private RabbitMQ cannot be started here ({error.reason}); {EMBEDDED}.")
        environ["BATON_TRANSPORT"] = "embedded"
    try:
        yield
    finally:
        node.stop()


def prepare(config: Config, *, web: bool) -> None:
    """Bring database and broker up to date, and say where everything is."""
    app = App(config)
    try:
        revision = app.store.upgrade()
        click.echo(f"Database   {app.store.place}, revision {revision}")
        click.echo(f"Transport  {broker_says(app, set_up=True)}")
        click.echo(f"Policy     {app.policy.version}")
        if web:
            from service.web import ensure_key

            click.echo(f"HTTP       http://{config.http_host}:{config.http_port}/")
            key = ensure_key(app)
            if key is not None:
                click.echo(
                    f"API key    {key}\n           (shown this once; send it as `Authorization: Bearer …`)"
                )
    finally:
        app.close()


def parts(config: Config, *, web: bool) -> list[Part]:
    """The child processes: workers first, so that messages move as soon as they can."""
    workers = [Part(f"worker-{n + 1}", ["worker"]) for n in range(config.workers)]
    return [
        *workers,
        Part("relay", ["relay"]),
        Part("clock", ["clock"]),
        *([Part("mllp", ["mllp"])] if config.mllp_port is not None else []),
        *([Part("folder", ["folder"])] if any(feed.path for feed in config.feeds.values()) else []),
        *([Part("web", ["web"])] if web else []),
    ]
