"""Kafka: topics and what is in them."""
