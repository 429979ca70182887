"""`baton parked`: messages that wait for a person."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime
from typing import Any, Final

import click

from adapters.store import ParkedFilter, ParkedProposal
from service import answers
from service.app import App
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import PURPOSE, accounts_in, enter, myself, tell_shared, who
from service.cli.opening import DAY, opened
from service.cli.output import print_json
from service.logins import shared_login
from service.mending import Mending, open_entry, told_of

MOST: Final = 1000
FORMATS: Final = ("json", "x12", "hl7v2", "fhir", "unknown")
BY: Final = click.option("--by", required=True, metavar="NAME", help="Who does this.")


def filters(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that narrow a list."""
    for option in (
        click.option("--search", metavar="TEXT", help="Found in code, place, reason or account number."),
        click.option("--account", metavar="ACCOUNT", help="Only this account's: FACILITY/NUMBER or NUMBER."),
        click.option(
            "--since", type=DAY, metavar="DAY", help="Only what was parked on this day or later (UTC)."
        ),
        click.option("--format", type=click.Choice(FORMATS), help="Only this format."),
        click.option("--code", metavar="CODE", help="Only this reason."),
        click.option("--feed", metavar="FEED", help="Only what came by this feed."),
    ):
        command = option(command)
    return command


def asked(**words: Any) -> ParkedFilter:
    """The filter that the options ask for."""
    since: date | None = words["since"]
    return ParkedFilter(
        words["feed"],
        words["code"],
        words["format"],
        datetime(since.year, since.month, since.day, tzinfo=UTC) if since else None,
        words["account"],
        words["search"],
    )


@click.group()
def parked() -> None:
    """Messages that wait for a person: what did not fit, why, trying again, discarding, settling."""


@parked.command("list")
@filters
@click.option(
    "--limit", type=click.IntRange(1, 100_000), default=MOST, show_default=True, help="At most so many."
)
@click.option("--all", "settled", is_flag=True, help="Also those that were dealt with.")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items}.")
def list_parked(
    limit: int, settled: bool, by: str | None, purpose: str | None, as_json: bool, **words: Any
) -> None:
    """List what waits, the oldest first. Exit code 0 also when something does."""
    with opened() as app:
        with app.store.read() as reader:
            items = answers.parked(reader, limit, include_settled=settled, like=asked(**words))
        if accounts := accounts_in(items):
            enter(app, by, purpose, Shown("parked", accounts))
    if as_json:
        print_json({"items": items})
    elif not items:
        click.echo("Nothing waits.")
    else:
        tell(items)
        click.echo("\n  baton parked show ID      more about one\n  baton parked retry ID     read it again")


def tell(items: Sequence[Mapping[str, Any]]) -> None:
    """Print parked messages as a table."""
    rows = [
        (i["id"], i["feed"], i["code"], i["where"] or "whole message", screen.advice(i["reason"], i["where"]))
        for i in items
    ]
    screen.columns(rows, heads=("id", "feed", "code", "where", "reason"), right=(0,))


@parked.command()
@click.argument("seq", metavar="ID", type=click.IntRange(1))
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(seq: int, by: str | None, purpose: str | None, as_json: bool) -> None:
    """Show one parked message: where it came from, what is wrong, what was done. Exit code 1 when unknown."""
    with opened() as app:
        with app.store.read() as reader:
            item = answers.parked_one(reader, seq)
        accounts = accounts_in([item, *item["statements"]])
        enter(app, by, purpose, Shown("parked", accounts, item["message"], {"id": seq}))
    if as_json:
        print_json(item)
        return
    screen.columns(
        [(name, value) for name, value in item.items() if isinstance(value, str | int) and value != ""]
    )
    for said in item["statements"]:
        click.echo(f"  states  {said['fact']}  {said['type']}, {said['occurred_at'][:10]}, {said['where']}")
    if item["proposal"]:
        told = item["proposal"]
        stands = f" {told['stands']}" if told["stands"] else ""
        click.echo(f"  {told['at'][:19]}  {told['action']}{stands} proposed by {told['by']}: {told['note']}")
    for action in item.get("actions") or []:
        click.echo(
            f"  {action.get('at', '')[:19]}  {action.get('action')} by {action.get('by')}: {action['note']}"
        )


