"""A small client of Airflow's public REST API, as a person with the UI's password would use it."""

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


class AirflowRefused(Exception):
    """Airflow answered with an error, or a run did not end well."""


class AirflowBusy(AirflowRefused, Transient):
    """Airflow cannot answer now; asking again may help."""


class AirflowApi:
    """Logged in as the administrator; a token is fetched on first use and again when it is refused."""

    def __init__(self, s: Settings, timeout_s: float = 30.0) -> None:
        self._s = s
        self._http = httpx.Client(base_url=f"http://{s.bind}:{s.port('AIRFLOW')}", timeout=timeout_s)
        self._token = ""

    def put_connection(self, connection: Mapping[str, Any]) -> bool:
        """Add a connection unless one of that id is there: whoever pointed it elsewhere meant it. True when added."""
        found = self._call("GET", f"/connections/{connection['connection_id']}", accept=(200, 404))
        if found.status_code == 404:
            self._call("POST", "/connections", json=connection)
        return found.status_code == 404

    def complete_connection(self, connection: Mapping[str, Any]) -> bool:
        """Give a connection to the same place the login that it lacks; True when it lacked one.

        For an instance from before its server asked who comes. A connection to another place stays as it is.
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
        """Give a connection another extra; the one that it had."""
        path = f"/connections/{connection}"
        found = self._call("GET", path).json()
        body = {"connection_id": connection, "conn_type": found["conn_type"], "extra": json.dumps(dict(extra))}
        self._call("PATCH", path, params={"update_mask": ["extra"]}, json=body)
        before: dict[str, Any] = json.loads(found["extra"] or "{}")
        return before

    def put_pool(self, pool: Mapping[str, Any]) -> bool:
        """Add a pool unless one of that name is there: whoever sized it meant it. True when added."""
        found = self._call("GET", f"/pools/{pool['name']}", accept=(200, 404))
        if found.status_code == 404:
            self._call("POST", "/pools", json=pool)
        return found.status_code == 404

    def dags(self) -> dict[str, bool]:
        """DAG id → is it paused."""
        found = self._call("GET", "/dags", params={"limit": 1000}).json()["dags"]
        return {dag["dag_id"]: dag["is_paused"] for dag in found}

    def paused(self) -> frozenset[str]:
        """DAGs that are paused now. Asked once; none where Airflow does not answer within seconds."""
        try:
            found = self._ask("GET", "/dags", (200,), params={"limit": 1000}).json()["dags"]
        except (AirflowRefused, AirflowBusy, httpx.HTTPError):
            return frozenset()
        return frozenset(dag["dag_id"] for dag in found if dag["is_paused"])

    def import_errors(self) -> dict[str, str]:
        """File → why it could not be read."""
        found = self._call("GET", "/importErrors").json()["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in found}

    def pause(self, dag: str, paused: bool) -> None:
        self._call("PATCH", f"/dags/{dag}", json={"is_paused": paused})

    def trigger(self, dag: str, conf: Mapping[str, Any] | None = None) -> str:
        """Start a run; its id."""
        body = {"logical_date": None, "conf": dict(conf or {})}
        return str(self._call("POST", f"/dags/{dag}/dagRuns", json=body).json()["dag_run_id"])

    def backfill(self, dag: str, start: str, end: str, *, max_active_runs: int = 2) -> int:
        """Run the DAG anew for every interval from `start` to `end` (ISO dates, both included); the backfill's id."""
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
        """Task id → state."""
        found = self._call("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances").json()["task_instances"]
        return {task["task_id"]: task["state"] or "waiting" for task in found}

    def task_seconds(self, dag: str, run: str) -> dict[str, float]:
        """Task id → seconds from the start to the end of its last attempt, of tasks that have ended."""
        found = self._call("GET", f"/dags/{dag}/dagRuns/{run}/taskInstances").json()["task_instances"]
        return {task["task_id"]: float(task["duration"]) for task in found if task["duration"] is not None}

    def returned(self, dag: str, run: str, task: str) -> Any:
        """What a task has returned."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/xcomEntries/return_value"
        return self._call("GET", path, params={"stringify": False}).json()["value"]

    def task_log(self, dag: str, run: str, task: str, attempt: int = 1) -> str:
        """What a task said, as plain text."""
        path = f"/dags/{dag}/dagRuns/{run}/taskInstances/{task}/logs/{attempt}"
        answer = self._call("GET", path, accept=(200, 404), headers={"Accept": "application/json"})
        content = answer.json().get("content", []) if answer.status_code == 200 else []
        return "\n".join(line["event"] if isinstance(line, dict) else str(line) for line in content)

    def wait_for_dag(self, dag: str, seconds: float) -> None:
        """Wait until the DAG processor has read a DAG."""
        deadline = time.monotonic() + seconds
        while dag not in self.dags():
            if time.monotonic() > deadline:
                raise AirflowRefused(f"DAG {dag} was not read within {seconds:.0f} s; errors: {self.import_errors()}")
            time.sleep(1)

    def wait_for_run(self, dag: str, run: str, seconds: float, report: Callable[[str], None]) -> None:
        """Wait until a run has succeeded, reporting each change of a task's state."""
        deadline, seen = time.monotonic() + seconds, dict[str, str]()
        while True:
            states = self.task_states(dag, run)
            for task, state in states.items():
                if seen.get(task) != state and state not in ("waiting", "scheduled"):
                    report(f"{dag}.{task}: {state}")
            seen = states
            state = self.run_state(dag, run)
            if state == "success":
                return
            if state == "failed":
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
        """Return the answer; a question is asked again while Airflow is busy or restarts, a request never."""
        if method == "GET":
            return take(f"ask Airflow for {path}", lambda: self._ask(method, path, accept, **options))
        return self._ask(method, path, accept, **options)

    def _ask(self, method: str, path: str, accept: tuple[int, ...], **options: Any) -> httpx.Response:
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
            wrong = AirflowBusy if answer.status_code >= 500 else AirflowRefused
            raise wrong(f"Airflow: {method} {path} gave {answer.status_code}: {answer.text[:500]}")
        return answer

    def _log_in(self) -> str:
        who = {"username": self._s["HEADRACE_AIRFLOW_USER"], "password": self._s["HEADRACE_PASSWORD_AIRFLOW"]}
        answer = self._http.post("/auth/token", json=who)
        if answer.status_code != 201:
            raise AirflowRefused(f"Airflow does not accept the password in {self._s.env_file}: {answer.status_code}")
        return str(answer.json()["access_token"])
