"""A person's browser: Debian's Chromium, logged in to Airflow."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.conftest import Stack

CHROMIUM = "/usr/bin/chromium"
PATIENCE_MS = 60_000
"""Of a page on a machine that is busy."""


@pytest.fixture
def page(stack: Stack) -> Iterator[Page]:
    """Airflow's first page, after the login form."""
    s = stack.settings
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(base_url=f"http://{s.bind}:{s.port('AIRFLOW')}")
        page.set_default_timeout(PATIENCE_MS)
        page.goto("/")
        page.locator("input[name=username]").fill(s["HEADRACE_AIRFLOW_USER"])
        page.locator("input[name=password]").fill(s["HEADRACE_PASSWORD_AIRFLOW"])
        page.get_by_role("button", name="Sign in").click()
        page.get_by_role("link", name="Dags", exact=True).wait_for()
        yield page
        browser.close()
