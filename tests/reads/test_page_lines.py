"""Many requests for one page that is not kept: one is answered by the application, the others by its page."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest

from asymmetrica.asgi import CacheMiddleware, touch
from support.cluster import wait_until
from support.mirror import Mirror
from support.site import Answer, Site


@contextlib.contextmanager
def site_of(mirror: Mirror, **options: Any) -> Iterator[Site]:
    site = Site(
        mirror.db.dsn, mirror.server.url, **{"max_staleness": 60, "timeout": 20, "wait": 30, **options}
    )
    try:
        site.until_hit("/sum")
        yield site
    finally:
        site.gate.set()
        site.close()


def ask(site: Site, pool: ThreadPoolExecutor, paths: list[str]) -> list[Future[Answer]]:
    return [pool.submit(site.ask, path) for path in paths]


def test_fifty_at_once(mirror: Mirror) -> None:
    with ThreadPoolExecutor(50) as pool, site_of(mirror) as site, site_of(mirror) as other:
        answers = ask(site, pool, ["/held"] * 50)
        wait_until(lambda: site.calls["held"] == 1 and site.counters["waits"] == 49, 30, "they wait")
        site.gate.set()
        assert {answer.result().text for answer in answers} == {"5050"}
        assert sum(answer.result().hit for answer in answers) == 49
        assert site.calls["held"] == 1
        # Other processes wait as well.
        mirror.db.sql("UPDATE public.t SET n = n + 1 WHERE id = 7")
        mirror.settle()
        site.until_hit("/sum")
        site.gate.clear()
        # Should the page not be kept, since the worker is behind just then, they make it themselves.
        other.gate.set()
        answers = ask(site, pool, ["/held"] * 3)
        wait_until(lambda: site.calls["held"] == 2, 30, "one makes it")
        host = {"host": f"127.0.0.1:{site.port}"}
        answers += [pool.submit(other.ask, "/held", **host) for _ in range(3)]
        wait_until(lambda: other.counters["waits"] == 3, 30, "they wait too")
        site.gate.set()
        assert {answer.result().text for answer in answers} == {"5051"}


def test_who_waits_for_nothing(mirror: Mirror) -> None:
    """An answer that fails, or may not be kept, or takes too long."""
    with ThreadPoolExecutor(8) as pool, site_of(mirror) as site:
        for path, statuses in (("/held?fails", {200, 500}), ("/held?said=no-store", {200})):
            site.gate.clear()
            site.calls.clear()
            before = site.counters["waits"]
            answers = ask(site, pool, [path] * 4)
            wait_until(lambda: site.counters["waits"] == before + 3, 30, "they wait")  # noqa: B023
            site.gate.set()
            assert {answer.result().status for answer in answers} == statuses
            assert {answer.result().text for answer in answers if answer.result().status == 200} == {"5050"}
        assert site.calls["held"] == 4
    with ThreadPoolExecutor(8) as pool, site_of(mirror, wait=0.05) as site:
        answers = ask(site, pool, ["/held"] * 4)
        wait_until(lambda: site.calls["held"] == 4, 30, "they wait no longer")
        site.gate.set()
        assert {answer.result().text for answer in answers} == {"5050"}


@pytest.mark.parametrize("where", ["this process", "another"])
async def test_who_makes_it_dies(mirror: Mirror, where: str) -> None:
    for key in mirror.redis.scan_iter("asymm:fill:page:*"):
        mirror.redis.delete(key)
    # Pages can be kept: all that was written is known to be visible.
    with site_of(mirror):
        pass
    calls, begun, go = 0, asyncio.Event(), asyncio.Event()

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal calls
        calls += 1
        touch("public.t")
        begun.set()
        await go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"made"})

    counters: Counter[str] = Counter()
    cache = CacheMiddleware(app, redis=mirror.server.url, max_staleness=60, wait=30, counters=counters)
    scope = {"type": "http", "method": "GET", "path": "/dies", "headers": [], "query_string": where.encode()}

    async def get() -> bytes:
        said = []

        async def send(message: Any) -> None:
            said.append(message.get("body", b""))

        await cache(dict(scope), send, send)
        return b"".join(said)

    first = asyncio.create_task(get())
    await asyncio.wait_for(begun.wait(), 30)
    begun.clear()
    if where == "another":
        # All that is left of it is its lease.
        [key] = mirror.redis.scan_iter("asymm:fill:page:*")
        cache._makers._at_work.clear()
        mirror.redis.pexpire(key, 100)
    others = [asyncio.create_task(get()) for _ in range(5)]
    if where == "this process":
        async with asyncio.timeout(30):
            while counters["waits"] < 5:
                await asyncio.sleep(0)
        first.cancel()
    await asyncio.wait_for(begun.wait(), 30)
    go.set()
    assert await asyncio.wait_for(asyncio.gather(*others), 30) == [b"made"] * 5
    await asyncio.gather(first, return_exceptions=True)
    assert calls == 2
    await cache._pages.close()
