"""Type mappings from Avro: one module per target system, each with a type table and render functions."""

from __future__ import annotations
