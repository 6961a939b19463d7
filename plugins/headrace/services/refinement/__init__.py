"""Refinement of raw into cleaned and history, and marts built from them."""
