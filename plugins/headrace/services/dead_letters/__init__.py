"""Keep records that streams and sinks could not read, with position and reason, and replay them once."""
