"""Planning: what should be, what is, and the way from one to the other. Pure: no network."""

from __future__ import annotations
