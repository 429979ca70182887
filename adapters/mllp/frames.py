"""Frames out of bytes, sans I/O: start byte, message, end byte and carriage return."""

from __future__ import annotations

from typing import Final

START: Final = b"\x0b"
END: Final = b"\x1c\r"
FRAME_BYTES: Final = 1 << 20
NOISE_BYTES: Final = 4096
"""Bytes outside any frame that are passed over before the connection is given up."""

BEGINNING_BYTES: Final = 1 << 14

_QUIET: Final = b"\r\n\x00 \t\x1c"
_OPENINGS: Final = (b"\x0bMSH", b"\x0bFHS", b"\x0bBHS")


class FrameRefused(Exception):
    """The peer does not speak MLLP, or a frame is over the limit. Codes: `frame-too-large`, `no-frame`."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


class Framer:
    """Finds frames in a stream that is cut anywhere.

    A start byte before `MSH`, `FHS` or `BHS` begins anew: what stood open before it was cut off and has never
    been acknowledged. An end that other bytes than a start follow is no end: the message holds those bytes,
    and is kept whole for a person to see.

    >>> framer = Framer()
    >>> framer.feed(b"\\x0bMSH|1\\r\\x1c"); framer.next()
    >>> framer.feed(b"\\r\\x0bMSH|2\\r\\x1c\\r"); framer.next(), framer.next(), framer.next()
    (b'MSH|1\\r', b'MSH|2\\r', None)
    """

    def __init__(self, limit: int = FRAME_BYTES) -> None:
        self._limit = limit
        self._buffer = bytearray()
        self._searched = 0
        self._noise = 0
        self._beginning = b""
        self.cut_off = 0

    @property
    def open_bytes(self) -> int:
        """How many bytes of a frame that has begun are here."""
        return len(self._buffer)

    @property
    def header_is_here(self) -> bool:
        """Whether the first segment of the open frame is complete."""
        return b"\r" in self._buffer or b"\n" in self._buffer

    @property
    def ends_bare(self) -> bool:
        """Whether the open frame stops at an end byte whose carriage return has not come."""
        return self._buffer.endswith(b"\x1c")

    def feed(self, data: bytes) -> None:
        """Take bytes as they come.

        Raises:
            FrameRefused: too much outside any frame.
        """
        if not self._buffer:
            data = self._skip(data)
        self._buffer += data

    def next(self) -> bytes | None:
        """The next whole frame's message; None when there is none yet.

        Raises:
            FrameRefused: the frame is over the limit, or too much stands outside any frame.
        """
        end = self._end()
        if end < 0:
            if len(self._buffer) > self._limit + len(END):
                raise self._too_large(self._buffer)
            return None
        return self._cut(end, end + len(END))

    def finish_bare(self) -> bytes:
        """The open frame, for a sender that ends with the end byte alone."""
        return self._cut(len(self._buffer) - 1, len(self._buffer))

    def _cut(self, end: int, after: int) -> bytes:
        whole = bytes(self._buffer[1:end])
        rest = bytes(self._buffer[after:])
        self._buffer.clear()
        self._searched = 0
        if len(whole) > self._limit:
            raise self._too_large(whole)
        self.feed(rest)
        return self._newest(whole)

    def beginning(self) -> bytes:
        """The first bytes of a frame that was refused for its size."""
        return self._beginning

    def _too_large(self, begun: bytes | bytearray) -> FrameRefused:
        self._beginning = bytes(begun[:BEGINNING_BYTES]).lstrip(START)
        return FrameRefused("frame-too-large")

    def _newest(self, whole: bytes) -> bytes:
        """Without a frame before it that never ended."""
        at = max(whole.rfind(opening) for opening in _OPENINGS)
        # Joined by an end byte they are one delivery of several messages: kept together.
        if at < 0 or whole[:at].rstrip(b"\r\n").endswith(b"\x1c"):
            return whole
        self.cut_off += 1
        return whole[at + 1 :]

    def _end(self) -> int:
        """Where the frame ends: at an end that nothing but a start, or quiet bytes, follows."""
        at = self._buffer.find(END, max(0, self._searched - 1))
        while at >= 0:
            after = bytes(self._buffer[at + 2 : at + 66]).lstrip(_QUIET)
            if not after or after.startswith(START):
                return at
            at = self._buffer.find(END, at + 2)
        self._searched = len(self._buffer)
        return -1

    def _skip(self, data: bytes) -> bytes:
        """Pass over what stands outside a frame."""
        at = data.find(START)
        outside = data if at < 0 else data[:at]
        self._noise = self._noise + len(outside.strip(_QUIET)) if at < 0 else 0
        if self._noise > NOISE_BYTES or len(outside.strip(_QUIET)) > NOISE_BYTES:
            raise FrameRefused("no-frame")
        return b"" if at < 0 else data[at:]


def frame(message: bytes) -> bytes:
    """A message in its frame."""
    return START + message + END
