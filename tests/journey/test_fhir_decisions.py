"""For the operator: one decision told by three carriers is one; what FHIR leaves unsaid opens nothing."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import pytest

from adapters import fhir, native, x12
from schemas.decisions import Responsibility
from schemas.facts import AccountRef, Coverage, CoverageListed, Fact, Message, Payer
from service.app import App
from service.config import load
from service.core import apportion, fold
from tests.spec.facts_made import POLICY, adult, fact, submitted

sys.path.insert(0, str(Path(__file__).parents[1] / "doors"))

from fhir_pairs.reading import bundle, entry, eob, written

NOW = datetime(2026, 6, 1, tzinfo=UTC)
SAME: dict[str, Any] = {"feed": "f", "received_at": NOW}
EDI = (
    b"ISA*00*          *00*          *ZZ*PAYER          *ZZ*HOSPITAL       "
    b"*260314*0830*^*00501*000000005*0*T*:~"
    b"GS*HP*P*H*20260314*0830*5*X*005010X221A1~ST*835*0001~BPR*I*357.83*C*ACH************20260314~"
    b"TRN*1*EFT123*1512345678~DTM*405*20260314~N1*PR*EXAMPLE HEALTH*XV*60054~N1*PE*GEN*XX*1234567893~LX*1~"
    b"CLP*A1*1*600*357.83*142.17*12*N1~SVC*HC:99223*600*357.83~CAS*CO*45*100~CAS*PR*1*100**2*42.17~"
    b"SE*12*0001~GE*1*5~IEA*1*000000005~"
)
JSON = json.dumps(
    {
        "schema": "baton/1", "type": "claim.adjudicated", "id": "m1", "source": "ch",
        "occurred_at": "2026-03-14T00:00:00Z", "account": {"facility": "GEN", "number": "A1"},
        "data": {
            "claim_id": "A1", "payer": {"id": "60054"}, "order": 1, "status": "1", "charge": "600.00",
            "adjudicated_on": "2026-03-14", "paid": "357.83", "payer_claim_id": "N1",
            "remittance": {"trace": "EFT123", "payment_date": "2026-03-14"},
            "lines": [{"line": 1, "procedure": "99223", "charge": "600.00", "paid": "357.83", "adjustments": [
                {"group": "CO", "code": "45", "amount": "100.00"},
                {"group": "PR", "code": "1", "amount": "100.00"},
                {"group": "PR", "code": "2", "amount": "42.17"}]}],
        },
    }
).encode()  # fmt: skip


def adjudications(items: Iterator[Any]) -> list[Fact]:
    return [item for item in items if isinstance(item, Fact) and item.kind == "claim.adjudicated"]


def from_fhir(resource: dict[str, Any]) -> list[Fact]:
    return [item for item in fhir.read(written(resource), facility="GEN", **SAME) if isinstance(item, Fact)]


REMITTED = adjudications(x12.read(EDI, facility="GEN", **SAME))
WRITTEN = adjudications(native.read(JSON, **SAME))


def covered(payer: str = "60054") -> Fact:
    return fact(CoverageListed((Coverage(1, Payer(payer), "commercial"),)), date(2026, 1, 1))


def judged(*facts: Fact) -> Responsibility:
    return apportion(fold([adult(), covered(), *facts]), POLICY)


def test_the_three_carriers_have_one_key() -> None:
    keys = {one.key for one in [*REMITTED, *WRITTEN, *from_fhir(eob())]}
    assert len(REMITTED) == len(WRITTEN) == 1 and len(keys) == 1


@pytest.mark.parametrize("knows", ["all", "no trace", "no payer claim number", "neither"])
def test_any_carriers_in_any_order_are_one_decision_with_the_same_cents(knows: str) -> None:
    told = eob()
    if knows in ("no trace", "neither"):
        del told["payment"]["identifier"]
    if knows in ("no payer claim number", "neither"):
        del told["identifier"]
    carriers = {"835": REMITTED, "fhir": from_fhir(told), "json": WRITTEN}
    answers = set()
    for count in (1, 2, 3):
        for some in combinations(carriers.values(), count):
            for order in permutations(some):
                facts = [one for many in order for one in many]
                account = fold([adult(), covered(), submitted("600.00", "60054"), *facts, *facts])
                found = apportion(account, POLICY)
                assert len(account.adjudications) == 1
                answers.add((found.determination, found.collectible_cents, found.balance_cents))
    assert answers == {("final", 14217, 14217)}


def test_a_withdrawn_resource_leaves_nothing_to_collect() -> None:
    gone = from_fhir(eob(status="entered-in-error", meta={"lastUpdated": "2026-04-02T00:00:00Z"}))
    for order in permutations([*from_fhir(eob()), *gone]):
        found = judged(*order)
        assert (found.determination, found.collectible_cents) == ("undetermined", 0)
    assert judged(*from_fhir(eob())).collectible_cents == 14217


def silent(*totals: dict[str, Any]) -> dict[str, Any]:
    return eob(total=[entry("submitted", "600"), entry("benefit", "357.83"), *totals], item=None)


OWN = {"category": {"coding": [{"system": "https://bluebutton.cms.gov/x", "code": "line_coinsrnc_amt"}]},
       "amount": {"value": 142, "currency": "USD"}}  # fmt: skip


@pytest.mark.parametrize(
    "resource",
    [
        silent(),
        silent(OWN),
        silent(entry("eligible", "357.83")),
        silent(entry("noncovered", "242.17")),
        silent(entry("paidbypatient", "142.17")),
        silent(entry("memberliability", "242.17")),
        silent(entry("memberliability", "142.17"), entry("discount", "100")),
        silent(entry("deductible", "142.17")),
        eob(outcome="partial"),
        eob(total=[entry("submitted", "600"), entry("deductible", "200")]),
        eob(use=None),
        eob(total=[entry("submitted", "600.001")]),
    ],
    ids=["nothing", "own codes", "eligible", "noncovered", "paid by patient", "stated alone", "stated, no PR",
         "unbalanced", "partial", "contradicting total", "no use", "no whole cents"],
)  # fmt: skip
def test_what_does_not_say_what_the_patient_owes_is_never_collectible(resource: dict[str, Any]) -> None:
    found = judged(*from_fhir(resource))
    assert found.collectible_cents == 0
    assert found.determination in ("undetermined", "provisional")


def test_nothing_is_collectible_that_the_resource_does_not_state_for_the_patient() -> None:
    """Amounts by chance: what is collectible is at most the smaller of the stated and the itemised share."""
    dice = random.Random(13)
    names = ("deductible", "copay", "coinsurance", "noncovered", "discount", "priorpayerpaid", "eligible",
             "paidtoprovider", "paidtopatient", "memberliability")  # fmt: skip
    collectible = 0
    for _ in range(1500):
        amounts = {
            name: dice.choice((0, 0, 1, 2, 3, 5, 8)) for name in dice.sample(names, dice.randint(0, 6))
        }
        amounts |= {"submitted": dice.randint(1, 12), "benefit": dice.randint(0, 8)}
        entries = [entry(name, f"{amount}.00") for name, amount in amounts.items()]
        level = dice.choice(("total", "adjudication", "item"))
        made = eob(total=entries if level == "total" else None, payment=None,
                   adjudication=entries if level == "adjudication" else None,
                   item=[{"sequence": 1, "adjudication": entries}] if level == "item" else None)  # fmt: skip
        found = judged(*from_fhir(made))
        share = sum(amounts.get(name, 0) for name in ("deductible", "copay", "coinsurance", "noncovered"))
        share += amounts.get("paidtopatient", 0)
        limit = min(share, amounts.get("memberliability", share), amounts["submitted"]) * 100
        assert 0 <= found.collectible_cents <= limit, (level, amounts)
        if found.collectible_cents:
            collectible += 1
            assert found.determination == "final"
    assert collectible > 5, "chance made some that balance"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Callable[[], App]]:
    made: list[App] = []

    def fresh() -> App:
        home = str(tmp_path / str(len(made)))
        made.append(
            App(load({"BATON_HOME": home, "BATON_TRANSPORT": "embedded", "BATON_SETTLING_SECONDS": "0"}))
        )
        made[-1].store.upgrade()
        return made[-1]

    yield fresh
    for one in made:
        one.close()


def test_through_the_store_in_any_order_the_account_is_the_same(app: Callable[[], App]) -> None:
    account = {"resourceType": "Account", "status": "active", "identifier": [{"value": "A1"}],
               "meta": {"lastUpdated": "2026-03-02T00:00:00Z"},
               "coverage": [{"coverage": {"reference": "Coverage/1"}}]}  # fmt: skip
    coverage = {"resourceType": "Coverage", "id": "1", "status": "active", "order": 1,
                "payor": [{"identifier": {"value": "60054"}}]}  # fmt: skip
    bodies = [("x12", EDI), ("json", JSON), ("unknown", written(bundle(account, coverage, eob())))]
    seen = set()
    for order in (bodies, bodies[::-1], bodies[1:] + bodies[:1]):
        one = app()
        intake = one.intake()
        for format, body in order:
            message = Message.of(body, feed="f", format=format, door="file", received_at=NOW)
            assert intake.receive([message], one.moment())[0].rejected == ()
        with one.store.read() as reader:
            row = reader.account(AccountRef("GEN", "A1"))
        assert row is not None
        seen.add((row.material, row.balance_cents, row.patient_cents, row.determination))
    ((_, balance, patient, determination),) = seen
    assert (balance, patient, determination) == (14217, 14217, "final")
