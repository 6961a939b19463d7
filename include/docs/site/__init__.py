"""Configuration of Sphinx, which renders docs/ as a site: `./headrace docs`. Runs in an environment of its own."""
