"""A real Chromium in the reading room: what it asks for, what it complains about, and what it looks like."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.reader.making import Made, opened

SCREENS = Path(__file__).resolve().parents[2] / "build" / "screens"
_LOAD_PICTURES = """Promise.all([...document.images].map(image => {
  image.loading = "eager";
  return image.decode().catch(() => {});
}))"""
_QUIET = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--disable-quic", "--force-color-profile=srgb",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)  # fmt: skip


def executable() -> str:
    """Return where Chromium is; without one, a test is skipped at a desk and fails in CI."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium on this machine; on Debian: apt install chromium")
    assert found is not None, "there is no Chromium on this machine"
    return found


@dataclass
class Visit:
    """One tab, and all that happened in it."""

    page: Page
    base: str
    asked: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    blocked: list[str] = field(default_factory=list)  # requests that the page's policy did not let out
    complaints: list[str] = field(default_factory=list)

    async def go(self, path: str) -> Page:
        """Open a page of the reading room."""
        await self.page.goto(self.base + path)
        return self.page

    async def overflow(self) -> int:
        """Return by how many pixels the page is wider than the window."""
        width: int = await self.page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        return width

    async def load_pictures(self) -> None:
        """Wait until every picture of the page is there, those far down too."""
        await self.page.evaluate(_LOAD_PICTURES)

    async def shot(self, name: str) -> None:
        """Write a picture of the whole page for people to look at."""
        SCREENS.mkdir(parents=True, exist_ok=True)
        await self.load_pictures()
        await self.page.screenshot(path=SCREENS / f"{name}.png", full_page=True)

    def _sent(self, request: Request) -> None:
        self.asked.append(request.url)
        if not request.url.startswith(f"{self.base}/"):
            self.foreign.append(request.url)

    def _failed(self, request: Request) -> None:
        if request.failure == "csp":
            self.blocked.append(request.url)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and "status of 404" not in message.text:
            self.complaints.append(f"{message.text} at {self.page.url}")


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """Run a Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=executable(), args=list(_QUIET))
        try:
            yield browser
        finally:
            await browser.close()


@contextlib.asynccontextmanager
async def tab(browser: Browser, base: str, **options: Any) -> AsyncIterator[Visit]:
    """Open a tab on a reading room; every request to anything else is noted, and finds no host."""
    context: BrowserContext = await browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    try:
        visit = Visit(await context.new_page(), base)
        visit.page.on("request", visit._sent)
        visit.page.on("requestfailed", visit._failed)
        visit.page.on("console", visit._heard)
        visit.page.on("pageerror", lambda error: visit.complaints.append(str(error)))
        visit.page.on("dialog", lambda dialog: visit.complaints.append(f"a script ran: {dialog.message}"))
        yield visit
    finally:
        await context.close()


@contextlib.asynccontextmanager
async def visiting(made: Made, **options: Any) -> AsyncIterator[Visit]:
    """Serve an archive and open a tab on it."""
    async with opened(made) as client, launched() as browser:
        base = str(client.make_url("/")).rstrip("/")
        async with tab(browser, base, **options) as visit:
            yield visit
