"""Close SeaweedFS's parts to all but each other: tokens where they speak HTTP, certificates everywhere else.

https://github.com/seaweedfs/seaweedfs/wiki/Security-Overview
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from include.stack import certificates
from include.stack.settings import Settings

TOKENS: Final = ("JWT_SIGNING", "JWT_SIGNING_READ", "JWT_FILER_SIGNING", "JWT_FILER_SIGNING_READ")
"""Volumes and filer, for writing and reading: each has a key of its own to sign tokens with."""
PARTS: Final = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MSG_BROKER", "MSG_AGENT", "MQ", "CLIENT")
"""Those that speak gRPC. The master speaks HTTP too and knows no tokens there."""


def folder(s: Settings) -> Path:
    """Return the folder of the certificate."""
    return s.data / "seaweedfs-certificate"


def make_certificate(s: Settings) -> None:
    """Make the parts' certificate; idempotent."""
    certificates.make(folder(s), s.bind)


def security(s: Settings) -> dict[str, str]:
    """Return its environment: what `weed scaffold -config=security` would have in a file."""
    authority, certificate, key = (str(path) for path in certificates.files(folder(s)))
    tokens = {f"WEED_{name}_KEY": f"{s['HEADRACE_WEED_KEY']}.{name.lower()}" for name in TOKENS}
    shown = {
        f"WEED_{part}_{kind}": path
        for part in ("HTTPS_MASTER", *(f"GRPC_{part}" for part in PARTS))
        for kind, path in (("CERT", certificate), ("KEY", key))
    }
    return {**tokens, **shown, "WEED_GRPC_CA": authority, "WEED_HTTPS_MASTER_CA": authority}
