"""What can go wrong in the shop.

ShopError
├── SchemaMissing      the OLTP schema was not applied
├── HistoryMismatch    another sample of the history is loaded already
├── HistoryConflict    rows that are in the way of the history
└── NoExactText        a type that the oracle cannot render exactly
"""

from __future__ import annotations


class ShopError(Exception):
    """Root of the shop's errors; the message is one sentence with the next step."""


class SchemaMissing(ShopError):
    """The OLTP database has no `retail` schema, or no bookkeeping."""


class HistoryMismatch(ShopError):
    """The history was loaded with a sample other than the one asked for."""


class HistoryConflict(ShopError):
    """A table holds rows with keys of the history, which no load of ours has put there."""


class NoExactText(ShopError):
    """A column type without one exact text form in every engine."""
