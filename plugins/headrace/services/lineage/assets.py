"""Asset schemes: check an Airflow asset's URI, and convert it to an OpenLineage name.

    clickhouse://host:port/database/table   → clickhouse://host:port, database.table
    iceberg://catalog/namespace/table       → the table's location, the catalog's name as symlink
    s3://bucket/key                         → s3://bucket, key

Airflow's own providers handle `kafka://` and `postgres://`. The location of an Iceberg asset in our lake comes from the
connection `lake_default`. An asset of another catalog has its location in `extra["location"]`, or the catalog's name.

Airflow imports this module in every process that creates an asset, so it imports nothing heavy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from headrace.contracts.contract import Contract
from headrace.contracts.names import (
    CLICKHOUSE_HTTP_PORT,
    LAKE_CATALOG,
    LineageName,
    clickhouse_lineage,
    lake_lineage,
    lake_symlink,
    lake_table,
)

if TYPE_CHECKING:
    from airflow.sdk import Asset
    from openlineage.client.event_v2 import Dataset


def check_clickhouse(uri: SplitResult) -> SplitResult:
    """Return the URI with an explicit port. Refuse anything but `clickhouse://host[:port]/database/table`."""
    _two_parts(uri, "clickhouse://host:port/database/table")
    host = uri.netloc.rpartition("@")[2]
    return uri._replace(netloc=host if uri.port else f"{host}:{CLICKHOUSE_HTTP_PORT}")


def check_iceberg(uri: SplitResult) -> SplitResult:
    """Refuse anything but `iceberg://catalog/namespace/table`."""
    _two_parts(uri, "iceberg://catalog/namespace/table")
    return uri


def check_s3(uri: SplitResult) -> SplitResult:
    """Refuse an S3 URI without a bucket."""
    if not uri.netloc:
        raise ValueError(f"asset {uri.geturl()!r}: no bucket; write it as s3://bucket/key")
    return uri


def clickhouse_asset(*, host: str, port: int, table: str, **kwargs: Any) -> Asset:
    """Return the asset of a ClickHouse table or view; `table` is `database.table`."""
    return _asset(f"clickhouse://{host}:{port}/{table.replace('.', '/', 1)}", **kwargs)


def iceberg_asset(*, catalog: str, table: str, location: str = "", **kwargs: Any) -> Asset:
    """Return the asset of a lake table; `table` is `namespace.table`, `location` its storage URI."""
    extra = {**kwargs.pop("extra", {}), **({"location": location} if location else {})}
    return _asset(f"iceberg://{catalog}/{table.replace('.', '/', 1)}", extra=extra, **kwargs)


def cleaned_asset(contract: Contract, **kwargs: Any) -> Asset:
    """Return the asset of a dataset's cleaned table. An event is a finished refinement or build of a mart."""
    return iceberg_asset(catalog=LAKE_CATALOG, table=lake_table(contract, "cleaned"), **kwargs)


def raw_asset(contract: Contract, **kwargs: Any) -> Asset:
    """Return the asset of a dataset's raw table. An event means that changes have landed there."""
    return iceberg_asset(catalog=LAKE_CATALOG, table=lake_table(contract, "raw"), **kwargs)


def mart_inputs_asset(mart: Contract, **kwargs: Any) -> Asset:
    """Return the asset of all tables that a mart reads. An event means that they have rows that the mart has not."""
    from airflow.sdk import Asset

    return Asset(name=f"{mart.domain}_{mart.name}_inputs", **kwargs)


def s3_asset(*, bucket: str, key: str, **kwargs: Any) -> Asset:
    """Return the asset of an object or a prefix in an S3 store."""
    return _asset(f"s3://{bucket}/{key}", **kwargs)


def clickhouse_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """Return the dataset `clickhouse://host:port`, `database.table`."""
    uri = urlsplit(asset.uri)
    database, table = _two_parts(uri, asset.uri)
    name = clickhouse_lineage(uri.hostname or "", uri.port or CLICKHOUSE_HTTP_PORT, f"{database}.{table}")
    return _dataset(*name)


def iceberg_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """Return the table by its location with a symlink to `iceberg://catalog`, or by the catalog's name alone."""
    from openlineage.client.facet_v2 import symlinks_dataset

    uri = urlsplit(asset.uri)
    namespace, table = _two_parts(uri, asset.uri)
    logical = lake_symlink(f"iceberg://{uri.netloc}", f"{namespace}.{table}")
    location = (asset.extra or {}).get("location")
    given = lake_lineage(location) if isinstance(location, str) and "://" in location else None
    name = given or (_in_our_lake(logical.name) if uri.netloc == LAKE_CATALOG else None)
    if name is None:
        return _dataset(*logical)
    alias = symlinks_dataset.Identifier(logical.namespace, logical.name, "TABLE")
    facet = symlinks_dataset.SymlinksDatasetFacet(identifiers=[alias])
    return _dataset(*name, facets={"symlinks": facet})


def _in_our_lake(table: str) -> LineageName | None:
    """Return the table by its location; None if Airflow has no connection to the lake."""
    from airflow.sdk.exceptions import AirflowNotFoundException

    from headrace.services.lineage.places import datasets

    try:
        return datasets().lake_names(table)[0]
    except AirflowNotFoundException:
        return None


def s3_to_openlineage(asset: Asset, lineage_context: Any) -> Dataset:
    """Return the dataset `s3://bucket` and the key; the name of the bucket itself is `/`."""
    uri = urlsplit(asset.uri)
    return _dataset(f"s3://{uri.netloc}", uri.path.strip("/") or "/")


def _two_parts(uri: SplitResult, shape: str) -> tuple[str, str]:
    parts = uri.path.strip("/").split("/")
    if not uri.netloc or len(parts) != 2 or not all(parts):
        raise ValueError(f"asset {uri.geturl()!r}: write it as {shape}")
    return parts[0], parts[1]


def _asset(uri: str, **kwargs: Any) -> Asset:
    from airflow.sdk import Asset

    return Asset(uri=uri, **kwargs)


def _dataset(namespace: str, name: str, facets: dict[str, Any] | None = None) -> Dataset:
    from openlineage.client.event_v2 import Dataset

    return Dataset(namespace=namespace, name=name, facets=facets or {})
