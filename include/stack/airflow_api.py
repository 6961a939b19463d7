"""Client of Airflow's public REST API, logged in with the UI's user and password."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from headrace.systems.retry import Transient
from include.stack.settings import Settings
from include.stack.steps import take

POLL_S = 0.5
REPORT_EVERY_S = 30.0
"""Seconds between two reports of a run whose tasks do not change their state."""
PAGE = 100
"""Entries of one page, the most that Airflow returns by default."""


class AirflowRefused(Exception):
    """Airflow returned an error, or a DAG run failed or timed out."""


class AirflowBusy(AirflowRefused, Transient):
    """Airflow returned a server error (5xx); a retry may succeed."""


class AirflowApi:
    """Client logged in as the administrator. Fetches a token on first use, and a new one when it is rejected."""

    def __init__(self, s: Settings, timeout_s: float = 30.0) -> None:
        self._s = s
        self.address = f"http://{s.bind}:{s.port('AIRFLOW')}"
        self._http = httpx.Client(base_url=self.address, timeout=timeout_s)
        self._token = ""

    def put_connection(self, connection: Mapping[str, Any]) -> bool:
        """Add a connection unless its id exists; an existing connection is never changed. Return True when added."""
        found = self._call("GET", f"/connections/{connection['connection_id']}", accept=(200, 404))
        if found.status_code == 404:
            self._call("POST", "/connections", json=connection)
        return found.status_code == 404

    def complete_connection(self, connection: Mapping[str, Any]) -> bool:
        """Add the missing login to a connection with the same address; return True when it was missing.

        This upgrades instances created before the server required a login. A connection to another address is not changed.
        """
        path = f"/connections/{connection['connection_id']}"
        found = self._call("GET", path).json()
        extra, ours = json.loads(found["extra"] or "{}"), json.loads(connection.get("extra", "{}"))
        places = [(found.get(name) or None, connection.get(name)) for name in ("host", "port")]
        places.append((extra.get("bootstrap.servers"), ours.get("bootstrap.servers")))
        lacking = {"login", "password"} & connection.keys() if not found.get("login") else set[str]()
        if "security.protocol" in ours.keys() - extra.keys():
            lacking.add("extra")
        if not lacking or any(theirs != here for theirs, here in places):
            return False
        body = {name: connection[name] for name in ("connection_id", "conn_type", *sorted(lacking))}
        if "extra" in lacking:
            body["extra"] = json.dumps({**ours, **extra})
        self._call("PATCH", path, params={"update_mask": sorted(lacking)}, json=body)
        return True

    def set_connection_extra(self, connection: str, extra: Mapping[str, Any]) -> dict[str, Any]:
        """Replace a connection's extra and return the previous one."""
        path = f"/connections/{connection}"
        found = self._call("GET", path).json()
        body = {"connection_id": connection, "conn_type": found["conn_type"], "extra": json.dumps(dict(extra))}
        self._call("PATCH", path, params={"update_mask": ["extra"]}, json=body)
        before: dict[str, Any] = json.loads(found["extra"] or "{}")
        return before

    def put_pool(self, pool: Mapping[str, Any]) -> bool:
        """Add a pool unless its name exists; an existing pool is never changed. Return True when added."""
        found = self._call("GET", f"/pools/{pool['name']}", accept=(200, 404))
        if found.status_code == 404:
            self._call("POST", "/pools", json=pool)
        return found.status_code == 404

    def dags(self) -> dict[str, bool]:
        """Return DAG id → whether it is paused."""
        found = self._call("GET", "/dags", params={"limit": 1000}).json()["dags"]
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def listed(self, path: str, key: str, *, pages: int = 1000, **query: Any) -> list[dict[str, Any]]:
        """Return the entries under `key` of a list, at most `pages` pages of PAGE entries. Each request is tried once.

        Raises AirflowRefused, AirflowBusy, httpx.HTTPError.
        """
        found: list[dict[str, Any]] = []
        for _ in range(pages):
            page = self._request("GET", path, (200,), params={**query, "limit": PAGE, "offset": len(found)}).json()
            found += page[key]
            if not page[key] or len(found) >= page["total_entries"]:
                break
        return found

    def import_errors(self) -> dict[str, str]:
        """Return file → stack trace of its import error."""
        found = self._call("GET", "/importErrors").json()["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in found}

    def pause(self, dag: str, paused: bool) -> None:
        self._call("PATCH", f"/dags/{dag}", json={"is_paused": paused})

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run and return its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._call("POST", f"/dags/{dag}/dagRuns", json=body).json()["dag_run_id"])

    def backfill(self, dag: str, start: str, end: str, *, max_active_runs: int = 2) -> int:
        """Re-run the DAG for every interval from `start` to `end` (ISO dates, inclusive); return the backfill's id."""
        body = {
            "dag_id": dag,
            "from_date": f"{start}T00:00:00Z",
            "to_date": f"{end}T00:00:00Z",
            "reprocess_behavior": "completed",
            "max_active_runs": max_active_runs,
        }
        return int(self._call("POST", "/backfills", json=body).json()["id"])

    def run_state(self, dag: str, run: str) -> str:
        return str(self._call("GET", f"/dags/{dag}/dagRuns/{run}").json()["state"])

    def runs(self, dag: str, **query: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._call("GET", f"/dags/{dag}/dagRuns", params=query).json()["dag_runs"]
        return found

    def task_states(self, dag: str, run: str) -> dict[str, str]:
        """Return task id → state."""
        found = self._call("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances").json()["task_instances"]
        return {task["task_id"]: task["state"] or "waiting" for task in found}

    def task_seconds(self, dag: str, run: str) -> dict[str, float]:
        """Return task id → duration of its last attempt in seconds, for tasks that have ended."""
        found = self._call("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances").json()["task_instances"]
        return {task["task_id"]: float(task["duration"]) for task in found if task["duration"] is not None}

    def returned(self, dag: str, run: str, task: str) -> Any:
        """Return a task's return value (XCom `return_value`)."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        return self._call("GET", path, params={"stringify": False}).json()["value"]

    def task_log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """Return a task's log as plain text."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        answer = self._call("GET", path, accept=(200, 404), headers={"Accept": "application/json"})
        content = answer.json().get("content", []) if answer.status_code == 200 else []
        return "\n".join(line["event"] if isinstance(line, dict) else str(line) for line in content)

    def parse_again(self, dag: str) -> None:
        """Let the DAG processor parse the file of a DAG next."""
        token = self._call("GET", f"/dags/{dag}").json()["file_token"]
        self._call("PUT", f"/parseDagFile/{token}", accept=(200, 201, 409))  # 409: it is already requested

    def wait_for_dag(self, dag: str, seconds: float) -> None:
        """Wait until the DAG processor has parsed a DAG. Raises AirflowRefused after `seconds`."""
        deadline = time.monotonic() + seconds
        while dag not in self.dags():
            if time.monotonic() > deadline:
                raise AirflowRefused(
                    f"DAG {dag} was not parsed within {seconds:.0f} s; import errors: {self.import_errors()}"
                )
            time.sleep(1)

    def wait_for_run(self, dag: str, run: str, seconds: float, report: Callable[[str], None], until: str = "") -> None:
        """Wait until a run, or its task `until`, succeeds; report each task state change.

        Raises AirflowRefused on failure or timeout.
        """
        reported_at = time.monotonic()
        deadline, seen = reported_at + seconds, dict[str, str]()
        while True:
            states = self.task_states(dag, run)
            for task, state in states.items():
                if seen.get(task) != state and state not in ("waiting", "scheduled"):
                    report(f"{dag}.{task}: {state}")
                    reported_at = time.monotonic()
            seen = states
            if time.monotonic() - reported_at > REPORT_EVERY_S:
                report(f"{dag}: {', '.join(f'{task} is {state}' for task, state in states.items())}")
                reported_at = time.monotonic()
            state = states.get(until, "waiting") if until else self.run_state(dag, run)
            if state == "success":
                return
            if state in ("failed", "upstream_failed"):
                raise AirflowRefused(self._why(dag, run, states))
            if time.monotonic() > deadline:
                raise AirflowRefused(f"run {run} of {dag} is still {state} after {seconds:.0f} s: {states}")
            time.sleep(POLL_S)

    def _why(self, dag: str, run: str, states: Mapping[str, str]) -> str:
        failed = [task for task, state in states.items() if state == "failed"]
        log = self.task_log(dag, run, failed[0]) if failed else ""
        tail = "\n".join(log.strip().splitlines()[-20:])
        return f"run {run} of {dag} failed in {', '.join(failed) or 'no task'}\n{tail}"

    def _call(self, method: str, path: str, accept: tuple[int, ...] = (200, 201), **options: Any) -> httpx.Response:
        """Return the response. GET requests are retried while Airflow is busy or restarting; other requests are not."""
        if method == "GET":
            return take(f"ask Airflow for {path}", lambda: self._request(method, path, accept, **options))
        return self._request(method, path, accept, **options)

    def _request(self, method: str, path: str, accept: tuple[int, ...], **options: Any) -> httpx.Response:
        headers = options.pop("headers", {})
        for fresh in (False, True):
            if not self._token or fresh:
                self._token = self._log_in()
            answer = self._http.request(
                method, f"/api/v2{path}", headers={"Authorization": f"Bearer {self._token}"} | headers, **options
            )
            if answer.status_code != 401:
                break
        if answer.status_code not in accept:
            error = AirflowBusy if answer.status_code >= 500 else AirflowRefused
            raise error(f"Airflow: {method} {path} returned {answer.status_code}: {answer.text[:500]}")
        return answer

    def _log_in(self) -> str:
        who = {"username": self._s["HEADRACE_AIRFLOW_USER"], "password": self._s["HEADRACE_PASSWORD_AIRFLOW"]}
        answer = self._http.post("/auth/token", json=who)
        if answer.status_code != 201:
            raise AirflowRefused(f"Airflow rejected the password in {self._s.env_file}: status {answer.status_code}")
        return str(answer.json()["access_token"])
