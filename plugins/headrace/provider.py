"""Airflow provider metadata: the asset URI schemes of the lake, the warehouse and the object store.

Airflow finds `provider_info` through the entry point in `plugins/headrace-*.dist-info`. Python treats metadata on the
import path as an installed distribution, so nothing has to be installed. Scheduler, workers, triggerer and DAG
processor all read the same metadata. This module has no heavy imports, because every Airflow process calls it at start.
"""

from __future__ import annotations

from typing import Any

_ASSETS = "headrace.services.lineage.assets"


def provider_info() -> dict[str, Any]:
    """Return the provider document, in the format of Airflow's provider_info.schema.json."""
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
