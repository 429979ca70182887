"""From bytes to messages: framing, line ends, character sets, batches, and the bounds on all of them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from adapters.hl7v2.findings import noted, rejected
from adapters.hl7v2.segments import Marks, marks_of
from schemas.facts import Noted, Rejected

MESSAGE_BYTES: Final = 1 << 20
SEGMENTS: Final = 5_000
FIELD_BYTES: Final = 64 * 1024
REPETITIONS: Final = 1_000

_MARK: Final = b"\xef\xbb\xbf"
_AROUND: Final = b"\x0b\x1c\x00\r\n\t \xef\xbb\xbf"
_EDGE: Final = "\x0b\x1c\x1d\x00 \t"
_OPENS: Final = re.compile(rb"(?:MSH|FHS|BHS)(?![A-Za-z0-9])", re.ASCII)
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TAG: Final = re.compile(r"[A-Z][A-Z0-9]{2}", re.ASCII)
_USUAL_TAGS: Final = frozenset(
    ("MSH", "EVN", "PID", "PD1", "NK1", "PV1", "PV2", "GT1", "IN1", "IN2", "IN3", "FT1", "DG1", "PR1", "OBX",
     "ACC", "MRG", "AL1", "ROL", "NTE")
)  # fmt: skip
"""Names that need no look at their letters."""

CHARSETS: Final[dict[str, str]] = {
    "": "ascii",
    "ASCII": "ascii",
    "ISO IR6": "ascii",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    **{f"8859/{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    **{f"ISO-8859-{n}": f"iso8859-{n}" for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 15)},
    "ISO IR100": "iso8859-1",
    "ISO IR14": "shift_jis",
    "ISO IR87": "iso2022_jp",
    "ISO IR159": "iso2022_jp_1",
    "GB 18030-2000": "gb18030",
    "KS X 1001": "euc_kr",
    "BIG-5": "big5",
    "WINDOWS-1252": "cp1252",
}
"""MSH-18 to a codec. Source: HL7 table 0211, and spellings seen in feeds."""


@dataclass(slots=True)
class Raw:
    """One message: its number among those of the body, its segments as lines, and its separators."""

    number: int
    lines: list[str]
    marks: Marks


Framed: TypeAlias = Raw | Noted | Rejected


def looks_like_hl7(head: bytes) -> bool:
    """Whether the first bytes begin an HL7 v2 message, batch or file.

    >>> looks_like_hl7(b"\\x0bMSH|^~"), looks_like_hl7(b"MSHELL")
    (True, False)
    """
    start = head.lstrip(_AROUND)
    return bool(_OPENS.match(start)) and not start[3:4].isalnum()


def framed(body: bytes) -> Iterator[Framed]:
    """Every message of a body in order, with what was noticed on the way; never raises for any bytes."""
    start = body.lstrip(_AROUND)
    text = start.rstrip(b"\x0b\x1c\x00\r\n")
    if not text:
        yield rejected("empty", "")
        return
    if not _OPENS.match(text):
        yield rejected("not-hl7", "")
        return
    if len(start) != len(body) or len(text) != len(start.rstrip(b"\r\n")):
        yield noted("framing-left", "")
    yield from _Walk().over(text)


def messages_of(body: bytes) -> Iterator[bytes]:
    """The bytes of each message of a file, as one sends them; the batch segments around them left out."""
    text = body.lstrip(_AROUND).rstrip(b"\x0b\x1c\x00\r\n")
    starts = [found.end() for found in _BLOCK.finditer(text)] or [0]
    for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
        block = text[start:end].strip(b"\x0b\x1c\x00\r\n")
        if block[:3] not in (b"FHS", b"BHS", b"BTS", b"FTS"):
            yield re.sub(rb"\r\n|\n", b"\r", block) + b"\r"


def _decoded(block: bytes, where: str) -> Iterator[Noted | str]:
    """The block's text last, what was noticed before it."""
    switches = (
        b"\x1b" in block
    )  # ISO 2022 changes its character set by escapes, in bytes that look like ASCII
    if not switches and block.isascii():
        yield block.decode("ascii")
        return
    head = re.split(rb"[\r\n]", block, maxsplit=1)[0]
    fields = head.split(head[3:4]) if len(head) > 3 else []
    stated = fields[17].decode("ascii", "replace").upper() if len(fields) > 17 else ""
    named = [name.strip() for name in stated.split("~")]
    codec = CHARSETS.get(named[0])
    if switches:
        codec = next((c for c in map(CHARSETS.get, named) if c and c.startswith("iso2022")), codec)
    if codec is None:
        yield noted("charset-unknown", where)
    else:
        try:
            yield block.decode(codec)
            return
        except UnicodeDecodeError:
            yield noted("charset-mismatch", where)
    try:
        yield block.decode("utf-8")
    except UnicodeDecodeError:
        yield block.decode("iso8859-1")


