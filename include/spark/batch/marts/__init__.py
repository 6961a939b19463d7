"""Marts, each built by one SQL file from cleaned datasets. Rules: docs/reference/marts.md."""
