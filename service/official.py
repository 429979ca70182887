"""Official descriptions of reason and remark codes that a customer holds a licence for: kept at home, shown.

They stand in a file of the customer's own home folder, never in a decision, an event or an answer over HTTP.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

from schemas.errors import BatonError
from service.core import Policy

Kind: TypeAlias = Literal["reason", "remark"]

FILE: Final = "official_codes.json"
LARGEST_BYTES: Final = 8 * 1024 * 1024
LONGEST_TEXT: Final = 2000
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,6}")


@dataclass(frozen=True, slots=True)
class Official:
    """One code of an official list; `stop_on` is the day it ends, None while it is in use."""

    code: str
    text: str
    start_on: date | None = None
    stop_on: date | None = None


def read_list(path: Path) -> list[Official]:
    """Read `code, description[, start, stop]`, separated by commas or tabs; a heading line is passed over.

    Raises:
        BatonError: a line that is none of this, with its number; never with what stands in it.
    """
    try:
        if path.stat().st_size > LARGEST_BYTES:
            raise BatonError("list-too-large", f"it is over {LARGEST_BYTES} bytes", where=str(path))
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise BatonError("unreadable-list", f"cannot read it: {error.strerror}", where=str(path)) from None
    except UnicodeDecodeError:
        raise BatonError("unreadable-list", "it is no UTF-8 text", where=str(path)) from None
    found: dict[str, Official] = {}
    for line, row in _rows(text):
        one = _official(row, f"{path}:{line}")
        found[one.code] = one
    if not found:
        raise BatonError("empty-list", "there is no code in it", where=str(path))
    return list(found.values())


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    first = text.split("\n", 1)[0]
    reader = csv.reader(text.splitlines(keepends=True), delimiter="\t" if "\t" in first else ",")
    try:
        for row in reader:
            heading = reader.line_num == 1 and row and row[0].strip().casefold() in ("code", "codes")
            if any(cell.strip() for cell in row) and not heading:
                yield reader.line_num, [cell.strip() for cell in row]
    except csv.Error:
        raise BatonError("bad-line", "not a line of this list", where=f"line {reader.line_num}") from None


def _official(row: list[str], where: str) -> Official:
    if not 2 <= len(row) <= 4 or not _CODE.fullmatch(row[0]) or not 0 < len(row[1]) <= LONGEST_TEXT:
        raise BatonError("bad-line", "write code, description, and at most two dates", where=where)
    days = [_day(cell, where) for cell in row[2:]]
    return Official(row[0].upper(), row[1], *days)


def _day(text: str, where: str) -> date | None:
    if not text:
        return None
    for form in ("%Y-%m-%d", "%m/%d/%Y"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise BatonError("bad-line", "write dates as 2026-11-01 or 11/01/2026", where=where)


def keep(home: Path, kind: Kind, codes: list[Official]) -> None:
    """Keep a list in place of the one of its kind before, readable by its owner alone."""
    known = texts(home)
    known[kind] = {one.code: one.text for one in codes}
    home.mkdir(parents=True, exist_ok=True)
    part = home / f"{FILE}.part"
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        json.dump(known, out, ensure_ascii=False)
    part.replace(home / FILE)


def texts(home: Path) -> dict[str, dict[str, str]]:
    """The descriptions kept at home, by kind and code.

    Raises:
        BatonError: `unreadable-list`: the file is there and cannot be read.
    """
    try:
        found: dict[str, dict[str, str]] = json.loads((home / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        reason = "cannot be read; import the list again"
        raise BatonError("unreadable-list", reason, where=str(home / FILE)) from None
    return found


def unknown(codes: list[Official], kind: Kind, policy: Policy, on: date) -> list[str]:
    """Codes in use on a day that the policy has no entry for, in the list's order."""
    period = policy.on(on)
    known = period.reasons if kind == "reason" else period.remarks
    return [one.code for one in codes if one.code not in known and (one.stop_on is None or one.stop_on > on)]


def suggestion(kind: Kind, code: str) -> str:
    """An entry for a pack that treats a code as unclassified; the words are ours, not the official ones."""
    label = 'class = "REVIEW"' if kind == "reason" else 'effect = "NOTE"'
    text = "Not classified yet: say in your own words what it means, and choose what it does."
    return f'[[{kind}]]\ncodes = ["{code}"]\n{label}\ntext = "{text}"\n'


def used_in(told: dict[str, Any], home: Path) -> dict[str, str]:
    """The official descriptions of the reason codes in an explanation, by group and code."""
    known = texts(home).get("reason", {})
    reasons = [share["reason"] for share in told["responsibility"]]
    return {f"{r['group']}-{r['code']}": known[r["code"]] for r in reasons if r["code"] in known}
