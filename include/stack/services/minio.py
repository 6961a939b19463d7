"""Service of MinIO, the optional object store, and the creation of its buckets."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from include.stack.connections import LANDING
from include.stack.services.probes import http_answers
from include.stack.services.process import Process
from include.stack.services.service import Service
from include.stack.settings import Settings

TIMEOUT_S: Final = 10


def service(s: Settings) -> Service:
    """Return the service of the object store."""
    command = ("minio", "server", str(s.data / "minio"), "--address", f"{s.bind}:{s.port('S3')}",
               "--console-address", f"{s.bind}:{s.port('WEED')}")  # fmt: skip
    keys = {"MINIO_ROOT_USER": s["HEADRACE_S3_ACCESS_KEY"], "MINIO_ROOT_PASSWORD": s["HEADRACE_S3_SECRET_KEY"]}
    url = f"http://{s.bind}:{s.port('S3')}/minio/health/live"
    return Service(Process("minio", command, keys), lambda: http_answers(url))


def make_buckets(s: Settings) -> None:
    """Create the warehouse bucket and the landing bucket; idempotent. Raises OSError."""
    from pyarrow.fs import S3FileSystem

    store = S3FileSystem(
        access_key=s["HEADRACE_S3_ACCESS_KEY"],
        secret_key=s["HEADRACE_S3_SECRET_KEY"],
        endpoint_override=f"{s.bind}:{s.port('S3')}",
        scheme="http",
        region="us-east-1",
        connect_timeout=TIMEOUT_S,
        request_timeout=TIMEOUT_S,
        allow_bucket_creation=True,
    )
    for bucket in (urlsplit(s["HEADRACE_WAREHOUSE"]).netloc, LANDING):
        store.create_dir(bucket)
