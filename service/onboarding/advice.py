"""What to write into a feed's file: lines to paste, and lines to complete where a person must choose.

Nothing that decides whether money was paid is ever guessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from adapters.hl7v2.mapping import KINDS, MEANINGS
from adapters.hl7v2.reading import EVENTS
from schemas.census import Census
from service.mappings import FeedMapping

STANDARD_TYPES: Final = {"CG": "charge"}
"""What FT1-6 says by the standard alone. Source: HL7 v2 table 0017."""

LIKELY: Final = {"PY": "payment.", "CO": "payment.", "CD": "charge.reversal", "AJ": "adjustment."}
"""What a code under each FT1-6 most likely means, proposed first; a person chooses. Source: table 0017."""

SURE_KINDS: Final = {kind.upper().replace("_", ""): kind for kind in KINDS}
FEWEST: Final = 0.9


@dataclass(frozen=True, slots=True)
class Unknown:
    """A code that the mapping does not know: in which field, how often, and what must be said of it."""

    field: str
    code: str
    count: int
    table: str
    choices: tuple[str, ...]
    sure: str | None = None


def unknown_codes(census: Mapping[str, Census], mapping: FeedMapping) -> list[Unknown]:
    """Every code that the feed's mapping does not know, the most frequent first."""
    found = [*_hl7v2(census.get("hl7v2"), mapping), *_fhir(census.get("fhir"), mapping)]
    return sorted(found, key=lambda one: (one.field, -one.count, one.code))


def _hl7v2(census: Census | None, mapping: FeedMapping) -> Iterator[Unknown]:
    if census is None:
        return
    known = mapping.hl7v2
    for both, count in census.codes.get("FT1-7", Counter[str]()).items():
        type, _, code = both.partition("|")
        if code not in known.ft1_code and type not in known.ft1_type:
            yield Unknown(
                f"FT1-7 (FT1-6 {type})" if type else "FT1-7",
                code,
                count,
                "hl7v2.ft1_code",
                tuple(sorted(MEANINGS, key=lambda meaning: not meaning.startswith(LIKELY.get(type, "")))),
            )
    for type, count in census.codes.get("FT1-6", Counter[str]()).items():
        if type not in known.amount_sign:
            choices = ("magnitude", "signed", "inverted")
            yield Unknown("FT1-6 (sign)", type, count, "hl7v2.amount_sign", choices)
    for code, count in census.codes.get("IN1-15", Counter[str]()).items():
        if code not in known.plan_kind:
            sure = SURE_KINDS.get(code.upper().replace("_", "").replace(" ", ""))
            yield Unknown("IN1-15", code, count, "hl7v2.plan_kind", KINDS, sure)
    if not census.fields["IN1-15"]:
        for code, count in census.codes.get("IN1-3", Counter[str]()).items():
            if code not in known.payer_kind:
                yield Unknown("IN1-3", code, count, "hl7v2.payer_kind", KINDS)
    for code, count in census.codes.get("PV1-20", Counter[str]()).items():
        if code not in known.financial_class:
            yield Unknown("PV1-20", code, count, "hl7v2.financial_class", ("a word your policy uses",))


def _fhir(census: Census | None, mapping: FeedMapping) -> Iterator[Unknown]:
    if census is None:
        return
    for code, count in census.codes.get("Coverage.type", Counter[str]()).items():
        if code not in mapping.fhir.coverage_kinds:
            sure = SURE_KINDS.get(code.upper())
            yield Unknown("Coverage.type", code, count, "fhir.coverage_kinds", KINDS[:-1], sure)


def suggested(census: Mapping[str, Census], mapping: FeedMapping, unread: Mapping[str, int]) -> list[str]:
    """Lines for the feed's file. A line after `#` needs a person's choice; `unread` counts what waits."""
    lines = [*_account(census, mapping, unread)]
    tables: dict[str, list[str]] = {}
    if (hl7v2 := census.get("hl7v2")) is not None:
        tables.setdefault("hl7v2", []).extend(_settings(hl7v2, mapping, unread))
    for one in unknown_codes(census, mapping):
        key = _quoted(one.code)
        if one.sure:
            line = f"{key} = {_quoted(one.sure)}"
        else:
            others = " | ".join(one.choices[1:])
            line = f"# {key} = {_quoted(one.choices[0])}  # {one.count}×{'; or ' + others if others else ''}"
        tables.setdefault(one.table, []).append(line)
    for table, said in tables.items():
        if said:
            lines += ["", f"[{table}]", *said] if lines else [f"[{table}]", *said]
    return lines


