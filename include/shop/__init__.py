"""The example shop: its OLTP schema, a year of history, a live replay of it, and an oracle.

- `schema.apply_schema` makes the `retail` schema, its publication and grants.
- `history.load_history` loads the year; `live.run_live` lives it.
- `oracle` tells whether PostgreSQL, the raw lake and the warehouse hold the same rows.
"""

from __future__ import annotations
