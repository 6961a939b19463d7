"""Quality checks of the contracts, run with Great Expectations."""
