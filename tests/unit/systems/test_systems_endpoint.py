from __future__ import annotations

import pytest

from headrace.systems.endpoint import Endpoint, without_credentials


def test_a_url_is_taken_apart_and_the_password_is_never_shown() -> None:
    place = Endpoint.from_url("postgresql://cdc:p%40ss@db:5433/oltp", sslmode="require")
    assert place == Endpoint("db", 5433, "cdc", "p@ss", "postgresql", "oltp", {"sslmode": "require"})
    assert "p@ss" not in repr(place)
    assert "require" not in repr(place)
    assert place.url == "postgresql://db:5433"


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        (Endpoint("registry", 8081), "http://registry:8081"),
        (Endpoint("registry", scheme="https"), "https://registry"),
        (Endpoint("https://registry/base/"), "https://registry/base"),
        (Endpoint("https://me:secret@registry", 443), "https://registry:443"),
    ],
)
def test_the_url_of_an_endpoint(endpoint: Endpoint, url: str) -> None:
    assert endpoint.url == url


def test_credentials_are_cut_out_of_a_url() -> None:
    assert without_credentials("jdbc:postgresql://me:pw@db:5432/x?y=z") == "jdbc:postgresql://db:5432/x?y=z"
    assert without_credentials("http://db") == "http://db"


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("http://reg:8081/https", ("reg", 8081, "https", "")),
        ("postgres://cdc:x@db:5432/oltp", ("db", 5432, "http", "oltp")),
    ],
)
def test_airflow_keeps_the_scheme_of_http_where_it_keeps_the_database_of_others(
    uri: str, expected: tuple[str, int, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_PROBE", uri)
    place = Endpoint.from_connection("probe")
    assert (place.host, place.port, place.scheme, place.database) == expected
