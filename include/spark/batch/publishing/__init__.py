"""How a batch job changes lake tables: the difference alone is written, audited on a branch, and published whole."""
