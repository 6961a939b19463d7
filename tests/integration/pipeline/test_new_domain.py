"""A new domain's contract is applied by Airflow, and that is all a person does; an edit that was not applied changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from include.stack.airflow_api import AirflowRefused
from tests.conftest import Stack
from tests.integration.systems.world import ID, NOTE, TERMS
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.long, pytest.mark.slow, pytest.mark.timeout(900)]

TABLE = """
    CREATE TABLE retail.plants (id bigint PRIMARY KEY, note text);
    ALTER TABLE retail.plants REPLICA IDENTITY FULL;
    GRANT SELECT ON retail.plants TO cdc;
    INSERT INTO retail.plants VALUES (1, 'fern')"""
SERVED = "SELECT id, note FROM garden.plants ORDER BY id"


@pytest.fixture
def schema(stack: Stack) -> Iterator[Path]:
    """The Avro schema of `garden.plants`, whose table holds one row. Afterwards the dataset is retired."""
    folder = stack.settings.contracts / "garden"
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as owner:
        owner.execute(TABLE)
        folder.mkdir()
        avsc = folder / "plants.avsc"
        avsc.write_text(record(ID, NOTE))
        source = "{kind: cdc, connection: oltp, table: retail.plants}"
        terms = TERMS.format(domain="garden", dataset="plants", source=source, zones="raw")
        (folder / "plants.odcs.yaml").write_text(terms)
        yield avsc
        for file in folder.iterdir():
            file.unlink()
        folder.rmdir()
        applied(stack)
        wait_until(lambda: not stack.pid("stream-garden"), 180, "the retired domain's driver runs on")
        owner.execute("DROP TABLE retail.plants")


def applied(stack: Stack, *datasets: str) -> None:
    """By Airflow; all datasets when none is named."""
    run = stack.airflow.trigger("apply_contracts", {"datasets": list(datasets)})
    stack.airflow.wait_for_run("apply_contracts", run, 240, lambda line: None)


def record(*fields: dict[str, Any]) -> str:
    return json.dumps(
        {"type": "record", "name": "Plants", "namespace": "garden", "doc": "A test.", "fields": list(fields)}
    )


def test_a_new_domain_runs_once_it_is_applied_and_an_edit_does_not_until_it_is(
    stack: Stack, schema: Path, warehouse: Callable[..., Any], raw: Any, eventually: Callable[..., Any]
) -> None:
    applied(stack, "garden.plants")
    eventually(lambda: warehouse(SERVED), [(1, "fern")], 300)
    eventually(lambda: [row["note"] for row in raw("garden_plants", "id = 1")], ["fern"], 120)
    driver = stack.pid("stream-garden")
    assert driver

    schema.write_text(record(ID, {**NOTE, "name": "remark"}))
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as owner:
        owner.execute("INSERT INTO retail.plants VALUES (2, 'moss')")
    eventually(lambda: warehouse(SERVED), [(1, "fern"), (2, "moss")], 120)
    schema.write_text("{ half an edit")
    with suppress(AirflowRefused):  # the file is held back, and the run says so
        applied(stack, "retail.products")
    with psycopg.connect(stack.superuser_dsn("oltp"), autocommit=True) as owner:
        owner.execute("INSERT INTO retail.plants VALUES (3, 'ivy')")
    eventually(lambda: warehouse(SERVED), [(1, "fern"), (2, "moss"), (3, "ivy")], 120)
    assert stack.pid("stream-garden") == driver
