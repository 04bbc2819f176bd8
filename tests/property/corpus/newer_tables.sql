--- virtual columns
-- since: 18
CREATE TABLE t (id int PRIMARY KEY, a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL,
    w text GENERATED ALWAYS AS ('<' || a), s int GENERATED ALWAYS AS (a + 1) STORED);
CREATE VIEW seen AS SELECT id, v, w FROM t;
COMMENT ON COLUMN t.v IS 'twice';
GRANT SELECT (v) ON t TO {bob};
INSERT INTO t (id, a) VALUES (1, 10), (2, NULL);
--- slip
DROP VIEW seen;
ALTER TABLE t DROP COLUMN v;
ALTER TABLE t ALTER COLUMN w SET EXPRESSION AS ('>' || a);

--- a virtual column became stored, and a plain one
-- since: 18
CREATE TABLE t (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, w int GENERATED ALWAYS AS (a * 3) VIRTUAL NOT NULL);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t DROP COLUMN v, DROP COLUMN w;
ALTER TABLE t ADD COLUMN v int GENERATED ALWAYS AS (a * 2) STORED;
ALTER TABLE t ADD COLUMN w int;

--- a stored column became virtual
-- since: 18
CREATE TABLE t (a int, v int GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX ON t (v);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t DROP COLUMN v;
ALTER TABLE t ADD COLUMN v int GENERATED ALWAYS AS (a * 2) VIRTUAL;

--- a virtual column too many
-- since: 18
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN v int GENERATED ALWAYS AS (a * 2) VIRTUAL;
CREATE VIEW seen AS SELECT v FROM t;

--- a virtual column of another type
-- since: 18
CREATE TABLE t (a int, v numeric(8,2) GENERATED ALWAYS AS (a * 2) VIRTUAL, w text COLLATE "C" GENERATED ALWAYS AS ('w') VIRTUAL);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ALTER COLUMN v TYPE bigint;
ALTER TABLE t RENAME COLUMN w TO x;

--- virtual columns of parents and partitions
-- since: 18
CREATE TABLE p (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL) PARTITION BY RANGE (a);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE q (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL);
CREATE TABLE c (b int) INHERITS (q);
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, DEFAULT, 2);
--- slip
ALTER TABLE p DROP COLUMN v;
ALTER TABLE q ALTER COLUMN v SET EXPRESSION AS (a * 4);

--- constraints that are not enforced
-- since: 18
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int CONSTRAINT positive CHECK (id > 0) NOT ENFORCED, b int, c int CHECK (c > 0));
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES r ON DELETE CASCADE NOT ENFORCED;
ALTER TABLE t ADD CONSTRAINT g FOREIGN KEY (c) REFERENCES r DEFERRABLE INITIALLY DEFERRED;
COMMENT ON CONSTRAINT f ON t IS 'believed';
INSERT INTO r VALUES (1);
INSERT INTO t VALUES (1, 1, 1);
--- slip
ALTER TABLE t DROP CONSTRAINT positive, ADD CONSTRAINT positive CHECK (id > 0);
ALTER TABLE t DROP CONSTRAINT t_c_check, ADD CONSTRAINT t_c_check CHECK (c > 0) NOT ENFORCED;
ALTER TABLE t ALTER CONSTRAINT f ENFORCED;
ALTER TABLE t ALTER CONSTRAINT g NOT ENFORCED;

--- a constraint that is not enforced gone
-- since: 18
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (id int, b int, c int, CONSTRAINT k CHECK (id > 0) NO INHERIT NOT ENFORCED);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES r NOT ENFORCED;
ALTER TABLE t ADD CONSTRAINT g FOREIGN KEY (c) REFERENCES r DEFERRABLE NOT ENFORCED;
INSERT INTO t VALUES (-1, 7, 7);
--- slip
ALTER TABLE t DROP CONSTRAINT k, DROP CONSTRAINT f, DROP CONSTRAINT g;

