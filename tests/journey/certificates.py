"""Certificates for tests: a CA of their own, a server and a client of it, and a stranger."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path


def make_certificates(folder: Path) -> None:
    """Write `ca`, `server`, `client` and `stranger`, each as .pem and .key, for 127.0.0.1."""
    from ipaddress import ip_address

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    now = datetime.now(UTC)

    def made(name: str, issuer: x509.Name | None, sign: ec.EllipticCurvePrivateKey | None):  # type: ignore[no-untyped-def]
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        ca = x509.BasicConstraints(ca=issuer is None, path_length=None)
        alternatives = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(ca, critical=True)
            .add_extension(alternatives, critical=False)
            .sign(sign or key, hashes.SHA256())
        )
        pem = serialization.Encoding.PEM
        (folder / f"{name}.pem").write_bytes(built.public_bytes(pem))
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return subject, key

    subject, key = made("ca", None, None)
    made("server", subject, key)
    made("client", subject, key)
    made("stranger", None, None)
