"""Pages kept by the ASGI middleware: a Starlette application under uvicorn, asked over HTTP."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.parse
from collections.abc import Iterator
from typing import Any

import pytest

from asymmetrica.asgi import CacheMiddleware
from support.cluster import wait_until
from support.mirror import Mirror
from support.proxy import Proxy
from support.site import Site


@pytest.fixture(scope="module")
def served(mirrored: Mirror) -> Iterator[Site]:
    # What is slow here is not to decide what is kept.
    made = Site(mirrored.db.dsn, mirrored.server.url, max_staleness=60, timeout=20)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def site(served: Site, mirror: Mirror) -> Site:
    """The site, over a table as it was; no page of the test before holds."""
    assert mirror.db.value("SELECT count(*) FROM public.t") == 100
    return served


def test_a_page_is_kept_until_its_table_changes(mirror: Mirror, site: Site) -> None:
    assert site.ask("/sum").text == "5050"
    site.until_hit("/sum")
    calls = site.calls["sum"]
    again = site.ask("/sum")
    assert (again.text, again.hit, site.calls["sum"]) == ("5050", True, calls)
    assert again.headers["content-length"] == "4"
    assert int(again.headers["age"]) >= 0
    assert site.ask("/sum?other").hit is False
    assert site.until_hit("/row/7").text == "a7"
    assert (site.until_hit("/row/1000").status, site.until_hit("/raw").text) == (404, "raw")
    mirror.db.sql("UPDATE public.t SET n = n + 1 WHERE id = 7")
    mirror.settle()
    found = site.ask("/sum")
    assert (found.hit, found.text) == (False, "5051")
    site.until_hit("/sum")
    mirror.db.sql("CREATE VIEW public.seen AS SELECT 1 AS a")
    mirror.db.sql("DROP VIEW public.seen")
    mirror.settle()
    assert not site.ask("/sum").hit


def test_what_this_process_wrote_is_seen_at_once(site: Site) -> None:
    for number in range(1, 9):
        site.until_hit("/sum")
        assert site.ask("/write", "POST").text == "written"
        assert site.ask("/sum").text == str(5050 + number)


def test_conditions_and_head(site: Site) -> None:
    page = site.until_hit("/sum")
    tag = page.headers["etag"]
    for tags in (tag, f'"x", W/{tag}', "*"):
        found = site.ask("/sum", if_none_match=tags)
        assert (found.status, found.text, found.headers["etag"]) == (304, "", tag)
        assert found.headers["content-type"] is None
    assert site.ask("/sum", if_none_match='"x"').text == "5050"
    head = site.ask("/sum", "HEAD")
    assert (head.status, head.hit, head.text, head.headers["content-length"]) == (200, True, "", "4")
    # An answer that is just being made is compared as well.
    assert site.ask("/sum?fresh", if_none_match=tag).status == 304
    date = "Mon, 01 Jan 2024 00:00:00 GMT"
    path = f"/said?last-modified={urllib.parse.quote(date)}"
    site.until_hit(path)
    assert site.ask(path, if_modified_since=date).status == 304
    assert site.ask(path, if_modified_since="Mon, 01 Jan 2023 00:00:00 GMT").status == 200
    part = site.ask("/sum", range="bytes=0-1")
    assert (part.status, part.hit) == (200, False)


NOT_KEPT = (
    "/none",
    "/said?now",
    "/said?set-cookie=a%3Db",
    "/said?cache-control=no-store",
    "/said?cache-control=Private",
    "/said?cache-control=no-cache%3D%22set-cookie%22",
    "/said?cache-control=max-age%3D0",
    "/said?cache-control=s-maxage%3D0,max-age%3D60",
    "/said?cache-control=max-age%3Dsoon",
    "/said?expires=0",
    "/said?vary=*",
    "/said?vary=accept,%20*",
    "/said?status=500",
    "/said?status=206",
    "/said?status=302",
    "/said?size=1100000",
    "/stream?type=text/event-stream",
    "/write",
    "/fails",
)


def test_what_is_not_kept(site: Site) -> None:
    for _ in range(2):
        assert not [path for path in NOT_KEPT if site.ask(path).hit]
        site.until_hit("/sum")


def test_what_requests_say(site: Site) -> None:
    site.until_hit("/sum")
    for said in ("no-cache", "no-store", "max-age=0", "min-fresh=99999999"):
        assert not site.ask("/sum", cache_control=said).hit, said
    assert not site.ask("/sum", pragma="no-cache").hit
    assert site.ask("/sum", cache_control="max-age=1000").hit
    assert site.ask("/sum", cache_control="only-if-cached").hit
    assert site.ask("/none", cache_control="only-if-cached").status == 504


def test_who_asks(site: Site) -> None:
    site.until_hit("/sum")
    assert not site.ask("/sum", authorization="Bearer x").hit
    assert not site.ask("/sum", cookie="session=1").hit
    site.never_hit("/said?a=1", authorization="Bearer x")
    site.never_hit("/said?a=2", cookie="session=1")
    for said in ("public", "s-maxage=60", "max-age=60, must-revalidate"):
        assert site.until_hit(f"/said?cache-control={urllib.parse.quote(said)}", authorization="x")
    site.until_hit("/said?cache-control=public&b=1", cookie="session=1")
    by_cookie = "/said?vary=Cookie"
    site.until_hit(by_cookie, cookie="session=1")
    assert not site.ask(by_cookie, cookie="session=2").hit
    assert not site.ask(by_cookie).hit


def test_pages_vary(site: Site) -> None:
    path = "/said?vary=X-Lang&vary=Accept-Encoding"
    for lang in ("de", "en", "de, en"):
        assert not site.ask(path, x_lang=lang).hit
        assert site.until_hit(path, x_lang=lang).text == f"5050 {lang}"
    assert site.ask(path, x_lang="de").text == "5050 de"
    assert not site.ask(path, x_lang="de", accept_encoding="br").hit
    assert not site.ask("/sum", host="other.example").hit


def test_streams_and_failures(site: Site) -> None:
    assert site.ask("/stream").text == "5050,5050,5050,"
    assert site.until_hit("/stream").text == "5050,5050,5050,"
    large = "/stream?parts=30&times=10000"
    assert site.ask(large).text == "5050," * 300000
    assert site.ask("/fails").status == 500
    assert not site.ask(large).hit


def test_a_change_while_the_page_is_made_is_not_missed(mirror: Mirror, site: Site) -> None:
    """Whatever the order of writes and pages: what is asked after a commit was mirrored shows it."""
    for number in range(1, 30):
        asked = [threading.Thread(target=site.ask, args=("/sum",)) for _ in range(3)]
        for thread in asked:
            thread.start()
        mirror.db.sql("UPDATE public.t SET n = n + 1 WHERE id = 1")
        for thread in asked:
            thread.join()
        mirror.settle()
        assert site.ask("/sum").text == str(5050 + number)


def test_without_redis_the_application_answers(mirror: Mirror) -> None:
    proxy = Proxy("127.0.0.1", mirror.server.port)
    url = mirror.server.tcp_url.replace(f":{mirror.server.port}/", f":{proxy.port}/")
    site = Site(mirror.db.dsn, url)
    try:
        site.until_hit("/sum")
        proxy.close()
        for _ in range(5):
            found = site.ask("/sum")
            assert (found.status, found.text, found.hit) == (200, "5050", False)
        assert site.counters["redis_failed"] >= 1
    finally:
        site.close()


def test_pages_of_a_mirror_that_stands_still_are_not_given_out(mirror: Mirror) -> None:
    site = Site(mirror.db.dsn, mirror.server.url)
    worker = mirror.workers[-1].process.pid
    try:
        site.until_hit("/sum")
        os.kill(worker, signal.SIGSTOP)
        # What the worker may still say of the moment it was stopped at must be too old by then.
        time.sleep(1.1)
        wait_until(lambda: not site.ask("/sum").hit, 20, "an answer of the application")
        mirror.db.sql("UPDATE public.t SET n = n + 1 WHERE id = 1")
        assert site.ask("/sum").text == "5051"
        os.kill(worker, signal.SIGCONT)
        assert site.until_hit("/sum").text == "5051"
    finally:
        os.kill(worker, signal.SIGCONT)
        site.close()


async def test_all_but_http_is_passed_on() -> None:
    passed = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        passed.append((scope["type"], receive, send))

    cache = CacheMiddleware(app, redis="redis://127.0.0.1:1/0")
    ways: tuple[Any, Any] = (object(), object())
    for kind in ("websocket", "lifespan"):
        await cache({"type": kind}, *ways)
    assert passed == [("websocket", *ways), ("lifespan", *ways)]


def test_versions_of_the_code_have_their_own_pages(mirror: Mirror, site: Site) -> None:
    site.until_hit("/sum")
    other = Site(mirror.db.dsn, mirror.server.url, version="2")
    try:
        assert not other.ask("/sum").hit
    finally:
        other.close()
