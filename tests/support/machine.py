"""Half of a state machine: two tables are written by readers and by others, and a model with them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

import asymmetrica
from support.history import History, Seen, State
from support.mirror import Mirror

KEYS = st.integers(1, 6)
WRITERS = st.sampled_from(("near", "far", "elsewhere", "elsewhere"))


class World:
    """Servers that outlive the examples; `standbys` are read by the second reader."""

    def __init__(self, mirror: Mirror, standbys: list[str]) -> None:
        self.mirror = mirror
        self.history = History()
        url = mirror.server.url
        self.readers = {
            "near": asymmetrica.connect(mirror.db.dsn, redis=url),
            "far": asymmetrica.connect(mirror.db.dsn, redis=url, near_cache_bytes=0, replicas=standbys),
        }
        self.seen = {name: Seen(self.history) for name in self.readers}
        self.version = 0
        self.routes: dict[str, int] = {}

    def close(self) -> None:
        for reader in self.readers.values():
            reader.close()


class Writes(RuleBasedStateMachine):
    """Writes come from the readers themselves and from elsewhere; each has its own number."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.mirror, self.history = world, world.mirror, world.history

    def start(self, point: str) -> None:
        """Start another worker in the place of the one there was."""
        raise NotImplementedError

    def wrote(self, state: State, writer: str) -> None:
        lsn = self.mirror.db.value("SELECT pg_current_wal_insert_lsn()::text")
        self.history.add(state, lsn)
        if writer in self.world.seen:
            self.world.seen[writer].wrote()

    def run(self, writer: str, *statements: str) -> None:
        """Run statements, more than one in a transaction."""
        if writer in self.world.readers:
            reader = self.world.readers[writer]
            if len(statements) == 1:
                reader.execute(statements[0])
                return
            with reader.transaction() as work:
                for statement in statements:
                    work.execute(statement)
            return
        with self.mirror.db.own.transaction():
            for statement in statements:
                self.mirror.db.sql(statement)

    def number(self) -> int:
        self.world.version += 1
        return self.world.version

    def row(self, key: int, large: bool) -> tuple[dict[str, Any], str]:
        """Return a new row and the statement that inserts it."""
        n, v = self.number(), "v" * 3000 if large else "v"
        values = {"id": key, "n": n, "v": v}
        row = {column: values.get(column) for column in self.history.now.columns}
        named = ", ".join(name for name in values if name in row)
        listed = ", ".join(repr(value) for name, value in values.items() if name in row)
        return row, f"INSERT INTO public.t ({named}) VALUES ({listed})"

    def there(self) -> bool:
        return bool(self.history.commits) and self.history.now.there

    @initialize(form=st.sampled_from(("json", "hash")), full=st.booleans())
    def begin(self, form: str, full: bool) -> None:
        """The tables have the names of those of the example before."""
        db = self.mirror.db
        for table in ("t", "u"):
            if db.value(f"SELECT EXISTS (SELECT FROM asymm.mirror_status() WHERE object = 'public.{table}')"):
                db.sql(f"SELECT asymm.unmirror('public.{table}')")
        db.sql("DROP TABLE IF EXISTS t, away, u")
        db.sql("CREATE TABLE t (id int PRIMARY KEY, n int, v text)")
        db.sql("ALTER TABLE t ALTER v SET STORAGE EXTERNAL")
        db.sql(f"ALTER TABLE t REPLICA IDENTITY {'FULL' if full else 'DEFAULT'}")
        db.sql("CREATE TABLE u (id int PRIMARY KEY, n int)")
        db.sql("INSERT INTO u VALUES (1, 0)")
        self.mirror.mirror("t", f", format => '{form}'")
        self.mirror.mirror("u")
        self.wrote(State(u={1: 0}), "nobody")
        self.start("")

    @precondition(there)
    @rule(writer=WRITERS, key=KEYS, large=st.booleans())
    def put(self, writer: str, key: int, large: bool) -> None:
        now, (row, insert) = self.history.now, self.row(key, large)
        self.run(writer, f"DELETE FROM public.t WHERE id = {key}", insert)
        self.wrote(now.changed({key: row}), writer)

    @precondition(there)
    @rule(writer=WRITERS, key=KEYS)
    def update(self, writer: str, key: int) -> None:
        now, n = self.history.now, self.number()
        self.run(writer, f"UPDATE public.t SET n = {n} WHERE id = {key}")
        self.wrote(now.changed({key: {**now.t[key], "n": n}} if key in now.t else {}), writer)

    @precondition(there)
    @rule(writer=WRITERS)
    def update_all(self, writer: str) -> None:
        now, n = self.history.now, self.number()
        self.run(writer, f"UPDATE public.t SET n = {n}", f"UPDATE public.u SET n = {n}")
        state = now.changed({key: {**row, "n": n} for key, row in now.t.items()})
        self.wrote(replace(state, u={1: n}), writer)

    @precondition(there)
    @rule(writer=WRITERS, key=KEYS)
    def delete(self, writer: str, key: int) -> None:
        self.run(writer, f"DELETE FROM public.t WHERE id = {key}")
        self.wrote(self.history.now.changed({key: None}), writer)

    @precondition(there)
    @rule(writer=WRITERS, key=KEYS, other=KEYS)
    def move(self, writer: str, key: int, other: int) -> None:
        """Another key, in the place of the row that had it."""
        now = self.history.now
        if key == other or key not in now.t:
            return
        self.run(
            writer,
            f"DELETE FROM public.t WHERE id = {other}",
            f"UPDATE public.t SET id = {other} WHERE id = {key}",
        )
        self.wrote(now.changed({key: None, other: {**now.t[key], "id": other}}), writer)

    @precondition(there)
    @rule(writer=WRITERS, key=KEYS)
    def truncate(self, writer: str, key: int) -> None:
        now, (row, insert) = self.history.now, self.row(key, False)
        self.run(writer, f"UPDATE public.t SET n = {row['n']}", "TRUNCATE public.t", insert)
        self.wrote(replace(now, t={key: row}), writer)

    @precondition(there)
    @rule(writer=WRITERS, keep=st.booleans())
    def many(self, writer: str, keep: bool) -> None:
        """More than goes to Redis at once, and then perhaps none of it."""
        now, n = self.history.now, self.number()
        statements = ["INSERT INTO public.t (id, n) SELECT g, 0 FROM generate_series(1001, 6000) g",
                      f"UPDATE public.t SET n = {n}", "DELETE FROM public.t WHERE id > 1000"]  # fmt: skip
        if not keep:
            self.run(writer, "SAVEPOINT before", *statements, "ROLLBACK TO before", "SELECT 1")
            return
        self.run(writer, *statements)
        self.wrote(now.changed({key: {**row, "n": n} for key, row in now.t.items()}), writer)

    # DDL

    @precondition(there)
    @rule(writer=WRITERS)
    def column(self, writer: str) -> None:
        """Add a column whose default no event tells, or drop it."""
        now = self.history.now
        if "extra" in now.columns:
            self.run(writer, "ALTER TABLE public.t DROP COLUMN extra")
            t = {key: {c: v for c, v in row.items() if c != "extra"} for key, row in now.t.items()}
            self.wrote(replace(now, columns=tuple(c for c in now.columns if c != "extra"), t=t), writer)
        else:
            self.run(writer, "ALTER TABLE public.t ADD COLUMN extra int DEFAULT NULL",
                     "UPDATE public.t SET extra = id")  # fmt: skip
            t = {key: {**row, "extra": key} for key, row in now.t.items()}
            self.wrote(replace(now, columns=(*now.columns, "extra"), t=t), writer)

    @precondition(there)
    @rule(writer=WRITERS)
    def rename_column(self, writer: str) -> None:
        now = self.history.now
        old, new = ("v", "w") if "v" in now.columns else ("w", "v")
        self.run(writer, f"ALTER TABLE public.t RENAME COLUMN {old} TO {new}")
        t = {key: {new if c == old else c: v for c, v in row.items()} for key, row in now.t.items()}
        self.wrote(replace(now, columns=tuple(new if c == old else c for c in now.columns), t=t), writer)

    @precondition(lambda self: bool(self.history.commits))
    @rule(writer=WRITERS)
    def rename(self, writer: str) -> None:
        now = self.history.now
        old, new = ("t", "away") if now.there else ("away", "t")
        self.run(writer, f"ALTER TABLE public.{old} RENAME TO {new}")
        self.wrote(replace(now, there=not now.there), writer)

    @precondition(there)
    @rule(writer=WRITERS, on=st.booleans())
    def row_security(self, writer: str, on: bool) -> None:
        self.run(writer, f"ALTER TABLE public.t {'ENABLE' if on else 'DISABLE'} ROW LEVEL SECURITY")
        self.wrote(self.history.now, writer)
