"""`baton openapi` and `baton asyncapi`: the contracts that other programs rely on."""

from __future__ import annotations

import json

import click


@click.command()
def openapi() -> None:
    """Print the HTTP contract as an OpenAPI document in JSON."""
    from service.app import App
    from service.config import load
    from service.web import openapi as document

    click.echo(json.dumps(document(App(load())), indent=2, ensure_ascii=False))


@click.command()
def asyncapi() -> None:
    """Print the RabbitMQ contract as an AsyncAPI document in JSON."""
    from schemas.wire.documents import asyncapi as document

    click.echo(json.dumps(document(), indent=2, ensure_ascii=False))