@parked.command()
@click.argument("seqs", metavar="[ID]...", type=click.IntRange(1), nargs=-1)
@filters
@click.option("--all", "everything", is_flag=True, help="Everything that waits and matches.")
@click.option("--dry-run", is_flag=True, help="Only say what it would change; nothing is stored.")
@click.option("--by", default="operator", show_default=True, metavar="NAME", help="Who does this.")
@PURPOSE
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items}.")
@click.pass_context
def retry(
    ctx: click.Context,
    /,
    seqs: Sequence[int],
    everything: bool,
    dry_run: bool,
    by: str,
    purpose: str | None,
    as_json: bool,
    **words: Any,
) -> None:
    """Read parked messages again, from their stored bytes, with the readers and mapping of today.

    Exit code 1 when it, or any of them, still waits.
    """
    narrowed = any(words.values())
    if bool(seqs) == (everything or narrowed):
        raise click.UsageError("name IDs, or --all, or a filter")
    with opened() as app:
        mending = Mending(app.store, app.intake())
        numbers = seqs or [r.seq for r in mending.waiting(asked(**words))]
        found = mending.retry(numbers, app.moment(), myself(by), dry_run=dry_run)
        outlooks = [one.outlook.accounts for one in found if one.outlook]
        if accounts := [str(ref) for each in outlooks for ref, _, _ in each]:
            enter(app, by, purpose, Shown("parked.outlook", accounts))
    if len(seqs) == 1 and found[0].refused is not None:
        raise found[0].refused
    told = [told_of(one) for one in found]
    if as_json:
        print_json({"items": told, "dry_run": dry_run})
    elif not told:
        click.echo("Nothing waits.")
    else:
        rows = [(one["id"], one["disposition"], one["facts"], one["reason"]) for one in told]
        heads = ("id", "would be" if dry_run else "now", "facts", "reason")
        screen.columns(rows, heads=heads, right=(0, 2))
        for one in told:
            for change in one.get("accounts", ()):
                screen.wrapped(f"{one['id']}: {change['account']}: {_change(change)}", indent=2, hang=4)
    ctx.exit(1 if any(one.waits for one in found) else 0)


def _change(change: Mapping[str, Any]) -> str:
    """What differs, as `name before → after`."""
    before, after = change["before"] or {}, change["after"] or {}
    arrow = screen.sign("→", "->")
    return ", ".join(
        f"{name.replace('_', ' ')} {before.get(name) or 'none'} {arrow} {value or 'none'}"
        for name, value in after.items()
        if before.get(name) != value
    )


def _two_steps(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        BY,
        click.option("--reason", default="", metavar="TEXT", help="Why; recorded. No patient's data."),
        click.option("--approve", is_flag=True, help="Do what somebody else has proposed."),
        click.option("--propose", is_flag=True, help="Propose it; a second person approves."),
    ):
        command = option(command)
    return command


@parked.command()
@click.argument("seq", metavar="ID", type=click.IntRange(1))
@_two_steps
def discard(seq: int, propose: bool, approve: bool, reason: str, by: str) -> None:
    """Say that a parked part is not needed: one person proposes, another approves. Its bytes stay."""
    _one_of(propose, approve, reason)
    with opened() as app:
        if propose:
            _propose(
                app, seq, ParkedProposal("discard", app.moment().now, by, reason, through=myself(by).through)
            )
        else:
            _approve(app, seq, by)


@parked.command()
@click.argument("seq", metavar="ID", type=click.IntRange(1))
@click.option(
    "--stands",
    metavar="FACT|none|both",
    help="Which statement stands: its id, none, or both (id-reused only).",
)
@_two_steps
def settle(seq: int, stands: str | None, propose: bool, approve: bool, reason: str, by: str) -> None:
    """Say which of two contradicting statements stands: one person proposes, another approves.

    `baton parked show ID` lists the statements. What does not stand stays on record and counts for nothing.
    """
    _one_of(propose, approve, reason)
    if propose != (stands is not None):
        raise click.UsageError("--stands goes with --propose")
    with opened() as app:
        if propose:
            said = ParkedProposal("settle", app.moment().now, by, reason, stands or "", myself(by).through)
            _propose(app, seq, said)
        else:
            _approve(app, seq, by)


def _one_of(propose: bool, approve: bool, reason: str) -> None:
    if propose == approve:
        raise click.UsageError("write either --propose or --approve")
    if propose and not reason.strip():
        raise click.UsageError("--propose needs --reason")


def _propose(app: App, seq: int, proposal: ParkedProposal) -> None:
    Mending(app.store, app.intake()).propose(seq, proposal)
    click.echo(
        f"Proposed. Another person approves it: baton parked {proposal.action} {seq} --approve --by NAME"
    )


def _approve(app: App, seq: int, by: str) -> None:
    refuse = app.config.refuses_shared_login
    with app.store.read() as reader:
        proposal = open_entry(reader, seq).proposal
    shared = shared_login(proposal.through or None, myself(by).through) if proposal else None
    receipt = Mending(app.store, app.intake(), refuse_shared_login=refuse).approve(
        seq, app.moment(), myself(by)
    )
    tell_shared(shared)
    click.echo(f"Done; {receipt.facts} new facts.")
