"""Fixtures of the tests of the live page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright import sync_api

from asymmetrica.dashboard.files import HERE
from support.dashboard import PAGE, Browser, Site
from support.screen import Screen, chromium


class MakeSite(Protocol):
    """Start a dashboard for a login; see Site."""

    def __call__(self, dsn: str, **options: Any) -> Site: ...


class Look(Protocol):
    """Open a browser; see Browser."""

    def __call__(self, site: Site, **options: Any) -> Browser: ...


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page in place of the built one."""
    directory = tmp_path_factory.mktemp("static")
    (directory / "index.html").write_bytes(PAGE)
    (directory / "app-0A1B2C3D.js").write_bytes(b"export const x = 1;\n" * 100)
    (directory / "parts").mkdir()
    (directory / "parts" / "plain.css").write_bytes(b"a{}")
    return directory


@pytest.fixture
def make_site(files: Path) -> Iterator[MakeSite]:
    made: list[Site] = []

    def make(dsn: str, **options: Any) -> Site:
        made.append(Site(dsn, files, **options))
        return made[-1]

    yield make
    for site in made:
        site.close()


@pytest.fixture
def look() -> Iterator[Look]:
    made: list[Browser] = []

    def open_one(site: Site, **options: Any) -> Browser:
        made.append(Browser(site, **options))
        return made[-1]

    yield open_one
    for browser in made:
        browser.close()


class MakeScreen(Protocol):
    """Open a page of a site; see Screen."""

    def __call__(self, site: Site, **options: Any) -> Screen: ...


class MakeRealSite(Protocol):
    """Serve the built page; see Site."""

    def __call__(self, dsn: str, **options: Any) -> Site: ...


@pytest.fixture(scope="module")
def browser() -> Iterator[sync_api.Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def screen(browser: sync_api.Browser) -> Iterator[MakeScreen]:
    made: list[Screen] = []

    def make(site: Site, **options: Any) -> Screen:
        made.append(Screen(browser, site, **options))
        return made[-1]

    yield make
    assert [text for one in made for text in one.close()] == []


@pytest.fixture
def serve() -> Iterator[MakeRealSite]:
    made: list[Site] = []

    def make(dsn: str, **options: Any) -> Site:
        made.append(Site(dsn, HERE, **options))
        return made[-1]

    yield make
    for site in made:
        site.close()
