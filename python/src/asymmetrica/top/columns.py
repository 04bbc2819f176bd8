"""The columns each tile is shown by, the most important first by rank."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .._plain import inline
from .words import Kind, guess

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: where its value is from, how it reads, and how much it matters (1 most)."""

    name: str
    header: str
    kind: Kind = "text"
    rank: int = 5
    least: int = 6
    most: int = 40
    of: Callable[[Row], Any] | None = None

    def value(self, row: Row) -> Any:
        """Return the value of this column in a row."""
        return row.get(self.name) if self.of is None else self.of(row)


def part(row: Row) -> str:
    """Return which part of an object differs: the object itself, or a column, an index, a grant of it."""
    words = [row.get("part"), row.get("name"), row.get("attribute")]
    return " ".join(str(word) for word in words if word)


def change(row: Row) -> str:
    """Return what a part was declared as and what it is."""
    declared, actual = row.get("declared"), row.get("actual")
    if row.get("attribute") is None and (declared is None) != (actual is None):
        return "is gone" if actual is None else "is new"
    return f"{_said(declared)} → {_said(actual)}"


def _said(value: Any) -> str:
    return "nothing" if value is None else inline(value)


def table(row: Row) -> str:
    """Return the name of a mirrored table."""
    return f"{row.get('schema_name')}.{row.get('table_name')}"


def kept(row: Row) -> str | None:
    """Return whether a promise is kept; None where nothing was measured."""
    return None if row.get("met") is None else "yes" if row["met"] else "no"


def statement(row: Row) -> Any:
    """Return the statement of a query; readers see its number only."""
    return row.get("statement") or f"query {row.get('query')} (its text is for operators)"


_STATEMENT = Column("statement", "statement", rank=2, least=20, most=120, of=statement)

