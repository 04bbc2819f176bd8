"""Who may ask, before anything is looked up: Host, Origin, token, sizes. And the headers of every answer."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY = 16384  # bytes of a request

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self';"
    " font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}


class Refused(Exception):
    """A request that is not answered, and the status that says so."""

    def __init__(self, status: int, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body = problem(None, message, hint=hint)


def problem(
    sqlstate: str | None, message: str, *, detail: str | None = None, hint: str | None = None
) -> bytes:
    """Return an error as every answer of ours tells it."""
    return json.dumps({"sqlstate": sqlstate, "message": message, "detail": detail, "hint": hint}).encode()


def address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Return the address that a host name spells, None if it is a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """Say whether only this machine can reach a host."""
    found = address(host)
    return found.is_loopback if found else host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a request must have. `names` are hosts besides localhost and addresses."""

    token: str
    loopback: bool = True
    names: frozenset[str] = frozenset()

    def host(self, headers: Headers) -> str:
        """Return the Host of a request; refuse a name that is not ours.

        A page elsewhere can give its own name our address (DNS rebinding) and would then be of the same
        origin as ours; it can't change the Host that the browser sends.
        """
        given = headers.getlist("host")
        try:
            host = (urlsplit(f"//{given[0]}").hostname or "") if len(given) == 1 else ""
        except ValueError:
            host = ""
        known = host in self.names or is_loopback(host) or (not self.loopback and address(host) is not None)
        if not known:
            raise Refused(403, "this host name is not served here", "--name HOST allows one")
        return given[0]

    def origin(self, headers: Headers, scheme: str, host: str) -> None:
        """Refuse what another site's page asks for.

        Something in front may have the TLS that we don't: an origin may be safer than we are, not less safe.
        """
        site = headers.get("sec-fetch-site", "same-origin")
        origin = headers.get("origin")
        ours = {f"{kind}://{host}".lower() for kind in (scheme, "https")}
        if site not in ("same-origin", "none") or (origin is not None and origin.lower() not in ours):
            raise Refused(
                403, "requests of other sites are refused", "a proxy in front has to leave the Host as it is"
            )

    def knows(self, headers: Headers) -> bool:
        """Say whether a request has the token."""
        kind, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        return same and kind.lower() == "bearer"


class Guard:
    """Middleware around everything else."""

    def __init__(self, app: ASGIApp, rules: Rules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check a request, limit its body, and add the headers to the answer."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return

        async def answer(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        try:
            self._check(scope)
        except Refused as refused:
            await say(answer, refused.status, refused.body)
            return
        await self._app(scope, _Limited(receive), answer)

    def _check(self, scope: Scope) -> None:
        headers, rules = Headers(scope=scope), self._rules
        host = rules.host(headers)
        method = scope["method"]
        if method not in ("GET", "HEAD", "POST"):
            raise Refused(405, "only GET and POST are answered")
        if not scope["path"].startswith("/api/"):
            return
        rules.origin(headers, scope["scheme"], host)
        length = headers.get("content-length", "0")
        if not length.isdigit() or int(length) > BODY:
            raise Refused(413, f"a request has at most {BODY} bytes")
        known = rules.knows(headers)
        scope.setdefault("state", {})["token"] = known
        if not known and (method == "POST" or not rules.loopback):
            raise Refused(401, "the token is missing or wrong", "Authorization: Bearer TOKEN")
        kind = headers.get("content-type", "").partition(";")[0].strip()
        if method == "POST" and kind != "application/json":
            raise Refused(415, "the body has to be JSON", "Content-Type: application/json")


class _Limited:
    """A request's body, up to the limit."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._left = BODY

    async def __call__(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise Refused(413, f"a request has at most {BODY} bytes")
        return message


async def say(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """Send an answer of JSON."""
    fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *headers]
    if status == 401:
        fields.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
