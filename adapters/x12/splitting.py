"""Bytes to X12 segments: separators found again at every ISA, any chunking, a limit on everything.

Text is taken byte for byte (Latin-1) so that no input fails to decode; a segment that is valid UTF-8 is
then read as such. CR and LF are noise anywhere unless they are the segment terminator. A control character
inside a segment becomes U+FFFD, which no amount, date or account number accepts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.errors import MessageRejected

SEGMENT_LIMIT_BYTES: Final = 65_536
"""Longest segment that is read. The standard's longest in an 835 stay far below 4 KB."""

HEADER_WINDOW_BYTES: Final = 2_048
"""Within this much text after its start an ISA (or a bare GS or ST) must show its separators."""

_BOM: Final = "\xef\xbb\xbf"
_NOISE: Final = " \t\r\n\x00\x1a"
_TRIM: Final = " \t\x00\x1a"
_AFTER_BARE: Final = {"GS": ("ST",), "ST": ("BPR", "TRN", "N1", "CLP", "SE")}


@dataclass(frozen=True, slots=True)
class Separators:
    """What parts elements, components and segments. `component` is empty when no ISA states it."""

    element: str
    component: str
    segment: str


@dataclass(frozen=True, slots=True)
class Batch:
    """Segments under one set of separators, never empty ones.

    `terminated` is False for text after the last terminator of the input: perhaps a segment cut short.
    """

    separators: Separators
    segments: list[str]
    terminated: bool = True


def looks_like_x12(head: bytes) -> bool:
    """Tell X12 by the first bytes of a message: ISA, or GS or ST without an envelope.

    >>> looks_like_x12(b"ISA*00*"), looks_like_x12(b"\\xef\\xbb\\xbf\\nST|835|1"), looks_like_x12(b"MSH|^")
    (True, True, False)
    """
    text = head[:256].decode("latin-1").removeprefix(_BOM).lstrip(_NOISE)
    tag = _opening_tag(text)
    if tag is None:
        return False
    return tag == "ISA" or any(ch.isdigit() for ch in text[3:24]) or len(text) < 24


def _opening_tag(text: str) -> str | None:
    for tag in ("ISA", "GS", "ST"):
        if text.startswith(tag):
            mark = text[len(tag) : len(tag) + 1]
            return tag if mark and _may_separate(mark) else None
    return None


def _may_separate(mark: str) -> bool:
    return mark.isascii() and not mark.isalnum() and mark not in _NOISE


def separators_of(text: str) -> Separators:
    """Find the separators where an interchange, or a bare group or transaction, begins.

    The ISA is read by its 16 element separators, not by its 106 positions: many senders do not pad it.

    Raises:
        MessageRejected: `not-x12`, `separators` or `truncated`.
    """
    tag = _opening_tag(text)
    if tag is None:
        code = "separators" if text.startswith("ISA") else "not-x12"
        raise MessageRejected(code, "the message does not begin with ISA, GS or ST and a separator")
    found = _from_isa(text) if tag == "ISA" else _from_bare(text, tag)
    marks = [mark for mark in (found.element, found.component, found.segment) if mark]
    plain = all(mark.isascii() and not mark.isalnum() for mark in marks)
    if len(set(marks)) < len(marks) or not plain or found.segment == " ":
        raise MessageRejected("separators", "separators are equal, or letters, digits or outside ASCII")
    return found


def _from_isa(text: str) -> Separators:
    element, at = text[3], 3
    for _ in range(15):
        at = text.find(element, at + 1, HEADER_WINDOW_BYTES)
        if at < 0:
            code = "truncated" if len(text) < 104 else "separators"
            raise MessageRejected(code, "the ISA does not hold its 16 elements")
    marks = text[at + 1 : at + 3]
    if not marks or (len(marks) == 1 and marks not in "\r\n"):
        raise MessageRejected("truncated", "the message ends inside its ISA")
    if marks[0] in "\r\n":
        return Separators(element, "", "\n")
    if marks[1] not in "\r\n":
        return Separators(element, marks[0], marks[1])
    following = text[at + 2 :].lstrip("\r\n").replace("\r", "\n").partition("\n")[0]
    if following.endswith(marks[0]):
        # ISA16 was left out: what stands in its place ends the next line as well, so it is the terminator.
        return Separators(element, "", marks[0])
    return Separators(element, marks[0], "\n")


def _from_bare(text: str, tag: str) -> Separators:
    element = text[2]
    for following in _AFTER_BARE[tag]:
        at = text.find(following + element, 3, HEADER_WINDOW_BYTES)
        while at > 0:
            before = text[:at].rstrip(_NOISE)
            if before and not before[-1].isalnum() and before[-1] != element:
                return Separators(element, "", before[-1])
            if text[at - 1] in "\r\n":
                return Separators(element, "", "\n")
            at = text.find(following + element, at + 1, HEADER_WINDOW_BYTES)
    raise MessageRejected("separators", "without an ISA the segment terminator cannot be told")


