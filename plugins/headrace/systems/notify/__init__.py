"""Alerts leave the platform's database: what is due, to whom, and in which words."""
