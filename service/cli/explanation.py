"""The text form of `baton why`: a sentence, the money, the gates, how it came about, what would change it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import click

from service.cli import screen
from service.cli.checklist import tell_gates
from service.core.words import QUEUES
from service.logins import shared_login, told

Plain = Mapping[str, Any]

SHORT: Final = 12
"""Characters of a digest that a person needs to find it again."""

BEARERS: Final = {
    "patient": "the patient",
    "provider": "the provider",
    "third_party": "another carrier",
    "undetermined": "not determined yet",
}


def tell(told: Plain) -> None:
    """Print the explanation of one account."""
    click.echo()
    known = f", as known at {told['known_at']}" if told.get("known_at") else ""
    click.secho(f"{told['account']} as of {told['as_of']}{known}", bold=True)
    screen.wrapped(str(told["summary"]))
    tell_overrides(told.get("overrides") or [])
    tell_money(told)
    tell_payers(told.get("payers") or [])
    tell_rules(told)
    tell_case(told.get("case"), told.get("opening"))
    tell_work(told.get("work") or [])
    tell_gates(told)
    tell_next(told)
    tell_timeline(told.get("timeline") or [])
    tell_basis(told)


def place_of(proof: Plain) -> str:
    """The place in a message that says so: format and feed, the message's digest, where in it.

    >>> place_of({"format": "x12", "feed": "era", "message": "ab" * 32, "where": "ST 0001 / CLP 3"})
    'x12 era abababababab ST 0001 / CLP 3'
    """
    words = (proof.get("format"), proof.get("feed"), str(proof["message"])[:SHORT])
    return " ".join(str(w) for w in (*words, proof.get("where") or "the whole message") if w)


def places_of(evidence: Iterable[Plain]) -> str:
    """Every place, each message once."""
    by_message: dict[str, list[str]] = {}
    for proof in evidence:
        start = place_of({**proof, "where": "\0"}).removesuffix(" \0")
        where = proof.get("where") or "the whole message"
        if where not in by_message.setdefault(start, []):
            by_message[start].append(where)
    return "; ".join(f"{start} {', '.join(wheres)}" for start, wheres in by_message.items())


def tell_overrides(overrides: Sequence[Plain]) -> None:
    """What people placed, proposed, approved and took back: who, why, until when."""
    if not overrides:
        return
    screen.title("What people decided")
    for one in overrides:
        screen.marked(screen.sign("→", ">"), sentence_of(one))


def sentence_of(one: Plain) -> str:
    """One hold or override in words."""
    what = {
        "hold": "a hold on the account",
        "release": f"the release of hold {str(one['hold'])[:SHORT]}",
        "allow": f"{one['gate']} lifted for a case",
    }[one["what"]]
    until = f" until {one['until']}" if one.get("until") else ""
    placed = "placed" if one["what"] == "hold" else "proposed"
    says = (
        f"{str(one['id'])[:SHORT]} {one['state']}: {what}{until}. {one['by']} {placed} it on {one['at'][:10]}"
    )
    says += _as(one["known_as"]) + f": {one['reason']}"
    for verb in ("approved", "withdrawn"):
        if one[f"{verb}_by"]:
            who, on = one[f"{verb}_by"], one[f"{verb}_on"]
            says += f" {verb.capitalize()} by {who} on {on}{_as(one[f'{verb}_as'])}: {one[f'{verb}_because']}"
    if one["approved_by"] and (login := shared_login(one["known_as"], one["approved_as"])) is not None:
        says += f" Note: {told(login)}."
    return says


def _as(known_as: str | None) -> str:
    """How the machine knew the person."""
    return f" (as {known_as.removeprefix('os:')})" if known_as else ""


def tell_money(told: Plain) -> None:
    """From what was charged to what the patient owes, and who bears the rest."""
    waterfall = told.get("waterfall") or []
    if waterfall:
        screen.title(f"From charge to patient ({told['currency']})")
        widest = max(len(step[name]) for step in waterfall for name in ("amount", "left"))
        click.secho(f"  {'amount':>{widest}}  {'left':>{widest}}", dim=True)
        for step in waterfall:
            start = f"  {step['amount']:>{widest}}  {step['left']:>{widest}}  "
            what = f"{step['step']}. {step['why']}" if step.get("why") else step["step"]
            screen.beside(start, what)
            if proof := places_of(step.get("evidence") or []):
                screen.beside(" " * len(start), proof, dim=True)
    screen.title(f"Who owes the balance of {told['balance']} {told['currency']} ({told['determination']})")
    _tell_bearers(told)


def _tell_bearers(told: Plain) -> None:
    sums = told.get("bearers") or []
    if not sums:
        click.echo("  Nobody: nothing is open.")
        return
    widest = max(len(told["balance"]), *(len(s["amount"]) for s in sums))
    for total in sums:
        name = BEARERS.get(total["bearer"], str(total["bearer"]).replace("payer:", "payer "))
        click.echo(f"  {total['amount']:>{widest}}  {name}")
        shares = [s for s in told["responsibility"] if s["bearer"] == total["bearer"]]
        for share in shares:
            reason = share["reason"]
            code = "-".join(part for part in (reason.get("group"), reason.get("code")) if part)
            # Our own codes are words for programs; the text says the same to people.
            label = f"{code}: " if reason.get("group") else ""
            start = " " * (widest + 4) + f"{share['amount']:>{widest}}  "
            screen.beside(start, f"{label}{reason.get('text', '')}")
    click.echo(f"  {'-' * widest}")
    click.echo(f"  {told['balance']:>{widest}}  together: the balance")


def tell_payers(payers: Sequence[Plain]) -> None:
    """Who had to answer on each claim, in order, and where each stands."""
    if not payers:
        return
    screen.title("Who had to answer")
    one_claim = len({p["claim"] for p in payers}) == 1
    for payer in payers:
        claim = "" if one_claim else f" (claim {payer['claim']})"
        done = payer["state"] == "final" or payer["state"].startswith("closed")
        screen.marked(screen.mark("allow" if done else "hold"), f"{payer['because']}{claim}")


def tell_rules(told: Plain) -> None:
    """How it was worked out, rule by rule, in the field's terms; rules with nothing to tell by number."""
    traces = told.get("traces") or []
    if not traces:
        return
    screen.title("How it was worked out")
    for trace in traces:
        claim = f" (claim {trace['claim']})" if trace.get("claim") else ""
        screen.beside(f"  {trace['rule']:<{_RULE_WIDTH}}  ", f"{trace['found']}{claim}")
    if quiet := [r["rule"] for r in told.get("silent_rules") or []]:
        screen.wrapped(f"Asked, with nothing to tell: {', '.join(quiet)}.", indent=2)


