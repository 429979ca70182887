"""Logging that cannot hold patient data: only listed fields pass, each an identifier of ours or a count."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final, TextIO

import structlog

ALLOWED: Final = frozenset(
    {
        "event",
        "level",
        "timestamp",
        "exception_type",
        "exception_at",
        "part",
        "pid",
        "attempt",
        "wait_seconds",
        "code",
        "where",
        "messages",
        "facts",
        "accepted",
        "duplicate",
        "parked",
        "batch",
        "seconds",
        "per_second",
        "queue",
        "events",
        "accounts",
        "reviewed",
        "signal",
        "child",
        "exit_code",
        "port",
        "host",
        "feed",
        "format",
        "door",
        "sha256",
        "url",
        "revision",
        "version",
        "as_of",
        "method",
        "route",
        "status",
        "milliseconds",
        "correlation_id",
    }
)
"""Field names that may leave. Anything else is dropped, and its name noted under `dropped`."""

Log = structlog.stdlib.BoundLogger


def _only_allowed(_: object, __: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = sorted(set(entry) - ALLOWED)
    for name in dropped:
        del entry[name]
    if dropped:
        entry["dropped"] = dropped
    return entry


def _exception_without_values(
    _: object, __: str, entry: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Keep an exception's type and place; its text may quote a message."""
    info = entry.pop("exc_info", None)
    if info:
        error = info if isinstance(info, BaseException) else sys.exc_info()[1]
        if error is not None:
            entry["exception_type"] = type(error).__name__
            trace = error.__traceback__
            while trace is not None and trace.tb_next is not None:
                trace = trace.tb_next
            if trace is not None:
                entry["exception_at"] = f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return entry


def open_log(part: str, stream: TextIO | None = None, level: int = logging.INFO) -> Log:
    """A logger for one part of the process tree, writing JSON lines."""
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _exception_without_values,
            _only_allowed,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    log: Log = structlog.get_logger(part=part)
    return log
