"""Client of the PostgreSQL source databases: hook and drift check."""
