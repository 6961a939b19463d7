"""Maintain the lake's tables: compaction, and expiry of old snapshots."""
