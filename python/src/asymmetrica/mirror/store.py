"""Redis, as the worker writes it: whole batches or nothing, and only while this worker leads.

The key `leader` holds the token of the worker that leads and is WATCHed all the time, so a MULTI fails when
another worker took over, or when somebody emptied the database.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
from redis.exceptions import RedisError

from .._redact import redact
from .._wire import Wire
from ..errors import AsymmetricaError, ConnectionFailed
from .batch import Batch, Command
from .names import Names
from .nodes import Nodes
from .plan import Registered

__all__ = ["Emptied", "Fenced", "Purge", "Store", "StoreError", "Sweep", "as_dict", "secrets_of_url"]

# Its stub says that all words are of one type.
_pack: Any = hiredis.pack_command


class StoreError(ConnectionFailed):
    """Redis can't be reached or refused; the text holds no secret."""


class Fenced(AsymmetricaError):
    """Another worker leads now."""


class Emptied(AsymmetricaError):
    """What this worker wrote is not in Redis any more."""


def secrets_of_url(url: str) -> tuple[str, ...]:
    """Return the passwords in a Redis URL."""
    try:
        parts = urlsplit(url)
        password, query = parts.password, parse_qs(parts.query)
    except ValueError:
        return ()
    found = {unquote(password)} if password else set()
    for name in ("password", "ssl_password"):
        found |= set(query.get(name, ()))
    return tuple(found)


def as_dict(reply: Any) -> dict[bytes, bytes]:
    """Return the reply to HGETALL, which is a list with the older protocol."""
    return reply if isinstance(reply, dict) else dict(zip(reply[::2], reply[1::2], strict=True))


class Store:
    """One connection; any failure leaves it unusable: open a new one."""

    def __init__(self, url: str, names: Names, timeout: float = 10.0) -> None:
        self.names = names
        self.secrets = secrets_of_url(url)
        self.token = b""
        self.waiting = 0
        try:
            self.connection = Nodes(url, names).connect(
                socket_timeout=timeout, socket_connect_timeout=timeout, client_name="asymmetrica-mirror"
            )
            # From here on without redis-py, which takes longer over a reply than Redis itself.
            self.wire = Wire(self.connection, self.connection._sock, timeout)
            self.replies: Any = hiredis.Reader()
        except (RedisError, OSError, ValueError) as error:
            raise self._error(error) from None

    def close(self) -> None:
        self.connection.disconnect()

    def _error(self, error: Exception) -> StoreError:
        return StoreError(redact(f"Redis: {error}", self.secrets))

    def _send(self, commands: Iterable[Command]) -> None:
        try:
            self.wire.send(b"".join([_pack(tuple(command)) for command in commands]))
        except OSError as error:
            raise self._error(error) from None

    def _read(self, count: int, *, strict: bool = True) -> list[Any]:
        out: list[Any] = []
        try:
            while True:
                reply = self.replies.gets()
                if reply is False:
                    self.replies.feed(self.wire.receive() or self._closed())
                elif strict and isinstance(reply, Exception):
                    raise self._error(reply)
                elif type(reply) is not hiredis.PushNotification:
                    out.append(reply)
                    if len(out) == count:
                        return out
        except (hiredis.HiredisError, OSError) as error:
            raise self._error(error) from None

    def _closed(self) -> bytes:
        raise ConnectionError("the connection was closed")

    def ask(self, *commands: Command) -> list[Any]:
        """Run commands one after the other and return their replies."""
        self.settle()
        self._send(commands)
        return self._read(len(commands))

    def lead(self, token: str) -> None:
        """Write the token and watch it from now on."""
        self.token = token.encode()
        self.ask((b"SET", self.names.leader, self.token))
        self._watching(self.ask((b"WATCH", self.names.leader), (b"GET", self.names.leader))[-1])

    def _watching(self, found: bytes | None) -> None:
        if found is None:
            raise Emptied("the key of the leading worker is gone")
        if found != self.token:
            raise Fenced("another worker leads the mirror")

    def send(self, commands: Sequence[Command]) -> None:
        """Send a transaction without waiting for its end; settle() does."""
        self.settle()
        if not commands:
            return
        head, tail = ((b"MULTI",),), ((b"EXEC",), (b"WATCH", self.names.leader), (b"GET", self.names.leader))
        self._send([*head, *commands, *tail])
        self.waiting = len(commands)

    def settle(self) -> None:
        """Wait for the end of what was sent; raise if it did not happen."""
        if not self.waiting:
            return
        count, self.waiting = self.waiting, 0
        replies = self._read(count + 4)
        done = replies[count + 1]
        self._watching(replies[-1])
        if done is None:
            raise Emptied("the key of the leading worker was changed")
        for reply in done:
            if isinstance(reply, Exception):
                raise self._error(reply)

    def write(self, commands: Sequence[Command]) -> None:
        """Run a transaction."""
        self.send(commands)
        self.settle()

    def fill(self, batch: Batch) -> None:
        """Read what the stream left out of a batch's rows."""
        asked = batch.asked()
        for at in range(0, len(asked), 100):
            part = asked[at : at + 100]
            for (key, _), reply in zip(part, self.ask(*(command for _, command in part)), strict=True):
                batch.answer(key, reply)

    def mend(self, tables: Iterable[Registered]) -> str | None:
        """Delete what somebody put in the place of our keys; return the last of those."""
        names = self.names
        hashes = [names.tables, names.counts, names.sweeps]
        texts = [
            names.lsn,
            names.reported,
            names.partial,
            names.source,
            names.ddl,
            names.settled,
            names.fresh,
            names.states,
        ]
        for table in tables:
            texts += [names.epoch(table.name), names.safe(table.name), names.version(table.name)]
        wanted = dict.fromkeys(hashes, b"hash") | dict.fromkeys(texts, b"string")
        kinds = self.ask(*((b"TYPE", key) for key in wanted))
        wrong = [
            key
            for (key, kind), found in zip(wanted.items(), kinds, strict=True)
            if found not in (kind, b"none")
        ]
        if not wrong:
            return None
        self.write([(b"UNLINK", *wrong)])
        return wrong[-1].decode()

    def memory(self) -> dict[str, Any]:
        """Return how much memory Redis may take (0: any), and what it does then; nothing if it won't say."""
        self.settle()
        self._send([(b"INFO", b"memory")])
        reply = self._read(1, strict=False)[0]
        text = reply.decode() if isinstance(reply, bytes) else ""
        said = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        limit, policy = said.get("maxmemory", ""), said.get("maxmemory_policy")
        return {"redis_maxmemory": int(limit), "redis_policy": policy} if limit.isdigit() and policy else {}

    def highest(self, table: str) -> int:
        """Return the highest epoch of which there are rows of a table, 0 if there are none."""
        head, epochs, cursor = len(self.names.rows(table)), {0}, b""
        while cursor != b"0":
            cursor, keys = self.scan(cursor or b"0", self.names.pattern(table))
            epochs |= {int(e) for e in {key[head:].partition(b":")[0] for key in keys} if e.isdigit()}
        return max(epochs)

    def lsn(self) -> int | None:
        """Return the position Redis says it holds."""
        found = self.ask((b"GET", self.names.lsn))[0]
        return None if found is None else int(found)

    def partial(self) -> tuple[int, int]:
        """Return transaction and number of changes of a transaction that was written in part."""
        found = self.ask((b"GET", self.names.partial))[0]
        if found is None:
            return 0, 0
        lsn, _, changes = found.partition(b":")
        return int(lsn), int(changes)

    def hash(self, name: bytes) -> dict[bytes, bytes]:
        """Return a whole hash."""
        return as_dict(self.ask((b"HGETALL", name))[0])

    def counts(self) -> dict[int, int]:
        """Return the rows of each table."""
        return {int(table): int(rows) for table, rows in self.hash(self.names.counts).items()}

    def tables(self) -> dict[int, dict[str, Any]]:
        """Return what was noted of the tables in Redis."""
        return {int(table): json.loads(value) for table, value in self.hash(self.names.tables).items()}

    def scan(self, cursor: bytes, pattern: bytes) -> tuple[bytes, list[bytes]]:
        """Return the next cursor and some keys."""
        reply = self.ask((b"SCAN", cursor, b"MATCH", pattern, b"COUNT", 1000))[0]
        return reply[0], reply[1]


