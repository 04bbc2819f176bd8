"""Builds tables in Redis anew from a slot's snapshot, under an epoch of their own."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection
from typing import Any

import psycopg
from psycopg import sql

from ..errors import translate
from .batch import Command
from .catalog import Types
from .control import registry
from .lines import BadRow, taker
from .notes import built, gone
from .plan import Plan
from .points import point
from .snapshot import ROWS, Slot, Work, copy_lines, session
from .store import Store

__all__ = ["RETRY", "build", "complete"]

# A table that can't be read is tried again after so many seconds.
RETRY = 10.0


def build(
    conninfo: str,
    secrets: tuple[str, ...],
    slot: Slot,
    store: Store,
    wanted: Collection[int] | None,
    plans: list[Plan],
    rows: int = ROWS,
) -> Work[None]:
    """Copy the wanted tables (all, if None) as they are in the snapshot; `plans` tells what became of each.

    A table that was copied is noted nowhere before complete() is called for it.
    """
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
                        yield from _build_one(connection, plan, slot, store, types, rows)
    except psycopg.Error as error:
        raise translate(error, secrets) from None


def _build_one(
    connection: psycopg.Connection[Any], plan: Plan, slot: Slot, store: Store, types: Types, rows: int
) -> Work[None]:
    names, table = store.names, plan.table
    before = store.ask((b"GET", names.epoch(table.name)))[0]
    # Without its epoch there may still be rows: those of a mirror that was deleted in part.
    last = int(before) if before is not None else store.highest(table.name)
    plan.first = last == 0
    plan.rebase(table.epoch if table.epoch > last else last + 1)
    plan.start = slot.lsn
    # The epoch is noted first: what is cut short is deleted, and the next attempt takes another.
    write = gone(names, table.id, table.name, plan.epoch)
    store.write([*write, (b"SET", names.epoch(table.name), plan.epoch)])
    try:
        with connection.transaction():
            yield from _copy(connection, plan, store, types, rows)
    except (psycopg.Error, BadRow) as error:
        if connection.closed or connection.broken:
            raise
        told = error.diag.message_primary if isinstance(error, psycopg.Error) else str(error)
        plan.state, plan.error, plan.retry = "error", told, time.monotonic() + RETRY
        return
    point("copied")
    plan.state = "built"
    store.write([(b"SET", plan.version, plan.start)])


def _copy(
    connection: psycopg.Connection[Any], plan: Plan, store: Store, types: Types, rows: int
) -> Work[None]:
    names, taken = taker(plan, types, connection)
    table = plan.table
    expiry = int(table.ttl * 1000) if table.ttl else 0
    with contextlib.closing(copy_lines(connection, table, names, rows)) as chunks:
        for lines in chunks:
            if not lines:
                yield connection.pgconn.socket
                continue
            plan.count = (plan.count or 0) + len(lines)
            few, large = taken.split(lines)
            plan.large.update(key.encode() for key in large)
            found = taken.take(few) if few else []
            commands: list[Command] = []
            if table.format == "hash":
                for key, fields in found:
                    if fields:
                        commands.append((b"HSET", key, *(word for pair in fields.items() for word in pair)))
                        commands += [(b"PEXPIRE", key, expiry)] * bool(expiry)
            elif expiry:
                commands += [(b"SET", key, text, b"PX", expiry) for key, text in found]
            elif found:
                commands.append((b"MSET", *(word for pair in found for word in pair)))
            store.send(commands)
            point("copying")
            yield None
    store.settle()


def complete(plan: Plan, store: Store, reached: int) -> None:
    """Note that a table is as it was at this position; not yet that it is safe: DDL may have come."""
    plan.start = reached
    names, table = store.names, plan.table.name.encode()
    # Rows of former epochs are looked for among all keys there are, so not where there can be none.
    sweep = (b"HDEL", names.sweeps, table) if plan.first else (b"HSET", names.sweeps, table, plan.epoch)
    # What was read after the snapshot counts as a change: it need not be visible everywhere yet.
    store.write([*built(names, plan), (b"SET", plan.version, reached), sweep])
