"""Tokens: HMAC-SHA-256 of a field's canonical value."""

from __future__ import annotations

import hashlib
import hmac
import re

from .canonical import CANONICAL, KINDS, canonical
from .pepper import Peppers

__all__ = ["Hasher", "is_token", "version_of"]

_TOKEN = re.compile(r"h([1-9][0-9]{0,8}):[0-9a-f]{64}")


def is_token(text: str) -> bool:
    """Whether a text has the form of a token."""
    return _TOKEN.fullmatch(text) is not None


def version_of(token: str) -> int:
    """Return the version of the pepper that made a token. Raises ValueError if it is none."""
    match = _TOKEN.fullmatch(token)
    if match is None:
        raise ValueError("not a token: h, a version, a colon and 64 hexadecimal digits")
    return int(match[1])


class Hasher:
    """Makes the tokens of one field.

    Fields with different names have different tokens, so that tables can't be joined by them; give fields
    that are to be joined one name. `country` is the calling code of national phone numbers.
    """

    def __init__(
        self, field: str, *, kind: str, peppers: Peppers, country: str | None = None, method: str = "hmac"
    ) -> None:
        if method != "hmac":
            raise ValueError(
                f"method {method!r} is refused: {kind} has so few values that all of them can be hashed and "
                "compared in minutes or days; only a secret pepper keeps them apart (method 'hmac')"
            )
        if kind not in KINDS:
            raise ValueError(f"kind {kind!r} does not exist: it is one of {', '.join(KINDS)}")
        if peppers.field != field:
            raise ValueError(f"these are the peppers of field {peppers.field}, not of {field}")
        self.field, self.kind, self.country = field, kind, country
        self._peppers = peppers

    def _token(self, version: int, form: str) -> str:
        # Parts are told apart by their lengths, so that no two fields can mean the same bytes.
        parts = (
            b"asymmetrica",
            str(CANONICAL).encode(),
            self.field.encode(),
            self.kind.encode(),
            form.encode(),
        )
        message = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return f"h{version}:{hmac.new(self._peppers.key(version), message, hashlib.sha256).hexdigest()}"

    def token(self, value: str) -> str:
        """Return the token to store, by the newest pepper. Raises `Unreadable`."""
        return self._token(self._peppers.newest, canonical(self.kind, value, country=self.country))

    def tokens(self, value: str) -> list[str]:
        """Return the tokens by all peppers, the newest first: to look up while values are hashed anew."""
        form = canonical(self.kind, value, country=self.country)
        return [self._token(version, form) for version in self._peppers.versions()]

    def matches(self, token: str, value: str) -> bool:
        """Whether a token is that of a value, by whichever version made it. Raises `PepperError`."""
        form = canonical(self.kind, value, country=self.country)
        return hmac.compare_digest(token, self._token(version_of(token), form))

    def outdated(self, token: str) -> bool:
        """Whether a token was made by an older pepper: with the value at hand, store `token(value)`."""
        return version_of(token) != self._peppers.newest
