"""The pictures: what they show is in the data, and their shapes are what they are said to be."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from support.database import Database

Point = tuple[float, float, float]


def drawn(db: Database, picture: str, condition: str = "true") -> list[dict[str, Any]]:
    with db.connect() as own:
        cursor = own.cursor(row_factory=psycopg.rows.dict_row)
        query = f"SELECT * FROM asymm.draw(%s) WHERE {condition}"
        return cursor.execute(query.encode(), [picture]).fetchall()


def ends(row: dict[str, Any]) -> tuple[Point, Point]:
    return (row["x"], row["y"], row["z"]), (row["x2"], row["y2"], row["z2"])


def key(point: Sequence[float]) -> tuple[float, ...]:
    return tuple(round(value, 9) + 0.0 for value in point)


def loose(rows: list[dict[str, Any]]) -> int:
    """Return how many ends of segments meet no other end."""
    count: dict[tuple[float, ...], int] = {}
    for point in itertools.chain.from_iterable(ends(row) for row in rows):
        count[key(point)] = count.get(key(point), 0) + 1
    return sum(times == 1 for times in count.values())


def test_heartbeat_is_a_ring_that_opens_where_something_drifted(db: Database) -> None:
    db.sql("CREATE SCHEMA shop")
    for table in "abcdefg":
        db.sql(f"CREATE TABLE shop.{table} (id int, n int)")
        db.sql("SELECT asymm.watch(%s)", f"shop.{table}")
    ring = drawn(db, "heartbeat", "shape = 'segment'")
    assert loose(ring) == 0
    assert {row["label"] for row in ring} == {f"shop.{table}" for table in "abcdefg"}
    assert all(math.isclose(math.hypot(*end[:2]), 1) for row in ring for end in ends(row))
    db.sql("ALTER TABLE shop.c DROP COLUMN n")
    db.sql("SELECT asymm._process_ddl()")
    broken = drawn(db, "heartbeat", "shape = 'segment'")
    assert {key(end) for row in ring for end in ends(row) if row["label"] != "shop.c"} == {
        key(end) for row in broken for end in ends(row)
    }
    assert loose(broken) == 2
    (outside,) = drawn(db, "heartbeat", "color = 'critical'")
    middle = (2.5 / 7) * 2 * math.pi
    assert (outside["label"], outside["node"], outside["value"]) == ("shop.c", "entity:shop.c", 1)
    assert key((outside["x"], outside["y"])) == key((1.1 * math.sin(middle), 1.1 * math.cos(middle)))


def test_telemetry_grows_by_the_golden_ratio_and_has_gaps(db: Database) -> None:
    db.sql("INSERT INTO asymm.sample_series (metric, node) VALUES ('score.shm', '*')")
    db.sql(
        """INSERT INTO asymm.sample (slot, family, at, ids, totals)
           SELECT (asymm._sample_part('minute', t)).slot, 'score', t, ARRAY[s.id],
                  ARRAY[0.6 + 0.3 * (n > 30)::int]
             FROM generate_series(2, 58) AS n, asymm.sample_series AS s,
                  LATERAL (SELECT date_trunc('minute', now()) - n * interval '1 min') AS m (t)
            WHERE n NOT BETWEEN 20 AND 25"""
    )
    points = sorted(drawn(db, "telemetry", "shape = 'point'"), key=lambda row: math.hypot(row["x"], row["y"]))
    assert len(points) == 51
    golden = (1 + math.sqrt(5)) / 2
    # A quarter turn is 7.5 of the 60 minutes: 15 minutes on, half a turn on and golden² times as far out.
    for old, new in ((0, 15), (1, 16)):
        before, after = points[old], points[new]
        there, here = math.hypot(after["x"], after["y"]), math.hypot(before["x"], before["y"])
        assert math.isclose(there / here, golden**2)
        assert math.isclose(after["x"] * before["x"] + after["y"] * before["y"], -there * here)
    assert [row["color"] for row in points] == ["good"] * 28 + ["warning"] * 23
    assert len(drawn(db, "telemetry", "shape = 'segment'")) == 49


def decided(db: Database, kept: Sequence[bool]) -> None:
    db.sql("DELETE FROM asymm.action")
    for number, good in enumerate(kept):
        db.sql(
            """WITH a AS (INSERT INTO asymm.action (kind, target, state, requested_by, changed_at)
                 VALUES ('create index', 't', %s, 'me', now() + %s * interval '1 s') RETURNING id)
               INSERT INTO asymm.index_action (action_id, relid, index_schema, index_name, shape)
               SELECT id, 1, 's', 'i' || id, 'x' || id FROM a""",
            "verified" if good else "reverted",
            number,
        )


def turns(rows: list[dict[str, Any]]) -> list[int]:
    """Return the turn at each corner of a path: 1 to the left, -1 to the right."""
    steps = []
    for row in sorted(rows, key=lambda row: row["value"]):
        begin, end = ends(row)
        steps.append((end[0] - begin[0], end[1] - begin[1]))
    return [round((a * d - b * c) / (a * a + b * b)) for (a, b), (c, d) in itertools.pairwise(steps)]


def folded(kept: Sequence[bool]) -> list[int]:
    """Fold a strip: each fold puts a corner between any two, bent one way and the other in turn."""
    out: list[int] = []
    for good in kept:
        bend = itertools.cycle((-1, 1) if good else (1, -1))
        out = [turn for old in out for turn in (next(bend), old)] + [next(bend)]
    return out


def test_experiments_fold_by_decisions(db: Database) -> None:
    assert len(drawn(db, "experiments")) == 1
    chance = random.Random(7)
    for kept in ([True] * 6, [False] * 5, [chance.random() < 0.5 for _ in range(8)]):
        decided(db, kept)
        rows = drawn(db, "experiments")
        assert len(rows) == 1 << len(kept)
        assert turns(rows) == folded(kept)
        assert all(abs(value) <= 1 for row in rows for end in ends(row) for value in end)
    decided(db, [True, False] * 8)
    assert len(drawn(db, "experiments")) == 1024


def shared(apart: float) -> float:
    """Return the share of a circle of radius 1 that another one covers, by adding up strips."""
    strips, area = 100_000, 0.0
    for number in range(strips):
        x = apart / 2 + (1 - apart / 2) * (number + 0.5) / strips
        area += 2 * math.sqrt(max(0.0, 1 - x * x)) * (1 - apart / 2) / strips
    return 2 * area / math.pi


def test_overlap_is_the_share(db: Database) -> None:
    for share in (0.001, 0.1, 0.391, 0.75, 0.999):
        assert math.isclose(shared(db.value("SELECT asymm._circles_apart(%s)", share)), share, abs_tol=1e-4)
    db.sql("CREATE TABLE t (id int PRIMARY KEY)")
    rows = drawn(db, "mirror_overlap")
    middles = {name: sum(row["x"] for row in rows if row["label"] == name) for name in ("Database", "Mirror")}
    assert middles["Mirror"] > middles["Database"]
    assert [(row["label"], row["color"]) for row in rows if row["shape"] == "point"] == [
        ("public.t", "other")
    ]


def join_fleet(db: Database, *roots: str) -> None:
    db.sql("DELETE FROM asymm.fleet_member")
    for number, root in enumerate(roots):
        db.sql("SELECT asymm.report_to_fleet(%s, %s)", f"db{number:02}", root * 64)


def rings(db: Database) -> dict[str, list[tuple[Point, Point]]]:
    found: dict[str, list[tuple[Point, Point]]] = {}
    for row in drawn(db, "fleet"):
        found.setdefault(row["label"], []).append(ends(row))
    return found


def linking(one: list[tuple[Point, Point]], other: list[tuple[Point, Point]]) -> int:
    """Return how often two closed curves are linked, by Gauss' integral over their segments."""
    total = 0.0
    for a, b in one:
        for c, d in other:
            u, v = [q - p for p, q in zip(a, b, strict=True)], [q - p for p, q in zip(c, d, strict=True)]
            r = [(p + q - s - t) / 2 for p, q, s, t in zip(a, b, c, d, strict=True)]
            cross = (u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2], u[0] * v[1] - u[1] * v[0])
            total += sum(x * y for x, y in zip(r, cross, strict=True)) / math.dist(r, (0, 0, 0)) ** 3
    return round(total / (4 * math.pi))


