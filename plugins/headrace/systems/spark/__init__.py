"""Spark: the streaming drivers, who owns them, and how Airflow keeps them alive."""
