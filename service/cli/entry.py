"""One command line from start to exit code: every way it may end is one readable line."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

import click

from schemas.errors import BatonError, ConfigRefused, PolicyRefused
from service.cli.table import baton

DONE: Final = 0
NO: Final = 1
WRONG: Final = 2
INTERRUPTED: Final = 130
"""128 + SIGINT: how shells know that the person, not the program, ended it."""


def run(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command line and exit."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")
    code = _outcome([word for word in words if word != "--debug"], debug)
    sys.exit(_flushed(code))


def _outcome(words: list[str], debug: bool) -> int:
    try:
        color = False if os.environ.get("NO_COLOR") else None
        result = baton.main(words, prog_name="baton", standalone_mode=False, color=color)
    except (BrokenPipeError, SystemExit):
        # click itself exits when the reader of its output has left; nothing else here does.
        return DONE
    except (KeyboardInterrupt, click.Abort):
        _say("baton: interrupted")
        return INTERRUPTED
    except click.ClickException as error:
        _say(usage_line(error))
        return WRONG
    except BatonError as error:
        if debug:
            raise
        _say(error_line(error))
        return WRONG if isinstance(error, (ConfigRefused, PolicyRefused)) else NO
    except Exception as error:
        # The outermost door: a bug still ends in one line, since its text may quote a message.
        if debug:
            raise
        _say(bug_line(error))
        return NO
    return result if isinstance(result, int) else DONE


def error_line(error: BatonError) -> str:
    """`baton: what is wrong, where: what to do [code]`.

    >>> error_line(BatonError("no-file", "there is no such file; write another path", where="a.835"))
    'baton: there is no such file, a.835: write another path [no-file]'
    """
    what, _, remedy = error.reason.partition("; ")
    place = f", {error.where}" if error.where else ""
    to_do = f": {remedy}" if remedy else ""
    return f"baton: {what}{place}{to_do} [{error.code}]"


def usage_line(error: click.ClickException) -> str:
    """A wrong command line, in one line, with where to read more."""
    path = error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "baton"
    said = " ".join(error.format_message().split()).rstrip(".")
    return f"baton: {said[:1].lower()}{said[1:]}: `{path} --help` shows what there is [usage]"


def bug_line(error: BaseException) -> str:
    """A fault of ours: its type and place only, since its text may hold a value from a message."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f", {Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return (
        f"baton: this is a bug, {type(error).__name__}{place}: run the same with --debug for the trace "
        "and report it [bug]"
    )


def _say(line: str) -> None:
    try:
        click.echo(line, err=True)
    except BrokenPipeError:
        pass


def _flushed(code: int) -> int:
    """Flush now, so that a reader who has left is not noticed in the interpreter's last breath."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code
