"""PostgreSQL as the store that serves a dataset, where its contract asks for it."""
