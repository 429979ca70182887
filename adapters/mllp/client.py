"""A small MLLP sender: one message out, its answer back, over one connection."""

from __future__ import annotations

import socket
import ssl
from types import TracebackType

from adapters.mllp.frames import FRAME_BYTES, Framer, FrameRefused, frame
from schemas.errors import Unavailable


class Sender:
    """A connection to a listener; a context manager. Times are seconds."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None = None, patience_seconds: float = 30.0
    ) -> None:
        """Connect.

        Raises:
            Unavailable: nobody listens there, or the handshake fails.
        """
        try:
            plain = socket.create_connection((host, port), timeout=patience_seconds)
            plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._socket = context.wrap_socket(plain, server_hostname=host) if context else plain
        except ssl.SSLError:
            raise Unavailable(
                "no-handshake",
                "TLS cannot be agreed on; check --ca, --cert and --key",
                where=f"{host}:{port}",
            ) from None
        except OSError:
            raise Unavailable(
                "no-listener", "nobody answers there; check host and port", where=f"{host}:{port}"
            ) from None
        self._framer = Framer(FRAME_BYTES)
        self._place = f"{host}:{port}"

    def post(self, message: bytes) -> None:
        """Send a message that asks for no answer.

        Raises:
            Unavailable: the connection has ended.
        """
        try:
            self._socket.sendall(frame(message))
        except OSError:
            raise Unavailable(
                "no-answer", "the connection has ended; send it again", where=self._place
            ) from None

    def send(self, message: bytes) -> bytes:
        """Send a message and wait for its answer.

        Raises:
            Unavailable: the listener closed the connection or did not answer in time; it may or may not have
                stored the message: send it again.
        """
        try:
            self._socket.sendall(frame(message))
            while (answer := self._framer.next()) is None:
                data = self._socket.recv(1 << 16)
                if not data:
                    raise Unavailable(
                        "no-answer", "the listener closed without an answer; send it again", where=self._place
                    )
                self._framer.feed(data)
        except (OSError, FrameRefused):
            raise Unavailable(
                "no-answer", "no answer came in time; send it again", where=self._place
            ) from None
        return answer

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def __enter__(self) -> Sender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
