"""What the 835 tests share: reading bytes, and a plain form of what was read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from adapters.x12 import read, read_stream
from schemas.facts import ClaimAdjudicated, Fact, Item, Noted, Rejected, Tally

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PAIRS = sorted(Path(__file__).parent.glob("*.835"))


def items_of(body: bytes) -> list[Item]:
    return list(read(body, feed="era", facility="GEN", received_at=NOW))


def items_in_chunks(body: bytes, size: int) -> list[Item]:
    def chunks() -> Iterator[bytes]:
        return (body[at : at + size] for at in range(0, len(body), size))

    return list(read_stream(chunks, feed="era", facility="GEN", received_at=NOW))


def claims_of(items: list[Item]) -> list[ClaimAdjudicated]:
    return [item.body for item in items if isinstance(item, Fact) and isinstance(item.body, ClaimAdjudicated)]


def parked_of(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in items if isinstance(item, Rejected)]


def noted_of(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in items if isinstance(item, Noted)]


def tally_of(items: list[Item]) -> Tally:
    assert isinstance(items[-1], Tally)
    assert sum(isinstance(item, Tally) for item in items) == 1
    return items[-1]


def plain(items: list[Item]) -> dict[str, Any]:
    """Facts, findings and parked parts as they stand in a `.facts.json`."""
    out: dict[str, Any] = {"facts": [], "findings": [], "parked": []}
    for item in items:
        if isinstance(item, Fact):
            content = json.loads(item.content)
            if item.kind.startswith("claim."):
                del content["key"]  # a digest: tested for itself
            out["facts"].append({**content, "where": item.where})
        elif isinstance(item, Noted):
            out["findings"].append([item.severity, item.code, item.where])
        elif isinstance(item, Rejected):
            out["parked"].append([item.code, item.where, item.account.number if item.account else None])
        else:
            out["tally"] = json.loads(json.dumps(dataclasses.asdict(item)))
    return out


def remittance(*claims: str, payment: str = "100", count: str | None = None) -> bytes:
    """One interchange with one 835 around the given claim segments (each ends in `~`)."""
    header = (
        f"BPR*I*{payment}*C*ACH************20260315~TRN*1*T1*1512345678~DTM*405*20260315~"
        "N1*PR*EXAMPLE HEALTH*XV*60054~N1*PE*EXAMPLE HOSPITAL*XX*1234567893~LX*1~"
    )
    body = "ST*835*0001~" + header + "".join(claims)
    body += f"SE*{count or body.count('~') + 1}*0001~"
    isa = "ISA*00*          *00*          *ZZ*PAYER          *ZZ*HOSPITAL       "
    isa += "*260315*0830*^*00501*000000005*0*T*:~"
    return f"{isa}GS*HP*P*H*20260315*0830*5*X*005010X221A1~{body}GE*1*5~IEA*1*000000005~".encode()


PAID = "CLP*A1*1*100*100**12*P1~"
"""A claim paid in full."""
