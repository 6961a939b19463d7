"""The lake as a database of ClickHouse: the statement that makes it, of the connection's parts."""

from __future__ import annotations

from headrace.systems.endpoint import Endpoint
from headrace.systems.warehouse.lake import database

STORE = {
    "warehouse": "s3://warehouse",
    "s3.endpoint": "http://s3:9000",
    "s3.access-key-id": "k",
    "s3.secret-access-key": "it's",
}


def test_the_statement_has_every_part_of_the_connection_as_a_literal() -> None:
    place = Endpoint("http://rest:8181", None, "user", "pass'word", extra={"type": "rest", **STORE})
    assert database(place) == (
        "CREATE DATABASE IF NOT EXISTS `lake` ENGINE = DataLakeCatalog('http://rest:8181/v1', 'k', 'it\\'s') SETTINGS"
        " catalog_type = 'rest', warehouse = 's3://warehouse', catalog_credential = 'user:pass\\'word',"
        " oauth_server_uri = 'http://rest:8181/v1/oauth/tokens', storage_endpoint = 'http://s3:9000/warehouse',"
        " vended_credentials = false"
    )


def test_the_token_endpoint_can_be_set() -> None:
    extra = {"type": "rest", **STORE, "oauth2-server-uri": "http://tokens/get"}
    assert "oauth_server_uri = 'http://tokens/get'" in database(Endpoint("http://rest:8181", extra=extra))
