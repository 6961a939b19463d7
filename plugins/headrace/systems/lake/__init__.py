"""The Iceberg lake."""
