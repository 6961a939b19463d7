"""The PostgreSQL source databases."""
