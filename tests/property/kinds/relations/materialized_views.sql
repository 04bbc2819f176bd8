--- materialized view dropped
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
CREATE UNIQUE INDEX ON m (a);
--- slip
DROP MATERIALIZED VIEW m;

--- materialized view dropped with everything on it
CREATE TABLE t (a int, b varchar(9));
CREATE MATERIALIZED VIEW m (x, "Y z") WITH (fillfactor = 70, autovacuum_enabled = off, toast.autovacuum_enabled = off) AS SELECT
    a, b || 'x' FROM t WHERE b IN ('p', 'q') WITH NO DATA;
ALTER MATERIALIZED VIEW m ALTER "Y z" SET STORAGE external, ALTER "Y z" SET STATISTICS 77, ALTER "Y z" SET COMPRESSION pglz, ALTER
    x SET (n_distinct = 5);
COMMENT ON MATERIALIZED VIEW m IS 'm''s';
COMMENT ON COLUMN m.x IS 'x';
CREATE INDEX mi ON m (("Y z" || 'a'), x DESC) INCLUDE ("Y z") WITH (fillfactor = 50) WHERE x > 1;
ALTER INDEX mi ALTER COLUMN 1 SET STATISTICS 55;
COMMENT ON INDEX mi IS 'mi';
CREATE UNIQUE INDEX mu ON m (x) NULLS NOT DISTINCT;
ALTER MATERIALIZED VIEW m CLUSTER ON mu;
ALTER MATERIALIZED VIEW m OWNER TO {bob};
GRANT SELECT ON m TO {ann} WITH GRANT OPTION;
GRANT SELECT (x) ON m TO PUBLIC;
--- slip
DROP MATERIALIZED VIEW m;

--- extra materialized view with everything on it
CREATE TABLE t (a int, b varchar(9));
--- slip
CREATE MATERIALIZED VIEW m (x, "Y z") WITH (fillfactor = 70, autovacuum_enabled = off) AS SELECT a, b || 'x' FROM t WHERE b IN ('p', 'q');
ALTER MATERIALIZED VIEW m ALTER "Y z" SET STORAGE external, ALTER "Y z" SET STATISTICS 77, ALTER x SET (n_distinct = 5);
COMMENT ON MATERIALIZED VIEW m IS 'm''s';
CREATE INDEX mi ON m (("Y z" || 'a'), x DESC) WHERE x > 1;
CREATE UNIQUE INDEX mu ON m (x);
ALTER MATERIALIZED VIEW m CLUSTER ON mu;
ALTER MATERIALIZED VIEW m OWNER TO {bob};
GRANT SELECT (x) ON m TO PUBLIC;

--- materialized view of another query
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
CREATE INDEX mi ON m (a);
COMMENT ON INDEX mi IS 'kept';
GRANT SELECT ON m TO {ann};
ALTER MATERIALIZED VIEW m CLUSTER ON mi;
--- slip
DROP MATERIALIZED VIEW m;
CREATE MATERIALIZED VIEW m AS SELECT a, b, a + 1 AS c FROM t WHERE a > 0;
CREATE INDEX mi ON m (c);
ALTER MATERIALIZED VIEW m OWNER TO {bob};

--- materialized view mended where it stands
-- in place
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW m WITH (fillfactor = 70) AS SELECT a, b FROM t;
ALTER MATERIALIZED VIEW m ALTER b SET STORAGE external, ALTER b SET STATISTICS 77, ALTER a SET (n_distinct = 5);
COMMENT ON COLUMN m.a IS 'a';
CREATE INDEX mi ON m (a);
CREATE INDEX mj ON m (b) WITH (fillfactor = 60);
ALTER MATERIALIZED VIEW m CLUSTER ON mi;
GRANT SELECT (a) ON m TO {ann};
--- slip
ALTER MATERIALIZED VIEW m SET (fillfactor = 60, autovacuum_enabled = off);
ALTER MATERIALIZED VIEW m ALTER b SET STORAGE main, ALTER b SET STATISTICS -1, ALTER a RESET (n_distinct), ALTER b SET (n_distinct
    = -0.5), ALTER b SET COMPRESSION pglz;
COMMENT ON COLUMN m.a IS NULL;
COMMENT ON MATERIALIZED VIEW m IS 'm';
DROP INDEX mi;
ALTER INDEX mj SET (fillfactor = 90);
CREATE INDEX mk ON m (a, b);
ALTER MATERIALIZED VIEW m CLUSTER ON mk;
ALTER MATERIALIZED VIEW m OWNER TO {bob};
REVOKE SELECT (a) ON m FROM {ann};
GRANT SELECT ON m TO {eve};

--- materialized view on a materialized view
CREATE TABLE t (a int, b text);
CREATE MATERIALIZED VIEW m AS SELECT a, b FROM t;
CREATE MATERIALIZED VIEW n AS SELECT a FROM m;
CREATE VIEW v AS SELECT a FROM n;
--- slip
DROP MATERIALIZED VIEW m CASCADE;
