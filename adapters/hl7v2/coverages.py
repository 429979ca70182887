"""Who pays, in which order: IN1 segments become `coverage.listed`, the whole list or nothing."""

from __future__ import annotations

from adapters.hl7v2.group import Group
from adapters.hl7v2.segments import Segment
from schemas.facts import Coverage, CoverageListed, Payer


def list_coverages(group: Group) -> None:
    """State the account's payers where the message lists any; no IN1 states nothing, never self-pay."""
    segments = _of_the_account(group)
    if not segments:
        return
    where = f"{group.where} / IN1"
    kinds = [_kind(group, s) for s in segments]
    paying = [(s, k) for s, k in zip(segments, kinds, strict=True) if k != "self_pay"]
    orders = _orders(group, [s for s, _ in paying])
    if orders is None:
        group.park("payer-order", where)
        return
    listed: dict[tuple[int, str], Coverage] = {}
    for order, (segment, kind) in zip(orders, paying, strict=True):
        payer = _payer(group, segment)
        if payer is None:
            group.park("payer-missing", segment.place)
            return
        listed.setdefault((order, payer.id), _coverage(group, segment, order, payer, kind))
    for segment, kind in paying:
        if kind is None:
            group.note("plan-kind-unmapped", f"{segment.place} / IN1-15")
    group.state_now(CoverageListed(tuple(listed[key] for key in sorted(listed))), where)


def _of_the_account(group: Group) -> list[Segment]:
    """IN1 of the visit. In P11 those after an FT1 are for that charge alone. Source: HL7 v2.5.1 6.4.8."""
    found = group.all("IN1")
    if not found or group.header.event != "P11" or "FT1" not in group.by_tag:
        return found
    first = group.ordered.index(group.by_tag["FT1"][0])
    before = [s for s in found if group.ordered.index(s) < first]
    if len(before) < len(found):
        group.note("coverage-of-a-charge", f"{group.where} / IN1")
    return before


def _coverage(group: Group, in1: Segment, order: int, payer: Payer, kind: str | None) -> Coverage:
    return Coverage(
        order,
        payer,
        kind,
        in1.text(36) or in1.text(49) or None,
        group.read_day(in1, 12),
        group.read_day(in1, 13),
    )


def _payer(group: Group, in1: Segment) -> Payer | None:
    mapping = group.terms.mapping
    code = in1.text(3 if mapping.payer_field == "IN1-3" else 2)
    if not code:
        return None
    return Payer(mapping.payer.get(code, code), in1.text(4) or None)


def _kind(group: Group, in1: Segment) -> str | None:
    """The kind of plan by the mapping alone: by payer, then by plan type. None is: not stated."""
    mapping = group.terms.mapping
    code = in1.text(3 if mapping.payer_field == "IN1-3" else 2)
    return mapping.payer_kind.get(code) or mapping.plan_kind.get(in1.text(15))


def _orders(group: Group, segments: list[Segment]) -> list[int] | None:
    """IN1-22 where it numbers every coverage, else IN1-1; None where neither does."""
    priorities = _numbers([s.text(22) for s in segments])
    if priorities is not None and _tells(segments, priorities):
        return priorities
    texts = [s.text(1) for s in segments]
    set_ids = _numbers(["1"] if texts == [""] else texts)  # the only coverage there is comes first
    if set_ids is None or not _tells(segments, set_ids):
        return None
    if segments:
        group.note("order-from-set-id", f"{group.where} / IN1")
    return set_ids


def _numbers(texts: list[str]) -> list[int] | None:
    """The texts as numbers from 1 to 99."""
    if not all(t.isascii() and t.isdigit() and len(t) < 5 and 0 < int(t) < 100 for t in texts):
        return None
    return [int(t) for t in texts]


def _tells(segments: list[Segment], orders: list[int]) -> bool:
    """Whether no two different coverages share a number; one repeated for each visit may."""
    said: dict[int, tuple[str, str]] = {}
    for segment, order in zip(segments, orders, strict=True):
        what = (segment.text(2), segment.text(3))
        if said.setdefault(order, what) != what:
            return False
    return True
