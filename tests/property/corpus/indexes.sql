--- index dropped
CREATE TABLE t (a int, b text);
CREATE INDEX t_a ON t (a);
COMMENT ON INDEX t_a IS 'fast';
--- slip
DROP INDEX t_a;

--- index added
CREATE TABLE t (a int, b text);
--- slip
CREATE UNIQUE INDEX t_x ON t (lower(b) text_pattern_ops DESC NULLS LAST) INCLUDE (a) WITH (fillfactor = 50) WHERE a > 0;
COMMENT ON INDEX t_x IS 'extra';
ALTER INDEX t_x ALTER COLUMN 1 SET STATISTICS 42;

--- index changed
CREATE TABLE t (a int, b int, c text);
CREATE INDEX t_i ON t (a) WHERE b > 0;
CREATE INDEX t_j ON t USING hash (c);
CREATE INDEX t_k ON t USING gin (to_tsvector('english'::regconfig, c)) WITH (fastupdate = off);
--- slip
DROP INDEX t_i, t_j, t_k;
CREATE INDEX t_i ON t (a) WHERE b > 1;
CREATE INDEX t_j ON t (c);

--- index options
CREATE TABLE t (a int, b int);
CREATE INDEX t_i ON t (a) WITH (fillfactor = 70, deduplicate_items = off) WHERE b > 0;
CREATE INDEX t_j ON t (b);
--- slip
ALTER INDEX t_i SET (fillfactor = 80);
ALTER INDEX t_i RESET (deduplicate_items);
ALTER INDEX t_j SET (fillfactor = 90);

--- index statistics
CREATE TABLE t (a int, b int);
CREATE INDEX t_i ON t ((a + b), (a - b));
ALTER INDEX t_i ALTER COLUMN 1 SET STATISTICS 500;
--- slip
ALTER INDEX t_i ALTER COLUMN 1 SET STATISTICS -1;
ALTER INDEX t_i ALTER COLUMN 2 SET STATISTICS 9;

--- index renamed
CREATE TABLE t (a int, b int);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
--- slip
ALTER INDEX t_a RENAME TO x;
ALTER INDEX t_b RENAME TO t_a;
ALTER INDEX x RENAME TO t_b;

--- index invalid
-- no revert
CREATE TABLE t (a int);
CREATE INDEX t_a ON t (a);
INSERT INTO t VALUES (1);
--- slip
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_a'::regclass;

--- replica identity index
CREATE TABLE t (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX t_a ON t (a);
CREATE UNIQUE INDEX t_b ON t (b);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;
--- slip
ALTER TABLE t REPLICA IDENTITY USING INDEX t_b;

--- replica identity index dropped
-- no revert
CREATE TABLE t (a int NOT NULL);
CREATE UNIQUE INDEX t_a ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;
--- slip
DROP INDEX t_a;

--- replica identity index changed
CREATE TABLE t (a int NOT NULL, b int NOT NULL);
CREATE UNIQUE INDEX t_a ON t (a);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;
--- slip
DROP INDEX t_a;
CREATE UNIQUE INDEX t_a ON t (a, b);
ALTER TABLE t REPLICA IDENTITY USING INDEX t_a;

--- replica identity
CREATE TABLE t (a int PRIMARY KEY);
CREATE TABLE u (a int PRIMARY KEY);
ALTER TABLE u REPLICA IDENTITY FULL;
--- slip
ALTER TABLE t REPLICA IDENTITY NOTHING;
ALTER TABLE u REPLICA IDENTITY DEFAULT;

--- cluster mark
CREATE TABLE t (a int, b int);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_b ON t (b);
ALTER TABLE t CLUSTER ON t_a;
--- slip
ALTER TABLE t CLUSTER ON t_b;

--- cluster mark lost with its index
CREATE TABLE t (a int, b int);
CREATE INDEX t_a ON t (a);
ALTER TABLE t CLUSTER ON t_a;
--- slip
DROP INDEX t_a;
CREATE INDEX t_a ON t (a) WHERE a > 0;

--- cluster mark set on an extra index
CREATE TABLE t (a int, b int);
--- slip
CREATE INDEX t_b ON t (b);
ALTER TABLE t CLUSTER ON t_b;

--- index on a column whose type changed
CREATE TABLE t (a varchar(20), b int);
CREATE INDEX t_a ON t (a);
CREATE INDEX t_l ON t (lower(a)) WHERE a <> 'x';
INSERT INTO t VALUES ('v', 1);
--- slip
ALTER TABLE t ALTER a TYPE text;

--- constraint became a plain index
CREATE TABLE t (a int CONSTRAINT t_u UNIQUE);
--- slip
ALTER TABLE t DROP CONSTRAINT t_u;
CREATE UNIQUE INDEX t_u ON t (a);
