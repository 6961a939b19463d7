"""Publishing of changes to lake tables: write only the difference to a branch, audit it, and publish it atomically."""
