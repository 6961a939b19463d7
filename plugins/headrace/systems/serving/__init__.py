"""The stores that serve what is loaded from the lake: ClickHouse, or PostgreSQL where a contract says so."""