class Sweep:
    """Deletes the rows of a table's former epochs, a piece at a time; noted in Redis until it is done."""

    def __init__(self, store: Store, table: str, below: int) -> None:
        self.store = store
        self.table = table
        self.pattern = store.names.pattern(table)
        self.head = len(store.names.rows(table))
        self.below = below
        self.cursor = b"0"
        self.again = False

    def extend(self, below: int) -> None:
        """Delete more epochs."""
        if below > self.below:
            self.below, self.again = below, True

    def step(self) -> bool:
        """Delete some; return True when all are gone."""
        self.cursor, keys = self.store.scan(self.cursor, self.pattern)
        newest = self.store.names.rows(self.table, self.below)
        gone = [key for key in keys if not key.startswith(newest) and self._old(key)]
        if gone:
            self.store.write([(b"UNLINK", *gone)])
        if self.cursor != b"0":
            return False
        if self.again:
            self.again = False
            return False
        self.store.write([(b"HDEL", self.store.names.sweeps, self.table.encode())])
        return True

    def _old(self, key: bytes) -> bool:
        epoch, _, _ = key[self.head :].partition(b":")
        return epoch.isdigit() and int(epoch) < self.below


class Purge:
    """Deletes all results and pages, a piece at a time: they may hold what is protected now.

    Nobody reads them any more, and they would go by themselves.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.patterns = [f"{store.names.prefix}:{kind}:*".encode() for kind in ("query", "page", "pages")]
        self.cursor = b"0"

    def step(self) -> bool:
        """Delete some; return True when all are gone."""
        self.cursor, keys = self.store.scan(self.cursor, self.patterns[0])
        if keys:
            self.store.write([(b"UNLINK", *keys)])
        if self.cursor == b"0":
            del self.patterns[0]
        return not self.patterns
