"""Runs the console, and ends it when it is told to."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys

from ..eyes import Reader
from .app import INTERRUPTED, Top
from .feed import Feed


def run_top(dsn: str, *, tab: int = 0) -> int:
    """Show the console until somebody quits; return the exit code.

    Raises `ConnectionFailed`, `NotInstalled` or `NotAllowed` if it can't begin; what is lost later is shown
    and tried again.
    """
    # What a driver remarks of a query that was given up is not for the terminal.
    logging.getLogger("psycopg").addHandler(logging.NullHandler())
    try:
        return asyncio.run(_run(dsn, tab))
    finally:
        _let_go()


def _let_go() -> None:
    """Drop what a terminal that went away did not take: Python would end with 120 for its sake."""
    for stream in filter(None, (sys.__stdout__, sys.__stderr__)):
        try:
            stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


async def _run(dsn: str, tab: int) -> int:
    async with Reader(dsn, application="asymmetrica top") as reader:
        feed = Feed(reader)
        await feed.open()
        app = Top(dsn, feed, tab=tab)
        loop = asyncio.get_running_loop()
        for number, code in ((signal.SIGTERM, 0), (signal.SIGHUP, 0), (signal.SIGINT, INTERRUPTED)):
            loop.add_signal_handler(number, app.exit, code)
        try:
            # A terminal that went away can't be put in order.
            with contextlib.suppress(OSError):
                await app.run_async()
        finally:
            for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                loop.remove_signal_handler(number)
        return app.return_value or 0
