"""Contracts: read, validate and name datasets, and map their types to every system."""

from __future__ import annotations
