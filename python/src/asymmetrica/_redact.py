"""Keeps passwords out of everything that is printed, logged or raised."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

__all__ = ["MASK", "UNREADABLE", "misread", "redact", "secrets_of", "show_dsn"]

MASK = "***"
UNREADABLE = "(unreadable connection string)"

# Parameters of a connection string that are secret.
_SECRET_KEYS = ("password", "sslpassword", "oauth_client_secret")
_KEYS = "|".join(_SECRET_KEYS)

# user:password@ of any URL, up to the last @ before a blank: an unencoded @ or / stays inside.
_URL = re.compile(r"(?P<head>[a-z][a-z0-9+.-]*://[^\s:@/]*:)(?P<secret>\S*)(?=@)", re.IGNORECASE)
# password = value or password='it''s \'quoted\'', in a connection string or in the query part of a URL.
_PAIR = re.compile(
    rf"(?P<head>\b(?:{_KEYS})\s*=\s*)(?:'(?:[^'\\]|\\.|'')*(?:'|$)|(?:\\.|[^\s\\&])+)",
    re.IGNORECASE | re.DOTALL,
)
# A shorter word is no secret, and taking it out of a message would leave nothing to read.
_SHORTEST = 4


def _spellings(secret: str) -> set[str]:
    escaped = secret.replace("\\", "\\\\").replace("'", "\\'")
    return {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), escaped, repr(secret)[1:-1]}


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return text without the passwords of connection strings in it, nor any of the given secrets."""
    spelled = {form for secret in secrets if len(secret) >= _SHORTEST for form in _spellings(secret)}
    for form in sorted(spelled, key=len, reverse=True):
        text = text.replace(form, MASK)
    text = _URL.sub(rf"\g<head>{MASK}", text)
    return _PAIR.sub(rf"\g<head>{MASK}", text)


def secrets_of(conninfo: str) -> tuple[str, ...]:
    """Return the secret values of a connection string, also of one libpq can't read."""
    found: set[str] = set()
    try:
        given = conninfo_to_dict(conninfo)
    except (psycopg.Error, UnicodeError):
        for match in _URL.finditer(conninfo):
            found |= {match["secret"], unquote(match["secret"])}
        for match in _PAIR.finditer(conninfo):
            found.add(match[0][len(match["head"]) :].strip("'"))
    else:
        found |= {str(given[key]) for key in _SECRET_KEYS if given.get(key)}
    return tuple(sorted(secret for secret in found if secret))


def misread(conninfo: str) -> bool:
    """Say whether libpq would take a part of the password for something else, and name it in its messages.

    That is so with an @ or / in it that is not %-encoded.
    """
    scheme, _, rest = conninfo.partition("://")
    if not scheme.startswith("postgres"):
        return False
    before_query = rest.split("?")[0]
    authority = before_query.split("/")[0]
    if "@" in authority:
        return before_query.count("@") > 1
    port = authority.rpartition(":")[2] if ":" in authority else ""
    return "@" in before_query or ("@" in rest and port.strip("0123456789,") != "")


def show_dsn(conninfo: str) -> str:
    """Return a connection string to show: without secrets, or a fixed text if libpq can't read it."""
    try:
        given = conninfo_to_dict(conninfo)
    except (psycopg.Error, UnicodeError):
        return UNREADABLE
    if misread(conninfo):
        return UNREADABLE
    return make_conninfo("", **{key: value for key, value in given.items() if key not in _SECRET_KEYS})
