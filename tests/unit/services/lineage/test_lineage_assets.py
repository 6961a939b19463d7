from __future__ import annotations

import json
import tomllib
from importlib import metadata
from urllib.parse import urlsplit

import pytest
from airflow.sdk import Asset
from airflow.sdk.providers_manager_runtime import ProvidersManagerTaskRuntime

import headrace
from headrace.provider import provider_info
from headrace.services.lineage import assets
from tests.support.lineage_cases import ROOT


def test_the_provider_is_found_through_its_metadata_alone() -> None:
    distribution = metadata.distribution("headrace")
    (entry,) = distribution.entry_points
    assert entry.group == "apache_airflow_provider" and entry.load() is provider_info
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert distribution.version == headrace.__version__ == project["version"]
    assert provider_info()["package-name"] == project["name"]


def test_airflow_registers_our_schemes() -> None:
    manager = ProvidersManagerTaskRuntime()
    for scheme in ("clickhouse", "iceberg", "s3"):
        assert manager.asset_to_openlineage_converters[scheme] is getattr(assets, f"{scheme}_to_openlineage")
        assert manager.asset_uri_handlers[scheme] is getattr(assets, f"check_{scheme}")
        assert manager.asset_factories[scheme] is getattr(assets, f"{scheme}_asset")
    for scheme in ("kafka", "postgres"):
        assert scheme in manager.asset_to_openlineage_converters


@pytest.mark.parametrize(
    ("asset", "namespace", "name"),
    [
        (
            "clickhouse://host:8124/retail/transactions",
            "clickhouse://host:8124",
            "retail.transactions",
        ),
        ("clickhouse://host/retail/transactions", "clickhouse://host:8123", "retail.transactions"),
        ("iceberg://lake/raw/retail_transactions", "iceberg://lake", "raw.retail_transactions"),
        ("s3://bucket/a/b.parquet", "s3://bucket", "a/b.parquet"),
        ("s3://bucket", "s3://bucket", "/"),
    ],
)
def test_openlineage_names(asset: str, namespace: str, name: str) -> None:
    convert = getattr(assets, f"{urlsplit(asset).scheme}_to_openlineage")
    found = convert(Asset(uri=asset), None)
    assert (found.namespace, found.name) == (namespace, name)


def test_a_lake_asset_with_a_location_is_named_by_it() -> None:
    asset = assets.iceberg_asset(
        catalog="lake",
        table="raw.retail_transactions",
        location="s3://warehouse/raw/retail_transactions",
    )
    found = assets.iceberg_to_openlineage(asset, None)
    assert (found.namespace, found.name) == ("s3://warehouse", "raw/retail_transactions")
    (alias,) = found.facets["symlinks"].identifiers
    assert (alias.namespace, alias.name) == ("iceberg://lake", "raw.retail_transactions")


def test_an_asset_of_our_lake_lies_where_the_connection_says(monkeypatch: pytest.MonkeyPatch) -> None:
    lake = {"conn_type": "iceberg", "extra": {"warehouse": "s3://theirs"}}
    monkeypatch.setenv("AIRFLOW_CONN_LAKE_DEFAULT", json.dumps(lake))
    monkeypatch.setenv("AIRFLOW_CONN_CLICKHOUSE_DEFAULT", json.dumps({"conn_type": "generic", "host": "ch"}))
    found = assets.iceberg_to_openlineage(Asset(uri="iceberg://lake/cleaned/retail_products"), None)
    assert (found.namespace, found.name) == ("s3://theirs", "cleaned/retail_products")
    elsewhere = assets.iceberg_to_openlineage(Asset(uri="iceberg://theirs/cleaned/retail_products"), None)
    assert (elsewhere.namespace, elsewhere.name) == ("iceberg://theirs", "cleaned.retail_products")


def test_factories_make_the_uris() -> None:
    made = assets.clickhouse_asset(host="h", port=8123, table="retail.transactions", group="serving")
    assert made.uri == "clickhouse://h:8123/retail/transactions" and made.group == "serving"
    assert assets.iceberg_asset(catalog="lake", table="raw.x").uri == "iceberg://lake/raw/x"
    assert assets.s3_asset(bucket="b", key="k/x").uri == "s3://b/k/x"


@pytest.mark.parametrize("uri", ["clickhouse://host:8123/retail", "clickhouse://host:8123/a/b/c", "iceberg://lake/raw"])
def test_a_wrong_asset_is_refused_where_it_is_written(uri: str) -> None:
    with pytest.raises(ValueError, match="write it as"):
        Asset(uri=uri)
    with pytest.raises(ValueError, match="no bucket"):
        assets.check_s3(urlsplit("s3:///key"))