def batches(chunks: Iterable[bytes]) -> Iterator[Batch]:
    """Cut a message into segments, holding no more than one chunk and one segment.

    The segments are the same for any division of the message into chunks.

    Raises:
        MessageRejected: from the place that cannot be split on; all before it has been yielded.
    """
    cutter = _Cutter()
    for chunk in chunks:
        yield from cutter.take(chunk.decode("latin-1"), ended=False)
    yield from cutter.take("", ended=True)


class _Cutter:
    """What is held between chunks: text not yet cut, and the separators in force."""

    def __init__(self) -> None:
        self.held = ""
        self.separators: Separators | None = None
        self.begun = False

    def take(self, text: str, *, ended: bool) -> Iterator[Batch]:
        self.held += text
        while self.separators is not None or self._opens(ended):
            separators = self.separators or separators_of(self.held)
            if self.separators is None and self.held.startswith("ISA"):
                header, self.held = _first_segment(self.held, separators)
                yield Batch(separators, [header])
            self.separators = separators
            following = _next_interchange(self.held, separators)
            region = self.held if following < 0 else self.held[:following]
            segments, rest, fits = _cut(region, separators)
            if segments:
                yield Batch(separators, segments)
            if not fits:
                raise MessageRejected(
                    "segment-too-long", f"a segment is longer than {SEGMENT_LIMIT_BYTES} bytes"
                )
            if following < 0:
                self.held = rest
                break
            self.held, self.separators = self.held[following:], None
        if ended and self.separators is not None and self.held.strip(_NOISE):
            yield Batch(self.separators, _cleaned([self.held], self.separators), terminated=False)

    def _opens(self, ended: bool) -> bool:
        """Whether enough is held to find separators in."""
        if not self.begun and len(self.held) < len(_BOM) and not ended:
            return False
        self.held = (self.held if self.begun else self.held.removeprefix(_BOM)).lstrip(_NOISE)
        self.begun = True
        return bool(self.held) and (ended or len(self.held) >= HEADER_WINDOW_BYTES)


def _first_segment(text: str, separators: Separators) -> tuple[str, str]:
    """The ISA itself and what follows it; the ISA has no other way to end than after its 16th element."""
    end = 3
    for _ in range(15):
        end = text.find(separators.element, end + 1)
    end += 1 + len(separators.component)
    return text[:end].replace("\r", "").replace("\n", ""), text[end + 1 :]


def _next_interchange(text: str, separators: Separators) -> int:
    """Where a segment begins that is an ISA, or -1. "ISA" inside a name is preceded by something else."""
    ends = "\r\n" if separators.segment == "\n" else separators.segment
    passed_over = _TRIM if separators.segment == "\n" else _NOISE
    at = text.find("ISA")
    while at >= 0:
        mark = text[at + 3 : at + 4]
        if mark and not mark.isalnum() and mark not in ends and mark not in _NOISE:
            before = at - 1
            while before >= 0 and text[before] in passed_over:
                before -= 1
            if before < 0 or text[before] in ends:
                return at
        at = text.find("ISA", at + 1)
    return -1


def _cut(text: str, separators: Separators) -> tuple[list[str], str, bool]:
    """Whole segments, the text after the last terminator, and whether all kept within the limit.

    Segments from the first one that is too long on are left out.
    """
    wrapped = separators.segment != "\n"
    if not wrapped:
        text = text.replace("\r", "\n")
    end = text.rfind(separators.segment)
    region, rest = (text[:end], text[end + 1 :]) if end >= 0 else ("", text)
    if wrapped:  # at once rather than segment by segment, as `_cleaned` would
        region = region.replace("\n", "").replace("\r", "")
    if len(rest) > SEGMENT_LIMIT_BYTES:
        rest = (rest.replace("\n", "").replace("\r", "") if wrapped else rest).lstrip(_TRIM)
    segments = region.split(separators.segment)
    fits = len(rest) <= SEGMENT_LIMIT_BYTES
    if max(map(len, segments)) > SEGMENT_LIMIT_BYTES:
        for at, segment in enumerate(segments):
            if len(segment.lstrip(_TRIM)) > SEGMENT_LIMIT_BYTES:
                segments, fits = segments[:at], False
                break
    if not (region.isascii() and region.isprintable()):
        segments = _cleaned(segments, separators)
    return [kept for segment in segments if (kept := segment.strip(_TRIM))], rest, fits


def _cleaned(segments: list[str], separators: Separators) -> list[str]:
    marks = separators.element + separators.component
    controls = {n: "�" for n in (*range(32), 127) if chr(n) not in marks}
    cleaned = []
    for segment in segments:
        text = segment.replace("\n", "").replace("\r", "").strip(_TRIM)
        if not text.isascii():
            try:
                text = text.encode("latin-1").decode("utf-8")
            except UnicodeDecodeError:
                pass
        cleaned.append(text if text.isprintable() else text.translate(controls))
    return cleaned
