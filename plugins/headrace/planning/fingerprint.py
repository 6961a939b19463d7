"""Fingerprint of everything that determines the rows of a refinement. When it changes, all rows are refined again."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from typing import Any, Final

from headrace.contracts.codec import encode_type
from headrace.contracts.contract import Contract
from headrace.contracts.types import MISSING, Enum
from headrace.planning.validity import is_row_rule

ENGINE: Final = 1
"""Version of include/spark/batch/refine. Increment it when the same raw rows give different results."""


def fingerprint(contract: Contract, token_key: str) -> str:
    """Return a digest of the engine version, the relevant parts of the contract and the token key.

    A nullable field without a default is not included, because it does not change rows older than the field.
    """
    content = {
        "engine": ENGINE,
        "source": _source(contract),
        "key": contract.identity,
        "zones": contract.zones,
        "fields": list(_fields(contract)),
        "rules": [[rule.name, rule.field, rule.definition] for rule in contract.quality if is_row_rule(rule)],
        "tokenised": contract.tokenised,
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hmac.new(token_key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def _source(contract: Contract) -> str | list[str | None]:
    source = contract.source
    return (
        source.kind if contract.captured or not contract.streamed else [source.changes, source.version, source.deleted]
    )


def _fields(contract: Contract) -> Iterator[list[Any]]:
    for field in contract.record.fields:
        default = None if field.default is MISSING else field.default
        if not field.nullable or default is not None or isinstance(field.type, Enum):
            yield [field.name, field.nullable, encode_type(field.type), default]
