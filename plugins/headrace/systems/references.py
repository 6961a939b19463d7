"""Resolve `env:NAME` values of Airflow connections from the environment of the current process.

They keep secrets out of connection files that everybody may read. Only names that begin with HEADRACE_ are allowed:
otherwise a person who may edit a connection could make the process send any of its variables to their own host.
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
    """Return the value, or the variable that its `env:NAME` names. `place` is for messages: connection and field.

    Raises:
        SystemRefused: the name is not allowed, or is not set in this process.
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
    """Return a connection's extra with every `env:NAME` value resolved."""
    return {key: resolved(value, f"{connection}, {key}", environ) for key, value in extra.items()}


def hide(secret: str) -> None:
    """Mask the secret in Airflow's logs, which mask only a connection's own password by default."""
    from airflow.sdk.log import mask_secret

    mask_secret(secret)
