"""`baton policy`: look at the policy, check and compare packs, and publish them by two people."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path

import click

from schemas.errors import BatonError
from service import official
from service.app import (
    BUNDLED_POLICY,
    App,
    examine_policy_texts,
    read_packs,
    read_policy,
    read_policy_texts,
)
from service.cli import policy_shown
from service.cli.asking import tell_shared
from service.cli.backtest import command as backtest
from service.cli.opening import DAY, INSTANT, opened
from service.cli.output import print_json
from service.config import load
from service.core import Policy
from service.core.policy import compare
from service.logins import shared_login
from service.publication import Person, approve, begin, differences, propose, read_kept, withdraw

PACKS = click.Path(exists=True, path_type=Path)
AS_JSON = click.option("--json", "as_json", is_flag=True, help="As JSON.")
ALONE = click.option("--alone", is_flag=True, help="Take these files alone, not laid over the packs on disk.")
BY = click.option("--by", required=True, metavar="NAME", help="Who you are.")


@click.group()
def policy() -> None:
    """The policy: dated, cited values for every gate, and what reason and remark codes mean.

    What decides is the policy that one person published and another approved; packs on disk are proposals.
    """


@policy.command()
@click.option("--gate", "gates", multiple=True, metavar="G41", help="Only this gate; again for more.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    metavar="KEY=WORD",
    help="As for an account of this state, facility, …; e.g. state=NY,payer_kind=commercial.",
)
@click.option("--on", "on", type=DAY, metavar="DATE", help="As in force on this day; else today.")
@click.option("--disk", is_flag=True, help="The packs on disk instead of the policy in force.")
@AS_JSON
def show(gates: tuple[str, ...], scopes: tuple[str, ...], on: date | None, disk: bool, as_json: bool) -> None:
    """Show the values in force, who set each of them, and what they rest on."""
    app = App(load())
    try:
        found = app.policy_on_disk if disk or not app.has_database else app.policy
        told = policy_shown.plain(found, on or app.moment().as_of, _scope(scopes), gates)
    finally:
        app.close()
    if as_json:
        print_json(told)
    else:
        policy_shown.tell(told)


@policy.command()
@click.argument("files", nargs=-1, type=PACKS)
@ALONE
@click.option("--strict", is_flag=True, help="Exit 1 when there are warnings.")
@AS_JSON
@click.pass_context
def check(ctx: click.Context, files: tuple[Path, ...], alone: bool, strict: bool, as_json: bool) -> None:
    """Check packs: everything wrong, with file and line. Nothing is changed.

    FILES are laid over the packs on disk: a file of the same name replaces, others are added. Exit code 2
    when something is wrong.
    """
    found = examine_policy_texts(_texts(files, alone))
    said = [
        {"severity": severity, "where": one.where, "reason": one.reason, "code": one.code}
        for severity, many in (("error", found.refused), ("warning", found.warned))
        for one in many
    ]
    sha256 = found.policy.sha256 if found.policy else None
    if as_json:
        print_json({"ok": found.policy is not None, "sha256": sha256, "findings": said})
    else:
        for one in said:
            place = f"{one['where']}: " if one["where"] else ""
            click.echo(f"{one['severity']}: {place}{one['reason']} [{one['code']}]")
        click.echo(f"In order: sha256 {sha256}" if sha256 else f"Refused: {len(found.refused)} wrong.")
    ctx.exit(2 if sha256 is None else 1 if strict and found.warned else 0)


@policy.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@AS_JSON
def diff(before: str, after: str, as_json: bool) -> None:
    """Say what B would change of A, value by value.

    A and B are files or folders of packs (laid over the packs on disk), or one of the words in-force, disk,
    bundled, or a digest that `baton policy history` shows.
    """
    policies: list[Policy] = []
    for name in (before, after):
        policies.append(_policy_of(name))
    found = compare(*policies)
    if as_json:
        print_json(policy_shown.plain_differences(found))
        return
    policy_shown.tell_differences(found)


@policy.command()
@click.argument("files", nargs=-1, type=PACKS)
@ALONE
@BY
@click.option("--note", default="", metavar="TEXT", help="Why.")
@AS_JSON
def publish(files: tuple[Path, ...], alone: bool, by: str, note: str, as_json: bool) -> None:
    """Propose packs as the policy; another person then approves them. Without FILES, the packs on disk."""
    texts = _texts(files, alone)
    with opened() as app, app.store.write() as unit:
        now = app.moment().now
        begin(unit, app.policy_on_disk, app.policy_texts, now)
        made = propose(unit, texts, _person(by), note, now, examine_policy_texts)
    if as_json:
        changes = policy_shown.plain_differences(made.differences or ())
        print_json({"proposal": made.seq, "sha256": made.policy.sha256, "differences": changes})
        return
    policy_shown.tell_differences(made.differences)
    click.echo(f"Proposed {made.policy.sha256}")
    click.echo(f"Another person puts it in force: baton policy approve {made.policy.sha256[:12]} --by NAME")


@policy.command("approve")
@click.argument("digest")
@BY
@click.option("--note", default="", metavar="TEXT", help="Why.")
@click.option("--effective", type=INSTANT, metavar="INSTANT", help="From when; else now.")
def approve_command(digest: str, by: str, note: str, effective: datetime | None) -> None:
    """Put a proposal in force. Whoever proposed it cannot approve it.

    Running processes take it up within seconds; accounts are decided by it when they are next looked at.
    """
    with opened() as app, app.store.write() as unit:
        who, refuse = _person(by), app.config.refuses_shared_login
        step = approve(
            unit,
            digest,
            who,
            note,
            app.moment().now,
            examine_policy_texts,
            effective,
            refuse_shared_login=refuse,
        )
    tell_shared(shared_login(step.os_user or None, who.os_user))
    click.echo(f"In force from {effective or 'now'}: {step.sha256}")


@policy.command("withdraw")
@click.argument("digest")
@BY
@click.option("--note", default="", metavar="TEXT", help="Why.")
def withdraw_command(digest: str, by: str, note: str) -> None:
    """Take a proposal back, or refuse it. It stays in the history with the reason."""
    with opened() as app, app.store.write() as unit:
        step = withdraw(unit, digest, _person(by), note, app.moment().now)
    click.echo(f"Withdrawn: {step.sha256}")


@policy.command()
@click.option("--digest", metavar="SHA256", help="What this one would change of the policy approved last.")
@AS_JSON
def history(digest: str | None, as_json: bool) -> None:
    """Every policy that was proposed, who approved or withdrew it, and since when it is in force."""
    with opened() as app, app.store.read() as reader:
        if digest is not None:
            found = differences(reader, _kept(app, digest), examine_policy_texts)
            if as_json:
                print_json(policy_shown.plain_differences(found or ()))
            else:
                policy_shown.tell_differences(found)
            return
        steps = reader.policy_steps()
        in_force = reader.policy_in_force(app.moment().now)
    rows = [policy_shown.plain_step(step, in_force) for step in steps]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        policy_shown.tell_step(row)
    if not rows:
        click.echo("No policy yet: the first start puts the packs on disk in force.")


@policy.command("import-codes")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=click.Choice(["reason", "remark"]), default="reason", help="Which list it is.")
def import_codes(file: Path, kind: official.Kind) -> None:
    """Keep the official list of codes that you hold a licence for, and say which codes the policy lacks.

    FILE has lines of code, description and at most two dates, separated by commas or tabs. The texts stay in
    BATON_HOME and are shown by `baton why` beside our own words; no decision, event or JSON holds them.
    """
    codes = official.read_list(file)
    app = App(load())
    try:
        found, today = app.policy if app.has_database else app.policy_on_disk, app.moment().as_of
        official.keep(app.config.home, kind, codes)
    finally:
        app.close()
    lacking = official.unknown(codes, kind, found, today)
    click.echo(f"{len(codes)} {kind} codes kept; the policy does not know {len(lacking)} of those in use.")
    if lacking:
        click.echo("For a pack of your own:\n")
    for code in lacking:
        click.echo(official.suggestion(kind, code))


policy.add_command(backtest)


def _person(name: str) -> Person:
    try:
        return Person(name, getpass.getuser())
    except (OSError, KeyError):
        return Person(name, "unknown")


def _texts(files: Sequence[Path], alone: bool) -> dict[str, str]:
    if alone and not files:
        raise click.UsageError("--alone needs files")
    return ({} if alone else read_policy(load())) | read_packs(files)


def _scope(words: tuple[str, ...]) -> dict[str, list[str]]:
    from service.core.policy import SCOPE_KEYS

    said: dict[str, list[str]] = {}
    for pair in ",".join(words).split(",") if words else []:
        key, equals, word = pair.partition("=")
        if key not in SCOPE_KEYS or not equals or not word:
            raise click.UsageError(f"write --scope as KEY=WORD, where KEY is one of {', '.join(SCOPE_KEYS)}")
        said.setdefault(key, []).append(word)
    return said


def _policy_of(name: str) -> Policy:
    if Path(name).exists():
        return read_policy_texts(_texts([Path(name)], False))
    if name == "bundled":
        return read_policy_texts(read_packs([BUNDLED_POLICY]))
    if name == "disk":
        return read_policy_texts(read_policy(load()))
    with opened() as app:
        return app.policy if name == "in-force" else _kept(app, name)


def _kept(app: App, digest: str) -> Policy:
    with app.store.read() as reader:
        found = {s.sha256 for s in reader.policy_steps() if s.sha256.startswith(digest)}
        if len(found) != 1 or len(digest) < 8:
            raise BatonError(
                "no-such-policy", "no file, and no kept policy, goes by this name; `baton policy history`"
            )
        return read_kept(reader, found.pop(), examine_policy_texts)
