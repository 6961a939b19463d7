"""Every setting of the local stack, declared once.

`.env.example`, validation, the docs page and the generated secrets derive from `SETTINGS`. A value comes from the
process environment, else from `.env`, else from the default here. Ports default to `HEADRACE_PORT_BASE` + offset.
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
    """A setting has a value that cannot be used; the message names it and says what is allowed."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: for a port, `default` is the offset from HEADRACE_PORT_BASE."""

    name: str
    kind: Kind
    default: str
    doc: str


SETTINGS: tuple[Setting, ...] = (
    Setting("HEADRACE_PORT_BASE", "int", "18000", "Ports are this number plus an offset each; every one can be set by itself."),
    Setting("HEADRACE_BIND", "text", "127.0.0.1", "Address every server listens on."),
    Setting("HEADRACE_CONTRACTS", "text", "", "Folder of the contracts; empty: include/schemas."),
    Setting("HEADRACE_SAMPLE", "text", "all", "How much of the retail year to load: all, a share of the baskets (0.01), or a number of rows (5000)."),
    Setting("HEADRACE_CATALOG", "text", "rest", "Iceberg catalog: rest (SeaweedFS) or jdbc (PostgreSQL)."),
    Setting("HEADRACE_OBJECT_STORE", "text", "seaweedfs", "S3 server: seaweedfs, or minio (needs HEADRACE_CATALOG=jdbc and a minio binary on the PATH)."),
    Setting("HEADRACE_CLICKHOUSE_NATIVE", "text", "no", "Local engine only: yes opens ClickHouse's native protocol too, where a wrong password ends the engine."),
    Setting("HEADRACE_WAREHOUSE", "text", "s3://warehouse", "Where the lake's tables live."),
    Setting("HEADRACE_MARQUEZ_URL", "text", "", "Forward OpenLineage events to this Marquez, e.g. http://127.0.0.1:5000; empty: keep them here only."),
    Setting("HEADRACE_ALERTS_URL", "text", "", "Where alerts go, as an Apprise URL (mailtos://…, slack://…, json://…); empty: they stay in the platform's database."),
    Setting("HEADRACE_AIRFLOW_USER", "text", "admin", "Name to log in to Airflow with."),
    Setting("HEADRACE_PORT_AIRFLOW", "port", "80", "Airflow's UI and API."),
    Setting("HEADRACE_PORT_REGISTRY", "port", "81", "Schema registry (Confluent API under /apis/ccompat/v7)."),
    Setting("HEADRACE_PORT_REGISTRY_MANAGEMENT", "port", "82", "Schema registry: health and metrics."),
    Setting("HEADRACE_PORT_CONNECT", "port", "83", "Kafka Connect's REST API."),
    Setting("HEADRACE_PORT_LINEAGE", "port", "85", "OpenLineage endpoint."),
    Setting("HEADRACE_PORT_KAFKA", "port", "92", "Kafka broker."),
    Setting("HEADRACE_PORT_KAFKA_CONTROLLER", "port", "93", "Kafka's own quorum."),
    Setting("HEADRACE_PORT_CLICKHOUSE", "port", "123", "ClickHouse over HTTP."),
    Setting("HEADRACE_PORT_CLICKHOUSE_NATIVE", "port", "900", "ClickHouse's native protocol; the local engine has it by HEADRACE_CLICKHOUSE_NATIVE only."),
    Setting("HEADRACE_PORT_POSTGRES", "port", "432", "PostgreSQL."),
    Setting("HEADRACE_PORT_S3", "port", "333", "S3 API of the object store."),
    Setting("HEADRACE_PORT_CATALOG", "port", "334", "Iceberg REST catalog."),
    Setting("HEADRACE_PORT_WEED", "port", "340", "First of ten ports for SeaweedFS's own parts (and this one plus 10003)."),
    Setting("HEADRACE_MEMORY_KAFKA", "memory", "384m", "Heap of the broker."),
    Setting("HEADRACE_MEMORY_CONNECT", "memory", "768m", "Heap of Kafka Connect."),
    Setting("HEADRACE_MEMORY_REGISTRY", "memory", "256m", "Heap of the schema registry."),
    Setting("HEADRACE_MEMORY_SPARK", "memory", "1g", "Heap of a Spark streaming driver."),
    Setting("HEADRACE_MEMORY_BATCH", "memory", "1g", "Heap of the Spark driver that stands by for batch jobs."),
    Setting("HEADRACE_MEMORY_CLICKHOUSE", "memory", "2g", "Most memory ClickHouse may use."),
    Setting("HEADRACE_MEMORY_SEAWEEDFS", "memory", "512m", "Soft limit of SeaweedFS."),
    Setting("HEADRACE_SINK_COMMIT_MS", "wait", "10000", "Milliseconds between two commits of the sinks to the lake."),
    Setting("HEADRACE_SINK_SESSION_MS", "wait", "45000", "Milliseconds without a heartbeat after which Kafka gives a sink's consumer up: after a kill a new one waits for that."),
    Setting("HEADRACE_RAW_POLL_S", "wait", "60", "Seconds between two looks for changes in raw that are not refined."),
    Setting("HEADRACE_REFINE_EVERY_S", "wait", "300", "Least seconds between two refinements that landed rows begin, where a contract has no `refineEvery`."),
    Setting("HEADRACE_LANDING_POLL_S", "wait", "10", "Seconds between two looks for dropped files."),
    Setting("HEADRACE_FRESHNESS_POLL_S", "wait", "15", "Seconds between two looks at what contracts promise."),
    Setting("HEADRACE_FRESHNESS_WINDOW_S", "wait", "60", "Seconds back that served changes are measured for freshness."),
    Setting("HEADRACE_RETRY_DELAY_S", "wait", "3600", "Most seconds before a failed task is tried again; DAGs that wait less keep their own."),
    Setting("HEADRACE_HANG_S", "wait", "120", "Seconds without an answer after which a process that runs is killed and started again."),
    Setting("HEADRACE_PASSWORD_POSTGRES", "secret", "", "PostgreSQL superuser `headrace`; makes the roles and databases."),
    Setting("HEADRACE_PASSWORD_SHOP", "secret", "", "Role `shop`: owns the OLTP database."),
    Setting("HEADRACE_PASSWORD_CDC", "secret", "", "Role `cdc`: replication and reading only."),
    Setting("HEADRACE_PASSWORD_AIRFLOW_DB", "secret", "", "Role `airflow`: Airflow's metadata."),
    Setting("HEADRACE_PASSWORD_REGISTRY_DB", "secret", "", "Role `registry`: the schema registry's storage."),
    Setting("HEADRACE_PASSWORD_PLATFORM", "secret", "", "Role `headrace_platform`: streams, plans, alerts, lineage."),
    Setting("HEADRACE_PASSWORD_LINEAGE_DB", "secret", "", "Role `lineage`: the lineage endpoint; may read and write the schema `lineage` of the platform's database, nothing else."),
    Setting("HEADRACE_PASSWORD_SERVING", "secret", "", "Role `serving`: owns the database that serves datasets with `serving: postgres`."),
    Setting("HEADRACE_PASSWORD_LAKE_DB", "secret", "", "Role `lake`: the Iceberg catalog, when it is jdbc."),
    Setting("HEADRACE_PASSWORD_REGISTRY", "secret", "", "Schema registry, user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_REGISTRY_CONNECT", "secret", "", "Schema registry, user `connect`: Kafka Connect's converters; reads and registers schemas."),
    Setting("HEADRACE_PASSWORD_REGISTRY_STREAMS", "secret", "", "Schema registry, user `streams`: the Spark streaming drivers; reads schemas."),
    Setting("HEADRACE_PASSWORD_KAFKA", "secret", "", "Kafka user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_KAFKA_BROKER", "secret", "", "Kafka user `broker`: the broker to itself; makes the other users."),
    Setting("HEADRACE_PASSWORD_KAFKA_CONNECT", "secret", "", "Kafka user `connect`: Kafka Connect's worker and connectors."),
    Setting("HEADRACE_PASSWORD_KAFKA_STREAMS", "secret", "", "Kafka user `streams`: the Spark streaming drivers; reads topics, writes dead letters."),
    Setting("HEADRACE_PASSWORD_CLICKHOUSE", "secret", "", "ClickHouse user `headrace`: the platform itself."),
    Setting("HEADRACE_PASSWORD_ANALYST", "secret", "", "ClickHouse user `analyst`: reads the served views."),
    Setting("HEADRACE_S3_ACCESS_KEY", "secret", "", "Object store and Iceberg catalog: access key."),
    Setting("HEADRACE_S3_SECRET_KEY", "secret", "", "Object store and Iceberg catalog: secret key."),
    Setting("HEADRACE_PASSWORD_WEED_ADMIN", "secret", "", "SeaweedFS's own administration."),
    Setting("HEADRACE_WEED_KEY", "secret", "", "Signs what SeaweedFS's parts ask each other for."),
    Setting("HEADRACE_PASSWORD_AIRFLOW", "secret", "", "Airflow's UI and API; the user is HEADRACE_AIRFLOW_USER."),
    Setting("HEADRACE_PASSWORD_CONNECT", "secret", "", "Kafka Connect's REST API; the user is `headrace`."),
    Setting("HEADRACE_TOKEN_KEY", "secret", "", "Keys the hashes that stand for tokenised fields past the raw zone; with another key they all change."),
    Setting("HEADRACE_LINEAGE_KEY", "secret", "", "API key of the OpenLineage endpoint."),
    Setting("HEADRACE_PASSWORD_STREAMS", "secret", "", "Images only: the supervisor of the streaming drivers; the user is `headrace`."),
    Setting("HEADRACE_PASSWORD_MARQUEZ", "secret", "", "Images only: role `marquez`: Marquez's own database."),
    Setting("HEADRACE_AIRFLOW_FERNET_KEY", "secret", "", "Encrypts Airflow's connections."),
    Setting("HEADRACE_AIRFLOW_JWT_SECRET", "secret", "", "Signs Airflow's tokens."),
    Setting("HEADRACE_AIRFLOW_SESSION_SECRET", "secret", "", "Signs Airflow's sessions."),
)  # fmt: skip