def test_fleet_holds_together_while_every_ring_is_closed(db: Database) -> None:
    for count in (2, 3, 5):
        holds_together(db, count)


def holds_together(db: Database, count: int) -> None:
    join_fleet(db, *"a" * count)
    found = rings(db)
    assert len(found) == count
    assert all(loose([row for row in drawn(db, "fleet") if row["label"] == name]) == 0 for name in found)
    for one, other in itertools.combinations(found.values(), 2):
        # Two are linked; of more no two are, which holds is all of them together.
        assert abs(linking(one, other)) == (count == 2)
    if count == 5:
        # A band's disc is met by the next band alone, twice in and twice out. So one cut frees all.
        bands = list(found.values())
        for (one, band), (two, other) in itertools.permutations(enumerate(bands), 2):
            assert len(meetings(band, other)) == (4 if two == (one + 1) % count else 0)
    join_fleet(db, "b", *"a" * count)
    cut = drawn(db, "fleet", "color = 'critical'")
    assert {row["label"] for row in cut} == {"db00"}
    assert loose(cut) == 2
    apart = rings(db)
    for one, other in itertools.combinations(apart.values(), 2):
        assert min(math.dist(a, c) for a, _ in one for c, _ in other) > 0.02
        assert linking(one, other) == 0


def meetings(band: list[tuple[Point, Point]], other: list[tuple[Point, Point]]) -> list[float]:
    """Return where a curve goes through the strip between the upper and the lower half of a band."""
    half = len(band) // 2
    out = []
    for k in range(half):
        p, q = band[k]
        s, r = band[-1 - k]  # the lower half comes back
        for corner in ((p, q, s), (p, s, r)):
            out += [t for a, b in other if (t := through(a, b, corner)) is not None]
    return out


