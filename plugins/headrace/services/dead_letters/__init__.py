"""Records that a stream or a sink could not read: kept with place and reason, and replayed once they can be read."""
