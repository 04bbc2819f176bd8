"""What the worker counts, and the endpoint at which Prometheus fetches it.

The endpoint has a thread of its own: it only reads, and copies what may grow meanwhile.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..errors import ConnectionFailed

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

    from .session import Session

__all__ = ["Endpoint", "Metrics"]

_STATES = ("live", "building", "unsafe")
# By the name of the event that is counted.
_EVENTS = {
    "failed": ("failures", "Attempts that failed: connections that broke, tables that could not be built"),
    "built": ("builds", "Copies of tables that were made anew"),
    "unsafe": ("unsafe", "Times a table, or all of them, could not be read any more"),
    "leading": ("leads", "Times this worker took the lead"),
}
_COUNTS = {
    "transactions": "Transactions of Postgres that were applied",
    "changes": "Changes of rows that came with the stream",
    "dropped": "Rows whose keys were deleted since they were too large or not known whole",
    "batches": "Transactions of Redis",
}


class Metrics:
    """Counts over the whole life of a worker."""

    def __init__(self) -> None:
        self._events: Counter[str] = Counter()
        # What it does now, while it leads, and what those before counted; replaced together.
        self._now: tuple[Session | None, Counter[str]] = (None, Counter())

    def note(self, what: str) -> None:
        """Count an event."""
        self._events[what] += 1

    def begin(self, session: Session) -> None:
        """Look at this session from now on."""
        self._now = session, self._now[1]

    def end(self) -> None:
        """Keep what it counted."""
        self._now = None, self._counters(*self._now)

    @staticmethod
    def _counters(session: Session | None, before: Counter[str]) -> Counter[str]:
        applier = getattr(session, "applier", None)
        return before + Counter(applier.counters.copy() if applier is not None else {})

    def collect(self) -> Iterator[Metric]:
        """Yield what Prometheus is told."""
        from prometheus_client.core import CounterMetricFamily

        session, before = self._now
        counters = self._counters(session, before)
        yield _gauge("leader", "1 while this worker leads, 0 while it does not", session is not None)
        if session is not None:
            yield from _state(session)
        for name, said in _COUNTS.items():
            yield CounterMetricFamily(f"asymmetrica_mirror_{name}", said, value=counters[name])
        for event, (name, said) in _EVENTS.items():
            yield CounterMetricFamily(f"asymmetrica_mirror_{name}", said, value=self._events[event])


def _gauge(name: str, said: str, value: float | None = None, *labels: str) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    return GaugeMetricFamily(f"asymmetrica_mirror_{name}", said, value=value, labels=labels or None)


def _state(session: Session) -> Iterator[Metric]:
    fresh = getattr(session, "fresh", None)
    if fresh is not None:
        behind = max(fresh.end - session.unacknowledged, 0)
        yield _gauge("lag_bytes", "WAL that Redis was behind at the last look", behind)
        if fresh.level is not None:
            passed = max(time.monotonic() - fresh.level, 0.0)
            yield _gauge("lag_seconds", "How long ago Redis was known to hold all that was committed", passed)
    plans = (session.plans | {plan.table.id: plan for plan in tuple(session.building)}).values()
    reports = [(plan.table.name, plan.report()) for plan in plans]
    tables, rows = _gauge("tables", "Tables by state", None, "state"), _gauge("rows", "Rows", None, "table")
    for state in _STATES:
        tables.add_metric([state], sum(report["state"] == state for _, report in reports))
    for name, report in reports:
        if report["counted"]:
            rows.add_metric([name], report["rows"] or 0)
    yield from (tables, rows)


class Endpoint:
    """Answers GET /metrics until it is closed."""

    def __init__(self, metrics: Metrics, host: str, port: int) -> None:
        from prometheus_client import CollectorRegistry, start_http_server

        registry = CollectorRegistry(auto_describe=False)
        source: Any = metrics
        registry.register(source)
        try:
            self._server, self._thread = start_http_server(port, host, registry)
        except OSError as error:
            raise ConnectionFailed(f"nobody can ask for metrics at {host} port {port}: {error}") from None
        self.port: int = self._server.server_port

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
