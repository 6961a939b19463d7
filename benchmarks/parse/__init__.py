"""Parsing a DAG folder in a fresh process, as Airflow's DAG processor does."""
