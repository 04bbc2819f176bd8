"""A TCP proxy that is slow, tears connections apart, or says nothing."""

from __future__ import annotations

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections import deque

_RESET = struct.pack("ii", 1, 0)


class _Way:
    """One direction of a connection: what was read and not yet passed on."""

    def __init__(self, source: socket.socket, sink: socket.socket) -> None:
        self.source, self.sink = source, sink
        self.kept: deque[tuple[float, bytes]] = deque()
        self.ended = False


class _Pair:
    """A connection: the client's socket and the server's."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.ways = {client: _Way(client, server), server: _Way(server, client)}
        self.said = b""
        self.passed = 0


class Proxy:
    """Listens on a port of its own; everything may be changed at any time, for open connections too.

    delay: seconds by which every piece comes later.      piece: bytes sent at a time; 0: as they come.
    hold(words): answers to clients that said these words are kept; hold(): everything is.
    tear: reset every connection after it has passed on so many bytes; 0: none.
    """

    def __init__(self, host: str, port: int) -> None:
        self.target = (host, port)
        self.delay = 0.0
        self.piece = 0
        self.tear = 0
        self.torn = 0
        self._held: bytes | None = None
        self._holding = False
        self._wanted = True
        self._resets = False
        self._pairs: set[_Pair] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._wake, self._woken = socket.socketpair()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, None)
        self._selector.register(self._woken, selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def close(self) -> None:
        """End it and every connection."""
        self._wanted = False
        self._wake.send(b".")
        self._thread.join()
        for pair in list(self._pairs):
            self._reset(pair)
        for closed in (self._listener, self._wake, self._woken, self._selector):
            closed.close()

    def hold(self, words: bytes | None = None) -> None:
        """Pass nothing on, or no answers to clients that said these words lately."""
        self._held, self._holding = words, True

    def release(self) -> None:
        """Pass on what was kept, and go on."""
        self._holding = False
        self._wake.send(b".")

    def reset(self) -> None:
        """Tear all connections apart."""
        self._resets = True
        self._wake.send(b".")

    def _run(self) -> None:
        while self._wanted:
            for key, _ in self._selector.select(self._pause()):
                if key.fileobj is self._listener:
                    self._accept()
                elif key.fileobj is self._woken:
                    self._woken.recv(100)
                elif key.data in self._pairs:
                    self._read(key.data, key.fileobj)  # type: ignore[arg-type]
            if self._resets:
                self._resets = False
                for pair in list(self._pairs):
                    self._reset(pair)
            for pair in list(self._pairs):
                self._pass_on(pair)

    def _pause(self) -> float:
        ways = [way for pair in self._pairs for way in pair.ways.values() if way.kept]
        if not ways:
            return 0.5
        return max(0.0, min(min(way.kept[0][0] for way in ways) - time.monotonic(), 0.5)) or 0.001

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        try:
            server = socket.create_connection(self.target, 5)
        except OSError:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            client.close()
            return
        pair = _Pair(client, server)
        self._pairs.add(pair)
        for end in (client, server):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._selector.register(end, selectors.EVENT_READ, pair)

    def _read(self, pair: _Pair, source: socket.socket) -> None:
        way = pair.ways[source]
        try:
            data = source.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._reset(pair)
            return
        if not data:
            self._selector.unregister(source)
            way.ended = True
            return
        if source is pair.client:
            pair.said = (pair.said + data)[-4096:]
        way.kept.append((time.monotonic() + self.delay, data))

    def _keeps(self, pair: _Pair, way: _Way) -> bool:
        if not self._holding:
            return False
        return self._held is None or (self._held in pair.said and way.source is pair.server)

    def _pass_on(self, pair: _Pair) -> None:
        for way in pair.ways.values():
            if self._keeps(pair, way):
                continue
            while way.kept and way.kept[0][0] <= time.monotonic():
                due, data = way.kept.popleft()
                size = self.piece or len(data)
                if self.tear:
                    size = min(size, self.tear - pair.passed)
                try:
                    sent = way.sink.send(data[:size])
                except BlockingIOError:
                    sent = 0
                except OSError:
                    self._reset(pair)
                    return
                pair.passed += sent
                if self.tear and pair.passed >= self.tear:
                    self.torn += 1
                    self._reset(pair)
                    return
                if data[sent:]:
                    way.kept.appendleft((due, data[sent:]))
                if not sent:
                    break
            if way.ended and not way.kept:
                self._close(pair)
                return

    def _reset(self, pair: _Pair) -> None:
        for end in (pair.client, pair.server):
            with contextlib.suppress(OSError):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._close(pair)

    def _close(self, pair: _Pair) -> None:
        self._pairs.discard(pair)
        for end in (pair.client, pair.server):
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()
