"""Write the shop's files to the landing bucket: promotions, one file per week, and coupons."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

import polars as pl
import pyarrow.parquet as pq
from pyarrow.fs import FileSystem, S3FileSystem

from include.shop import source
from include.shop.errors import ShopError
from include.shop.source import Sample

WEEKS = range(1, 54)
TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Dropped:
    """A file written to the bucket."""

    key: str
    rows: int


def drop_promotions(
    url: str, weeks: Iterable[int], sample: Sample | None = None, progress: Callable[[Dropped], None] = lambda _: None
) -> tuple[Dropped, ...]:
    """Write one Parquet file per week that has promotions. The same weeks always give the same files.

    `url` is `http://key:secret@host:port/bucket`. Raises ShopError for a week outside 1 to 53, OSError.
    """
    wanted = sorted(set(weeks))
    if unknown := [week for week in wanted if week not in WEEKS]:
        raise ShopError(f"week must be from 1 to 53; got {unknown[0]}")
    rows = source.promotions(sample or Sample()).filter(pl.col("week").is_in(wanted))
    parts = sorted(rows.partition_by("week", as_dict=True).items())
    return _dropped(url, ((f"retail/promotions/week_{week:02}.parquet", part) for (week,), part in parts), progress)


def drop_coupons(
    url: str, sample: Sample | None = None, progress: Callable[[Dropped], None] = lambda _: None
) -> tuple[Dropped, ...]:
    """Write the coupons of all campaigns to one file. The same sample always gives the same file. Raises OSError."""
    return _dropped(url, [("retail/coupons/coupons.parquet", source.frame("coupons", sample))], progress)


def _dropped(
    url: str, files: Iterable[tuple[str, pl.DataFrame]], progress: Callable[[Dropped], None]
) -> tuple[Dropped, ...]:
    store, bucket = store_at(url)
    dropped = []
    for key, rows in files:
        with store.open_output_stream(f"{bucket}/{key}") as stream:
            pq.write_table(rows.to_arrow(), stream, compression="zstd")
        dropped.append(Dropped(key, rows.height))
        progress(dropped[-1])
    return tuple(dropped)


def store_at(url: str) -> tuple[FileSystem, str]:
    """Return the object store and the bucket of `http://key:secret@host:port/bucket`. Raises ShopError."""
    parts = urlsplit(url)
    if not parts.hostname or not parts.path.strip("/"):
        raise ShopError("the URL of the landing bucket must have the form http://key:secret@host:port/bucket")
    store = S3FileSystem(
        access_key=unquote(parts.username or ""),
        secret_key=unquote(parts.password or ""),
        endpoint_override=parts.hostname + (f":{parts.port}" if parts.port else ""),
        scheme=parts.scheme,
        region="us-east-1",
        connect_timeout=TIMEOUT_S,
        request_timeout=TIMEOUT_S,
    )
    return store, parts.path.strip("/")
