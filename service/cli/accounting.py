"""`baton audit reads`: who looked at an account and what left the house about it."""

from __future__ import annotations

import click

from service import answers
from service.audit.accounting import accounting
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import enter, who
from service.cli.opening import opened
from service.cli.output import print_json


@click.command("reads")
@click.argument("account", metavar="ACCOUNT")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {account, items}.")
def reads_(account: str, by: str | None, purpose: str | None, as_json: bool) -> None:
    """List who read an account, and what of it was disclosed to whom: when and what for, oldest first.

    The disclosures are those that 45 CFR 164.528 lets a patient ask for. That you looked here is entered too.

    Example: baton audit reads A2001 --purpose PATRQT
    """
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
            items = accounting(reader, ref)
        enter(app, by, purpose, Shown("audit.reads", [str(ref)]))
    if as_json:
        print_json({"account": str(ref), "items": items})
        return
    if not items:
        click.echo("Nobody has read this account, and nothing of it was disclosed.")
        return
    rows = [
        (
            item["entry"],
            item["at"][:16].replace("T", " "),
            item["kind"],
            item["what"],
            " for ".join(filter(None, (item["agent"], item["person"]))),
            item["recipient"] or "",
            item["purpose"] or "(not stated)",
        )
        for item in items
    ]
    heads = ("entry", "when (UTC)", "kind", "what", "who", "recipient", "purpose")
    screen.columns(rows, heads=heads, right=(0,))
