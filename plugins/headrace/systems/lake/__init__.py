"""Client of the Iceberg lake: hook, schemas, state, row counts."""
