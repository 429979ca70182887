"""Segments, fields, components: only what is asked for is split, and escapes are undone last."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

from adapters.hl7v2.findings import rejected
from schemas.facts import Rejected

NULL: Final = '""'
"""A field that states: nothing any more."""

_USUAL: Final = "^~\\&"


class Marks(NamedTuple):
    """The separators of one message. Source: HL7 v2.5.1 2.5.4; the fifth encoding character is 2.7's."""

    field: str
    component: str
    repetition: str
    escape: str
    subcomponent: str


_USUAL_HEAD: Final = f"|{_USUAL}|"
_USUAL_MARKS: Final = Marks("|", *_USUAL)


def marks_of(line: str) -> Marks | Rejected:
    """The separators an MSH (or FHS, BHS) segment declares.

    >>> marks_of("MSH|^~\\\\&|APP").subcomponent
    '&'
    """
    if line[3:9] == _USUAL_HEAD:
        return _USUAL_MARKS
    field = line[3:4]
    given = line[4 : line.find(field, 4) if field and line.find(field, 4) > 0 else None]
    if not field or not 3 <= len(given) <= 5:
        return rejected("separators", "")
    if given == "^\\&":
        given = _USUAL  # the repetition separator left out: seen in published messages
    whole = given if len(given) >= 4 else given + _USUAL[len(given) :]
    signs = field + whole
    if len(set(signs)) != len(signs) or any(c.isalnum() or not c.isprintable() or c == " " for c in signs):
        return rejected("separators", "")
    return Marks(field, *whole[:4])


class Segment:
    """One segment, its fields split once. Field numbers are the standard's, also for MSH."""

    __slots__ = ("fields", "marks", "place", "tag")

    def __init__(self, line: str, marks: Marks, place: str) -> None:
        self.tag = line[:3]
        self.fields = line.split(marks.field)
        if self.tag == "MSH":
            self.fields.insert(1, marks.field)
        self.marks = marks
        self.place = place

    def raw(self, n: int) -> str:
        """A field as it stands; empty when it is not there."""
        return self.fields[n] if n < len(self.fields) else ""

    def first(self, n: int) -> str:
        """The first repetition of a field as it stands; empty when absent or stated as nothing."""
        value = self.fields[n] if n < len(self.fields) else ""
        if not value or value == NULL:
            return ""
        return value.partition(self.marks.repetition)[0] if self.marks.repetition in value else value

    def text(self, n: int, component: int = 1) -> str:
        """One component of a field's first repetition, without blanks around it, escapes undone."""
        fields = self.fields
        if n >= len(fields) or not (value := fields[n]) or value == NULL:
            return ""
        _, joint, again, mark, _ = self.marks
        if again in value:
            value = value.partition(again)[0]
        if component == 1:
            part = value.partition(joint)[0].strip()
        else:
            parts = value.split(joint, component)
            part = parts[component - 1].strip() if len(parts) >= component else ""
        if part == NULL:
            return ""
        return unescaped(part, self.marks) if mark in part else part

    def simple(self, n: int, component: int = 1) -> str:
        """The same, the first sub-component only."""
        value = self.first(n)
        if not value:
            return ""
        marks = self.marks
        parts = value.split(marks.component, component)
        if len(parts) < component:
            return ""
        part = parts[component - 1].partition(marks.subcomponent)[0].strip()
        return unescaped(part, marks) if marks.escape in part else part

    def repetitions(self, n: int) -> list[str]:
        """Every repetition of a field as it stands."""
        value = self.raw(n)
        return [] if not value or value == NULL else value.split(self.marks.repetition)


def component_of(value: str, component: int, marks: Marks) -> str:
    """One component of a repetition."""
    if not value:
        return ""
    if component == 1:
        part = value.partition(marks.component)[0]
    else:
        parts = value.split(marks.component, component)
        part = parts[component - 1] if len(parts) >= component else ""
    part = part.strip()
    if part == NULL:
        return ""
    return unescaped(part, marks) if marks.escape in part else part


_ONE: Final[dict[str, Callable[[Marks], str]]] = {
    "F": lambda marks: marks.field,
    "S": lambda marks: marks.component,
    "T": lambda marks: marks.subcomponent,
    "R": lambda marks: marks.repetition,
    "E": lambda marks: marks.escape,
}
_HEX: Final = re.compile(r"X((?:[0-9A-Fa-f]{2}){1,64})", re.ASCII)
_BREAK: Final = re.compile(r"\.(?:br|sp[0-9]{0,3})", re.ASCII)
_SHOWN: Final = re.compile(r"[HN]|\.(?:in|ti|fi|nf|ce)[+-]?[0-9]{0,3}|[CM][0-9A-Fa-f]{4,6}", re.ASCII)


def unescaped(text: str, marks: Marks) -> str:
    """Undo escape sequences; one that the standard does not have stays as it stands.

    >>> usual = Marks("|", "^", "~", "\\\\", "&")
    >>> unescaped("A \\\\T\\\\ B\\\\.br\\\\C \\\\X41\\\\ 5\\\\E\\\\6", usual)
    'A & B\\nC A 5\\\\6'
    """
    mark = marks.escape
    if mark not in text:
        return text
    pieces = text.split(mark)
    out = [pieces[0]]
    at = 1
    while at < len(pieces):
        if at + 1 == len(pieces):  # a lone escape character
            out += (mark, pieces[at])
            break
        undone = _undone(pieces[at], marks)
        if undone is None:
            out += (mark, pieces[at])
            at += 1
        else:
            out += (undone, pieces[at + 1])
            at += 2
    return "".join(out)


def _undone(name: str, marks: Marks) -> str | None:
    one = _ONE.get(name)
    if one is not None:
        return one(marks)
    if _BREAK.fullmatch(name):
        return "\n"
    if found := _HEX.fullmatch(name):
        return bytes.fromhex(found[1]).decode("utf-8", "replace").replace("\0", "\ufffd")
    return "" if _SHOWN.fullmatch(name) else None
