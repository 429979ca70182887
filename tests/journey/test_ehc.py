"""For an integrator: one decision, told in JSON, in EHC^E10 and in EHC^E15, counts once in any order."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

from schemas.facts import Message
from tests.journey.batons import A1, Open, at
from tests.journey.stories import NOW, ago, ripe, sealed

DAY = ago(120).replace("-", "")
REASONS = (("CO-45", "100.00"), ("PR-1", "100.00"), ("PR-2", "42.17"))


def told(event: str, control: str) -> Message:
    """The decision of the usual story as its payer's EHC message."""
    paid = f"PMT|R1|{DAY}|{DAY}|CHQ|{DAY}|357.83|E1||||Example^^60054"
    head = [f"MSH|^~\\&|PAYER|ACME|BATON|GEN|{DAY}0830||EHC^{event}|{control}|P|2.6"]
    head += [paid] if event == "E15" else []
    body = [
        *head,
        f"IPR|I1|X1|Y1|PAID|{DAY}|357.83",
        f"IVC|A1|A1P|K|OR|NORM|FN|{DAY}|600.00||Hosp|Example^^60054",
        *(f"ADJ|A{n}|P{n}|{n}|EA|{amount}||{why}" for n, (why, amount) in enumerate(REASONS)), "",
    ]  # fmt: skip
    return Message.of("\r".join(body).encode(), feed="ehc", format="hl7v2", door="file", received_at=NOW)


def test_one_decision_in_three_messages_is_one_whatever_the_order(batons: Open, tmp_path: Path) -> None:
    feeds = tmp_path / "feeds"
    feeds.mkdir()
    (feeds / "ehc.toml").write_text('[hl7v2]\nehc = "x12"\nehc_order = "primary"\n')
    story = sealed(*ripe())
    rest, json_said = [m for m in story if b"claim.adjudicated" not in m.body], story[4]
    carriers = [json_said, told("E10", "1"), told("E15", "2")]
    outcomes = set()
    for order in [carriers[1:], *permutations(carriers)]:
        app = batons(BATON_FEEDS_DIR=str(feeds), BATON_SETTLING_SECONDS="0")
        receipts = app.intake().receive([*rest, *order], at(0))
        assert not [r.rejected for r in receipts if r.rejected]
        with app.store.read() as reader:
            row = reader.account(A1)
            assert row is not None and row.case is not None
            outcomes.add((row.determination, row.patient_cents, row.balance_cents, row.case.amount_cents))
    assert outcomes == {("final", 14_217, 14_217, 14_217)}
