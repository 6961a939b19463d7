"""Errors of the example shop.

ShopError
├── SchemaMissing      the OLTP schema was not applied
├── HistoryMismatch    another sample of the history is already loaded
├── HistoryConflict    existing rows conflict with the history
└── NoExactText        a type that the oracle cannot render exactly
"""

from __future__ import annotations


class ShopError(Exception):
    """Base class of the shop's errors; the message is one sentence with the next step."""


class SchemaMissing(ShopError):
    """The OLTP database has no `retail` schema, or no `shop` schema."""


class HistoryMismatch(ShopError):
    """The history was loaded with a sample other than the requested one."""


class HistoryConflict(ShopError):
    """A table contains rows with keys of the history that no recorded load has written."""


class NoExactText(ShopError):
    """A column type has no exact text form that is the same in every engine."""
