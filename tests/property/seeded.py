"""Histories of accounts made from a seed alone: mostly what hospitals see, and a part that is hostile.

Faster than Hypothesis, so thousands fit in a run; `paper.on_paper` writes one down as an analyst would.
"""

from __future__ import annotations

import random
from dataclasses import replace

from schemas.facts import (
    AccountRef,
    AccountRegistered,
    AccountsUnmerged,
    AdjudicatedLine,
    Adjustment,
    ClaimAdjudicated,
    ClaimStatusReported,
    Coverage,
    CoverageListed,
    Fact,
    NoticeRecorded,
    Payer,
)
from schemas.money import format_cents
from tests.spec.facts_made import (
    ACCOUNT,
    adjusted,
    adult,
    charged,
    covered,
    day,
    fact,
    flagged,
    merged,
    paid,
    reported,
    statement,
    submitted,
)

OLD = AccountRef("GEN", "OLD")
SHARES = ["1", "2", "3", "1", "2", "66", "85", "275"]
DENIALS = [
    "CO-29",
    "CO-97",
    "CO-50",
    "PR-204",
    "PR-96",
    "PR-50",
    "PR-119",
    "PR-27",
    "PR-31",
    "CO-27",
    "CO-22",
    "PR-22",
    "OA-109",
    "PR-227",
    "CO-16",
    "PR-16",
    "PR-197",
    "CO-197",
    "OA-257",
    "OA-133",
    "PI-204",
    "OA-209",
    "CO-303",
    "PR-45",
    "PR-29",
    "PR-100",
    "PR-9999",
    "CO-9999",
    "PR-116",
    "CO-24",
    "CO-B4",
    "OA-18",
    "OA-101",
]
REMARKS = [
    "MA18",
    "M27",
    "M26",
    "MA125",
    "N830",
    "N782",
    "MA64",
    "MA04",
    "MA08",
    "MA15",
    "MA130",
    "MA59",
    "MA118",
    "N864",
    "N878",
    "N882",
    "M38",
    "MA67",
    "N130",
    "MA91",
    "N884",
    "MA74",
    "M39",
]


