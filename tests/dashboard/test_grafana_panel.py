"""The panel as it is shipped, in a real browser: in a page that stands in for Grafana."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from asymmetrica.grafana import HERE, PLUGIN
from support.database import Database

WEB = Path(__file__).resolve().parents[2] / "python" / "web"
BUILT = HERE / "plugins" / PLUGIN
HOST = Path(__file__).with_name("grafana_host.js")
COLUMNS = ["shape", "x", "y", "z", "x2", "y2", "z2", "size", "color", "label", "value", "node"]
PICTURES = ("heartbeat", "telemetry", "experiments", "mirror_overlap", "fleet")
FRAMES = """() => new Promise(done => {
    let left = 4;
    const turn = () => --left ? requestAnimationFrame(turn) : done();
    turn();
})"""
Rows = Sequence[Sequence[Any]]


def test_the_bundle_is_made_of_the_sources_that_are_here() -> None:
    """Whoever changes them runs make web."""
    three = json.loads((WEB / "package.json").read_text())["dependencies"]["three"]
    folders = (WEB / "grafana-panel/src", WEB / "src/pictures")
    sources = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    sources += [WEB / "grafana-panel/build.mjs", WEB / "grafana-panel/test/host.ts"]
    text = f"three {three}\n"
    for name, path in sorted((path.relative_to(WEB).as_posix(), path) for path in sources):
        text += f"{name}\n{hashlib.sha256(path.read_bytes()).hexdigest()}\n"
    recorded = (BUILT / "sources.sha256").read_text().strip()
    assert recorded == hashlib.sha256(text.encode()).hexdigest(), "sources changed: make web"


def test_the_plugin_says_what_it_is() -> None:
    said = json.loads((BUILT / "plugin.json").read_text())
    assert (said["id"], said["type"]) == (PLUGIN, "panel")
    assert re.fullmatch(r"\d+\.\d+\.\d+", said["info"]["version"])
    for name in ("README.md", "LICENSE", *said["info"]["logos"].values()):
        assert (BUILT / name).stat().st_size > 200
    module = (BUILT / "module.js").read_text()
    assert module.startswith('define(["react","@grafana/data"],function(')
    assert len(module) < 700_000


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        yield started
        started.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page with the panel loaded; nothing may be complained of, or asked of the network."""
    context = browser.new_context(reduced_motion="reduce", viewport={"width": 500, "height": 380})
    made = context.new_page()
    said: list[str] = []
    made.on(
        "console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None
    )
    made.on("pageerror", lambda error: said.append(str(error)))
    made.on("request", lambda request: said.append(request.url))
    made.set_content(
        "<!doctype html><body style='margin:0;background:#181b1f;color:#ccc'><div id=panel></div>"
    )
    made.add_script_tag(path=HOST)
    made.add_script_tag(path=BUILT / "module.js")
    yield made
    context.close()
    # What the software renderer says of reading pixels back is no fault of the page.
    assert [line for line in said if "GPU stall" not in line] == []


def show(page: Page, rows: Rows, columns: Sequence[str] = COLUMNS, **more: Any) -> None:
    page.evaluate("shown => show(shown)", {"columns": list(columns), "rows": rows} | more)


def solid(page: Page) -> None:
    """Wait for three.js: from then on there are two canvases, and the flat one is hidden."""
    page.wait_for_function("() => document.querySelectorAll('canvas').length === 2")


def pixels(page: Page) -> bytes:
    page.evaluate(FRAMES)
    return page.locator("#panel").screenshot()


def drawn(db: Database, picture: str) -> Rows:
    cursor = db.own.execute(f"SELECT * FROM asymm.draw('{picture}')".encode())
    assert cursor.description
    assert [column.name for column in cursor.description] == COLUMNS
    return cursor.fetchall()


