"""Kafka Connect: source and sink connectors."""
