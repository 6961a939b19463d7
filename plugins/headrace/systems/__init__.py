"""The edges: one folder a system, the same parts in each."""

from __future__ import annotations
