"""The page itself in Debian's Chromium."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

from support.cluster import wait_until
from support.dashboard import TOKEN, Site

SHOTS = Path(__file__).parents[2] / ".run" / "screenshots"
PICTURES = ("heartbeat", "telemetry", "experiments", "mirror_overlap", "fleet")
ARGUMENTS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic",
    "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip

# When the test's text is first seen within an element; and every breach of the page's policy.
WATCH = """
    window.seen = {};
    window.breaches = [];
    document.addEventListener('securitypolicyviolation', one => window.breaches.push(one.violatedDirective));
    window.watchFor = (selector, text) => {
        const look = () => {
            const found = document.querySelector(selector)?.textContent.includes(text);
            if (found) window.seen[text] ??= performance.timeOrigin + performance.now();
        };
        new MutationObserver(look).observe(document, {subtree: true, childList: true, characterData: true});
        look();
    };
"""


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield started
        started.close()


class Screen:
    """One page; nothing may be complained of but what `excused` says."""

    def __init__(
        self, browser: Browser, site: Site, *, token: bool = False, path: str = "/", **options: Any
    ) -> None:
        self.context = browser.new_context(**options)
        self.context.add_init_script(WATCH)
        self.page: Page = self.context.new_page()
        self.page.set_default_timeout(15_000)
        self.said: list[str] = []
        self.excused: list[str] = ["GPU stall", "GroupMarkerNotSet"]
        self.page.on("console", lambda message: self.said.append(message.text))
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("dialog", lambda dialog: self.said.append(f"dialog {dialog.message}"))
        self.page.on("request", lambda request: self._asked(request.url, site))
        self.page.goto(f"http://127.0.0.1:{site.port}{path}{f'#token={TOKEN}' if token else ''}")
        self.page.wait_for_selector("#tile-drift .count", state="attached")

    def _asked(self, url: str, site: Site) -> None:
        if not url.startswith((f"http://127.0.0.1:{site.port}/", "blob:", "data:")):
            self.said.append(f"asked for {url}")

    def standing(self, wanted: str, timeout: float = 15) -> None:
        self.page.wait_for_selector(f'html[data-standing="{wanted}"]', timeout=timeout * 1000)

    def until(self, condition: str, timeout: float = 15) -> None:
        """Wait until an expression holds in the page; its policy allows no waiting within."""
        wait_until(lambda: bool(self.page.evaluate(condition)), timeout, condition)

    def says(self, words: str) -> None:
        """Wait until the picture that is shown says so."""
        self.until(f"document.querySelector('.summary').textContent.startsWith({words!r})")

    def close(self) -> list[str]:
        """Close it; return what it complained of."""
        breaches: list[str] = self.page.evaluate("window.breaches")
        self.context.close()
        return breaches + [text for text in self.said if not any(part in text for part in self.excused)]


def shoot(page: Page, name: str, *, whole: bool = False) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=whole)
