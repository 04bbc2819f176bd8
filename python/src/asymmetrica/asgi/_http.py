"""What HTTP says of caching (RFC 9110, RFC 9111), as far as a cache before one application needs it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["Headers", "Request", "directives", "etag_of", "lifetime", "unfit", "values", "vary_of"]

Headers = list[tuple[bytes, bytes]]

_DIRECTIVE = re.compile(r"""([^\s=,;"]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,;"]*)))?""")
_TAG = re.compile(rb'(?:W/)?("[^"]*")')
# What may be kept without being told how long: it is the same until its tables change.
_STATUSES = frozenset((200, 203, 204, 300, 301, 308, 404, 410))
# Of one connection only, or made anew with each answer.
_DROPPED = frozenset(
    (b"connection", b"keep-alive", b"trailer", b"transfer-encoding", b"upgrade", b"proxy-authenticate",
     b"proxy-authentication-info", b"proxy-connection", b"age", b"cache-status")
)  # fmt: skip
_PASSED = (b"range", b"if-match", b"if-unmodified-since", b"if-range", b"transfer-encoding", b"upgrade")


def values(headers: Iterable[tuple[bytes, bytes]], name: bytes) -> list[bytes]:
    """Return the values of a header."""
    return [value for key, value in headers if key.lower() == name]


def directives(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return what Cache-Control says; of a directive said twice the stricter."""
    found: dict[str, str] = {}
    for value in values(headers, b"cache-control"):
        for name, quoted, plain in _DIRECTIVE.findall(value.decode("latin-1")):
            said = quoted or plain
            name = name.lower()
            if name in found:
                said = min(said, found[name], key=lambda text: seconds(text))
            found[name] = said
    return found


def seconds(text: str) -> int:
    """Return a number of seconds; what is none means none are left."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def lifetime(headers: Headers, said: Mapping[str, str]) -> float | None:
    """Return for how many seconds an answer says it holds, None if it doesn't say."""
    old = seconds((values(headers, b"age") or [b"0"])[0].decode("latin-1").strip())
    for name in ("s-maxage", "max-age"):
        if name in said:
            return max(seconds(said[name]) - old, 0)
    expires = values(headers, b"expires")
    if not expires:
        return None
    try:
        ends = parsedate_to_datetime(expires[0].decode("latin-1")).timestamp()
        made = parsedate_to_datetime(values(headers, b"date")[0].decode("latin-1")).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        # A date that is none is past; one without the moment it was said can't be counted from.
        return 0
    return max(ends - made - old, 0)


def vary_of(headers: Headers) -> tuple[str, ...]:
    """Return the names of the request's headers an answer depends on, in order."""
    names = b",".join(values(headers, b"vary")).decode("latin-1").lower().split(",")
    return tuple(sorted({name.strip() for name in names} - {""}))


def etag_of(body: bytes, headers: Headers) -> bytes:
    """Return an entity tag of a body in its coding."""
    coding = b",".join(values(headers, b"content-encoding"))
    return b'"' + hashlib.sha256(coding + b"\n" + body).hexdigest()[:32].encode() + b'"'


def lasting(headers: Headers) -> Headers:
    """Return the headers that are kept."""
    named = {
        name.strip().lower() for value in values(headers, b"connection") for name in value.split(b",")
    } | _DROPPED
    return [(name, value) for name, value in headers if name.lower() not in named]


@dataclass(frozen=True, slots=True)
class Request:
    """A GET or HEAD; `why_passed`: why it is the application's alone."""

    url: str
    headers: Headers
    said: dict[str, str]
    why_passed: str | None

    @classmethod
    def of(cls, scope: Mapping[str, Any], space: str) -> Request:
        """Read it from its scope."""
        headers: Headers = list(scope["headers"])
        hosts = values(headers, b"host")
        said = directives(headers)
        if (
            not values(headers, b"cache-control")
            and b"no-cache" in b",".join(values(headers, b"pragma")).lower()
        ):
            said["no-cache"] = ""
        named = (space, scope.get("scheme", "http"), [host.decode("latin-1").lower() for host in hosts],
                 scope.get("root_path", ""), scope["path"], (scope.get("raw_path") or b"").decode("latin-1"),
                 scope.get("query_string", b"").decode("latin-1"))  # fmt: skip
        url = hashlib.sha256(json.dumps(named).encode("utf-8", "surrogatepass")).hexdigest()
        length = values(headers, b"content-length")
        why = None
        if "no-store" in said:
            why = "the request says no-store"
        elif len(hosts) > 1:
            why = "the request names several hosts"
        elif any(key.lower() in _PASSED for key, _ in headers) or (length and length[0].strip() != b"0"):
            why = "the request asks for a part, or has a condition or a body"
        return cls(url, headers, said, why)

    def page(self, vary: Iterable[str]) -> str:
        """Return the name of the page that answers this request, if answers depend on these headers."""
        named = [
            self.url,
            *((name, [value.decode("latin-1").strip() for value in self.get(name)]) for name in vary),
        ]
        return hashlib.sha256(json.dumps(named).encode()).hexdigest()

    def get(self, name: str) -> list[bytes]:
        """Return the values of one of its headers."""
        return values(self.headers, name.encode("latin-1"))

    def personal(self, said: Mapping[str, str], vary: Iterable[str]) -> str | None:
        """Say why an answer that says this may not be shared by who sends such requests."""
        if self.get("authorization") and not {"public", "s-maxage", "must-revalidate"} & said.keys():
            return "the request is authorized, and the answer doesn't say it is public"
        if self.get("cookie") and "public" not in said and "cookie" not in vary:
            return "the request has cookies, and the answer doesn't say it is public or varies by them"
        return None

    def matches(self, headers: Headers) -> bool:
        """Whether who asks has this answer already."""
        tags = b",".join(self.get("if-none-match"))
        own = values(headers, b"etag")
        if tags:
            mine = _TAG.fullmatch(own[0].strip()) if own else None
            return tags.strip() == b"*" or (mine is not None and mine[1] in _TAG.findall(tags))
        since, changed = self.get("if-modified-since"), values(headers, b"last-modified")
        if not since or not changed:
            return False
        try:
            return parsedate_to_datetime(changed[0].decode("latin-1")) <= parsedate_to_datetime(
                since[0].decode("latin-1")
            )
        except (ValueError, TypeError, OverflowError):
            return False


def unfit(request: Request, status: int, headers: Headers) -> str | None:
    """Say why an answer is not kept, as far as HTTP decides."""
    said, vary = directives(headers), vary_of(headers)
    if status not in _STATUSES:
        return f"its status is {status}"
    for name in ("no-store", "private", "no-cache"):
        if name in said:
            return f"the answer says {name}"
    if values(headers, b"set-cookie"):
        return "the answer sets a cookie"
    if "*" in vary:
        return "the answer varies by anything"
    if values(headers, b"content-range") or values(headers, b"trailer"):
        return "the answer is a part, or has trailers"
    if any(value.startswith(b"text/event-stream") for value in values(headers, b"content-type")):
        return "the answer is a stream of events"
    if lifetime(headers, said) == 0:
        return "the answer says it is old already"
    return request.personal(said, vary)
