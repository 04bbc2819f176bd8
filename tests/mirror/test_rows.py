"""Redis equals the tables, byte for byte what row_to_json() prints, whatever happens to rows and tables."""

from __future__ import annotations

from support.mirror import Mirror

KINDS = """
CREATE TYPE mood AS ENUM ('sad "', 'ok');
CREATE DOMAIN positive AS numeric CHECK (value > 0 OR value = 'NaN');
CREATE TYPE pair AS (a int, "b ""c" text, tags text[]);
CREATE DOMAIN pairs AS pair[];
CREATE TABLE kinds (
    id int PRIMARY KEY, b boolean, n numeric, f4 real, f8 double precision, t text, c char(3), by bytea,
    d date, ts timestamp, tz timestamptz, ti time, tt timetz, i interval, j json, jb jsonb, u uuid,
    ai int[], at text[], ab boolean[], aj jsonb[], atz timestamptz[], bx box[], m mood, am mood[],
    po positive, p pair, ap pair[], dp pairs, r int4range, net inet, x xml, bits bit varying, money money
)"""

VALUES = [
    "(1)",
    """(2, true, 'NaN', 'NaN', 'Infinity', E'quote " back \\\\ new\\nline tab\\t nul-ish \\x01 \\x7f é ☃ 𝄞',
    'a', '\\x00ff0a', 'infinity', '-infinity', 'infinity', '24:00', '23:59:59.5+02',
    '1 year -2 days 03:04:05.6',
    '{"b" : 1.50,\n "a": [1e400, "\\u00e9"]}', '{"b": 1.50, "a": null}',
    'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{1,NULL,3}', ARRAY['', 'NULL', 'a,b', '"', E'\\\\', '{}',
    ' x '], '{t,f,NULL}', ARRAY['{"k": "v,\\" }"}'::jsonb, 'null'],
    ARRAY['2024-02-29 12:00+05'::timestamptz, 'infinity'],
    ARRAY['(1,2),(0,0)'::box, '(3,4),(1,1)'], 'sad "', '{ok,"sad \\""}', 'NaN',
    ROW(1, E'a"b\\\\c,(d)', ARRAY['x y', 'z"']),
    ARRAY[ROW(NULL, '', NULL)::pair, NULL, ROW(2, ' ', '{}')::pair],
    ARRAY[ROW(3, 'd', ARRAY['e'])::pair], '[1,5)', '10.0.0.1/8', '<a b="c"/>', B'101', 12.5)""",
    """(3, false, 1e131071, '1e-45', '-0', '', '', '', '0044-03-15 BC', '0044-03-15 01:02:03.4 BC',
    '0044-03-15 01:02:03 BC', '00:00', '00:00:00-07:30', '0', '"x"', '"x"', NULL, '[5:7]={1,2,3}',
    '{{a,b},{c,d}}', '{}', '{}', '{}', '{}', 'ok', '{}', 1e-16383)""",
    """(4, NULL, -123456789012345678901234567890.1234567890, 3.4028235e38, 1.7976931348623157e308)""",
    """(5, true, 'Infinity', '-Infinity', 1e21, repeat('long ', 5000), 'abc',
    decode(repeat('ab', 3000), 'hex'),
    '5874897-12-31', '294276-12-31 23:59:59.999999', '294276-12-31 23:59:59.999999+00')""",
]


def test_all_kinds_of_values_by_snapshot_and_by_stream(mirror: Mirror) -> None:
    for statement in KINDS.strip().split(";"):
        mirror.db.sql(statement)
    for values in VALUES:
        mirror.db.sql(f"INSERT INTO kinds VALUES {values}")
    mirror.mirror("kinds")
    worker = mirror.work()
    assert mirror.check() == 5
    mirror.db.sql("DELETE FROM kinds")
    mirror.db.sql("INSERT INTO kinds (id) VALUES (0)")
    assert mirror.check() == 1
    for values in VALUES:
        mirror.db.sql(f"INSERT INTO kinds VALUES {values}")
    assert mirror.check() == 6
    assert worker.stop() == 0


