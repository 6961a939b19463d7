"""Generate `airflow_settings.yaml` from the stack's connections: `python -m include.stack.images.settings_file`.

The file is committed and Astro substitutes no variables in it. It therefore contains references (`env:NAME`) instead
of secrets; `headrace.systems.references` resolves them from the container's environment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from include.stack.connections import connections
from include.stack.pools import POOLS
from include.stack.settings import SETTINGS, Settings

ROOT = Path(__file__).parents[3]
SETTINGS_FILE = ROOT / "airflow_settings.yaml"
ELSEWHERE = "elsewhere.invalid"

ADDRESSES: Mapping[str, tuple[str, int]] = {
    "POSTGRES": ("databases", 5432),
    "KAFKA": ("kafka", 9092),
    "REGISTRY": ("registry", 8080),
    "CONNECT": ("connect", 8083),
    "CLICKHOUSE": ("clickhouse", 8123),
    "S3": ("store", 8333),
    "CATALOG": ("store", 8181),
    "LINEAGE": ("lineage", 8085),
}
"""Port setting → host and port of the server for the containers."""

EVERY_TASK = ({"pool_name": "default_pool", "pool_slot": 16, "pool_description": "Every task."},)

HEAD = """\
# Airflow's connections in the containers of docker-compose.override.yml. `env:NAME` is read from the environment of the
# container (plugins/headrace/systems/references.py): no secret stands here. Generated from include/stack/connections.py.
"""


def container_connections() -> list[dict[str, Any]]:
    """Return the stack's connections with the containers' addresses, and with references instead of secrets."""
    found = connections(_referring())
    for body in found:
        for name, (host, port) in ADDRESSES.items():
            old = (ELSEWHERE, _referring().port(name))
            if (body.get("host"), body.get("port")) == old:
                body["host"], body["port"] = host, port
            for key in ("host", "extra"):
                if key in body:
                    body[key] = body[key].replace(f"{old[0]}:{old[1]}", f"{host}:{port}")
        if body["connection_id"] == "spark_default":
            ours = {"streams": "env:HEADRACE_STREAMS_URL", "standby": ""}  # the containers have no standby driver
            body["extra"] = json.dumps({**json.loads(body["extra"]), **ours})
    return found


def settings_file() -> str:
    """Return the text of `airflow_settings.yaml`."""
    keys = {"connection_id": "conn_id", "conn_type": "conn_type"}
    entries = [
        {keys.get(key, f"conn_{key}"): value for key, value in body.items() if key != "description"}
        for body in container_connections()
    ]
    content = {"airflow": {"connections": entries, "pools": [*EVERY_TASK, *_pools()], "variables": []}}
    return HEAD + yaml.safe_dump(content, sort_keys=False, width=110)


def _pools() -> list[dict[str, Any]]:
    return [{"pool_name": p["name"], "pool_slot": p["slots"], "pool_description": p["description"]} for p in POOLS]


def _referring() -> Settings:
    """Return settings in which every secret is a reference and every address is unique."""
    values = {s.name: f"env:{s.name}" if s.kind == "secret" else s.default for s in SETTINGS if s.kind != "port"}
    values |= {"HEADRACE_BIND": ELSEWHERE, "HEADRACE_PORT_BASE": "40000"}
    return Settings(ROOT, ROOT, ROOT, ROOT / ".env", values)


if __name__ == "__main__":
    SETTINGS_FILE.write_text(settings_file())
