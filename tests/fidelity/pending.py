"""What is not tried yet, because the product is known to change it silently, or to stop at it.

Each entry names the case of the issue, and goes when the case is fixed: nothing may stay here for good.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_WITH_ARRAYS: Final = {
    "huge": "V5",
    "numeric-nan": "V1, V2",
    "instant-infinite": "V4",
    "instant-beyond-9999": "V4",
    "instant-before-christ": "V4",
    "date-infinite": "V4",
    "date-beyond-9999": "V4",
    "date-before-christ": "V4",
}
HAZARDS: Final[Mapping[str, str]] = {
    **_WITH_ARRAYS,
    **{f"{name}-in-array": case for name, case in _WITH_ARRAYS.items()},
    "array-dimensions": "V1",
    "array-bounds": "V1",
}
"""Class of values (`Kind.hazards`) → the case."""
