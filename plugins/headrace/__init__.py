"""Headrace: a data platform on Airflow that creates each declared dataset in every system."""

from __future__ import annotations

__version__ = "0.1.0"