def test_a_drift_is_seen(page: Page, db: Database) -> None:
    db.sql("CREATE SCHEMA shop")
    for table in "abcdefg":
        db.sql(f"CREATE TABLE shop.{table} (id int, n int)")
        db.sql("SELECT asymm.watch(%s)", f"shop.{table}")
    whole = drawn(db, "heartbeat")
    db.sql("ALTER TABLE shop.c DROP COLUMN n")
    db.sql("SELECT asymm._process_ddl()")
    broken = drawn(db, "heartbeat")
    show(page, whole)
    solid(page)
    before = pixels(page)
    show(page, whole)
    assert pixels(page) == before
    show(page, broken)
    after = pixels(page)
    assert after != before
    show(page, whole)
    assert pixels(page) == before
    show(page, whole, dark=False)
    assert pixels(page) != before
    show(page, whole, options={"dimensions": "2d"})
    assert page.locator("canvas").count() == 1
    flat = pixels(page)
    show(page, broken, options={"dimensions": "2d"})
    assert pixels(page) not in (flat, after)
    show(page, broken, options={"dimensions": "2d", "labels": False}, width=240, height=180)
    assert page.locator("canvas").bounding_box() == {"x": 0, "y": 0, "width": 240, "height": 180}


def test_every_picture_changes_with_its_rows(page: Page) -> None:
    rows: list[list[Any]] = [
        ["segment", -0.8, 0.1 * n, 0.1, 0.8, 0.1 * n - 0.3, -0.1, 0.4, "good", f"t{n}", n, f"entity:t{n}"]
        for n in range(5)
    ]
    point = ["point", 0.3, -0.5, 0, None, None, None, 0.6, "critical", "p", 1, None]
    seen: set[bytes] = set()
    for picture in PICTURES:
        for shown in (rows, [*rows, point]):
            show(page, shown, options={"picture": picture})
            solid(page)
            seen.add(pixels(page))
    assert len(seen) == 2 * len(PICTURES)


def test_what_can_not_be_drawn_is_said(page: Page) -> None:
    status = page.get_by_role("status")
    show(page, [["point", 1]], columns=["shape", "x"])
    assert status.inner_text() == "The query lacks y: SELECT * FROM asymm.draw('heartbeat')"
    show(page, [], noValue="Nothing is watched: <b>watch()</b>")
    assert status.inner_text() == "Nothing is watched: <b>watch()</b>"
    show(page, [], columns=[], options={"picture": "fleet"})
    assert status.inner_text() == "Nothing to draw: SELECT * FROM asymm.draw('fleet')"
    show(page, [["point", 0, 0]], columns=["SHAPE", "X", "Y"], state="Error")
    assert status.count() == 0
    assert page.evaluate("options()") == ["picture", "dimensions", "labels"]


def test_names_are_text(page: Page) -> None:
    name = "<img src=x onerror=\"window.hacked=1\"> & 'shop'"
    show(page, [["point", 0, 0, 0, None, None, None, 0.9, "critical", name, 1, f"entity:{name}"]])
    solid(page)
    page.get_by_role("application").focus()
    page.keyboard.press("ArrowRight")
    page.mouse.move(240, 180)
    pixels(page)
    assert name in page.locator("#panel").inner_text()
    assert page.locator("#panel img").count() == 0
    assert page.evaluate("window.hacked") is None


def test_it_goes_with_its_panel(page: Page) -> None:
    page.evaluate("""() => {
        window.frames_asked = 0;
        const ask = window.plain = window.requestAnimationFrame.bind(window);
        window.requestAnimationFrame = next => { window.frames_asked += 1; return ask(next); };
    }""")
    row = ["segment", -1, 0, 0, 1, 0, 0, 0.5, "accent", "a", 1, None]
    for turn in range(3):
        show(page, [row], options={"picture": PICTURES[turn]})
        solid(page)
    page.evaluate("hide()")
    assert page.evaluate("document.getElementById('panel').childElementCount") == 0
    asked = page.evaluate("window.frames_asked")
    page.evaluate(FRAMES.replace("requestAnimationFrame(turn)", "plain(turn)"))
    assert page.evaluate("window.frames_asked") == asked
    show(page, [row])
    solid(page)
