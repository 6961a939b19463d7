"""Plan settings, and what in the desired state follows from them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from headrace.contracts.contract import Source
from headrace.errors import PlanRefused
from headrace.planning.desired import desired
from headrace.planning.settings import PlanSettings
from tests.unit.planning.cases import LINES, SETTINGS, VIEWS

CATALOG = {"kind": "rest", "uri": "u", "warehouse": "w", "s3_endpoint": "e"}
LEAST = {"kafka_bootstrap": "k", "registry_url": "r", "sources": {}, "catalog": CATALOG}


def config(name: str, settings: PlanSettings) -> dict[str, str]:
    found = desired([LINES, VIEWS], settings)
    return next(r.spec["config"] for r in found if r.key == ("connector", name))


def test_the_least_is_enough() -> None:
    assert PlanSettings.from_mapping(LEAST).poll_interval_ms == 20


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({**LEAST, "speed": 1}, "speed is unknown"),
        ({k: v for k, v in LEAST.items() if k != "sources"}, "sources is missing"),
        ({**LEAST, "catalog": {**CATALOG, "bucket": "b"}}, "catalog.bucket is unknown"),
        ({**LEAST, "catalog": {**CATALOG, "kind": "hive"}}, "it may be rest or jdbc"),
        ({**LEAST, "sources": {"oltp": {"host": "h"}}}, "sources.oltp.port is missing"),
        ({**LEAST, "sources": {"oltp": {"host": "h"}}}, "sources.oltp.database is missing"),
    ],
)
def test_a_wrong_key_is_named(values: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PlanSettings.from_mapping(values)


def test_an_unknown_source_connection_is_refused_with_the_next_step() -> None:
    stray = replace(LINES, source=Source("cdc", "crm", "public.people", "envelope"))
    with pytest.raises(PlanRefused) as refused:
        desired([stray], SETTINGS)
    assert str(refused.value) == (
        "include/schemas/retail/basket_lines.avsc: the source connection 'crm' is unknown "
        "(known: oltp). Add the Airflow connection 'crm_default', or name another one."
    )


def test_no_secret_is_written_into_a_connector() -> None:
    for name in ("cdc-oltp", "lake-retail"):
        for key, value in config(name, SETTINGS).items():
            if key.endswith(("password", "secret-access-key", "access-key-id", "credential")):
                assert value.startswith("${env:HEADRACE_"), key


def test_extra_configuration_wins() -> None:
    settings = replace(
        SETTINGS,
        source_config={"poll.interval.ms": "10"},
        sink_config={"consumer.override.security.protocol": "SSL"},
    )
    assert config("cdc-oltp", settings)["poll.interval.ms"] == "10"
    assert config("lake-retail", settings)["consumer.override.security.protocol"] == "SSL"


def test_a_catalog_without_a_credential_asks_for_no_token() -> None:
    open_ = replace(SETTINGS, catalog=replace(SETTINGS.catalog, credential_ref=""))
    assert not [key for key in config("lake-retail", open_) if "oauth2" in key]


def test_zones_and_serving_decide_what_is_made() -> None:
    elsewhere = replace(LINES, zones=("quarantine",), serving="postgres")
    made = desired([elsewhere], SETTINGS)
    assert {r.kind for r in made} == {"lake_table", "serving_table", "topic", "subject", "connector"}
    assert [r.name for r in made if r.kind == "lake_table"] == ["quarantine.retail_basket_lines"]
    assert not [r for r in desired([elsewhere], SETTINGS) if r.name.startswith("lake-")]


def test_each_source_connection_and_each_domain_has_its_connector() -> None:
    both = replace(SETTINGS, sources={**SETTINGS.sources, "crm": SETTINGS.sources["oltp"]})
    people = replace(
        LINES, id="crm.people", domain="crm", name="people",
        source=Source("cdc", "crm", "public.people", "envelope"),
    )  # fmt: skip
    found = desired([LINES, VIEWS, people], both)
    assert [(r.name, r.datasets) for r in found if r.kind == "connector"] == [
        ("cdc-crm", ("crm.people",)),
        ("cdc-oltp", ("retail.basket_lines",)),
        ("lake-crm", ("crm.people",)),
        ("lake-retail", ("retail.basket_lines",)),
        ("lake-web", ("web.page_views",)),
    ]
