"""Time stamps after RFC 3161: what is asked of an authority, and its answer held against that and its roots.

The one home of rfc3161-client, which is an extra (`pip install 'baton-handoff[timestamps]'`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm

from schemas.errors import BatonError, ConfigRefused

MOST_BYTES: Final = 256 * 1024
"""An answer with a long chain of certificates has some 10 KB."""

SHA256: Final = "2.16.840.1.101.3.4.2.1"
GRANTED: Final = 0
_BAD: Final = (
    ValueError,
    LookupError,
    ArithmeticError,
    RuntimeError,
    AssertionError,
    TypeError,
    AttributeError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What the two libraries raise over bytes that are no answer, or certificates that are none."""

_CERTIFICATES: Final = 0xA0
_MOST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Stamp:
    """What an answer says. `at` is when the authority saw the digest, give or take `accuracy`."""

    at: datetime
    accuracy: timedelta
    digest: bytes
    nonce: int | None
    serial: int
    policy: str
    authority: str


def query(text: bytes) -> tuple[bytes, int]:
    """What is sent to an authority to have a text stamped, in DER, and its nonce; the text stays here.

    Raises:
        ConfigRefused: the library is missing.
    """
    library = _library()
    asked = library.TimestampRequestBuilder(data=text, hash_algorithm=library.HashAlgorithm.SHA256).build()
    return asked.as_bytes(), asked.nonce


def read_roots(file: Path) -> list[x509.Certificate]:
    """The certificates of a PEM file, which are believed.

    Raises:
        ConfigRefused: it cannot be read or holds none.
    """
    try:
        return x509.load_pem_x509_certificates(file.read_bytes())
    except OSError as error:
        raise ConfigRefused("no-roots", f"cannot read it: {error.strerror}", where=str(file)) from None
    except ValueError:
        reason = "it holds no certificate; write the authority's root certificates one after another, as PEM"
        raise ConfigRefused("no-roots", reason, where=str(file)) from None


def read(answer: bytes) -> Stamp:
    """What an answer says, before anything of it is believed.

    Raises:
        BatonError: `stamp-unreadable`, or `stamp-refused` where the authority did not stamp. ConfigRefused:
            the library is missing.
    """
    return _stamp(_decoded(answer))


def verify(answer: bytes, text: bytes, nonce: int, roots: list[x509.Certificate]) -> Stamp:
    """Hold an answer against the text and the nonce that were sent, and its signature against the roots.

    Certificates count as they were when the authority says that it stamped: one that has run out since does
    no harm to what it signed before.

    Raises:
        BatonError: `stamp-unreadable`, `stamp-refused`, `stamp-other` (of another text), `stamp-nonce` (to
            another question) or `stamp-untrusted`. ConfigRefused: the library is missing.
    Source: RFC 3161, 2.2 and 2.4.2.
    """
    library, decoded = _library(), _decoded(answer)
    found = _stamp(decoded)
    if found.digest != sha256(text).digest():
        raise BatonError("stamp-other", "it is the stamp of something else; take the answer to this request")
    if found.nonce != nonce:
        reason = "it answers another request (its nonce is another one); ask the authority again"
        raise BatonError("stamp-nonce", reason)
    verifier = library.VerifierBuilder(roots=roots, nonce=nonce).build()
    try:
        verifier.verify(decoded, found.digest)
    except (library.VerificationError, *_BAD) as error:
        raise BatonError("stamp-untrusted", _why_untrusted(str(error))) from None
    return found


def _library() -> Any:
    try:
        return import_module("rfc3161_client")
    except ImportError:
        reason = "time stamps need the library rfc3161-client; install Baton with the extra [timestamps]"
        raise ConfigRefused("no-timestamps", reason) from None


def _decoded(answer: bytes) -> Any:
    if len(answer) > MOST_BYTES:
        raise BatonError("stamp-unreadable", f"it has more than {MOST_BYTES:,} bytes; no time stamp has")
    try:
        decoded = _library().decode_timestamp_response(_in_order(answer))
        status = int(decoded.status)
    except _BAD:
        raise BatonError("stamp-unreadable", _what_instead(answer)) from None
    if status != GRANTED:
        said = _printable(" ".join(map(str, decoded.status_string or [])))
        reason = f"the authority did not stamp (status {status}{': ' + said if said else ''}); ask it why"
        raise BatonError("stamp-refused", reason)
    return decoded


