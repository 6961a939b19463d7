"""Lineage: emit, store and follow OpenLineage."""

from __future__ import annotations
