"""`baton replay`: every decision made again, every message read again, and what came out otherwise."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import click

from schemas.canonical import from_bytes
from schemas.errors import PolicyRefused
from schemas.facts import Item, LargeMessage
from service.app import examine_policy_texts
from service.audit.replay import Replayed, as_plain, decide_again, read_again
from service.cli.opening import opened
from service.cli.output import print_json
from service.core import Policy
from service.publication import read_kept


@click.command()
@click.option("--decisions-only", is_flag=True, help="Do not read the messages again.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def replay(ctx: click.Context, decisions_only: bool, as_json: bool) -> None:
    """Make every stored decision again from its facts, policy and day, and read every stored message again.

    A decision must come out bit for bit the same, and the messages must state the very facts that are stored.
    Nothing is written and nothing is sent. Exit code 1 when anything comes out otherwise.
    """
    out = Replayed()
    with opened() as app, app.store.read() as reader:

        @cache
        def policy_of(sha256: str) -> Policy | None:
            try:
                return read_kept(reader, sha256, examine_policy_texts)
            except PolicyRefused:
                return None

        def read(large: LargeMessage, mapping: str | None) -> Iterator[Item]:
            return app.read_large(large) if mapping is None else app.read_as_then(large, mapping)

        shown = not as_json and sys.stderr.isatty()
        with _bar("Deciding again", reader.last_account(), shown) as bar:
            decide_again(reader, policy_of, out, bar.update)
        if not decisions_only:
            with _bar("Reading again", reader.last_message(), shown) as bar:
                read_again(reader, read, out, bar.update)
    if as_json:
        print_json(from_bytes(as_plain(out)))
    else:
        _tell(out)
    ctx.exit(1 if out.count else 0)


def _bar(label: str, length: int, shown: bool) -> AbstractContextManager[Any]:
    return click.progressbar(length=length, label=label, hidden=not shown, file=sys.stderr)


def _tell(out: Replayed) -> None:
    for one in out.differences:
        click.secho(f"\u2717 {one.account or ''} {one.id[:16]}: {one.text} [{one.kind}]", fg="red")
    click.echo(
        f"{out.decisions} decisions made again, {out.messages} messages read again with {out.facts} facts; "
        f"{out.count} differences."
    )
