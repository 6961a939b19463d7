"""Spark catalog properties of the lake: `spark.sql.catalog.lake`."""

from __future__ import annotations

from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import catalog_uri, is_jdbc


def catalog_conf(lake: Endpoint) -> dict[str, str]:
    """Return Spark's configuration of the catalog `lake`. It holds secrets, so pass it in the environment, not in argv.

    Keys: https://iceberg.apache.org/docs/latest/spark-configuration/
    """
    jdbc = is_jdbc(lake)
    properties = {
        "type": "jdbc" if jdbc else "rest",
        "uri": catalog_uri(lake),
        "warehouse": str(lake.extra.get("warehouse", "")),
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": str(lake.extra.get("s3.endpoint", "")),
        "s3.path-style-access": "true",
        "s3.access-key-id": str(lake.extra.get("s3.access-key-id", "")),
        "s3.secret-access-key": str(lake.extra.get("s3.secret-access-key", "")),
        "client.region": str(lake.extra.get("s3.region", "us-east-1")),
        # Another session's commits would otherwise be invisible for 30 s.
        "cache-enabled": "false",
        **(_jdbc(lake) if jdbc else _rest(lake)),
    }
    extensions = "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"
    catalog = {f"spark.sql.catalog.lake.{name}": value for name, value in properties.items()}
    return {
        "spark.sql.extensions": extensions,
        "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
        **catalog,
    }


def _rest(lake: Endpoint) -> dict[str, str]:
    if not lake.login:
        return {}
    tokens = str(lake.extra.get("oauth2-server-uri") or f"{catalog_uri(lake)}/v1/oauth/tokens")
    return {"credential": f"{lake.login}:{lake.password}", "oauth2-server-uri": tokens}


def _jdbc(lake: Endpoint) -> dict[str, str]:
    return {"jdbc.user": lake.login or "", "jdbc.password": lake.password or "", "jdbc.schema-version": "V1"}
