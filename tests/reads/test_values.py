"""Values are the very same Python objects on every route; nobody reads what he may not."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

import asymmetrica
from support.mirror import Mirror
from support.reads import SUM, until_route, warm

KINDS = """
CREATE TYPE mood AS ENUM ('sad "', 'ok');
CREATE TYPE pair AS (a int, b text);
CREATE DOMAIN positive AS numeric CHECK (value > 0 OR value = 'NaN');
CREATE TABLE kinds (
    id int PRIMARY KEY, b boolean, n numeric, f4 real, f8 double precision, t text, c char(3), v varchar(9),
    by bytea, d date, ts timestamp, tz timestamptz, ti time, tt timetz, i interval, j json, jb jsonb, u uuid,
    i2 smallint, i8 bigint, ai int[], at text[], ab boolean[], an numeric[], atz timestamptz[], m mood,
    po positive, r int4range, tr tstzrange, net inet, ci cidr, bits bit varying, nm name, "50% ""x" text)
"""
VALUES = [
    "(1)",
    """(2, true, 'NaN', 'NaN', 'Infinity',
    E'quote " back \\\\ new\\nline tab\\t \\x01 \\x7f é ☃ 𝄞', 'a', 'T"z',
    '\\x00ff0a', '2024-02-29', '2024-02-29 12:34:56.000001', '2024-02-29 12:34:56+05:30', '23:59:59.999999',
    '23:59:59.5+02', '1 year -2 days 03:04:05.6', '{"b" : 1.50,\n "a": [1e400, "\\u00e9", {"q": null}]}',
    '{"b": 12345678901234567890.125, "a": null}', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', -32768,
    9223372036854775807, '{1,NULL,3}', ARRAY['', 'NULL', 'a,b', '"', E'\\\\', '{}', ' x '], '{t,f,NULL}',
    '{NaN,1e30,-0.10}', ARRAY['2024-02-29 12:00+05'::timestamptz, NULL], 'sad "', 'NaN', '[1,5)',
    '[2024-01-01 00:00+00,)', '10.0.0.1/8', '10.0.0.0/8', B'101', 'a name', '%s %(x)s %%')""",
    """(3, false, 1e131071, '1e-45', '-0', '', '', '', '', '0001-01-01', '0001-01-01 00:00',
    '1900-01-01 00:00+00', '00:00', '00:00:00-07:30', '0', '"x"', '"x"', NULL, 0, -9223372036854775808,
    '[5:7]={1,2,3}', '{{a,b},{c,d}}', '{}', '{}', '{}', 'ok', 1, 'empty', 'empty', '::1', '::/0', B'',
    '', '')""",
    """(4, NULL, -123456789012345678901234567890.1234567890, 3.4028235e38, 1.7976931348623157e308)""",
    """(5, true, 'Infinity', '-Infinity', 1e21, repeat('long ', 5000), 'abc', NULL,
    decode(repeat('ab', 3000), 'hex'))""",
    """(6, true, 0.00, 0, '1e-300', E'\\n')""",
]


@pytest.fixture(scope="module")
def kinds(mirrored: Mirror) -> Mirror:
    for statement in KINDS.strip().split(";"):
        mirrored.db.sql(statement)
    mirrored.db.sql("CREATE TABLE hashes (LIKE kinds INCLUDING ALL)")
    for values in VALUES:
        mirrored.db.sql(f"INSERT INTO kinds VALUES {values}")
    mirrored.db.sql("INSERT INTO hashes SELECT * FROM kinds")
    mirrored.mirror("kinds")
    mirrored.mirror("hashes", ", format => 'hash'")
    mirrored.settle()
    return mirrored


@pytest.fixture
def zoned(kinds: Mirror) -> Iterator[asymmetrica.Database]:
    with asymmetrica.connect(
        kinds.db.dsn, redis=kinds.server.url, options="-c timezone=Asia/Kathmandu"
    ) as made:
        yield made


def same(found: Any, wanted: Any) -> None:
    """Compare as Python shows them: 1 is not 1.0, NaN is NaN."""
    assert repr(found) == repr(wanted)
    assert [type(value) for value in found] == [type(value) for value in wanted]


@pytest.mark.parametrize("table", ["kinds", "hashes"])
def test_rows(kinds: Mirror, zoned: asymmetrica.Database, table: str) -> None:
    plain = psycopg.connect(
        kinds.db.dsn_of("postgres", options="-c timezone=Asia/Kathmandu"), autocommit=True
    )
    with plain:
        for key in range(1, 7):
            names = plain.execute(f"SELECT * FROM {table} WHERE id = {key}".encode())
            wanted = names.fetchone()
            assert wanted is not None
            # A JSON null is the same as NULL in the mirror's JSON, so such a row is asked of Postgres.
            nulls = table == "kinds" and None in (wanted[15], wanted[16])
            row = until_route(
                lambda: zoned.get(f"public.{table}", key),  # noqa: B023
                "primary" if nulls else "redis",
            )
            same(tuple(row.values()), wanted)
            assert list(row) == [column.name for column in names.description or ()]
            again = zoned.get(f"public.{table}", key)
            assert again is not None
            same(tuple(again.values()), wanted)


def test_a_list_in_the_place_of_a_row(kinds: Mirror, zoned: asymmetrica.Database) -> None:
    """Redis refuses the command that reads it; the answer is that of Postgres."""
    wanted = until_route(lambda: zoned.get("public.hashes", 1), "redis", "near")
    key = f"asymm:public.hashes:e{kinds.epoch('public.hashes')}:1"
    kept = kinds.redis.dump(key)
    kinds.redis.delete(key)
    kinds.redis.rpush(key, "a list")
    found = zoned.get("public.hashes", 1)
    assert (repr(found), found is not None and found.route) == (repr(wanted), "primary")
    kinds.redis.restore(key, 0, kept, replace=True)
    assert repr(until_route(lambda: zoned.get("public.hashes", 1), "redis", "near")) == repr(wanted)
    assert zoned.counters()["redis_errors"] == 0


def test_results(kinds: Mirror, zoned: asymmetrica.Database) -> None:
    query = "SELECT *, id::text, ARRAY[m], ROW(id, t)::public.pair, NULL::int FROM public.kinds ORDER BY 1"
    wanted = zoned.query(query)
    near = warm(zoned, query)
    for found, row in zip(near.rows, wanted.rows, strict=True):
        same(found, row)
    # Who is given a list or a dictionary may change it.
    near.rows[1][16]["b"] = "poison"
    near.rows[1][20].append("poison")
    with asymmetrica.connect(
        kinds.db.dsn, redis=kinds.server.url, options="-c timezone=Asia/Kathmandu"
    ) as other:
        redis = until_route(lambda: other.query(query), "redis")
    for again in (zoned.query(query), redis):
        for found, row in zip(again.rows, wanted.rows, strict=True):
            same(found, row)
    assert warm(zoned, "SELECT FROM public.kinds").rows == [()] * 6
    assert warm(zoned, "SELECT * FROM public.kinds WHERE false").rows == []


def test_keys(mirror: Mirror, reader: asymmetrica.Database) -> None:
    keys = ["", "a b", "new\nline", "q'uote", 'd"ouble', "100%", "%s", "é☃", "x,y", "x%2Cy", "k" * 2000]
    mirror.db.sql('CREATE TABLE "odd ""t%" (k text, "n.%s" int, v text, PRIMARY KEY (k, "n.%s"))')
    for number, key in enumerate(keys):
        mirror.db.sql('INSERT INTO "odd ""t%%" VALUES (%s, %s, %s)', key, number, key)
    mirror.mirror('"odd ""t%"')
    mirror.settle()
    name = 'public."odd ""t%"'
    for number, key in enumerate(keys):
        row = until_route(lambda: reader.get(name, (key, number)), "redis")  # noqa: B023
        assert row == {"k": key, "n.%s": number, "v": key}
        assert reader.get(name, {"n.%s": number, "k": key}) == row
        assert reader.get(name, {"n.%s": number, "k": key}, max_staleness=0) == row
    rows = reader.get_many(name, [(key, number) for number, key in enumerate(keys)] + [("none", 1)])
    assert [row and row["v"] for row in rows] == [*keys, None]
    assert reader.get_many(name, [("", 0), ("none", 1), ("a b", 1)], max_staleness=0)[1] is None
    with pytest.raises(asymmetrica.InvalidArgument, match="not a key"):
        reader.get(name, "only one")
    with pytest.raises(asymmetrica.UnknownTable):
        reader.get("public.nothing", 1)
    assert reader.get("public.t", 100_000) is None


def test_rights(mirror: Mirror) -> None:
    db = mirror.db
    role = db.role("reads", "LOGIN", ("asymm_reader",))
    group = db.role("group", "NOLOGIN")
    db.sql(f"GRANT SELECT ON t TO {group}")
    db.sql(f"GRANT {group} TO {role}")
    query = "SELECT max(n) FROM public.t"
    with asymmetrica.connect(db.dsn_of(role), redis=mirror.server.url) as reader:
        warm(reader, query)
        assert until_route(lambda: reader.get("public.t", 1), "redis", "near") is not None
        other = db.role("stranger", "LOGIN", ("asymm_reader",))
        with asymmetrica.connect(db.dsn_of(other), redis=mirror.server.url) as stranger:
            for _ in range(2):
                with pytest.raises(asymmetrica.NotAllowed):
                    stranger.query(query)
                with pytest.raises(asymmetrica.NotAllowed):
                    stranger.get("public.t", 1)
        # The same session as somebody else.
        reader.execute("SET TIME ZONE 'Asia/Kathmandu'")
        assert reader.query(query).route == "primary"
        db.sql(f"REVOKE SELECT ON t FROM {group}")
        end = db.value("SELECT pg_current_wal_insert_lsn()::text")
        with pytest.raises(asymmetrica.NotAllowed):
            reader.query(query, after=end)
        with pytest.raises(asymmetrica.NotAllowed):
            reader.get("public.t", 1, after=end)


def test_what_is_never_kept(mirror: Mirror, reader: asymmetrica.Database) -> None:
    mirror.db.sql("CREATE TABLE IF NOT EXISTS plain (id int PRIMARY KEY)")
    for query, reason in (
        ("SELECT now(), count(*) FROM public.t", "now"),
        ("SELECT random() FROM public.t", "random"),
        ("SELECT * FROM public.plain", "not mirrored"),
        ("SELECT * FROM public.t FOR UPDATE", "locks rows"),
        ("INSERT INTO public.plain VALUES (1) ON CONFLICT DO NOTHING RETURNING id", ""),
    ):
        for _ in range(2):
            found = reader.query(query)
            assert found.route == "primary"
            assert found.why_not is not None
            assert reason in found.why_not
    with pytest.raises(asymmetrica.AsymmetricaError):
        reader.query("SELECT 1 / (n - n) FROM public.t")
    # A text may stand for the time now.
    timed = "SELECT count(*) FROM public.t WHERE %s::timestamptz > '2000-01-01'"
    assert "time now" in (reader.query(timed, ["now"]).why_not or "")


async def test_asynchronous(mirror: Mirror) -> None:
    db = await asymmetrica.connect_async(mirror.db.dsn, redis=mirror.server.url)
    async with db:
        for number in range(20):
            await db.execute("UPDATE public.t SET n = %s WHERE id = 1", [number])
            row = await db.get("public.t", 1, budget=1.0)
            assert row is not None
            assert row["n"] == number
            found = await db.query("SELECT n FROM public.t WHERE id = 1", budget=1.0)
            assert found.rows == [(number,)]
        async with db.transaction() as work:
            assert await work.execute("DELETE FROM public.t RETURNING 1") == [(1,)] * 100
        assert (await db.query("SELECT count(*) FROM public.t")).rows == [(0,)]
        assert set(json.loads(json.dumps(db.counters()))) >= {"primary", "redis"}


def test_without_a_near_cache_redis_need_not_tell_of_changes(mirror: Mirror) -> None:
    before = mirror.redis.info("clients")["tracking_clients"]
    with asymmetrica.connect(mirror.db.dsn, redis=mirror.server.url, near_cache_bytes=0) as reader:
        for number in range(3):
            mirror.db.sql("UPDATE t SET n = %s WHERE id = 1", number)
            mirror.settle()
            found = until_route(lambda: reader.query(SUM), "redis")
            assert found.rows == [(100, 5049 + number)]
            assert mirror.redis.info("clients")["tracking_clients"] <= before
        # Somebody's list instead of a result.
        for name in mirror.redis.scan_iter("asymm:query:*"):
            mirror.redis.delete(name)
            mirror.redis.rpush(name, "x")
        assert until_route(lambda: reader.query(SUM), "redis").rows == [(100, 5051)]
