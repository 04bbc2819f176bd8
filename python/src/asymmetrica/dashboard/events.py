"""Hands the board to one browser as server-sent events, as fast as that browser reads."""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import Receive, Scope, Send

from .board import Board

HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
# How long a browser that begins to look may wait for values newer than those nobody looked at.
PATIENCE = 0.5


class Events:
    """One answer to GET /api/events: an application of its own.

    The bytes of a change are the same for all; a browser that has not taken the last ones yet is told of
    none meanwhile, and then of all at once (see Board).
    """

    def __init__(self, board: Board, *, last: str | None, actions: bool) -> None:
        self._board = board
        self._actions = actions
        self._last = last
        self._gone = False

    async def __call__(self, _: Scope, receive: Receive, send: Send) -> None:
        """Answer until the browser or the server leaves."""
        task = asyncio.current_task()
        assert task is not None
        leaving = asyncio.create_task(self._until_gone(receive, task))
        board = self._board
        board.watchers += 1
        board.watched.set()
        try:
            await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
            await self._tell(send)
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        except asyncio.CancelledError:
            if not self._gone:
                raise
        finally:
            board.watchers -= 1
            if not board.watchers:
                board.watched.clear()
            leaving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await leaving

    async def _tell(self, send: Send) -> None:
        board = self._board
        # A comment: proxies and browsers see at once that the line is open.
        await send({"type": "http.response.body", "body": b"retry: 1000\n:\n\n", "more_body": True})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(board.fresh.wait(), PATIENCE)
        seq = board.seen(self._last)
        while not board.closed:
            event = board.event(seq, self._actions)
            seq = board.seq
            await send({"type": "http.response.body", "body": event or b":\n\n", "more_body": True})
            await board.changed(seq)

    async def _until_gone(self, receive: Receive, task: asyncio.Task[None]) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        task.cancel()
