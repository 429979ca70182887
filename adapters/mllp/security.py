"""TLS for MLLP: 1.2 at least; with a CA, the other end must show a certificate of it."""

from __future__ import annotations

import ssl
from pathlib import Path

from schemas.errors import ConfigRefused


def server_context(cert: Path, key: Path | None, ca: Path | None) -> ssl.SSLContext:
    """A listener's context. With `ca`, only peers with a certificate of it are heard (mutual TLS).

    Raises:
        ConfigRefused: a file that cannot be read or does not fit the others.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load_own(context, cert, key)
    if ca is not None:
        _load_ca(context, ca)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(ca: Path | None, cert: Path | None, key: Path | None) -> ssl.SSLContext:
    """A sender's context: the listener's name is checked, against `ca` or the system's.

    Raises:
        ConfigRefused: a file that cannot be read or does not fit the others.
    """
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is not None:
        _load_ca(context, ca)
    if cert is not None:
        _load_own(context, cert, key)
    return context


def _load_own(context: ssl.SSLContext, cert: Path, key: Path | None) -> None:
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError):
        raise ConfigRefused(
            "bad-certificate",
            "certificate and key cannot be read, or do not belong together; write PEM files",
            where=str(cert),
        ) from None


def _load_ca(context: ssl.SSLContext, ca: Path) -> None:
    try:
        context.load_verify_locations(ca)
    except (OSError, ssl.SSLError):
        raise ConfigRefused(
            "bad-certificate", "the CA's certificate cannot be read; write a PEM file", where=str(ca)
        ) from None
