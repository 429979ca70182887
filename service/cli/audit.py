"""`baton audit`: is everything as it was written? And the checkpoints that say so outside our power."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from adapters.signing import key_id_of
from schemas.errors import BatonError, ConfigRefused
from service.app import App
from service.audit import Divergence, LogCheck, make_checkpoint, verify_log
from service.audit.keys import keys_in_log, read_public_keys
from service.audit.log import Resumption
from service.audit.rows import verify_rows
from service.audit.stamps import StampCheck, stamps, verify_stamps
from service.cli.accounting import fhir_, reads_
from service.cli.asking import person
from service.cli.erasing import erase_
from service.cli.evidence import export_
from service.cli.opening import opened
from service.cli.output import print_json
from service.cli.stamping import ROOTS, stamp, trusting


@click.group()
def audit() -> None:
    """The audit log: check it, sign it, and give evidence out of it."""


audit.add_command(export_)
audit.add_command(reads_)
audit.add_command(fhir_)
audit.add_command(erase_)
audit.add_command(stamp)


@audit.command()
@click.option(
    "--checkpoints",
    "files",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Checkpoints kept elsewhere, one after another in a file; may be given several times.",
)
@click.option(
    "--key",
    "keys",
    multiple=True,
    metavar="HEX|FILE",
    help="A public key to believe, kept elsewhere. Without one, the keys that the log names are believed.",
)
@click.option(
    "--resume",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Go on where the check that wrote FILE ended, and write it again. Keep it out of others' reach.",
)
@ROOTS
@click.option("--log-only", is_flag=True, help="Only the log, not the stored rows against it.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
@click.pass_context
def verify(
    ctx: click.Context,
    files: tuple[Path, ...],
    keys: tuple[str, ...],
    resume: Path | None,
    roots: Path | None,
    log_only: bool,
    as_json: bool,
) -> None:
    """Check the whole log, and every stored row against it. Exit code 1 when anything diverges.

    Without checkpoints and a key kept elsewhere this finds every change that was not made good with great
    care; with them, also a log that was cut or wholly rewritten.
    """
    texts = [text for file in files for text in split_checkpoints(file.read_text(encoding="utf-8"))]
    with opened() as app:
        begun, show = _resumed(resume), not as_json and sys.stderr.isatty()
        check = _check(app, texts, read_public_keys(keys), begun, show=show)
        rows = 0
        with app.store.read() as reader:
            stamped = verify_stamps(reader, check, trusting(app, roots))
            if not log_only:
                rows = verify_rows(reader, check)
    if resume is not None and check.whole:
        _write(resume, check.reached.text())
    _tell(check, rows, stamped, as_json, believed_own=not keys)
    ctx.exit(0 if check.whole else 1)


def split_checkpoints(text: str) -> list[str]:
    """The checkpoints of a file, which follow each other with a blank line between them.

    >>> one = "a\\n1\\nx\\ntime t\\n\\n\\u2014 k s\\n"
    >>> split_checkpoints(one + "\\n" + one) == [one, one]
    True
    """
    found: list[str] = []
    part: list[str] = []
    for line in text.splitlines():
        if not part and not line:
            continue
        part.append(line)
        if line.startswith("\u2014 "):
            found.append("\n".join(part) + "\n")
            part = []
    return [*found, "\n".join(part) + "\n"] if part else found


def _resumed(file: Path | None) -> Resumption:
    if file is None or not file.exists():
        return Resumption()
    try:
        return Resumption.read(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        reason = "it does not say how far an earlier check came; name another file, or remove it"
        raise ConfigRefused("bad-resume", reason, where=str(file)) from None


def _write(file: Path, text: str) -> None:
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigRefused("unwritable", f"cannot write it: {error.strerror}", where=str(file)) from None


def _check(
    app: App, elsewhere: list[str], keys: dict[str, bytes], begun: Resumption, *, show: bool
) -> LogCheck:
    with app.store.read() as reader:
        head = reader.audit_head()
        kept = [c.text for c in reader.checkpoints(limit=1_000_000)]
        kept += {one.checkpoint for one in stamps(reader)}.difference(kept)
        believed = keys or keys_in_log(reader)
        left = max(0, head.size - begun.size)
        with click.progressbar(length=left, label="Checking", hidden=not show, file=sys.stderr) as bar:
            return verify_log(
                reader.audit_log(begun.size + 1),
                head,
                [*elsewhere, *kept],
                believed,
                start=begun,
                progress=lambda size: bar.update(size - begun.size - bar.pos),
            )


def _tell(check: LogCheck, rows: int, stamped: StampCheck, as_json: bool, *, believed_own: bool) -> None:
    if as_json:
        print_json(
            {
                "whole": check.whole,
                "entries": check.size,
                "root": check.root.hex(),
                "erased": len(check.erased),
                "checkpoints": check.checkpoints,
                "rows": rows,
                "stamps": {"kept": stamped.kept, "held_against_roots": stamped.held},
                "divergences": [_plain(d) for d in check.divergences],
            }
        )
        return
    for one in check.divergences:
        where = f"entry {one.entry}: " if one.entry is not None else ""
        click.secho(f"\u2717 {where}{one.text} [{one.kind}]", fg="red")
    erased = f", {len(check.erased)} erased by law" if check.erased else ""
    if check.whole:
        parts = f"{rows} rows and {check.checkpoints} checkpoints"
        if stamped.kept:
            parts = f"{rows} rows, {check.checkpoints} checkpoints and {_stamps(stamped.kept)}"
        click.secho(f"\u2713 {check.size} entries{erased}, {parts} are as they were written.", fg="green")
    click.echo(f"  root of {check.size} entries: {check.root.hex()}")
    if stamped.kept > stamped.held and check.whole:
        click.echo(
            "  Whose the time stamps are was not checked: name the authority's root certificates, got from\n"
            "  the authority (--tsa-roots)."
        )
    if check.whole and believed_own:
        click.echo(
            "  The keys believed are those that the log itself names. Compare with a checkpoint and a key\n"
            "  kept elsewhere (--checkpoints, --key): they show that nothing was cut off or written anew."
        )


def _stamps(count: int) -> str:
    return f"{count} time stamp{'' if count == 1 else 's'}"


def _plain(one: Divergence) -> dict[str, Any]:
    return {"kind": one.kind, "entry": one.entry, "text": one.text}


@audit.command()
def checkpoint() -> None:
    """Sign the log as it stands and give the checkpoint out now: to the file, and as an event."""
    with opened() as app:
        made = make_checkpoint(app.store, app.signer(), app.config.audit_origin, app.moment().now)
        if made is None:
            with app.store.read() as reader:
                last = reader.last_checkpoint()
            if last is None:
                raise BatonError("empty-log", "the audit log has no entry yet; there is nothing to sign")
            click.echo(last.text, nl=False)
            return
        app.publish_checkpoint(made)
    click.echo(made.text, nl=False)


@audit.command()
@click.option("--new", is_flag=True, help="Sign with a new key from now on; the old one's file is kept.")
def key(new: bool) -> None:
    """Print the public key that signs checkpoints, for keeping elsewhere."""
    with opened() as app:
        signer = app.renew_signer(f"os:{person()}") if new else app.signer()
    click.echo(f"{key_id_of(signer.public_key)} {signer.public_key.hex()}")
