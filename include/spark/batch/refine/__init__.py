"""Refinement: what raw says of some keys, made into the cleaned, history and quarantine zones.

One engine for every dataset, driven by its contract. The rows of a key follow from all changes of that key in raw and
from nothing else; so any interval may be refined at any time, in any order, again, and the end is the same.
"""
