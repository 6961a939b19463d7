"""Prove: the rows of every dataset at every hop, and how fresh they are."""
