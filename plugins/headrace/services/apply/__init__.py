"""Plan what the contracts ask of every system, and carry it out."""
