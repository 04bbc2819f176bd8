"""The application's answer on its way to the client, and a copy of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from ._http import Headers, Request, directives, etag_of, unfit, values

__all__ = ["Answer", "Message", "Send", "give"]

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def status_header(name: str, said: str) -> tuple[bytes, bytes]:
    """Return the header that says what the cache did (RFC 9211)."""
    return b"cache-status", f"{name}; {said}".encode("latin-1")


# What is said with 304: what a client needs to know to go on using what it has.
_NOT_MODIFIED = frozenset((b"cache-control", b"content-location", b"date", b"etag", b"expires", b"vary",
                           b"last-modified", b"age", b"cache-status"))  # fmt: skip


async def give(
    send: Send, request: Request, status: int, headers: Headers, body: bytes, *, head: bool
) -> None:
    """Send a whole answer, or 304 if who asks has it already."""
    if status == 200 and request.matches(headers):
        status, body = 304, b""
        headers = [(name, value) for name, value in headers if name.lower() in _NOT_MODIFIED]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


class Answer:
    """Passes on what the application sends. `body` is complete and `why_not` None if it can be kept.

    An answer sent in one piece is given an entity tag; one sent in several goes on as it comes.
    """

    def __init__(
        self,
        send: Send,
        request: Request,
        largest: int,
        said: str,
        name: str,
        refused: Callable[[], Awaitable[None]] | None = None,
    ) -> None:
        self._send, self._request, self._largest = send, request, largest
        self._said = status_header(name, said)
        self._refused = refused
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._size = 0
        self.status = 0
        self.headers: Headers = []
        self.complete = False
        self.why_not: str | None = None

    @property
    def body(self) -> bytes:
        """The body, once it is complete."""
        return b"".join(self._parts)

    async def send(self, message: Message) -> None:
        """Take a message of the application; tell at once if the answer can't be kept."""
        await self._take(message)
        refused = self._refused
        if self.why_not is not None and refused is not None:
            self._refused = None
            await refused()

    async def _take(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            self._start = message
            self.status = message["status"]
            self.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
            self.why_not = unfit(self._request, self.status, self.headers)
            if message.get("trailers"):
                self.why_not = "the answer has trailers"
            return
        if kind == "http.response.body":
            await self._body(message)
            return
        if kind in ("http.response.pathsend", "http.response.zerocopysend"):
            self.why_not = "the answer is a file that the server sends"
            await self._flush()
        await self._send(message)

    async def _flush(self) -> None:
        start, self._start = self._start, None
        if start is not None:
            await self._send({**start, "headers": [*self.headers, self._said]})

    async def _body(self, message: Message) -> None:
        part, more = bytes(message.get("body", b"")), bool(message.get("more_body", False))
        whole = self._start is not None and not more
        self._size += len(part)
        if self._size > self._largest and self.why_not is None:
            self.why_not = f"it is larger than {self._largest} bytes"
            self._parts.clear()
        if self.why_not is None:
            self._parts.append(part)
        if not more:
            length = values(self.headers, b"content-length")
            if length and length[0] != str(self._size).encode():
                self.why_not = "its length is not what it says"
            self.complete = True
        if not whole or self.why_not is not None:
            await self._flush()
            await self._send(message)
            return
        self.tag()
        self._start = None
        await give(self._send, self._request, self.status, [*self.headers, self._said], part, head=False)

    def tag(self) -> None:
        """Give the answer an entity tag if it has none."""
        if self.status == 200 and not values(self.headers, b"etag"):
            self.headers.append((b"etag", etag_of(self.body, self.headers)))

    @property
    def said(self) -> dict[str, str]:
        """What its Cache-Control says."""
        return directives(self.headers)