_RULE_WIDTH: Final = len("DET-07.coverage_not_found")


def tell_case(case: Plain | None, opening: Plain | None) -> None:
    """The account's case, where it has one, and how it came about."""
    if not case:
        return
    screen.title("Case")
    reason = f": {case['reason_text']}" if case.get("reason_text") else ""
    screen.wrapped(
        f"{case.get('id', '')}  {case.get('status', '')}, {case.get('amount', '')}{reason}", indent=2, hang=4
    )
    if opening:
        screen.title(f"How the case came about (opened on {opening['on']})")
        screen.wrapped(opening["sentence"], indent=2)
        rows = [(gate["on"], gate["gate"], gate["before"]) for gate in opening["let_go"]]
        screen.columns(rows, ("let go on", "", "what stood in the way until then"))


def tell_work(work: Sequence[Plain]) -> None:
    """Who has to do what before anything can be settled."""
    if not work:
        return
    screen.title("Who has to do what")
    for task in work:
        amount = f" ({task['amount']})" if task.get("amount") else ""
        due = f", by {task['due_on']}" if task.get("due_on") else ""
        who = QUEUES.get(task["queue"], str(task["queue"]).replace("_", " "))
        screen.marked(screen.sign("→", ">"), f"{who}{due}: {task['text']}{amount}")


def tell_next(told: Plain) -> None:
    """When it is looked at again and what would change the answer."""
    review = told["decision"].get("review_on")
    screen.title("Next")
    click.echo(
        f"  Decided again on {review}, or at the next message."
        if review
        else "  Decided again at the next message; waiting alone changes nothing."
    )
    for change in told.get("counterfactual") or []:
        screen.marked(screen.sign("→", ">"), f"If {change['change']}: {change['outcome']}.")


def tell_timeline(timeline: Sequence[Plain]) -> None:
    """What happened, by day; a fact that came later than the day after it took effect says when."""
    if timeline:
        screen.title("What happened")
        screen.columns([(moment["at"][:10], moment["what"]) for moment in timeline])


def tell_basis(told: Plain) -> None:
    """What the answer rests on: facts with the bytes behind them, the policy, the audit entry."""
    basis = told["basis"]
    screen.title("What the answer rests on")
    if basis["minimal"]:
        screen.wrapped(
            "These facts alone give the same answer; without any one of them it would be another.", indent=2
        )
    screen.columns([(place_of(fact), fact["what"]) for fact in basis["facts"]])
    decision = told["decision"]
    policy = decision["policy"]
    packs = "".join(f" + {pack}" for pack in policy.get("packs") or [])
    screen.wrapped(f"Policy {policy['version']}{packs} ({policy['sha256'][:SHORT]})", indent=2, hang=4)
    if policy.get("note"):
        screen.wrapped(policy["note"], indent=4)
    kept = (
        f"the record of {decision['decided_at']} says the same"
        if decision["stored"]
        else "computed now, not on record"
    )
    click.echo(f"  Decision {decision['id'][:SHORT]}: {kept}")
    audit = told.get("audit")
    if audit:
        click.echo(f"  Audit entry {audit['entry']} ({audit['hash'][:SHORT]})")
