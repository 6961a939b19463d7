"""Declaration, validation and loading of the local stack's settings.

`.env.example`, validation, the docs page and the generated secrets derive from `SETTINGS`. A value comes from the
process environment, else from `.env`, else from the default. Ports default to `HEADRACE_PORT_BASE` + offset.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

Kind = Literal["text", "int", "secret", "port", "memory", "wait"]


class SettingError(Exception):
    """A setting is missing or invalid; the message names it and what is allowed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Declaration of one setting. For a port, `default` is the offset from HEADRACE_PORT_BASE."""

    name: str
    kind: Kind
    default: str
    doc: str


SETTINGS: tuple[Setting, ...] = (
    Setting("HEADRACE_PORT_BASE", "int", "18000", "Base of all ports: each port is this number plus an offset. Each port can also be set on its own."),
    Setting("HEADRACE_BIND", "text", "127.0.0.1", "Address that all servers listen on."),
    Setting("HEADRACE_CONTRACTS", "text", "", "Folder of the contracts. Empty: include/schemas."),
    Setting("HEADRACE_SAMPLE", "text", "all", "How much of the example data to load: all, a share of the baskets (0.01), or a number of rows (5000)."),
    Setting("HEADRACE_CATALOG", "text", "rest", "Iceberg catalog: rest (SeaweedFS) or jdbc (PostgreSQL)."),
    Setting("HEADRACE_OBJECT_STORE", "text", "seaweedfs", "S3 server: seaweedfs, or minio (needs HEADRACE_CATALOG=jdbc and a minio binary on the PATH)."),
    Setting("HEADRACE_CLICKHOUSE_NATIVE", "text", "no", "Local engine only: yes also opens ClickHouse's native protocol. A wrong password on that port stops the engine."),
    Setting("HEADRACE_WAREHOUSE", "text", "s3://warehouse", "Location of the lake's tables."),
    Setting("HEADRACE_MARQUEZ_URL", "text", "", "Marquez server to forward OpenLineage events to, e.g. http://127.0.0.1:5000. Empty: events are only stored locally."),
    Setting("HEADRACE_ALERTS_URL", "text", "", "Destination of alerts, as an Apprise URL (mailtos://…, slack://…, json://…). Empty: alerts are only stored in the platform's database."),
    Setting("HEADRACE_AIRFLOW_USER", "text", "admin", "Airflow user name."),
    Setting("HEADRACE_PORT_AIRFLOW", "port", "80", "Airflow's UI and API."),
    Setting("HEADRACE_PORT_REGISTRY", "port", "81", "Schema registry (Confluent API under /apis/ccompat/v7)."),
    Setting("HEADRACE_PORT_REGISTRY_MANAGEMENT", "port", "82", "Schema registry's health and metrics."),
    Setting("HEADRACE_PORT_CONNECT", "port", "83", "Kafka Connect's REST API."),
    Setting("HEADRACE_PORT_LINEAGE", "port", "85", "OpenLineage endpoint."),
    Setting("HEADRACE_PORT_KAFKA", "port", "92", "Kafka broker."),
    Setting("HEADRACE_PORT_KAFKA_CONTROLLER", "port", "93", "Kafka's controller quorum."),
    Setting("HEADRACE_PORT_CLICKHOUSE", "port", "123", "ClickHouse over HTTP."),
    Setting("HEADRACE_PORT_CLICKHOUSE_NATIVE", "port", "900", "ClickHouse's native protocol. On the local engine it needs HEADRACE_CLICKHOUSE_NATIVE=yes."),
    Setting("HEADRACE_PORT_POSTGRES", "port", "432", "PostgreSQL."),
    Setting("HEADRACE_PORT_S3", "port", "333", "S3 API of the object store."),
    Setting("HEADRACE_PORT_CATALOG", "port", "334", "Iceberg REST catalog."),
    Setting("HEADRACE_PORT_WEED", "port", "340", "First of ten ports for SeaweedFS's components (also uses this port plus 10003)."),
    Setting("HEADRACE_MEMORY_KAFKA", "memory", "384m", "Heap of the broker."),
    Setting("HEADRACE_MEMORY_CONNECT", "memory", "768m", "Heap of Kafka Connect."),
    Setting("HEADRACE_MEMORY_REGISTRY", "memory", "256m", "Heap of the schema registry."),
    Setting("HEADRACE_MEMORY_SPARK", "memory", "1g", "Heap of a Spark streaming driver."),
    Setting("HEADRACE_MEMORY_BATCH", "memory", "1g", "Heap of the standby Spark driver for batch jobs."),
    Setting("HEADRACE_MEMORY_CLICKHOUSE", "memory", "2g", "Memory limit of ClickHouse."),
    Setting("HEADRACE_MEMORY_SEAWEEDFS", "memory", "512m", "Soft memory limit of SeaweedFS."),
    Setting("HEADRACE_SINK_COMMIT_MS", "wait", "10000", "Milliseconds between two commits of a sink to the lake."),
    Setting("HEADRACE_SINK_SESSION_MS", "wait", "45000", "Milliseconds without a heartbeat after which Kafka removes a sink's consumer. After a kill, the new consumer waits this long."),
    Setting("HEADRACE_RAW_POLL_S", "wait", "60", "Seconds between two polls for unrefined changes in raw, and for changed inputs of marts."),
    Setting("HEADRACE_REFINE_EVERY_S", "wait", "300", "Minimum seconds between two refinements triggered by new raw rows, for contracts without `refineEvery`."),
    Setting("HEADRACE_BUILD_EVERY_S", "wait", "1800", "Minimum seconds between two builds of a mart triggered by changed inputs, for contracts without `refineEvery`."),
    Setting("HEADRACE_LANDING_POLL_S", "wait", "10", "Seconds between two polls for dropped files."),
    Setting("HEADRACE_FRESHNESS_POLL_S", "wait", "15", "Seconds between two checks of freshness against the contracts' SLAs."),
    Setting("HEADRACE_FRESHNESS_WINDOW_S", "wait", "60", "Length of the window, in seconds, in which freshness is measured on served changes."),
    Setting("HEADRACE_RETRY_DELAY_S", "wait", "3600", "Maximum seconds before a failed task is retried. DAGs with a shorter delay keep it."),
    Setting("HEADRACE_HANG_S", "wait", "120", "Seconds without an answer to health checks after which a running process is killed and restarted."),
    Setting("HEADRACE_PASSWORD_POSTGRES", "secret", "", "PostgreSQL superuser `headrace`; creates the roles and databases."),
    Setting("HEADRACE_PASSWORD_SHOP", "secret", "", "Role `shop`: owns the OLTP database."),
    Setting("HEADRACE_PASSWORD_CDC", "secret", "", "Role `cdc`: replication and read access only."),
    Setting("HEADRACE_PASSWORD_AIRFLOW_DB", "secret", "", "Role `airflow`: Airflow's metadata."),
    Setting("HEADRACE_PASSWORD_REGISTRY_DB", "secret", "", "Role `registry`: the schema registry's storage."),
    Setting("HEADRACE_PASSWORD_PLATFORM", "secret", "", "Role `headrace_platform`: streams, plans, alerts, lineage."),
    Setting("HEADRACE_PASSWORD_LINEAGE_DB", "secret", "", "Role `lineage`: the lineage endpoint; reads and writes only the schema `lineage` of the platform's database."),
    Setting("HEADRACE_PASSWORD_SERVING", "secret", "", "Role `serving`: owns the database that serves datasets with `serving: postgres`."),
    Setting("HEADRACE_PASSWORD_LAKE_DB", "secret", "", "Role `lake`: the Iceberg catalog, if HEADRACE_CATALOG is jdbc."),
    Setting("HEADRACE_PASSWORD_REGISTRY", "secret", "", "Schema registry, user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_REGISTRY_CONNECT", "secret", "", "Schema registry, user `connect`: Kafka Connect's converters; reads and registers schemas."),
    Setting("HEADRACE_PASSWORD_REGISTRY_STREAMS", "secret", "", "Schema registry, user `streams`: the Spark streaming drivers; reads schemas."),
    Setting("HEADRACE_PASSWORD_KAFKA", "secret", "", "Kafka user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_KAFKA_BROKER", "secret", "", "Kafka user `broker`: the broker itself; creates the other users."),
    Setting("HEADRACE_PASSWORD_KAFKA_CONNECT", "secret", "", "Kafka user `connect`: Kafka Connect's worker and connectors."),
    Setting("HEADRACE_PASSWORD_KAFKA_STREAMS", "secret", "", "Kafka user `streams`: the Spark streaming drivers; reads topics, writes dead letters."),
    Setting("HEADRACE_PASSWORD_CLICKHOUSE", "secret", "", "ClickHouse user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_ANALYST", "secret", "", "ClickHouse user `analyst`: reads the served views."),
    Setting("HEADRACE_S3_ACCESS_KEY", "secret", "", "Object store and Iceberg catalog: access key."),
    Setting("HEADRACE_S3_SECRET_KEY", "secret", "", "Object store and Iceberg catalog: secret key."),
    Setting("HEADRACE_PASSWORD_WEED_ADMIN", "secret", "", "SeaweedFS's administration interface."),
    Setting("HEADRACE_WEED_KEY", "secret", "", "Signs requests between SeaweedFS's components."),
    Setting("HEADRACE_PASSWORD_AIRFLOW", "secret", "", "Airflow's UI and API; the user is HEADRACE_AIRFLOW_USER."),
    Setting("HEADRACE_PASSWORD_CONNECT", "secret", "", "Kafka Connect's REST API; the user is `headrace`."),
    Setting("HEADRACE_TOKEN_KEY", "secret", "", "Key of the hashes that replace tokenised fields after the raw zone. A new key changes every hash."),
    Setting("HEADRACE_LINEAGE_KEY", "secret", "", "API key of the OpenLineage endpoint."),
    Setting("HEADRACE_PASSWORD_STREAMS", "secret", "", "Images only: the supervisor of the streaming drivers; the user is `headrace`."),
    Setting("HEADRACE_PASSWORD_MARQUEZ", "secret", "", "Images only: role `marquez`, which owns Marquez's database."),
    Setting("HEADRACE_AIRFLOW_FERNET_KEY", "secret", "", "Encrypts Airflow's connections."),
    Setting("HEADRACE_AIRFLOW_JWT_SECRET", "secret", "", "Signs Airflow's tokens."),
    Setting("HEADRACE_AIRFLOW_SESSION_SECRET", "secret", "", "Signs Airflow's sessions."),
)  # fmt: skip

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """Values in force for one instance of the stack. `repr` omits them, because some are secrets.

    Attributes:
        root: the project's folder.
        state: folder shared by all instances: Python environment and jars (`.headrace`, git-ignored).
        home: folder of this instance: data, logs, generated configuration.
        env_file: file with its secrets.
    """

    root: Path
    state: Path
    home: Path
    env_file: Path
    values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            raise SettingError(f"{name} is not set; run `./headrace up` once, or add it to {self.env_file}")
        return value

    def port(self, name: str) -> int:
        """Return the port number for a short name, e.g. `AIRFLOW`."""
        setting = BY_NAME[f"HEADRACE_PORT_{name}"]
        value = self.values.get(setting.name)
        return int(value) if value else int(self["HEADRACE_PORT_BASE"]) + int(setting.default)

    def ports(self) -> dict[str, int]:
        """Return short name → port number."""
        names = [s.name.removeprefix("HEADRACE_PORT_") for s in SETTINGS if s.kind == "port"]
        return {name: self.port(name) for name in names}

    @property
    def bind(self) -> str:
        return self["HEADRACE_BIND"]

    @property
    def data(self) -> Path:
        return self.home / "data"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def run(self) -> Path:
        return self.home / "run"

    @property
    def contracts(self) -> Path:
        """Return the folder of the contracts."""
        return Path(self["HEADRACE_CONTRACTS"] or self.root / "include" / "schemas")

    @property
    def lib(self) -> Path:
        return self.state / "lib"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Return the settings of the instance named by HEADRACE_INSTANCE (default `main`).

    Raises:
        SettingError: a value is invalid.
    """
    root = Path(environ.get("HEADRACE_ROOT", Path(__file__).parents[2])).resolve()
    state = Path(environ.get("HEADRACE_STATE", root / ".headrace")).resolve()
    instance = environ.get("HEADRACE_INSTANCE", "main")
    home = state / "instances" / instance
    env_file = root / ".env" if instance == "main" else home / ".env"
    values = {s.name: s.default for s in SETTINGS if s.kind in ("text", "int", "memory", "wait")}
    values |= read_env(env_file)
    values |= {name: environ[name] for name in BY_NAME if environ.get(name)}
    _check(values)
    return Settings(root, state, home, env_file, values)


