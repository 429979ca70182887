# ruff: noqa: E501
"""Bytes that are no message, or a hostile one: each has its exact verdict, and nothing raises."""

import copy
import json
import random
import time

import pytest
from native.generated import SAMPLES, read, sent

from adapters.native import looks_like_json
from schemas.facts import Fact, Noted, Rejected, Tally

GOOD = sent(SAMPLES["charge.posted"])
MIB = 1 << 20


def with_description(text):
    """The good message with its description replaced by this JSON text."""
    return GOOD.replace(b'"Visit\\nwith a note"', text)


def padded(size):
    return GOOD[:-1] + b" " * (size - len(GOOD)) + b"}"


HOSTILE = {
    "empty": (b"", "not-json", "line 1 column 1"),
    "blank": (b" \n\t", "not-json", "line 2 column 2"),
    "binary": (bytes(range(128, 256)), "not-utf8", "byte 0"),
    "zeros": (b"\0" * 100, "not-json", "line 1 column 1"),
    "truncated": (GOOD[:-1], "not-json", f"line 1 column {len(GOOD)}"),
    "two messages": (GOOD + GOOD, "not-json", f"line 1 column {len(GOOD) + 1}"),
    "a comment": (b"// x\n" + GOOD, "not-json", "line 1 column 1"),
    "single quotes": (GOOD.replace(b'"', b"'"), "not-json", "line 1 column 2"),
    "a scalar": (b'"hello"', "not-an-object", "$"),
    "null": (b"null", "not-an-object", "$"),
    "NaN": (with_description(b"NaN"), "not-json", ""),
    "Infinity": (with_description(b"-Infinity"), "not-json", ""),
    "NaN as amount": (GOOD.replace(b'"600.00"', b"NaN"), "not-json", ""),
    "float money": (GOOD.replace(b'"600.00"', b"600.00"), "not-an-amount", "$.data.amount"),
    "exponent money": (GOOD.replace(b'"600.00"', b"6e2"), "not-an-amount", "$.data.amount"),
    "number beyond all": (GOOD.replace(b'"600.00"', b"1e999"), "not-an-amount", "$.data.amount"),
    "a million digits": (GOOD.replace(b'"600.00"', b"9" * 1_000_000), "not-an-amount", "$.data.amount"),
    "minus zero": (GOOD.replace(b'"600.00"', b"-0"), "not-an-amount", "$.data.amount"),
    "leading zero": (GOOD.replace(b'"600.00"', b"0600"), "not-json", None),
    "repeated key": (GOOD.replace(b'"amount":', b'"amount": "1.00", "amount":'), "duplicate-key", "$.data.amount"),
    "repeated key, blank before colon": (
        GOOD.replace(b'"amount":', b'"amount" : "1.00", "amount" :'), "duplicate-key", "$.data.amount"),
    "repeated key, escaped": (
        GOOD.replace(b'"amount":', b'"\\u0061mount": "1.00", "amount":'), "duplicate-key", "$.data.amount"),
    "repeated key, colons to deceive": (
        with_description(b'"\\u003a"').replace(b'"amount":', b'"amount": "1.00", "amount":'), "duplicate-key", "$.data.amount"),
    "repeated key in an unknown field": (
        GOOD[:-1] + b', "x": {"y": [{"z": 1, "z": 1}]}}', "duplicate-key", "$.x.y[0].z"),
    "repeated envelope": (GOOD[:-1] + b', "id": "m-3"}', "duplicate-key", "$.id"),
    "21 levels": (GOOD[:-1] + b', "x": ' + b"[" * 20 + b"]" * 20 + b"}", "too-deep", "$.x" + "[0]" * 19),
    "100,000 open brackets": (b"[" * 100_000, "too-deep", ""),
    "100,000 brackets": (b"[" * 100_000 + b"]" * 100_000, "too-deep", ""),
    "100,000 braces": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "too-deep", ""),
    "deep in an unknown field": (GOOD[:-1] + b', "x": ' + b"[" * 500 + b"]" * 500 + b"}", "too-deep", ""),
    "NUL in text": (with_description(b'"a\\u0000b"'), "not-allowed-character", "$.data.description"),
    "raw NUL": (with_description(b'"a\0b"'), "not-json", None),
    "lone surrogate": (with_description(b'"a\\ud800b"'), "not-allowed-character", "$.data.description"),
    "surrogate in raw UTF-8": (with_description(b'"\xed\xa0\x80"'), "not-utf8", None),
    "overlong UTF-8": (with_description(b'"\xc0\xaf"'), "not-utf8", None),
    "Latin-1": (with_description(b'"\xe9"'), "not-utf8", None),
    "UTF-16": (GOOD.decode().encode("utf-16"), "not-utf8", "byte 0"),
    "just over 1 MiB": (padded(MIB + 1), "too-large", ""),
    "array over 16 MiB": (b"[" + b" " * (16 * MIB) + b"]", "too-large", ""),
    "1,001 messages": (b"[" + b",".join([GOOD] * 1001) + b"]", "too-many", ""),
    "X12": (b"ISA*00*          *00*", "not-json", "line 1 column 1"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_body_is_refused_with_its_own_code_and_place(name):
    body, code, where = HOSTILE[name]
    started = time.perf_counter()
    items = read(body)
    assert time.perf_counter() - started < 5
    assert [type(item) for item in items] == [Rejected, Tally]
    assert items[0].code == code
    assert where is None or items[0].where == where
    assert items[0].reason


@pytest.mark.parametrize(
    "body",
    [
        padded(MIB),
        b" \r\n\t" + GOOD + b"\n",
        GOOD[:-1] + b', "x": ' + b"[" * 19 + b"]" * 19 + b"}",
        GOOD[:-1] + b', "x": 1e999, "y": ' + b"9" * 5000 + b"}",
        with_description(b'"a:b : \\": c"'),
        with_description(b'"\\ud83d\\ude00"'),
        with_description(b'"\\/ tab\\t"'),
    ],
)  # fmt: skip
def test_a_strange_yet_sound_body_is_taken(body):
    assert isinstance(read(body)[-2], Fact)


def test_a_byte_order_mark_is_skipped_and_noted():
    noted, fact, _ = read(b"\xef\xbb\xbf" + GOOD)
    assert isinstance(noted, Noted) and noted.code == "byte-order-mark"
    assert fact == read(GOOD)[0]


def test_a_thousand_messages_are_taken():
    items = read(b"[" + b",".join([GOOD] * 1000) + b"]")
    assert items[-1] == Tally("json", messages=1000)
    assert sum(isinstance(item, Fact) for item in items) == 1000


def test_an_empty_array_holds_no_message():
    noted, tally = read(b"[]")
    assert (noted.code, tally.messages) == ("empty-array", 0)


def test_in_a_large_array_only_the_message_beyond_1_mib_is_refused():
    large = SAMPLES["charge.posted"] | {"extra": "x" * MIB}
    first, second, _ = read(sent([SAMPLES["charge.posted"], large]))
    assert isinstance(first, Fact)
    assert (second.code, second.where) == ("too-large", "$[1]")


def test_a_repeated_key_parks_its_own_message_and_no_neighbour():
    repeated = GOOD.replace(b'"amount":', b'"amount": "1.00", "amount":')
    first, second, third, _ = read(b"[" + b",".join([GOOD, repeated, GOOD]) + b"]")
    assert isinstance(first, Fact) and isinstance(third, Fact)
    assert (second.code, second.where) == ("duplicate-key", "$[1].data.amount")


def test_many_escaped_quotes_cost_no_more_than_their_length():
    started = time.perf_counter()
    items = read(b'{"a": "' + b'\\"' * (MIB // 2 - 10))
    assert items[0].code == "not-json"
    assert time.perf_counter() - started < 2


@pytest.mark.parametrize("kind", ["claim.adjudicated", "charge.posted"])
def test_a_message_cut_anywhere_is_refused_and_never_raises(kind):
    whole = json.dumps(SAMPLES[kind], indent=1).encode()
    for end in range(len(whole)):
        items = read(whole[:end])
        assert [type(item) for item in items] == [Rejected, Tally]
        assert items[0].code == "not-json"


def test_flipped_bytes_never_raise():
    chance = random.Random(835)
    whole = bytearray(sent(SAMPLES["claim.adjudicated"]))
    for _ in range(2000):
        flipped = whole.copy()
        for _ in range(chance.randint(1, 3)):
            flipped[chance.randrange(len(flipped))] = chance.randrange(256)
        items = read(bytes(flipped))
        assert isinstance(items[-1], Tally)
        assert sum(isinstance(item, (Fact, Rejected)) for item in items) == 1


def leaves(value, path=()):
    inner = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    )
    if inner is None:
        yield path
    else:
        for step, item in inner:
            yield from leaves(item, (*path, step))


@pytest.mark.parametrize("kind", sorted(SAMPLES))
@pytest.mark.parametrize("canary", ["CANARY\x00", "CANARY" * 500, ["CANARY"], {"CANARY": "CANARY"}])
def test_no_value_of_a_message_is_ever_repeated_in_a_finding(kind, canary):
    for path in leaves(SAMPLES[kind]):
        message = copy.deepcopy(SAMPLES[kind])
        holder = message
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = canary
        holder["surplus" if isinstance(holder, dict) else 0] = "CANARY"
        for item in read(sent(message)):
            if isinstance(item, (Noted, Rejected)):
                assert (
                    "CANARY"
                    not in f"{item.code} {item.where} {getattr(item, 'reason', '')}{getattr(item, 'message', '')}"
                )


@pytest.mark.parametrize(
    ("head", "answer"),
    [
        (b"{", True),
        (b" \n[", True),
        (b"\xef\xbb\xbf{", True),
        (b"ISA*", False),
        (b"MSH|", False),
        (b"", False),
    ],
)
def test_json_is_told_by_its_first_sign(head, answer):
    assert looks_like_json(head) is answer
