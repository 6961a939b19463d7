"""Maintenance of the lake's tables: compaction, and old snapshots removed."""
