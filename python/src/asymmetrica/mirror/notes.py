"""What Redis is told of a table as a whole."""

from __future__ import annotations

from .batch import Command
from .names import Names
from .plan import Plan

__all__ = ["built", "gone"]


def gone(names: Names, table: int, name: str, epoch: int) -> list[Command]:
    """Return the commands by which nobody reads a table or takes its rows over, and these are deleted."""
    return [
        (b"DEL", names.safe(name), names.version(name)),
        (b"HDEL", names.tables, table),
        (b"HDEL", names.counts, table),
        (b"HSET", names.sweeps, name.encode(), epoch + 1),
    ]


def built(names: Names, plan: Plan) -> list[Command]:
    """Return the commands that note a table's place."""
    return [
        (b"SET", names.epoch(plan.table.name), plan.epoch),
        (b"HSET", names.tables, plan.table.id, plan.meta()),
        (b"HSET", names.counts, plan.table.id, plan.count or 0),
    ]
