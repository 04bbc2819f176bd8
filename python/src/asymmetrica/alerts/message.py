"""What is to be sent, and why it could not be."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Environment", "Message", "Undelivered"]

# The database names variables; of others, such as PGPASSWORD, nothing must ever be sent anywhere.
_NAME = re.compile(r"ASYMMETRICA_ALERT_[A-Z0-9_]{1,45}")


class Undelivered(Exception):
    """A message did not arrive. The text is ours: what a receiver said is neither kept nor logged."""

    def __init__(
        self, error: str, *, status: int | None = None, hopeless: bool = False, retry_after: float = 0.0
    ) -> None:
        super().__init__(error)
        self.error, self.status = error, status
        # Trying again can't help: there is something wrong with the message, not with the way.
        self.hopeless = hopeless
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Environment:
    """What the sender's own operator said: secrets, where messages may go, where WhatsApp is."""

    variables: Mapping[str, str] = field(default_factory=lambda: dict(os.environ), repr=False)
    # Only to these, if there are any.
    hosts: frozenset[str] = frozenset()

    def value(self, name: str | None) -> str:
        """Return the value of a variable the database named."""
        if name is None or not _NAME.fullmatch(name):
            raise Undelivered("a variable was named that senders tell nobody")
        found = self.variables.get(name, "").strip()
        if not found:
            raise Undelivered(f"{name} is not in the sender's environment")
        return found

    def secrets(self) -> tuple[str, ...]:
        """Return what must stand in no log."""
        return tuple(value for name, value in self.variables.items() if _NAME.fullmatch(name) and value)


@dataclass(frozen=True, slots=True)
class Message:
    """A row of the outbox with its destination, leased to this sender."""

    message: int | None
    token: str
    destination: str
    kind: str
    url: str | None
    secret: str | None
    sender: str | None
    recipient: str | None
    template: str | None
    language: str
    tries: int
    payload: dict[str, Any] = field(repr=False)

    @property
    def key(self) -> str:
        """What a receiver tells a message sent twice by."""
        return str(self.payload["key"])

    @property
    def what(self) -> str:
        """Opened, raised, escalated, resolved, test; refresh: an Alertmanager is told again."""
        return str(self.payload["what"])

    def address(self, environment: Environment) -> tuple[str, bool]:
        """Return the URL, and whether it is the sender's own: one of the database's is looked at harder."""
        url = self.url or ""
        if url.startswith("env:"):
            return environment.value(url[4:]), True
        return url, False
