"""One connection to RabbitMQ in a thread of its own, made again whenever it is lost.

The thread answers heartbeats while the caller is busy committing. Everything pika happens in it; the caller
hands it work with `call`.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from typing import Any

import pika
import pika.exceptions as broken
from pika.adapters.select_connection import SelectConnection

from schemas.errors import BatonError, ConfigRefused, Unavailable

Say = Callable[[str], None]
HEARTBEAT_SECONDS = 30
CONNECT_SECONDS = 5.0
CLOSE_SECONDS = 5.0
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 5.0
# pika takes a connection that ends during the handshake for a refused password or vhost. A broker that is
# going down ends them too, so only the third guess in a row is believed.
GUESSES_BELIEVED = 3

# pika prints its own tracebacks for every refused connection; a Link says the same in one line.
logging.getLogger("pika").setLevel(logging.CRITICAL)


def silent(_line: str) -> None:
    """Says nothing: the default where nobody asked to be told."""


def parameters(url: str) -> Any:
    """pika's parameters of an AMQP URL. Raises: ConfigRefused when it is not one; the URL is not repeated."""
    try:
        if not url.startswith(("amqp://", "amqps://")):
            raise ValueError
        parsed = pika.URLParameters(url)
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        reason = "the AMQP URL is not of the form amqp://user:password@host:port/vhost"
        raise ConfigRefused("amqp-url", reason) from error
    if "heartbeat=" not in url:
        parsed.heartbeat = HEARTBEAT_SECONDS
    parsed.connection_attempts = 1  # trying again is the Link's own affair
    parsed.socket_timeout = CONNECT_SECONDS
    parsed.stack_timeout = 2 * CONNECT_SECONDS
    return parsed


def place(parsed: Any) -> str:
    """Host, port and vhost for a message to a person: never the user or the password."""
    return f"{parsed.host}:{parsed.port}, vhost {parsed.virtual_host}"


def as_baton_error(error: BaseException, where: str) -> BatonError:
    """What a failed connection or channel means, and who must act; the broker's words, no credentials."""
    error = _innermost(error)
    words = str(getattr(error, "reply_text", ""))
    if isinstance(error, broken.ProbableAuthenticationError | broken.AuthenticationError):
        return ConfigRefused("broker-credentials", f"RabbitMQ at {where} refused the user or password")
    if isinstance(error, broken.ProbableAccessDeniedError):
        return ConfigRefused("broker-access", f"RabbitMQ at {where} does not let this user into the vhost")
    code = getattr(error, "reply_code", 0)
    if code == 404:
        return ConfigRefused("broker-not-set-up", f"RabbitMQ at {where}: {words}; run `baton broker setup`")
    if code == 403:
        return ConfigRefused("broker-access", f"RabbitMQ at {where}: {words}; grant this user the permission")
    if code == 530 and "vhost" in words:
        return ConfigRefused("broker-access", f"RabbitMQ at {where}: {words}")
    return Unavailable(
        "broker-unavailable", f"RabbitMQ at {where} does not answer ({type(error).__name__} {words})"
    )


def is_guess(error: BaseException) -> bool:
    """Whether pika only guesses why the connection ended: the broker did not say."""
    return isinstance(
        _innermost(error), broken.ProbableAuthenticationError | broken.ProbableAccessDeniedError
    )


def _innermost(error: BaseException) -> BaseException:
    """The cause inside the wrappers pika puts round a failed connection."""
    for _depth in range(8):
        inner = getattr(error, "exceptions", None) or [getattr(error, "exception", None), *error.args]
        causes = [cause for cause in inner if isinstance(cause, BaseException)]
        if not causes:
            break
        error = causes[-1]
    return error