class Teller:
    """Tells one history; every choice comes from the one seed."""

    def __init__(self, seed: int) -> None:
        self.r = random.Random(seed)
        self.facts: list[Fact] = [adult()]
        self.hostile = self.r.random() < 0.12
        self.oddness = self.r.choice([0.1, 0.3, 1])
        self.number = 0

    def chance(self, percent: float) -> bool:
        return self.r.random() * 100 < percent

    def odd(self, percent: float) -> bool:
        """What is rare; rarer still in a calm history."""
        return self.chance(percent * self.oddness)

    def amount(self, most: int) -> int:
        most = max(0, most)
        return self.r.choice([most, most // 2, self.r.randint(0, most), self.r.randint(0, most) // 100 * 100])

    def tell(self) -> list[Fact]:
        payers = ["P1", "P2", "P3"][: self.r.choice([1, 1, 1, 2, 2, 3])]
        bills = [
            self.r.randint(50, 3000) * 100 + self.r.choice([0, 0, 1, 37, 99])
            for _ in range(self.r.choice([1, 1, 1, 2, 3]))
        ]
        self.register(payers, bills)
        if not self.chance(4):
            for n, bill in enumerate(bills):
                self.claim(f"A{n + 1}", bill, payers)
            self.way_of(f"A{n + 1}", bill, payers)
        self.money(sum(bills))
        self.people()
        if self.odd(8):
            self.merge()
        if self.hostile:
            self.trouble()
        return self.facts

    def register(self, payers: list[str], bills: list[int]) -> None:
        kinds = {
            p: self.r.choice(
                ["commercial"] * 8
                + ["medicare", "medicare", "medicaid", "qmb", "va", "tricare", "workers_comp"]
            )
            for p in payers
        }
        if self.chance(92):
            self.facts.append(covered(*payers, kinds=kinds) if self.chance(95) else covered())
        if self.odd(5):
            gone = Coverage(1, Payer("P9"), "commercial", None, None, day(-60))
            self.facts.append(fact(CoverageListed((gone,)), self.r.choice([-11, 5])))
        if self.odd(5):
            late = Coverage(2, Payer("P8"), "commercial", None, day(self.r.choice([-18, 4])))
            self.facts.append(fact(CoverageListed((Coverage(1, Payer("P1"), "commercial"), late)), -9))
            self.facts.append(charged("10.00", id="STAY", on=-12))
        if self.odd(4):
            self.facts.append(covered(on=self.r.choice([8, 40])))
        if self.odd(4):
            plans = AccountRegistered(expected_plans=self.r.choice([1, 2, 3]))
            self.facts.append(fact(plans, -25))
        if self.chance(90):
            for n, bill in enumerate(bills):
                self.facts.append(charged(format_cents(bill), id=f"C{n}"))
        if self.odd(5):
            self.facts.append(charged(format_cents(self.r.choice([-5000, 7000])), id="LATE", on=2))
        for n, bill in enumerate(bills):
            if self.chance(75):
                self.facts.append(submitted(format_cents(bill), payers[0], f"A{n + 1}"))
                if len(payers) > 1 and self.chance(30):
                    self.facts.append(submitted(format_cents(bill), payers[1], f"A{n + 1}", order=2))

    def way_of(self, claim: str, bill: int, payers: list[str]) -> None:
        """What clearinghouses and people say of a bill; a bill sent anew for less."""
        if self.odd(20):
            closed = ["closed_no_response", "closed_no_coverage", "closed_patient_election"]
            status = self.r.choice(["accepted", "rejected", "pending", "finalized", *closed])
            on, payer = self.r.randint(-8, 60), Payer(self.r.choice([*payers, "X9"]))
            by = self.r.choice(["clerk", "clerk", "clerk", None])
            self.facts.append(fact(ClaimStatusReported(claim, payer, status, day(on), by), on))
        if self.odd(4):
            self.facts.append(submitted(format_cents(bill - 1000), payers[0], claim, on=4))

    def claim(self, claim: str, bill: int, payers: list[str]) -> None:
        left, on = bill, self.r.randint(-5, 10)
        for rank, payer in enumerate(payers, 1):
            if self.odd(12):
                return
            before = bill - left
            parts = [bill]
            if rank == 1 and self.odd(8) and bill > 20000:
                parts = [bill // 3, bill - bill // 3]
                if self.chance(30):
                    parts.pop()
            for part in parts:
                body = self.decide(
                    claim, payer, rank, len(payers), part, before if len(parts) == 1 else 0, on
                )
                on += self.r.randint(0, 4)
                left -= self.story(body, on)
            on += self.r.randint(1, 20)

    def decide(
        self, claim: str, payer: str, rank: int, of: int, bill: int, before: int, on: int
    ) -> ClaimAdjudicated:
        """One decision: the prior payers' part as OA-23, a reduction, the patient's share, the payment."""
        self.number += 1
        adjustments: list[Adjustment] = []
        rest = bill
        if before and not self.odd(7):
            adjustments.append(Adjustment("OA", "23", min(before, bill)))
            rest -= min(before, bill)
        if self.odd(25):
            group, _, code = self.r.choice(DENIALS).partition("-")
            cut = rest if self.chance(70) else self.amount(rest)
            adjustments.append(Adjustment(group, code, cut))
            rest -= cut
        if self.chance(70):
            cut = self.amount(rest // 2)
            adjustments.append(Adjustment("CO", self.r.choice(["45", "45", "45", "253", "59"]), cut))
            rest -= cut
        for _ in range(self.r.choice([0, 1, 1, 2])):
            cut = self.amount(rest // 2)
            adjustments.append(Adjustment("PR", self.r.choice(SHARES), cut))
            rest -= cut
        if self.odd(3) and rest > 1000:
            adjustments.append(Adjustment("PR", "187", -500))
            rest += 500
        share = sum(a.amount_cents for a in adjustments if a.group == "PR")
        states = self.r.choice([None, share or None, share or None, share or None])
        if self.odd(3):
            states = self.r.choice([0, 1000, share + 500])
        pays = rest + (1 if self.odd(2) else 0)
        status = str(rank)
        if rank < of and self.odd(20):
            status = {1: "19", 2: "20"}[rank]
        if self.odd(3):
            status = self.r.choice(["4", "19", "25", "23", "1"])
        remarks = tuple(self.r.sample(REMARKS, self.r.choice([1, 1, 2]))) if self.odd(15) else ()
        adjustments = [a for a in adjustments if a.amount_cents or self.odd(5)]
        lines: tuple[AdjudicatedLine, ...] = ()
        if self.odd(15):
            lines, adjustments = self.lines(bill, pays, adjustments, remarks), []
            remarks = () if self.chance(70) else remarks
        return ClaimAdjudicated(
            claim_id=claim,
            payer=Payer(payer),
            status=status,
            adjudicated_on=day(on),
            charge_cents=bill,
            paid_cents=pays,
            payer_claim_id=f"{payer}-{self.number}" if self.chance(92) else None,
            filing_indicator=self.r.choice([None] * 12 + ["MB", "12", "MC", "VA", "WC", "CH"]),
            frequency=self.r.choice([None] * 20 + ["1", "2", "3", "4", "7", "8"]),
            trace=f"T{payer}{on}" if self.chance(70) else None,
            payment_on=day(on),
            patient_responsibility_cents=states,
            adjustments=tuple(adjustments),
            remarks=remarks,
            lines=lines,
            forwarded_to=Payer(self.r.choice(["P2", "P3", "X9"]))
            if status in ("19", "20", "23") and self.chance(80)
            else None,
            remittance_balanced=self.r.choice([None] * 5 + [True] * 5 + ([False] if self.odd(15) else [])),
        )

    def lines(
        self, bill: int, pays: int, adjustments: list[Adjustment], remarks: tuple[str, ...]
    ) -> tuple[AdjudicatedLine, ...]:
        """The same decision told by two lines."""
        cut = self.r.randint(0, len(adjustments))
        first, second = adjustments[:cut], adjustments[cut:]
        taken = sum(a.amount_cents for a in first)
        marks = (self.r.choice(["GA", "GZ", "GY", "GL", "59"]),) if self.odd(15) else ()
        some = self.r.randint(0, max(0, pays))
        return (
            AdjudicatedLine("1", some + taken, some, None, marks, None, tuple(first), remarks),
            AdjudicatedLine("2", bill - some - taken, pays - some, adjustments=tuple(second)),
        )

    def story(self, body: ClaimAdjudicated, on: int) -> int:
        """Post a decision and what becomes of it; returns what it paid and took off."""
        first = fact(body, on)
        self.facts.append(first)
        if self.odd(4):
            self.facts.append(replace(first, where="elsewhere"))
        if self.odd(6):
            told = replace(
                body,
                remarks=(),
                patient_responsibility_cents=None,
                remittance_balanced=None,
                trace=self.r.choice([None, body.trace]),
            )
            self.facts.append(fact(told, on))
        if self.odd(7):
            self.again(body, on)
        if self.odd(18):
            self.take_back(body, on + self.r.randint(0, 20))
        elif body.paid_cents == 0 and self.chance(40):
            rest = body.charge_cents
            share = self.amount(rest // 3)
            self.number += 1
            rebill = replace(
                body,
                adjustments=(Adjustment("PR", "2", share),),
                lines=(),
                remarks=(),
                paid_cents=rest - share,
                patient_responsibility_cents=None,
                payer_claim_id=f"{body.payer.id}-{self.number}",
                trace=None,
                status=body.status if body.status in "123" else "1",
                payment_on=day(on + 15),
                adjudicated_on=day(on + 15),
            )
            self.facts.append(fact(rebill, on + 15))
        return body.charge_cents - sum(a.amount_cents for a in body.every_adjustment() if a.group == "PR")

    def again(self, body: ClaimAdjudicated, on: int) -> None:
        """The payer answers a second bill for the same service: decided before."""
        self.number += 1
        repeat = Adjustment(
            self.r.choice(["OA", "OA", "CO"]), self.r.choice(["18", "18", "B13"]), body.charge_cents
        )
        self.facts.append(
            fact(
                replace(
                    body,
                    adjustments=(repeat,),
                    lines=(),
                    paid_cents=0,
                    remarks=(),
                    patient_responsibility_cents=None,
                    payer_claim_id=f"{body.payer.id}-{self.number}",
                    trace=None,
                    payment_on=day(on + 3),
                    adjudicated_on=day(on + 3),
                ),
                on + 3,
            )
        )

    def take_back(self, body: ClaimAdjudicated, on: int) -> None:
        """A reversal, in the present or the old style, mostly with its correction; or half of the story."""
        negated = tuple(replace(a, amount_cents=-a.amount_cents) for a in body.every_adjustment())
        if self.odd(20):
            negated = (Adjustment("CR", "45", -sum(a.amount_cents for a in body.every_adjustment())),)
        reversal = replace(
            body,
            status="22",
            charge_cents=-body.charge_cents,
            paid_cents=-body.paid_cents,
            adjustments=negated,
            lines=(),
            remarks=(),
            patient_responsibility_cents=None,
            payment_on=day(on),
            adjudicated_on=day(on),
            trace=f"R{on}",
            frequency=None,
            forwarded_to=None,
        )
        if self.odd(10):
            reversal = replace(
                reversal, payer_claim_id=f"NEW{self.number}", original_payer_claim_id=body.payer_claim_id
            )
        self.facts.append(fact(reversal, on))
        if self.odd(8):
            self.facts = [f for f in self.facts if f.body is not body]
        if self.chance(75):
            corrected = self.decide(
                body.claim_id,
                body.payer.id,
                int(body.status) if body.status in "123" else 1,
                1,
                body.charge_cents,
                0,
                on + self.r.choice([0, 0, 7]),
            )
            corrected = replace(
                corrected, original_payer_claim_id=body.payer_claim_id if self.chance(70) else None, lines=()
            )
            if self.odd(15):
                corrected = replace(corrected, payer_claim_id=body.payer_claim_id)
            self.facts.append(fact(corrected, on))

    def money(self, bill: int) -> None:
        for n in range(self.r.choice([0, 0, 0, 1, 1, 2])):
            by = self.r.choice(["patient"] * 5 + ["other", "payer"])
            cents, on = self.amount(bill // 5) + 1, self.r.randint(-20, 60)
            mine = [f.body for f in self.facts if isinstance(f.body, ClaimAdjudicated)]
            trace, payer = None, "P1"
            if by == "payer" and mine and self.chance(70):
                said = self.r.choice(mine)
                cents, trace, payer = said.paid_cents, self.r.choice([said.trace, None]), said.payer.id
            who = payer if by == "payer" else None
            self.facts.append(paid(format_cents(cents), on, by, f"PAY{n}", who, trace))
            if self.odd(12):
                self.facts.append(paid(format_cents(-cents), on + 6, by, f"NSF{n}", who))
        if self.odd(15):
            kind = self.r.choice(
                ["contractual", "charity", "charity", "courtesy", "small_balance", "bad_debt", "other"]
            )
            self.facts.append(adjusted(format_cents(self.amount(bill // 3)), kind, self.r.randint(-10, 60)))
            if self.odd(15):
                self.facts.append(adjusted("-5.00", kind, 61, id="ADJ2"))
        for on in self.r.sample(range(-15, 60), self.r.choice([0, 0, 0, 0, 1, 2])):
            share = format_cents(self.amount(bill)) if self.chance(50) else None
            self.facts.append(reported(format_cents(self.amount(bill)), share, on))

    def people(self) -> None:
        if self.odd(15):
            self.facts.append(
                flagged(
                    self.r.choice(["dispute", "manual", "bankruptcy", "medicaid_pending", "unheard_of"]), 3
                )
            )
        if self.odd(10):
            notice = NoticeRecorded(
                "N1",
                self.r.choice(["abn", "waiver", "surprise_billing_consent"]),
                day(-15),
                None,
                self.chance(80),
            )
            self.facts.append(fact(notice, -15))
        first = self.r.randint(-10, 60)
        self.facts += [statement(n + 1, first + 30 * n) for n in range(self.r.choice([0, 2, 3]))]

    def merge(self) -> None:
        """Another account's charges come to this one; payers stated for both or for one; sometimes undone."""
        if self.chance(70):
            self.facts.append(charged("45.00", id="C9", account=OLD))
        lists = [f for f in self.facts if f.kind == "coverage.listed"]
        if lists and self.chance(60):
            listed = lists[-1].body if self.chance(85) else CoverageListed(())
            self.facts.append(fact(listed, -9, account=OLD))
        on = self.r.randint(0, 30)
        if self.chance(20):
            self.facts.append(reported("45.00", on=on - 5, account=OLD))
        self.facts.append(merged(OLD, ACCOUNT, on))
        if lists and self.chance(40):
            self.facts.append(fact(lists[-1].body, on + 1))
        if self.chance(25):
            out_of = ACCOUNT if self.chance(85) else AccountRef("GEN", "ELSE")
            self.facts.append(fact(AccountsUnmerged(out_of), on + self.r.choice([-1, 3]), account=OLD))

    def trouble(self) -> None:
        """What should never be sent, and is."""
        which = self.r.choice(["conflict", "currency", "away", "twice", "status"])
        if which == "conflict":
            self.facts.append(charged("1.00", id="C0"))
        elif which == "currency":
            self.facts.append(fact(charged("5.00", id="CAD").body, -20, key="other money", currency="CAD"))
        elif which == "away":
            self.facts.append(merged(ACCOUNT, AccountRef("GEN", "GONE"), 9))
        elif which == "twice":
            mine = [f for f in self.facts if isinstance(f.body, ClaimAdjudicated)]
            self.facts += [fact(replace(f.body, trace="AGAIN"), 30) for f in mine[:1]]
        else:
            mine = [f for f in self.facts if isinstance(f.body, ClaimAdjudicated)]
            self.facts += [fact(replace(f.body, status=self.r.choice(["5", "13", "4"])), 2) for f in mine[:1]]


def history(seed: int) -> list[Fact]:
    """The history of a seed, in the order in which it was told."""
    return Teller(seed).tell()
