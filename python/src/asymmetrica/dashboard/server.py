"""The application, its socket and its process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from .._redact import secrets_of
from ..errors import AsymmetricaError
from .api import Api
from .board import Board
from .files import HERE, Files
from .guard import Guard, Refused, Rules
from .poller import Poller

CLIENTS = 500  # connections at most; more are told to come back
GRACE = 1  # seconds that answers under way have when the process is to end
# A browser that takes nothing for so long is gone; what waits for it in the kernel stays small.
STUCK, BUFFER = 60, 131072


@dataclass(frozen=True, slots=True)
class Options:
    """What a dashboard is to be: see `asymmetrica dashboard --help`."""

    token: str
    host: str = "127.0.0.1"
    port: int = 8765
    allow_actions: bool = False
    allow_superuser: bool = False
    names: frozenset[str] = frozenset()
    loopback: bool = True
    certfile: str | None = None
    keyfile: str | None = None
    files: Path = field(default=HERE)


class Dashboard:
    """The application with what it needs: `app` is ASGI, its lifespan reads the database."""

    def __init__(self, dsn: str, options: Options) -> None:
        secrets = (*secrets_of(dsn), options.token)
        self.board = Board()
        self.poller = Poller(dsn, self.board, secrets)
        self.api = api = Api(
            dsn, self.board, acts=options.allow_actions, superuser=options.allow_superuser,
            poke=self.poller.poke, secrets=secrets,
        )  # fmt: skip
        files = Files(options.files)
        rules = Rules(token=options.token, loopback=options.loopback, names=options.names)
        routes = [
            Route("/", files.index),
            Route("/static/{path:path}", files.static),
            Route("/api/events", api.events),
            Route("/api/metrics", api.metrics),
            Route("/api/series", api.series),
            Route("/api/explain", api.explain),
            Route("/api/history", api.history),
            Route("/api/actions/{action:int}", api.action),
            Route("/api/actions/{action:int}/{verb}", api.decide, methods=["POST"]),
            Route("/api/heal", api.heal, methods=["POST"]),
        ]
        self.app = Starlette(
            routes=routes,
            middleware=[Middleware(Guard, rules=rules)],
            exception_handlers=dict.fromkeys(
                (HTTPException, Refused, AsymmetricaError, Exception), api.failed
            ),
            lifespan=self._lifespan,
        )

    @contextlib.asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        reading = asyncio.create_task(self.poller.run())
        try:
            yield
        finally:
            reading.cancel()
            # A statement that hangs is not waited for.
            await asyncio.wait({reading, asyncio.create_task(self.api.close())}, timeout=GRACE / 2)


class Server(uvicorn.Server):
    """Has browsers leave before it waits for them."""

    def __init__(self, config: uvicorn.Config, board: Board, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self._board, self._ready = board, ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then say so."""
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End the answers that have no end of their own."""
        self._board.close()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """Open the socket; raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    made = socket.socket(family, kind, protocol)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections inherit these.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STUCK * 1000)
        made.bind(address)
    except OSError:
        made.close()
        raise
    return made


def configuration(dashboard: Dashboard, options: Options) -> uvicorn.Config:
    """Return how uvicorn is to serve: nothing of a request is logged, neither its address nor its headers."""
    return uvicorn.Config(
        dashboard.app,
        log_config=None, log_level=60, access_log=False, server_header=False, proxy_headers=False,
        ws="none", lifespan="on", limit_concurrency=CLIENTS, timeout_graceful_shutdown=GRACE,
        ssl_certfile=options.certfile, ssl_keyfile=options.keyfile,
    )  # fmt: skip


def serve(dsn: str, options: Options, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is called when requests are answered."""
    dashboard = Dashboard(dsn, options)
    config = configuration(dashboard, options)

    def ended(_: int, __: FrameType | None) -> None:
        """Take the signal that uvicorn sends once more at its end."""

    former = {number: signal.signal(number, ended) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        Server(config, dashboard.board, ready).run(sockets=[listening])
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
