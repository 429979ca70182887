"""Nobody makes the server take in a long body without a key: asked for as soon as the headers are there.

waitress hands a request to the app once its body is there. So a body over `FREE_BYTES` is asked about before
that: a request without a key is refused at once; with one that was good a moment ago it goes on; with one
that nobody has seen lately its connection is not read from until the store has been asked, in a thread.
What a key may do is looked at later, by the app.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final

from waitress.channel import HTTPChannel  # type: ignore[import-untyped]
from waitress.parser import HTTPRequestParser  # type: ignore[import-untyped]

from schemas.errors import Unavailable
from service.web.access import no_key, presented_in
from service.web.keys import Keyring
from service.web.problems import Refusal, unavailable

FREE_BYTES: Final = 64 * 1024
"""A body up to this length is taken in before anybody asks: it stays in memory, and connections are few."""

ASKERS: Final = 2


class Refused:
    """A refusal in the place where waitress keeps a request's error."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        self.code = int(refusal.code or 500)
        self.reason = HTTPStatus(self.code).phrase


class Doorkeeper:
    """Knows whether a request may go on sending."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._askers = ThreadPoolExecutor(ASKERS, thread_name_prefix="doorkeeper")

    def glance(self, presented: str) -> Refusal | bool:
        """What can be said without asking the store: a refusal, True for go on, False for not known."""
        if not self._keyring.well_formed(presented):
            return no_key(presented)
        return self._keyring.remembers(presented)

    def ask(self, presented: str, tell: Callable[[Refusal | None], None]) -> None:
        """Ask the store in a thread; `tell` hears the refusal, or None for go on."""
        self._askers.submit(lambda: tell(self._asked(presented)))

    def _asked(self, presented: str) -> Refusal | None:
        try:
            return None if self._keyring.verify(presented) else no_key(presented)
        except Unavailable as error:
            return unavailable(error)

    def close(self) -> None:
        """Answer nobody any more."""
        self._askers.shutdown(cancel_futures=True)


class Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request as it comes in, stopped at its headers when its body is long and its key is not known."""

    keeper: Doorkeeper
    asking = False
    _admitted = False
    _expects = False

    def received(self, data: bytes) -> int:
        """Take in what came."""
        consumed: int = super().received(data)
        long = max(self.content_length, self.body_bytes_received) > FREE_BYTES
        if long and self.headers_finished and not (self.completed or self._admitted or self.asking):
            self._ask()
        if self.error is not None:
            # Or waitress would ask for the body of what it has just refused.
            self.expect_continue = False
        return consumed

    @property
    def admitted(self) -> bool:
        """Whether its key was good when it was asked about; a short body is never asked about here."""
        return self._admitted or self.keeper.glance(self.presented) is True

    @property
    def presented(self) -> str:
        """The key that came with it; empty without one."""
        return presented_in(self.headers.get("AUTHORIZATION", ""), self.headers.get("X_API_KEY", ""))

    def _ask(self) -> None:
        said = self.keeper.glance(self.presented)
        if isinstance(said, Refusal):
            self.refuse(said)
        elif said:
            self._admitted = True
        else:
            self.asking = True
            self._expects, self.expect_continue = self.expect_continue, False

    def refuse(self, refusal: Refusal) -> None:
        """End the request here."""
        self.asking = False
        self.error = Refused(refusal)
        self.completed = True

    def admit(self) -> None:
        """Let the body come."""
        self.asking = False
        self._admitted = True
        self.expect_continue = self._expects


class Channel(HTTPChannel):  # type: ignore[misc]
    """A connection that is not read from while the store is asked about its key."""

    request: Parser | None

    def received(self, data: bytes) -> bool:
        """Take in what came, and ask where that is needed."""
        took = bool(super().received(data))
        request = self.request
        if request is not None and request.asking:
            request.keeper.ask(request.presented, self._told)
        return took

    def readable(self) -> bool:
        """Whether more may come now."""
        request = self.request
        return bool(super().readable()) and not (request is not None and request.asking)

    def _told(self, refusal: Refusal | None) -> None:
        with self.requests_lock:
            request = self.request
            if request is None or not self.connected:
                return
            if refusal is not None:
                request.refuse(refusal)
                self.request = None
                self.requests.append(request)
                if len(self.requests) == 1:
                    self.server.add_task(self)
            else:
                request.admit()
                if request.expect_continue and not self.requests:
                    self.send_continue()
        self.server.pull_trigger()


def kept_by(keeper: Doorkeeper, error_task: type[Any]) -> type[Channel]:
    """The connections of a server with that doorkeeper."""
    parser = type("KeptParser", (Parser,), {"keeper": keeper})
    members: Mapping[str, Any] = {"parser_class": parser, "error_task_class": error_task}
    return type("KeptChannel", (Channel,), dict(members))
