"""`baton audit export`: the evidence of one account, in one file that is checked without Baton."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import IO

import click

from adapters.store import Reader
from schemas.errors import ConfigRefused
from schemas.facts import AccountRef
from service import answers
from service.app import App
from service.audit.bundle import Disclosure, export
from service.audit.report import as_html
from service.audit.stamps import Stamped
from service.cli.asking import person
from service.cli.opening import opened


def verifier() -> bytes:
    """The program that checks a bundle without Baton."""
    return (files("service.audit") / "offline" / "verify.py").read_bytes()


@click.command("export")
@click.argument("account", metavar="ACCOUNT")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write.",
)
@click.option("--purpose", required=True, help="What the evidence is for; kept in the audit log.")
@click.option("--recipient", required=True, help="Who gets it; kept in the audit log.")
@click.option("--pdf", is_flag=True, help="Also the report as PDF (needs the extra [pdf]).")
@click.option(
    "--no-messages", is_flag=True, help="Leave the raw messages out: a remittance names other patients too."
)
def export_(account: str, output: Path, purpose: str, recipient: str, pdf: bool, no_messages: bool) -> None:
    """Write an evidence bundle of one account: what was said, decided and done, with proofs.

    That it was made, for what and for whom, becomes an entry of the audit log first (45 CFR 164.528); where
    that cannot be kept, nothing is written. The verify.py inside checks it with Python alone.

    Example: baton audit export A2001 -o A2001.zip --purpose "state audit" --recipient "Office of the Auditor"
    """
    with opened() as app, replacing(output) as out:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
        why = Disclosure(purpose, recipient, person())
        made = export(
            app.store,
            app.signer(),
            app.config.audit_origin,
            ref,
            why,
            app.moment().now,
            lambda reader, ref, stamped: _pages(app, reader, ref, why, stamped, pdf=pdf),
            with_messages=not no_messages,
        )
        out.write(made)
    click.echo(f"{output}: {len(made):,} bytes. Check it: unzip -p {output.name} verify.py > verify.py")
    click.echo(f"  python3 verify.py {output.name} --key {app.signer().public_key.hex()}")


def _pages(
    app: App, reader: Reader, ref: AccountRef, why: Disclosure, stamped: Sequence[Stamped], *, pdf: bool
) -> dict[str, bytes]:
    told = answers.why(reader, app.policy, ref, app.moment().as_of, zone=app.config.zone)
    page = as_html(told, {"purpose": why.purpose, "recipient": why.recipient}, stamped)
    found = {"report.html": page, "verify.py": verifier()}
    if pdf:
        from adapters.pdf import print_page

        found["report.pdf"] = print_page(page)
    return found


@contextmanager
def replacing(file: Path) -> Iterator[IO[bytes]]:
    """A file that appears whole or not at all, and that can be written before anything else is done."""
    try:
        handle, name = tempfile.mkstemp(prefix=".baton-", dir=file.absolute().parent)
    except OSError as error:
        raise ConfigRefused("unwritable", f"cannot write it: {error.strerror}", where=str(file)) from None
    try:
        with os.fdopen(handle, "wb") as out:
            yield out
        Path(name).replace(file)
    finally:
        Path(name).unlink(missing_ok=True)
