"""Put dead letters back on their way, once, after what kept them from being read is mended."""

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
    "dataset": "Of this dataset, e.g. retail.products.",
    "topic": "Of this Kafka topic.",
    "refused_by": "Refused by this stream group (retail), query (retail/cdc) or sink (lake-retail).",
    "rule": "That broke this rule, e.g. schema-unknown.",
    "reason": "Whose reason has this text in it.",
    "since": "Refused at or after this time (ISO, UTC).",
    "until": "Refused before this time (ISO, UTC).",
}
NUMBERS = {
    "partition": "Of this Kafka partition.",
    "first_offset": "From this offset on.",
    "last_offset": "Up to this offset, inclusive.",
}

with DAG(
    dag_id="replay_letters",
    schedule=None,
    max_active_runs=1,
    catchup=False,
    render_template_as_native_obj=True,
    default_args={"owner": "platform", **ALERTING},
    tags=["letters", "lake"],
    params={
        "action": Param(
            "show", type="string", enum=list(ACTIONS), description="Only show them, replay or discard them."
        ),
        **{name: Param(None, type=["null", "string"], description=what) for name, what in TEXTS.items()},
        **{name: Param(None, type=["null", "integer"], minimum=0, description=what) for name, what in NUMBERS.items()},
    },
    doc_md="""
### Replay dead letters

**Brings about** that the selected letters that can be read now are where they would have been: those of a sink in raw,
those of a stream in the warehouse and its metrics, each at its own position, so that an old change does not win over a
newer one. A letter is replayed once: a second run finds nothing to do. What still cannot be read waits on.

**Runs** when you trigger it. By default it only *shows* in its log what is selected; with *replay* it replays, with
*discard* it gives the letters up (their records stay in the quarantine). Empty fields select everything.

**When it fails**, the log names the batch and the cause; mend it and clear the task, or trigger the DAG again: what was
begun is ended first.
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
