"""What the HL7 v2 tests share: small messages, reading them, and a plain form of what was read."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from adapters.hl7v2 import Mapping, read
from schemas.facts import Fact, Item, Noted, Rejected, Tally

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PAIRS = sorted(Path(__file__).parent.glob("*.hl7"))
SITE = Mapping.from_table(
    {
        "ft1_code": {
            "PTPMT": "payment.patient",
            "INSPMT": "payment.payer",
            "CONTR": "adjustment.contractual",
            "CHAR": "adjustment.charity",
            "REV": "charge.reversal",
            "MEMO": "ignore",
        },
        "amount_sign": {"AJ": "signed", "CD": "magnitude"},
        "payer_kind": {"PAYER001": "commercial", "MCR": "medicare"},
        "abn": {"2": "valid"},
        "pv1_46": "account",
    }
)
ZONE = ZoneInfo("America/New_York")

B = TypeVar("B")


def message(event: str, *segments: str, sent: str = "20260402083000", control: str = "M1") -> bytes:
    """An ADT, BAR or DFT message of one account, A1; a segment given replaces none of the usual ones."""
    head = f"MSH|^~\\&|PAS|GENHOSP|BATON|GEN|{sent}||{event}|{control}|P|2.5.1"
    pid = "PID|1||MRN1^^^GENHOSP^MR||DOE^PAT||19800214|F||||||||||A1^^^GENHOSP^AN"
    usual = [] if any(s.startswith("PID") for s in segments) else [pid]
    return "\r".join([head, f"EVN|{event[4:7]}|{sent}", *usual, *segments, ""]).encode()


def items_of(body: bytes, mapping: Mapping = SITE, **terms: Any) -> list[Item]:
    return list(
        read(
            body,
            **{"feed": "adt", "facility": "GEN", "received_at": NOW, "mapping": mapping, "zone": ZONE}
            | terms,
        )
    )


def facts_of(items: list[Item]) -> list[Fact]:
    return [item for item in items if isinstance(item, Fact)]


def bodies(items: list[Item], kind: type[B]) -> list[B]:
    """The bodies of one kind, in order."""
    return [item.body for item in items if isinstance(item, Fact) and isinstance(item.body, kind)]


def parked_of(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in items if isinstance(item, Rejected)]


def noted_of(items: list[Item]) -> list[tuple[str, str]]:
    return [(item.code, item.where) for item in items if isinstance(item, Noted)]


def tally_of(items: list[Item]) -> Tally:
    last = items[-1]
    assert isinstance(last, Tally)
    return last


def plain(items: list[Item]) -> dict[str, Any]:
    """Facts, findings and parked parts as JSON, without ids."""
    return {
        "facts": [
            {**json.loads(fact.content), "identity": fact.identity, "where": fact.where}
            for fact in facts_of(items)
        ],
        "findings": [list(found) for found in noted_of(items)],
        "parked": [list(part) for part in parked_of(items)],
    }
