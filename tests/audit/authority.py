"""A time stamping authority of our own: a root, certificates of all kinds, and OpenSSL that stamps."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CONFIG = """
[tsa]
default_tsa = it
[it]
dir = .
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/chain.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = {digests}
accuracy = secs:1
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""
DAY = timedelta(days=1)


def name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


@dataclass
class Issuer:
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey

    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    def key_pem(self) -> bytes:
        plain = serialization.NoEncryption()
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def issue(
    common: str,
    by: Issuer | None = None,
    *,
    ca: bool = False,
    stamps: bool = True,
    long: bool = False,
    since: timedelta = -DAY,
    until: timedelta = 30 * DAY,
) -> Issuer:
    """A certificate, of its own root where no issuer is named; `long` has a key of many bytes."""
    key = rsa.generate_private_key(65537, 2048) if long else ec.generate_private_key(ec.SECP256R1())
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name(common))
        .issuer_name(by.certificate.subject if by else name(common))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + since)
        .not_valid_after(now + until)
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
    )
    if not ca:
        usage = ExtendedKeyUsageOID.TIME_STAMPING if stamps else ExtendedKeyUsageOID.SERVER_AUTH
        made = made.add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
    return Issuer(made.sign(by.key if by else key, hashes.SHA256()), key)


class Authority:
    """Stamps with `openssl ts -reply`, by a certificate under an intermediate one under a root."""

    def __init__(self, folder: Path, *, digests: str = "sha256", long: bool = False, **signer) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.root = issue("A root", ca=True)
        between = issue("In between", self.root, ca=True, long=not long)
        tsa = issue("A clock", between, long=long, **signer)
        (folder / "roots.pem").write_bytes(self.root.pem())
        (folder / "chain.pem").write_bytes(between.pem())
        (folder / "tsa.pem").write_bytes(tsa.pem())
        (folder / "tsa.key").write_bytes(tsa.key_pem())
        (folder / "serial").write_text("01\n")
        (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder, digests=digests))

    def forged_by(self, signer: Issuer, answer: bytes) -> bytes:
        """What an answer says, signed by another certificate under this root, of whatever kind it is."""
        token, said, made = (self.folder / n for n in ("token.der", "said.der", "made.der"))
        whose = self.folder / "whose.pem"
        (self.folder / "r.tsr").write_bytes(answer)
        whose.write_bytes(signer.pem() + signer.key_pem())
        cms = ["openssl", "cms", "-binary", "-inform", "DER", "-outform", "DER"]
        kind = ["-econtent_type", "1.2.840.113549.1.9.16.1.4", "-nodetach"]
        for words in (
            ["openssl", "ts", "-reply", "-in", self.folder / "r.tsr", "-token_out", "-out", token],
            [*cms, "-verify", "-noverify", "-in", token, "-out", said],
            [*cms, "-sign", *kind, "-in", said, "-signer", whose, "-out", made],
        ):
            subprocess.run(words, capture_output=True, check=True)
        body = b"\x30\x03\x02\x01\x00" + made.read_bytes()
        return b"\x30\x82" + len(body).to_bytes(2) + body

    @property
    def roots(self) -> Path:
        return self.folder / "roots.pem"

    def reply(self, query: bytes) -> bytes:
        asked, answer = self.folder / "q.tsq", self.folder / "r.tsr"
        asked.write_bytes(query)
        answer.unlink(missing_ok=True)
        words = ["openssl", "ts", "-reply", "-config", self.folder / "tsa.cnf", "-section", "it"]
        ran = subprocess.run(
            [*words, "-queryfile", asked, "-out", answer],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert answer.exists(), ran.stderr
        return answer.read_bytes()


@contextmanager
def serving(authority: Authority) -> Iterator[str]:
    """The authority over HTTP, and beside it everything that may be found in its place; gives the address."""

    class Door(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            if self.path == "/slow":
                time.sleep(3)
            if self.path == "/redirect":
                self.send_response(302)
                self.send_header("Location", "/tsa")
                self.end_headers()
                return
            body = {
                "/html": b"<!doctype html><html><body>Log in to the proxy</body></html>",
                "/huge": b"0" * 300_000,
                "/empty": b"",
            }.get(self.path)
            if self.path == "/drip":
                self.send_response(200)
                self.end_headers()
                for _ in range(40):
                    self.wfile.write(b"0")
                    self.wfile.flush()
                    time.sleep(0.1)
                return
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()
            self.wfile.write(authority.reply(query) if body is None else body)

        def do_GET(self) -> None:
            # Where a redirect would lead to, as a GET.
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html>elsewhere</html>")

        def log_message(self, *rest: object) -> None:
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except OSError:
                pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
