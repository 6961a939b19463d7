"""Load datasets of the lake into ClickHouse or PostgreSQL."""
