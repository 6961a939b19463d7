"""HTTP endpoint for OpenLineage events with Marquez's API paths.

    POST /api/v1/lineage         one event: 201 stored, 200 already known
    POST /api/v1/lineage/batch   a list of events: valid ones are stored, invalid ones are listed in the response
    GET  /api/v1/lineage/graph   ?dataset=namespace:name [&direction=down|up] [&depth=n] [&column=c]
    GET  /api/v1/lineage/path    ?from=namespace:name&to=namespace:name [&from_column=&to_column=]
    GET  /api/v1/jobs            [?namespace=] [&declared=true]
    GET  /healthz                no key needed

All other paths require `Authorization: Bearer <HEADRACE_LINEAGE_KEY>`. Run it with
`python -m uvicorn include.apps.lineage.app:app`; the settings are in `config.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeVar

from psycopg import AsyncConnection, DataError, OperationalError
from psycopg.errors import InvalidSchemaName, ProgramLimitExceeded, UndefinedTable
from psycopg_pool import AsyncConnectionPool, PoolTimeout
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from headrace.services.lineage import graph as stored
from headrace.services.lineage.received import EventInvalid, Received, receive
from headrace.services.lineage.store import store
from include.apps.lineage.config import Config, ConfigError
from include.apps.lineage.forward import Forwarder
from include.apps.lineage.prune import keep_pruning
from include.apps.lineage.requests import RequireKey, json_body
from include.apps.lineage.responses import Problem, answer, problem

T = TypeVar("T")

STATEMENT_TIMEOUT_MS: Final = 15_000


class Endpoint:
    """Route handlers that share one pool of database connections."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.pool: AsyncConnectionPool[Any] = AsyncConnectionPool(
            config.dsn,
            min_size=1,
            max_size=config.connections,
            timeout=5.0,
            open=False,
            check=AsyncConnectionPool.check_connection,
            kwargs={
                "autocommit": True,
                "connect_timeout": 5,
                "application_name": "headrace-lineage",
                "options": f"-c statement_timeout={STATEMENT_TIMEOUT_MS}",
            },
        )

    @contextlib.asynccontextmanager
    async def lifespan(self, _: Starlette) -> AsyncIterator[None]:
        """Open the pool; prune old events and forward new ones while the app is running."""
        await self.pool.open(wait=False)
        beside = [asyncio.create_task(keep_pruning(self.pool, self.config.keep_days))]
        if self.config.marquez_url:
            beside.append(asyncio.create_task(Forwarder(self.pool, self.config).run()))
        try:
            yield
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            await self.pool.close()

    async def post_event(self, request: Request) -> Response:
        """Store one event."""
        body = await json_body(request, self.config.max_body)
        try:
            event = receive(body)
        except EventInvalid as error:
            raise Problem(422, str(error)) from error
        new = await self._store([event])
        return answer({"stored": new}, 201 if new else 200)

    async def post_batch(self, request: Request) -> Response:
        """Store a list of events; respond like OpenLineage's batch endpoint."""
        body = await json_body(request, self.config.max_body)
        if not isinstance(body, list):
            raise Problem(422, "a batch must be a JSON list of events")
        valid: list[Received] = []
        failed = []
        for index, item in enumerate(body):
            try:
                valid.append(receive(item))
            except EventInvalid as error:
                failed.append({"index": index, "reason": str(error), "retriable": False})
        new = await self._store(valid) if valid else 0
        summary = {
            "received": len(body),
            "successful": len(valid),
            "stored": new,
            "failed": len(failed),
            "retriable": 0,
            "non_retriable": len(failed),
        }
        status = "success" if not failed else "partial_success" if valid else "failure"
        content = {"status": status, "summary": summary, "failed_events": failed}
        return answer(content, 200 if valid or not body else 422)

    async def get_graph(self, request: Request) -> Response:
        """Return the upstream or downstream graph of a dataset, or of one of its columns."""
        dataset = _wanted(request, "dataset")
        direction = request.query_params.get("direction", "down")
        depth = request.query_params.get("depth", "10")
        if direction not in ("down", "up"):
            raise Problem(422, f"direction must be down or up; got {direction}")
        if not depth.isdigit() or not 1 <= int(depth) <= stored.MAX_DEPTH:
            raise Problem(422, f"depth must be a whole number from 1 to {stored.MAX_DEPTH}; got {depth}")
        column = request.query_params.get("column", "")
        found = await self._run(
            lambda c: stored.graph(c, dataset, "up" if direction == "up" else "down", depth=int(depth), column=column)
        )
        if found is None:
            raise Problem(404, f"dataset {dataset} not found: no stored event contains it")
        return answer(found)

    async def get_path(self, request: Request) -> Response:
        """Return the shortest path from one dataset or column to another."""
        start, end = _wanted(request, "from"), _wanted(request, "to")
        columns = (
            request.query_params.get("from_column", ""),
            request.query_params.get("to_column", ""),
        )
        if bool(columns[0]) != bool(columns[1]):
            raise Problem(422, "from_column and to_column must be given together")
        edges = await self._run(lambda c: stored.path(c, start, end, columns=columns))
        if edges is None:
            raise Problem(404, f"no path found from {start} to {end}")
        return answer({"edges": edges})

    async def get_jobs(self, request: Request) -> Response:
        """Return the known jobs."""
        namespace = request.query_params.get("namespace")
        declared = request.query_params.get("declared", "").lower() in ("1", "true")
        found = await self._run(lambda c: stored.jobs(c, namespace=namespace, declared=declared))
        return answer({"jobs": found})

    async def health(self, _: Request) -> Response:
        """Return 200 if the database answers, else 503."""
        await self._run(lambda c: c.execute("SELECT FROM lineage.events LIMIT 1"))
        return answer({"status": "ok"})

    async def _store(self, events: list[Received]) -> int:
        forward = bool(self.config.marquez_url)
        return await self._run(lambda c: store(c, events, forward=forward))

    async def _run(self, query: Callable[[AsyncConnection[Any]], Awaitable[T]]) -> T:
        try:
            async with self.pool.connection() as connection:
                return await query(connection)
        except (InvalidSchemaName, UndefinedTable) as error:
            message = "the lineage tables are missing; apply the platform's migrations"
            raise Problem(503, message) from error
        except (DataError, ProgramLimitExceeded) as error:
            raise Problem(422, f"PostgreSQL cannot store this value: {_line(error)}") from error
        except (PoolTimeout, OperationalError) as error:
            message = f"the lineage database does not answer; nothing was stored: {_line(error)}"
            raise Problem(503, message) from error


