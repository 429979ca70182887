"""`baton mllp` takes HL7 v2 messages over MLLP; `baton send` sends files to such a listener."""

from __future__ import annotations

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any, Final

import click

from adapters.hl7v2.acknowledging import Asked, answer_wanted, code_of
from adapters.hl7v2.framing import messages_of
from adapters.mllp import Limits, Listener, Sender, client_context, server_context
from schemas.errors import ConfigRefused
from service.app import App, calm_collector, stop_on_signals
from service.cli.opening import opened
from service.cli.parts import Counts
from service.logs import open_log
from service.mllp import Clerk
from service.refusing import Refusals

PORT: Final = 2575
"""Registered for HL7 over MLLP."""

WELL: Final = frozenset({"AA", "CA", "not asked for"})


@click.command()
def mllp() -> None:
    """Take HL7 v2 messages over MLLP until told to stop; each is stored before it is acknowledged.

    Settings: mllp_host, mllp_port (2575), mllp_feed, and for TLS mllp_tls_cert, mllp_tls_key and mllp_tls_ca
    (then peers must show a certificate of that CA). SIGTERM lets what is in flight be answered.
    """
    stop, log = stop_on_signals(), open_log("mllp")
    with opened(until=stop, log=log) as app:
        counts = Counts(log)
        refusals = Refusals(lambda: app.store, app.moment)
        feed = app.config.mllp_feed
        clerk = Clerk(app.intake(), app.store, app.moment, feed, log, counts.add, refusals=refusals)
        listener = Listener(clerk.take, clerk.refuse, log.warning, _limits(app), _context(app))
        host, port = app.config.mllp_host, app.config.mllp_port
        calm_collector()
        try:
            listener.serve(
                host,
                PORT if port is None else port,
                stop,
                lambda at, bound: log.info("mllp started", host=at, port=bound),
            )
        except OSError as error:
            raise ConfigRefused(
                "cannot-listen", f"cannot listen there: {error.strerror}", where="mllp_host, mllp_port"
            ) from None
        refusals.flush()
        counts.report("mllp stopped", always=True)


def _limits(app: App) -> Limits:
    config = app.config
    return Limits(connections=config.mllp_connections, connections_a_peer=config.mllp_peer_connections)


def _context(app: App) -> Any:
    config = app.config
    if config.mllp_tls_cert is None:
        return None
    return server_context(config.mllp_tls_cert, config.mllp_tls_key, config.mllp_tls_ca)


class Address(click.ParamType[tuple[str, int], object]):
    """A host and a port."""

    name = "address"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Read `host:port`."""
        host, _, port = str(value).rpartition(":")
        if not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
            self.fail("not an address; write it as 127.0.0.1:2575", param, ctx)
        return host.strip("[]"), int(port)


PEM: Final = click.Path(path_type=Path, exists=True, dir_okay=False)


@click.command()
@click.argument("address", metavar="HOST:PORT", type=Address())
@click.argument(
    "files",
    metavar="FILE…",
    nargs=-1,
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
)
@click.option("--tls", is_flag=True, help="Over TLS.")
@click.option("--ca", type=PEM, help="The CA of the listener's certificate, instead of the system's.")
@click.option("--cert", type=PEM, help="A certificate to show.")
@click.option("--key", type=PEM, help="Its key, where the certificate's file does not hold it.")
@click.option(
    "--count", type=click.IntRange(1), default=1, show_default=True, help="Send everything so often."
)
@click.option("--json", "as_json", is_flag=True, help="The answers counted, as JSON.")
@click.pass_context
def send(
    ctx: click.Context,
    address: tuple[str, int],
    files: tuple[Path, ...],
    tls: bool,
    ca: Path | None,
    cert: Path | None,
    key: Path | None,
    count: int,
    as_json: bool,
) -> None:
    """Send the HL7 v2 messages of files to an MLLP listener and print each answer.

    One connection, one message after the other. Exit code 1 when an answer is not AA or CA.

    Example: baton send 127.0.0.1:2575 adt.hl7
    """
    context = client_context(ca, cert, key) if tls or ca or cert else None
    told: Counter[str] = Counter()
    with Sender(*address, context) as sender:
        for _ in range(count):
            for path in files:
                for body in messages_of(path.read_bytes()):
                    code, shown = _sent(sender, path, body)
                    told[code] += 1
                    if not as_json and sum(told.values()) <= SHOWN:
                        click.echo(shown)
    if as_json:
        click.echo(json.dumps({"sent": sum(told.values()), "answers": dict(sorted(told.items()))}))
    elif sum(told.values()) > SHOWN:
        click.echo(", ".join(f"{number} {code}" for code, number in sorted(told.items())))
    ctx.exit(0 if set(told) <= WELL else 1)


def _sent(sender: Sender, path: Path, body: bytes) -> tuple[str, str]:
    """Send one message: the code of its answer, and the answer to print."""
    if not answer_wanted(Asked.of(body)):
        # Also where an answer comes only in some cases: nothing would tell a late one from the next.
        sender.post(body)
        return "not asked for", f"{path.name}: no answer asked for (MSH-15, MSH-16)"
    answer = sender.send(body)
    return code_of(answer) or "none", _readable(path, answer)


SHOWN: Final = 1000
"""Answers that are printed one by one."""


def _readable(path: Path, answer: bytes) -> str:
    lines = answer.decode("utf-8", "replace").replace("\n", "\r").split("\r")
    shown = ["".join(c if c.isprintable() else " " for c in line) for line in islice(lines, 50) if line]
    return "\n".join(
        [f"{path.name}: {code_of(answer) or 'no acknowledgement'}", *(f"  {line}" for line in shown)]
    )
