"""`baton why`: the explanation of one account."""

from __future__ import annotations

from datetime import date, datetime

import click

from service import answers, official
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import enter, who
from service.cli.explanation import tell
from service.cli.opening import DAY, INSTANT, opened
from service.cli.output import print_json


@click.command()
@click.argument("account", metavar="ACCOUNT")
@click.option("--as-of", type=DAY, metavar="DATE", help="Decide as of this day instead of today.")
@click.option(
    "--known-at", type=INSTANT, metavar="TIME", help="Only with what had been received by this instant."
)
@who
@click.option("--json", "as_json", is_flag=True, help="The whole explanation as JSON.")
def why(
    account: str,
    as_of: date | None,
    known_at: datetime | None,
    by: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Explain an account: who owes every cent, what holds it, what happens next.

    ACCOUNT is FACILITY/NUMBER, or the number alone where only one facility has it.
    Exit code 1 when there is no such account.

    Example: baton why GEN/A1002
    """
    with opened() as app:
        day = as_of or app.moment().as_of
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
            told = answers.why(reader, app.policy, ref, day, known_at, app.config.zone)
        asked = {"as_of": day.isoformat(), "known_at": known_at.isoformat() if known_at else None}
        enter(app, by, purpose, Shown("why", [str(ref)], parameters=asked))
    if as_json:
        print_json(told)
    else:
        tell(told)
        if found := official.used_in(told, app.config.home):
            screen.title("Official description (licensed)")
            for code, text in sorted(found.items()):
                screen.wrapped(f"{code}: {text}", 2, 4)
