"""Send alerts to people: e-mail, Slack, webhook."""

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

**Brings about** that whoever the connection `alerts_default` names learns of every alert: that something is wrong, that
it got worse, once a day that an error is still there, and that it is over. Each of it once a route; what comes at one
moment is one message. Without a route alerts stay in the table `alerts`.

**Runs** all the time: it waits, deferred, without a worker, and wakes when something is due.

**When it fails**, the platform's database does not answer: the log says since when. A receiver that takes nothing is no
failure: the log and the table `alert_routes` say why, and it is tried again, with growing waits, until it does.
""",
) as dag:
    SendAlertsOperator(task_id="send", schemas=str(SCHEMAS))