def test_as_hashes_by_some_columns_for_some_time(mirror: Mirror) -> None:
    mirror.db.sql("CREATE TABLE t (id int, a text, b numeric, secret text, PRIMARY KEY (id))")
    mirror.db.sql(
        "INSERT INTO t SELECT g, nullif('a' || g, 'a3'), g / 3.0, 's' FROM generate_series(1, 5000) g"
    )
    mirror.mirror("t", ", columns => '{id,a,b}', format => 'hash', ttl => '1 hour'")
    mirror.work()
    assert mirror.check() == 5000
    mirror.db.sql("UPDATE t SET a = CASE WHEN id % 2 = 0 THEN 'even' END, secret = 'x' WHERE id < 1000")
    mirror.db.sql("DELETE FROM t WHERE id > 4000")
    assert mirror.check() == 4000
    key = next(iter(mirror.found()))
    assert 0 < mirror.redis.pttl(key) <= 3_600_000


def test_large_values_that_did_not_change(mirror: Mirror) -> None:
    for table, options in (("t", ""), ("h", ", format => 'hash'"), ("f", "")):
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, n int, big text, j jsonb, num numeric)")
        mirror.db.sql(f"ALTER TABLE {table} ALTER big SET STORAGE EXTERNAL, ALTER j SET STORAGE EXTERNAL")
        mirror.mirror(table, options)
    mirror.db.sql("ALTER TABLE f REPLICA IDENTITY FULL")
    mirror.work()
    mirror.check()
    row = "repeat('\"x', 4000), jsonb_build_object('k', repeat('y', 9000)), 1::numeric / 7"
    for table in "thf":
        mirror.db.sql(f"INSERT INTO {table} SELECT g, g, {row} FROM generate_series(1, 20) g")
    mirror.check()
    for table in "thf":
        mirror.db.sql(f"UPDATE {table} SET n = n + 1")  # read from Redis
        own = mirror.db.connect(autocommit=False)
        own.execute(
            f"INSERT INTO {table} SELECT g, g, {row} FROM generate_series(21, 30) g"
        )  # within one batch
        own.execute(f"UPDATE {table} SET n = n + 1 WHERE id > 10")
        own.execute(f"UPDATE {table} SET id = id + 1000 WHERE id % 2 = 0")
        own.execute(f"UPDATE {table} SET n = n * 2, j = '[]' WHERE id % 3 = 0")
        own.execute(f"UPDATE {table} SET id = -id WHERE id > 1000 AND id % 4 = 0")
        own.commit()
    assert mirror.check() == 90


def test_keys_that_change_and_swap(mirror: Mirror) -> None:
    mirror.db.sql("CREATE TABLE t (a int, b text, v text, PRIMARY KEY (a, b) DEFERRABLE)")
    mirror.db.sql("CREATE UNIQUE INDEX own ON t (b, a)")
    mirror.db.sql("ALTER TABLE t REPLICA IDENTITY USING INDEX own")
    mirror.db.sql("INSERT INTO t SELECT g % 10, 'k' || g, g FROM generate_series(1, 100) g")
    mirror.mirror("t", ", key_columns => '{b,a}'")
    mirror.work()
    mirror.check()
    mirror.db.sql("UPDATE t SET a = a + 1, b = b || ', %/'")
    mirror.db.sql("UPDATE t SET b = '' WHERE v = '1'")
    assert mirror.check() == 100


def test_hostile_names(mirror: Mirror) -> None:
    mirror.db.sql('CREATE SCHEMA "a.b*[c]?"')
    name = '"a.b*[c]?"."T:e1:%s ""x\\\'\n$1 é"'
    key = '"K%s:,"" \n"'
    mirror.db.sql(f'CREATE TABLE {name} ({key} text PRIMARY KEY, "%(v)s""{{}}" text)')
    mirror.db.sql(f"INSERT INTO {name} VALUES (E'a:b,c % \\n*[x] é', 'x'), ('', ''), ('*', NULL)")
    mirror.mirror(name)
    mirror.work()
    assert mirror.check() == 3
    mirror.db.sql(f"UPDATE {name} SET {key} = {key} || '\\\"'")
    assert mirror.check() == 3
    mirror.db.sql(f"TRUNCATE {name}")
    mirror.db.sql(f"INSERT INTO {name} VALUES ('after')")
    assert mirror.check() == 1


