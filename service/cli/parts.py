"""The parts of a running Baton, one process each: `baton worker`, `relay`, `clock`, `web`."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import date
from threading import Event
from time import monotonic
from typing import Final

import click

from service import answers
from service.app import calm_collector, stop_on_signals
from service.cli import screen
from service.cli.inspect import plural
from service.cli.opening import DAY, opened
from service.cli.output import print_json
from service.consume import Consumer
from service.logs import Log, open_log
from service.receipts import Moment, Receipt
from service.relay import relay as relay_events
from service.timers import Backlog, keep_time, redecide_round, review_round
from service.watch import Watch

REPORT_SECONDS: Final = 10.0
DEAD_BATCH: Final = 50
AT_ONCE: Final = 1_000_000
"""Accounts a second where nobody has to be spared."""


class Counts:
    """What a worker took since it started, and how fast since the last report."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._seen = {"accepted": 0, "duplicate": 0, "parked": 0}
        self._reported = 0
        self._reported_at = monotonic()

    def add(self, receipts: Sequence[Receipt]) -> None:
        """Count a stored batch."""
        for receipt in receipts:
            self._seen[receipt.disposition] += 1

    def report(self, event: str, *, always: bool = False) -> None:
        """Log the counts when there are new ones."""
        messages, now = sum(self._seen.values()), monotonic()
        fresh, seconds = messages - self._reported, max(now - self._reported_at, 0.001)
        self._reported, self._reported_at = messages, now
        if fresh or always:
            self._log.info(event, messages=messages, per_second=round(fresh / seconds, 1), **self._seen)


@click.command()
def worker() -> None:
    """Take messages from the inbox until told to stop; any number of workers may run.

    SIGTERM and SIGINT let it finish the batch in hand; nothing is lost.
    """
    stop, log = stop_on_signals(), open_log("worker")
    with opened(until=stop, log=log) as app:
        counts = Counts(log)
        intake = app.intake()
        consumer = Consumer(intake, app.moment, log, counts.add)
        Backlog(lambda: app.store, lambda: intake, app.moment, log).read(lambda: not stop.is_set())
        transport = app.transport()
        inbox, dead = transport.inbox(), transport.dead()
        size, seconds = app.config.batch_size, app.config.batch_wait_seconds
        calm_collector()
        log.info("worker started", batch=size)
        with ThreadPoolExecutor(2) as pool:
            loops = {
                pool.submit(consumer.consume, inbox, size, seconds, stop),
                pool.submit(consumer.drain_dead, dead, DEAD_BATCH, seconds, stop),
            }
            ended: set[Future[None]] = set()
            try:
                while len(ended) < len(loops):
                    ended, _ = wait(loops, REPORT_SECONDS, FIRST_COMPLETED if not ended else "ALL_COMPLETED")
                    counts.report("working")
                    for loop in ended:
                        loop.result()
            finally:
                stop.set()
        inbox.close()
        dead.close()
        counts.report("worker stopped", always=True)


@click.command()
def relay() -> None:
    """Publish what was decided, in order, until told to stop. A second relay waits for the first."""
    stop, log = stop_on_signals(), open_log("relay")
    with opened(until=stop, log=log) as app:
        publisher = app.transport().publisher()
        try:
            log.info("relay started")
            sent = relay_events(app.store, publisher, log, stop)
        finally:
            publisher.close()
        log.info("relay stopped", events=sent)


@click.command()
@click.option("--once", is_flag=True, help="Review what is due now, and end.")
@click.option("--as-of", type=DAY, metavar="DATE", help="With --once: as if it were this day.")
@click.option("--status", is_flag=True, help="Only say what is still to be decided again, and what waits.")
@click.option("--json", "as_json", is_flag=True, help="With --status: as JSON.")
def clock(once: bool, as_of: date | None, status: bool, as_json: bool) -> None:
    """Decide again for accounts whose review day or instant has come, or whose policy has changed."""
    if as_of is not None and not once:
        raise click.UsageError("--as-of goes with --once")
    if (as_json and not status) or (status and once):
        raise click.UsageError("--json goes with --status, and --status without --once")
    if status:
        _tell_standing(as_json)
        return
    if once:
        with opened() as app:
            now, intake = app.moment(), app.intake()
            moment = Moment(now.now, as_of or now.as_of)
            reviewed = review_round(intake, moment)
            redecided, _ = redecide_round(intake, lambda: moment, AT_ONCE, Event())
        click.echo(f"Reviewed {plural(reviewed, 'account')} as of {moment.as_of}.")
        if redecided:
            click.echo(f"Decided again for {plural(redecided, 'account')} under what is in force now.")
        return
    stop, log = stop_on_signals(), open_log("clock")
    with opened(until=stop, log=log) as app:
        app.signer()  # a key that does not belong here is told now, not at the first checkpoint
        log.info("clock started")
        watch = Watch(app.store, log, app.unwatched, app.alerts)
        keep_time(
            app.intake(),
            app.moment,
            log,
            stop,
            app.store,
            app.config.redecide_per_second,
            watch,
            app.keep_checkpoints,
        )
        log.info("clock stopped")


def _tell_standing(as_json: bool) -> None:
    with opened() as app, app.store.read() as reader:
        moment = app.moment()
        told = answers.standing(reader, app.policy, moment.as_of, moment.now)
    if as_json:
        print_json(told)
        return
    click.echo(f"Policy {told['policy']['version']} ({told['policy']['sha256'][:12]})")
    click.echo(f"  {told['under_policy']} of {plural(told['decided'], 'account')} decided under it,")
    click.echo(f"  {told['to_decide_again']} still to be decided again.")
    click.echo(f"Reviews due: {told['reviews_due']}")
    rows = [(str(count), cause) for cause, count in told["withheld"].items()]
    if rows:
        screen.title("Cases that wait")
        screen.columns(rows, right=(0,))


@click.command()
def web() -> None:
    """Serve HTTP until told to stop: messages in, accounts, cases and explanations out."""
    from service.web import serve

    stop = stop_on_signals()
    with opened(until=stop, log=open_log("web")) as app:
        serve(app, stop)
