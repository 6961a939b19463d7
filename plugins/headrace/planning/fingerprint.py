"""What decides which rows a refinement makes of raw, as one short text: when it changes, all rows are made anew."""

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
"""Version of include/spark/batch/refine: raise it with a change by which the same raw gives other rows."""


def fingerprint(contract: Contract, token_key: str) -> str:
    """A digest of the engine's version and of what it takes from the contract and from the key of the tokens.

    A field that may be null and has no default is not in it: to rows older than it, it makes no difference.
    """
    said = {
        "engine": ENGINE,
        "source": contract.source.kind,
        "key": contract.key,
        "zones": contract.zones,
        "fields": list(_fields(contract)),
        "rules": [[rule.name, rule.field, rule.definition] for rule in contract.quality if is_row_rule(rule)],
        "tokenised": contract.tokenised,
    }
    text = json.dumps(said, sort_keys=True, default=str)
    return hmac.new(token_key.encode(), text.encode(), hashlib.sha256).hexdigest()[:16]


def _fields(contract: Contract) -> Iterator[list[Any]]:
    for field in contract.record.fields:
        default = None if field.default is MISSING else field.default
        if not field.nullable or default is not None or isinstance(field.type, Enum):
            yield [field.name, field.nullable, encode_type(field.type), default]
