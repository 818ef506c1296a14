"""A real browser: the system's Chromium, driven by Playwright, at the operators' app."""

import os
import shutil
from pathlib import Path

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def _own() -> str | None:
    """The one that Playwright has fetched for itself, if it has."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).exists() else None


@pytest.fixture(scope="session")
def chromium() -> str:
    """Where the browser is. Without one the tests skip, but not in CI."""
    found = os.environ.get("BATCHKEEPER_TEST_CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None) or _own()
    if found is None:
        message = "no Chromium: install your system's, or run `python -m playwright install --with-deps chromium`"
        if os.environ.get("BATCHKEEPER_TEST_ALL"):
            pytest.fail(message)
        pytest.skip(message)
    return found
