"""Example shop: OLTP schema, a year of history, a live replay of it, and an oracle.

- `schema.apply_schema` creates the `retail` schema, its publication and grants.
- `history.load_history` loads the year; `live.run_live` replays it as live transactions.
- `oracle` checks that PostgreSQL, the raw lake and the warehouse hold the same rows.
"""

from __future__ import annotations
