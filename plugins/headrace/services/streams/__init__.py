"""Keep the streaming drivers running, one per stream group."""
