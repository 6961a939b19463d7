"""Hook for the Iceberg lake and its catalog.

Connection `lake_default`, type iceberg. The host (or host, port and schema) is the catalog: `http://host:port`, or a
PostgreSQL database. Login and password are its credential. The extra has `type` (rest, jdbc), `warehouse`,
`s3.endpoint`, `s3.access-key-id`, `s3.secret-access-key`, `s3.region`, and for rest `oauth2-server-uri`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import quote

from headrace.contracts.names import LAKE_CATALOG
from headrace.errors import SystemRefused
from headrace.systems.endpoint import Endpoint, without_credentials
from headrace.systems.retry import Backoff, Transient, persist
from headrace.systems.text import one_line

if TYPE_CHECKING:
    from pyiceberg.catalog import Catalog
    from pyiceberg.table import Table

T = TypeVar("T")

PASSED_ON: Final = (
    "warehouse",
    "oauth2-server-uri",
    "scope",
    "prefix",
    "py-io-impl",
)
PASSED_ON_PREFIXES: Final = ("s3.", "client.", "header.", "ssl.")
CONNECT_S: Final = 5
TIMEOUT_S: Final = 60.0
"""Default time-out in seconds of a request to the catalog or the object store."""
TIMEOUT_PROPERTY: Final = "headrace.timeout-s"
"""Property of the REST catalog with the time-out of a request."""


class LakeHook:
    """Hook for namespaces and tables of the lake."""

    default_conn_name = "lake_default"

    def __init__(self, endpoint: Endpoint, *, timeout_s: float = TIMEOUT_S, backoff: Backoff | None = None) -> None:
        self._endpoint = endpoint
        self._timeout_s = timeout_s
        self._backoff = backoff or Backoff()
        self.address = catalog_uri(endpoint)

    @classmethod
    def from_connection(cls, conn_id: str = default_conn_name) -> LakeHook:
        """Create the hook from an Airflow connection."""
        return cls(Endpoint.from_connection(conn_id))

    @cached_property
    def catalog(self) -> Catalog:
        """Return pyiceberg's catalog, created at first use.

        Raises:
            SystemUnavailable, SystemRefused: as any call.
        """
        from pyiceberg.catalog import load_catalog

        properties = catalog_properties(self._endpoint, self._timeout_s)
        return self.call(lambda: load_catalog(LAKE_CATALOG, **properties))

    def ensure_namespace(self, namespace: str) -> None:
        """Create the namespace unless it exists."""
        catalog = self.catalog
        self.call(lambda: catalog.create_namespace_if_not_exists(namespace))

    def table(self, name: str) -> Table | None:
        """Return the table `namespace.table` in its current state, or None."""
        from pyiceberg.exceptions import NoSuchNamespaceError, NoSuchTableError

        catalog = self.catalog

        def loaded() -> Table | None:
            try:
                return catalog.load_table(name)
            except (NoSuchTableError, NoSuchNamespaceError):
                return None

        return self.call(loaded)

    def need(self, name: str) -> Table:
        """Return the table `namespace.table` in its current state. Raises SystemRefused if there is none."""
        table = self.table(name)
        if table is None:
            raise SystemRefused("lake", self.address, f"there is no table {name}: run apply_contracts first")
        return table

    def records(self, name: str) -> int | None:
        """Return the row count in the summary of the newest snapshot; None if there is no table."""
        summary = self._summary(name)
        return None if summary is None else int(summary.get("total-records") or 0)

    def rows(self, name: str) -> int | None:
        """Return the number of rows that readers see, from the summary of the newest snapshot; None if there is no table.

        Refinement and marts mark replaced rows in position delete files. `records` counts those rows until compaction.
        """
        summary = self._summary(name)
        return None if summary is None else seen_rows(summary)

    def content(self, name: str) -> int | None:
        """Return the id of the newest snapshot that changed the table's rows; None if it is missing or has no rows.

        Compaction writes snapshots too, of the operation `replace`, and leaves the rows as they are.
        """
        from pyiceberg.table.snapshots import Operation, ancestors_of

        table = self.table(name)
        snapshot = table.current_snapshot() if table else None
        if table is None or snapshot is None or not (snapshot.summary and int(snapshot.summary["total-records"] or 0)):
            return None
        for ancestor in ancestors_of(snapshot, table.metadata):
            if ancestor.summary is None or ancestor.summary.operation != Operation.REPLACE:
                return ancestor.snapshot_id
        return snapshot.snapshot_id

    def drop_table(self, name: str) -> None:
        """Drop the table from the catalog. No error if there is none."""
        from pyiceberg.exceptions import NoSuchTableError

        catalog = self.catalog

        def dropped() -> None:
            try:
                catalog.drop_table(name)
            except NoSuchTableError:
                return

        self.call(dropped)

    def _summary(self, name: str) -> Mapping[str, Any] | None:
        table = self.table(name)
        snapshot = table.current_snapshot() if table else None
        if table is None:
            return None
        return snapshot.summary.additional_properties if snapshot and snapshot.summary else {}

    def call(self, once: Callable[[], T]) -> T:
        """Run the call with retries; raise errors of the catalog and the object store as Headrace's.

        The call is retried if the answer to a commit is lost, so a call that appends must check first (`lake.once`).

        Raises:
            SystemUnavailable: catalog or object store do not answer, or commits keep conflicting.
            SystemRefused: one of them refuses the call.
        """
        from pyiceberg import exceptions
        from requests import RequestException
        from sqlalchemy.exc import DBAPIError

        transient = (
            exceptions.CommitFailedException,
            exceptions.CommitStateUnknownException,
            exceptions.ServerError,
            exceptions.ServiceUnavailableError,
            exceptions.TooManyRequestsError,
            RequestException,
            DBAPIError,
            OSError,
        )

        def tried() -> T:
            try:
                return once()
            except transient as error:
                raise Transient(one_line(error)) from error
            except exceptions.RESTError as error:
                raise SystemRefused("lake", self.address, one_line(error)) from error

        return persist(
            tried,
            system="lake",
            address=self.address,
            next_step="The sink keeps its offsets in Kafka and continues when it answers.",
            backoff=self._backoff,
        )


def seen_rows(summary: Mapping[str, Any]) -> int:
    """Return the number of rows that readers see, from a snapshot's summary: records without deleted positions.

    Too low only while a compaction has rewritten data files and not yet removed their delete files.
    """
    return max(int(summary.get("total-records") or 0) - int(summary.get("total-position-deletes") or 0), 0)


def catalog_properties(endpoint: Endpoint, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """Return the arguments of pyiceberg's `load_catalog`. Only known keys of the extra are passed on."""
    extra = endpoint.extra
    passed = {key: str(value) for key, value in extra.items() if key in PASSED_ON or key.startswith(PASSED_ON_PREFIXES)}
    kind = str(extra.get("type", "rest"))
    if kind not in ("rest", "jdbc", "sql"):
        raise ValueError(f"lake connection: type must be rest or jdbc; got {kind!r}")
    if is_jdbc(endpoint):
        specific = {"type": "sql", "uri": _timed(sqlalchemy_url(endpoint)), "pool_pre_ping": "true"}
    else:
        specific = {**_rest(endpoint), TIMEOUT_PROPERTY: f"{timeout_s:g}"}
    return {"s3.connect-timeout": str(CONNECT_S), "s3.request-timeout": f"{timeout_s:g}", **passed, **specific}


