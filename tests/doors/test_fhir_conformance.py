"""Our tolerant reader against the library fhir.resources, which checks everything: where it accepts a
resource, both must see the same thing. And how long each takes, in one run."""

from __future__ import annotations

import importlib
import json
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fhir_pairs.reading import (
    PAIRS,
    bundle,
    claims_of,
    concept,
    entry,
    eob,
    items_of,
    money,
    parked_of,
    tally_of,
    written,
    x12,
)

from adapters.fhir import Issue, capability, outcome, peek, response
from adapters.fhir.conformance import RELEASES, accepts, advise
from schemas.facts import ClaimAdjudicated, Rejected

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "fhir"
DECISIONS = ("ExplanationOfBenefit", "ClaimResponse")


def library(resource: bytes, release: str = "R4B") -> Any:
    """The resource as the library's own object, its decimals exact."""
    plain = json.loads(resource, parse_float=Decimal)
    module = importlib.import_module(f"{RELEASES[release]}.{plain['resourceType'].lower()}")
    return getattr(module, plain["resourceType"]).model_validate(plain)


def cents(amount: Any) -> int:
    exact = Decimal(str(amount)) * 100
    assert exact == int(exact)
    return int(exact)


def told_by_library(resource: Any) -> dict[str, int]:
    """Totals by category code, in cents, as the library's object has them."""
    found: dict[str, int] = {}
    for total in resource.total or ():
        for coding in total.category.coding or ():
            found[coding.code] = found.get(coding.code, 0) + cents(total.amount.value)
    return found


def compare(resource: Any, claim: ClaimAdjudicated) -> None:
    totals = told_by_library(resource)
    sign = -1 if claim.status == "22" else 1
    if "submitted" in totals:
        assert claim.charge_cents == sign * totals["submitted"]
    if "memberliability" in totals and sign == 1:
        assert claim.patient_responsibility_cents == totals["memberliability"]
    if "paidtoprovider" in totals:
        assert claim.paid_cents == sign * totals["paidtoprovider"]
    if resource.payment and resource.payment.date and sign == 1:
        assert claim.payment_on == resource.payment.date
    numbers = {i.value for i in resource.identifier or ()}
    assert claim.payer_claim_id is None or claim.payer_claim_id in numbers
    held = [s.valueString for s in getattr(resource, "supportingInfo", None) or () if s.valueString]
    assert claim.claim_id in {*held, *numbers}


MADE = [
    eob(),
    eob(status="cancelled", meta={"lastUpdated": "2026-04-02T00:00:00Z"}),
    eob(outcome="partial"),
    eob(payment=None, total=[entry("submitted", "100.10"), entry("paidtoprovider", "100.1")], item=None),
    eob(adjudication=[x12("CO", "45", "242.17")], item=None,
        total=[entry("submitted", "600"), entry("benefit", "357.83")]),
    eob(addItem=[{"productOrService": concept("http://www.ama-assn.org/go/cpt", "99214"),
                  "adjudication": [entry("submitted", "1.00"), entry("benefit", "1.00")]}]),
]  # fmt: skip


@pytest.mark.parametrize("made", MADE, ids=range(len(MADE)))
@pytest.mark.parametrize("release", sorted(RELEASES))
def test_what_the_library_accepts_says_the_same_to_both(made: dict[str, Any], release: str) -> None:
    body = written(made)
    assert advise(body, release) == []
    (claim,) = claims_of(items_of(body))
    compare(library(body, release), claim)


@pytest.mark.skipif(not SAMPLES.exists(), reason="needs the sample folder beside the project")
def test_published_resources_say_the_same_to_both() -> None:
    compared = decided = 0
    for path in sorted(SAMPLES.glob("*.json")):
        try:
            value = json.loads(path.read_bytes(), parse_float=Decimal)
        except ValueError:
            continue
        resources = [e.get("resource", {}) for e in value.get("entry", ())] if "entry" in value else [value]
        for resource in resources:
            if resource.get("resourceType") not in DECISIONS or len(resource) > 60:
                continue
            body = json.dumps(resource, default=float).encode()
            if not accepts(body):
                continue
            compared += 1
            items = items_of(body)
            assert tally_of(items).claims == 1
            for claim in claims_of(items):
                decided += 1
                compare(library(body), claim)
            assert claims_of(items) or any(isinstance(i, Rejected) or hasattr(i, "code") for i in items)
    assert compared >= 100 and decided >= 5, (compared, decided)


def test_the_library_is_an_adviser_and_not_a_gate() -> None:
    """It refuses what payers really send, and takes a status that no claim has; so neither decides."""
    real = eob(insurance=None, provider=None)
    assert not accepts(written(real)) and claims_of(items_of(real))
    bogus = eob(status="bogus")
    assert accepts(written(bogus)) and parked_of(items_of(bogus))


def test_advice_never_quotes_a_value() -> None:
    canary = eob(created="ZQCANARY", insurer={"ZQCANARY field": "ZQCANARY"})
    found = advise(written(canary))
    assert found and not any("ZQCANARY" in str(one) for one in found)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"resourceType": "Nope"}', b'{"resourceType": ["x"]}'])
def test_advice_on_what_is_no_resource_is_one_finding(body: bytes) -> None:
    assert len(advise(body)) == 1


def test_what_baton_answers_conforms() -> None:
    issues = [Issue("warning", "account-missing", "Bundle.entry[1].resource.item[0]", "do this")]
    issues.append(Issue("error", "not-json", "line 1 column 2", "and that"))
    for release in RELEASES:
        assert advise(json.dumps(outcome(issues)).encode(), release) == []
        sent = written(bundle(eob(), eob(), kind="transaction"))
        assert advise(json.dumps(response(peek(sent), issues[:1], "201 Created")).encode(), release) == []
    assert advise(json.dumps(capability("1.0", "https://x.example/fhir")).encode()) == []


def test_the_examples_conform_but_for_what_only_r5_has() -> None:
    assert advise(next(p for p in PAIRS if p.stem == "adjudication").read_bytes()) == []
    r5 = next(p for p in PAIRS if p.stem == "account_r5").read_bytes()
    assert {f.where for f in advise(r5)} >= {"Account.billingStatus", "Account.balance"}


def grown(size: int) -> bytes:
    """A claim of many like lines, of at least so many bytes, that adds up."""
    made, lines = eob(), 0
    line = made["item"][0]
    made["item"] = []
    while True:
        lines += 1
        made["item"].append({**line, "sequence": lines})
        paid = f"{35783 * lines // 100}.{35783 * lines % 100:02}"
        made["total"] = [entry("submitted", f"{600 * lines}.00"), entry("benefit", paid)]
        made["payment"]["amount"] = money(paid)
        if len(body := written(made)) >= size:
            return body


def rate(read: Callable[[bytes], object], body: bytes, seconds: float = 0.7) -> float:
    """Times a second of processor time."""
    read(body)
    done, began = 0, time.process_time()
    while time.process_time() - began < seconds:
        read(body)
        done += 1
    return done / (time.process_time() - began)


@pytest.mark.parametrize("size", [6_500, 47_000])
def test_reading_is_several_times_as_fast_as_validating(
    size: int, capsys: pytest.CaptureFixture[str]
) -> None:
    body = grown(size)
    assert advise(body) == [] and parked_of(items_of(body)) == []
    ours, theirs = rate(items_of, body), rate(library, body)
    with capsys.disabled():
        print(
            f"\n{len(body)} bytes: read {ours:,.0f}/s, validated {theirs:,.0f}/s, {ours / theirs:.1f} times"
        )
    assert ours > 2 * theirs
