"""What tests of reads wait for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from asymmetrica import Database
from support.cluster import wait_until

SUM = "SELECT count(*), sum(n) FROM public.t"


def until_route(read: Callable[[], Any], *routes: str) -> Any:
    """Read again until one of these routes answers; return what it said."""
    found: list[Any] = []

    def done() -> bool:
        found.append(read())
        return found[-1] is not None and found[-1].route in routes

    wait_until(done, 20, f"an answer from {' or '.join(routes)}")
    return found[-1]


def warm(reader: Database, sql: str = SUM, params: Any = None) -> Any:
    """Read until the result is in the near cache."""
    return until_route(lambda: reader.query(sql, params), "near")
