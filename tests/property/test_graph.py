"""The graph against plain models: what changes reach, and that looking at what moved finds all of it."""

from __future__ import annotations

import itertools
import random
from collections import deque

import pytest

from support.database import Database

GRAPH = (
    "SELECT 'node', node, what, state, NULL FROM asymm.nodes WHERE state <> 'gone'"
    " UNION ALL SELECT 'flow', source, target, kind, declared::text FROM asymm.flows"
)


def reached(flows: set[tuple[int, int]], start: int) -> dict[int, int]:
    """Return the distance of everything that a change of a node reaches."""
    found, waiting = {start: 0}, deque([start])
    while waiting:
        node = waiting.popleft()
        for source, target in sorted(flows):
            if source == node and target not in found:
                found[target] = found[node] + 1
                waiting.append(target)
    del found[start]
    return found


def test_impact_and_path_are_the_shortest(db: Database) -> None:
    rng = random.Random(4909)
    for _ in range(12):
        count = rng.randint(2, 14)
        names = [f"n{number}" for number in range(count)]
        # Numbers of nodes that went are free for a while.
        numbers = rng.sample(range(1, 2 * count), count)
        flows = {(rng.randrange(count), rng.randrange(count)) for _ in range(rng.randint(0, 3 * count))}
        flows = {(source, target) for source, target in flows if source != target}
        db.sql("TRUNCATE asymm.node, asymm.flow")
        db.sql(
            "INSERT INTO asymm.node (id, kind, name, what) SELECT *, 'table' FROM"
            " (SELECT unnest(%s::int[]), 'entity', unnest(%s::text[])) AS n",
            numbers,
            names,
        )
        db.sql(
            "INSERT INTO asymm.flow (source, target, kind)"
            " SELECT unnest(%s::int[]), unnest(%s::int[]), 'reads'",
            [numbers[source] for source, _ in flows],
            [numbers[target] for _, target in flows],
        )
        for start in range(count):
            expected = reached(flows, start)
            rows = db.sql("SELECT touched, distance, path FROM asymm.impact(%s)", f"entity:n{start}")
            assert {row[0]: row[1] for row in rows} == {f"entity:n{n}": d for n, d in expected.items()}
            for touched, distance, path in rows:
                steps = path.split(" → ")
                assert (steps[0], steps[-1], len(steps)) == (f"entity:n{start}", touched, distance + 1)
                walked = [(int(a[8:]), int(b[8:])) for a, b in itertools.pairwise(steps)]
                assert set(walked) <= flows
            goal = rng.randrange(count)
            path = db.sql("SELECT node FROM asymm.path(%s, %s)", f"n{start}", f"n{goal}")
            assert len(path) == (1 if goal == start else expected.get(goal, -1) + 1)


def act(db: Database, rng: random.Random, made: list[str], serial: int) -> None:
    """Do one thing to the catalogs or the workload that the graph is to notice."""
    new = f't{serial} "$1"'
    old = rng.choice(made) if made else None
    choice = rng.randrange(8)
    if old is None or choice == 0:
        db.own.execute(f'CREATE TABLE g."{quoted(new)}" (id int PRIMARY KEY)'.encode())
        made.append(new)
    elif choice == 1:
        db.own.execute(
            f'CREATE TABLE g."{quoted(new)}" (id int PRIMARY KEY REFERENCES g."{quoted(old)}")'.encode()
        )
        made.append(new)
    elif choice == 2:
        db.own.execute(
            f'CREATE VIEW g.v{serial} AS SELECT a.id FROM g."{quoted(old)}" AS a'
            f' JOIN g."{quoted(made[0])}" AS b USING (id)'.encode()
        )
    elif choice == 3:
        db.own.execute(f'DROP TABLE g."{quoted(old)}" CASCADE'.encode())
        made.remove(old)
    elif choice == 4:
        db.own.execute(f'ALTER TABLE g."{quoted(old)}" RENAME TO "{quoted(new)}"'.encode())
        made[made.index(old)] = new
    elif choice == 5:
        db.sql("DELETE FROM asymm.query WHERE id = (SELECT min(id) FROM asymm.query WHERE queryid < 1000)")
    else:
        kind = rng.choice(["select", "insert", "update", "delete"])
        db.sql(
            "WITH q AS (INSERT INTO asymm.query (queryid, role_id, toplevel, command, statement)"
            " VALUES (%s, 10, true, %s, '') RETURNING id)"
            " INSERT INTO asymm.query_look (query_id, at, relations) SELECT id, clock_timestamp(),"
            " ARRAY(SELECT oid FROM pg_class WHERE relnamespace = 'g'::regnamespace AND relkind IN ('r', 'v')"
            " AND (relname = %s OR relkind = 'v')) FROM q",
            serial,
            kind,
            old,
        )


def quoted(name: str) -> str:
    return name.replace('"', '""')


@pytest.mark.parametrize(
    "seed", [1, pytest.param(2, marks=pytest.mark.long), pytest.param(3, marks=pytest.mark.long)]
)
def test_where_something_moved_finds_what_all_of_it_does(db: Database, seed: int) -> None:
    rng = random.Random(seed)
    made: list[str] = []
    db.sql("CREATE SCHEMA g")
    for step in range(6):
        for number in range(7):
            act(db, rng, made, 10 * step + number)
        db.sql("SELECT asymm._tend_graph()")
        kept = sorted(map(str, db.sql(GRAPH)))
        db.sql("BEGIN")
        db.sql("TRUNCATE asymm.node, asymm.flow")
        db.sql("SELECT * FROM asymm.refresh_graph()")
        assert kept == sorted(map(str, db.sql(GRAPH)))
        db.sql("ROLLBACK")
