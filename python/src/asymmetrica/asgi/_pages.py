"""Pages in Redis: `{prefix}:pages:<url>` holds what a URL's pages vary by, `{prefix}:page:<hash>` a page.

A page holds the fence it was made behind and the epochs of its tables. It is what the application would
answer as long as no version of theirs, nor that of the schema, is above the fence.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import MovedError, RedisError, ResponseError

from .._redact import redact
from ..errors import ConnectionFailed
from ..mirror.nodes import Nodes
from ..mirror.store import secrets_of_url
from ..reads.keys import Claims, Keys, Proof, number, unchanged
from ..reads.routes import Breaker
from ._http import Headers, Request, lasting

__all__ = ["Look", "Page", "Pages"]

_VERSION = 1
_MOST = 4096


@dataclass(frozen=True, slots=True)
class Page:
    """An answer that is kept. `made`: by Redis' clock, in ms; `lasts`: seconds it says it holds."""

    fence: int
    deps: tuple[tuple[str, int], ...]
    made: int
    lasts: float | None
    status: int
    headers: Headers
    body: bytes

    def pack(self, name: str) -> bytes:
        """Return what is stored under a name."""
        headers = [(key.decode("latin-1"), value.decode("latin-1")) for key, value in lasting(self.headers)]
        head = [_VERSION, name, self.fence, self.deps, self.made, self.lasts, self.status, headers]
        return json.dumps(head).encode() + b"\n" + self.body

    @classmethod
    def unpack(cls, blob: Any, name: str) -> Page | None:
        """Return the page in a blob, None if it isn't that page."""
        try:
            head, _, body = blob.partition(b"\n")
            version, own, fence, deps, made, lasts, status, headers = json.loads(head)
            if version != _VERSION or own != name:
                return None
            names = tuple((str(table), int(epoch)) for table, epoch in deps)
            pairs = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers]
            return cls(int(fence), names, int(made), lasts, int(status), pairs, body)
        except (AttributeError, TypeError, ValueError):
            return None

    def holds(self, versions: Sequence[Any]) -> bool:
        """Whether nothing it was made of has changed since."""
        return unchanged(self.fence, self.deps, versions)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look into Redis found: a page that holds, or why there is none; `clock` in ms."""

    page: Page | None
    proof: Proof
    clock: int
    vary: tuple[str, ...]
    why_not: str = ""


class Pages:
    """The pages of one application. Methods raise `ConnectionFailed`: at once while Redis rests."""

    def __init__(self, url: str, prefix: str, timeout: float) -> None:
        self.keys = Keys(prefix)
        self.breaker = Breaker()
        self._nodes, self._timeout = Nodes(url, self.keys), timeout
        self._secrets = secrets_of_url(url)
        self._client: Any = None
        self._opening = asyncio.Lock()
        # Clients that failed; others may still wait for their replies.
        self._former: list[Any] = []
        # What was seen last, so that one question is enough: headers by URL, tables by page.
        self._vary: dict[str, tuple[str, ...]] = {}
        self._tables: dict[str, tuple[str, ...]] = {}
        self._claims = Claims()

    def _index(self, url: str) -> bytes:
        return f"{self.keys.prefix}:pages:{url}".encode()

    def _page(self, name: str) -> bytes:
        return f"{self.keys.prefix}:page:{name}".encode()

    async def _ask(self, commands: Sequence[tuple[Any, ...]]) -> list[Any]:
        self.breaker.require("Redis")
        client = await self._open()
        try:
            pipe = client.pipeline(transaction=False)
            for command in commands:
                pipe.execute_command(*command)
            replies: list[Any] = await pipe.execute()
        except Exception as error:
            # Any kind: asyncio up to Python 3.13.5 has AttributeError for writing to a lost connection.
            refused = isinstance(error, ResponseError) and not isinstance(error, MovedError)
            if client is self._client and not refused:
                self._former.append(client)
                self._client = None
            raise self._failed(error) from None
        self.breaker.worked()
        return replies

    def _failed(self, error: Exception) -> ConnectionFailed:
        self.breaker.failed()
        return ConnectionFailed(redact(f"Redis: {error}", self._secrets))

    async def _open(self) -> Any:
        """Return the client of the node that has our keys."""
        failures = self.breaker.failures
        async with self._opening:
            if self._client is not None:
                return self._client
            if self.breaker.failures > failures:
                raise ConnectionFailed("Redis: it failed while we waited for it")
            options: dict[str, Any] = {"client_name": "asymmetrica-pages"}
            options |= dict.fromkeys(("socket_timeout", "socket_connect_timeout"), self._timeout)
            try:
                connection = await asyncio.to_thread(self._nodes.connect, retry=None, **options)
                connection.disconnect()
                # Not everywhere may one tell it.
                options["client_name"] = connection.client_name
                assert self._nodes.found is not None
                await self._leave()
                self._client = redis.asyncio.Redis.from_url(
                    self._nodes.found, retry=Retry(NoBackoff(), 0), max_connections=256, **options
                )
            except Exception as error:
                raise self._failed(error) from None
            return self._client

    async def _leave(self) -> None:
        while self._former:
            with contextlib.suppress(RedisError, OSError):
                await self._former.pop().aclose()

    async def _proven(self, commands: Sequence[tuple[Any, ...]]) -> tuple[Proof, int, list[Any]]:
        """Run commands; return a proof and a clock, both older than any reply, and the replies."""
        sent = time.monotonic()
        values, clock, *replies = await self._ask([*self.keys.probe(), *commands])
        moment = int(clock[0]) * 1000 + int(clock[1]) // 1000
        return self._claims.aged(self.keys.proof(values, clock, sent)), moment, replies

    async def look(self, request: Request) -> Look:
        """Return the page that answers a request, if it is there and holds."""
        vary = self._vary.get(request.url, ())
        for _ in range(4):
            name = request.page(vary)
            tables = self._tables.get(name, ())
            get = [
                ("GET", self._index(request.url)),
                ("GET", self._page(name)),
                ("MGET", *self.keys.deps(tables)),
            ]
            proof, clock, (index, blob, versions) = await self._proven(get)
            if not isinstance(index, bytes):
                return Look(None, proof, clock, (), "uri-miss")
            seen = tuple(filter(None, index.decode("latin-1").split(",")))
            if seen != vary:
                vary = self._keep(self._vary, request.url, seen)
                continue
            page = Page.unpack(blob, name) if blob is not None else None
            if page is None:
                return Look(None, proof, clock, vary, "vary-miss" if vary else "uri-miss")
            wanted = tuple([table for table, _ in page.deps])
            if wanted != tables:
                self._keep(self._tables, name, wanted)
                continue
            return Look(page if page.holds(versions) else None, proof, clock, vary, "stale")
        return Look(None, proof, clock, vary, "miss")

    def _keep(self, memory: dict[str, tuple[str, ...]], key: str, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(memory) >= _MOST:
            memory.clear()
        memory[key] = value
        return value

    async def store(
        self,
        request: Request,
        vary: tuple[str, ...],
        page: Page,
        tables: tuple[str, ...],
        source: bytes,
        ttl: float,
    ) -> str | None:
        """Keep a page behind its fence; return why not if something stands against it."""
        proof, clock, (versions,) = await self._proven([("MGET", *self.keys.deps(tables))])
        epochs = [number(value) for value in versions[1 + len(tables) :]]
        if proof.source != source:
            return "the mirror is another one now"
        if None in epochs:
            return "a table is not mirrored, or not safe now"
        deps = tuple((table, epoch or 0) for table, epoch in zip(tables, epochs, strict=True))
        page = Page(page.fence, deps, clock, page.lasts, page.status, page.headers, page.body)
        if not page.holds(versions):
            return "a table or the schema was changed a moment ago"
        name = request.page(vary)
        lasts = math.ceil(min(ttl, ttl if page.lasts is None else page.lasts) * 1000)
        index = ",".join(vary).encode("latin-1")
        await self._ask([
            ("SET", self._page(name), page.pack(name), "PX", lasts),
            ("SET", self._index(request.url), index, "PX", math.ceil(ttl * 1000)),
        ])  # fmt: skip
        return None

    async def lease(self, name: str, seconds: float) -> bool:
        """Become the one who makes a page for so long, unless somebody else is."""
        lease = self.keys.lease(f"page:{name}")
        replies = await self._ask([("SET", lease, b"", "NX", "PX", math.ceil(seconds * 1000))])
        return bool(replies[0])

    async def end_lease(self, name: str) -> None:
        """Let others make the page."""
        await self._ask([("DEL", self.keys.lease(f"page:{name}"))])

    async def forget(self, url: str) -> None:
        """Give out no page of a URL any more."""
        await self._ask([("DEL", self._index(url))])

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            self._former.append(self._client)
        self._client = None
        await self._leave()
