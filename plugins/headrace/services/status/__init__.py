"""Measure rows and freshness of each dataset at each hop, and find why a hop is empty or behind."""