def is_jdbc(endpoint: Endpoint) -> bool:
    """Return whether the catalog is a database and not a service."""
    return str(endpoint.extra.get("type", "rest")) in ("jdbc", "sql")


def catalog_uri(endpoint: Endpoint) -> str:
    """Return the catalog's URI as Java catalogs write it, without credentials."""
    if not is_jdbc(endpoint):
        return endpoint.url
    if "://" in endpoint.host:
        url = without_credentials(endpoint.host.removeprefix("jdbc:"))
        scheme, _, rest = url.partition("://")
        return f"jdbc:{scheme.partition('+')[0]}://{rest}"
    return f"jdbc:postgresql://{endpoint.host}:{endpoint.port or 5432}/{endpoint.database}"


def sqlalchemy_url(endpoint: Endpoint) -> str:
    """Return the catalog's URL for SQLAlchemy, with login and password."""
    scheme, _, rest = catalog_uri(endpoint).removeprefix("jdbc:").partition("://")
    driver = "postgresql+psycopg2" if scheme.startswith("postgres") else scheme
    if not endpoint.login:
        return f"{driver}://{rest}"
    login, password = quote(endpoint.login, safe=""), quote(endpoint.password or "", safe="")
    return f"{driver}://{login}:{password}@{rest}"


def _timed(url: str) -> str:
    """Return the URL of a PostgreSQL database with a time-out to connect. A URL with options is kept."""
    return f"{url}?connect_timeout={CONNECT_S}" if url.startswith("postgres") and "?" not in url else url


def _rest(endpoint: Endpoint) -> dict[str, Any]:
    credential = f"{endpoint.login}:{endpoint.password}" if endpoint.login else None
    return {
        "py-catalog-impl": "headrace.systems.lake.rest.TimedRestCatalog",
        "uri": catalog_uri(endpoint),
        **({"credential": credential} if credential else {}),
    }
