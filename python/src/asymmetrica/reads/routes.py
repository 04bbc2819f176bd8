"""Which route is taken: those that fail rest for a while, and of the others the measured cost decides."""

from __future__ import annotations

import random
import time
from collections.abc import Hashable, Sequence

from ..algebra.arbitration import weigh
from ..errors import ConnectionFailed

__all__ = ["Breaker", "Costs", "Standing"]

_PERIOD = 11 / 54
_STEPS = 8
# Of one query on one route the circuit is open for 16 periods at most.
_FEW_STEPS = 4


class Breaker:
    """Closed while a route works. After a failure it is open for 203.7 ms times 2^k, or by chance less.

    Then one call may try (half-open): its success closes it, its failure opens it for longer.
    """

    def __init__(self, steps: int = _STEPS) -> None:
        self.failures = 0
        self.until = 0.0
        self._steps = steps

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
        longest = _PERIOD * 2 ** min(self.failures, self._steps)
        self.failures += 1
        self.until = time.monotonic() + random.uniform(0.25, 1.0) * longest

    def worked(self) -> None:
        """Note a success."""
        self.failures = 0


class Standing:
    """How a route stands with a query.

    `success` is the share of attempts that it answered, lately; `seconds` its mean, None before the first;
    `score` what arbitration gives it; `open`, as a circuit is: it is left alone.
    """

    __slots__ = ("open", "route", "score", "seconds", "success")

    def __init__(
        self, route: str, success: float, seconds: float | None, score: float, *, open: bool
    ) -> None:
        self.route, self.success, self.seconds = route, success, seconds
        self.score, self.open = score, open

    def __repr__(self) -> str:
        return f"<Standing of {self.route}: {self.score:.3f}{', left alone' if self.open else ''}>"


class Trouble:
    """A query that failed on a route: how much of it succeeds lately, and its circuit."""

    __slots__ = ("attempts", "breaker", "success")

    def __init__(self) -> None:
        self.success = 1.0
        self.attempts = 0
        self.breaker = Breaker(_FEW_STEPS)

    def attempt(self, outcome: float) -> None:
        """Note one."""
        self.attempts += 1
        self.success += (outcome - self.success) * 0.125


class Costs:
    """Moving averages of seconds by shape of query and route.

    A copy is left for Postgres only where that is much cheaper, since the copy also spares the server; every
    64th time the other route is tried, so that a cost that changed is noticed.

    Once a query failed on a route, its routes are arbitrated as annotations are that disagree: each has two
    witnesses, how often it answered and how fast. The circuit of one that failed and lost is opened.
    """

    _FACTOR, _GAIN, _EVERY, _MOST = 2.0, 0.0003, 64, 4096
    # How much the witnesses count: an answer that does not come is worse than one that comes late.
    _SUCCESS, _SPEED = 3.0, 1.0

    def __init__(self) -> None:
        self._of: dict[Hashable, dict[str, tuple[float, int]]] = {}
        self._turn = 0
        self._troubles: dict[tuple[Hashable, str], Trouble] = {}

    def note(self, shape: Hashable, route: str, seconds: float) -> None:
        """Take in how long a route took to answer."""
        if self._troubles:
            self._worked(shape, route)
        self._measured(shape, route, seconds)

    def _measured(self, shape: Hashable, route: str, seconds: float) -> None:
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

    def _worked(self, shape: Hashable, route: str) -> None:
        trouble = self._troubles.get((shape, route))
        if trouble is not None:
            trouble.attempt(1.0)
            trouble.breaker.worked()
            if trouble.success > 0.99:
                self._troubles.pop((shape, route), None)

    def failed(self, shape: Hashable, route: str, lost: float | None = None) -> None:
        """Note that a route did not answer, and how many seconds that cost; one that loses is left alone."""
        if len(self._troubles) >= self._MOST:
            self._troubles.clear()
        trouble = self._troubles.setdefault((shape, route), Trouble())
        trouble.attempt(0.0)
        if lost is not None:
            self._measured(shape, route, lost)
        if self.standings(shape)[0].route != route:
            trouble.breaker.failed()

    def allows(self, shape: Hashable, route: str) -> bool:
        """Whether a query may try a route now, by its own circuit; the next who asks waits for this try."""
        trouble = self._troubles.get((shape, route)) if self._troubles else None
        return trouble is None or trouble.breaker.allows()

    def rests(self, shape: Hashable, route: str) -> bool:
        """Whether a query may not try a route now."""
        trouble = self._troubles.get((shape, route)) if self._troubles else None
        return trouble is not None and trouble.breaker.rests()

    def standings(self, shape: Hashable) -> list[Standing]:
        """Return the routes that a query took or tried, the winner of the arbitration first."""
        routes = dict(self._of.get(shape, {}))
        troubled = {route: trouble for (of, route), trouble in tuple(self._troubles.items()) if of == shape}
        best = min((mean for mean, _ in routes.values()), default=0.0)
        out = []
        for route in dict.fromkeys((*routes, *troubled)):
            mean, count = routes.get(route, (None, 0))
            trouble = troubled.get(route)
            success = 1.0 if trouble is None else trouble.success
            attempts = count if trouble is None else max(count, trouble.attempts)
            said = [(success, attempts / (attempts + 1), self._SUCCESS)]
            if mean is not None:
                said.append((best / mean if mean > 0 else 1.0, count / (count + 1), self._SPEED))
            open_now = trouble is not None and trouble.breaker.rests()
            out.append(Standing(route, success, mean, weigh(said) or 0.0, open=open_now))
        return sorted(out, key=lambda standing: -standing.score)

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
        if self._troubles and any((shape, route) in self._troubles for route in routes):
            scores = {standing.route: standing.score for standing in self.standings(shape)}
            out.sort(key=lambda route: -scores.get(route, 1.0))
            return out
        if len(out) > 1:
            self._turn += 1
            if self._turn % self._EVERY == 0:
                out.append(out.pop(0))
        return out
