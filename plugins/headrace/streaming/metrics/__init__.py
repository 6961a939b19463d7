"""Real-time metrics: signed partial aggregates of a fact's changes, in event time.

`spec` defines a metric. `deltas` (changes → signed lines), `rollups` (lines → parts), `snapshots` (start of each
count), `lookup` (columns of other datasets), `counting` (the query `metrics`). The project defines the metrics.
"""
