"""`env:NAME` in a connection: the value is the environment variable NAME of the process that reads it.

For a deployment whose connections stand in a file that everybody may read: the secret stays in the
environment. Only names that begin with HEADRACE_ may be referred to, so that whoever may edit a
connection cannot have the process send any other variable of its own to a host of theirs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, Final, TypeVar

from headrace.errors import SystemRefused

T = TypeVar("T")

SCHEME: Final = "env:"
NAME: Final = re.compile(r"HEADRACE_[A-Z0-9_]+")


def resolved(value: T, place: str, environ: Mapping[str, str] = os.environ) -> T | str:
    """The value, or what its `env:NAME` refers to. `place` is for messages: connection and field.

    Raises:
        SystemRefused: the name may not be referred to, or is not set here.
    """
    if not isinstance(value, str) or not value.startswith(SCHEME):
        return value
    name = value.removeprefix(SCHEME)
    if not NAME.fullmatch(name):
        raise SystemRefused(
            "connection", place, f"{value} is no reference: write {SCHEME} and a name that begins with HEADRACE_"
        )
    secret = environ.get(name)
    if not secret:
        raise SystemRefused(
            "connection",
            place,
            f"it refers to {name}, which is not set here; set it in the environment of this process",
        )
    hide(secret)
    return secret


def all_resolved(extra: Mapping[str, Any], connection: str, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """A connection's extra with every reference among its values replaced."""
    return {key: resolved(value, f"{connection}, {key}", environ) for key, value in extra.items()}


def hide(secret: str) -> None:
    """Airflow hides a connection's own password in its logs, but would not know this one: now it does."""
    from airflow.sdk.log import mask_secret

    mask_secret(secret)
