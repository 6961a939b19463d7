"""The buckets of an object store that makes none by itself."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from include.stack.settings import Settings

LANDING: Final = "landing"
"""Where files are dropped; SeaweedFS makes it by its own options."""
TIMEOUT_S: Final = 10


def make_buckets(s: Settings) -> None:
    """The warehouse's bucket and the landing bucket; nothing happens to one that is there. Raises OSError."""
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
