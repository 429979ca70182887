"""Every answer that shows a patient's account is entered in the audit log before it leaves, or stays in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final

from flask import Flask, Response, g, request

from adapters.store import AuditRow, Store
from schemas.errors import BatonError
from service.audit.reads import (
    MOST_CHARACTERS,
    PURPOSES,
    Asker,
    Shown,
    person_named,
    purpose_of,
    read_entries,
    record,
)
from service.web.blueprints import plain
from service.web.gathering import Gathering
from service.web.problems import Refusal, problem

USER: Final = "X-Baton-User"
PURPOSE: Final = "X-Baton-Purpose"

SHOWS_PATIENTS: Final = frozenset(
    (
        "accounts.show",
        "accounts.show_by_id",
        "accounts.why",
        "accounts.why_by_id",
        "cases.page",
        "cases.show",
        "messages.page",
        "messages.detail",
        "messages.reveal",
        "messages.trace",
        "parked.page",
        "parked.show",
        "parked.retry",
        "parked.retry_many",
        "parked.discard",
        "parked.settle",
        "parked.approve",
        "overrides.page",
        "overrides.hold",
        "overrides.allow",
        "overrides.release",
        "overrides.approve",
        "overrides.withdraw",
    )
)
"""Endpoints whose answers hold something of a patient: none of these leaves without an entry in the log."""

SHOWS_NOBODY: Final = frozenset(
    (
        "messages.receive",
        "messages.show",
        "fhir.bundle",
        "fhir.create",
        "feeds.page",
        "feeds.show",
        "feeds.state",
        "feeds.leave_to_file",
        "audit.latest",
        "audit.page",
        "audit.keys",
        "audit.consistency",
        "health.metrics",
    )
)
"""Endpoints with a scope whose answers hold digests, codes, places and counts, and nothing of a patient."""

WHO_ASKS: Final[list[dict[str, Any]]] = [
    {
        "in": "header",
        "name": USER,
        "required": False,
        "schema": {
            "type": "string",
            "minLength": 1,
            "maxLength": MOST_CHARACTERS,
            "pattern": "^[!-~]([ -~]*[!-~])?$",
        },
        "description": "The person for whom the key's holder asks; recorded in the audit log beside the key.",
    },
    {
        "in": "header",
        "name": PURPOSE,
        "required": False,
        "schema": {"type": "string", "enum": list(PURPOSES)},
        "description": "What the answer is for: a code of HL7 PurposeOfUse, recorded in the audit log. Where "
        "none is sent, the log says that none was stated.",
    },
]
"""The headers that say who asks and what for, for the OpenAPI document."""


class Register:
    """Enters reads in the log. Those that come at the same time share one transaction."""

    def __init__(self, store: Callable[[], Store], now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._gathering: Gathering[list[AuditRow], bool] = Gathering(self._kept)

    def shown(
        self,
        document: Mapping[str, Any],
        query: str,
        accounts: Iterable[str],
        about: str | None = None,
        **parameters: Any,
    ) -> Response:
        """The answer to the request at hand, once the log says who read which accounts in it.

        A page that names no account and is about no message shows nothing of a patient, and leaves no entry.

        Raises:
            Unavailable: the entry could not be committed; nothing is shown.
        """
        told = Shown(query, tuple(accounts), about, {k: _plain(v) for k, v in parameters.items()})
        if told.accounts or told.about is not None:
            self._gathering.receive(read_entries(g.asker, told, self._now()))
        g.entered = True
        return plain(document)

    def _kept(self, reads: Sequence[list[AuditRow]]) -> list[bool]:
        record(self._store(), [row for read in reads for row in read])
        return [True] * len(reads)


def attend(web: Flask) -> None:
    """Learn who asks before a view runs, and let no answer out that its view did not enter in the log."""

    def ask() -> None:
        if request.endpoint in SHOWS_PATIENTS:
            g.asker = _asker()

    def look(response: Response) -> Response:
        if request.endpoint in SHOWS_PATIENTS and response.status_code < 300 and not g.get("entered"):
            detail = "this is a defect of Baton: the read was not entered in the audit log; report it"
            return problem(Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "read-not-recorded", detail))
        return response

    web.before_request(ask)
    web.after_request(look)


def named_person() -> str:
    """The person whom the request at hand names.

    Raises:
        Refusal: 422, the header is missing or cannot be used.
    """
    user = request.headers.get(USER)
    if user is None:
        detail = f"say who does this in the header {USER}; it is recorded, with the key"
        fault = {"where": USER, "code": "no-name", "reason": "the header is missing"}
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "no-name", detail, errors=[fault])
    return _read(USER, user, _ascii_name)


def _asker() -> Asker:
    """Who sent the request at hand.

    Raises:
        Refusal: 422, a header that cannot be used.
    """
    user, purpose = request.headers.get(USER), request.headers.get(PURPOSE)
    return Asker(
        f"key:{g.key_prefix}",
        "http",
        None if user is None else _read(USER, user, _ascii_name),
        None if purpose is None else _read(PURPOSE, purpose, purpose_of),
        request.remote_addr,
    )


def _ascii_name(text: str) -> str:
    return person_named(text if text.isascii() else "")


def _read(name: str, text: str, read: Callable[[str], str]) -> str:
    try:
        return read(text)
    except BatonError as error:
        fault = {"where": name, "code": error.code, "reason": error.reason}
        raise Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.reason, errors=[fault]) from None


def _plain(value: Any) -> str | int | None:
    return (
        value
        if value is None or isinstance(value, int)
        else value.isoformat()
        if hasattr(value, "isoformat")
        else str(value)
    )
