"""Pages kept in Redis for exactly as long as the tables behind them are the same.

`CacheMiddleware` wraps any ASGI application and keeps its answers to GET. What the application reads by
`db.query()` and `db.get()` while it answers is noted; a kept page is given out while no commit to any of
those tables, and no DDL, is newer than what it was made of, and while Redis is not further behind than
`max_staleness`. It is a shared cache of RFC 9111 and keeps to what requests and responses say of caching.

What it cannot know is the application's: a page that depends on anything but its URL, the headers it names
in Vary and what it read by the driver (a clock, a file, another service, a session) must say
`Cache-Control: no-store`, or how long it holds (`max-age`). Tables read by other means are told by `touch()`.
"""

from __future__ import annotations

from ..reads.touched import touch
from ._middleware import CacheMiddleware

__all__ = ["CacheMiddleware", "touch"]
