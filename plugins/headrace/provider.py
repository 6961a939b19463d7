"""What Headrace adds to Airflow as a provider: the asset schemes of its systems.

Airflow finds this function through the entry point in `plugins/headrace-*.dist-info`: metadata on
the import path is all that an installed distribution is to Python, so nothing has to be installed,
and scheduler, workers, triggerer and DAG processor all see the same. Imports nothing: every
Airflow process calls it at start.
"""

from __future__ import annotations

from typing import Any

_ASSETS = "headrace.services.lineage.assets"


def provider_info() -> dict[str, Any]:
    """The provider document, in the words of Airflow's provider_info.schema.json."""
    return {
        "package-name": "headrace",
        "name": "Headrace",
        "description": "Assets of the lake, the warehouse and the object store, with lineage.",
        "asset-uris": [
            {
                "schemes": [scheme],
                "handler": f"{_ASSETS}.check_{scheme}",
                "factory": f"{_ASSETS}.{scheme}_asset",
                "to_openlineage_converter": f"{_ASSETS}.{scheme}_to_openlineage",
            }
            for scheme in ("clickhouse", "iceberg", "s3")
        ],
    }
