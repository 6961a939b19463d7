"""The README's picture: Airflow's list of DAGs, as Chromium shows it. `UPDATE_SCREENSHOTS=1` writes it anew."""

from __future__ import annotations

import os
import struct
from pathlib import Path

from tests.support.airflow_pages import Pages

ROOT = Path(__file__).parents[3]
PICTURE = "docs/images/airflow.png"
SIZE = {"width": 1280, "height": 800}


def test_the_readmes_picture_shows_the_dags(pages: Pages, tmp_path: Path) -> None:
    place = ROOT / PICTURE if os.environ.get("UPDATE_SCREENSHOTS") == "1" else tmp_path / "airflow.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    with pages.beside() as page:
        page.set_viewport_size(SIZE)
        page.goto("/dags")
        for dag in ("apply_contracts", "land_files", "mart_store_daily"):
            page.get_by_role("link", name=dag, exact=True).first.wait_for()
        page.screenshot(path=place)
    for png in (place, ROOT / PICTURE):
        assert struct.unpack(">II", png.read_bytes()[16:24]) == (SIZE["width"], SIZE["height"])
    assert f"]({PICTURE})" in (ROOT / "README.md").read_text()
