"""The lake as a ClickHouse database: ClickHouse reads Iceberg tables and their snapshots through the catalog.

https://clickhouse.com/docs/engines/database-engines/datalakecatalog
"""

from __future__ import annotations

from typing import Final

from headrace.contracts.names import LAKE_CATALOG
from headrace.planning.ddl import identifier, literal
from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import catalog_uri, is_jdbc
from headrace.systems.warehouse.hook import WarehouseHook

FORGET: Final = f"DROP DATABASE IF EXISTS {identifier(LAKE_CATALOG)}"


def open_lake(hook: WarehouseHook, lake: Endpoint) -> bool:
    """Re-create the database `lake` with the connection's addresses and keys. The lake itself is not changed.

    Return False for a JDBC catalog: ClickHouse reads only REST catalogs.
    """
    if is_jdbc(lake):
        return False
    hook.execute(FORGET)
    hook.execute(database(lake))
    return True


def database(lake: Endpoint) -> str:
    """Return the statement that creates the database.

    It holds secrets, which ClickHouse hides when it shows a statement.
    """
    extra, uri = lake.extra, catalog_uri(lake)
    bucket = str(extra.get("warehouse", "")).removeprefix("s3://")
    settings = {
        "catalog_type": literal("rest"),
        "warehouse": literal(str(extra.get("warehouse", ""))),
        "catalog_credential": literal(f"{lake.login}:{lake.password}"),
        "oauth_server_uri": literal(str(extra.get("oauth2-server-uri") or f"{uri}/v1/oauth/tokens")),
        "storage_endpoint": literal(f"{extra.get('s3.endpoint', '')}/{bucket}"),
        "vended_credentials": "false",
    }
    keys = (f"{uri}/v1", str(extra.get("s3.access-key-id", "")), str(extra.get("s3.secret-access-key", "")))
    engine = f"DataLakeCatalog({', '.join(literal(part) for part in keys)})"
    listed = ", ".join(f"{name} = {value}" for name, value in settings.items())
    return f"CREATE DATABASE IF NOT EXISTS {identifier(LAKE_CATALOG)} ENGINE = {engine} SETTINGS {listed}"
