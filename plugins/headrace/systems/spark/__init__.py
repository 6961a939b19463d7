"""Client of Spark: driver hosts, batch jobs, configuration, stream state."""
