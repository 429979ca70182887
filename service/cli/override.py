"""`baton override`: what people do about one account, one to protect it more, two to protect it less."""

from __future__ import annotations

from datetime import date
from typing import Final

import click

from service import answers
from service.app import App
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import accounts_in, enter, person, says, tell_shared, who
from service.cli.explanation import SHORT, sentence_of
from service.cli.opening import DAY, opened
from service.cli.output import print_json
from service.overrides import Overrides, Speaker, listed

SAID: Final = says("Why; `baton why` shows it. No diagnosis, no more than it needs.")
UNTIL: Final = click.option(
    "--until", type=DAY, metavar="DATE", help="The first day on which it counts no more."
)


@click.group()
def override() -> None:
    """Hold an account at once; or propose to lift what may be lifted, which a second person approves."""


@override.command()
@click.argument("account", metavar="ACCOUNT")
@SAID
@UNTIL
def hold(account: str, by: str, reason: str, until: date | None) -> None:
    """Hold ACCOUNT from now on. An open case is taken back at once.

    Only two people release it: `baton override release`.
    """
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
        said = _desk(app).hold(ref, _speaker(by), reason, app.moment(), until)
    click.echo(f"Held: {said.account}, hold {said.id[:SHORT]}.")
    click.echo(f"  baton override release {said.id[:SHORT]} --by NAME --reason TEXT")


@override.command()
@click.argument("hold_id", metavar="HOLD")
@SAID
def release(hold_id: str, by: str, reason: str) -> None:
    """Propose to release HOLD, which a person placed. A second person approves."""
    with opened() as app:
        said = _desk(app).release(hold_id, _speaker(by), reason, app.moment())
    _proposed(said.id)


@override.command()
@click.argument("account", metavar="ACCOUNT")
@click.option("--gate", required=True, metavar="GATE", help="The gate or house rule, such as G42.")
@SAID
@UNTIL
def allow(account: str, gate: str, by: str, reason: str, until: date | None) -> None:
    """Propose that a case for ACCOUNT may open although GATE says otherwise. A second person approves.

    It covers what the gate says now and no more: when the amount or the facts behind it change, the gate
    stands again. Most gates can never be lifted; docs/gates.md says which can.
    """
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
        said = _desk(app).allow(ref, gate, _speaker(by), reason, app.moment(), until)
    _proposed(said.id)


@override.command()
@click.argument("override_id", metavar="ID")
@SAID
def approve(override_id: str, by: str, reason: str) -> None:
    """Approve what somebody else proposed; the account is decided on at once."""
    with opened() as app:
        said = _desk(app).approve(override_id, _speaker(by), reason, app.moment())
    tell_shared(said.shared_login)
    click.echo(f"Approved; {said.account} was decided on anew: baton why {said.account}")


@override.command()
@click.argument("override_id", metavar="ID")
@SAID
def withdraw(override_id: str, by: str, reason: str) -> None:
    """Take back what was proposed or approved; what it lifted stands again at once. One person is enough."""
    with opened() as app:
        said = _desk(app).withdraw(override_id, _speaker(by), reason, app.moment())
    click.echo(f"Withdrawn; {said.account} was decided on anew.")


@override.command("list")
@click.argument("account", metavar="[ACCOUNT]", required=False)
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items}.")
def list_(account: str | None, by: str | None, purpose: str | None, as_json: bool) -> None:
    """List what people placed, proposed, approved and withdrew, newest first."""
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account) if account else None
            items = listed(reader, app.policy, app.moment().as_of, ref)
        accounts = list(dict.fromkeys([*([str(ref)] if ref else []), *accounts_in(items)]))
        if accounts:
            enter(app, by, purpose, Shown("overrides", accounts))
    if as_json:
        print_json({"items": items})
    elif not items:
        click.echo("Nobody has decided anything by hand.")
    for one in [] if as_json else items:
        screen.marked(screen.sign("→", ">"), f"{one['account']}: {sentence_of(one)}")


def _desk(app: App) -> Overrides:
    refuse = app.config.refuses_shared_login
    return Overrides(app.store, app.intake(), app.policy, refuse_shared_login=refuse)


def _speaker(name: str) -> Speaker:
    return Speaker(name, f"os:{person()}")


def _proposed(id: str) -> None:
    click.echo(f"Proposed as {id[:SHORT]}. Nothing changes until another person approves it:")
    click.echo(f"  baton override approve {id[:SHORT]} --by NAME --reason TEXT")
