"""OpenLineage configuration of Spark batch jobs.

`systems/spark/batch.py` submits jobs with it. It has three parts; only the first is in the job's configuration:

* *The listener*: `spark_lineage_conf` below. The jar `openlineage-spark` is among Spark's jars.
* *The transport*, with its API key, is in the environment: `transport_environ`. Airflow's
  OpenLineage provider and the listener read the same variables, and a client-mode `spark-submit`
  inherits them from the worker, so no command line has the key. Leave
  `[openlineage] spark_inject_transport_info` off (its default): it would add the key there.
  On a cluster, give the driver's pod the same variables from a secret.
* *The parent run*: the operator adds `spark.openlineage.parent*` of its task, so the Spark run
  is a child of the Airflow run.

Refinements, marts and maintenance have no listener: it does not support branches and procedures. Their tasks report
their outputs (`made.py`). Streaming queries have no listener either: it reports them wrongly (a missing output,
`foreachBatch` cut in two). Their lineage is declared, see `planning/lineage.py`.
"""

from __future__ import annotations

from typing import Final

LISTENER: Final = "io.openlineage.spark.agent.OpenLineageSparkListener"


def spark_lineage_conf(job: str, namespace: str = "spark") -> dict[str, str]:
    """Return Spark's configuration for a batch job named `job`. It holds no address and no secret."""
    return {
        "spark.extraListeners": LISTENER,
        "spark.openlineage.namespace": namespace,
        "spark.openlineage.appName": job,
        "spark.openlineage.columnLineage.datasetLineageEnabled": "true",
        # Logical plans are large and may contain literals.
        "spark.openlineage.facets.spark.logicalPlan.disabled": "true",
        "spark.openlineage.facets.debug.disabled": "true",
    }


def transport_environ(url: str, api_key: str) -> dict[str, str]:
    """Return the environment that points Airflow's provider and Spark's listener to an endpoint."""
    return {
        "OPENLINEAGE__TRANSPORT__TYPE": "http",
        "OPENLINEAGE__TRANSPORT__URL": url,
        "OPENLINEAGE__TRANSPORT__AUTH__TYPE": "api_key",
        "OPENLINEAGE__TRANSPORT__AUTH__API_KEY": api_key,
    }
