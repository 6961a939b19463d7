"""Planning: compute the desired state, compare it with the observed state, and plan the changes. No network access."""

from __future__ import annotations
