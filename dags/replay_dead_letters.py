"""Replay or discard dead letters, each once, after the cause of their refusal was fixed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG, Param

from headrace.contracts.applied import applied_index
from headrace.services.dead_letters.operators import ACTIONS, CollectLettersOperator, ReplayLettersOperator
from headrace.services.notifications.failures import ALERTING
from headrace.systems.waits import retry_delay

INCLUDE = Path(__file__).parents[1] / "include"
SCHEMAS = str(applied_index(INCLUDE.parent))
TEXTS = {
    "dataset": "Dataset, e.g. retail.products.",
    "topic": "Kafka topic.",
    "refused_by": "Stream group (retail), query (retail/cdc) or sink (lake-retail) that refused the record.",
    "rule": "Broken rule, e.g. schema-unknown.",
    "reason": "Text that the reason contains.",
    "since": "Refused at or after this time (ISO, UTC).",
    "until": "Refused before this time (ISO, UTC).",
}
NUMBERS = {
    "partition": "Kafka partition.",
    "first_offset": "First offset, inclusive.",
    "last_offset": "Last offset, inclusive.",
}

with DAG(
    dag_id="replay_dead_letters",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    render_template_as_native_obj=True,
    default_args={"owner": "platform", **ALERTING},
    tags=["letters", "lake"],
    params={
        "action": Param(
            "show", type="string", enum=list(ACTIONS), description="Show, replay or discard the dead letters."
        ),
        **{name: Param(None, type=["null", "string"], description=what) for name, what in TEXTS.items()},
        **{name: Param(None, type=["null", "integer"], minimum=0, description=what) for name, what in NUMBERS.items()},
    },
    doc_md="""
### Replay dead letters

**What it does.** Replays the selected dead letters that can be read now: those of a sink into raw, those of a stream
into the warehouse and its metrics, each at its original position, so that an old change does not overwrite a newer one.
A dead letter is replayed once: a second run has nothing to do. Records that still cannot be read keep waiting.

**Runs** when you trigger it. By default it *shows* the selected dead letters in its log; *replay* replays them, and
*discard* gives them up (their records stay in the quarantine). Empty fields select all.

**When it fails**, the log shows the batch and the cause. Fix the cause and clear the task, or trigger the DAG again: an
unfinished batch is completed first.
""",
) as dag:
    collect = CollectLettersOperator(task_id="collect", schemas=SCHEMAS)
    replay = ReplayLettersOperator(
        task_id="replay",
        schemas=SCHEMAS,
        application=str(INCLUDE / "spark" / "streaming" / "replay.py"),
        action="{{ params.action }}",
        selection={name: f"{{{{ params.{name} }}}}" for name in (*TEXTS, *NUMBERS)},
        execution_timeout=timedelta(hours=2),
        retries=1,
        retry_delay=retry_delay(20),
    )
    collect >> replay
