"""What is not tried yet, because the product is known to change it silently, or to stop at it.

Each entry names the case of the issue, and goes when the case is fixed: nothing may stay here for good. Two cases are of this
test's own:

    F1  the plan accepts an array of xml, and Debezium leaves the column out of every record
    F2  a sink that holds a table's schema writes null in a column that was added since, until its next commit
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

KINDS: Final[Mapping[str, str]] = {"xml_array": "F1"}
"""Type (`Kind.name`) → the case."""

OPERATIONS: Final[Mapping[str, str]] = {"add-column": "F2"}
"""Operation → the case."""
