"""The listener: many connections kept open, one message in flight on each, an answer only after it is stored.

Messages that come at the same time over several connections are stored in one transaction. Whatever a peer
does, it spends its own connection only: a frame is bounded in bytes and in time, and so are connections.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Event
from typing import Final, NamedTuple, TypeAlias

from adapters.mllp.frames import FRAME_BYTES, Framer, FrameRefused, frame

READ_BYTES: Final = 1 << 16
BARE_SECONDS: Final = 1.0
"""How long an end byte waits for its carriage return."""

STOP_LOOK_SECONDS: Final = 0.1


class Answer(NamedTuple):
    """What the peer hears: bytes to send back (None: nothing), and whether the connection then ends."""

    body: bytes | None
    close: bool = False


Store: TypeAlias = Callable[[Sequence[bytes]], list[Answer]]
"""Stores messages in one transaction and answers each; an answer without bytes that closes: not stored."""

Refuse: TypeAlias = Callable[[bytes], bytes]
"""What to answer to a frame that is too large, from its beginning."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what peers may take. Sizes in bytes, times in seconds.

    `header_seconds` is for a TLS handshake and for the first segment of a message, `message_seconds` for all
    of it; a message that takes longer than `header_seconds` must keep up `least_rate` bytes a second.
    """

    frame_bytes: int = FRAME_BYTES
    connections: int = 512
    connections_a_peer: int = 64
    header_seconds: float = 10.0
    message_seconds: float = 30.0
    least_rate: int = 1024
    stop_seconds: float = 10.0
    batch: int = 200


class Listener:
    """Serves MLLP until told to stop; everything that touches a store runs in one thread beside the loop."""

    def __init__(
        self,
        store: Store,
        refuse: Refuse,
        say: Callable[..., None],
        limits: Limits | None = None,
        context: ssl.SSLContext | None = None,
    ) -> None:
        self._store = store
        self._refuse = refuse
        self._say = say
        self._limits = limits or Limits()
        self._context = context
        self._peers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: set[asyncio.Task[None]] = set()
        self._stopping = False

    def serve(self, host: str, port: int, stop: Event, started: Callable[[str, int], None]) -> None:
        """Listen until `stop` is set, then finish what is in flight.

        `started` is told the address when connections are taken.

        Raises:
            OSError: the address cannot be listened at.
        """
        asyncio.run(self._serve(host, port, stop, started))

    async def _serve(self, host: str, port: int, stop: Event, started: Callable[[str, int], None]) -> None:
        self._waiting: asyncio.Queue[tuple[bytes, asyncio.Future[Answer]]] = asyncio.Queue(
            self._limits.connections
        )
        server = await asyncio.start_server(
            self._connected,
            host,
            port,
            limit=READ_BYTES,
            backlog=256,
            ssl=self._context,
            ssl_handshake_timeout=self._limits.header_seconds if self._context else None,
        )
        with ThreadPoolExecutor(1, thread_name_prefix="mllp-store") as pool:
            storing = asyncio.create_task(self._store_batches(pool))
            address = server.sockets[0].getsockname()
            started(address[0], address[1])
            while not stop.is_set():
                await asyncio.sleep(STOP_LOOK_SECONDS)
            server.close()
            await self._finish()
            storing.cancel()
            await asyncio.gather(storing, return_exceptions=True)

    async def _finish(self) -> None:
        """Let what is in flight be answered; close the rest at once."""
        self._stopping = True
        for task in self._tasks - self._busy:
            task.cancel()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=self._limits.stop_seconds)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = str((writer.get_extra_info("peername") or ("unknown",))[0])
        full = len(self._tasks) >= self._limits.connections
        if full or self._stopping or self._peers[peer] >= self._limits.connections_a_peer:
            self._say("connection refused", code="all-taken" if full else "peer-limit")
            writer.transport.abort()
            return
        self._peers[peer] += 1
        self._tasks.add(task)
        try:
            await self._talk(reader, writer, task)
        except FrameRefused as refused:
            self._say("connection given up", code=refused.code)
        except TimeoutError:
            self._say("connection given up", code="too-slow")
        except (OSError, asyncio.CancelledError):
            pass  # the peer has gone, or the listener stops
        finally:
            self._tasks.discard(task)
            self._busy.discard(task)
            self._peers[peer] -= 1
            if not self._peers[peer]:
                del self._peers[peer]
            await _closed(writer)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, task: asyncio.Task[None]
    ) -> None:
        framer = Framer(self._limits.frame_bytes)
        while True:
            try:
                message = await self._message(reader, framer)
            except FrameRefused as refused:
                if refused.code == "frame-too-large":
                    writer.write(frame(self._refuse(framer.beginning())))
                raise
            if message is None:
                return
            self._busy.add(task)
            answer = await self._stored(message)
            if answer.body is not None:
                writer.write(frame(answer.body))
                async with asyncio.timeout(self._limits.message_seconds):
                    await writer.drain()
            self._busy.discard(task)
            if answer.close or self._stopping:
                return

    async def _message(self, reader: asyncio.StreamReader, framer: Framer) -> bytes | None:
        """The next message; None when the peer has ended. An idle connection may stay as long as it likes."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        while True:
            message = framer.next()
            if message is not None:
                return message
            if not framer.open_bytes:
                data = await reader.read(READ_BYTES)
                began = loop.time()
            else:
                try:
                    async with asyncio.timeout(self._patience(framer, loop.time() - began)):
                        data = await reader.read(READ_BYTES)
                except TimeoutError:
                    if not framer.ends_bare:
                        raise
                    return framer.finish_bare()
            if not data:
                return framer.finish_bare() if framer.ends_bare else None
            framer.feed(data)

    def _patience(self, framer: Framer, spent: float) -> float:
        """How long to wait for more of a message that began `spent` seconds ago."""
        limits = self._limits
        if framer.ends_bare:
            return BARE_SECONDS
        left = limits.message_seconds - spent
        if not framer.header_is_here:
            left = limits.header_seconds - spent
        elif spent > limits.header_seconds and framer.open_bytes < limits.least_rate * spent:
            left = 0.0
        if left <= 0:
            raise TimeoutError
        return min(left, limits.header_seconds)

    async def _stored(self, message: bytes) -> Answer:
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        await self._waiting.put((message, answered))
        return await answered

    async def _store_batches(self, pool: ThreadPoolExecutor) -> None:
        """Store whatever waits, together; nothing is answered before it is stored."""
        loop = asyncio.get_running_loop()
        while True:
            batch = [await self._waiting.get()]
            size = len(batch[0][0])
            while len(batch) < self._limits.batch and size < FRAME_BYTES and not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
                size += len(batch[-1][0])
            try:
                answers = await loop.run_in_executor(pool, self._store, [message for message, _ in batch])
            except Exception:
                self._say("storing failed", messages=len(batch))
                answers = [Answer(None, close=True)] * len(batch)
            for (_, answered), answer in zip(batch, answers, strict=True):
                if not answered.done():
                    answered.set_result(answer)


async def _closed(writer: asyncio.StreamWriter) -> None:
    try:
        writer.close()
        async with asyncio.timeout(1.0):
            await writer.wait_closed()
    except (OSError, TimeoutError, asyncio.CancelledError):
        writer.transport.abort()
