"""The page in a real browser: what happens in the database is seen, and what is decided there is done."""

from __future__ import annotations

import time

from playwright.sync_api import Page

from support import database
from support.database import Database
from support.pulse import Loop, make_actor, make_table
from support.screen import PICTURES, Screen, shoot

from ..conftest import MakeServer
from .conftest import MakeRealSite, MakeScreen

HOSTILE = ("<img src=x onerror=alert(1)>", '"><script>alert(2)</script>', "'; alert(3);//\u2028${1}")
# Names of what can be used, and what a check by a tool would find first.
FAULTS = """() => {
    const all = selector => [...document.querySelectorAll(selector)];
    const label = one => one.id && document.querySelector(`label[for="${one.id}"]`);
    const named = one => one.getAttribute('aria-label') || one.textContent.trim() || one.title || label(one);
    const used = 'button, a[href], input, select, summary, [role=application], [role=region], [role=tab]';
    const faults = all(used).filter(one => one.checkVisibility() && !named(one))
        .map(one => `no name: ${one.outerHTML.slice(0, 120)}`);
    const ids = all('[id]').map(one => one.id);
    for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`twice: ${id}`);
    for (const name of ['aria-labelledby', 'aria-controls', 'aria-describedby'])
        for (const id of all(`[${name}]`).map(one => one.getAttribute(name)))
            if (!ids.includes(id)) faults.push(`${name}: ${id}`);
    for (const selector of ['main', 'header', 'footer', 'nav[aria-label]', 'h1', 'html[lang]', 'title'])
        if (all(selector).length === 0) faults.push(`no ${selector}`);
    for (const table of all('.grid table'))
        if (!table.caption || !table.querySelector('th[scope=col]')) faults.push('a table has no heads');
    return faults;
}"""


def press_until(page: Page, key: str, label: str, most: int = 120) -> None:
    """Press a key until what has the focus has this label."""
    for _ in range(most):
        page.keyboard.press(key)
        found = page.evaluate(
            "document.activeElement.getAttribute('aria-label') || document.activeElement.textContent"
        )
        if found == label:
            return
    raise AssertionError(f"the keyboard does not reach {label}")


def delay(db: Database, shown: Screen, column: str) -> float:
    """Add a column to app.item and take it back; return the ms from commit until it was on the screen."""
    shown.page.evaluate(f"watchFor('#tile-drift tbody', '{column}')")
    db.sql(f"ALTER TABLE app.item ADD COLUMN {column} integer")
    committed = time.time() * 1000
    shown.until(f"'{column}' in seen")
    db.sql(f"ALTER TABLE app.item DROP COLUMN {column}")
    seen: float = shown.page.evaluate(f"seen['{column}']")
    return seen - committed


def test_a_drift_is_on_the_screen_at_once_and_healed_by_keyboard(
    db: Database, serve: MakeRealSite, screen: MakeScreen
) -> None:
    actor, owner = make_actor(db)
    make_table(db, owner, "propose")
    loop = Loop(db, actor, "30 s").wait_for_beats()
    site = serve(db.dsn_of(db.role("operator", member_of=("asymm_operator", owner))), allow_actions=True)
    shown = screen(site, token=True, viewport={"width": 1280, "height": 900})
    page = shown.page
    shown.standing("live")
    # The token is in no address, hence in no history.
    assert page.url == f"http://127.0.0.1:{site.port}/"
    # One moment may be a busy one.
    assert min(delay(db, shown, f"slip{number}") for number in range(4)) <= 500
    shown.says("The ring is closed")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    page.wait_for_selector("#tile-actions button:has-text('Approve')")
    shown.until("document.querySelector('#announce').textContent.startsWith('Health: warning')")
    shown.says("The ring is open: 1 of 1")
    assert page.evaluate(FAULTS) == []
    shoot(page, "drift")
    press_until(page, "Tab", "Approve app.item")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog .foot .primary:focus")
    assert "ALTER TABLE app.item ADD COLUMN label text" in page.inner_text("dialog pre >> nth=0")
    shoot(page, "approve")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog [role=status]")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog", state="detached")
    page.wait_for_selector("#tile-drift tr:has-text('healed')")
    db.sql("SELECT label FROM app.item")
    shown.says("The ring is closed")
    # Then to the end of the line: what was stopped is said, and what was shown stays.
    db.sql("SELECT asymm.stop(%s)", actor)
    loop.join()
    shown.standing("silent")
    assert "No loop beats" in page.inner_text("#banner")


