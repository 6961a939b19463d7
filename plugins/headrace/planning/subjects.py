"""Build the desired registry subjects of the contracts.

For a CDC topic the schema is the one that Debezium is expected to register; otherwise it is the contract's own.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from headrace.contracts import avro_render, names
from headrace.contracts.contract import Contract
from headrace.contracts.targets import debezium
from headrace.planning.resources import Resource

KEY_COMPATIBILITY: Final = "FULL"
"""Compatibility level of every key subject. Keys never change, whatever the dataset's level is."""


def subjects(contract: Contract) -> Iterator[Resource]:
    """Yield the key and value subjects of the dataset's topic, if it has one."""
    if not contract.streamed:
        return
    found = names.subjects(contract)
    if contract.captured:
        key, value = debezium.key_schema(contract), debezium.value_schema(contract)
    else:
        key, value = avro_render.key_schema(contract), avro_render.avro_schema(contract.record)
    yield _subject(found.key, key, KEY_COMPATIBILITY, contract)
    yield _subject(found.value, value, contract.compatibility, contract)


def _subject(name: str, schema: Any, level: str, contract: Contract) -> Resource:
    return Resource("subject", name, {"schema": schema, "compatibility": level}, (contract.id,))
