"""`baton key`: who may use HTTP, and for what."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from service.cli.opening import opened
from service.cli.output import print_json


@click.group()
def key() -> None:
    """API keys of the HTTP door. Only their digests are kept: a key is shown once."""


@key.command()
@click.option("--scope", "scopes", multiple=True, metavar="SCOPE", help="What it may do; again for more.")
@click.option("--days", type=click.IntRange(1, 3650), metavar="N", help="How long; else until revoked.")
def create(scopes: tuple[str, ...], days: int | None) -> None:
    """Make a key and show it, this once. Without --scope it may do everything."""
    from service.web.keys import SCOPES, create_key

    with opened() as app:
        try:
            lifetime = None if days is None else timedelta(days=days)
            made = create_key(app.store, scopes or SCOPES, app.moment().now, lifetime=lifetime)
        except ValueError as error:
            raise click.UsageError(str(error)) from None
    click.echo(made)


@key.command("list")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def list_keys(as_json: bool) -> None:
    """List keys by their prefix, with what they may do; never the secret."""
    with opened() as app, app.store.read() as reader:
        rows: list[dict[str, Any]] = [
            {
                "prefix": row.prefix,
                "scopes": list(row.scopes),
                "created_at": row.created_at.isoformat(),
                "expires_at": row.expires_at.isoformat() if row.expires_at else None,
                "revoked_at": row.revoked_at.isoformat() if row.revoked_at else None,
            }
            for row in reader.api_keys()
        ]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        until = f"until {row['expires_at']}" if row["expires_at"] else "in force"
        click.echo(f"{row['prefix']}  {'revoked' if row['revoked_at'] else until}  {' '.join(row['scopes'])}")


@key.command()
@click.argument("prefix")
@click.pass_context
def revoke(ctx: click.Context, prefix: str) -> None:
    """Take a key back, by its prefix. Running processes refuse it within half a minute."""
    with opened() as app, app.store.write() as unit:
        done = unit.revoke_api_key(prefix, app.moment().now)
    if done:
        click.echo(f"{prefix} revoked.")
    else:
        click.echo("No key in force has this prefix; `baton key list` shows them.", err=True)
        ctx.exit(1)
