"""`baton audit erase`: take away what the log says of one account, by two people; the log stays provable."""

from __future__ import annotations

import click

from service import answers
from service.audit import erasure
from service.cli.asking import PERSON, person, tell_shared
from service.cli.opening import opened
from service.cli.output import print_json


@click.command("erase")
@click.argument("account", metavar="ACCOUNT")
@click.option("--propose", is_flag=True, help="Propose it; a second person approves.")
@click.option("--approve", is_flag=True, help="Do what somebody else has proposed. It cannot be undone.")
@click.option("--by", type=PERSON, required=True, metavar="NAME", help="Who does this.")
@click.option("--reason", default="", metavar="TEXT", help="Why; it stays in the log. No patient's data.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def erase_(account: str, propose: bool, approve: bool, by: str, reason: str, as_json: bool) -> None:
    """Erase what the audit log says of ACCOUNT: one person proposes, another approves.

    The leaves stay, so the log still verifies; the erasure is an entry itself. Six years of reads and
    disclosures stay (45 CFR 164.528). Messages, facts and decisions are NOT erased by this.

    Example: baton audit erase A2001 --propose --by ann --reason "court order 2026-17"
    """
    if propose == approve:
        raise click.UsageError("write either --propose or --approve")
    if propose != bool(reason.strip()):
        raise click.UsageError("--reason goes with --propose")
    who = erasure.Person(by, person())
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
        now = app.moment().now
        done = (
            erasure.propose(app.store, ref, who, reason, now)
            if propose
            else erasure.approve(
                app.store, ref, who, now, refuse_shared_login=app.config.refuses_shared_login
            )
        )
    if as_json:
        print_json(done)
    elif propose:
        click.echo(f"Proposed: {done['entries']} entries would be erased, {done['kept']} stay.")
        click.echo(f"Another person approves it: baton audit erase {account} --approve --by NAME")
    else:
        tell_shared(done["shared_login"])
        click.echo(f"{done['erased']} entries erased, {done['kept']} stay; `baton audit verify` still holds.")
