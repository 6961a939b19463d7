"""What is not tried yet, because the product is known to change it silently, or to stop at it.

Each entry names the case of the issue, and goes when the case is fixed: nothing may stay here for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

HAZARDS: Final[Mapping[str, str]] = {}
"""Class of values (`Kind.hazards`) → the case."""
