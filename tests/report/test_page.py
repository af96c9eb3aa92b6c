"""The page of a report in a real browser: what is on a narrow screen can be read there."""

from __future__ import annotations

from pathlib import Path

import pytest
from recorded import record_run

from benchmarks.rig.browser import Browser, find_chromium
from fleet.cli.entry import run

ROWS = "[...document.querySelectorAll('{} tbody tr')].map(row => row.offsetHeight)"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    if find_chromium() is None:
        pytest.skip("there is no chromium here: the page was not looked at")
    (tmp_path / "browser").mkdir()
    record_run(tmp_path / "r", hosts=2000)
    assert run(["report", str(tmp_path / "r"), "--html", str(tmp_path / "page.html")]) == 0
    return tmp_path / "page.html"


async def test_no_row_of_a_table_is_taller_than_a_narrow_screen(page: Path) -> None:
    async with Browser.opened(page.parent / "browser") as browser:
        tab = await browser.page(width=400)
        await tab.open(page.as_uri())
        assert await tab.js("document.scrollingElement.scrollWidth <= innerWidth")
        for section, most in (("#operations", 80), ("#checks", 70), ("#steps", 40)):
            heights = await tab.js(ROWS.format(section))
            assert heights
            assert max(heights) <= most, section
