"""JSON on standard output: indented for a person, one object on a line for a program."""

from __future__ import annotations

import json
import sys
from typing import Any

import click


def print_json(plain: Any) -> None:
    """Print plain data as JSON; in a pipe on one line."""
    click.echo(json.dumps(plain, ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))
