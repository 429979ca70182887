"""Hostile HL7 v2: bounds, separators, batches, character sets; each with its exact verdict."""

from __future__ import annotations

import os
import random
import time

import pytest
from hl7v2.messages import PAIRS, bodies, facts_of, items_of, message, noted_of, parked_of, tally_of

from schemas.facts import AccountRegistered, Tally

GOOD = message("ADT^A08")


@pytest.mark.parametrize(
    ("body", "parked"),
    [
        (b"", [("empty", "")]),
        (b"\x0b\x1c\r\x00", [("empty", "")]),
        (b"PID|1", [("not-hl7", "")]),
        (b"MSHMMMMM", [("not-hl7", "")]),
        (b"MSH|", [("separators", "MSH 1")]),
        (b"MSH||||", [("separators", "MSH 1")]),
        (b"MSH|^^\\&|", [("separators", "MSH 1")]),
        (b"MSH|^~\\&#!|", [("separators", "MSH 1")]),
        (b"MSH\x01^~\\&\x01", [("separators", "MSH 1")]),
        (b"MSH|abcd|", [("separators", "MSH 1")]),
        (GOOD + b"torn\r", [("stray-line", "MSH 1")]),
        (GOOD + b"NTE|1||" + b"x" * (1 << 20), [("message-too-large", "MSH 1")]),
        (GOOD + b"NTE|1||" + b"x" * 70_000, [("field-too-long", "MSH 1")]),
        (GOOD + b"NTE|1||" + b"x~" * 1_000, [("too-many-repetitions", "MSH 1")]),
        (GOOD + b"NTE\r" * 5_001, [("too-many-segments", "MSH 1")]),
    ],
    ids=lambda value: repr(value[:24]) if isinstance(value, bytes) else "",
)
def test_what_is_beyond_the_bounds_waits_whole_with_its_reason(
    body: bytes, parked: list[tuple[str, str]]
) -> None:
    began = time.monotonic()
    items = items_of(body)
    assert (parked_of(items), facts_of(items)) == (parked, [])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("extra", [b"NTE|1||" + b"x" * 60_000, b"NTE|1||" + b"x~" * 900, b"NTE\r" * 4_990])
def test_what_is_within_the_bounds_is_read(extra: bytes) -> None:
    items = items_of(GOOD + extra)
    assert (parked_of(items), len(facts_of(items))) == ([], 1)


def test_a_bad_message_leaves_its_neighbours_in_a_batch_alone() -> None:
    batch = b"FHS|^~\\&\rBHS|^~\\&\r" + GOOD + b"MSH|\r" + message("ADT^A08", control="2") + b"BTS|3\rFTS|1\r"
    items = items_of(batch)
    assert parked_of(items) == [("separators", "MSH 2")]
    assert (tally_of(items).messages, len(facts_of(items))) == (3, 2)


@pytest.mark.parametrize(
    ("end", "parked"),
    [
        (b"BTS|1\rFTS|1\r", []),
        (b"BTS|001\rFTS\r", []),
        (b"BTS|2\rFTS|1\r", [("batch-count", "BHS 1")]),
        (b"BTS|x\rFTS|1\r", [("batch-count", "BHS 1")]),
        (b"BTS|1\rFTS|2\r", [("batch-count", "FHS 1")]),
        (b"BTS|1\r", [("batch-cut-short", "FHS 1")]),
        (b"", [("batch-cut-short", "BHS 1"), ("batch-cut-short", "FHS 1")]),
    ],
)
def test_a_batchs_counts_are_held_against_what_came(end: bytes, parked: list[tuple[str, str]]) -> None:
    items = items_of(b"FHS|^~\\&\rBHS|^~\\&\r" + GOOD + end)
    assert (parked_of(items), len(facts_of(items))) == (parked, 1)


@pytest.mark.parametrize(
    ("charset", "codec", "noted"),
    [
        ("UNICODE UTF-8", "utf-8", []),
        ("8859/1", "iso8859-1", []),
        ("8859/2", "iso8859-2", []),
        ("", "utf-8", ["charset-mismatch"]),
        ("ASCII", "iso8859-1", ["charset-mismatch"]),
        ("EBCDIC", "utf-8", ["charset-unknown"]),
    ],
)
def test_names_are_read_in_the_character_set_of_the_message(
    charset: str, codec: str, noted: list[str]
) -> None:
    body = (
        GOOD.decode()
        .replace("|2.5.1", f"|2.5.1||||||{charset}")
        .replace("DOE^PAT", "MÜLLER^ZOË" if "2" not in charset[-1:] else "MÜLLER^A")
    )
    (told,) = bodies(items := items_of(body.encode(codec)), AccountRegistered)
    assert told.patient is not None and told.patient.family == "MÜLLER"
    assert [code for code, _ in noted_of(items)] == noted


@pytest.mark.parametrize(
    ("charset", "codec", "name"),
    [
        ("UTF8", "utf-8", "山田"),
        ("8859/5", "iso8859-5", "ИВАНОВ"),
        ("8859/7", "iso8859-7", "ΠΑΠΠΑΣ"),
        ("8859/8", "iso8859-8", "כהן"),
        ("8859/9", "iso8859-9", "ÇELİK"),
        ("8859/15", "iso8859-15", "MŒUR"),
        ("WINDOWS-1252", "cp1252", "MŒUR"),
        ("ISO IR87", "iso2022_jp", "山田"),
        ("~ISO IR87", "iso2022_jp", "山田"),
        ("ASCII~ISO IR159", "iso2022_jp_1", "山田"),
        ("GB 18030-2000", "gb18030", "王"),
        ("KS X 1001", "euc_kr", "김"),
        ("BIG-5", "big5", "陳"),
    ],
)
def test_names_come_in_every_script_that_hl7_names(charset: str, codec: str, name: str) -> None:
    body = GOOD.decode().replace("|2.5.1", f"|2.5.1||||||{charset}").replace("DOE^PAT", f"{name}^A")
    (told,) = bodies(items := items_of(body.encode(codec)), AccountRegistered)
    assert told.patient is not None and told.patient.family == name
    assert noted_of(items) == []


def test_the_word_msh_inside_a_field_begins_no_message() -> None:
    items = items_of(message("ADT^A08", "NTE|1||see MSH|^~\\&| above"))
    assert (tally_of(items).messages, parked_of(items)) == (1, [])


@pytest.mark.slow
def test_random_mutations_for_a_while_never_break_the_reader() -> None:
    """A bounded run; BATON_FUZZ_SECONDS makes it longer."""
    seed = int(os.environ.get("BATON_FUZZ_SEED", "7"))
    chance, ends = random.Random(seed), time.monotonic() + float(os.environ.get("BATON_FUZZ_SECONDS", "10"))
    corpus = [path.read_bytes() for path in PAIRS]
    signs = [
        b"|",
        b"^",
        b"~",
        b"\\",
        b"&",
        b"\r",
        b"\n",
        b"\x0b",
        b"\x1c",
        b'""',
        b"MSH|",
        b"\xff",
        b"PID|",
        b"FT1|",
    ]
    while time.monotonic() < ends:
        body = bytearray(chance.choice(corpus))
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(body) + 1)
            if chance.random() < 0.5:
                body[at:at] = chance.choice(signs) * chance.choice((1, 1, 2, 40))
            else:
                del body[at : at + chance.randint(1, 30)]
        items = items_of(bytes(body))
        assert isinstance(items[-1], Tally) and len(items) > 1, (seed, bytes(body))
