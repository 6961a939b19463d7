"""Keep connectors running: restart failed tasks, recover lost slots, re-read tables, find missed deletes."""
