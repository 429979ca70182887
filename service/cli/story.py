"""The demo's narration: each step sends messages, waits for the real event, and says what it was."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from time import monotonic, sleep
from typing import Any, Final

import click

from adapters.transport import InMessage, InPublisher
from schemas.errors import Unavailable
from service import answers
from service.app import App
from service.cli import screen
from service.cli.hearing import Listener
from service.demo import (
    FEED,
    HELD,
    OLD_STATEMENTS,
    OPENED,
    YOUNG_STATEMENTS,
    account_file,
    broken_file,
    correcting_remittance,
    first_remittance,
)

STEP_SECONDS: Final = 30.0
LOOK_SECONDS: Final = 0.1

Event = Mapping[str, Any]


@dataclass(slots=True)
class Stage:
    """What the story plays with. `heard` holds every event so far, in order."""

    app: App
    feed: InPublisher
    events: Listener
    heard: list[Event] = field(default_factory=list)

    @property
    def today(self) -> date:
        """The day it is where the hospital is."""
        return self.app.moment().as_of

    def send(self, format: str, body: bytes, what: str) -> None:
        """Publish one message and say what it is.

        Raises:
            Unavailable: the broker did not confirm it.
        """
        message = InMessage(f"{format}.{FEED}", body, content_type=_CONTENT_TYPES[format])
        if not all(self.feed.send([message])):
            raise Unavailable("not-confirmed", "the broker did not confirm a message of the demo")
        screen.marked(click.style(screen.sign("→", ">"), fg="cyan"), f"{format}.{FEED}  {what}")

    def expect(self, type: str, account: str, fits: Callable[[Event], bool] = lambda data: True) -> Event:
        """Wait for an event and say it; its data.

        Raises:
            Unavailable: it did not come in time.
        """
        until = monotonic() + STEP_SECONDS
        while (left := until - monotonic()) > 0:
            body = self.events.next(left)
            if body is None:
                break
            event = read_event(body)
            self.heard.append(event)
            if event["type"] == type and event["subject"] == f"GEN/{account}" and fits(event["data"]):
                arrow = click.style(screen.sign("←", "<"), fg="green")
                screen.marked(arrow, f"{click.style(type, bold=True)}  GEN/{account}")
                data: Event = event["data"]
                return data
        raise Unavailable(
            "demo-stuck", f"the event {type} for GEN/{account} did not come in {STEP_SECONDS:.0f} s"
        )

    def wait_parked(self) -> Mapping[str, Any]:
        """Wait until a message is parked; what is known about it.

        Raises:
            Unavailable: none was in time.
        """
        until = monotonic() + STEP_SECONDS
        while monotonic() < until:
            with self.app.store.read() as reader:
                waiting = answers.parked(reader, 1)
            if waiting:
                first: Mapping[str, Any] = waiting[0]
                return first
            sleep(LOOK_SECONDS)
        raise Unavailable("demo-stuck", f"no message was parked in {STEP_SECONDS:.0f} s")

    def facts(self) -> int:
        """How many facts the store holds."""
        with self.app.store.read() as reader:
            return reader.counts().facts


_CONTENT_TYPES: Final = {"json": "application/json", "x12": "application/edi-x12"}


def read_event(body: bytes) -> Event:
    """One CloudEvent as plain data."""
    from schemas.canonical import from_bytes

    event: Event = from_bytes(body)
    return event


def in_words(reason: str) -> str:
    """A reason's code as words.

    >>> in_words("EVERY_GATE_ALLOWS")
    'every gate allows'
    """
    return reason.replace("_", " ").lower()


def tell(stage: Stage, environ: Mapping[str, str]) -> None:
    """Tell the whole story.

    Raises:
        Unavailable: a step did not come true in time.
    """
    _held(stage)
    _opened(stage)
    _repeated(stage)
    _recalled(stage)
    screen.title("5. Why? Anybody may ask, at any time: baton why GEN/A1002")
    sys.stdout.flush()
    argv = [sys.executable, "-m", "service.cli", "why", f"GEN/{OPENED}"]
    if subprocess.run(argv, env=dict(environ), check=False).returncode:
        raise Unavailable("demo-stuck", f"`baton why GEN/{OPENED}` did not answer")


def _held(stage: Stage) -> None:
    screen.title("1. An account whose bills are too young: held")
    stage.send("json", account_file(HELD, YOUNG_STATEMENTS, stage.today), f"GEN/{HELD} {_ACCOUNT}")
    stage.send("x12", first_remittance(HELD, stage.today), _REMITTANCE)
    held = stage.expect("account.held", HELD, lambda data: _only_waits(data))
    click.echo(
        f"    The patient's part is {held['patient_amount']} {held['currency']}; nobody is asked for it yet:"
    )
    for gate in held["holding"]:
        until = f" (until {gate['until']})" if gate["until"] else ""
        screen.marked(screen.mark(gate["verdict"]), f"{gate['gate']} {gate['because']}{until}", indent=4)
    click.echo(f"    Baton looks again by itself on {held['review_on']}.")


def _only_waits(data: Event) -> bool:
    """Whether nothing but time is missing."""
    return bool(data["holding"]) and all(gate["until"] for gate in data["holding"])


def _opened(stage: Stage) -> None:
    screen.title("2. The same, but old enough: a case opens by itself")
    stage.send("json", account_file(OPENED, OLD_STATEMENTS, stage.today), f"GEN/{OPENED} {_ACCOUNT}")
    stage.send("x12", first_remittance(OPENED, stage.today), _REMITTANCE)
    opened = stage.expect("case.opened", OPENED)
    screen.wrapped(
        f"Case {opened['case_id']} for {opened['amount']} {opened['currency']}: {in_words(opened['reason'])}",
        indent=4,
    )


def _repeated(stage: Stage) -> None:
    screen.title("3. Everything again, and a broken message: counted once, parked with its reason")
    before = stage.facts()
    stage.send("json", account_file(OPENED, OLD_STATEMENTS, stage.today), f"GEN/{OPENED} again")
    stage.send("x12", first_remittance(OPENED, stage.today), "the same remittance again")
    stage.send("json", broken_file(stage.today), "a charge of 12.345")
    parked = stage.wait_parked()
    after = stage.facts()
    if after != before:
        raise Unavailable("demo-stuck", "a repeated message was counted twice")
    click.echo(f"    {before} facts before, {after} after: what came twice counts once.")
    screen.marked(
        screen.mark("block"),
        f"parked: {parked['reason'].removeprefix(parked['where'] + ': ')} [{parked['code']}]",
        indent=4,
    )
    click.echo("    It waits whole for a person; its neighbours went through.")


def _recalled(stage: Stage) -> None:
    screen.title("4. The insurer corrects itself and pays: the case is taken back by itself")
    stage.send(
        "x12", correcting_remittance(OPENED, stage.today), "the decision reversed; paid in full after all"
    )
    recalled = stage.expect("case.recalled", OPENED)
    amounts = (
        f"{recalled['previous_amount']} {screen.sign('→', '->')} {recalled['amount']} {recalled['currency']}"
    )
    screen.wrapped(f"Case {recalled['case_id']}: {amounts}, {in_words(recalled['reason'])}", indent=4)
    click.echo("    Nobody had to notice.")


_ACCOUNT: Final = "registered, insured, coded, charged 600.00, billed, two statements sent"
_REMITTANCE: Final = "the insurer pays 357.83; deductible 100.00 and coinsurance 42.17 are left"
