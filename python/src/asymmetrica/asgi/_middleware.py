"""The middleware: looks for a page, or lets the application make it and keeps it."""

from __future__ import annotations

import logging
import math
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ..errors import ConnectionFailed, InvalidArgument
from ..reads.touched import Touched, touched
from ._answer import Answer, Message, Send, give, status_header
from ._http import Headers, Request, directives, lifetime, seconds, values, vary_of
from ._makers import Maker, Makers
from ._pages import Look, Page, Pages

__all__ = ["CacheMiddleware"]

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NAME = "asymmetrica"
log = logging.getLogger("asymmetrica.asgi")


class CacheMiddleware:
    """Keeps an ASGI application's answers to GET until the tables they were made of change.

    `redis` is the URL of the Redis the mirror's worker keeps, under its `prefix`; the application reads by
    `connect_async(…, redis=…)` or `connect(…, redis=…)` of the same. If Redis fails, the application answers.

    No page is older than `max_staleness` (seconds), nor than what this process wrote by `db.execute()` or
    `db.transaction()` before. Pages are kept for `ttl` seconds at most and up to `largest` bytes, of one
    process `room` bytes at a time. `version`
    should name the release of your code: pages made by another one are not given out. `only(scope)` says
    which requests may be kept at all. Of requests that miss the same page at once one is answered by the
    application and the others wait for it, up to `wait` seconds (0: none does), then they are answered by it
    too. `counters` is added to: hits, misses, passed, stored, refused (why is in the log at level DEBUG),
    waits, redis_failed.
    """

    def __init__(
        self,
        app: App,
        *,
        redis: str,
        prefix: str = "asymm",
        max_staleness: float = 1.0,
        ttl: float = 3600.0,
        largest: int = 1 << 20,
        room: int = 256 << 20,
        version: str = "",
        only: Callable[[Scope], bool] | None = None,
        wait: float = 2.0,
        timeout: float = 0.25,
        counters: Counter[str] | None = None,
    ) -> None:
        for name, value in (("max_staleness", max_staleness), ("ttl", ttl), ("timeout", timeout)):
            if not 0 < value < math.inf:
                raise InvalidArgument(f"{name} {value} is not a number of seconds", hint="1.0 is one second.")
        if not 0 <= wait < math.inf:
            raise InvalidArgument(f"wait {wait} is not a number of seconds", hint="2.0 is usual, 0: none.")
        self.app, self.only = app, only
        self.max_staleness, self.ttl, self.version = max_staleness, ttl, version
        self.largest, self.room = largest, room
        self.counters: Counter[str] = Counter() if counters is None else counters
        self._pages = Pages(redis, prefix, timeout)
        self._makers = Makers(self._pages, wait, self.counters)
        # What is kept until when; and what this process wrote: up to a position, or until a moment
        # when Redis surely has it.
        self._kept: deque[tuple[float, int]] = deque()
        self._held = 0
        self._floor = 0
        self._blind_until = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        elif scope["method"] in ("GET", "HEAD"):
            await self._get(scope, receive, send)
        else:
            await self._other(scope, receive, send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self.app(scope, receive, send)
        finally:
            await self._pages.close()

    async def _run(
        self, scope: Scope, receive: Receive, send: Send, after: int = 0, source: bytes = b""
    ) -> Touched:
        """Let the application answer; return what it read."""
        with touched(after, source) as seen:
            try:
                await self.app(scope, receive, send)
            finally:
                if seen.wrote < 0:
                    self._blind_until = time.monotonic() + self.max_staleness
                self._floor = max(self._floor, seen.wrote)
        return seen

    async def _other(self, scope: Scope, receive: Receive, send: Send) -> None:
        """After a method that may change things the pages of its URL are not given out (RFC 9111, 4.4)."""
        status = 0

        async def pass_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                if 200 <= status < 400 and scope["method"] not in ("OPTIONS", "TRACE"):
                    await self._forget(scope)
            await send(message)

        await self._run(scope, receive, pass_on)

    async def _forget(self, scope: Scope) -> None:
        try:
            await self._pages.forget(Request.of(scope, self.version).url)
        except ConnectionFailed:
            # No page can be given out either, as long as Redis is not reached.
            self.counters["redis_failed"] += 1

    async def _get(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request.of(scope, self.version)
        head = scope["method"] == "HEAD"
        look, why = None, request.why_passed
        if why is None and self.only is not None and not self.only(scope):
            why = "bypass"
        if why is None:
            try:
                look = await self._pages.look(request)
            except ConnectionFailed:
                self.counters["redis_failed"] += 1
        if look is not None:
            why = self._unusable(request, look)
            if why is None and look.page is not None:
                self.counters["hits"] += 1
                await self._give(send, request, look.page, look.clock, head=head)
                return
            if "only-if-cached" in request.said:
                await give(send, request, 504, [(b"content-length", b"0")], b"", head=head)
                return
        if look is None or head:
            self.counters["passed"] += 1
            await self._run(scope, receive, send)
            return
        maker, look = await self._line(request, look, why)
        try:
            why = self._unusable(request, look)
            if why is None and look.page is not None:
                self.counters["hits"] += 1
                await self._give(send, request, look.page, look.clock, head=head)
                return
            self.counters["misses"] += 1
            refused = maker.refused if maker is not None else None
            answer = Answer(send, request, self.largest, f"fwd={why}", _NAME, refused)
            settled = max(look.proof.settled, 0)
            seen = await self._run(scope, receive, answer.send, settled, look.proof.source)
            kept = await self._keep(request, look, answer, seen)
            if maker is not None:
                await (maker.done() if kept else maker.refused())
        finally:
            if maker is not None:
                await maker.leave()

    async def _line(self, request: Request, look: Look, why: str | None) -> tuple[Maker | None, Look]:
        """Wait for who makes this page already, or become that; return what was found in the end."""
        proof, makers, now = look.proof, self._makers, time.monotonic()
        if (
            not makers.wait
            or why in ("bypass", "request")
            or request.said.keys() & {"no-cache", "max-age", "min-fresh"}
            or proof.position < self._floor
            or proof.age(now) > self.max_staleness
            or now < self._blind_until
        ):
            return None, look
        # Answers to these may be nobody else's.
        own = [name for name in ("authorization", "cookie") if request.get(name)]
        until = now + makers.wait
        maker = other = None
        try:
            while not makers.is_hopeless(name := "+".join((request.page(look.vary), *own))):
                first = other is None
                vary, other = look.vary, makers.at_work(name)
                if other is None:
                    maker = await makers.begin(name, until)
                    # Who waited for somebody may find that he was done when we had looked already.
                    if maker is not None and not maker.waited and first:
                        return maker, look
                else:
                    self.counters["waits"] += 1
                    await other.over(until)
                look = await self._pages.look(request)
                if (
                    maker is not None
                    or self._unusable(request, look) is None
                    or time.monotonic() >= until
                    or (other is not None and other.kept is not None and look.vary == vary)
                ):
                    return maker, look
        except BaseException as error:
            if maker is not None:
                await maker.leave()
            if not isinstance(error, ConnectionFailed):
                raise
            self.counters["redis_failed"] += 1
        return None, look

    def _unusable(self, request: Request, look: Look) -> str | None:
        """Say, in the words of RFC 9211, why what was found doesn't answer a request."""
        page, proof = look.page, look.proof
        if page is None:
            return look.why_not
        now = time.monotonic()
        if proof.age(now) > self.max_staleness or proof.position < self._floor or now < self._blind_until:
            return "stale"
        said = directives(page.headers)
        age = max(look.clock - page.made, 0) / 1000
        left = (self.ttl if page.lasts is None else page.lasts) - age
        if left <= 0 or left < seconds(request.said.get("min-fresh", "0")):
            return "stale"
        if "no-cache" in request.said or (
            "max-age" in request.said and age >= seconds(request.said["max-age"])
        ):
            return "request"
        return "bypass" if request.personal(said, look.vary) else None

    async def _give(self, send: Send, request: Request, page: Page, clock: int, *, head: bool) -> None:
        headers: Headers = [
            *page.headers,
            (b"age", str(max(clock - page.made, 0) // 1000).encode()),
            status_header(_NAME, "hit"),
        ]
        if page.status != 204 and not values(headers, b"content-length"):
            headers.append((b"content-length", str(len(page.body)).encode()))
        await give(send, request, page.status, headers, page.body, head=head)

    async def _keep(self, request: Request, look: Look, answer: Answer, seen: Touched) -> bool:
        """Keep the answer that was given, if nothing stands against it; return whether it is kept."""
        why_not = answer.why_not or seen.why_not
        if why_not is None and not answer.complete:
            why_not = "it has no end"
        if why_not is None and not seen.tables:
            why_not = "no mirrored table was read for it"
        if why_not is None and look.proof.position < 0:
            why_not = "there is no mirror in this Redis"
        if why_not is None and not self._room(len(answer.body)):
            why_not = f"more than {self.room} bytes were kept within {self.ttl:.0f} s"
        if why_not is not None:
            self._refused(why_not)
            return False
        answer.tag()
        lasts = lifetime(answer.headers, answer.said)
        page = Page(look.proof.settled, (), 0, lasts, answer.status, answer.headers, answer.body)
        try:
            source = look.proof.source
            why_not = await self._pages.store(
                request, vary_of(answer.headers), page, tuple(sorted(seen.tables)), source, self.ttl
            )
        except ConnectionFailed:
            self.counters["redis_failed"] += 1
            return False
        if why_not is not None:
            self._refused(why_not)
            return False
        self.counters["stored"] += 1
        return True

    def _refused(self, why_not: str) -> None:
        self.counters["refused"] += 1
        log.debug("not kept: %s", why_not)

    def _room(self, size: int) -> bool:
        """Whether there is room: who asks for ever new URLs must not fill Redis, which the mirror needs."""
        now = time.monotonic()
        while self._kept and self._kept[0][0] <= now:
            self._held -= self._kept.popleft()[1]
        size += 2000
        if self._held + size > self.room:
            return False
        self._held += size
        self._kept.append((now + self.ttl, size))
        return True
