"""The type kernel: one module a target system, each one data table and one render function."""

from __future__ import annotations
