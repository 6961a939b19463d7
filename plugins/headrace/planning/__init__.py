"""Planning: what should be, what is, and the way from one to the other. Pure: it talks to nothing."""

from __future__ import annotations
