"""How the oracle takes a fingerprint in each engine; every one computes `canonical` by itself."""

from __future__ import annotations
