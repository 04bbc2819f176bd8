=== of version 16 and later
-- needs 16
CREATE TABLE t (id integer PRIMARY KEY, name text, during daterange);
--- a storage of its own from the start
-- old
CREATE TABLE u (a text STORAGE external, b text STORAGE default);
-- new
CREATE TABLE u (a text, b text STORAGE main);
--- nulls first in constraints and a view of a JSON constructor
CREATE VIEW j AS SELECT json_object('a': id, 'b': name ABSENT ON NULL) AS o, json_array(id, name) AS l, name IS JSON OBJECT AS is_object FROM t;

=== of version 17 and later
-- needs 17
CREATE TABLE m (id integer GENERATED ALWAYS AS IDENTITY, at date NOT NULL, room integer, during daterange) PARTITION BY RANGE (at);
CREATE TABLE m_1 PARTITION OF m FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE EXTENSION btree_gist;
--- an exclusion over partitions
ALTER TABLE m ADD CONSTRAINT apart EXCLUDE USING gist (at WITH =, during WITH &&);
--- an identity of partitions gone
ALTER TABLE m ALTER id DROP IDENTITY;
--- a partition more
CREATE TABLE m_2 PARTITION OF m FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
--- another expression in place
-- old
CREATE TABLE g (a integer, b integer GENERATED ALWAYS AS (a + 1) STORED);
-- new
CREATE TABLE g (a integer, b integer GENERATED ALWAYS AS (a + 2) STORED);
--- maintenance
GRANT MAINTAIN ON m TO app_admin;
--- a view of a JSON table
CREATE VIEW jt AS SELECT j.* FROM JSON_TABLE('[{"a": 1}]'::jsonb, '$[*]' COLUMNS (a integer PATH '$.a', n FOR ORDINALITY)) AS j;
--- a view that merges
CREATE FUNCTION merge_all() RETURNS void LANGUAGE sql BEGIN ATOMIC
    MERGE INTO m USING (SELECT 1 AS room) AS s ON m.room = s.room WHEN MATCHED THEN UPDATE SET during = NULL; END;

=== of version 18 and later
-- needs 18
CREATE TABLE t (id integer, name text, during daterange);
--- a virtual column
ALTER TABLE t ADD COLUMN big text GENERATED ALWAYS AS (upper(name)) VIRTUAL;
--- stored instead of virtual
-- old
ALTER TABLE t ADD COLUMN big text GENERATED ALWAYS AS (upper(name)) VIRTUAL;
-- new
ALTER TABLE t ADD COLUMN big text GENERATED ALWAYS AS (upper(name)) STORED;
--- a not null with a name
ALTER TABLE t ADD CONSTRAINT must_have NOT NULL name;
--- a not null that is not valid
ALTER TABLE t ADD CONSTRAINT must_have NOT NULL name NOT VALID;
--- a not null that is not inherited
ALTER TABLE t ADD CONSTRAINT must_have NOT NULL name NO INHERIT;
--- a not null under two names
-- old
ALTER TABLE t ADD CONSTRAINT must_have NOT NULL name;
-- new
ALTER TABLE t ALTER name SET NOT NULL;
--- a check that is not enforced
ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT ENFORCED;
--- a key without overlaps
CREATE EXTENSION btree_gist;
ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (id, during WITHOUT OVERLAPS);
CREATE TABLE u (id integer, during daterange, CONSTRAINT f FOREIGN KEY (id, PERIOD during) REFERENCES t (id, PERIOD during));
--- a foreign key that is not enforced
CREATE TABLE p (id integer PRIMARY KEY);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p NOT ENFORCED;
--- a foreign key is enforced, or not, or not valid
-- old
CREATE TABLE p (id integer PRIMARY KEY);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p NOT ENFORCED, ADD CONSTRAINT g FOREIGN KEY (id) REFERENCES p NOT VALID;
ALTER TABLE t ADD CONSTRAINT h FOREIGN KEY (id) REFERENCES p DEFERRABLE INITIALLY DEFERRED;
-- new
CREATE TABLE p (id integer PRIMARY KEY);
ALTER TABLE t ADD CONSTRAINT f FOREIGN KEY (id) REFERENCES p, ADD CONSTRAINT g FOREIGN KEY (id) REFERENCES p NOT ENFORCED;
ALTER TABLE t ADD CONSTRAINT h FOREIGN KEY (id) REFERENCES p DEFERRABLE NOT ENFORCED;
--- what was and what is
CREATE FUNCTION renumber() RETURNS TABLE (was integer, now integer) LANGUAGE sql BEGIN ATOMIC
    UPDATE t SET id = id + 1 RETURNING old.id, new.id; END;
CREATE VIEW v AS SELECT id FROM t;
CREATE RULE up AS ON UPDATE TO v DO INSTEAD UPDATE t SET id = new.id WHERE id = old.id RETURNING WITH (OLD AS o, NEW AS n) n.id + o.id * 0 AS id;
--- large objects of whoever makes them
ALTER DEFAULT PRIVILEGES FOR ROLE app_owner GRANT SELECT ON LARGE OBJECTS TO app_reader;
--- a collation of the server's own
CREATE COLLATION folded (provider = builtin, locale = 'PG_UNICODE_FAST');
--- a virtual column under others
ALTER TABLE t ADD COLUMN big text COLLATE "C" GENERATED ALWAYS AS (upper(name)) VIRTUAL;
CREATE VIEW v AS SELECT big FROM t;
COMMENT ON COLUMN t.big IS 'loud';
