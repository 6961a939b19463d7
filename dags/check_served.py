"""Ask the contracts' checks of what is served, and write the quality pages."""

from __future__ import annotations

from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.services.notifications.failures import ALERTING
from headrace.services.quality.operators import CheckServedOperator, WriteQualityPagesOperator
from headrace.systems.waits import retry_delay

SCHEMAS = str(applied_index(Path(__file__).parents[1]))

with DAG(
    dag_id="check_served",
    schedule="@daily",
    max_active_runs=1,
    catchup=False,
    default_args={"owner": "platform", "retries": 2, "retry_delay": retry_delay(30), **ALERTING},
    tags=["quality"],
    params={
        "datasets": Param(
            [], type=["null", "array"], items={"type": "string"}, description="Only these datasets; none: all."
        ),
    },
    render_template_as_native_obj=True,
    doc_md="""
### Check what is served

**Brings about** that every check of the contracts is asked of the served views: keys, required fields, enums, ranges,
references, the promised freshness, and the rules of type `sql`. What each found stands in `quality.results` with its
history, in OpenLineage, and on the quality pages (the log of `write_pages` says where).

**Runs** daily, and by hand at any time, for all datasets or those in *datasets*. It only reads what is served: a rule
cannot write, and is stopped when it takes too long or too much memory.

**When it fails** with "broken as served", the log names each broken rule of severity error with its first rows, and an
alert `served:<dataset>:<check>` stays open until it holds again. All were asked before it failed. Mend the rows at their
source, or the rule in the contract, and run it again. A broken rule of severity warning is an alert only.
""",
) as dag:
    check = CheckServedOperator(task_id="check", schemas=SCHEMAS, datasets="{{ params.datasets }}")
    pages = WriteQualityPagesOperator(task_id="write_pages", schemas=SCHEMAS)
    check >> pages.as_teardown()  # also after a broken rule, and without making the run a success