def test_who_may_not_decide_is_told_why(db: Database, serve: MakeRealSite, screen: MakeScreen) -> None:
    _, owner = make_actor(db)
    make_table(db, owner, "propose")
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    site = serve(db.dsn_of(db.role("reader", member_of=("asymm_reader",))))
    page = screen(
        site, token=True, viewport={"width": 360, "height": 740}, color_scheme="dark", reduced_motion="reduce"
    ).page
    page.wait_for_selector("#tile-drift tbody tr")
    assert page.locator("td.choices button").count() == 0
    assert "--allow-actions" in page.inner_text("#why-not")
    # Narrow, dark, still.
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate(
        "[document.documentElement.dataset.theme, document.documentElement.dataset.motion]"
    ) == ["dark", "still"]
    assert page.evaluate("document.getAnimations().filter(one => one.playState === 'running').length") == 0
    assert page.evaluate(FAULTS) == []
    grounds = []
    for _ in range(2):
        grounds.append(page.evaluate("getComputedStyle(document.querySelector('.health')).backgroundColor"))
        page.click("button[aria-label^='Switch to']")
    assert grounds == ["rgb(13, 18, 32)", "rgb(252, 251, 248)"]
    page.click("#arithmetic summary")
    page.wait_for_selector("#arithmetic .grid tbody tr, #arithmetic .empty:not([hidden])")
    page.click("#tile-drift summary")
    assert "SELECT * FROM asymm.drift" in page.inner_text("#tile-drift .sql pre")
    shoot(page, "narrow", whole=True)


def test_names_are_text_everywhere(db: Database, serve: MakeRealSite, screen: MakeScreen) -> None:
    for name in HOSTILE:
        quoted = '"' + name.replace('"', '""') + '"'
        db.own.execute(f"CREATE TABLE public.{quoted} (id integer PRIMARY KEY, {quoted} integer)".encode())
        db.own.execute(f"SELECT asymm.watch($asymm$public.{quoted}$asymm$)".encode())
        db.own.execute(f"ALTER TABLE public.{quoted} DROP COLUMN {quoted}".encode())
    db.sql("SELECT asymm._process_ddl()")
    for name in HOSTILE[:2]:
        db.sql("SELECT asymm.report_to_fleet(%s, %s)", name, "a" * 64)
    page = screen(serve(db.dsn), path="/?2d", reduced_motion="reduce").page
    page.wait_for_selector("#tile-drift tbody tr >> nth=2")
    for picture in PICTURES:
        page.click(f"#tab-{picture}")
        page.focus(".stage [role=application]")
        page.keyboard.press("ArrowRight")
    for number in range(3):
        page.click(f"#tile-drift button.open >> nth={number}")
        page.wait_for_selector("dialog .history li")
        page.keyboard.press("Escape")
    assert page.evaluate("document.querySelectorAll('img, body script, [onerror], iframe').length") == 0
    text = page.inner_text("#tile-drift")
    for name in HOSTILE[:2]:
        assert name.replace('"', '""') in text


def test_a_database_and_a_server_that_are_gone_are_told_and_come_back(
    own_server: MakeServer, serve: MakeRealSite, screen: MakeScreen
) -> None:
    server = own_server()
    db = database.create(server)
    db.sql("CREATE EXTENSION asymmetrica CASCADE")
    db.sql("CREATE TABLE t (id integer PRIMARY KEY, n integer)")
    db.sql("SELECT asymm.watch('t')")
    site = serve(db.dsn)
    shown = screen(site, path="/?2d")
    shown.excused += [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
    ]
    page = shown.page
    shown.standing("silent")
    db.own.close()
    server.stop("immediate")
    shown.standing("down")
    assert "can't be reached" in page.inner_text("#banner")
    assert "What is shown is of" in page.inner_text("#banner")
    assert "grayscale" in page.evaluate("getComputedStyle(document.querySelector('main')).filter")
    server.start()
    shown.standing("silent")
    with db.connect() as session:
        session.execute("ALTER TABLE t DROP COLUMN n")
        session.execute("SELECT asymm._process_ddl()")
    page.wait_for_selector("#tile-drift tbody tr")
    port = site.port
    site.close()
    shown.standing("gone")
    assert "No word from the server" in page.inner_text("#banner")
    shoot(page, "gone")
    with db.connect() as session:
        session.execute("SELECT asymm.adopt('t')")
    serve(db.dsn, port=port)
    shown.standing("silent")
    page.wait_for_selector("#tile-drift tr:has-text('adopted')")
    db.close()
