"""Contracts: what a dataset is, read from files, checked, named, and typed for every system."""

from __future__ import annotations
