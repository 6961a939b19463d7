"""Dead letters: what streams and sinks could not read, kept with place and reason, and replayed once it can be read."""
