"""Client of Kafka Connect: hook, status and state of source and sink connectors."""
