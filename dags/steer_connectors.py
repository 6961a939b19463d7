"""Pause, resume, stop or restart one connector by hand."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.contracts.index import load_index
from headrace.services.connectors.operators import STATES, SteerConnectorOperator
from headrace.services.connectors.reconcile import connectors_of
from headrace.services.notifications.failures import ALERTING

CONNECTORS = connectors_of(load_index(applied_index(Path(__file__).parents[1])).values())

with DAG(
    dag_id="steer_connectors",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", **ALERTING},
    tags=["connect"],
    params={
        "connector": Param(
            next(iter(CONNECTORS), ""), type="string", enum=CONNECTORS or [""], description="Which connector."
        ),
        "action": Param("pause", type="string", enum=list(STATES), description="What to do with it."),
    },
    doc_md="""
### Steer a connector

**Brings about** that one connector of the contracts is paused, runs again, is stopped (its tasks end; positions stay)
or is restarted. Nothing is lost meanwhile: a source's slot keeps the changes, a sink's topics keep the records.

**Runs** when you trigger it, for instance around work on the source's database. A source that stays paused makes its
replication slot fall behind: `watch_connectors` says so at 1 GiB.

**When it fails**, the connector did not reach the state within two minutes: the log has the state it is in. When there
is no such connector, trigger `apply_contracts`, which makes it.
""",
) as dag:
    SteerConnectorOperator(task_id="steer", connector="{{ params.connector }}", action="{{ params.action }}")
