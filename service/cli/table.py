"""Which commands there are and where each lives; a command's module is imported when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Final, cast

import click

DAILY: Final = "Every day"
LOOK: Final = "Look before you send"
PARTS: Final = "Parts of a running Baton"
OPERATE: Final = "Operate"


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: `place` is `module:attribute`, `says` its line in `baton --help`."""

    place: str
    says: str
    section: str


COMMANDS: Final[dict[str, Entry]] = {
    "run": Entry("service.cli.run:run", "Run everything in one process tree.", DAILY),
    "ingest": Entry("service.cli.ingest:ingest", "Read files or folders into Baton.", DAILY),
    "why": Entry("service.cli.why:why", "Explain an account: who owes what, and what happens next.", DAILY),
    "cases": Entry("service.cli.cases:cases", "List collections cases.", DAILY),
    "case": Entry("service.cli.cases:case", "Show one case and what made it.", DAILY),
    "shadow": Entry("service.cli.shadow:shadow", "What shadow mode would have opened.", LOOK),
    "breaker": Entry("service.cli.breaker:breaker", "Feeds whose cases are paused; resume one.", OPERATE),
    "override": Entry("service.cli.override:override", "Hold an account; lift what may be lifted.", DAILY),
    "parked": Entry("service.cli.parked:parked", "Messages that wait for a person.", DAILY),
    "messages": Entry("service.cli.messages:messages", "Every message: what it was, what it did.", DAILY),
    "totals": Entry("service.cli.totals:totals", "Control totals by feed and day: does it add up?", LOOK),
    "audit": Entry("service.cli.audit:audit", "Check that everything is as it was written.", LOOK),
    "replay": Entry("service.cli.replay:replay", "Do everything again and compare.", LOOK),
    "inspect": Entry(
        "service.cli.inspect:inspect", "Decode files and show what is in them; nothing is stored.", LOOK
    ),
    "feed": Entry("service.cli.feed:feed", "Feeds; what samples of a new sender say.", LOOK),
    "send": Entry("service.cli.mllp:send", "Send HL7 v2 files to an MLLP listener.", LOOK),
    "demo": Entry("service.cli.demo:demo", "See the whole way once, with made-up people.", LOOK),
    "doctor": Entry("service.cli.doctor:doctor", "What is in force, and what is wrong.", LOOK),
    "bench": Entry("service.cli.bench:bench", "Measure this machine's limits and Baton beside them.", LOOK),
    "openapi": Entry("service.cli.contracts:openapi", "Print the HTTP contract.", LOOK),
    "asyncapi": Entry("service.cli.contracts:asyncapi", "Print the RabbitMQ contract.", LOOK),
    "worker": Entry("service.cli.parts:worker", "Take messages from the inbox.", PARTS),
    "relay": Entry("service.cli.parts:relay", "Publish what was decided.", PARTS),
    "clock": Entry("service.cli.parts:clock", "Decide again when a date has passed.", PARTS),
    "mllp": Entry("service.cli.mllp:mllp", "Take HL7 v2 messages over MLLP.", PARTS),
    "folder": Entry("service.cli.folder:folder", "Take files from watched folders.", PARTS),
    "web": Entry("service.cli.parts:web", "Serve HTTP.", PARTS),
    "policy": Entry("service.cli.policy:policy", "The policy: show, check, compare, publish.", OPERATE),
    "db": Entry("service.cli.operations:db", "The database.", OPERATE),
    "broker": Entry("service.cli.operations:broker", "The message broker.", OPERATE),
    "key": Entry("service.cli.key:key", "API keys of the HTTP door.", OPERATE),
    "version": Entry("service.cli.operations:version", "Print the version.", OPERATE),
}


class Table(click.Group):
    """A group that reads the table instead of importing every command."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command's name, in the table's order."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now; None when there is none of that name."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, attribute = entry.place.partition(":")
        return cast(click.Command, getattr(import_module(module), attribute))

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands by what they are for."""
        for section in (DAILY, LOOK, PARTS, OPERATE):
            rows = [(name, entry.says) for name, entry in COMMANDS.items() if entry.section == section]
            with formatter.section(section):
                formatter.write_dl(rows)


def installed_version() -> str:
    """The version of this installation."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("baton-handoff")
    except PackageNotFoundError:
        return "0.0.0+source"


def _print_version(ctx: click.Context, _: click.Parameter, wanted: bool) -> None:
    if wanted and not ctx.resilient_parsing:
        click.echo(f"baton {installed_version()}")
        ctx.exit()


@click.group(
    cls=Table,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 the answer is no; 2 wrong usage or configuration.",
)
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Print the version.",
)
@click.option("--debug", is_flag=True, help="Show the trace of an error. May stand anywhere.")
def baton(debug: bool) -> None:
    """Baton takes the baton from insurance billing and hands it to collections.

    It works out who owes every cent of a patient account, decides when the patient's part may enter
    collections, takes it back when the insurer changes its mind, and can say why.
    """
