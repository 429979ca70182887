"""Asks a time stamping authority over HTTP: bounded in time and size, and only where it was told to ask."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from http.client import HTTPException
from typing import Any, Final
from urllib.parse import urlsplit

from schemas.errors import BatonError, ConfigRefused, Unavailable

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
PART: Final = 16 * 1024


def ask(url: str, query: bytes, *, seconds: float, most_bytes: int) -> bytes:
    """The bytes that an authority answers to a query. Nothing is believed of them here.

    A redirect is not followed: where a request goes is the operator's to say. The machine's proxy settings
    (`https_proxy`) hold.

    Raises:
        ConfigRefused: `bad-url`. Unavailable: `no-authority`, it does not answer in time or answers an error.
        BatonError: `stamp-unreadable`, it answers too much.
    Source: RFC 3161, 3.4.
    """
    until = time.monotonic() + seconds
    asked = urllib.request.Request(  # noqa: S310 (checked at once)
        checked(url), query, {"Content-Type": QUERY, "Accept": REPLY, "User-Agent": "baton"}, method="POST"
    )
    try:
        with _OPENER.open(asked, timeout=seconds) as answer:
            return _read(answer, until, most_bytes)
    except urllib.error.HTTPError as error:
        with error:
            reason = f"the time stamping authority answered HTTP {error.code}; check its address, or ask it"
        raise Unavailable("no-authority", reason, where=_host(url)) from None
    except TimeoutError:
        raise _too_slow(url) from None
    except (OSError, HTTPException) as error:
        if isinstance(getattr(error, "reason", None), TimeoutError):
            raise _too_slow(url) from None
        why = getattr(error, "reason", None) or error
        text = getattr(why, "strerror", None) or type(why).__name__
        reason = f"the time stamping authority cannot be reached ({text}); try again later, or with curl"
        raise Unavailable("no-authority", reason, where=_host(url)) from None


def checked(url: str) -> str:
    """The address of an authority.

    Raises:
        ConfigRefused: `bad-url`.
    """
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not url.isascii() or not url.isprintable() or " " in url:
        raise ConfigRefused("bad-url", "write the authority's address as http:// or https://", where="--url")
    return url


def _read(answer: Any, until: float, most_bytes: int) -> bytes:
    parts, size = [], 0
    while part := answer.read1(PART):
        size += len(part)
        if size > most_bytes:
            raise BatonError(
                "stamp-unreadable", f"the answer has more than {most_bytes:,} bytes; no time stamp has"
            )
        if time.monotonic() > until:
            raise TimeoutError
        parts.append(part)
    return b"".join(parts)


def _too_slow(url: str) -> Unavailable:
    reason = "the time stamping authority did not answer in time; try again later, or allow more --timeout"
    return Unavailable("no-authority", reason, where=_host(url))


def _host(url: str) -> str:
    """Where was asked, without a password or a token that the address may hold."""
    return urlsplit(url).hostname or ""


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *rest: Any) -> None:
        return None


_OPENER: Final = urllib.request.build_opener(_Stay)
