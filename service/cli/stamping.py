"""`baton audit stamp`: have a checkpoint stamped by an authority out of our hands (RFC 3161)."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

import click

from adapters import stamping
from adapters.authority import ask
from schemas.errors import ConfigRefused
from service.app import App
from service.audit import stamps
from service.cli.asking import person
from service.cli.evidence import replacing
from service.cli.opening import opened
from service.cli.output import print_json

SECONDS: Final = 20.0
ROOTS = click.option(
    "--tsa-roots",
    "roots",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="PEM",
    help="The root certificates of authorities to believe, got from them another way. [BATON_TSA_ROOTS]",
)
SIZE = click.option(
    "--size", type=click.IntRange(1), metavar="N", help="The checkpoint of N entries; else the newest."
)


@click.group()
def stamp() -> None:
    """Time stamps of checkpoints: that the log stood so by then, said by an authority out of our hands."""


def trusting(app: App, roots: Path | None) -> stamps.Verify | None:
    """What holds stamps against the roots that were given here or set; None where neither was."""
    file = roots or app.config.tsa_roots
    if file is None:
        return None
    believed = stamping.read_roots(file)
    return lambda answer, text, nonce: stamping.verify(answer, text, nonce, believed)


def _trusting(app: App, roots: Path | None) -> stamps.Verify:
    verify = trusting(app, roots)
    if verify is None:
        raise ConfigRefused(
            "no-roots",
            "name the root certificates of the authority, or nothing that it says can be checked; "
            "set BATON_TSA_ROOTS to a PEM file",
            where="--tsa-roots",
        )
    return verify


@stamp.command()
@SIZE
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
def request(size: int | None, output: Path) -> None:
    """Write what is to be sent to an authority, for a machine without a way out: a digest and a number.

    Example: baton audit stamp request -o checkpoint.tsq
    """
    with opened() as app, replacing(output) as out:
        asked = stamps.ask_for(app.store, size, f"os:{person()}", app.moment().now)
        out.write(asked.query)
    answer = output.with_suffix(".tsr").name
    click.echo(
        f"{output}: asks to stamp the checkpoint of {asked.size} entries. Send it, and add the answer:"
    )
    click.echo(
        "  curl --fail --header 'Content-Type: application/timestamp-query'"
        f" --data-binary @{output.name} --output {answer} URL"
    )
    click.echo(f"  baton audit stamp add {answer}")


@stamp.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@ROOTS
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def add(file: Path, roots: Path | None, as_json: bool) -> None:
    """Keep an authority's answer to a request, once its signature, its instant and its number hold.

    Example: baton audit stamp add checkpoint.tsr
    """
    try:
        with file.open("rb") as opened_file:
            answer = opened_file.read(stamping.MOST_BYTES + 1)
    except OSError as error:
        raise ConfigRefused("unreadable-file", f"cannot read it: {error.strerror}", where=str(file)) from None
    with opened() as app:
        verify = _trusting(app, roots)
        kept = stamps.keep(app.store, answer, verify, f"os:{person()}", app.moment().now)
    _tell(kept, as_json)


@stamp.command("ask")
@click.option("--url", metavar="URL", help="The authority's address. [BATON_TSA_URL]")
@ROOTS
@SIZE
@click.option(
    "--timeout",
    type=click.FloatRange(0.1, 600),
    default=SECONDS,
    show_default=True,
    help="Seconds to wait for an answer.",
)
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def ask_(url: str | None, roots: Path | None, size: int | None, timeout: float, as_json: bool) -> None:
    """Ask an authority over HTTP, and keep its answer once everything about it holds.

    Only a digest leaves the house. Let cron run it once a day or an hour.

    Example: baton audit stamp ask --url https://tsa.example.org/
    """
    with opened() as app:
        verify, address = _trusting(app, roots), url or app.config.tsa_url
        if address is None:
            reason = "say which authority to ask; there is none that is asked by itself"
            raise ConfigRefused("no-authority", reason, where="--url")
        send = partial(ask, address, seconds=timeout, most_bytes=stamping.MOST_BYTES)
        asked = stamps.ask_for(app.store, size, f"os:{person()}", app.moment().now)
        kept = stamps.keep(app.store, send(asked.query), verify, f"os:{person()}", app.moment().now)
    _tell(kept, as_json)


@stamp.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_(as_json: bool) -> None:
    """List the stamps that are kept."""
    with opened() as app, app.store.read() as reader:
        found = [one.plain() for one in stamps.stamps(reader)]
    if as_json:
        print_json({"items": found})
        return
    for one in found:
        click.echo(
            f"entry {one['entry']}: {one['size']} entries stood by {one['at']}, says {one['authority']}"
        )
    if not found:
        click.echo("No checkpoint was stamped. `baton audit stamp ask --help` shows how.")


def _tell(kept: stamps.Stamped, as_json: bool) -> None:
    if as_json:
        print_json(kept.plain())
        return
    click.echo(
        f"Kept as entry {kept.seq}: {kept.authority} says that the checkpoint of {kept.size} entries "
        f"was there by {kept.at}."
    )
