--- partition detached
CREATE TABLE m (id int, d date NOT NULL, v text DEFAULT 'x', PRIMARY KEY (id, d)) PARTITION BY RANGE (d);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE m2 PARTITION OF m DEFAULT;
CREATE INDEX m_v ON m (v);
ALTER TABLE m ADD CONSTRAINT pos CHECK (id > 0);
INSERT INTO m VALUES (1, '2024-05-05', 'a'), (2, '2030-01-01', 'b');
--- slip
ALTER TABLE m DETACH PARTITION m1;

--- partition attached
CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE INDEX m_v ON m (v);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10);
CREATE TABLE lone (id int PRIMARY KEY, v text);
CREATE INDEX lone_v ON lone (v);
INSERT INTO lone VALUES (11, 'x');
--- slip
ALTER TABLE m ATTACH PARTITION lone FOR VALUES FROM (10) TO (20);

--- partition with other bounds
CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE m1 PARTITION OF m FOR VALUES FROM (1) TO (10);
INSERT INTO m VALUES (1, 'x');
--- slip
ALTER TABLE m DETACH PARTITION m1;
ALTER TABLE m ATTACH PARTITION m1 FOR VALUES FROM (0) TO (5);

--- partition dropped
-- rows gone
CREATE TABLE m (id int, k text, v int DEFAULT 1 NOT NULL CHECK (v > 0)) PARTITION BY LIST (k);
CREATE TABLE m1 PARTITION OF m FOR VALUES IN ('a', 'b') WITH (fillfactor = 40);
CREATE TABLE m2 PARTITION OF m DEFAULT;
ALTER TABLE m1 ALTER v SET DEFAULT 5, ALTER id SET DEFAULT 3;
ALTER TABLE m2 ALTER v DROP DEFAULT, ALTER id SET NOT NULL;
CREATE INDEX m_k ON m (k);
CREATE INDEX m1_own ON m1 (v);
COMMENT ON TABLE m1 IS 'first';
GRANT SELECT ON m1 TO {ann};
--- slip
DROP TABLE m1;
DROP TABLE m2;

