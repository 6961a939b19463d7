"""OpenLineage endpoint: `python -m uvicorn include.apps.lineage.app:app`."""

from __future__ import annotations
