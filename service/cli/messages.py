"""`baton messages`: what came, what is in it, what it did."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import click

from adapters.store import MessageFilter
from service import answers, browsing
from service.app import App, detect
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import BY, PURPOSE, accounts_in, enter, myself, tell_shared, who
from service.cli.opening import DAY, opened
from service.cli.output import print_json
from service.logins import shared_login
from service.plainly import instant_of
from service.rederiving import Plan, Rederiving, Reread, waiting


def _instant(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


@click.group()
def messages() -> None:
    """Every message that came, by any door: list, look into, trace."""


@messages.command("list")
@click.option("--feed", metavar="FEED", help="Only what came by this feed.")
@click.option("--since", type=DAY, metavar="DAY", help="Only from this day on (UTC).")
@click.option("--until", type=DAY, metavar="DAY", help="Only up to this day, itself included (UTC).")
@click.option("--status", type=click.Choice(browsing.STATUSES), help="Only these.")
@click.option("--account", metavar="ACCOUNT", help="Only about this account: FACILITY/NUMBER or NUMBER.")
@click.option("--id", "id", metavar="ID", help="The sender's message id (source/id) or its control number.")
@click.option("--cursor", type=click.IntRange(1), help="`next` of the page before.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="At most so many.")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {items, next}.")
def list_messages(
    feed: str | None,
    since: date | None,
    until: date | None,
    status: str | None,
    account: str | None,
    id: str | None,
    cursor: int | None,
    limit: int,
    by: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """List messages, the newest first."""
    end = _instant(until)
    like = MessageFilter(feed, _instant(since), end + timedelta(days=1) if end else None, status, account, id)
    with opened() as app:
        with app.store.read() as reader:
            told = browsing.page(reader, like, cursor, limit)
            # What came is nobody's in itself; which of it is about one account is that patient's.
            meant = answers.accounts_meant(reader, account) if account and told["items"] else []
        if meant:
            enter(app, by, purpose, Shown("messages", meant))
    if as_json:
        print_json(told)
        return
    if not told["items"]:
        click.echo("No message matches.")
        return
    rows = [
        (m["received_at"][:19], m["feed"], m["format"], m["status"], m["facts"], m["sha256"])
        for m in told["items"]
    ]
    screen.columns(rows, heads=("received (UTC)", "feed", "format", "status", "facts", "sha256"), right=(4,))
    if told["next"] is not None:
        click.echo(f"\n  There are more: --cursor {told['next']}")


@messages.command()
@click.argument("sha256", metavar="SHA256")
@click.option("--feed", metavar="FEED", help="The one that came by this feed; the first by default.")
@click.option("--reveal", is_flag=True, help="Show the values; needs --by and --reason, and is audited.")
@BY
@click.option("--reason", default="", metavar="TEXT", help="Why; recorded. No patient's data.")
@PURPOSE
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(
    sha256: str,
    feed: str | None,
    reveal: bool,
    by: str | None,
    reason: str,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Show a message field by field, its values masked, and what it made."""
    if (reveal and not by) or reveal != bool(reason):
        raise click.UsageError("--reveal goes with --by and --reason")
    with opened() as app:
        with app.store.read() as reader:
            message = browsing.found_message(reader, sha256, feed)
        if reveal:
            browsing.reveal(app.store, message, myself(by or ""), reason, app.moment().now)
        with app.store.read() as reader:
            told = browsing.show(reader, message, detect, reveal=reveal)
        asked = Shown("message", accounts_in(told["facts"]), message.sha256, {"revealed": int(reveal)})
        enter(app, by, purpose, asked)
    if as_json:
        print_json(told)
        return
    click.secho(told["sha256"], bold=True)
    click.echo(f"  {told['feed']}, {told['format']}, {told['size']} bytes, {told['received_at']}")
    screen.columns(
        [(f["place"], f["name"], f["value"]) for f in told["fields"]], heads=("place", "name", "value")
    )
    if told["facts"]:
        screen.title("Facts")
        screen.columns([(f["fact"][:16], f["type"], f["account"] or "", f["where"]) for f in told["facts"]])
    if told["parked"]:
        screen.title("Waits")
        screen.columns([(p["id"], p["code"], p["where"], p["reason"]) for p in told["parked"]])


