"""OpenLineage from Spark batch jobs: the configuration of the listener.

`systems/spark/batch.py` submits with it. Three things meet, and only the first is in the job's configuration:

* *The listener*: `spark_lineage_conf` below. The jar `openlineage-spark` is among Spark's jars.
* *The transport*, with its API key, is in the environment: `transport_environ`. Airflow's own
  OpenLineage provider and the listener read the same variables, and a client-mode `spark-submit`
  inherits them from the worker, so the key is in no command line. Leave
  `[openlineage] spark_inject_transport_info` off (its default): it would put the key there.
  On a cluster, give the driver's pod the same variables from a secret.
* *The parent run*: the operator adds `spark.openlineage.parent*` of its task, and the Spark run
  hangs below the Airflow run.

Refinements, marts and maintenance get no listener either: it knows nothing of branches and procedures, so their tasks tell
what was made (`made.py`). Streaming queries get no listener: it reports them wrongly (an output missing, `foreachBatch` cut
in two). Their lineage is declared, see `planning/lineage.py`.
"""

from __future__ import annotations

from typing import Final

LISTENER: Final = "io.openlineage.spark.agent.OpenLineageSparkListener"


def spark_lineage_conf(job: str, namespace: str = "spark") -> dict[str, str]:
    """Spark's configuration for a batch job called `job`; holds no address and no secret."""
    return {
        "spark.extraListeners": LISTENER,
        "spark.openlineage.namespace": namespace,
        "spark.openlineage.appName": job,
        "spark.openlineage.columnLineage.datasetLineageEnabled": "true",
        # The logical plans are large and may hold literals.
        "spark.openlineage.facets.spark.logicalPlan.disabled": "true",
        "spark.openlineage.facets.debug.disabled": "true",
    }


def transport_environ(url: str, api_key: str) -> dict[str, str]:
    """The environment that points Airflow's provider and Spark's listener to an endpoint."""
    return {
        "OPENLINEAGE__TRANSPORT__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__URL": url,
        "OPENLINEAGE__TRANSPORT__AUTH__TYPE": "api_key",
        "OPENLINEAGE__TRANSPORT__AUTH__API_KEY": api_key,
    }
