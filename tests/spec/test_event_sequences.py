"""The worked examples that are sequences: what Baton says after each event, and what becomes of the case."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path

from schemas.cases import Case
from schemas.decisions import Decision, Responsibility
from schemas.facts import (
    AccountRegistered,
    AssistanceChanged,
    Fact,
    NoticeRecorded,
    Person,
    PlanChanged,
)
from service.core import advance
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    cleared,
    covered,
    day,
    decided,
    fact,
    flagged,
    judge,
    paid,
    statement,
    statements,
    verdicts,
)


@dataclass
class Story:
    """An account as its facts come in; each chapter adds some and decides on a day."""

    facts: list[Fact]
    case: Case | None = None
    cases: int = 0
    moves: list[str] = field(default_factory=list)

    def on(self, as_of: int, *more: Fact) -> tuple[Responsibility, Decision]:
        self.facts += more
        _, owes, decision = judge(self.facts, as_of)
        self.case, events = advance(ACCOUNT, self.case, self.cases, decision)
        self.moves += [f"{e.move} {e.amount_cents} {e.reason}" for e in events]
        self.cases += sum(e.move == "opened" for e in events)
        assert sum(s.amount_cents for s in owes.shares) == owes.balance_cents
        return owes, decision

    @property
    def is_open(self) -> bool:
        return self.case is not None and self.case.status == "open"


def gates(decision: Decision, stage: str = "open_case") -> dict[str, str]:
    return verdicts(decision, stage)


def insured(charge: str = "800.00", left: str = "600.00", first: int = 0, begin: int = -5) -> Story:
    reduction = f"{(int(charge[:-3]) - int(left[:-3]))}.00"
    return Story(
        [
            adult(),
            covered("P1", on=-40),
            charged(charge, on=-35),
            decided(charge, "0.00", f"CO-45 {reduction}", f"PR-1 {left}", on=begin, number="A5", trace="T7"),
            *statements(first),
        ]
    )


def test_e03_the_primary_is_provisional_until_the_supplement_pays_the_rest() -> None:
    story = Story(
        [adult(), covered("MCR", "GAP", kinds={"MCR": "medicare"}), charged("1000.00"), *statements(5)]
    )
    primary = decided(
        "1000.00", "431.20", "CO-45 400.00", "CO-253 8.80", "PR-1 50.00", "PR-2 110.00", payer="MCR",
        status="19", states="160.00", forwarded="GAP", remarks=("MA18",), filing="MB",
    )  # fmt: skip
    owes, decision = story.on(130, primary)
    assert (owes.determination, owes.assigned_cents, owes.collectible_cents) == ("provisional", 16000, 0)
    assert gates(decision)["G03"] == "hold"
    second = decided("1000.00", "160.00", "OA-23 840.00", payer="GAP", status="2", on=131)
    owes, decision = story.on(140, second)
    assert (owes.determination, owes.net_cents, owes.balance_cents) == ("final", 0, 0)
    assert "G03" not in gates(decision) and gates(decision)["G12"] == "block"
    assert story.moves == []


def test_e05_a_correction_after_a_case_was_opened_takes_it_back_as_below_the_minimum() -> None:
    story = insured()
    story.on(65)
    assert story.moves == ["opened 60000 EVERY_GATE_ALLOWS"]
    owes, decision = story.on(125, paid("100.00", on=90))
    assert owes.net_cents == 50000 and story.is_open
    assert gates(decision, "place") == {}
    taken_back = decided(
        "-800.00", "0.00", "CO-45 -200.00", "PR-1 -600.00", on=160, status="22", number="A5", trace="T8"
    )
    correction = decided(
        "800.00", "480.00", "CO-45 200.00", "PR-2 120.00", on=160, number="A5R", original="A5", trace="T8",
        remarks=("MA67",), sequence="2",
    )  # fmt: skip
    owes, decision = story.on(160, taken_back, correction)
    assert (owes.determination, owes.collectible_cents, owes.net_cents) == ("final", 12000, 2000)
    assert gates(decision)["G42"] == "block"
    assert story.moves[1:] == [
        "adjusted 50000 AMOUNT_CHANGED",
        "recalled 2000 BELOW_MINIMUM_AFTER_CORRECTION",
    ]


def test_e09_and_e10_silence_never_turns_into_the_patients_debt() -> None:
    questioned = Story(
        [adult(), covered("P1"), charged("600.00"), decided("600.00", "0.00", "PR-227 600.00"), *statements()]
    )
    waiting = Story(
        [
            adult(),
            covered("MCR", "SUP", kinds={"MCR": "medicare"}),
            charged("400.00"),
            decided(
                "400.00", "196.00", "CO-45 150.00", "CO-253 4.00", "PR-2 50.00", payer="MCR", status="19",
                remarks=("MA18",),
            ),
            *statements(),
        ]
    )  # fmt: skip
    for story, gate in ((questioned, "G21"), (waiting, "G03")):
        for as_of in (30, 130, 1000):
            owes, decision = story.on(as_of)
            assert (owes.determination, owes.collectible_cents) == ("provisional", 0)
            assert gates(decision)[gate] == "hold"
        assert story.moves == []


def test_e11_a_protected_medicare_patient_owes_nothing_before_and_after_medicaid_answers() -> None:
    story = Story(
        [adult(), covered("MCR", "MCD", kinds={"MCR": "medicare", "MCD": "medicaid"}), charged("300.00")]
    )
    primary = decided(
        "300.00", "156.80", "CO-45 100.00", "CO-253 3.20", "PR-2 40.00", payer="MCR", status="19",
        forwarded="MCD", remarks=("N782", "MA07"), filing="MB",
    )  # fmt: skip
    owes, decision = story.on(130, primary, *statements(5))
    assert (owes.assigned_cents, owes.collectible_cents, gates(decision)["G13"]) == (4000, 0, "block")
    second = decided("300.00", "0.00", "OA-23 260.00", "CO-303 40.00", payer="MCD", status="2", on=10)
    owes, decision = story.on(131, second)
    assert (owes.determination, owes.collectible_cents, gates(decision)["G13"]) == ("final", 0, "block")


def test_e13_a_split_claim_waits_for_its_second_half() -> None:
    half = decided("600.00", "280.00", "CO-45 250.00", "PR-2 70.00", number="S1", remarks=("MA15",), on=-5)
    story = Story([adult(), covered("P1"), charged("900.00"), half, *statements()])
    owes, decision = story.on(100)
    assert (owes.determination, owes.collectible_cents) == ("provisional", 0) and "G01" in gates(decision)
    owes, _ = story.on(101, decided("300.00", "144.00", "CO-45 120.00", "PR-2 36.00", number="S2", on=-4))
    assert (owes.determination, owes.collectible_cents) == ("final", 10600)


def test_e14_money_taken_back_without_a_new_decision_recalls_the_case_and_keeps_the_patients_credit() -> None:
    story = Story(
        [
            adult(),
            covered("P1", on=-40),
            charged("700.00", on=-35),
            decided("700.00", "500.00", "CO-45 150.00", "PR-3 50.00", number="N14", on=-5),
            *statements(),
        ]
    )
    story.on(65)
    assert story.moves == ["opened 5000 EVERY_GATE_ALLOWS"]
    back = decided("-700.00", "-500.00", "CO-45 -150.00", "PR-3 -50.00", number="N14", status="22", on=70)
    owes, decision = story.on(71, back)
    assert owes.determination == "undetermined" and gates(decision)["G04"] == "hold"
    assert story.moves[1:] == ["recalled 0 RESPONSIBILITY_REOPENED"]
    owes, _ = story.on(72, paid("50.00", on=-30))
    credit = sum(s.amount_cents for s in owes.shares if s.bearer == "patient")
    assert (credit, owes.collectible_cents) == (-5000, 0)


def test_e19_the_three_parts_of_a_correction_may_come_in_the_wrong_order() -> None:
    correction = decided(
        "800.00", "480.00", "CO-45 200.00", "PR-2 120.00", number="A19R", original="A19", on=3
    )
    reversal = decided("-800.00", "0.00", "CO-45 -200.00", "PR-1 -600.00", number="A19", status="22", on=2)
    original = decided("800.00", "0.00", "CO-45 200.00", "PR-1 600.00", number="A19", on=1)
    story = Story([adult(), covered("P1"), charged("800.00")])
    owes, _ = story.on(10, correction)
    assert owes.collectible_cents == 12000
    owes, decision = story.on(11, reversal)
    assert (owes.determination, owes.collectible_cents) == ("undetermined", 0)
    assert gates(decision)["G04"] == "hold"
    owes, _ = story.on(12, original)
    assert (owes.determination, owes.collectible_cents) == ("final", 12000)


def test_e24_a_dispute_about_the_estimate_takes_an_open_case_back() -> None:
    estimate = fact(NoticeRecorded("GFE1", "good_faith_estimate", day(-60), 145000), -60)
    story = Story([adult(), covered(), charged("1450.00", on=-40), estimate, *statements(), *offered()])
    story.on(65)
    assert story.moves == ["opened 145000 EVERY_GATE_ALLOWS"]
    _, decision = story.on(70, flagged("estimate_dispute", 70))
    assert gates(decision)["G14"] == "block" and story.moves[1:] == ["recalled 145000 G14"]
    settled = adjusted("450.00", "courtesy", on=80)
    owes, decision = story.on(81, cleared("estimate_dispute", 80), settled)
    assert owes.net_cents == 100000 and "G14" not in gates(decision)


def test_e24_a_bill_at_the_threshold_waits_and_one_below_it_does_not() -> None:
    for bill, waits in (("1400.00", True), ("1399.99", False), ("1390.00", False)):
        estimate = fact(NoticeRecorded("GFE1", "good_faith_estimate", day(-60), 100000), -60)
        story = Story([adult(), covered(), charged(bill, on=-40), estimate, *statements(), *offered()])
        _, decision = story.on(65)
        assert ("G14" in gates(decision)) is waits, bill


def offered() -> list[Fact]:
    """Assistance was offered and is not wanted, long enough ago."""
    return [assistance("offered", -35), assistance("denied", -34)]


def assistance(state: str, on: int, percent: str | None = None) -> Fact:
    return fact(AssistanceChanged(state, day(on), percent), on)


def test_e25_a_bankruptcy_after_the_service_takes_the_case_back_and_one_before_it_does_not_block() -> None:
    story = insured()
    story.on(65)
    _, decision = story.on(70, flagged("bankruptcy", 70, petition=68))
    assert gates(decision)["G50"] == "block" and story.moves[1:] == ["recalled 60000 G50"]
    for stage in ("place", "extraordinary"):
        assert gates(decision, stage)["G50"] == "block"
    later = insured()
    _, decision = later.on(65, flagged("bankruptcy", 60, petition=-50))
    assert gates(decision)["G50"] == "hold" and later.moves == []


def test_e26_a_grace_period_ends_in_a_denial_that_is_looked_into_first() -> None:
    pended = decided("700.00", "0.00", "OA-257 700.00", number="X1", payer="HIX", on=-5)
    story = Story([adult(), covered("HIX"), charged("700.00"), pended, *statements()])
    owes, decision = story.on(65)
    assert (owes.determination, owes.assigned_cents) == ("provisional", 0)
    assert gates(decision)["G05"] == "hold"
    back = decided("-700.00", "0.00", "OA-257 -700.00", number="X1", payer="HIX", status="22", on=66)
    no_cover = decided(
        "700.00", "0.00", "PR-27 700.00", number="X2", original="X1", payer="HIX", on=66, sequence="2"
    )
    owes, decision = story.on(70, back, no_cover)
    assert (owes.determination, owes.assigned_cents, owes.collectible_cents) == ("provisional", 70000, 0)
    assert "G20" in gates(decision) and "G05" not in gates(decision) and story.moves == []


def test_e29_a_late_application_takes_the_case_back_and_approval_ends_the_debt() -> None:
    story = insured(left="500.00")
    story.on(130)
    assert gates(story.on(130)[1], "place") == {}
    _, decision = story.on(200, assistance("applied", 200))
    assert gates(decision)["G30"] in ("hold", "block") and gates(decision, "place")["G30"] == "block"
    assert not story.is_open
    owes, decision = story.on(210, assistance("approved", 210, "100"))
    assert "G31" in gates(decision) and owes.net_cents == 50000
    owes, decision = story.on(212, adjusted("500.00", "charity", on=211))
    assert owes.net_cents == 0 and gates(decision)["G12"] == "block" and not story.is_open


def test_e29_refused_assistance_waits_thirty_days_and_goes_on() -> None:
    story = insured(left="500.00")
    story.on(130)
    story.on(200, assistance("applied", 200))
    _, decision = story.on(210, assistance("denied", 210))
    assert gates(decision)["G30"] == "hold" and not story.is_open
    assert "G30" in gates(story.on(239)[1])
    assert "G30" not in gates(story.on(240)[1])
    assert story.is_open and story.cases == 2


def test_e30_a_death_holds_and_nobody_is_asked_instead() -> None:
    story = insured()
    story.on(65)
    gone = AccountRegistered(patient=adult_person(deceased=70))
    _, decision = story.on(71, fact(gone, 71))
    assert gates(decision)["G51"] in ("hold", "block") and not story.is_open
    assert story.moves[-1] == "recalled 60000 G51"
    _, decision = story.on(131)
    assert not story.is_open or "G51" not in gates(decision)


def adult_person(deceased: int) -> Person:
    body = adult().body
    assert isinstance(body, AccountRegistered) and body.patient is not None
    return replace(body.patient, deceased_on=day(deceased))


def test_e16_a_plan_in_good_standing_blocks_and_a_broken_one_needs_a_new_final_notice() -> None:
    story = Story(
        [
            adult(),
            covered("P1", on=-40),
            charged("2600.00", on=-35),
            decided("2600.00", "600.00", "CO-45 800.00", "PR-1 1200.00", on=-5),
            *statements(),
            fact(PlanChanged("PLAN1", "active", day(30)), 30),
            paid("100.00", on=40, id="I1"),
            paid("100.00", on=70, id="I2"),
        ]
    )
    owes, decision = story.on(150)
    assert owes.net_cents == 100000 and gates(decision)["G43"] == "block" and story.moves == []
    broken = fact(PlanChanged("PLAN1", "defaulted", day(160)), 160)
    _, decision = story.on(165, broken)
    assert "G43" not in gates(decision) and gates(decision, "place")["G49"] == "require"
    _, decision = story.on(205, statement(4, 170, final=True))
    assert "G49" not in gates(decision, "place")


def test_e31_cover_that_ended_elsewhere_leaves_the_primary_amount_once_other_cover_was_looked_for() -> None:
    story = Story(
        [
            adult(),
            covered("P1", "P2", on=-40),
            charged("500.00", on=-35),
            decided("500.00", "300.00", "CO-45 125.00", "PR-2 75.00", on=-8),
            decided("500.00", "0.00", "OA-23 425.00", "PR-27 75.00", payer="P2", status="2", on=-5),
            *statements(),
        ]
    )
    owes, decision = story.on(65)
    assert (owes.determination, owes.collectible_cents) == ("final", 7500)
    assert gates(decision) == {"G20": "require"}
    story.on(66, covered("P1", on=60))
    assert story.moves == ["opened 7500 EVERY_GATE_ALLOWS"]


def test_e33_a_repeat_after_an_open_case_changes_nothing() -> None:
    story = insured(left="90.00")
    story.on(65)
    before, _ = story.on(66)
    repeat = decided("800.00", "0.00", "OA-18 800.00", number="D9", on=67)
    after, _ = story.on(70, repeat)
    assert before.shares == after.shares and story.moves == ["opened 9000 EVERY_GATE_ALLOWS"]


def test_every_worked_example_is_told_by_a_scenario_or_a_sequence() -> None:
    here = Path(__file__).parent
    told = {p.stem[:3] for p in (here / "scenarios").glob("*.toml")}
    tests = "".join(p.read_text() for p in here.glob("test_*.py"))
    told |= {f"E{n:02}" for n in range(1, 36) if f"def test_e{n:02}_" in tests}
    assert told == {f"E{n:02}" for n in range(1, 36)}