def _account(census: Mapping[str, Census], mapping: FeedMapping, unread: Mapping[str, int]) -> Iterator[str]:
    if not unread.get("account-missing"):
        return
    lines: list[str] = []
    if (hl7v2 := census.get("hl7v2")) is not None:
        lines += _account_hl7v2(hl7v2, mapping)
    if (fhir := census.get("fhir")) is not None:
        lines += _account_fhir(fhir)
    if lines:
        yield from ["[account]", *lines]


def _account_hl7v2(census: Census, mapping: FeedMapping) -> Iterator[str]:
    """The field that is filled most often, and not the one that is looked at now."""
    filled = {name: census.fields[name] for name in ("PID-18", "PV1-19", "PV1-50", "PID-3")}
    now = mapping.hl7v2.account
    others = [f"{name} in {n} of {census.of[name]}" for name, n in filled.items() if n and name != now]
    if others:
        best = max((n for n in filled if n != now), key=lambda name: filled[name])
        yield f"# {now} is filled in {filled[now]} of {census.of[now]}; {', '.join(others)}"
        yield f"# field = {_quoted(best)}  # ask the sender which field is the patient account"
        if filled["PID-3"]:
            types = census.codes.get("PID-3.5", Counter[str]())
            said = ", ".join(f"{code} ({n})" for code, n in types.most_common(6))
            yield f'# type = "AN"  # with PID-3: the CX.5 of the account number; here: {said or "none"}'


def _account_fhir(census: Census) -> Iterator[str]:
    name = "claim identifier"
    if census.fields[name]:
        n, of = census.fields[name], census.of[name]
        yield f'# rules = ["patientaccountnumber", "identifier", "claim"]  # claim named: {n} of {of}'
    systems: Counter[str] = Counter()
    for kind, counted in census.codes.items():
        if kind.endswith("identifier.system"):
            systems.update(counted)
    for system, n in systems.most_common(5):
        yield f"# systems = [{_quoted(system)}]  # {n} times; only when it is the account number"


def _settings(census: Census, mapping: FeedMapping, unread: Mapping[str, int]) -> Iterator[str]:
    if mapping.hl7v2.timezone is None and census.fields["MSH-7 offset"] < census.of["MSH-7 offset"]:
        yield '# timezone = "America/New_York"  # where times without an offset are'
    if census.fields["PV1-46"] and mapping.hl7v2.pv1_46 == "ignore":
        yield f'# pv1_46 = "account"  # filled {census.fields["PV1-46"]} times; "patient" if it is his part'
    if unread.get("transaction-id-missing"):
        n = unread["transaction-id-missing"]
        yield f'# transaction_id = "message"  # FT1-2 is empty in {n}; only if none is ever sent again'
    if unread.get("unsupported-event"):
        events = sorted(kind for kind in census.kinds if _ignorable(kind, mapping))
        yield f"# ignore = [{', '.join(map(_quoted, events))}]  # those that say nothing of accounts"


def _ignorable(kind: str, mapping: FeedMapping) -> bool:
    code, _, event = kind.partition("^")
    return bool(event) and (code, event) not in EVENTS and not mapping.hl7v2.ignores(code, event)


def aliases(names: Mapping[str, Mapping[str, None]]) -> list[str]:
    """Payers of one name and several ids: one of them is to be the id that every feed shares."""
    lines = []
    for ids in names.values():
        first, *others = ids
        lines += [f"# {_quoted(other)} = {_quoted(first)}  # both have one name" for other in others]
    return ["", "[payers]", *sorted(set(lines))] if lines else []


def _quoted(text: str) -> str:
    """A TOML basic string."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