_BLOCK: Final = re.compile(
    rb"(?:^|(?<=[\r\n\x0b\x1c]))[\x0b\x1c\x00 \t]*(?=(?:MSH|FHS|BHS|BTS|FTS)(?![A-Za-z0-9]))"
)
"""Where a message or an envelope segment begins: at the start of a line or of a frame only."""


def _starts(text: bytes) -> list[int]:
    if text[:3] == b"MSH" and text.count(b"MSH") == 1 and b"\rBTS" not in text and b"\nBTS" not in text:
        return [0]
    return [found.end() for found in _BLOCK.finditer(text)]


class _Walk:
    """Where the reader stands among files, batches and messages."""

    def __init__(self) -> None:
        self._messages = 0
        self._in_batch = 0
        self._batches = 0
        self._batches_in_file = 0
        self._files = 0
        self._batch_open = self._file_open = False

    def over(self, text: bytes) -> Iterator[Framed]:
        starts = _starts(text)
        for start, end in zip(starts, [*starts[1:], len(text)], strict=True):
            block = text[start:end]
            tag = block[:3]
            if tag == b"MSH":
                self._messages += 1
                self._in_batch += 1
                yield from _message(block, self._messages)
            else:
                yield from self._envelope(tag, block)
        yield from self._leave_batch()
        yield from self._leave_file()

    def _envelope(self, tag: bytes, block: bytes) -> Iterator[Framed]:
        if tag == b"FHS":
            yield from self._leave_batch()
            yield from self._leave_file()
            self._files += 1
            self._file_open, self._batches_in_file = True, 0
        elif tag == b"BHS":
            yield from self._leave_batch()
            self._batches += 1
            self._batches_in_file += 1
            self._batch_open, self._in_batch = True, 0
        elif tag == b"BTS":
            if self._differs(block, self._in_batch):
                yield rejected("batch-count", f"BHS {self._batches}")
            self._batch_open = False
        else:
            yield from self._leave_batch()
            if self._differs(block, self._batches_in_file):
                yield rejected("batch-count", f"FHS {self._files}")
            self._file_open = False

    @staticmethod
    def _differs(block: bytes, counted: int) -> bool:
        """Whether a trailer states another count; an empty count states none."""
        fields = re.split(rb"[\r\n]", block, maxsplit=1)[0].split(block[3:4]) if len(block) > 3 else []
        stated = fields[1].strip() if len(fields) > 1 else b""
        return bool(stated) and not (
            stated.isdigit() and stated.lstrip(b"0") == (b"%d" % counted).lstrip(b"0")
        )

    def _leave_batch(self) -> Iterator[Framed]:
        if self._batch_open:
            self._batch_open = False
            yield rejected("batch-cut-short", f"BHS {self._batches}")

    def _leave_file(self) -> Iterator[Framed]:
        if self._file_open:
            self._file_open = False
            yield rejected("batch-cut-short", f"FHS {self._files}")


def _message(block: bytes, number: int) -> Iterator[Framed]:
    where = f"MSH {number}"
    if len(block) > MESSAGE_BYTES:
        yield rejected("message-too-large", where)
        return
    text = ""
    for item in _decoded(block, where):
        if isinstance(item, str):
            text = item
        else:
            yield item
    first = _LINE_END.search(text)
    marks = marks_of(text if first is None else text[: first.start()])
    if isinstance(marks, Rejected):
        yield rejected(marks.code, where)
        return
    lines = text.split("\r") if "\n" not in text else _LINE_END.split(text)
    fault = _fault(lines, marks, len(text))
    if fault:
        yield rejected(fault, where)
        return
    if text[4:8] != text[4:8].rstrip(marks.field) or marks.field in text[4:8]:
        yield noted("encoding-characters", where)
    yield Raw(number, lines, marks)


def _fault(lines: list[str], marks: Marks, size: int) -> str:
    """Why the message as a whole cannot be read; the lines are left clean."""
    kept: list[str] = []
    ends = (marks.field, "")
    for line in lines:
        clean = line.strip(_EDGE) if line[:1] in _EDGE or line[-1:] in _EDGE else line
        if not clean:
            continue
        if clean[3:4] not in ends or (clean[:3] not in _USUAL_TAGS and not _TAG.match(clean)):
            return "stray-line"
        kept.append(clean)
    if len(kept) > SEGMENTS:
        return "too-many-segments"
    if size > FIELD_BYTES and any(
        len(field.encode("utf-8", "replace")) > FIELD_BYTES
        for line in kept
        if len(line) > FIELD_BYTES // 4
        for field in line.split(marks.field)
    ):
        return "field-too-long"
    if size > REPETITIONS and any(
        field.count(marks.repetition) >= REPETITIONS
        for line in kept
        if line.count(marks.repetition) >= REPETITIONS
        for field in line.split(marks.field)
    ):
        return "too-many-repetitions"
    lines[:] = kept
    return ""