class Link:
    """A channel that comes back. `on_open(channel)` and `on_lost()` run in the Link's own thread.

    `refused` keeps the error of a first connection that trying again cannot mend; later losses, a broker
    restart among them, are always tried again, with growing and jittered pauses.
    """

    def __init__(
        self, url: str, on_open: Callable[[Any], None], on_lost: Callable[[], None], say: Say, name: str
    ) -> None:
        self._parameters = parameters(url)
        self.where = place(self._parameters)
        self._on_open, self._on_lost, self._say = on_open, on_lost, say
        self._connection: Any = None
        self._cause: BaseException | None = None
        self._closing = threading.Event()
        self.opened = threading.Event()
        self._was_open = False
        self._ever_open = False
        self.refused: BatonError | None = None
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def start(self) -> None:
        """Begins to connect; returns at once."""
        self._thread.start()

    def call(self, work: Callable[[], None]) -> None:
        """Runs `work` in the Link's thread soon; forgotten when the connection is lost meanwhile."""
        connection = self._connection
        if connection is None:
            return
        try:
            connection.ioloop.add_callback_threadsafe(work)
        except (broken.AMQPError, RuntimeError, OSError, ValueError, AttributeError):
            return  # the loop of a lost connection was just closed: its work is void

    def mark_open(self) -> None:
        """Called by the owner in the Link's thread once its channel is ready for use."""
        self._was_open = self._ever_open = True
        self.opened.set()

    def lose(self, cause: BaseException | None = None) -> None:
        """Gives the connection up, from the Link's thread; it is made again."""
        self._cause = self._cause or cause
        self.opened.clear()
        try:
            if self._connection is not None:
                self._connection.close()
        except broken.ConnectionWrongStateError:
            return  # closing already

    def wait_open(self, timeout_seconds: float) -> bool:
        """Whether the channel is ready, waiting up to the time given. Raises: what was `refused`."""
        if self.opened.wait(0 if self.refused else timeout_seconds):
            return True
        if self.refused is not None:
            raise self.refused
        return False

    def close(self) -> None:
        """Ends the connection in good order and the thread with it; unsettled deliveries go back."""
        self._closing.set()
        self.call(self.lose)
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(CLOSE_SECONDS)

    def _live(self) -> None:
        pause_seconds = FIRST_PAUSE_SECONDS
        said = ""
        guesses = 0
        while not self._closing.is_set():
            self._cause, self._was_open = None, False
            self._run_once()
            if self._closing.is_set():
                return
            cause = self._cause or ConnectionError()
            error = as_baton_error(cause, self.where)
            guesses = guesses + 1 if is_guess(cause) else 0
            if isinstance(error, ConfigRefused) and not self._ever_open and guesses in (0, GUESSES_BELIEVED):
                self.refused = error
                return
            if self._was_open:
                pause_seconds = FIRST_PAUSE_SECONDS
                said = ""
            if said != error.code:
                self._say(f"{error}; trying again")
                said = error.code
            self._closing.wait(pause_seconds * random.uniform(0.5, 1.0))  # noqa: S311 - a pause, no secret
            pause_seconds = min(2 * pause_seconds, LONGEST_PAUSE_SECONDS)

    def _run_once(self) -> None:
        """One connection from its first byte to its last."""
        connection = SelectConnection(
            self._parameters,
            on_open_callback=self._on_connected,
            on_open_error_callback=self._on_ended,
            on_close_callback=self._on_ended,
        )
        self._connection = connection
        if self._closing.is_set():
            connection.ioloop.call_later(0, self.lose)
        try:
            connection.ioloop.start()
        except (broken.AMQPError, OSError) as error:
            self._cause = self._cause or error
        self._connection = None
        self.opened.clear()
        self._on_lost()
        connection.ioloop.close()

    def _on_connected(self, connection: Any) -> None:
        def opened(channel: Any) -> None:
            channel.add_on_close_callback(lambda _channel, reason: self.lose(reason))
            self._on_open(channel)

        connection.channel(on_open_callback=opened)

    def _on_ended(self, connection: Any, reason: BaseException | str) -> None:
        self._cause = self._cause or (reason if isinstance(reason, BaseException) else ConnectionError())
        connection.ioloop.stop()
