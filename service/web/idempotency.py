"""`Idempotency-Key`: a request that comes again under the same key has one effect, and gets one answer.

Source: draft-ietf-httpapi-idempotency-key-header, section 2. Keys belong to the API key that used them.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from threading import Lock
from typing import Any, Final

from flask import Response, g, request

from adapters.store import IdempotencyRow, Store
from schemas.canonical import digest as digest_of
from service.web.blueprints import plain
from service.web.problems import Refusal

MOST_CHARACTERS: Final = 255
_FORM: Final = re.compile(r"[\x21-\x7e]{1,255}\Z")

PARAMETER: Final[dict[str, Any]] = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS, "pattern": "^[!-~]+$"},
    "description": "A name of your own for this request, kept for ever. The same request under the same key "
    "gets the first answer again, byte for byte; another request under it is refused (422). Not needed for "
    "safety: a message is known by its bytes and its feed, so that a repetition is answered as `duplicate` "
    "and changes nothing.",
}

DESK_PARAMETER: Final[dict[str, Any]] = PARAMETER | {
    "description": "A name of your own for this request, kept for ever: it has one effect, however often it "
    "comes. The same request under the same key gets the first answer again, entered in the audit log as "
    "every look is; another request under it is refused (422). What was refused may come again.",
}
"""The same for what people do: without a key, a request that comes twice is done, or refused, twice."""


@dataclass(slots=True)
class _Turn:
    """A key in use, and how many requests want it."""

    lock: Lock = field(default_factory=Lock)
    wanted: int = 0


class Repeats:
    """Remembers what was answered under which key."""

    def __init__(self, store: Callable[[], Store], now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._lock = Lock()
        self._turns: dict[str, _Turn] = {}

    def once(self, key: str, digest: str, effect: Callable[[], Response]) -> Response:
        """Answer the request of that digest: by its effect the first time, from memory afterwards.

        The claim on the key is committed before the effect, the answer after it. When a process ends between
        the two, the request that comes again has the effect again, which must be harmless.

        Raises:
            Refusal: 422 `idempotency-key-reused`: another request came under this key.
            Unavailable: the store could not commit; nothing is acknowledged.
        """
        with self._alone(key):
            with self._store().write() as unit:
                known = unit.claim_idempotency_key(IdempotencyRow(key, digest, self._now()))
            if known.sha256 != digest:
                raise _reused()
            if known.status is None:
                given = effect()
                mine = dataclasses.replace(known, status=given.status_code, response=given.get_data())
                with self._store().write() as unit:
                    known = unit.answer_idempotency_key(mine)
        return Response(known.response, status=known.status, content_type="application/json")

    def acted(
        self, act: Callable[[], Mapping[str, Any]], show: Callable[[Mapping[str, Any]], Response]
    ) -> Response:
        """Do what the request at hand asks for and show it; under a key that was used, only show it again.

        `show` enters each look in the audit log, the repeated one too.

        Raises:
            Refusal: 400 `bad-idempotency-key`, 422 `idempotency-key-reused`. What `act` and `show` raise.
        """
        key = sent_key()
        if key is None:
            return show(act())
        asked = [request.method, request.full_path, digest_of(request.get_data())]
        told = self.once(key, digest_of("\n".join(asked).encode()), lambda: plain(act()))
        return show(json.loads(told.get_data()))

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        """One request a key at a time in this process, so that the first one's answer is the one kept."""
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted += 1
        try:
            with turn.lock:
                yield
        finally:
            with self._lock:
                turn.wanted -= 1
                if not turn.wanted:
                    del self._turns[key]


def sent_key() -> str | None:
    """The key of the request at hand, under the name of the API key that sent it; None without one.

    Raises:
        Refusal: 400 `bad-idempotency-key`.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return None
    if not _FORM.match(key):
        detail = f"an Idempotency-Key is 1 to {MOST_CHARACTERS} visible ASCII characters"
        raise Refusal(HTTPStatus.BAD_REQUEST, "bad-idempotency-key", detail)
    return f"{g.key_prefix}:{key}"


def _reused() -> Refusal:
    detail = "another request came under this Idempotency-Key before; use a new key for each request"
    return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency-key-reused", detail)
