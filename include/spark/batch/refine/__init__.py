"""Refinement: build the cleaned, history and quarantine zones from the raw changes of selected keys.

One engine serves every dataset, driven by its contract. The rows of a key depend only on all raw changes of that key.
Refinement is therefore idempotent: intervals can be refined at any time, in any order and repeatedly.
"""
