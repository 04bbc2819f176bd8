"""A socket to Redis: opened by redis-py, which knows URLs, TLS and logins, then read and written here.

Both kinds have the same methods; `peek` takes what has come already, without waiting.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import struct
import sys
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .mirror.nodes import Nodes

__all__ = ["AsyncLock", "AsyncWire", "Lock", "Wire", "is_free"]

_PIECE = 1 << 16
Lock = threading.Lock
AsyncLock = asyncio.Lock


def is_free(lock: Any) -> bool:
    """Take a lock if nobody has it; the asynchronous kind is only looked at: nobody runs in between."""
    if isinstance(lock, asyncio.Lock):
        return not lock.locked()
    return bool(lock.acquire(blocking=False))


def release(lock: Any) -> None:
    """Give back what is_free() took."""
    if not isinstance(lock, asyncio.Lock):
        lock.release()


def _open(nodes: Nodes, timeout: float, protocol: int) -> tuple[Any, socket.socket]:
    connection = nodes.connect(
        socket_timeout=timeout, socket_connect_timeout=timeout, protocol=protocol,
        client_name="asymmetrica-reads", retry=None,
    )  # fmt: skip
    sock: socket.socket = connection._sock
    sock.settimeout(timeout)
    return connection, sock


def _leave_timeouts_to_the_kernel(sock: socket.socket, timeout: float) -> None:
    """Python's own would poll before each send and receive."""
    if sys.platform == "linux" and not isinstance(sock, ssl.SSLSocket):
        seconds, rest = divmod(max(int(timeout * 1e6), 1000), 1_000_000)
        limit = struct.pack("@ll", seconds, rest)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, limit)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, limit)
        sock.setblocking(True)


class Wire:
    """Waits where it is called."""

    def __init__(self, connection: Any, sock: socket.socket, timeout: float) -> None:
        # redis-py's object owns the socket.
        self._connection = connection
        self.sock = sock
        _leave_timeouts_to_the_kernel(sock, timeout)
        self._poll = select.poll()
        self._poll.register(sock, select.POLLIN)

    @classmethod
    def open(cls, nodes: Nodes, timeout: float, protocol: int) -> Wire:
        """Connect and log in."""
        return cls(*_open(nodes, timeout, protocol), timeout)

    def send(self, data: bytes) -> None:
        """Write everything."""
        try:
            self.sock.sendall(data)
        except BlockingIOError:
            raise TimeoutError("timed out") from None

    def receive(self) -> bytes:
        """Wait for some bytes; none means the end."""
        try:
            return self.sock.recv(_PIECE)
        except BlockingIOError:
            raise TimeoutError("timed out") from None

    def peek(self) -> bytes | None:
        """Return what has come, None if nothing has."""
        if not self._poll.poll(0) and not (isinstance(self.sock, ssl.SSLSocket) and self.sock.pending()):
            return None
        return self.sock.recv(_PIECE)

    def close(self) -> None:
        """Close the socket."""
        self._connection.disconnect()


class AsyncWire(Wire):
    """Lets others run while it waits; with TLS by a thread, since asyncio takes no such sockets."""

    def __init__(self, connection: Any, sock: socket.socket, timeout: float) -> None:
        super().__init__(connection, sock, timeout)
        self.timeout = timeout
        self.tls = isinstance(sock, ssl.SSLSocket)
        if not self.tls:
            sock.setblocking(False)

    @classmethod
    async def open(cls, nodes: Nodes, timeout: float, protocol: int) -> AsyncWire:  # type: ignore[override]
        """Connect and log in."""
        return cls(*await asyncio.to_thread(_open, nodes, timeout, protocol), timeout)

    async def send(self, data: bytes) -> None:  # type: ignore[override]
        """Write everything."""
        if self.tls:
            await asyncio.to_thread(self.sock.sendall, data)
        else:
            async with asyncio.timeout(self.timeout):
                await asyncio.get_running_loop().sock_sendall(self.sock, data)

    async def receive(self) -> bytes:  # type: ignore[override]
        """Wait for some bytes; none means the end."""
        if self.tls:
            return await asyncio.to_thread(self.sock.recv, _PIECE)
        async with asyncio.timeout(self.timeout):
            return await asyncio.get_running_loop().sock_recv(self.sock, _PIECE)