--- partitioned table dropped
-- rows gone
CREATE TABLE m (id int PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE m0 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE m1 PARTITION OF m FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE INDEX m_v ON m (v);
--- slip
DROP TABLE m;

--- partitions of partitions
CREATE TABLE m (id int, k text) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a') PARTITION BY RANGE (id);
CREATE TABLE ma1 PARTITION OF ma FOR VALUES FROM (1) TO (10);
CREATE INDEX m_id ON m (id);
INSERT INTO m VALUES (1, 'a');
--- slip
ALTER TABLE m DETACH PARTITION ma;

--- index of a partitioned table dropped
CREATE TABLE m (id int, k text) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
CREATE INDEX m_id ON m (id);
INSERT INTO m VALUES (1, 'a');
--- slip
DROP INDEX m_id;

--- index of a partitioned table added
CREATE TABLE m (id int, k text) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
--- slip
CREATE INDEX m_id ON m (id);
ALTER TABLE m ADD UNIQUE (id, k);

--- column of a partitioned table
-- lost: v
CREATE TABLE m (id int, k text, v int NOT NULL DEFAULT 4) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
INSERT INTO m VALUES (1, 'a', 2);
--- slip
ALTER TABLE m DROP COLUMN v;
ALTER TABLE m ADD COLUMN w text;

--- type of a partitioned table's column
CREATE TABLE m (id int, k text, v int DEFAULT 4) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
CREATE INDEX m_v ON m (v);
INSERT INTO m VALUES (1, 'a', 2);
--- slip
ALTER TABLE m ALTER v TYPE bigint, ALTER v DROP DEFAULT, ALTER id SET NOT NULL;

--- default and check of a partition
CREATE TABLE m (id int, k text, v int DEFAULT 4) PARTITION BY LIST (k);
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
ALTER TABLE ma ALTER v SET DEFAULT 6;
ALTER TABLE ma ADD CONSTRAINT own CHECK (v < 100);
--- slip
ALTER TABLE ma ALTER v SET DEFAULT 7;
ALTER TABLE ma DROP CONSTRAINT own;
ALTER TABLE ma ADD CONSTRAINT extra CHECK (v < 50);

--- foreign key and trigger of a partitioned table
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE m (id int REFERENCES p, k text) PARTITION BY LIST (k);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
CREATE TRIGGER tr AFTER INSERT ON m FOR EACH ROW EXECUTE FUNCTION f();
--- slip
ALTER TABLE m DROP CONSTRAINT m_id_fkey;
DROP TRIGGER tr ON m;

--- detached from a parent with foreign key and trigger
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE m (id int REFERENCES p, k text) PARTITION BY LIST (k);
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE ma PARTITION OF m FOR VALUES IN ('a');
CREATE TRIGGER tr AFTER INSERT ON m FOR EACH ROW EXECUTE FUNCTION f();
INSERT INTO p VALUES (1);
INSERT INTO m VALUES (1, 'a');
--- slip
ALTER TABLE m DETACH PARTITION ma;

--- child no longer inherits
-- locality
CREATE TABLE p (a int NOT NULL, b text DEFAULT 'b', CHECK (a > 0));
CREATE TABLE c (x int) INHERITS (p);
INSERT INTO c VALUES (1, 'b', 2);
--- slip
ALTER TABLE c NO INHERIT p;

--- child inherits what it should not
CREATE TABLE p (a int, b text, CONSTRAINT pos CHECK (a > 0));
CREATE TABLE c (a int, b text, CONSTRAINT pos CHECK (a > 0));
INSERT INTO c VALUES (1, 'x');
--- slip
ALTER TABLE c INHERIT p;

--- child dropped
-- rows gone
CREATE TABLE p (a int NOT NULL, b text DEFAULT 'b', CHECK (a > 0));
CREATE TABLE p2 (z int);
CREATE TABLE c (x int PRIMARY KEY) INHERITS (p, p2);
ALTER TABLE c ALTER b SET DEFAULT 'c', ALTER z SET NOT NULL;
CREATE INDEX c_b ON c (b);
--- slip
DROP TABLE c;

--- parents in another order
-- locality
CREATE TABLE p1 (a int);
CREATE TABLE p2 (b int);
CREATE TABLE c (x int) INHERITS (p1, p2);
--- slip
ALTER TABLE c NO INHERIT p1;
ALTER TABLE c INHERIT p1;

--- column of a parent
-- lost: b
CREATE TABLE p (a int, b text DEFAULT 'b');
CREATE TABLE c (x int) INHERITS (p);
INSERT INTO c VALUES (1, 'b', 2);
--- slip
ALTER TABLE p DROP COLUMN b;

--- default and not null of parent and child
-- locality: 18
CREATE TABLE p (a int, b text DEFAULT 'b');
CREATE TABLE c (x int) INHERITS (p);
ALTER TABLE c ALTER b SET DEFAULT 'own';
--- slip
ALTER TABLE p ALTER b SET DEFAULT 'all', ALTER a SET NOT NULL;

--- trigger of a partitioned table off on a partition
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (10) TO (20);
CREATE TRIGGER g BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE p1 DISABLE TRIGGER g;
--- slip
ALTER TABLE p1 ENABLE TRIGGER g;
ALTER TABLE p2 ENABLE ALWAYS TRIGGER g;

--- trigger of a partitioned table gone
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TRIGGER g BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
ALTER TABLE p1 DISABLE TRIGGER g;
--- slip
DROP TRIGGER g ON p;

--- trigger of a partitioned table switched as a whole
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE TRIGGER g BEFORE INSERT ON p FOR EACH ROW EXECUTE FUNCTION f();
--- slip
ALTER TABLE ONLY p DISABLE TRIGGER g;

--- attached index renamed
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX p_a ON p (a);
--- slip
ALTER INDEX p1_a_idx RENAME TO other;

--- attached key renamed
CREATE TABLE p (a int PRIMARY KEY, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
--- slip
ALTER INDEX p1_pkey RENAME TO other;

--- attached index of its own name, parent's index gone
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX mine ON p1 (a);
CREATE INDEX p_a ON p (a);
--- slip
DROP INDEX p_a;

--- attached index commented, filled
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX p_a ON p (a);
COMMENT ON INDEX p1_a_idx IS 'clone';
ALTER INDEX p1_a_idx SET (fillfactor = 50);
--- slip
COMMENT ON INDEX p1_a_idx IS NULL;
ALTER INDEX p1_a_idx RESET (fillfactor);

--- attached indexes with exchanged names
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX p_a ON p (a);
CREATE INDEX p_a_too ON p (a) WHERE b > 0;
--- slip
ALTER INDEX p1_a_idx RENAME TO aside;
ALTER INDEX p1_a_idx1 RENAME TO p1_a_idx;
ALTER INDEX aside RENAME TO p1_a_idx1;

--- index that partitions are still to get
-- no revert
CREATE TABLE p (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);
CREATE INDEX p_a ON ONLY p (a);
--- slip
CREATE INDEX p1_a ON p1 (a);
ALTER INDEX p_a ATTACH PARTITION p1_a;
