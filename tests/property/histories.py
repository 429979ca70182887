"""Generated histories of accounts: several payers, reversals, corrections, money, holds, letters."""

from __future__ import annotations

from hypothesis import strategies as st

from schemas.facts import Fact
from schemas.money import format_cents
from tests.spec.facts_made import (
    adjusted,
    adult,
    charged,
    covered,
    decided,
    flagged,
    paid,
    reported,
    statement,
    submitted,
)

CHARGE = 50000
REDUCTIONS = ["45", "45", "29", "23", "18", "257"]


@st.composite
def decisions(draw: st.DrawFn, payer: str, status: str) -> list[Fact]:
    """One payer's decisions on the one claim: mostly sound, sometimes taken back, corrected or doubled."""
    found: list[Fact] = []
    for number in range(draw(st.integers(0, 2))):
        reduction = draw(st.integers(0, 300)) * 100
        share = draw(st.integers(0, (CHARGE - reduction) // 100)) * 100
        pays = CHARGE - reduction - share + draw(st.sampled_from([0, 0, 0, 0, 1]))
        code = draw(st.sampled_from(["1", "1", "2", "3", "27", "45", "96", "22", "227", "9999"]))
        group = draw(st.sampled_from(["CO", "CO", "CO", "PI", "OA"]))
        adjustments = [f"{group}-{draw(st.sampled_from(REDUCTIONS))} {format_cents(reduction)}"]
        adjustments.append(f"PR-{code} {format_cents(share)}")
        on = draw(st.integers(-30, 40))
        states = draw(st.sampled_from([None, None, format_cents(share), "10.00"]))
        common = {"payer": payer, "number": f"{payer}-{number}"}
        found.append(
            decided(
                format_cents(CHARGE),
                format_cents(pays),
                *adjustments,
                on=on,
                status=status,
                states=states,
                **common,
            )
        )
        if draw(st.booleans()):
            negated = [
                f"{label} {format_cents(-int(amount.replace('.', '')))}"
                for label, amount in (a.split() for a in adjustments)
            ]
            found.append(
                decided(
                    format_cents(-CHARGE),
                    format_cents(-pays),
                    *negated,
                    on=on + draw(st.integers(0, 9)),
                    status="22",
                    **common,
                )
            )
    return found


amounts = st.integers(1, 400).map(lambda n: format_cents(n * 100))


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    facts = [adult(), charged("500.00")]
    if draw(st.integers(0, 5)):
        facts.append(covered(*draw(st.sampled_from([(), ("P1",), ("P1",), ("P1", "P2"), ("P1", "P2")]))))
    if draw(st.booleans()):
        facts.append(submitted("500.00"))
    facts += draw(decisions("P1", "1"))
    facts += draw(decisions("P2", "2"))
    for n in range(draw(st.integers(0, 2))):
        by = draw(st.sampled_from(["patient", "patient", "other", "payer"]))
        facts.append(
            paid(
                draw(amounts),
                on=draw(st.integers(-20, 60)),
                by=by,
                id=f"PAY{n}",
                payer="P1" if by == "payer" else None,
            )
        )
    if draw(st.booleans()):
        kind = draw(
            st.sampled_from(["contractual", "charity", "courtesy", "small_balance", "bad_debt", "other"])
        )
        facts.append(adjusted(draw(amounts), kind, on=draw(st.integers(-20, 60))))
    if not draw(st.integers(0, 3)):
        facts.append(
            reported(draw(amounts), draw(st.sampled_from([None, "50.00"])), on=draw(st.integers(-20, 60)))
        )
    if not draw(st.integers(0, 4)):
        facts.append(flagged(draw(st.sampled_from(["manual", "dispute", "nobody_knows"])), 3))
    first = draw(st.integers(-10, 45))
    facts += [statement(n + 1, first + 30 * n, final=n == 2) for n in range(draw(st.integers(0, 3)))]
    return facts


@st.composite
def plain_histories(draw: st.DrawFn) -> list[Fact]:
    """Accounts that open a case on day 70 unless something is added."""
    share = draw(st.integers(25, 500)) * 100
    return [
        adult(),
        covered("P1", on=-40),
        charged("500.00", on=-35),
        decided("500.00", format_cents(CHARGE - share), f"PR-1 {format_cents(share)}", on=-5),
        *[
            statement(
                n + 1, 30 * n, draw(st.sampled_from([None, format_cents(share), format_cents(share - 300)]))
            )
            for n in range(3)
        ],
    ]