def _stamp(decoded: Any) -> Stamp:
    try:
        info = decoded.tst_info
        imprint = info.message_imprint
        if imprint.hash_algorithm.dotted_string != SHA256:
            raise BatonError("stamp-other", "it stamps no SHA-256 digest; take the answer to this request")
        return Stamp(
            info.gen_time.astimezone(UTC),
            _accuracy(info.accuracy),
            bytes(imprint.message),
            info.nonce,
            int(info.serial_number),
            str(info.policy.dotted_string),
            _authority(decoded.signed_data),
        )
    except _BAD:
        reason = "it is an answer, but holds no time stamp that can be read; ask the authority again"
        raise BatonError("stamp-unreadable", reason) from None


def _accuracy(said: Any) -> timedelta:
    """How far the instant may be off; the instant itself may have been cut to whole seconds."""
    if said is None:
        return timedelta(seconds=1)
    parts = timedelta(seconds=said.seconds or 0, milliseconds=said.millis or 0, microseconds=said.micros or 0)
    return parts + timedelta(seconds=1)


def _authority(signed: Any) -> str:
    """The subject of the certificate that signed, as RFC 4514 writes it."""
    signers = {(signer.issuer, signer.serial_number) for signer in signed.signer_infos}
    for der in signed.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) in signers:
            return _printable(certificate.subject.rfc4514_string())
    return "unknown"


def _why_untrusted(said: str) -> str:
    """What OpenSSL said, in plain words where they are known."""
    for part, plain in _PLAIN:
        if part in said:
            return plain
    return "its signature does not hold; compare the root certificates (BATON_TSA_ROOTS) with the authority's"


_COMPARE: Final = "compare the root certificates (BATON_TSA_ROOTS) with the authority's"
_PLAIN: Final = (
    ("certificate has expired", "the authority's certificate had run out when it stamped; ask another one"),
    ("certificate is not yet valid", "the authority's certificate was not valid yet; compare the clocks"),
    ("EKU", "its certificate is not one for time stamps; ask the authority for its right one"),
    ("self-signed certificate", f"its certificates lead to another root; {_COMPARE}"),
    ("unable to get", f"its certificates do not lead to a root that is believed; {_COMPARE}"),
)


def _what_instead(answer: bytes) -> str:
    begin = answer[:512].lstrip()
    if not answer:
        return "it is empty; ask the authority again"
    if begin.startswith((b"<", b"{", b"HTTP/")):
        return "it is a page or a message in text, no time stamp; look at what the proxy or the server says"
    if begin.startswith(b"-----BEGIN"):
        return "it is PEM, and a time stamp is DER; take the answer as the authority gives it"
    return "it is no time stamp answer in DER, or it was cut; ask the authority again"


def _printable(said: str) -> str:
    return "".join(c if c.isprintable() else " " for c in said)[:_MOST_SHOWN].strip()


def _in_order(answer: bytes) -> bytes:
    """The answer with its certificates in the order of DER.

    CMS lets them stand in any order, as OpenSSL's authority writes them, and the library takes DER alone. The
    signature does not cover them as a set.

    Raises:
        ValueError: it is not made like an answer.
    Source: RFC 5652, 5.1 and X.690, 11.6.
    """
    inside = range(len(answer))
    for nth in (0, 1, 1, 0):  # the answer, its token, what the token holds, the signed data
        inside = _nth(answer, inside, nth)
    for tag, whole, content in _elements(answer, inside):
        if tag == _CERTIFICATES:
            parts = sorted(answer[part.start : part.stop] for _, part, _ in _elements(answer, content))
            return answer[: content.start] + b"".join(parts) + answer[whole.stop :]
    return answer


def _nth(data: bytes, inside: range, n: int) -> range:
    found = [content for _, _, content in _elements(data, inside)]
    if len(found) <= n:
        # A refusal holds no token: there is nothing to put in order.
        return range(0)
    return found[n]


def _elements(data: bytes, inside: range) -> Iterator[tuple[int, range, range]]:
    """The elements that stand in a part of DER one after another: tag, the whole, what is in it."""
    at = inside.start
    while at < inside.stop:
        head = data[at : at + 2]
        if len(head) < 2:
            raise ValueError("cut")
        start, length = at + 2, head[1]
        if length >= 0x80:
            more = length & 0x7F
            if not 0 < more <= 4:
                raise ValueError("no length of DER")
            length = int.from_bytes(data[start : start + more])
            start += more
        if start + length > inside.stop:
            raise ValueError("cut")
        yield head[0], range(at, start + length), range(start, start + length)
        at = start + length
