"""Who asks at the command line and what for: entered in the audit log before anything is shown."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Callable, Iterable
from typing import Any

import click

from schemas.errors import BatonError
from service.app import App
from service.audit.reads import MOST_CHARACTERS, PURPOSES, Asker, Shown, person_named, read_entries, record
from service.logins import OS_USER, told
from service.mending import Person as Actor


def person() -> str:
    """As whom the machine knows the person at it; the environment, which anybody can set, is not asked."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid {os.getuid()}"


def myself(name: str) -> Actor:
    """Who somebody at this machine says to be, and as whom the machine knows them."""
    return Actor(name, f"{OS_USER}{person()}")


def tell_shared(login: str | None) -> None:
    """Warn that two people came by one login, where they did."""
    if login is not None:
        click.echo(f"Note: {told(login)}; BATON_SHARED_LOGIN=refuse asks for two.", err=True)


class Person(click.ParamType[str, object]):
    """A person's name."""

    name = "name"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Read a name."""
        try:
            return person_named(str(value))
        except BatonError as error:
            self.fail(error.reason, param, ctx)


PERSON = Person()

BY = click.option("--by", type=PERSON, metavar="NAME", help="For whom you look, where not for yourself.")
PURPOSE = click.option(
    "--purpose",
    type=click.Choice(list(PURPOSES)),
    metavar="CODE",
    help="What for, as a code of HL7 PurposeOfUse such as HPAYMT or HCOMPL; recorded in the audit log.",
)


def who(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say who looks, besides the user of the machine, and what for."""
    return BY(PURPOSE(command))


def says(reason: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options of a command by which a person decides something; `reason` is the help for why."""
    why = click.option("--reason", required=True, metavar="TEXT", help=reason)
    name = click.option("--by", required=True, metavar="NAME", help="Who decides this.")
    return lambda command: name(why(command))


def enter(app: App, by: str | None, purpose: str | None, shown: Shown) -> None:
    """Commit that this is about to be shown.

    Raises:
        Unavailable: `read-not-recorded`; nothing may be shown.
    """
    asker = Asker(f"os:{person()}", "cli", by or None, purpose, socket.gethostname()[:MOST_CHARACTERS])
    record(app.store, read_entries(asker, shown, app.moment().now))


def accounts_in(items: Iterable[Any]) -> list[str]:
    """The accounts that listed things name."""
    return [item["account"] for item in items if item.get("account")]
