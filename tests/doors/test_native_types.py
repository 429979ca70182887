# ruff: noqa: E501
"""Every message type of the contract, beside the fact it states."""

import copy
import json

import pytest
from native.generated import HERE, SAMPLES, read, sent

from schemas.facts import Fact, Noted, Rejected, Tally, fact_from_content
from schemas.records import to_plain
from schemas.wire.native import TYPES


def as_expected(fact):
    stated = {
        "kind": fact.kind,
        "account": str(fact.account),
        "key": fact.key,
        "occurred_at": fact.occurred_at.isoformat(),
        "currency": fact.currency,
        "identity": fact.identity,
        "where": fact.where,
        "body": to_plain(fact.body),
    }
    return json.loads(json.dumps(stated, default=str))


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_message_states_exactly_the_fact_beside_it(kind):
    expected = json.loads((HERE / f"{kind}.facts.json").read_bytes())
    *facts, tally = read((HERE / f"{kind}.json").read_bytes())
    assert [as_expected(fact) for fact in facts] == expected
    assert tally == Tally("json", messages=1)


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_fact_can_be_read_again_from_its_content(kind):
    fact = read(sent(SAMPLES[kind]))[0]
    assert fact_from_content(fact.content, identity=fact.identity, where=fact.where) == fact


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_required_field_is_missed_by_its_path(kind):
    for name, field in TYPES[kind]().fields.items():
        for absent in (True, False):
            message = copy.deepcopy(SAMPLES[kind])
            if absent:
                message["data"].pop(name, None)
            else:
                message["data"][name] = None
            first = read(sent(message))[0]
            if field.required:
                assert (first.code, first.where) == ("missing-field", f"$.data.{name}")
                assert str(first.account) == "GEN/A1"
            else:
                assert isinstance(first, Fact)


@pytest.mark.parametrize("name", ["schema", "type", "id", "source", "occurred_at", "account", "data"])
def test_every_field_of_the_envelope_is_required(name):
    message = copy.deepcopy(SAMPLES["charge.posted"])
    del message[name]
    first = read(sent(message))[0]
    assert (first.code, first.where) == ("missing-field", f"$.{name}")


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        (("schema",), "baton/2", "schema-unknown"),
        (("type",), "claim.paid", "unknown-type"),
        (("type",), "remittance.received", "unknown-type"),
        (("id",), "", "empty"),
        (("id",), "x" * 101, "too-long"),
        (("id",), 7, "not-text"),
        (("id",), "a\nb", "not-allowed-character"),
        (("id",), " a", "not-allowed-character"),
        (("source",), "a\x00", "not-allowed-character"),
        (("occurred_at",), "2026-03-14T00:00:00", "not-a-timestamp"),
        (("occurred_at",), "2026-03-14", "not-a-timestamp"),
        (("occurred_at",), "0001-01-01T00:00:00+10:00", "not-a-timestamp"),
        (("occurred_at",), "9999-12-31T23:59:59-10:00", "not-a-timestamp"),
        (("occurred_at",), 1770000000, "not-a-timestamp"),
        (("account",), "GEN/A1", "not-an-object"),
        (("account", "facility"), "GEN/EAST", "not-allowed-character"),
        (("data",), [], "not-an-object"),
        (("currency",), "usd", "not-a-currency"),
        (("data", "claim_id"), None, "missing-field"),
        (("data", "payer"), "60054", "not-an-object"),
        (("data", "payer", "id"), 60054, "not-text"),
        (("data", "order"), "1", "not-a-whole-number"),
        (("data", "order"), 1.0, "not-a-whole-number"),
        (("data", "order"), True, "not-a-whole-number"),
        (("data", "order"), 0, "not-a-whole-number"),
        (("data", "status"), "99", "not-a-choice"),
        (("data", "status"), 1, "not-a-choice"),
        (("data", "adjudicated_on"), "20260314", "not-a-date"),
        (("data", "adjudicated_on"), "2026-02-29", "not-a-date"),
        (("data", "adjudicated_on"), "9999-12-31", "not-a-date"),
        (("data", "adjudicated_on"), "2026-W11-6", "not-a-date"),
        (("data", "remittance"), [], "not-an-object"),
        (("data", "remittance", "payment_date"), "14.03.2026", "not-a-date"),
        (("data", "lines"), {}, "not-a-list"),
        (("data", "lines", 0), None, "missing-field"),
        (("data", "lines", 0, "line"), -1, "not-text"),
        (("data", "lines", 0, "modifiers", 0), 25, "not-text"),
        (("data", "lines", 0, "adjustments", 2, "quantity"), 1.5, "not-a-number"),
        (("data", "lines", 0, "adjustments", 2, "group"), "XX", "not-a-choice"),
        (("data", "remarks"), ["MA01"] * 201, "too-many"),
    ],
)
def test_a_wrong_value_is_named_by_its_path_and_code(path, value, code):
    message = copy.deepcopy(SAMPLES["claim.adjudicated"])
    holder = message
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    first = read(sent(message))[0]
    where = "$" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    assert isinstance(first, Rejected)
    assert (first.code, first.where) == (code, where)
    assert first.reason.startswith(f"{where}: ")


