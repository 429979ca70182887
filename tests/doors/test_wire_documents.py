"""The published contracts: JSON Schema says what the reader does, and AsyncAPI is valid AsyncAPI."""

import copy
import json
import re
from datetime import date, datetime

import jsonschema
import pytest
from hypothesis import given, settings
from native.generated import HERE, SAMPLES, messages, read, sent

from schemas.facts import Rejected
from schemas.wire.documents import asyncapi, event_schema, json_schema
from schemas.wire.events import EVENTS
from schemas.wire.native import TYPES

FORMATS = jsonschema.FormatChecker(())


@FORMATS.checks("date", ValueError)
def is_date(text):
    return not isinstance(text, str) or bool(date.fromisoformat(text))


@FORMATS.checks("date-time", ValueError)
def is_moment(text):
    return not isinstance(text, str) or datetime.fromisoformat(text.upper()).tzinfo is not None


def ecma(node):
    """The same schema with `$` meaning the very end, as in ECMA 262, where Python lets a line end follow."""
    if isinstance(node, dict):
        return {
            k: v.replace("$", r"\Z") if k == "pattern" and isinstance(v, str) else ecma(v)
            for k, v in node.items()
        }
    return [ecma(inner) for inner in node] if isinstance(node, list) else node


def whole_numbers():
    """Python's 1.0 is an integer to JSON Schema, though not to the reader; compare as the reader does."""
    return jsonschema.Draft202012Validator.TYPE_CHECKER.redefine(
        "integer", lambda _, value: isinstance(value, int) and not isinstance(value, bool)
    )


STRICT = jsonschema.validators.extend(jsonschema.Draft202012Validator, type_checker=whole_numbers())
NATIVE = STRICT(ecma(json_schema()), format_checker=FORMATS)


def test_the_schema_is_json_schema_2020_12():
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_every_sample_is_valid_alone_and_in_an_array(kind):
    NATIVE.validate(SAMPLES[kind])
    NATIVE.validate([SAMPLES[kind]] * 2)


@settings(max_examples=300, deadline=None)
@given(messages())
def test_the_schema_accepts_exactly_what_the_reader_accepts(message):
    verdict = read(sent(message))
    refused = [item for item in verdict if isinstance(item, Rejected)]
    if any(item.code == "contradictory" for item in refused):
        return  # no schema can compare two fields
    assert NATIVE.is_valid(message) is not bool(refused)


def test_an_array_of_1001_is_beyond_the_schema():
    array = json_schema()["anyOf"][1]
    assert (array["type"], array["maxItems"]) == ("array", 1000)


def test_money_is_a_string_with_a_pattern():
    amount = json_schema()["$defs"]["ChargePosted"]["properties"]["amount"]
    assert amount["type"] == "string"
    assert re.search(amount["pattern"], "12.50") and not re.search(amount["pattern"], "12.505")


def test_every_field_of_the_contract_is_described():
    schema = json_schema()
    for name, definition in schema["$defs"].items():
        assert definition["description"], name
        for field, documented in definition.get("properties", {}).items():
            reference = documented.get("$ref") or documented.get("const") or documented.get("anyOf")
            assert documented.get("description") or reference, f"{name}.{field}"


def test_the_asyncapi_document_is_valid_asyncapi_3():
    official = json.loads((HERE / "asyncapi-3.0.0.schema.json").read_bytes())
    document = asyncapi()
    jsonschema.Draft7Validator(official).validate(document)
    broken = copy.deepcopy(document)
    broken["operations"]["takeMessages"]["action"] = "recieve"
    assert not jsonschema.Draft7Validator(official).is_valid(broken)


def references(node):
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref")
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


@pytest.mark.parametrize("document", [json_schema(), asyncapi(), *map(event_schema, EVENTS)])
def test_every_reference_leads_somewhere(document):
    for reference in references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]


def test_the_rabbitmq_contract_names_both_exchanges_and_every_event():
    document = asyncapi()
    exchanges = {c["bindings"]["amqp"]["exchange"]["name"] for c in document["channels"].values()}
    assert exchanges == {"baton.in", "baton.events"}
    addresses = {channel["address"] for channel in document["channels"].values()}
    assert addresses == {"{format}.{feed}", *EVENTS}
    assert set(document["channels"]["inbox"]["messages"]) >= set(TYPES)
