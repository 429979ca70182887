"""Our reader held against hl7apy: the fields that decide, on every published message and generated ones."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path

import pytest
from hl7apy.core import Message
from hl7v2.messages import PAIRS, message
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.hl7v2.conformance import check, parsed
from adapters.hl7v2.framing import Raw, framed
from adapters.hl7v2.segments import Segment

SAMPLES = Path(__file__).parents[2].parent / "shared" / "samples" / "hl7v2"
FILES = sorted(SAMPLES.glob("*")) if SAMPLES.exists() else []

READ = {
    "MSH": (3, 4, 7, 9, 10, 12),
    "EVN": (1, 2),
    "PID": (3, 5, 7, 8, 11, 13, 15, 18, 29, 30),
    "PV1": (2, 19, 20, 44, 45, 46, 47, 48, 49),
    "GT1": (1, 2, 3, 5, 6, 8, 9, 11, 13, 15),
    "IN1": (1, 2, 3, 4, 12, 13, 15, 22, 36, 49),
    "FT1": (2, 4, 5, 6, 7, 10, 11, 12, 14, 25),
    "MRG": (1, 3),
    "ACC": (1, 4, 5),
}
"""The fields that facts are made of."""

COMPONENTS = 4
"""Of each field, the first components: hl7apy drops empty ones between unknown later ones."""


def raws(body: bytes) -> list[Raw]:
    return [item for item in framed(body) if isinstance(item, Raw)]


def same(one: str, two: str) -> bool:
    """Equal, or one number written in two ways: hl7apy takes zeros away."""
    if one == two:
        return True
    try:
        return Decimal(one) == Decimal(two)
    except InvalidOperation:
        return False


def differences(raw: Raw, theirs: Message) -> tuple[int, list[tuple[str, int, str, str]]]:
    """How many fields both readers know, and where they read them differently."""
    compared, differing = 0, []
    mine: dict[str, list[Segment]] = {}
    for line in raw.lines:
        mine.setdefault(line[:3], []).append(Segment(line, raw.marks, ""))
    for tag, numbers in READ.items():
        others = [child for child in theirs.children if child.name == tag]
        assert len(others) == len(mine.get(tag, [])), tag
        for segment, other in zip(mine.get(tag, []), others, strict=True):
            fields: dict[str, str] = {}
            for child in other.children:
                fields.setdefault(child.name or "", child.to_er7())
            for n in numbers:
                name = f"{tag}_{n}"
                known = other.structure_by_name is not None and name in other.structure_by_name
                if name not in fields and segment.raw(n) and not known:
                    continue  # a field that this version of the standard does not have
                compared += 1
                parts = fields.get(name, "").split(raw.marks.component)
                ours = segment.raw(n).split(raw.marks.repetition)[0].split(raw.marks.component)
                for at in range(COMPONENTS):
                    one = ours[at].strip() if at < len(ours) else ""
                    two = parts[at].strip() if at < len(parts) else ""
                    if not same(one.rstrip(raw.marks.subcomponent), two.rstrip(raw.marks.subcomponent)):
                        differing.append((tag, n, one, two))
    return compared, differing


@pytest.mark.skipif(not FILES, reason="needs the sample folder beside the project")
def test_published_messages_have_the_same_fields_for_both_readers() -> None:
    compared, differing, given_up = 0, [], []
    for file in FILES:
        for raw in raws(file.read_bytes()):
            theirs = parsed(raw)
            if theirs is None:
                given_up.append(file.name)
                continue
            fields, found = differences(raw, theirs)
            compared += fields
            differing += [(file.name, *one) for one in found]
    assert compared > 2000
    assert differing == []
    assert len(given_up) <= 3, "messages whose separators or segments hl7apy refuses"


@pytest.mark.parametrize("path", PAIRS, ids=lambda path: path.stem)
def test_our_own_messages_have_the_same_fields_for_both_readers(path: Path) -> None:
    for raw in raws(path.read_bytes()):
        theirs = parsed(raw)
        if "#" not in raw.lines[0][:9]:
            assert theirs is not None and differences(raw, theirs)[1] == []


TEXT = st.text(st.sampled_from("ABCDEFGH 0123456789.-'"), max_size=12).map(str.strip)
# hl7apy drops an empty component between those that it does not know; of two it knows both.
FIELD = st.one_of(st.lists(TEXT, min_size=1, max_size=2), st.lists(TEXT.filter(bool), max_size=4)).map(
    "^".join
)


@given(st.lists(FIELD, min_size=20, max_size=49), st.sampled_from(["PV1", "IN1", "GT1", "FT1"]))
@settings(max_examples=20, deadline=None, derandomize=True)
def test_generated_segments_have_the_same_fields_for_both_readers(fields: list[str], tag: str) -> None:
    body = message("ADT^A08", "|".join([tag, *fields]))
    (raw,) = raws(body)
    theirs = parsed(raw)
    assert theirs is not None and differences(raw, theirs)[1] == []


def test_strict_validation_says_what_departs_from_the_standard_and_quotes_nothing() -> None:
    body = message("ADT^A01^ADT_A01", "PV1|1|ZQCANARY")
    found = [*check(body), *check(body + b"ZZZ|ZQCANARY\r")]
    assert {f.code for f in found} == {"conformance"}
    assert ("info", "MSH 1 / PV1-2") in {(f.severity, f.where) for f in found}
    assert "ZQCANARY" not in str(found)
    assert [f.code for f in check(message("ADT^A08").replace(b"2.5.1", b"2.9"))] == ["conformance-unchecked"]
    assert [f.code for f in check(b"nonsense")] == ["not-hl7"]
