"""Client of Kafka: topics, users, reading and counting of records."""
