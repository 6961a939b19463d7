"""SeaweedFS, the object store with its Iceberg catalog: all its parts in one process, closed to all but each other.

They know each other by tokens where they speak HTTP, by certificates everywhere else:

https://github.com/seaweedfs/seaweedfs/wiki/Security-Overview
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from include.stack.services import certificates
from include.stack.services.asking import http_answers, port_open
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings

TOKENS: Final = ("JWT_SIGNING", "JWT_SIGNING_READ", "JWT_FILER_SIGNING", "JWT_FILER_SIGNING_READ")
"""Volumes and filer, for writing and reading: each has a key of its own to sign tokens with."""
PARTS: Final = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MSG_BROKER", "MSG_AGENT", "MQ", "CLIENT")
"""Those that speak gRPC. The master speaks HTTP too and knows no tokens there."""


def service(s: Settings) -> Service:
    """Return the object store."""
    # Everything else stands in a file of mode 600, because the admin password is among it.
    command = (
        str(Path(sys.executable).parent / "weed"),
        "-logtostderr=true",
        "mini",
        f"-options={s.run / 'seaweedfs.options'}",
    )
    environ = {"GOMEMLIMIT": _go_size(s["HEADRACE_MEMORY_SEAWEEDFS"]), **security(s)}
    return Service(Process("seaweedfs", command, environ), lambda: _answers(s))


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


def _answers(s: Settings) -> bool:
    catalog = f"http://{s.bind}:{s.port('CATALOG')}/v1/config"
    return port_open(s.bind, s.port("S3")) and http_answers(catalog, (200, 401, 403))


def _go_size(value: str) -> str:
    return value[:-1] + {"m": "MiB", "g": "GiB"}[value[-1]]
