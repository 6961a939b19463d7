"""The lake as a Spark catalog: properties for `spark.sql.catalog.lake`."""

from __future__ import annotations

from headrace.systems.endpoint import Endpoint


def catalog_conf(lake: Endpoint) -> dict[str, str]:
    """Spark's configuration for the catalog `lake`; holds secrets, so it belongs in the environment, not in argv.

    Keys: https://iceberg.apache.org/docs/latest/spark-configuration/
    """
    kind = "jdbc" if str(lake.extra.get("type", "rest")) in ("jdbc", "sql") else "rest"
    properties = {
        "type": kind,
        "uri": lake.host,
        "warehouse": str(lake.extra.get("warehouse", "")),
        "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
        "s3.endpoint": str(lake.extra.get("s3.endpoint", "")),
        "s3.path-style-access": "true",
        "s3.access-key-id": str(lake.extra.get("s3.access-key-id", "")),
        "s3.secret-access-key": str(lake.extra.get("s3.secret-access-key", "")),
        "client.region": str(lake.extra.get("s3.region", "us-east-1")),
        # Another session's commits would otherwise be invisible for 30 s.
        "cache-enabled": "false",
        **(_rest(lake) if kind == "rest" else _jdbc(lake)),
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
    tokens = str(lake.extra.get("oauth2-server-uri") or f"{lake.host.rstrip('/')}/v1/oauth/tokens")
    return {"credential": f"{lake.login}:{lake.password}", "oauth2-server-uri": tokens}


def _jdbc(lake: Endpoint) -> dict[str, str]:
    return {"jdbc.user": lake.login or "", "jdbc.password": lake.password or "", "jdbc.schema-version": "V1"}
