"""Arrow as it can be filled from Python rows."""

from __future__ import annotations

from typing import Any


def arrow_storage(field: Any) -> Any:
    """The Arrow field with UUIDs as the 16 bytes they are: Arrow cannot nest extension types yet."""
    import pyarrow as pa

    kind = field.type
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    elif pa.types.is_struct(kind):
        kind = pa.struct([arrow_storage(inner) for inner in kind])
    elif pa.types.is_large_list(kind):
        kind = pa.large_list(arrow_storage(kind.value_field))
    elif pa.types.is_list(kind):
        kind = pa.list_(arrow_storage(kind.value_field))
    elif pa.types.is_map(kind):
        kind = pa.map_(kind.key_field, arrow_storage(kind.item_field))
    return field.with_type(kind)