def test_truncate_in_the_middle_of_a_transaction(mirror: Mirror) -> None:
    for table in "tu":
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v text)")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 'old' FROM generate_series(1, 3000) g")
        mirror.mirror(table)
    mirror.work()
    assert mirror.check() == 6000
    own = mirror.db.connect(autocommit=False)
    own.execute("INSERT INTO t VALUES (5000, 'gone')")
    own.execute("UPDATE u SET v = 'kept' WHERE id < 10")
    own.execute("TRUNCATE t")
    own.execute("INSERT INTO t VALUES (1, 'new')")
    own.commit()
    assert mirror.check() == 3001


def test_partitions_through_their_root(mirror: Mirror) -> None:
    db = mirror.db
    db.sql("CREATE TABLE p (id int, at date, v text, PRIMARY KEY (id, at)) PARTITION BY RANGE (at)")
    for year in (2024, 2025):
        db.sql(
            f"CREATE TABLE p{year} PARTITION OF p FOR VALUES FROM ('{year}-01-01') TO ('{year + 1}-01-01')"
        )
    db.sql("INSERT INTO p SELECT g, date '2024-01-01' + g, 'v' FROM generate_series(0, 700) g")
    mirror.mirror("p")
    mirror.work()
    assert mirror.check() == 701
    db.sql("UPDATE p SET at = at + 365 WHERE id < 10")  # moves rows to another partition
    db.sql("CREATE TABLE extra (v text, at date NOT NULL, id int NOT NULL)")
    db.sql("INSERT INTO extra VALUES ('attached', '2026-05-05', 1)")
    db.sql("ALTER TABLE p ATTACH PARTITION extra FOR VALUES FROM ('2026-01-01') TO ('2027-01-01')")
    db.sql("INSERT INTO p VALUES (2, '2026-06-06', 'through the root')")
    assert mirror.check() == 703
    db.sql("ALTER TABLE p DETACH PARTITION p2024")
    mirror.check()
    db.sql("TRUNCATE extra")  # of which the stream says nothing
    db.wait_for("SELECT cause = 'TRUNCATE' FROM asymm.mirror_status()")
    mirror.check()


def test_ddl_begins_a_new_epoch(mirror: Mirror) -> None:
    db = mirror.db
    db.sql("CREATE TABLE t (id int PRIMARY KEY, v text, w int)")
    db.sql("INSERT INTO t SELECT g, 'v' || g, g FROM generate_series(1, 500) g")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    for statement in (
        "ALTER TABLE t ADD COLUMN extra text DEFAULT 'filled'",
        "ALTER TABLE t ALTER w TYPE text USING 'w' || w",
        "ALTER TABLE t RENAME COLUMN v TO value",
        "ALTER TABLE t DROP COLUMN w",
        "ALTER TABLE t RENAME TO renamed",
        "ALTER TABLE renamed ADD COLUMN x int; UPDATE renamed SET x = id",
    ):
        mirror.db.psql("-c", statement)
        db.sql(f"INSERT INTO {'renamed' if 'renamed' in statement else 't'} (id) SELECT max(id) + 1 FROM "
               f"{'renamed' if 'renamed' in statement else 't'}")  # fmt: skip
        mirror.check()
    db.sql("SELECT asymm.unmirror('renamed')")
    db.sql("INSERT INTO renamed (id) VALUES (-1)")
    assert mirror.check() == 0


def test_a_table_added_later_while_others_are_written(mirror: Mirror) -> None:
    for table in "tu":
        mirror.db.sql(f"CREATE TABLE {table} (id int PRIMARY KEY, v int)")
        mirror.db.sql(f"INSERT INTO {table} SELECT g, 0 FROM generate_series(1, 3000) g")
    mirror.mirror("t")
    mirror.work()
    mirror.check()
    writer = mirror.db.connect(autocommit=False)
    writer.execute("UPDATE u SET v = v + 1 WHERE id < 1000")  # its slot has to wait for this one
    mirror.mirror("u")
    for _ in range(20):
        mirror.db.sql("UPDATE t SET v = v + 1 WHERE id < 100")
    writer.commit()
    for _ in range(20):
        mirror.db.sql("UPDATE u SET v = v + 1, id = -id WHERE id % 7 = 0")
    assert mirror.check() == 6000
