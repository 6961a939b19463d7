"""Rows of each dataset at each hop, how fresh they are, and why a hop is empty or behind."""