BY_NAME: Mapping[str, Setting] = {setting.name: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Settings:
    """The values in force for one instance of the stack. The representation shows none of them: some are secrets.

    Attributes:
        root: the project's folder.
        state: what is shared by instances: environment, jars (`.headrace`, git-ignored).
        home: what this instance owns: data, logs, generated configuration.
        env_file: where its secrets are.
    """

    root: Path
    state: Path
    home: Path
    env_file: Path
    values: Mapping[str, str] = field(repr=False)

    def __getitem__(self, name: str) -> str:
        value = self.values.get(name)
        if value is None:
            raise SettingError(f"{name} is not set; start once with `./headrace up`, or add it to {self.env_file}")
        return value

    def port(self, name: str) -> int:
        """Port number of, say, `AIRFLOW`."""
        setting = BY_NAME[f"HEADRACE_PORT_{name}"]
        value = self.values.get(setting.name)
        return int(value) if value else int(self["HEADRACE_PORT_BASE"]) + int(setting.default)

    def ports(self) -> dict[str, int]:
        """Every port with its short name."""
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
        """Folder of the contracts."""
        return Path(self["HEADRACE_CONTRACTS"] or self.root / "include" / "schemas")

    @property
    def lib(self) -> Path:
        return self.state / "lib"


def load(environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the instance named by HEADRACE_INSTANCE (default `main`).

    Raises:
        SettingError: a value is not usable.
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
"""In the instance's run folder: the values by which its configuration was written."""


def kept(settings: Settings) -> Settings:
    """The settings by which the configuration was written, for whoever starts later.

    `up` may have been given values by its environment, which the supervisor, started by an earlier one, does not have.
    """
    file = settings.run / KEPT
    return replace(settings, values=json.loads(file.read_text())) if file.exists() else settings


def read_env(path: Path) -> dict[str, str]:
    """`NAME=value` lines; comments and blank lines are skipped."""
    if not path.exists():
        return {}
    lines = (line.strip() for line in path.read_text().splitlines())
    pairs = (line.split("=", 1) for line in lines if line and not line.startswith("#") and "=" in line)
    return {name.strip(): value.strip() for name, value in pairs if value.strip()}


def ensure_secrets(settings: Settings, environ: Mapping[str, str] = os.environ) -> Settings:
    """Make the secrets that are missing, append them to the env file (mode 600) and load again."""
    missing = [s for s in SETTINGS if s.kind == "secret" and not settings.values.get(s.name)]
    if missing:
        settings.env_file.parent.mkdir(parents=True, exist_ok=True)
        fresh = not settings.env_file.exists()
        descriptor = os.open(settings.env_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a") as file:
            if fresh:
                file.write("# Made by ./headrace up; .env.example explains every line.\n")
            file.writelines(f"{s.name}={_new_secret(s.name)}\n" for s in missing)
        settings = load(environ)
    if settings.env_file.exists():
        settings.env_file.chmod(0o600)
    return settings


def _new_secret(name: str) -> str:
    if name.endswith("FERNET_KEY"):  # Fernet wants exactly 32 bytes, url-safe base64
        from base64 import urlsafe_b64encode

        return urlsafe_b64encode(secrets.token_bytes(32)).decode()
    return secrets.token_hex(20 if name.endswith(("ACCESS_KEY", "SECRET_KEY")) else 24)


def _check(values: Mapping[str, str]) -> None:
    for name, setting in BY_NAME.items():
        value = values.get(name)
        if value is None:
            continue
        if setting.kind in ("int", "port", "wait") and not value.isdigit():
            raise SettingError(f"{name}={value}: must be a whole number")
        if setting.kind == "wait" and not int(value):
            raise SettingError(f"{name}={value}: must be above 0")
        if setting.kind == "memory" and not (value[:-1].isdigit() and value[-1] in "mg"):
            raise SettingError(f"{name}={value}: must be a size such as 512m or 2g")
    allowed = {
        "HEADRACE_CATALOG": ("rest", "jdbc"),
        "HEADRACE_OBJECT_STORE": ("seaweedfs", "minio"),
        "HEADRACE_CLICKHOUSE_NATIVE": ("no", "yes"),
    }
    for name, choices in allowed.items():
        if values[name] not in choices:
            raise SettingError(f"{name}={values[name]}: must be one of {', '.join(choices)}")
    if values["HEADRACE_OBJECT_STORE"] == "minio" and values["HEADRACE_CATALOG"] != "jdbc":
        raise SettingError("HEADRACE_OBJECT_STORE=minio brings no catalog: set HEADRACE_CATALOG=jdbc too")