def _wanted(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not value:
        raise Problem(422, f"{name} is missing; it must be a dataset as namespace:name")
    return value


def _line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__


async def _problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return problem(error)


def create_app(config: Config) -> RequireKey:
    """Return the ASGI app for a configuration."""
    endpoint = Endpoint(config)
    routes = [
        Route("/api/v1/lineage", endpoint.post_event, methods=["POST"]),
        Route("/api/v1/lineage/batch", endpoint.post_batch, methods=["POST"]),
        Route("/api/v1/lineage/graph", endpoint.get_graph),
        Route("/api/v1/lineage/path", endpoint.get_path),
        Route("/api/v1/jobs", endpoint.get_jobs),
        Route("/healthz", endpoint.health),
    ]
    app = Starlette(routes=routes, lifespan=endpoint.lifespan, exception_handlers={Problem: _problem})
    return RequireKey(app, config.key.encode(), frozenset({"/healthz"}))


class _FromEnvironment:
    """ASGI app that reads the settings when the server starts, so that the import needs none."""

    def __init__(self) -> None:
        self._app: RequireKey | None = None

    async def __call__(self, scope: Scope, receive_message: Receive, send: Send) -> None:
        try:
            self._app = self._app or create_app(Config.from_environ())
        except ConfigError as error:
            if scope["type"] != "lifespan":
                raise
            await receive_message()
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await self._app(scope, receive_message, send)


app = _FromEnvironment()
