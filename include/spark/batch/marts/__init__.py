"""Marts, each built by one SQL file from cleaned datasets. Rules: docs/marts.md."""
