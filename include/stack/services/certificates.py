"""Certificate for mutual TLS between SeaweedFS's components, signed by the instance's own authority.

Clients without a certificate of this authority cannot connect. The authority's key is discarded after signing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from include.stack.private import write_private

YEARS: Final = 10
SIGNS: Final = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False, data_encipherment=False,
    key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


class Files(NamedTuple):
    """Paths of the PEM files: authority, certificate and key."""

    authority: Path
    certificate: Path
    key: Path


def files(folder: Path) -> Files:
    """Return the paths in a folder, whether or not the files exist."""
    return Files(folder / "authority.pem", folder / "certificate.pem", folder / "key.pem")


def make(folder: Path, host: str) -> None:
    """Create an authority and one server and client certificate for `host`, a name or an address.

    An existing certificate for that host that is valid for at least 30 more days is kept.
    """
    own = files(folder)
    if own.key.exists() and _good(own.certificate, host):
        return
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    authority, key = generate_private_key(SECP256R1()), generate_private_key(SECP256R1())
    ca = _builder("Headrace", authority).add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    ca = ca.add_extension(SIGNS, critical=True)
    purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
    leaf = _builder("SeaweedFS", key).add_extension(purposes, critical=False)
    leaf = leaf.add_extension(x509.SubjectAlternativeName([_name(host)]), critical=False)
    own.key.unlink(missing_ok=True)  # deleted first and written last: without it all three are re-created
    write_private(own.authority, _pem(ca.sign(authority, SHA256())))
    write_private(own.certificate, _pem(leaf.sign(authority, SHA256())))
    write_private(own.key, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def _builder(subject: str, key: EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Headrace")]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _good(path: Path, host: str) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError):
        return False
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return _name(host) in names and certificate.not_valid_after_utc > datetime.now(UTC) + timedelta(days=30)
