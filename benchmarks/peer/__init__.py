"""dlt doing the same initial load, as a process of its own."""