@messages.command()
@click.argument("id", metavar="ID")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def trace(id: str, by: str | None, purpose: str | None, as_json: bool) -> None:
    """Follow a message, fact, decision or case both ways. Exit code 1 when there is none of that ID."""
    with opened() as app:
        with app.store.read() as reader:
            told = browsing.trace(reader, id)
        accounts = accounts_in([*told["facts"], *told["decisions"], *told["case_moves"]])
        message = id if told["kind"] == "message" else None
        enter(app, by, purpose, Shown("trace", accounts, message, {told["kind"]: id}))
    if as_json:
        print_json(told)
        return
    click.secho(f"{told['kind']} {told['id']}", bold=True)
    screen.title("Facts")
    screen.columns([(f["type"], f["account"] or "", f["message"][:16], f["where"]) for f in told["facts"]])
    screen.title("Decisions")
    screen.columns([(d["decided_at"], d["account"], d["decision"][:16]) for d in told["decisions"]])
    screen.title("Case moves")
    screen.columns([(m["at"], m["account"], m["move"], m["amount"], m["case"]) for m in told["case_moves"]])


@messages.command()
@click.option("--feed", metavar="FEED", help="Only what came by this feed.")
@click.option("--since", type=DAY, metavar="DAY", help="Only from this day on (UTC).")
@click.option("--until", type=DAY, metavar="DAY", help="Only up to this day, itself included (UTC).")
@click.option("--account", metavar="ACCOUNT", help="Only about this account: FACILITY/NUMBER or NUMBER.")
@click.option("--limit", type=click.IntRange(1), default=10_000, show_default=True, help="At most so many.")
@click.option("--dry-run", is_flag=True, help="Only say what it would change; nothing is stored.")
@click.option("--propose", is_flag=True, help="Propose these changes; a second person approves.")
@click.option("--approve", metavar="DIGEST", help="Do what somebody else has proposed.")
@click.option("--withdraw", metavar="DIGEST", help="Take a proposal back, or refuse it.")
@click.option("--proposals", is_flag=True, help="Show what is proposed and not done.")
@click.option("--reason", default="", metavar="TEXT", help="Why; recorded. No patient's data.")
@click.option("--by", metavar="NAME", help="Who does this.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def rederive(
    ctx: click.Context,
    feed: str | None,
    since: date | None,
    until: date | None,
    account: str | None,
    limit: int,
    dry_run: bool,
    propose: bool,
    approve: str | None,
    withdraw: str | None,
    proposals: bool,
    reason: str,
    by: str | None,
    as_json: bool,
) -> None:
    """Read again what another mapping read, with the mapping of today: the same keys, nothing twice.

    What a message states no more is taken out and stays on record; what another one still states stays, and
    what went out so and is stated again comes back. One person proposes it, another approves exactly these
    changes; where nothing changes, one is enough. Exit code 1 when something waits for a person then, or is
    left as it is because people took out what it states.

    \b
    Example: baton messages rederive --feed ehr --dry-run
             baton messages rederive --feed ehr --propose --reason "ROOM is a charge" --by Ada
             baton messages rederive --approve 3f9a1c2e --by Kim
    """
    if sum((dry_run, propose, approve is not None, withdraw is not None, proposals)) > 1:
        raise click.UsageError("write one of --dry-run, --propose, --approve, --withdraw and --proposals")
    if (propose or approve or withdraw) and not by:
        raise click.UsageError("say who does this: --by NAME")
    if propose and not reason.strip():
        raise click.UsageError("--propose needs --reason")
    end = _instant(until)
    like = MessageFilter(feed, _instant(since), end + timedelta(days=1) if end else None, None, account)
    with opened() as app:
        refuse = app.config.refuses_shared_login
        work = Rederiving(app.store, app.intake(), app.mapping_version, refuse_shared_login=refuse)
        me, moment = myself(by or "operator"), app.moment()
        if proposals:
            _tell_proposals(app, as_json)
            return
        if withdraw is not None:
            work.withdraw(withdraw, me, reason, moment.now)
            click.echo("Withdrawn; nothing was changed.")
            return
        if approve is not None:
            with app.store.read() as reader:
                by_login = {p.sha256: p.through for p in waiting(reader)}
            plan = work.approve(approve, moment, me)
            tell_shared(shared_login(by_login.get(plan.sha256) or None, me.through))
        elif propose:
            plan = work.propose(like, limit, me, reason, moment.now)
        else:
            plan = work.plan(like, limit)
            if not dry_run:
                work.note(plan, moment, me)
    _tell_plan(ctx, plan, "" if dry_run or propose else "done", propose, as_json)


