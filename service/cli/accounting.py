"""`baton audit reads` and `fhir`: who looked at accounts and what left the house."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime, time
from pathlib import Path

import click

from adapters.fhir.auditing import resources
from service import answers
from service.audit.accounting import accounting
from service.audit.fhir import acts
from service.audit.reads import Shown
from service.cli import screen
from service.cli.asking import enter, who
from service.cli.evidence import replacing
from service.cli.opening import DAY, opened
from service.cli.output import print_json


@click.command("reads")
@click.argument("account", metavar="ACCOUNT")
@who
@click.option("--json", "as_json", is_flag=True, help="As JSON: {account, items}.")
def reads_(account: str, by: str | None, purpose: str | None, as_json: bool) -> None:
    """List who read an account, and what of it was disclosed to whom: when and what for, oldest first.

    The disclosures are those that 45 CFR 164.528 lets a patient ask for. That you looked here is entered too.

    Example: baton audit reads A2001 --purpose PATRQT
    """
    with opened() as app:
        with app.store.read() as reader:
            ref = answers.find_account(reader, account)
            items = accounting(reader, ref)
        enter(app, by, purpose, Shown("audit.reads", [str(ref)]))
    if as_json:
        print_json({"account": str(ref), "items": items})
        return
    if not items:
        click.echo("Nobody has read this account, and nothing of it was disclosed.")
        return
    rows = [
        (
            item["entry"],
            item["at"][:16].replace("T", " "),
            item["kind"],
            item["what"],
            " for ".join(filter(None, (item["agent"], item["person"]))),
            item["recipient"] or "",
            item["purpose"] or "(not stated)",
        )
        for item in items
    ]
    heads = ("entry", "when (UTC)", "kind", "what", "who", "recipient", "purpose")
    screen.columns(rows, heads=heads, right=(0,))


@click.command("fhir")
@click.option("--account", metavar="ACCOUNT", help="Only about this account; else about every one.")
@click.option("--since", type=DAY, metavar="DAY", help="Only from this day on, where the hospital is.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file to write: NDJSON, one resource a line.",
)
@who
@click.option("--json", "as_json", is_flag=True, help="Say as JSON what was written: {file, resources}.")
def fhir_(
    account: str | None,
    since: date | None,
    output: Path,
    by: str | None,
    purpose: str | None,
    as_json: bool,
) -> None:
    """Write what the log says of accounts as FHIR R4: AuditEvent (IHE BALP) and Provenance.

    Reads, disclosures and decisions; no name of a patient. That you took it is entered before it is written.

    Example: baton audit fhir --account A2001 -o A2001.ndjson --purpose HCOMPL
    """
    counts: Counter[str] = Counter()
    shown: set[str] = set()
    with opened() as app, replacing(output) as out:
        begin = datetime.combine(since, time(), tzinfo=app.config.zone) if since else None
        with app.store.read() as reader:
            ref = answers.find_account(reader, account) if account else None
            for act in acts(reader, app.config.audit_origin, ref, begin):
                shown.update(act.accounts)
                for resource in resources(act):
                    counts[resource["resourceType"]] += 1
                    out.write(json.dumps(resource, ensure_ascii=False).encode() + b"\n")
        if shown:
            enter(app, by, purpose, Shown("audit.fhir", sorted(shown)))
    if as_json:
        print_json({"file": str(output), "resources": counts})
    else:
        said = ", ".join(f"{count} {name}" for name, count in sorted(counts.items())) or "nothing"
        click.echo(f"{output}: {said}")
