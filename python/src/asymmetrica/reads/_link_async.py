"""The connection to Redis by which copies are read, and by which we hear that they changed.

Keys that copies in this process depend on are read with client tracking: Redis then tells, on this very
connection and before any later reply, that one of them was changed. So whatever is still in the near cache
when a reply has come was true when Redis sent it, and a lost connection empties the near cache.

Where Redis can't tell or may not (no third version of the protocol, no command CLIENT), results are kept near
all the same, but each time Redis is asked whether their tables are as they were; rows are not.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Hashable, Iterable, Sequence
from typing import Any

import hiredis

from .._redact import redact
from .._wire import AsyncLock, AsyncWire, is_free, release
from ..errors import ConnectionFailed
from ..mirror.nodes import Nodes
from ..mirror.store import secrets_of_url
from .keys import NOTHING, Claims, Keys, Proof
from .near import Entry, Near
from .routes import Breaker

__all__ = ["AsyncLink", "Watch"]

Command = Sequence[bytes | int]
_pack: Any = hiredis.pack_command
_CACHING = (b"CLIENT", b"CACHING", b"YES")
_TRACKING: bytes = _pack((b"CLIENT", b"TRACKING", b"ON", b"OPTIN"))
_ELSEWHERE = ("MOVED ", "ASK ", "TRYAGAIN ", "CLUSTERDOWN ")
_TIME: bytes = _pack((b"TIME",))


class Watch:
    """Keys that must stay as they were read; `broken` once one has changed, or may have."""

    __slots__ = ("broken", "keys")

    def __init__(self, keys: Iterable[bytes]) -> None:
        self.keys = frozenset(keys)
        self.broken = False


class AsyncLink:
    """Opened when it is needed; after a failure it rests as its breaker says."""

    def __init__(self, url: str, keys: Keys, near: Near, timeout: float) -> None:
        self.nodes, self.keys, self.near, self.timeout = Nodes(url, keys), keys, near, timeout
        self.secrets = secrets_of_url(url)
        self.breaker = Breaker()
        self.proof: Proof = NOTHING
        self.tracks = False
        self.errors = 0
        self._lock = AsyncLock()
        self._wire: AsyncWire | None = None
        self._reader: Any = None
        self._inbox: deque[Any] = deque()
        # When each was sent, and whether values of other keys come with it.
        self._probes: deque[tuple[float, bool]] = deque()
        self._claims = Claims()
        self._watches: set[Watch] = set()
        self._probe = b"".join(_pack(command) for command in keys.probe())

    # Lifetime

    async def _open(self) -> AsyncWire:
        """Connect; ask for invalidations where the server can send them."""
        try:
            wire = await AsyncWire.open(self.nodes, self.timeout, 3)
            # A near cache without room keeps nothing that one would have to hear of.
            self.tracks = self.near.limit > 0
        except Exception as error:
            # Before Redis 6 there is no third version of the protocol.
            if "HELLO" not in str(error).upper() and "NOPROTO" not in str(error).upper():
                raise
            wire = await AsyncWire.open(self.nodes, self.timeout, 2)
            self.tracks = False
        self._reader = hiredis.Reader()
        self._inbox.clear()
        self._probes.clear()
        self._wire = wire
        if self.tracks:
            reply = (await self._exchange(_TRACKING, 1))[0]
            self.tracks = not isinstance(reply, Exception)
        return wire

    def lose(self) -> None:
        """Let the connection go, and with it all that relied on it."""
        if self._wire is not None:
            self._wire.close()
        self._wire = None
        # What is read before the next connection is known to track is not kept.
        self.tracks = False
        self._everything()

    def _everything(self) -> None:
        self.near.clear()
        self.proof = NOTHING
        for watch in tuple(self._watches):
            watch.broken = True

    def failed(self, error: BaseException) -> ConnectionFailed:
        """Note a failure and return what to tell of it."""
        self.errors += 1
        self.breaker.failed()
        self.lose()
        return ConnectionFailed(redact(f"Redis: {error or type(error).__name__}", self.secrets))

    # Asking

    async def ask(
        self, commands: Sequence[Command], watched: Sequence[bytes] = ()
    ) -> tuple[list[Any], Proof]:
        """Run commands, then read the watched keys; return all replies, the values of the keys last.

        Before them a proof is made and returned: what was read is at least as new as it says.
        Errors of single commands are among the replies. Raises `ConnectionFailed`, also while the breaker is
        open.
        """
        tail: list[Command] = []
        if watched:
            tail = [_CACHING] if self.tracks else []
            tail.append((b"MGET", *watched))
        data = self._probe + b"".join([_pack(tuple(command)) for command in (*commands, *tail)])
        replies, proof = await self._run(data, len(commands) + len(tail), False)
        if len(tail) == 2:
            del replies[-2]
        return replies, proof

    async def look(self, key: bytes, watched: Sequence[bytes]) -> tuple[Any, Any, Proof]:
        """Return the value of a key, those of the watched ones, and the proof.

        Where nothing is tracked it is one command that reads the proof's keys too, at one moment.
        """
        if self.tracks or self._wire is None:
            replies, proof = await self.ask([(b"GET", key)], watched)
            return replies[0], replies[-1], proof
        data: bytes = _pack((b"MGET", *self.keys.claims, key, *watched)) + _TIME
        replies, proof = await self._run(data, 1, True)
        found = replies[0]
        return (found[0], found[1:], proof) if isinstance(found, list) else (found, found, proof)

    async def confirm(self, watched: Sequence[bytes]) -> tuple[Any, Proof]:
        """Return the values of the watched keys and the proof, read at one moment."""
        data: bytes = _pack((b"MGET", *self.keys.claims, *watched)) + _TIME
        replies, proof = await self._run(data, 1, True)
        return replies[0], proof

    async def _run(self, data: bytes, count: int, more: bool) -> tuple[list[Any], Proof]:
        """Send what begins with a probe, and return so many replies to the rest."""
        async with self._lock:
            if self._wire is None:
                self.breaker.require("Redis")
            try:
                if self._wire is None:
                    await self._open()
                self._probes.append((time.monotonic(), more))
                replies = await self._exchange(data, count)
                self.breaker.worked()
                return replies, self.proof
            except Exception as error:
                raise self.failed(error) from None
            except BaseException:
                # Interrupted: that is no fault of Redis, but replies may come that nobody waits for.
                self.lose()
                raise

    async def _exchange(self, data: bytes, count: int) -> list[Any]:
        wire = self._wire
        assert wire is not None
        await wire.send(data)
        while len(self._inbox) < count or self._probes:
            self._feed(await wire.receive())
        out = list(self._inbox)
        self._inbox.clear()
        return out

    def hear(self, refresh: float) -> None:
        """Take in what Redis said meanwhile, without waiting; ask it for a proof if ours is so old."""
        if self._wire is None or not is_free(self._lock):
            return
        try:
            data = self._wire.peek()
            while data is not None:
                self._feed(data)
                data = self._wire.peek()
            now = time.monotonic()
            if not self._probes and now - self.proof.sent > refresh:
                self._probes.append((now, False))
                self._wire.sock.send(self._probe)
        except (OSError, ValueError, hiredis.HiredisError) as error:
            self.failed(error)
        finally:
            release(self._lock)

    def _feed(self, data: bytes) -> None:
        """Take bytes in, in their order: what changed, proofs asked for, replies."""
        if not data:
            raise ConnectionError("the connection was closed")
        self._reader.feed(data)
        while (reply := self._reader.gets()) is not False:
            if type(reply) is hiredis.PushNotification:
                if reply and reply[0] == b"invalidate":
                    self._changed(reply[1])
                continue
            if type(reply) is hiredis.ReplyError and str(reply).startswith(_ELSEWHERE):
                raise ConnectionError(f"our keys are not all at this node of the cluster: {reply}")
            self._inbox.append(reply)
            if self._probes and len(self._inbox) == 2:
                values, clock = self._inbox
                self._inbox.clear()
                sent, more = self._probes.popleft()
                if more:
                    # Or an error instead of both.
                    many, count = isinstance(values, list), len(self.keys.claims)
                    self._inbox.append(values[count:] if many else values)
                    values = values[:count] if many else values
                self._prove(self.keys.proof(values, clock, sent))

    def _changed(self, keys: list[bytes] | None) -> None:
        if keys is None:
            self._everything()
            return
        for key in keys:
            self.near.drop(key)
            for watch in tuple(self._watches):
                if key in watch.keys:
                    watch.broken = True

    def _prove(self, proof: Proof) -> None:
        proof = self._claims.aged(proof)
        if proof.position < self.proof.position or proof.source != self.proof.source:
            # Another mirror, or an older one: nothing that was read before holds.
            self._everything()
        self.proof = proof

    # Watching

    def watch(self, keys: Iterable[bytes]) -> Watch:
        """Have it noted should one of these keys change from now on; they must be read after this."""
        watch = Watch(keys)
        self._watches.add(watch)
        # Whether the next connection will tell isn't known.
        watch.broken = self._wire is None
        return watch

    def unwatch(self, watch: Watch) -> None:
        """Watch no more."""
        self._watches.discard(watch)

    async def keep(self, key: Hashable, entry: Entry, watch: Watch) -> None:
        """Put something into the near cache, unless what it was made of has changed since."""
        async with self._lock:
            if not watch.broken:
                self.near.put(key, entry)

    async def forget(self, key: Hashable) -> None:
        """Remove something from the near cache."""
        async with self._lock:
            self.near.remove(key)

    async def close(self) -> None:
        """Close the connection."""
        async with self._lock:
            self.lose()
