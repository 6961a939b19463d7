"""Independent clients that note, by their own clock, when they first see a record: each a process of its own."""
