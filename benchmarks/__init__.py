"""What Headrace does per second, and what it costs: `./headrace bench`."""
