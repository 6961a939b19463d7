"""Send alert notifications by e-mail, Slack or webhook."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG

from headrace.contracts.applied import applied_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.notifications.operators import SendAlertsOperator
from headrace.systems.schedules import CONTINUOUS
from headrace.systems.waits import retry_delay

SCHEMAS = applied_index(Path(__file__).parents[1])

with DAG(
    dag_id="send_alerts",
    **CONTINUOUS,
    default_args={"owner": "platform", "retries": 5, "retry_delay": retry_delay(30), **ALERTING},
    tags=["alerts"],
    doc_md="""
### Send alerts

**What it does.** Sends every alert to the routes of the connection `alerts_default`: when it opens, when it gets worse,
once a day while an error stays open, and when it is over. Each notification is sent once per route; alerts that open
together go into one message. Without a route, alerts stay in the table `alerts`.

**Runs** continuously: it waits, deferred, without a worker, until a notification is due.

**When it fails**, the platform's database does not answer; the log shows since when. A receiver that refuses messages
does not fail the task: the log and the table `alert_routes` show why, and sending is retried with growing waits.
""",
) as dag:
    SendAlertsOperator(task_id="send", schemas=str(SCHEMAS))
