"""Headrace: declare a dataset once, and Airflow makes it real everywhere."""

from __future__ import annotations

__version__ = "0.1.0"
