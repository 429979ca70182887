"""Wrong, cut and hostile FHIR: one clear verdict each, and the neighbours go through."""

from __future__ import annotations

import copy
import json
import os
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from fhir_pairs.reading import (
    PAIRS,
    Amount,
    bundle,
    claims_of,
    entry,
    eob,
    facts_of,
    items_of,
    noted_of,
    parked_of,
    tally_of,
    written,
)

from adapters.bounding import PARTS
from adapters.fhir import CODES, Mapping, looks_like_fhir
from adapters.fhir.ndjson import DOCUMENT_BYTES
from adapters.fhir.reading import ENTRIES
from schemas.errors import ConfigRefused
from schemas.facts import AdjudicationUnreadable, Fact, Item, Noted, Rejected
from service.inspection import Summary

GOOD = written(eob())
JSON_CODES = {"not-json", "not-utf8", "too-deep"}


def steps_into(node: Any, steps: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every path into a resource, and what stands there."""
    if steps:
        yield steps, node
    if isinstance(node, dict):
        for name, inner in node.items():
            yield from steps_into(inner, (*steps, name))
    elif isinstance(node, list):
        for at, inner in enumerate(node):
            yield from steps_into(inner, (*steps, at))


def replaced(node: Any, steps: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(node)
    inner = made
    for step in steps[:-1]:
        inner = inner[step]
    inner[steps[-1]] = value
    return made


def wrong_for(value: Any) -> list[Any]:
    """Values of every other JSON type than the one that stands here."""
    every: dict[type, Any] = {str: "x", int: 7, bool: True, list: [1], dict: {"a": 1}, Amount: Amount("0.5")}
    own = {bool: {bool}, int: {int, Amount}, Amount: {int, Amount}}.get(type(value), {type(value)})
    return [other for kind, other in every.items() if kind not in own]


def verdict(items: list[Item]) -> None:
    """What holds for whatever came in."""
    tally_of(items)
    for item in items:
        if isinstance(item, Noted | Rejected):
            assert item.code in CODES | JSON_CODES
    list(Summary().follow(items))


PERSON = {
    "resourceType": "Bundle", "type": "collection", "timestamp": "2026-03-21T00:00:00Z", "entry":
    json.loads(next(p for p in PAIRS if p.stem == "registration").read_bytes())["entry"]
    + json.loads(next(p for p in PAIRS if p.stem == "money").read_bytes())["entry"],
}  # fmt: skip


def test_every_element_of_a_wrong_type_is_parked_or_not_read_at_all() -> None:
    good = [fact.id for fact in facts_of(items_of(eob()))]
    read = 0
    for steps, value in steps_into(eob()):
        for wrong in wrong_for(value):
            items = items_of(replaced(eob(), steps, wrong))
            verdict(items)
            same = [fact.id for fact in facts_of(items)] == good
            parked = parked_of(items)
            assert same != bool(parked), (steps, wrong)
            if parked:
                read += 1
                assert len(parked) == 1 and not claims_of(items), (steps, wrong)
                assert parked[0][1] == "" or parked[0][1].startswith("ExplanationOfBenefit"), steps
    assert read > 150


def test_every_element_of_a_wrong_type_in_a_bundle_leaves_its_neighbours() -> None:
    whole = {fact.id for fact in facts_of(items_of(bundle(eob(account="N1"))))}
    for steps, value in steps_into(PERSON["entry"], ("entry",)):
        if len(steps) < 3:
            continue
        wrong = random.Random(str(steps)).choice(wrong_for(value))
        made = replaced(PERSON, steps, wrong)
        made["entry"].append({"resource": eob(account="N1")})
        items = items_of(made)
        verdict(items)
        assert whole <= {fact.id for fact in facts_of(items)} or steps[-1] == "timestamp", (steps, wrong)


@pytest.mark.parametrize("strange", ["", " ", "\x00", "a\x00b", "\ud800", "a\nb", "\u202e", "x" * 5000])
def test_text_that_nobody_can_see_or_keep_never_names_an_account(strange: str) -> None:
    items = items_of(eob(account=strange))
    verdict(items)
    where = "ExplanationOfBenefit.supportingInfo[0].valueString"
    assert parked_of(items) == [("text-unreadable", where)] and facts_of(items) == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "not-json"),
        (b"   ", "not-json"),
        (b"{", "not-json"),
        (b"[" * 100_000, "too-deep"),
        (b'{"resourceType": "Patient", "a": ' + b"[" * 5_000 + b"]" * 5_000 + b"}", "too-deep"),
        (b'{"resourceType": "Patient", "a": NaN}', "not-json"),
        (b'{"resourceType": "Patient", "a": -Infinity}', "not-json"),
        (b'{"resourceType": "Patient", "resourceType": "Account"}', "duplicate-key"),
        (b'{"resourceType": "Patient", "a": {"b": 1, "\\u0062": 2}}', "duplicate-key"),
        (b'{"resourceType": "Patient", "a": "\xff"}', "not-utf8"),
        (GOOD.decode().encode("utf-16"), "not-utf8"),
        (b'{"resourceType": "Nonsense"}', "unknown-resource"),
        (b'{"resourceType": ["Account"]}', "not-a-resource"),
        (b'{"resourceType": null}', "not-a-resource"),
        (b"[]", "not-a-resource"),
        (b"7", "not-a-resource"),
        (b'"text"', "not-a-resource"),
        (b'{"resourceType": "Observation"}', "resource-not-read"),
        (b'{"resourceType": "Bundle", "entry": {}}', "wrong-type"),
        (b'{"resourceType": "Bundle", "entry": [], "entry": []}', "duplicate-key"),
        (b"\x00\x01\x02", "not-json"),
        (b"ISA*00*", "not-json"),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", "not-json"),
    ],
)
def test_a_body_that_is_no_resource_is_parked_whole_with_its_reason(body: bytes, code: str) -> None:
    items = items_of(body)
    verdict(items)
    assert [one for one, _ in parked_of(items)] == [code]
    assert facts_of(items) == []


@pytest.mark.parametrize("digits", ["1e999", "-1E-999999999999", "9" * 5000, "0." + "1" * 5000, "1e-2", "-0"])
def test_numbers_of_any_length_are_read_at_once_and_exactly(digits: str) -> None:
    began = time.perf_counter()
    items = items_of(eob(total=[entry("submitted", digits), entry("benefit", "0")], item=None, payment=None))
    assert time.perf_counter() - began < 2
    verdict(items)
    if digits == "-0":
        assert claims_of(items)[0].charge_cents == 0
    else:
        assert isinstance(facts_of(items)[0].body, AdjudicationUnreadable)


def test_half_a_million_names_are_read_within_bounds() -> None:
    many = b'{"resourceType": "Patient", ' + b", ".join(b'"k%d": 1' % n for n in range(600_000)) + b"}"
    began = time.perf_counter()
    verdict(items_of(many))
    assert time.perf_counter() - began < 20
    crowded = b'{"resourceType": "Bundle", "entry": [' + b"[]," * 3_100_000 + b"[]]}"
    assert parked_of(items_of(crowded)) == [("too-many", "")]


def test_a_bundle_has_at_most_ten_thousand_entries() -> None:
    entry_text = b'{"resource": {"resourceType": "Organization"}}'
    full = b'{"resourceType": "Bundle", "entry": [' + b",".join([entry_text] * ENTRIES) + b"]}"
    items = items_of(full)
    assert parked_of(items) == [] and tally_of(items).messages == ENTRIES
    more = full[:-2] + b"," + entry_text + b"]}"
    assert parked_of(items_of(more)) == [("too-many", "Bundle")]


def test_a_document_over_the_limit_is_refused_without_being_parsed() -> None:
    long = b'{"resourceType": "Patient", "a": "' + b"x" * DOCUMENT_BYTES + b'"}'
    assert parked_of(items_of(long)) == [("too-large", "")]
    lines = GOOD + b"\n" + long + b"\n" + GOOD.replace(b'"A1"', b'"A2"')
    items = items_of(lines)
    assert parked_of(items) == [("too-large", "line 2")] and len(claims_of(items)) == 2


def test_a_file_of_faults_parks_a_thousand_and_says_so() -> None:
    items = items_of(GOOD + b"\n" + b"{\n" * 5_000 + GOOD.replace(b'"A1"', b'"A2"'))
    codes = [code for code, _ in parked_of(items)]
    assert len(codes) == PARTS + 1 and codes[-1] == "too-many-parts"
    assert len(claims_of(items)) == 2, "what is sound after them is read all the same"


def test_no_finding_repeats_a_value_or_a_name_of_the_message() -> None:
    canary = "ZQCANARY"
    for steps, value in steps_into(eob()):
        if isinstance(value, str):
            items = items_of(replaced(eob(), steps, [canary]))
            items += items_of(replaced(eob(), steps, {canary: canary}))
            items += items_of(replaced(eob(), steps, canary + "\x00"))
            told = [
                f"{i.code}{i.where}{getattr(i, 'reason', '')}"
                for i in items
                if not hasattr(i, "kind") and hasattr(i, "code")
            ]
            assert not any(canary in one for one in told)
    twice = GOOD[:-1] + b', "ZQ CANARY!": 1, "ZQ CANARY!": 2}'
    assert parked_of(items_of(twice)) == [("duplicate-key", "ExplanationOfBenefit.?")]


def test_a_reference_that_leads_to_itself_ends() -> None:
    account = {"resourceType": "Account", "status": "active", "id": "a", "identifier": [{"value": "A1"}],
               "subject": [{"reference": "Account/a"}], "guarantor": [{"party": {"reference": "Account/a"}}],
               "coverage": [{"coverage": {"reference": "Account/a"}}]}  # fmt: skip
    items = items_of(bundle(account))
    verdict(items)
    assert "coverage-not-included" in noted_of(items) or parked_of(items)


def test_a_native_message_that_speaks_of_fhir_is_not_taken_for_it() -> None:
    assert not looks_like_fhir(b'{"schema": "baton/1", "type": "x", "note": "\\"resourceType\\""}')
    assert looks_like_fhir(GOOD)


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"account": "claim"}, "account"),
        ({"account": ["claim", "guess"]}, "account[1]"),
        ({"facility": 7}, "facility"),
        ({"payers": ["x"]}, "payers"),
        ({"payers": {"x": ""}}, "payers.x"),
        ({"categories": {"x": "ZZ-2"}}, "categories.x"),
        ({"coverage_kinds": {"x": "gold"}}, "coverage_kinds.x"),
    ],
)
def test_a_mapping_that_says_nothing_usable_is_refused_with_its_place(
    table: dict[str, Any], where: str
) -> None:
    with pytest.raises(ConfigRefused) as refused:
        Mapping.from_table(table)
    assert (refused.value.code, refused.value.where) == ("bad-mapping", where)


class Mutator:
    """Bytes changed by chance, in the ways messages are damaged and attacked."""

    WORDS = (
        *(b"null true 1e999 -0 [] {} NaN 0.005 \xff \x00".split()),
        *(b'"\\ud800" "2026-02-30" "cancelled" "claim" "resourceType" "Bundle" "value"'.split()),
        b"\n",
    )

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.corpus = [path.read_bytes() for path in PAIRS] + [GOOD]

    def next(self) -> bytes:
        body = bytearray(self.dice.choice(self.corpus))
        for _ in range(self.dice.randint(1, 8)):
            at = self.dice.randrange(len(body) + 1)
            end = min(len(body), at + self.dice.choice((0, 1, 2, 8, 64, 512)))
            move = self.dice.randrange(4)
            if move == 0:
                body[at:end] = self.dice.choice(self.WORDS)
            elif move == 1:
                del body[at:end]
            elif move == 2:
                body[at:at] = body[at:end]
            else:
                other = self.dice.choice(self.corpus)
                start = self.dice.randrange(len(other))
                body[at:end] = other[start : start + self.dice.randint(1, 200)]
        return bytes(body)


def fuzz(seconds: float, seed: int) -> int:
    mutator, done, until = Mutator(seed), 0, time.monotonic() + seconds
    while time.monotonic() < until:
        body = mutator.next()
        began = time.perf_counter()
        try:
            items = items_of(body)
            verdict(items)
        except BaseException:
            print("seed", seed, "body", body)
            raise
        assert time.perf_counter() - began < 5, body
        done += 1
        for item in items:
            if isinstance(item, Fact) and item.account is not None:
                assert item.account.number.isprintable()
    return done


def test_ten_seconds_of_damage_by_chance_never_raise() -> None:
    assert fuzz(10, seed=int(os.environ.get("BATON_TEST_SEED", "20261125"))) > 500


@pytest.mark.soak
def test_an_hour_of_damage_by_chance_never_raises() -> None:
    assert fuzz(3600, seed=random.SystemRandom().randrange(1 << 32)) > 100_000
