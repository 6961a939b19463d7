"""The certificate of SeaweedFS's parts: made once, for one host, private."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from cryptography import x509

from include.stack.services import certificates


@pytest.mark.parametrize("host", ["127.0.0.1", "store.example"])
def test_the_authority_vouches_for_the_certificate_and_its_key_is_nowhere(tmp_path: Path, host: str) -> None:
    certificates.make(tmp_path / "own", host)
    own = certificates.files(tmp_path / "own")
    authority = x509.load_pem_x509_certificate(own.authority.read_bytes())
    certificate = x509.load_pem_x509_certificate(own.certificate.read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert {stat.S_IMODE(path.stat().st_mode) for path in own} == {0o600}
    assert sorted((tmp_path / "own").iterdir()) == sorted(own)


def test_it_stays_until_the_host_is_another_or_it_was_half_made(tmp_path: Path) -> None:
    certificates.make(tmp_path, "127.0.0.1")
    own = certificates.files(tmp_path)
    first = own.certificate.read_bytes()
    certificates.make(tmp_path, "127.0.0.1")
    assert own.certificate.read_bytes() == first
    certificates.make(tmp_path, "127.0.0.2")
    second = own.certificate.read_bytes()
    assert second != first
    own.key.unlink()
    certificates.make(tmp_path, "127.0.0.2")
    assert own.certificate.read_bytes() != second
    assert own.key.exists()
