"""Fingerprints of the oracle in each engine; each engine computes `canonical` itself."""

from __future__ import annotations
