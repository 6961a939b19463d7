"""Real-time metrics: signed partial aggregates of a fact's changes, in event time.

`spec` says what a metric is made of: `deltas` (changes → signed lines), `rollups` (lines → parts), `snapshots` (from where is
counted), `lookup` (columns of other datasets), `counting` (the query `metrics`). Which metrics there are, the project says.
"""
