"""Refine raw into cleaned and history, and build marts from cleaned datasets."""
