"""The command line `baton`: thin commands over the service, found in a table and imported when asked for."""

from __future__ import annotations


def main() -> None:
    """Run one command line and end the process with its exit code: 0 done, 1 "no", 2 wrong usage."""
    from service.cli.entry import run

    run()
