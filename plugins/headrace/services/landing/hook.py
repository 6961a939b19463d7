"""Hook for the landing bucket, over S3.

Connection `landing_default`, type generic: host is the store's URL (`http://host:port`), login and password are its
keys; in extra `bucket` and `region`.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from headrace.systems.endpoint import Endpoint
from headrace.systems.retry import Backoff, Transient, persist
from headrace.systems.text import one_line

if TYPE_CHECKING:
    import pyarrow as pa
    from s3fs import S3FileSystem

T = TypeVar("T")

PART_ROWS: Final = 500_000
BLOCK_BYTES: Final = 8 << 20
CSV_BLOCK_BYTES: Final = 1 << 20
FORMATS: Final = (".parquet", ".csv", ".csv.gz")


class DroppedFile(NamedTuple):
    """One file in the bucket, in its current version; the same name with other content is another file."""

    key: str
    """Path in the bucket."""
    etag: str
    bytes: int
    modified: datetime

    @property
    def readable(self) -> bool:
        """Return whether the name ends with one of `FORMATS`."""
        return self.key.endswith(FORMATS)


class Replaced(Exception):
    """Raised when the file was replaced or removed after it was listed."""


class LandingHook:
    """Lists and reads landing files; never writes or deletes one."""

    default_conn_name = "landing_default"

    def __init__(self, endpoint: Endpoint, *, backoff: Backoff | None = None) -> None:
        self._endpoint = endpoint
        self._backoff = backoff or Backoff()
        self.bucket = str(endpoint.extra.get("bucket", "landing"))
        self.address = f"{endpoint.url}/{self.bucket}"

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> LandingHook:
        """Return the hook of an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @cached_property
    def files(self) -> S3FileSystem:
        """Return the file system of the store, created at first use."""
        from s3fs import S3FileSystem

        return S3FileSystem(
            key=self._endpoint.login,
            secret=self._endpoint.password,
            endpoint_url=self._endpoint.url,
            client_kwargs={"region_name": str(self._endpoint.extra.get("region", "us-east-1"))},
            config_kwargs={"connect_timeout": 5, "read_timeout": 60, "retries": {"max_attempts": 2}},
            use_listings_cache=False,
            local_expiry_check=True,  # compares the ETag of every answer; not every store honours If-Match
            skip_instance_cache=True,
        )

    def dropped(self, prefix: str) -> tuple[DroppedFile, ...]:
        """Return the files under a prefix, in the order of their modification times.

        Raises:
            SystemUnavailable: the store does not answer.
        """
        found = self._persist(lambda: self.files.find(f"{self.bucket}/{prefix}", detail=True))
        files = (self._file(path, info) for path, info in found.items() if info["type"] == "file")
        return tuple(sorted((f for f in files if f.bytes), key=lambda f: (f.modified, f.key)))

    def columns(self, file: DroppedFile) -> pa.Schema:
        """Return the file's columns; for CSV only their names are reliable.

        Raises:
            Replaced: the file was replaced or removed after it was listed.
            ValueError: the file cannot be read in the format of its name.
            SystemUnavailable: the store does not answer.
        """
        return self._persist(lambda: self._schema(file))

    def parts(self, file: DroppedFile, wanted: pa.Schema) -> Iterator[pa.Table]:
        """Yield the file's rows in parts of about `PART_ROWS`; text in CSV is read as the wanted types.

        Raises:
            Replaced: the file was replaced or removed after it was listed.
            ValueError: the file cannot be read in the format of its name, or a text is not a value of its type.
            OSError: the store does not answer.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        with self._open(file) as stream:
            if file.key.endswith(".parquet"):
                for batch in pq.ParquetFile(stream, pre_buffer=False).iter_batches(PART_ROWS):
                    yield pa.Table.from_batches([batch])
                return
            for batch in _csv(stream, file, wanted):
                yield pa.Table.from_batches([batch])

    def uri(self, file: DroppedFile) -> str:
        """Return its location, as `s3://bucket/key`."""
        return f"s3://{self.bucket}/{file.key}"

    def _schema(self, file: DroppedFile) -> pa.Schema:
        import pyarrow.parquet as pq

        with self._open(file) as stream:
            if file.key.endswith(".parquet"):
                return pq.read_schema(stream)
            return _csv(stream, file, None).schema

    @contextmanager
    def _open(self, file: DroppedFile) -> Iterator[Any]:
        from botocore.exceptions import BotoCoreError
        from s3fs.utils import FileExpired

        try:
            with self.files.open(f"{self.bucket}/{file.key}", "rb", block_size=BLOCK_BYTES) as stream:
                if _etag(stream.details) != file.etag:
                    raise Replaced(file.key)
                yield stream
        except (FileExpired, FileNotFoundError) as error:
            raise Replaced(file.key) from error
        except BotoCoreError as error:
            raise OSError(errno.EIO, one_line(error)) from error
        except OSError as error:
            if type(error) is OSError and error.errno is None:  # from Arrow: not a file of this format
                raise ValueError(one_line(error)) from error
            raise

    def _file(self, path: str, info: dict[str, Any]) -> DroppedFile:
        key = str(PurePosixPath(path).relative_to(self.bucket))
        return DroppedFile(key, _etag(info), int(info["size"]), info["LastModified"])

    def _persist(self, call: Callable[[], T]) -> T:
        from botocore.exceptions import BotoCoreError

        def once() -> T:
            try:
                return call()
            except (OSError, BotoCoreError) as error:
                raise Transient(one_line(error)) from error

        return persist(
            once,
            system="landing",
            address=self.address,
            next_step="Files stay in place and are landed when it answers.",
            backoff=self._backoff,
        )


def _etag(info: Mapping[str, Any]) -> str:
    return str(info["ETag"]).strip('"')


def _csv(stream: Any, file: DroppedFile, wanted: pa.Schema | None) -> Any:
    """Return a reader of batches; the first line must have the columns' names."""
    import pyarrow as pa
    from pyarrow import csv

    if file.key.endswith(".gz"):
        stream = pa.CompressedInputStream(stream, "gzip")
    types = {field.name: field.type for field in wanted} if wanted else None
    options = csv.ConvertOptions(column_types=types, strings_can_be_null=True, null_values=[""])
    return csv.open_csv(stream, csv.ReadOptions(block_size=CSV_BLOCK_BYTES), convert_options=options)
