"""Where Redis is: a server, or the node of a cluster that has the keys of a mirror.

A transaction of Redis has the keys of one slot only, and what makes reads right is that rows, positions and
versions change in one transaction. So in a cluster all keys of a mirror lie in one slot, by a hash tag in
their prefix, and the proofs are those of one server. A node that lost the slot answers MOVED, one that gives
it away ASK or TRYAGAIN for what it gave, never that a key is not there: each is a failure of the connection,
which is then opened anew where the slot is by now.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit, urlunsplit

import redis
from redis.exceptions import ClusterCrossSlotError, MovedError, NoPermissionError, RedisError, ResponseError

from ..errors import ConnectionFailed
from .names import Names

__all__ = ["Nodes", "at", "spread"]

# So many nodes in a row may send us on.
_HOPS = 4


def spread(url: str) -> list[str]:
    """Return a URL for each of the hosts, separated by commas, that one names."""
    parts = urlsplit(url)
    user, at_sign, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{user}{at_sign}{host}")) for host in hosts.split(",")]


def at(url: str, host: str, port: int) -> str:
    """Return a URL that differs in host and port; a node keeps the host if it doesn't know its own name."""
    parts = urlsplit(url)
    user, at_sign, former = parts.netloc.rpartition("@")
    host = f"[{host}]" if ":" in host else host or former.rpartition(":")[0] or "127.0.0.1"
    netloc = f"{user}{at_sign}{host}:{port}"
    if parts.scheme == "unix":
        parts = parts._replace(scheme="redis", path="")
    return urlunsplit(parts._replace(netloc=netloc))


def _unnamed(error: BaseException) -> bool:
    """Whether this says that we may not tell our name, which is only for who looks at the server."""
    return isinstance(error, ResponseError) and "client" in str(error).lower()


class Nodes:
    """Opens connections to the node that has our keys, and remembers which one it was."""

    def __init__(self, url: str, names: Names) -> None:
        self.url, self.names = url, names
        self.found: str | None = None

    def connect(self, **options: Any) -> Any:
        """Return a connection that is logged in. Raises what redis-py raises, and ConnectionFailed."""
        urls = spread(self.url)
        if self.found is not None:
            urls = [self.found, *(url for url in urls if url != self.found)]
        self.found = None
        for url in urls[:-1]:
            try:
                return self._follow(url, options)
            except (RedisError, OSError):
                continue
        return self._follow(urls[-1], options)

    def _follow(self, url: str, options: dict[str, Any]) -> Any:
        for _ in range(_HOPS):
            pool: Any = redis.ConnectionPool.from_url(url, **options)
            connection = pool.make_connection()
            try:
                connection.connect()
                moved = self._moved(connection)
            except BaseException as error:
                connection.disconnect()
                if "client_name" not in options or not _unnamed(error):
                    raise
                options = {key: value for key, value in options.items() if key != "client_name"}
                continue
            if moved is None:
                self.found = url
                return connection
            connection.disconnect()
            url = at(url, moved.host, moved.port)
        raise ConnectionFailed("the nodes of this cluster of Redis do not agree where our keys are")

    def _moved(self, connection: Any) -> MovedError | None:
        """Ask for two of our keys: that tells a cluster from a server, and where they are."""
        connection.send_command("MGET", self.names.lsn, self.names.leader)
        try:
            connection.read_response(disable_decoding=True)
        except MovedError as error:
            return error
        except ClusterCrossSlotError:
            raise ConnectionFailed(
                "this Redis is a cluster, where all keys of a mirror must lie in one slot",
                detail=f'The prefix "{self.names.prefix}" has no hash tag.',
                hint="Choose a prefix with one, the same for worker and readers: {asymm}",
            ) from None
        except NoPermissionError:
            # The first command that needs these keys tells so.
            pass
        return None
