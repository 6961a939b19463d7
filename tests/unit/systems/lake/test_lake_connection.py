from __future__ import annotations

import pytest

from headrace.systems.endpoint import Endpoint
from headrace.systems.lake.hook import LakeHook, catalog_properties, catalog_uri, sqlalchemy_url

STORE = {"warehouse": "s3://warehouse", "s3.endpoint": "http://s3:9000", "s3.secret-access-key": "hush"}


@pytest.mark.parametrize(
    ("endpoint", "uri", "url"),
    [
        (Endpoint("jdbc:postgresql://db:5432/lake", login="lake", password="p@ss"), None, None),
        (Endpoint("db", 5432, "lake", "p@ss", database="lake"), None, None),
        (Endpoint("postgresql+psycopg2://lake:p%40ss@db:5432/lake", login="lake", password="p@ss"), None, None),
    ],
)  # fmt: skip
def test_a_jdbc_catalog_may_be_written_in_several_ways(endpoint: Endpoint, uri: None, url: None) -> None:
    place = Endpoint(
        endpoint.host, endpoint.port, endpoint.login, endpoint.password, database=endpoint.database,
        extra={"type": "jdbc", **STORE},
    )  # fmt: skip
    assert catalog_uri(place) == "jdbc:postgresql://db:5432/lake"
    assert sqlalchemy_url(place) == "postgresql+psycopg2://lake:p%40ss@db:5432/lake"
    assert LakeHook(place).address == "jdbc:postgresql://db:5432/lake"
    assert catalog_properties(place)["type"] == "sql"


def test_a_rest_catalog_gets_its_credential_and_only_known_extras() -> None:
    place = Endpoint(
        "http://rest:8181", None, "key", "secret", extra={"type": "rest", **STORE, "py-catalog-impl": "evil"}
    )
    properties = catalog_properties(place)
    assert properties["uri"] == "http://rest:8181"
    assert properties["credential"] == "key:secret"
    assert properties["py-catalog-impl"] == "headrace.systems.lake.rest.TimedRestCatalog"
    assert properties["s3.endpoint"] == "http://s3:9000"
    assert "evil" not in properties.values()


def test_another_kind_of_catalog_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="type must be rest or jdbc; got 'hive'"):
        catalog_properties(Endpoint("x", extra={"type": "hive"}))