COLUMNS: dict[str, tuple[Column, ...]] = {
    "findings": (
        Column("severity", "severity", "state", 1, 8),
        Column("seen", "what is wrong", rank=1, least=24, most=90),
        Column("node", "where", rank=2, least=16, most=50),
        Column("recommended", "do", rank=4, least=20, most=70),
        Column("sonar", "sonar", rank=6),
        Column("last_seen_at", "seen", "time", 3, 9),
        Column("opened_at", "since", "time", 5, 9),
        Column("action", "action", "id", 5),
    ),
    "health_terms": (
        Column("term", "term", rank=1, least=20, most=50),
        Column("value", "value", "score", 1),
        Column("weight", "weight", "score", 2),
        Column("adds", "adds", "score", 1),
        Column("source", "from", rank=3, least=16, most=60),
        Column("query", "rows behind it", rank=4, least=20, most=90),
    ),
    "loops": (
        Column("actor", "actor", rank=1, most=30),
        Column("lane", "lane", rank=1),
        Column("alive", "alive", "state", 1, of=lambda row: "yes" if row.get("alive") else "no"),
        Column("beat_at", "beat", "time", 1, 9),
        Column("rate", "beats/s", "number", 2),
        Column("interval_p50_ms", "p50", "ms", 3),
        Column("interval_p99_ms", "p99", "ms", 3),
        Column("work_mean_ms", "work", "ms", 3),
        Column("missed_last_minute", "missed", "number", 4),
        Column("paused", "paused", rank=3, most=50),
        Column("version", "version", rank=6),
    ),
    "organs": (
        Column("name", "organ", rank=1, least=12, most=30),
        Column("lane", "lane", rank=4),
        Column("last_run_at", "ran", "time", 1, 9),
        Column("mean_ms", "mean", "ms", 2),
        Column("last_ms", "last", "ms", 3),
        Column("share", "share", "share", 3),
        Column("cadence", "each", "seconds", 3),
        Column("failures", "failed", "number", 2),
        Column("enabled", "on", rank=4, least=3),
        Column("runs", "runs", "number", 5),
        Column("purpose", "what for", rank=4, least=20, most=90),
    ),
    "alerts": (
        Column("severity", "severity", "state", 1, 8),
        Column("about", "about", rank=1, least=16, most=50),
        Column("seen", "what", rank=1, least=20, most=90),
        Column("opened_at", "opened", "time", 2, 9),
        Column("closed_at", "closed", "time", 3, 9),
        Column("sent", "sent", "number", 4),
        Column("waiting", "waits", "number", 4),
        Column("dead", "given up", "number", 4),
        Column("outcome", "outcome", rank=5, most=40),
    ),
    "doctor": (
        Column("status", "status", "state", 1, 7),
        Column("check_name", "check", rank=1, least=14, most=40),
        Column("seen", "seen", rank=2, least=20, most=70),
        Column("remedy", "remedy", rank=3, least=20, most=90),
    ),
    "promises": (
        Column("met", "kept", "state", 1, 4, of=kept),
        Column("promise", "promise", rank=1, least=24, most=60),
        Column("target", "target", rank=2, most=30),
        Column("measured", "measured", "number", 1),
        Column("unit", "unit", rank=2, least=4, most=20),
        Column("note", "note", rank=3, least=20, most=90),
    ),
    "fleet_members": (
        Column("name", "database", rank=1, least=12),
        Column("agrees_with", "agrees with", rank=1, least=16, most=60),
        Column("fingerprint", "fingerprint", rank=3, least=12, most=64),
        Column("seen_at", "asked", "time", 2, 9),
        Column("changed_at", "changed", "time", 2, 9),
        Column("label", "label", rank=5),
    ),
    "drift": (
        Column("object", "object", rank=1, least=22, most=60),
        Column("part", "part", rank=1, least=15, most=40, of=part),
        Column("state", "state", "state", 1, 8),
        Column("change", "declared → is", rank=3, least=14, most=60, of=change),
        Column("noticed_at", "noticed", "time", 2, 9),
        Column("role", "who", rank=2, least=8, most=24),
        Column("policy", "policy", rank=4, least=7),
        Column("action", "action", "id", 3),
        Column("hazards", "hazards", rank=4, most=40),
        Column("repair", "repair", rank=5, least=20, most=90),
        Column("reason", "reason", rank=5, least=12, most=50),
        Column("application", "application", rank=7, most=24),
        Column("resolved_at", "over", "time", 6, 9),
    ),
    "actions": (
        Column("id", "id", "id", 1, 2),
        Column("kind", "kind", rank=2, least=12, most=16),
        Column("target", "target", rank=1, least=16, most=50),
        Column("state", "state", "state", 1, 8),
        Column("changed_at", "changed", "time", 1, 9),
        Column("statements", "statements", rank=3, least=20, most=90),
        Column("hazards", "hazards", rank=3, least=8, most=40),
        Column("reason", "reason", rank=4, least=14, most=60),
        Column("requested_by", "asked by", rank=5, most=24),
        Column("applied_by", "applied by", rank=5, most=24),
        Column("duration_ms", "took", "ms", 5),
        Column("tries", "tries", "number", 6),
    ),
    "advice": (
        Column("action", "action", "id", 2, 2),
        Column("kind", "kind", rank=3, least=12, most=16),
        Column("target", "table", rank=1, least=14, most=40),
        Column("state", "state", "state", 1, 8),
        Column("predicted_ms_per_hour", "predicted", "hour", 1),
        Column("measured_ms_per_hour", "measured", "hour", 2),
        Column("size_bytes", "size", "bytes", 3),
        Column("definition", "definition", rank=2, least=20, most=90,
               of=lambda row: row.get("definition") or row.get("index")),
        Column("why", "why", rank=4, least=20, most=80),
        Column("reason", "reason", rank=5, least=14, most=60),
        Column("progress", "progress", rank=4, most=40),
        Column("changed_at", "changed", "time", 5, 9),
    ),
    "queries": (
        Column("query", "id", "id", 3, 2),
        Column("share", "share", "share", 1),
        Column("exec_ms", "total", "ms", 1),
        Column("mean_ms", "mean", "ms", 1),
        Column("calls", "calls", "number", 1),
        _STATEMENT,
        Column("rows", "rows", "number", 4),
        Column("role", "role", rank=4, most=24),
        Column("blocks_read", "read", "number", 5),
        Column("temp_blocks", "temp", "number", 6),
        Column("not_planned", "not planned", rank=6, most=40),
        Column("last_seen", "seen", "time", 5, 9),
    ),
    "latency": (
        Column("query", "id", "id", 3, 2),
        Column("p50_ms", "p50", "ms", 2),
        Column("p95_ms", "p95", "ms", 1),
        Column("p99_ms", "p99", "ms", 1),
        Column("mean_ms", "mean", "ms", 1),
        Column("max_ms", "max", "ms", 3),
        Column("calls", "calls", "number", 2),
        _STATEMENT,
        Column("source", "source", rank=3, most=24),
        Column("route", "route", rank=4),
        Column("role", "role", rank=5, most=24),
    ),
    "tables": (
        Column("object", "table", rank=1, least=16, most=60),
        Column("bytes", "size", "bytes", 1),
        Column("rows", "rows", "number", 1),
        Column("dead_share", "dead", "share", 1),
        Column("scans", "scans", "number", 2),
        Column("index_scans", "by index", "number", 2),
        Column("written", "written", "number", 2),
        Column("hot_share", "HOT", "share", 3),
        Column("last_vacuum", "vacuum", "time", 3, 9),
        Column("last_analyze", "analyze", "time", 4, 9),
        Column("policy", "policy", rank=3, least=7),
        Column("drifted", "drifted", "number", 3),
    ),
    "lock_waits": (
        Column("pid", "pid", "id", 1),
        Column("role", "role", rank=1, most=24),
        Column("waits_for", "waits for", rank=1, least=16, most=60),
        Column("waiting", "since", "seconds", 1),
        Column("blocked_by", "blocked by", rank=1, least=8, most=30),
        Column("blocks", "blocks", "number", 1),
        Column("state", "state", rank=3, most=24),
        Column("application", "application", rank=4, most=24),
        Column("in_transaction", "in transaction", "seconds", 2),
    ),
    "mirror": (
        Column("object", "table", rank=1, least=16, most=60),
        Column("state", "state", "state", 1, 9),
        Column("lag", "behind", "seconds", 1),
        Column("lag_bytes", "WAL", "bytes", 2),
        Column("rows", "rows", "number", 1),
        Column("applied_at", "applied", "time", 3, 9),
        Column("error", "error", rank=2, least=16, most=70),
        Column("cause", "epoch because", rank=4, most=50),
        Column("epoch", "epoch", "number", 4),
        Column("format", "format", rank=6),
        Column("ttl", "lives", "seconds", 6),
        Column("mirrored_by", "by", rank=7, most=24),
    ),
    "mirror_reads": (
        Column("table", "table", rank=1, least=16, most=60, of=table),
        Column("hit_rate", "hit rate", "share", 1),
        Column("hits", "hits", "number", 1),
        Column("misses", "misses", "number", 1),
        Column("refused", "refused", "number", 3),
        Column("saved", "saved", "seconds", 2),
        Column("spent", "spent", "seconds", 3),
        Column("bytes", "bytes", "bytes", 3),
        Column("queries", "queries", "number", 4),
    ),
}  # fmt: skip


def columns_of(tile: str, names: tuple[str, ...]) -> tuple[Column, ...]:
    """Return the columns a tile is shown by: ours as far as they are there, else all of it by their names."""
    known = tuple(column for column in COLUMNS.get(tile, ()) if column.of or column.name in names)
    return known or tuple(
        Column(name, name.replace("_", " "), guess(name), place) for place, name in enumerate(names, 1)
    )