KEPT = "settings.json"
"""File in the instance's run folder with the values used for the written configuration."""


def kept(settings: Settings) -> Settings:
    """Return the settings used for the written configuration, for processes started later.

    The environment of `up` may contain values that an already running supervisor does not have.
    """
    file = settings.run / KEPT
    return replace(settings, values=json.loads(file.read_text())) if file.exists() else settings


def read_env(path: Path) -> dict[str, str]:
    """Return the `NAME=value` pairs of an env file; comments, blank lines and empty values are skipped."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)
    return {name.strip(): value.strip() for name, value in pairs if value.strip()}


def ensure_secrets(settings: Settings, environ: Mapping[str, str] = os.environ) -> Settings:
    """Generate the missing secrets, append them to the env file (mode 600) and return the reloaded settings."""
    missing = [s for s in SETTINGS if s.kind == "secret" and not settings.values.get(s.name)]
    if missing:
        settings.env_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not settings.env_file.exists()
        descriptor = os.open(settings.env_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a") as file:
            if fresh:
                file.write("# Created by ./headrace up; .env.example describes every line.\n")
            file.writelines(f"{s.name}={_new_secret(s.name)}\n" for s in missing)
        settings = load(environ)
    if settings.env_file.exists():
        settings.env_file.chmod(0o600)
    return settings


def _new_secret(name: str) -> str:
    if name.endswith("FERNET_KEY"):  # Fernet requires exactly 32 bytes, url-safe base64
        from base64 import urlsafe_b64encode

        return urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(20 if name.endswith(("ACCESS_KEY", "SECRET_KEY")) else 24)


def _check(values: Mapping[str, str]) -> None:
    for name, setting in BY_NAME.items():
        value = values.get(name)
        if value is None:
            continue
        if setting.kind in ("int", "port", "wait") and not value.isdigit():
            raise SettingError(f"{name} must be a whole number; got {value}")
        if setting.kind == "wait" and not int(value):
            raise SettingError(f"{name} must be greater than 0; got {value}")
        if setting.kind == "memory" and not (value[:-1].isdigit() and value[-1] in "mg"):
            raise SettingError(f"{name} must be a size such as 512m or 2g; got {value}")
    allowed = {
        "HEADRACE_CATALOG": ("rest", "jdbc"),
        "HEADRACE_OBJECT_STORE": ("seaweedfs", "minio"),
        "HEADRACE_CLICKHOUSE_NATIVE": ("no", "yes"),
    }
    for name, choices in allowed.items():
        if values[name] not in choices:
            raise SettingError(f"{name} must be one of {', '.join(choices)}; got {values[name]}")
    if values["HEADRACE_OBJECT_STORE"] == "minio" and values["HEADRACE_CATALOG"] != "jdbc":
        raise SettingError("HEADRACE_OBJECT_STORE=minio has no Iceberg catalog; also set HEADRACE_CATALOG=jdbc")
