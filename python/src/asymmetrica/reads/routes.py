"""Which route is taken: those that fail rest for a while, and of the others the measured cost decides."""

from __future__ import annotations

import random
import time
from collections.abc import Hashable, Sequence

from ..errors import ConnectionFailed

__all__ = ["Breaker", "Costs"]

_PERIOD = 11 / 54
_STEPS = 8


class Breaker:
    """Closed while a route works. After a failure it is open for 203.7 ms times 2^k, or by chance less.

    Then one call may try (half-open): its success closes it, its failure opens it for longer.
    """

    def __init__(self) -> None:
        self.failures = 0
        self.until = 0.0

    def allows(self) -> bool:
        """Whether the route may be tried now; the next who asks must wait until this try is over."""
        if not self.failures:
            return True
        now = time.monotonic()
        if now < self.until:
            return False
        self.until = now + _PERIOD
        return True

    def require(self, route: str) -> None:
        """Raise `ConnectionFailed` unless the route may be tried now."""
        if not self.allows():
            raise ConnectionFailed(f"{route}: it failed a moment ago and is left alone for now")

    def rests(self) -> bool:
        """Whether the route may not be tried now."""
        return self.failures > 0 and time.monotonic() < self.until

    def failed(self) -> None:
        """Note a failure."""
        longest = _PERIOD * 2 ** min(self.failures, _STEPS)
        self.failures += 1
        self.until = time.monotonic() + random.uniform(0.25, 1.0) * longest

    def worked(self) -> None:
        """Note a success."""
        self.failures = 0


class Costs:
    """Moving averages of seconds by shape of query and route.

    A copy is left for Postgres only where that is much cheaper, since the copy also spares the server; every
    64th time the other route is tried, so that a cost that changed is noticed.
    """

    _FACTOR, _GAIN, _EVERY, _MOST = 2.0, 0.0003, 64, 4096

    def __init__(self) -> None:
        self._of: dict[Hashable, dict[str, tuple[float, int]]] = {}
        self._turn = 0

    def note(self, shape: Hashable, route: str, seconds: float) -> None:
        """Take a measurement in."""
        routes = self._of.get(shape)
        if routes is None:
            if len(self._of) >= self._MOST:
                # Other threads may be at it too.
                for oldest in tuple(self._of)[:64]:
                    self._of.pop(oldest, None)
            routes = self._of[shape] = {}
        mean, count = routes.get(route, (seconds, 0))
        weight = max(1 / (count + 1), 0.125)
        routes[route] = mean + (seconds - mean) * weight, min(count + 1, 1000)

    def of(self, shape: Hashable, route: str) -> float | None:
        """Return what a route costs in the mean, None before the first time."""
        found = self._of.get(shape, {}).get(route)
        return found[0] if found else None

    def prefers(self, shape: Hashable, server: str, copy: str) -> bool:
        """Whether the server is to be asked although the copy could be."""
        routes = self._of.get(shape, {})
        (cost, count), (other, times) = routes.get(copy, (0.0, 0)), routes.get(server, (0.0, 0))
        if count < 5 or times < 5 or cost < other * self._FACTOR + self._GAIN:
            return False
        self._turn += 1
        return self._turn % self._EVERY != 0

    def order(self, shape: Hashable, routes: Sequence[str]) -> list[str]:
        """Return routes that could all be taken, the cheapest first; one never tried before those tried."""
        of = self._of.get(shape, {})
        out = sorted(routes, key=lambda route: of.get(route, (0.0, 0))[0])
        if len(out) > 1:
            self._turn += 1
            if self._turn % self._EVERY == 0:
                out.append(out.pop(0))
        return out
