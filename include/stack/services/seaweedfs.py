"""Service of SeaweedFS, the object store with an Iceberg catalog; all components run in one process.

The components accept requests only from each other, authenticated by tokens over HTTP and by certificates elsewhere:

https://github.com/seaweedfs/seaweedfs/wiki/Security-Overview
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from include.stack.services import certificates
from include.stack.services.probes import http_answers, port_open
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings

TOKENS: Final = ("JWT_SIGNING", "JWT_SIGNING_READ", "JWT_FILER_SIGNING", "JWT_FILER_SIGNING_READ")
"""Token settings of volumes and filer, for writing and reading; each has its own signing key."""
PARTS: Final = ("MASTER", "VOLUME", "FILER", "S3", "ADMIN", "WORKER", "MSG_BROKER", "MSG_AGENT", "MQ", "CLIENT")
"""Components with a gRPC interface. The master also has an HTTP interface, which supports no tokens."""


def service(s: Settings) -> Service:
    """Return the service of the object store."""
    # All other options are in a file of mode 600, because they include the admin password.
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
    """Create the components' certificate; idempotent."""
    certificates.make(folder(s), s.bind)


def security(s: Settings) -> dict[str, str]:
    """Return the security options as environment variables; `weed scaffold -config=security` shows them as a file."""
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