def _tell_proposals(app: App, as_json: bool) -> None:
    with app.store.read() as reader:
        found = waiting(reader)
    told: list[dict[str, Any]] = [
        {"changes": p.sha256, "messages": p.messages, "by": p.by, "at": instant_of(p.at), "reason": p.note}
        for p in found
    ]
    if as_json:
        print_json({"items": told})
    elif not told:
        click.echo("Nothing is proposed.")
    else:
        rows = [(t["changes"][:12], t["messages"], t["by"], t["at"][:16], t["reason"]) for t in told]
        screen.columns(rows, heads=("changes", "messages", "by", "at (UTC)", "reason"), right=(1,))
        click.echo("\n  Another person approves one: baton messages rederive --approve DIGEST --by NAME")


def _tell_plan(ctx: click.Context, plan: Plan, done: str, proposed: bool, as_json: bool) -> None:
    told = [_reread(one) for one in plan.messages if one.changes or one.blocked]
    sums = {
        "messages": len(plan.messages),
        "changed": sum(one.changes for one in plan.messages),
        "new_facts": sum(len(one.fresh) for one in plan.messages if not one.blocked),
        "taken_out": sum(len(one.gone) for one in plan.messages if not one.blocked),
        "back": sum(len(one.back) for one in plan.messages if not one.blocked),
        "accounts": len({a for one in plan.messages if not one.blocked for a in one.accounts}),
        "parked": sum(len(one.waits) for one in plan.messages if not one.blocked),
        "settled": sum(len(one.settled) for one in plan.messages if not one.blocked),
        "blocked": sum(one.blocked for one in plan.messages),
    }
    if as_json:
        print_json({"dry_run": not done, "proposed": proposed, "changes": plan.sha256, **sums, "items": told})
    else:
        screen.columns([(name.replace("_", " "), n) for name, n in sums.items()], right=(1,))
        rows = [
            (t["feed"], t["new_facts"], t["taken_out"], t["back"], t["parked"], t["state"], t["sha256"])
            for t in told
        ]
        if rows:
            click.echo()
            heads = ("feed", "new", "taken out", "back", "parked", "state", "sha256")
            screen.columns(rows[:SHOWN], heads=heads, right=(1, 2, 3, 4))
        if proposed:
            click.echo(
                "\n  Proposed; nothing has changed yet. Another person approves it:\n"
                f"  baton messages rederive --approve {plan.sha256[:12]} --by NAME"
            )
        elif not done and plan.changes:
            click.echo(
                "\n  Nothing was stored. To do it, one person proposes it and another approves:\n"
                "  baton messages rederive … --propose --reason TEXT --by NAME   (the same options)"
            )
        elif not done and sums["messages"]:
            click.echo("\n  Nothing was stored. No account changes; without --dry-run it is noted.")
    ctx.exit(1 if sums["blocked"] or sums["parked"] else 0)


SHOWN = 200
"""Messages that are listed one by one."""


def _reread(one: Reread) -> dict[str, Any]:
    return {
        "sha256": one.sha256,
        "feed": one.feed,
        "new_facts": len(one.fresh),
        "taken_out": len(one.gone),
        "back": len(one.back),
        "parked": len(one.waits),
        "settled": len(one.settled),
        "state": "blocked" if one.blocked else "changed",
    }