--- not enforced, and not valid
-- since: 18
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE t (b int, c int);
INSERT INTO t VALUES (7, NULL);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES r NOT VALID;
ALTER TABLE t ADD CONSTRAINT g FOREIGN KEY (c) REFERENCES r DEFERRABLE NOT ENFORCED;
--- slip
ALTER TABLE t ALTER CONSTRAINT f NOT ENFORCED;
ALTER TABLE t DROP CONSTRAINT g, ADD CONSTRAINT g FOREIGN KEY (c) REFERENCES r NOT VALID;

--- foreign keys of partitions that are not enforced
-- since: 18
CREATE TABLE r (id int PRIMARY KEY);
CREATE TABLE p (a int, b int, c int) PARTITION BY RANGE (a);
CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10);
ALTER TABLE p ADD CONSTRAINT f FOREIGN KEY (b) REFERENCES r NOT ENFORCED;
ALTER TABLE p ADD CONSTRAINT g FOREIGN KEY (a) REFERENCES r NOT VALID;
ALTER TABLE p ADD CONSTRAINT h FOREIGN KEY (c) REFERENCES r;
--- slip
ALTER TABLE p ALTER CONSTRAINT f ENFORCED;
ALTER TABLE p VALIDATE CONSTRAINT g;
ALTER TABLE p ALTER CONSTRAINT h NOT ENFORCED;

--- keys without overlaps
-- since: 18
CREATE TABLE r (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE t (id int4range, during daterange, CONSTRAINT f FOREIGN KEY (id, PERIOD during) REFERENCES r (id, PERIOD during));
CREATE TABLE u (id int4range, during tstzmultirange, CONSTRAINT k UNIQUE (id, during WITHOUT OVERLAPS) DEFERRABLE);
COMMENT ON CONSTRAINT f ON t IS 'within';
INSERT INTO r VALUES ('[1,2)', '[2024-01-01,2025-01-01)'), ('[1,2)', '[2025-01-01,2026-01-01)');
INSERT INTO t VALUES ('[1,2)', '[2024-06-01,2025-06-01)');
--- slip
ALTER TABLE r DROP CONSTRAINT r_pkey CASCADE;
ALTER TABLE u DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE (id, during);

--- tables with keys without overlaps dropped
-- since: 18
CREATE TABLE r (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE t (id int4range, during daterange, CONSTRAINT f FOREIGN KEY (id, PERIOD during) REFERENCES r (id, PERIOD during));
--- slip
DROP TABLE t, r;

--- a key without overlaps instead of an exclusion, and of a plain one
-- since: 18
CREATE TABLE t (id int4range, during daterange, CONSTRAINT k EXCLUDE USING gist (id WITH =, during WITH &&));
CREATE TABLE u (id int4range, during daterange, CONSTRAINT l PRIMARY KEY (id, during));
INSERT INTO u VALUES ('[1,2)', '[2024-01-01,2025-01-01)');
--- slip
ALTER TABLE t DROP CONSTRAINT k, ADD CONSTRAINT k UNIQUE (id, during WITHOUT OVERLAPS);
ALTER TABLE u DROP CONSTRAINT l, ADD CONSTRAINT l PRIMARY KEY (id, during WITHOUT OVERLAPS);

--- columns of keys without overlaps renamed and dropped
-- since: 18
-- lost: during
CREATE TABLE r (id int4range, during daterange, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE t (id int4range, during daterange, UNIQUE (id, during WITHOUT OVERLAPS));
--- slip
ALTER TABLE r RENAME COLUMN during TO period;
ALTER TABLE t DROP COLUMN during;

--- storage options that are new
-- since: 18
CREATE TABLE t (a int) WITH (autovacuum_vacuum_max_threshold = 5000);
CREATE TABLE u (a int);
--- slip
ALTER TABLE t RESET (autovacuum_vacuum_max_threshold);
ALTER TABLE u SET (autovacuum_vacuum_max_threshold = -1);
