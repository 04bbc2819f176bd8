"""One POST to an address that somebody wrote into the database.

It goes to where the name led when it was looked at, follows no redirect, reads little of the answer, and
ends in time whatever the other side does.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NewConnectionError,
    ReadTimeoutError,
    SSLError,
)
from urllib3.util import Url, parse_url

from .message import Environment, Undelivered

__all__ = ["Answer", "deadline", "post", "resolve"]

_STEP, _WHOLE = 10.0, 25.0
_MOST = 65536
# Where clouds hand out credentials: some are link-local as well, these are not.
_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
# What stands for an address of IPv4: as it is, behind a NAT64, behind 6to4.
_NAT64 = (ipaddress.ip_network("::/96"), ipaddress.ip_network("64:ff9b::/96"))


class Answer:
    """Status of a reply, its Retry-After in seconds, and its JSON if it is some."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.retry_after = _seconds(headers.get("Retry-After", ""))
        self.json: Any = None
        with contextlib.suppress(ValueError):
            self.json = json.loads(body)


def _seconds(text: str) -> float:
    if text.isascii() and text.isdecimal():
        return float(min(int(text[:9]), 3600))
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        return min(max(parsedate_to_datetime(text).timestamp() - time.time(), 0.0), 3600.0)
    return 0.0


def _forbidden(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if any(found in network for network in _NAT64) and int(found) & 0xFFFFFFFF > 0xFFFF:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        else:
            found = found.ipv4_mapped or found.sixtofour or found
    return found.is_link_local or found.is_multicast or found.is_unspecified or found in _METADATA


def resolve(host: str, port: int, environment: Environment, *, own: bool) -> list[str]:
    """Return the addresses to try, three at most; refuse where nothing of the database's may be sent."""
    if not own and environment.hosts and not {host, f"{host}:{port}"} & environment.hosts:
        raise Undelivered("this sender may not send there (--hosts)")
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Undelivered("the name of its host leads nowhere") from None
    addresses = [str(entry[4][0]) for entry in found]
    if not own and any(map(_forbidden, addresses)):
        raise Undelivered("its host is no place to send to (link-local, multicast or metadata)")
    return list(dict.fromkeys(addresses))[:3]


@contextlib.contextmanager
def deadline(seconds: float, sock: Callable[[], socket.socket | None]) -> Iterator[None]:
    """Shut a socket after so long: who answers a byte at a time is stopped too."""

    def end() -> None:
        with contextlib.suppress(OSError):
            found = sock()
            if found is not None:
                found.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _connection(url: Url, address: str) -> HTTPConnection:
    if url.scheme == "https":
        host = (url.host or "").strip("[]")
        return HTTPSConnection(address, url.port or 443, timeout=_STEP, server_hostname=host)
    return HTTPConnection(address, url.port or 80, timeout=_STEP)


def post(
    text: str, body: bytes, headers: Mapping[str, str], environment: Environment, *, own: bool
) -> Answer:
    """POST a body of JSON and return the answer, whatever its status; raise `Undelivered` without one."""
    try:
        url = parse_url(text)
    except HTTPError:
        raise Undelivered("its url can't be read") from None
    if url.scheme not in ("http", "https") or not url.host:
        raise Undelivered("its url is none of http or https")
    if url.auth and not own:
        raise Undelivered("its url holds a password")
    port = url.port or (443 if url.scheme == "https" else 80)
    addresses = resolve(url.host.strip("[]"), port, environment, own=own)
    sent = {"Host": url.netloc or url.host, "Content-Type": "application/json", "User-Agent": "asymmetrica"}
    if url.auth:
        sent |= urllib3.util.make_headers(basic_auth=unquote(url.auth))
    connection = _connection(url, addresses[0])
    began = time.monotonic()
    try:
        with deadline(_WHOLE, lambda: connection.sock):
            for address in addresses:
                connection = _connection(url, address)
                try:
                    connection.connect()
                    break
                except NewConnectionError:
                    if address == addresses[-1]:
                        raise
            connection.request(
                "POST", url.request_uri, body=body, headers={**sent, **headers}, preload_content=False
            )
            reply = connection.getresponse()
            return Answer(reply.status, reply.headers, reply.read(_MOST))
    except NewConnectionError:
        raise Undelivered("nobody listens there") from None
    except (SSLError, ssl.SSLError):
        raise Undelivered("its certificate or TLS was not accepted") from None
    except (TimeoutError, ConnectTimeoutError, ReadTimeoutError):
        raise Undelivered("it did not answer in time") from None
    except (HTTPError, OSError, ValueError) as error:
        late = time.monotonic() - began >= _WHOLE
        raise Undelivered(
            "it did not answer in time" if late else f"the connection broke ({type(error).__name__})"
        ) from None
    finally:
        connection.close()
