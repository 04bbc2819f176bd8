"""The page lives on: slow browsers, a database that stops, hangs or changes."""

from __future__ import annotations

import socket

import psycopg
import pytest

from asymmetrica.dashboard import poller
from asymmetrica.eyes.reader import Rows
from support import database
from support.cluster import wait_until
from support.dashboard import ASKS, Browser, Site
from support.database import Database
from support.proxy import Proxy
from support.pulse import Loop, make_actor, make_table

from ..conftest import MakeServer
from .conftest import Look, MakeSite


def slow(site: Site) -> socket.socket:
    """Return a browser that asks for events and reads none."""
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    made.connect(("127.0.0.1", site.port))
    made.sendall(ASKS)
    return made


def publish(site: Site, number: int, size: int) -> None:
    """Put rows of that size on the board, as the poller does."""
    board = site.dashboard.board
    board.put("large", Rows("now", ("number", "text"), [(number, "x" * size)]))
    board.publish()


def test_a_slow_browser_costs_nothing_and_ends_up_with_the_newest(
    db: Database, make_site: MakeSite, look: Look
) -> None:
    site = make_site(db.dsn)
    quick = look(site).wait_for_tiles()
    many = [slow(site) for _ in range(10)]
    wait_until(lambda: site.watchers() == 11, 10, "all look")
    changes, size = 300, 50_000
    connections = site.server.server_state.connections
    most = 0
    for number in range(1, changes + 1):
        site.loop.call_soon_threadsafe(publish, site, number, size)
        quick.wait(lambda it, number=number: (it.rows("large") or [{"number": 0}])[0]["number"] == number)
        most = max(most, *(it.transport.get_write_buffer_size() for it in connections))
    # One state and one patch at most wait for each, whatever was told meanwhile.
    assert most < 5 * size
    newest = f'"rows":[[{changes},'.encode()
    for one in many:
        one.settimeout(10)
        read = b""
        while newest not in read[-2 * size :] or not read.endswith(b"\n\n\r\n"):
            read += one.recv(1 << 16)
        assert len(read) < changes * size / 5
        one.close()


def test_the_database_stops_and_comes_back(own_server: MakeServer, make_site: MakeSite, look: Look) -> None:
    server = own_server()
    db = database.create(server)
    db.sql("CREATE EXTENSION asymmetrica")
    actor, owner = make_actor(db)
    make_table(db, owner, "propose")
    site = make_site(db.dsn_of(db.role("reader", member_of=("asymm_reader",))))
    browser = look(site).wait_for_tiles()
    Loop(db, actor, "60 s").wait_for_beats()
    browser.wait_for_connection("up")
    db.close()
    server.stop("immediate")
    browser.wait_for_connection("down", 3)
    assert browser.state["connection"]["message"]
    assert site.ask("/api/metrics").status == 503
    late = look(site)
    late.wait_for_connection("down")
    server.start()
    db.sql("ALTER TABLE app.item DROP COLUMN label")
    db.sql("SELECT asymm._process_ddl()")
    for one in (browser, late):
        one.wait_for_connection("silent")
        one.wait(lambda it: it.rows("drift"))
        one.wait(lambda it: it.rows("vitals")[0]["drifted"] == 1)
    assert not browser.ended
    assert site.ask("/api/metrics").status == 200
    Loop(db, actor, "60 s").wait_for_beats()
    browser.wait_for_connection("up")
    # The database goes, and so does the extension.
    db.sql("SELECT asymm.stop()")
    db.sql("DROP EXTENSION asymmetrica CASCADE")
    browser.wait_for_connection("down")
    assert "asymmetrica is not installed" in browser.state["connection"]["message"]
    db.close()


def test_a_database_that_hangs_is_down(
    db: Database, make_site: MakeSite, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "HANGS", 0.7)
    proxy = Proxy("127.0.0.1", db.server.port)
    try:
        site = make_site(psycopg.conninfo.make_conninfo(db.dsn, host="127.0.0.1", port=proxy.port))
        browser = look(site).wait_for_tiles()
        proxy.hold()
        browser.wait_for_connection("down", 5)
        assert "did not answer" in browser.state["connection"]["message"]
        proxy.release()
        browser.wait_for_connection("silent", 10)
        proxy.hold()
        browser.wait_for_connection("down", 5)
        assert site.close() < 2
    finally:
        proxy.close()


def test_nothing_is_asked_while_nobody_looks(
    db: Database, make_site: MakeSite, look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(poller, "LEFT", 0.2)
    site = make_site(db.dsn_of(db.role("reader", member_of=("asymm_reader",))))
    for _ in range(2):
        browser = look(site).wait_for_tiles()
        assert site.dashboard.board.fresh.is_set()
        browser.close()
        wait_until(lambda: not site.dashboard.board.fresh.is_set(), 5, "nothing is asked")


def test_a_browser_that_leaves_is_noticed(db: Database, make_site: MakeSite) -> None:
    site = make_site(db.dsn)
    browsers = [Browser(site).wait_for_tiles() for _ in range(3)]
    browsers[0].close()
    wait_until(lambda: site.watchers() == 2, 5, "one left")
    taken = site.close()
    assert taken < 2
    for browser in browsers[1:]:
        browser.wait(lambda it: it.ended)
        browser.close()
