"""Methods for the sonars: health, what is wrong, and promises."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from . import _sql
from ._session_async import AsyncSession
from .rows import (
    Balance,
    EncoreSettings,
    EntityStates,
    Finding,
    Health,
    Knowledge,
    Leverage,
    Metric,
    Point,
    Promise,
    Reading,
    Replay,
    ScoreTerm,
    Smoothness,
    TrackedState,
)

HOUR = timedelta(hours=1)


class AsyncSonars:
    """The functions of schema asymm that measure health. A `span` lies between 10 seconds and 7 days."""

    _session: AsyncSession

    async def health(self, *, span: timedelta = HOUR) -> Health:
        """Return 0.5 UX + 0.25 Semantic + 0.25 State over a span. Raises `InvalidArgument`."""
        return (await self._session.rows(Health, _sql.HEALTH, {"span": span}))[0]

    async def balance(self, *, span: timedelta = HOUR) -> Balance:
        """Return how even health is over a span. Raises `InvalidArgument`."""
        return (await self._session.rows(Balance, _sql.BALANCE, {"span": span}))[0]

    async def sonar(self, *, span: timedelta = HOUR) -> list[Reading]:
        """Return the scores over a span, then what is wrong now, worst first. Raises `InvalidArgument`."""
        return await self._session.rows(Reading, _sql.SONAR, {"span": span})

    async def ux_sonar(self, *, span: timedelta = HOUR, by: str = "all") -> list[Smoothness]:
        """Return how smoothly queries answer, summed up by all, query, entity or role.

        Raises `InvalidArgument`.
        """
        return await self._session.rows(Smoothness, _sql.UX_SONAR, {"span": span, "by": by})

    async def validate(self, *, span: timedelta = HOUR) -> list[Promise]:
        """Return every promise with what is measured on this database. Raises `InvalidArgument`."""
        return await self._session.rows(Promise, _sql.VALIDATE, {"span": span})

    async def track_state(self, target: str, *, columns: Sequence[str] | None = None) -> TrackedState:
        """Have the states of a table's rows observed; by default of the columns that look like it.

        Raises `UnknownTable`, `WrongKind`, `InvalidArgument`, `NotAllowed`.
        """
        values = {"target": target, "columns": None if columns is None else list(columns)}
        return (await self._session.rows(TrackedState, _sql.TRACK_STATE, values))[0]

    async def untrack_state(self, target: str) -> bool:
        """End that; False when it was not observed. Raises `NotAllowed`."""
        return bool(await self._session.value(_sql.UNTRACK_STATE, {"target": target}))

    async def state_sonar(self, *, target: str | None = None) -> list[EntityStates]:
        """Return what is known of the states of tracked tables, all or one (schema.table), worst first."""
        return await self._session.rows(EntityStates, _sql.STATE_SONAR, {"target": target})

    async def findings(self, *, node: str | None = None) -> list[Finding]:
        """Return what is wrong now, all or of a node, worst first (view asymm.findings)."""
        return await self._session.rows(Finding, _sql.FINDINGS, {"node": node})

    async def leverage(self) -> list[Leverage]:
        """Return three measured ratios beside their targets: reads by a copy, new indexes, the workload."""
        return await self._session.rows(Leverage, _sql.LEVERAGE)

    async def explain_score(self, name: str = "shm", *, span: timedelta = HOUR) -> list[ScoreTerm]:
        """Return what a score is made of: shm, ux, semantic, support, balance, play, knowledge.

        Raises `UnknownObject`, `InvalidArgument`.
        """
        return await self._session.rows(ScoreTerm, _sql.EXPLAIN_SCORE, {"name": name, "span": span})

    async def configure_encore(
        self,
        *,
        encore: bool | None = None,
        owner_texts: bool | None = None,
        time_limit: timedelta | None = None,
        replay_every: timedelta | None = None,
        max_active_sessions: int | None = None,
    ) -> EncoreSettings:
        """Consent to replays of statements of the past, or set their limits; None leaves one as it is.

        Raises `InvalidArgument`.
        """
        values = {
            "encore": encore,
            "owner_texts": owner_texts,
            "time_limit": time_limit,
            "replay_every": replay_every,
            "max_active_sessions": max_active_sessions,
        }
        return (await self._session.rows(EncoreSettings, _sql.CONFIGURE_ENCORE, values))[0]

    async def replays(self, *, query: int | None = None, limit: int = 100) -> list[Replay]:
        """Return what was replayed last, all or of one query (view asymm.replays)."""
        return await self._session.rows(Replay, _sql.REPLAYS, {"query": query, "limit": limit})

    async def knowledge(self, *, span: timedelta = timedelta(days=7)) -> Knowledge:
        """Return what experiments brought in 10 seconds to 30 days. Raises `InvalidArgument`."""
        return (await self._session.rows(Knowledge, _sql.KNOWLEDGE, {"span": span}))[0]

    async def metrics(self) -> list[Metric]:
        """Return what is measured over time (view asymm.metrics)."""
        return await self._session.rows(Metric, _sql.METRICS)

    async def series(
        self,
        metric: str,
        *,
        since: datetime | None = None,
        until: datetime | None = None,
        bucket: timedelta | None = None,
        node: str | None = None,
    ) -> list[Point]:
        """Return a metric over time, of one node or of all; by default of the last hour.

        Raises `UnknownObject`, `InvalidArgument`.
        """
        values = {"metric": metric, "since": since, "until": until, "bucket": bucket, "node": node}
        return await self._session.rows(Point, _sql.SERIES, values)
