# ruff: noqa: E501
"""Native messages for tests: the samples, and what becomes of them when something is changed."""

import copy
import json
from datetime import UTC, datetime
from pathlib import Path

from hypothesis import strategies as st

from adapters import native
from schemas.wire.native import TYPES

HERE = Path(__file__).parent
SAMPLES = {kind: json.loads((HERE / f"{kind}.json").read_bytes()) for kind in TYPES}
NOW = datetime(2026, 7, 1, tzinfo=UTC)

ODD = [
    None, "", " ", "x", " x", "x ", "a\nb", "a\x00b", "a\x7fb", "é", "\u00a0x", "x" * 101, "x" * 2001,
    0, 1, -1, 99, 100, 10**9, 2**63, 1.0, 12.5, True, False, [], {}, [None], [1], ["x"], [{}], {"id": "x"},
    {"id": "x", "name": None}, {"facility": "G", "number": "1"}, {"facility": "G/H", "number": "1"},
    "0", "-0", "-0.00", "0.00", "1.5", "1.555", "1e5", "12,50", "+1.00", "1.", ".5", "1_0.00", "٣.00",
    "99999999.99", "100000000.00", "-99999999.99", "00000001.00", "000000001.00", "NaN", "Infinity",
    "2026-02-28", "2026-02-29", "2024-02-29", "20260228", "2026-2-28", "2026-W09-6", "9999-12-31", "2999-12-31",
    "3000-01-01", "1799-12-31", "0001-01-01", "2026-03-14T00:00:00Z", "2026-03-14T00:00:00", "2026-03-14T24:00:00Z",
    "2026-03-14t00:00:00.123456789z", "2026-03-14 00:00:00Z", "2026-03-14T00:00:60Z", "2026-03-14T00:00:00+24:00",
    "9999-12-31T23:59:59-10:00", "1", "22", "99", "other", "patient", "active", "CO", "USD", "usd", "US", "baton/2",
]  # fmt: skip


def places(value, path=()):
    """The path of every value inside a message."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for step, item in inner:
        yield from places(item, (*path, step))


def _holder(message, path):
    for step in path[:-1]:
        message = message[step]
    return message


@st.composite
def messages(draw, most=3):
    """A sample with up to `most` values replaced, removed or added."""
    message = copy.deepcopy(SAMPLES[draw(st.sampled_from(sorted(SAMPLES)))])
    for _ in range(draw(st.integers(0, most))):
        path = draw(st.sampled_from([place for place in places(message) if place]))
        holder = _holder(message, path)
        change = draw(st.sampled_from(["replace", "remove", "replace", "add"]))
        if change == "replace":
            holder[path[-1]] = copy.deepcopy(draw(st.sampled_from(ODD)))
        elif change == "remove":
            del holder[path[-1]]
        elif isinstance(holder, list):
            holder.append(copy.deepcopy(holder[0]))
        else:
            holder[draw(st.sampled_from(["extra", "Jane Doe", "currency"]))] = copy.deepcopy(
                draw(st.sampled_from(ODD))
            )
    return message


def read(body, received_at=NOW):
    """Everything the door yields."""
    return list(native.read(body, feed="test", received_at=received_at))


def sent(message):
    return json.dumps(message).encode()
