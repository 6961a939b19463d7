"""Marts: one SQL file each, out of cleaned datasets. Rules: docs/marts.md."""
