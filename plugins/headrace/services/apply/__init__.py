"""Plan the changes that the contracts need in every system, and apply them."""
