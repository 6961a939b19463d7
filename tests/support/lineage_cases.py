"""What the tests of lineage share: the retail contracts, their addresses, one metric, small events."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from headrace.contracts.contract import Contract
from headrace.contracts.loading import load_contracts
from headrace.planning.lineage_types import LineageSettings, MetricTable, metric_tables
from headrace.planning.settings import SourceDatabase

ROOT = Path(__file__).parents[2]
AT = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
METRIC = "metrics.sales_by_minute"
METRICS = {
    METRIC: {
        "group": "retail",
        "doc": "Sales by minute and store.",
        "columns": {
            "minute": {
                "type": "DateTime",
                "from": ["retail.transactions.checked_out_at:TRANSFORMATION"],
            },
            "store_id": {"type": "Int32", "from": ["retail.transactions.store_id"]},
            "sales": {
                "type": "Decimal(38, 2)",
                "from": ["retail.transactions.sales_value:AGGREGATION"],
            },
        },
        "rows_from": ["retail.transactions.checked_out_at:GROUP_BY"],
    }
}


def contracts(*names: str) -> tuple[Contract, ...]:
    """The retail contracts, or those of these names."""
    found = load_contracts(ROOT / "include" / "schemas")
    return tuple(c for c in found if c.domain == "retail" and (not names or c.name in names))


def metrics() -> tuple[MetricTable, ...]:
    return metric_tables(METRICS)


def settings(suffix: str = "", **changes: Any) -> LineageSettings:
    """Addresses; with a suffix, of systems that no other test knows."""
    given: dict[str, Any] = {
        "kafka": f"kafka{suffix}:9092,other:9092",
        "connect": f"connect{suffix}:8083",
        "warehouse_host": f"clickhouse{suffix}",
        "warehouse_port": 8123,
        "lake": f"s3://warehouse{suffix}",
        "sources": {"oltp": SourceDatabase(f"postgres{suffix}", 5432, "oltp")},
        "catalog": f"iceberg://lake{suffix}",
        "spark_namespace": f"spark{suffix}",
    }
    return LineageSettings(**{**given, **changes})


def dataset(namespace: str, name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": namespace, "name": name, "facets": facets}


def made_from(**columns: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    """A columnLineage facet: column → (namespace, name, field) of each input."""
    return {
        "fields": {
            column: {
                "inputFields": [{"namespace": space, "name": name, "field": field} for space, name, field in inputs]
            }
            for column, inputs in columns.items()
        }
    }


def run_event(
    job: str,
    *,
    inputs: Iterable[dict[str, Any]] = (),
    outputs: Iterable[dict[str, Any]] = (),
    namespace: str = "tests",
    state: str = "COMPLETE",
    seconds: float = 0,
    run: str = "",
    **run_facets: Any,
) -> dict[str, Any]:
    """A run event `seconds` after `AT`."""
    return {
        "eventType": state,
        "eventTime": (AT + timedelta(seconds=seconds)).isoformat(),
        "producer": "urn:tests",
        "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
        "run": {
            "runId": str(uuid.uuid5(uuid.NAMESPACE_OID, f"{job}/{run}")),
            "facets": run_facets,
        },
        "job": {"namespace": namespace, "name": job, "facets": {}},
        "inputs": list(inputs),
        "outputs": list(outputs),
    }
