"""A history written down for whoever has to judge it with a pencil."""

from __future__ import annotations

from schemas.facts import ClaimAdjudicated, Fact
from schemas.money import format_cents


def on_paper(seed: int | str, facts: list[Fact]) -> str:
    """A history as one line a fact, for whoever has to judge it with a pencil."""
    lines = [f"history of seed {seed}"]
    for f in sorted(facts, key=lambda f: (f.occurred_at, f.kind)):
        lines.append(f"  {f.occurred_at:%Y-%m-%d} {f.account} {f.kind}: {said(f)}")
    return "\n".join(lines)


def said(f: Fact) -> str:
    b = f.body
    if not isinstance(b, ClaimAdjudicated):
        return f"{b!r} {f.currency if f.currency != 'USD' else ''}"
    parts = [f"{a.group}-{a.code} {format_cents(a.amount_cents)}" for a in b.adjustments]
    for line in b.lines:
        own = " ".join(f"{a.group}-{a.code} {format_cents(a.amount_cents)}" for a in line.adjustments)
        money = f"{format_cents(line.charge_cents)} paid {format_cents(line.paid_cents)}"
        parts.append(f"[line {money} {own} {' '.join(line.remarks)}]")
    rest = {
        name: getattr(b, name)
        for name in (
            "payer_claim_id",
            "original_payer_claim_id",
            "filing_indicator",
            "frequency",
            "trace",
            "sequence",
            "remittance_balanced",
        )
        if getattr(b, name) not in (None, "")
    }
    states = (
        ""
        if b.patient_responsibility_cents is None
        else f"states {format_cents(b.patient_responsibility_cents)} "
    )
    sent = f"to {b.forwarded_to.id} " if b.forwarded_to else ""
    return (
        f"{b.claim_id} {b.payer.id} status {b.status} charge {format_cents(b.charge_cents)} "
        f"paid {format_cents(b.paid_cents)} {' '.join(parts)} {states}{sent}{' '.join(b.remarks)} {rest}"
    )
