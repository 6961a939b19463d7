"""Spark: where drivers run, what they are started with, and what they report."""
