"""Pause, resume, stop or restart one connector."""

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
            next(iter(CONNECTORS), ""), type="string", enum=CONNECTORS or [""], description="Name of the connector."
        ),
        "action": Param("pause", type="string", enum=list(STATES), description="Action to perform."),
    },
    doc_md="""
### Steer a connector

**What it does.** Pauses, resumes, stops or restarts one connector of the contracts. Stopping ends its tasks and keeps
its offsets. No record is lost: the replication slot of a source keeps the changes, the topics of a sink keep the
records.

**Runs** when you trigger it, for instance for maintenance of the source's database. The replication slot of a paused
source falls behind; `watch_connectors` raises an alert at 1 GiB.

**When it fails**, the connector did not reach the state within two minutes; the log shows its state. If the connector
does not exist, trigger `apply_contracts` to create it.
""",
) as dag:
    SteerConnectorOperator(task_id="steer", connector="{{ params.connector }}", action="{{ params.action }}")