@pytest.mark.parametrize(
    "amount",
    ["12.505", "1e5", "-0", "-0.00", "٣.00", "1_000.00", "1,000.00", "+1.00", "1.", ".50", "", " 1.00", "1.00 ", "1.00\n",
     "NaN", "Infinity", "0x10", "100000000.00", "9" * 4000, 12, 12.5, True, [], {}],
)  # fmt: skip
def test_what_is_no_amount_is_refused_with_an_example(amount):
    message = copy.deepcopy(SAMPLES["charge.posted"])
    message["data"]["amount"] = amount
    first = read(sent(message))[0]
    assert (first.code, first.where) == ("not-an-amount", "$.data.amount")
    assert '"12.50"' in first.reason


@pytest.mark.parametrize(
    ("amount", "cents"),
    [
        ("0", 0),
        ("0.00", 0),
        ("0.5", 50),
        ("-0.01", -1),
        ("600", 60000),
        ("007.10", 710),
        ("99999999.99", 9_999_999_999),
    ],
)
def test_an_amount_becomes_whole_cents(amount, cents):
    message = copy.deepcopy(SAMPLES["charge.posted"])
    message["data"]["amount"] = amount
    assert read(sent(message))[0].body.amount_cents == cents


def test_unknown_fields_are_warned_of_by_their_path_and_change_nothing():
    plain = read(sent(SAMPLES["claim.adjudicated"]))[0]
    message = copy.deepcopy(SAMPLES["claim.adjudicated"])
    message["trace_id"] = "CANARY"
    message["data"]["payer"]["fax"] = "CANARY"
    message["data"]["lines"][0]["adjustments"][1]["Jane Doe"] = {"CANARY": "CANARY"}
    *noted, fact, _ = read(sent(message))
    assert [(n.severity, n.code, n.where) for n in noted] == [
        ("warning", "unknown-field", "$.trace_id"),
        ("warning", "unknown-field", "$.data.payer.fax"),
        ("warning", "unknown-field", "$.data.lines[0].adjustments[1].?"),
    ]
    assert fact == plain
    assert "CANARY" not in repr(noted)


def test_a_message_with_many_unknown_fields_names_twenty():
    message = SAMPLES["charge.posted"] | {f"extra{n}": n for n in range(1000)}
    assert sum(isinstance(item, Noted) for item in read(sent(message))) == 20


def test_an_array_takes_and_parks_each_message_by_itself():
    wrong = copy.deepcopy(SAMPLES["charge.posted"])
    wrong["data"]["amount"] = 600
    body = sent([SAMPLES["charge.posted"], wrong, [SAMPLES["charge.posted"]], 7, SAMPLES["coding.status"]])
    first, second, third, fourth, fifth, tally = read(body)
    assert (first.where, fifth.where, tally.messages) == ("$[0]", "$[4]", 5)
    assert (second.code, second.where) == ("not-an-amount", "$[1].data.amount")
    assert {(r.code, r.where) for r in (third, fourth)} == {
        ("not-an-object", "$[2]"),
        ("not-an-object", "$[3]"),
    }


def test_a_currency_may_stand_on_the_envelope_or_beside_the_amounts_but_not_two():
    message = copy.deepcopy(SAMPLES["charge.posted"])
    assert read(sent(message))[0].currency == "USD"
    assert read(sent(message | {"currency": "CAD"}))[0].currency == "CAD"
    message["data"]["currency"] = "EUR"
    assert read(sent(message))[0].currency == "EUR"
    refused = read(sent(message | {"currency": "CAD"}))[0]
    assert (refused.code, refused.where) == ("contradictory", "$.data.currency")


def test_a_clock_that_runs_ahead_is_noticed():
    noted, fact, _ = read(sent(SAMPLES["charge.posted"] | {"occurred_at": "2026-07-03T00:00:00Z"}))
    assert (noted.code, noted.where) == ("in-the-future", "$.occurred_at")
    assert isinstance(fact, Fact)


def test_names_with_joining_signs_in_them_stay_apart():
    def key_and_identity(source, id):
        fact = read(sent(SAMPLES["coding.status"] | {"source": source, "id": id}))[0]
        return fact.key, fact.identity

    assert key_and_identity("a/b", "c")[1] != key_and_identity("a", "b/c")[1]
    assert key_and_identity("a|b", "c")[0] != key_and_identity("a", "b|c")[0]
    assert key_and_identity("a%7Cb", "c")[0] != key_and_identity("a|b", "c")[0]


def test_one_claim_may_be_billed_to_one_payer_after_the_other():
    primary = read(sent(SAMPLES["claim.submitted"]))[0]
    message = copy.deepcopy(SAMPLES["claim.submitted"])
    message["data"] |= {"payer": {"id": "MEDIGAP"}, "order": 2}
    assert read(sent(message))[0].key != primary.key


def test_a_pending_payment_is_cleared_by_an_amount_of_zero_without_contradicting_itself():
    announced = read(sent(SAMPLES["payment.pending"]))[0]
    message = copy.deepcopy(SAMPLES["payment.pending"]) | {"id": "m-99"}
    message["data"]["amount"] = "0.00"
    assert read(sent(message))[0].key != announced.key
