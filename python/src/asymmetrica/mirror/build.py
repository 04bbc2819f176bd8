"""Builds tables in Redis anew from a slot's snapshot, under an epoch of their own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Collection
from typing import Any

import psycopg
from psycopg import sql

from ..errors import translate
from .apply import gone
from .batch import Command
from .catalog import Types
from .control import registry
from .names import Names
from .plan import Plan
from .points import point
from .snapshot import BadRow, Slot, copy_table, session
from .store import Store

__all__ = ["RETRY", "build", "built"]

# A table that can't be read is tried again after so many seconds.
RETRY = 10.0


def build(
    conninfo: str,
    secrets: tuple[str, ...],
    slot: Slot,
    store: Store,
    wanted: Collection[int] | None,
    tick: Callable[[Plan], None],
) -> list[Plan]:
    """Copy the wanted tables (all, if None) as they are in the snapshot; return what became of each.

    None is noted in Redis yet, by built(): others may have to catch up with the stream first.
    """
    plans: list[Plan] = []
    try:
        made = session(conninfo, "asymmetrica mirror copy", " -c lock_timeout=3s")
        with contextlib.closing(made) as connection:
            connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            connection.execute(sql.SQL("SET TRANSACTION SNAPSHOT {}").format(sql.Literal(slot.snapshot)))
            types = Types(connection)
            for table in registry(connection):
                if wanted is None or table.id in wanted:
                    plan = Plan(table, store.names)
                    plans.append(plan)
                    if table.error is None:
                        _build_one(connection, plan, slot, store, types, tick)
    except psycopg.Error as error:
        raise translate(error, secrets) from None
    return plans


def _build_one(
    connection: psycopg.Connection[Any],
    plan: Plan,
    slot: Slot,
    store: Store,
    types: Types,
    tick: Callable[[Plan], None],
) -> None:
    names, table = store.names, plan.table
    before = store.ask((b"GET", names.epoch(table.name)))[0]
    # Without its epoch there may still be rows: those of a mirror that was deleted in part.
    last = int(before) if before is not None else store.highest(table.name)
    plan.rebase(table.epoch if table.epoch > last else last + 1)
    plan.start = slot.lsn

    def progress(count: int) -> None:
        plan.count = count
        point("copying")
        tick(plan)

    # The epoch is noted first: should this be cut short, the next attempt takes another.
    write = gone(names, table.id, table.name, plan.epoch - 1)
    store.write([*write, (b"SET", names.epoch(table.name), plan.epoch)])
    try:
        with connection.transaction():
            plan.count = copy_table(connection, plan, store, types, progress)
    except (psycopg.Error, BadRow) as error:
        if connection.closed or connection.broken:
            raise
        told = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        plan.state, plan.error, plan.retry = "error", told, time.monotonic() + RETRY
        return
    point("copied")
    plan.state = "built"
    store.write([(b"SET", plan.version, plan.start)])


def built(names: Names, plan: Plan) -> list[Command]:
    """Return the commands that note a table's place."""
    return [
        (b"SET", names.epoch(plan.table.name), plan.epoch),
        (b"HSET", names.tables, plan.table.id, plan.meta()),
        (b"HSET", names.counts, plan.table.id, plan.count),
    ]
