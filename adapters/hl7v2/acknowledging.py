"""Acknowledgements: what the sender asked for, and the ACK that says what became of its message.

Original mode (MSH-15 and MSH-16 empty): AA when the message is stored and was read, also where a part of it
waits for a person; AE when it is stored and nothing in it could be read; AR when it is stored and is not for
Baton (no HL7, an unsupported type or event), or was refused unstored for its size.
Enhanced mode: the commit acknowledgement that MSH-15 asks for, CA whenever the message is stored; where it
asks for none, the application acknowledgement that MSH-16 asks for. Nothing is acknowledged before it is
stored. Source: HL7 v2.5.1 2.9.2, 2.9.3, tables 0008, 0155, 0357.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from adapters.hl7v2.segments import Marks, Segment, marks_of
from schemas.facts import Rejected

_USUAL: Final = Marks("|", "^", "~", "\\", "&")
_MSH: Final = re.compile(r"(?:^|[\r\n])[\x0b\x00 \t]*(MSH[^\r\n]{0,4096})")
ECHO: Final = 200
"""Longest field of the sender's that is said back."""

NOT_FOR_US: Final = frozenset(
    {"empty", "not-hl7", "separators", "unsupported-event", "unknown-format", "wrong-door", "wrong-format"}
)
AGAINST: Final = frozenset({"id-reused", "conflict"})

_ERRORS: Final = {
    "unsupported-event": "201^Unsupported event code^HL70357",
    "account-missing": "101^Required field missing^HL70357",
    "time-missing": "101^Required field missing^HL70357",
    "separators": "102^Data type error^HL70357",
    "id-reused": "205^Duplicate key identifier^HL70357",
    "conflict": "205^Duplicate key identifier^HL70357",
}
_OTHER: Final = "207^Application internal error^HL70357"


@dataclass(frozen=True, slots=True)
class Asked:
    """What an acknowledgement rests on: the sender's header, and what it asks for in MSH-15 and MSH-16."""

    msh: Segment | None

    @classmethod
    def of(cls, body: bytes) -> Asked:
        """The first MSH of a message or batch; none where it cannot be told."""
        found = _MSH.search(body[: 1 << 14].decode("utf-8", "replace").lstrip("\ufeff"))
        if found is None:
            return cls(None)
        marks = marks_of(found[1])
        return cls(None if isinstance(marks, Rejected) else Segment(found[1], marks, ""))

    def field(self, n: int) -> str:
        """A field of the header as it stands, shortened."""
        return self.msh.raw(n).strip()[:ECHO] if self.msh is not None else ""

    @property
    def enhanced(self) -> bool:
        """Whether the sender asks for the enhanced mode."""
        return bool(self.field(15) or self.field(16))


def answer_wanted(asked: Asked) -> bool | None:
    """Whether the sender asks for an answer; None when that depends on what becomes of the message."""
    if not asked.enhanced:
        return True
    wish = asked.field(15).upper()
    if wish in ("", "NE"):
        wish = asked.field(16).upper()
    return {"AL": True, "NE": False, "": False}.get(wish)


def verdict(rejected: Iterable[Rejected]) -> tuple[str, Rejected | None]:
    """`A`, `E` or `R`, and why: by what waits of a stored message, the same whenever it is asked."""
    worst: tuple[str, Rejected | None] = ("A", None)
    for part in rejected:
        if part.code in NOT_FOR_US and (not part.where or part.where == "MSH 1"):
            return "R", part
        if worst[0] == "A" and (part.code in AGAINST or _whole(part.where)):
            worst = ("E", part)
    return worst


def _whole(where: str) -> bool:
    """Whether the place is a message or a patient: then nothing of it was read."""
    part = where.partition(" / ")[2]
    return not part or (part.startswith("PID ") and " / " not in part)


def acknowledge(asked: Asked, rejected: Iterable[Rejected], seal: str, stored_at: datetime) -> bytes | None:
    """The acknowledgement of a stored message; None where the sender wants none.

    `seal` is the message's SHA-256, `stored_at` when it was first stored: the same message always gets the
    same bytes back.
    """
    letter, why = verdict(rejected)
    if asked.enhanced:
        wish = asked.field(15).upper()
        if wish in ("AL", "SU"):
            return _written(asked, "CA", None, seal, stored_at)
        if wish == "ER":
            return None
        wish = asked.field(16).upper()
        if wish in ("", "NE") or (wish == "ER" and letter == "A") or (wish == "SU" and letter != "A"):
            return None
    return _written(asked, f"A{letter}", why, seal, stored_at)


def refuse(asked: Asked, why: Rejected, seal: str, at: datetime) -> bytes:
    """The answer to a message that was not stored."""
    return _written(asked, "CR" if asked.enhanced else "AR", why, seal, at)


def code_of(answer: bytes) -> str:
    """MSA-1 of an acknowledgement; empty where it has none.

    >>> code_of(b"MSH|^~\\\\&|\\rMSA|AA|1\\r")
    'AA'
    """
    text = answer.decode("utf-8", "replace")
    found = re.search(r"[\r\n]MSA(.)([A-Z]{2})(?:\1|[\r\n]|$)", text)
    return found[2] if found else ""


def _written(asked: Asked, code: str, why: Rejected | None, seal: str, at: datetime) -> bytes:
    marks = asked.msh.marks if asked.msh is not None else _USUAL
    signs = asked.field(2) or "^~\\&"
    event = asked.msh.text(9, 2) if asked.msh is not None else ""
    version = asked.field(12)
    kind = marks.component.join(["ACK", event, "ACK"] if event else ["ACK"])
    when = at.astimezone(UTC).strftime("%Y%m%d%H%M%S+0000")
    text = _plain(f"{why.reason} [{why.code}]", marks) if why is not None else ""
    parties = [asked.field(n) for n in (5, 6, 3, 4)]
    lines = [
        ["MSH" + marks.field + signs, *parties, when, "", kind, seal[:20], asked.field(11) or "P",
         version or "2.5.1"],
        ["MSA", code, asked.field(10), text[:80] if _after_2_4(version) else text],
    ]  # fmt: skip
    if why is not None and _after_2_4(version):
        error = _ERRORS.get(why.code, _OTHER).replace("^", marks.component)
        lines.append(["ERR", "", _location(why.where, marks), error, "E", "", "", "", text])
    return "".join(marks.field.join(line) + "\r" for line in lines).encode()


def _after_2_4(version: str) -> bool:
    return not version.startswith(("2.1", "2.2", "2.3", "2.4"))


def _location(where: str, marks: Marks) -> str:
    """ERR-2 from a place: segment, its number, field."""
    parts = where.split(" / ")[-2:]
    found = re.search(r"([A-Z][A-Z0-9]{2}) (\d+)(?: / [A-Z0-9]{3}-(\d+))?$", " / ".join(parts))
    return marks.component.join(group for group in found.groups() if group) if found else ""


def _plain(text: str, marks: Marks) -> str:
    """Our words without any sign that separates fields here."""
    return "".join(" " if c in marks or c in "\r\n" else c for c in text)
