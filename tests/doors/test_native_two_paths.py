"""The fast reader against marshmallow: the same records, or the fast one leaves the answer to the other."""

import pytest
from hypothesis import given, settings
from native.generated import SAMPLES, messages, sent

from schemas.wire.reading import Refused, Unusual, read, read_carefully, read_swiftly, without_unknown
from schemas.wire.strict_json import parse


def swiftly(value):
    try:
        return read_swiftly(value)
    except Unusual:
        return None


def carefully(value):
    try:
        return read_carefully(value)
    except Refused:
        return None


@settings(max_examples=600, deadline=None)
@given(messages())
def test_what_the_fast_reader_takes_marshmallow_reads_alike(message):
    quick = swiftly(message)
    if quick is not None:
        assert quick == carefully(message)


@settings(max_examples=600, deadline=None)
@given(messages())
def test_but_for_unknown_fields_the_fast_reader_takes_all_that_marshmallow_takes(message):
    assert swiftly(without_unknown(message)) == carefully(message)


@settings(max_examples=300, deadline=None)
@given(messages())
def test_reading_answers_as_marshmallow_does(message):
    expected = carefully(message)
    try:
        found, _ = read(message)
    except Refused:
        found = None
    assert found == expected


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_every_sample_takes_the_fast_way(kind):
    assert swiftly(SAMPLES[kind]) is not None


@settings(max_examples=300, deadline=None)
@given(messages())
def test_json_is_parsed_as_the_standard_library_parses_it(message):
    assert repr(parse(sent(message))) == repr(message)
