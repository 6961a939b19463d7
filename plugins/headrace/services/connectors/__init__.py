"""Keep connectors running: restart, recover a lost slot, read tables again, find missed deletes."""
