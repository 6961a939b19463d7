from __future__ import annotations

import asyncio
import json

import pytest

from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint
from headrace.systems.references import all_resolved, resolved

ENVIRON = {"HEADRACE_PASSWORD_CONNECT": "s3cret", "PATH": "/bin", "HEADRACE_EMPTY": ""}


def test_a_reference_is_replaced_and_everything_else_stays() -> None:
    assert resolved("env:HEADRACE_PASSWORD_CONNECT", "c, password", ENVIRON) == "s3cret"
    for plain in ("s3cret", "", None, 5, True, "s3://warehouse", "HEADRACE_PASSWORD_CONNECT"):
        assert resolved(plain, "c, password", ENVIRON) is plain
    extra = {
        "type": "rest",
        "s3.secret-access-key": "env:HEADRACE_PASSWORD_CONNECT",
        "secure": False,
    }
    assert all_resolved(extra, "c", ENVIRON) == {**extra, "s3.secret-access-key": "s3cret"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("env:HEADRACE_MISSING", "HEADRACE_MISSING, which is not set here"),
        ("env:HEADRACE_EMPTY", "HEADRACE_EMPTY, which is not set here"),
        ("env:PATH", "env:PATH is no reference"),
        ("env:", "env: is no reference"),
        ("env:HEADRACE_PASSWORD_CONNECT ", "is no reference"),
    ],
)
def test_what_cannot_be_resolved_is_one_clear_sentence(value: str, message: str) -> None:
    with pytest.raises(SystemRefused, match="clickhouse_default, password") as caught:
        resolved(value, "clickhouse_default, password", ENVIRON)
    assert message in str(caught.value)
    assert "s3cret" not in str(caught.value)


def test_an_airflow_connection_may_refer_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    body = {
        "conn_type": "iceberg",
        "host": "http://lake:8181",
        "login": "env:HEADRACE_S3_ACCESS_KEY",
        "password": "env:HEADRACE_S3_SECRET_KEY",
        "extra": {"type": "rest", "s3.secret-access-key": "env:HEADRACE_S3_SECRET_KEY"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_PROBE", json.dumps(body))
    monkeypatch.setenv("HEADRACE_S3_ACCESS_KEY", "key-0815")
    monkeypatch.setenv("HEADRACE_S3_SECRET_KEY", "secret-4711")
    place = Endpoint.from_connection("probe")
    assert (place.login, place.password) == ("key-0815", "secret-4711")
    assert place.extra == {"type": "rest", "s3.secret-access-key": "secret-4711"}
    assert asyncio.run(Endpoint.afrom_connection("probe")) == place
    assert "secret-4711" not in repr(place)


def test_airflow_hides_in_its_logs_what_a_reference_gave() -> None:
    from airflow.sdk.log import redact

    resolved(
        "env:HEADRACE_PASSWORD_CONNECT",
        "c, password",
        {"HEADRACE_PASSWORD_CONNECT": "a-very-own-secret"},
    )
    assert redact("the password is a-very-own-secret") == "the password is ***"
