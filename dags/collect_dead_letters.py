"""Collect dead letters of streams and sinks into the quarantine."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.services.dead_letters.operators import CollectLettersOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.waits import retry_delay

with DAG(
    dag_id="collect_dead_letters",
    schedule="*/5 * * * *",
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
    tags=["letters", "lake"],
    doc_md="""
### Collect dead letters

**What it does.** Copies every record that a stream or a sink refused to `quarantine.platform_dead_letters`, with its
position, rule and reason, once per stream or sink that refused it. An alert `dead_letters:<group or sink>` is open while
dead letters wait.

**Runs** every five minutes, and when you trigger it. `replay_dead_letters` also collects first.

**When it fails**, Kafka, the lake or the platform's database did not answer; the log shows which. No record is lost:
the dead letters stay in their topics for 30 days. If the table does not exist, trigger `apply_contracts`.
""",
) as dag:
    CollectLettersOperator(task_id="collect", schemas=str(applied_index(Path(__file__).parents[1])))
