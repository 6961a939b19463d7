"""Airflow as a person has it on the screen: Debian's Chromium, logged in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from playwright.sync_api import Page, sync_playwright

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from tests.conftest import Stack

CHROMIUM = "/usr/bin/chromium"
BLANK = "about:blank"
"""Left open between two uses: an open page of Airflow polls its API all the time."""
PATIENCE_MS = 60_000
"""Of a page on a machine that is busy."""


class Pages:
    """What a person does with them."""

    def __init__(self, stack: Stack, page: Page) -> None:
        self._stack, self._page = stack, page

    def order(self, dag: str, *, days: Sequence[str] = (), everything: bool = False) -> str:
        """Fill in the form of a run and order it; its id."""
        before = self._ordered(dag)
        self._page.goto(f"/dags/{dag}")
        self._page.get_by_role("button", name="Trigger").first.click()
        form = self._page.get_by_role("dialog").filter(has_text=f"Trigger Dag - {dag}")
        if days:
            form.get_by_placeholder("Enter each string on a new line").fill("\n".join(days))
        if everything:
            form.locator("label", has=self._page.locator("input[name=element_everything]")).click()
        form.get_by_role("button", name="Trigger").click()
        wait_until(lambda: len(self._ordered(dag)) > len(before), 60, "the page has ordered no run")
        (run,) = self._ordered(dag) - before
        self._page.goto(BLANK)
        return run

    def read(self, place: str, text: str) -> None:
        """Open a page, by its path or its address, and wait until it shows the text."""
        self._page.goto(place)
        self._page.get_by_text(text).first.wait_for()
        self._page.goto(BLANK)

    @contextmanager
    def beside(self) -> Iterator[Page]:
        """Another page of the same person's browser."""
        page = self._page.context.new_page()
        yield page
        page.close()

    def _ordered(self, dag: str) -> set[str]:
        return {str(run["dag_run_id"]) for run in self._stack.airflow.runs(dag, run_type="manual")}


@contextmanager
def opened(stack: Stack) -> Iterator[Pages]:
    """Airflow's pages, after the login form."""
    s = stack.settings
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_context(base_url=f"http://{s.bind}:{s.port('AIRFLOW')}").new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/")
        page.locator("input[name=username]").fill(s["HEADRACE_AIRFLOW_USER"])
        page.locator("input[name=password]").fill(s["HEADRACE_PASSWORD_AIRFLOW"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Dags", exact=True).wait_for()
        page.goto(BLANK)
        yield Pages(stack, page)
        browser.close()
