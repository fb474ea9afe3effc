"""A headless Chromium that keeps what a page says and what it asks for."""

import shutil
from contextlib import contextmanager

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium():
    """The browser, or a skipped test."""
    if CHROMIUM is None:
        pytest.skip("no chromium to open the report in (Debian: apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        # Root, as in a container, has no sandbox of its own.
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def opened(browser, path, *, width=1300, scheme="light", scripts=True):
    """The page, with ``said`` (console, errors) and ``asked`` (addresses that leave the page)."""
    page = browser.new_page(
        viewport={"width": width, "height": 900}, color_scheme=scheme, java_script_enabled=scripts
    )
    page.said, page.asked = [], []
    page.on("console", lambda message: page.said.append(message.text))
    page.on("pageerror", lambda error: page.said.append(str(error)))
    page.on("request", lambda request: page.asked.append(request.url))
    page.goto(path.as_uri())
    page.asked = [url for url in page.asked if not url.startswith(("data:", path.as_uri()))]
    try:
        yield page
    finally:
        page.close()