def through(a: Point, b: Point, corner: tuple[Point, Point, Point]) -> float | None:
    """Return where a segment goes through a triangle, None if it doesn't."""

    def minus(p: Point, q: Point) -> Point:
        return (p[0] - q[0], p[1] - q[1], p[2] - q[2])

    def cross(p: Point, q: Point) -> Point:
        return (p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2], p[0] * q[1] - p[1] * q[0])

    def dot(p: Point, q: Point) -> float:
        return p[0] * q[0] + p[1] * q[1] + p[2] * q[2]

    one, two, way = minus(corner[1], corner[0]), minus(corner[2], corner[0]), minus(b, a)
    h = cross(way, two)
    size = dot(one, h)
    if abs(size) < 1e-15:
        return None
    from_corner = minus(a, corner[0])
    u = dot(from_corner, h) / size
    side = cross(from_corner, one)
    v, t = dot(way, side) / size, dot(two, side) / size
    return t if u >= 0 and v >= 0 and u + v <= 1 and 0 <= t < 1 else None


REFUSED = {
    "'x'": "42704",
    "NULL": "22004",
    "'fleet', NULL": "22004",
    "'fleet', '1 s'": "22023",
    "'telemetry', metric => 'no.such'": "42704",
}


def test_who_asks_for_another_picture_is_told_which_there_are(db: Database) -> None:
    reader = db.role("reader", member_of=("asymm_reader",))
    with db.connect(user=reader) as own:
        for picture in ("heartbeat", "telemetry", "experiments", "mirror_overlap", "fleet"):
            own.execute("SELECT * FROM asymm.draw(%s)", [picture])
        for call, state in REFUSED.items():
            with pytest.raises(psycopg.Error) as error:
                own.execute(f"SELECT * FROM asymm.draw({call})".encode())
            assert error.value.sqlstate == state
            assert error.value.diag.message_hint
