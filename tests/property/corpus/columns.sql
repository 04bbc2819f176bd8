--- missing column
-- lost: b
CREATE TABLE t (a int PRIMARY KEY, b text DEFAULT 'x', c date);
INSERT INTO t VALUES (1, 'one', '2024-01-01'), (2, 'two', NULL);
--- slip
ALTER TABLE t DROP COLUMN b;

--- missing column with everything on it
-- lost: b
CREATE TABLE t (a int PRIMARY KEY, b varchar(40) COLLATE "C" DEFAULT 'x'::text NOT NULL);
ALTER TABLE t ALTER b SET STORAGE external, ALTER b SET STATISTICS 321, ALTER b SET (n_distinct = -0.25), ALTER b SET COMPRESSION pglz;
COMMENT ON COLUMN t.b IS 'it''s "b"';
GRANT SELECT (b), UPDATE (b) ON t TO {ann};
CREATE INDEX t_b ON t (b) WHERE b <> 'y';
ALTER TABLE t ADD CONSTRAINT b_short CHECK (length(b) < 39);
INSERT INTO t VALUES (1, 'one');
--- slip
ALTER TABLE t DROP COLUMN b;

--- extra column
CREATE TABLE t (a int PRIMARY KEY);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN b text;
ALTER TABLE t ALTER b SET STORAGE external, ALTER b SET STATISTICS 77;
COMMENT ON COLUMN t.b IS 'why';
GRANT SELECT (b) ON t TO {ann} WITH GRANT OPTION;

--- extra column with data
-- data loss
CREATE TABLE t (a int PRIMARY KEY);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN b int DEFAULT 7;

--- extra composite column that is not null as a whole
-- data loss
CREATE TYPE pair AS (x int, y int);
CREATE TABLE t (a int PRIMARY KEY);
INSERT INTO t VALUES (1);
--- slip
ALTER TABLE t ADD COLUMN b pair;
UPDATE t SET b = ROW(1, NULL);

--- extra serial column
-- data loss
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN id bigserial;

--- extra identity column with index and check
-- data loss
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN id int GENERATED ALWAYS AS IDENTITY (START 5 INCREMENT 5) PRIMARY KEY, ADD CHECK (id > 0);

--- extra generated column
CREATE TABLE t (a int);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ADD COLUMN twice int GENERATED ALWAYS AS (a * 2) STORED;
CREATE INDEX ON t (twice);

--- varchar widened
CREATE TABLE t (a varchar(10) DEFAULT 'abc' CHECK (a <> 'q'));
INSERT INTO t VALUES ('one'), (NULL);
--- slip
ALTER TABLE t ALTER a TYPE text;

--- varchar narrowed
CREATE TABLE t (a varchar(50));
INSERT INTO t VALUES ('one');
--- slip
ALTER TABLE t ALTER a TYPE varchar(5);

--- varchar with a list in a check and a partial index
-- wording
CREATE TABLE t (a varchar(10) CHECK (a IN ('new', 'it''s', 'done')), b int, CHECK (a NOT IN ('x', 'y')));
CREATE INDEX t_open ON t (b) WHERE a IN ('new', 'open');
INSERT INTO t VALUES ('new', 1);
--- slip
ALTER TABLE t ALTER a TYPE text;

--- list check dropped
CREATE TABLE t (a varchar(10) CONSTRAINT known CHECK (a IN ('new', 'open') AND b > 0), b int);
--- slip
ALTER TABLE t DROP CONSTRAINT known;

--- integer became bigint
CREATE TABLE t (a int PRIMARY KEY, b int DEFAULT 5 CHECK (b > 0));
INSERT INTO t VALUES (1, 2), (2, 3);
--- slip
ALTER TABLE t ALTER a TYPE bigint, ALTER b TYPE bigint;

--- bigint became integer
CREATE TABLE t (a bigint PRIMARY KEY, b bigint DEFAULT 5::bigint);
INSERT INTO t VALUES (1, 2), (2, 3);
--- slip
ALTER TABLE t ALTER a TYPE int, ALTER b TYPE int;

--- integer became text
CREATE TABLE t (a int DEFAULT 4, b int CHECK (b < 100));
INSERT INTO t VALUES (1, 2), (2, 3);
--- slip
ALTER TABLE t DROP CONSTRAINT t_b_check;
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE text, ALTER a SET DEFAULT 'four', ALTER b TYPE text;

--- text became integer
CREATE TABLE t (a text DEFAULT 'none', b text);
INSERT INTO t VALUES ('1', '2');
--- slip
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE int USING a::int, ALTER b TYPE int USING b::int;

--- numeric scale
CREATE TABLE t (a numeric(10,2) DEFAULT 1.50 CHECK (a > 0));
INSERT INTO t VALUES (1.25), (3);
--- slip
ALTER TABLE t ALTER a TYPE numeric(12,4);

--- numeric became unconstrained
CREATE TABLE t (a numeric(10,2), b numeric);
INSERT INTO t VALUES (1.25, 2.5);
--- slip
ALTER TABLE t ALTER a TYPE numeric, ALTER b TYPE numeric(8,3);

--- date became timestamptz
CREATE TABLE t (a date DEFAULT CURRENT_DATE);
INSERT INTO t VALUES ('2024-02-29');
--- slip
ALTER TABLE t ALTER a TYPE timestamptz;

--- timestamp precision and time zone
CREATE TABLE t (a timestamptz, b timestamp(3), c interval, d time);
INSERT INTO t VALUES ('2024-02-29 12:00:00.5+00', '2024-01-01', '1 day', '10:00');
--- slip
ALTER TABLE t ALTER a TYPE timestamp, ALTER b TYPE timestamp(0), ALTER c TYPE interval(0), ALTER d TYPE timetz;

--- uuid became text
CREATE TABLE t (a uuid PRIMARY KEY DEFAULT gen_random_uuid());
INSERT INTO t DEFAULT VALUES;
--- slip
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE text;

--- boolean became integer
CREATE TABLE t (a boolean DEFAULT true NOT NULL);
INSERT INTO t VALUES (true), (false);
--- slip
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE int USING a::int, ALTER a SET DEFAULT 1;

--- no cast either way on an empty table
CREATE TABLE t (a inet, b point);
--- slip
ALTER TABLE t ALTER a TYPE int USING NULL, ALTER b TYPE date USING NULL;

--- enum became text
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE t (a mood DEFAULT 'ok');
INSERT INTO t VALUES ('sad');
CREATE INDEX ON t (a) WHERE a = 'ok';
--- slip
DROP INDEX t_a_idx;
ALTER TABLE t ALTER a DROP DEFAULT, ALTER a TYPE text;

--- domain became its base type
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE t (a positive DEFAULT 3);
INSERT INTO t VALUES (1);
--- slip
ALTER TABLE t ALTER a TYPE int;

--- arrays
CREATE TABLE t (a int[], b text[]);
INSERT INTO t VALUES ('{1,2,NULL}', '{a,"b c"}');
--- slip
ALTER TABLE t ALTER a TYPE bigint[], ALTER b TYPE varchar(9)[];

--- json became jsonb
-- lost: a
CREATE TABLE t (a json);
INSERT INTO t VALUES ('{"a":  1, "a": 2}');
--- slip
ALTER TABLE t ALTER a TYPE jsonb;

--- collation
CREATE TABLE t (a text COLLATE "C", b text);
CREATE INDEX ON t (a, b);
INSERT INTO t VALUES ('x', 'y');
--- slip
ALTER TABLE t ALTER a TYPE text COLLATE "POSIX", ALTER b TYPE text COLLATE "C";

--- default changed
CREATE TABLE t (a int DEFAULT 1, b timestamptz DEFAULT now(), c text, d text DEFAULT 'd');
--- slip
ALTER TABLE t ALTER a SET DEFAULT 2, ALTER b SET DEFAULT 'epoch', ALTER c SET DEFAULT 'new', ALTER d DROP DEFAULT;

--- not null both ways
CREATE TABLE t (a int NOT NULL, b int);
INSERT INTO t VALUES (1, 2);
--- slip
ALTER TABLE t ALTER a DROP NOT NULL, ALTER b SET NOT NULL;

--- storage, statistics, compression, options
CREATE TABLE t (a text, b text, c int, d bytea);
ALTER TABLE t ALTER a SET STORAGE main, ALTER b SET STATISTICS 10, ALTER d SET COMPRESSION lz4;
ALTER TABLE t ALTER c SET (n_distinct = 5, n_distinct_inherited = 6);
--- slip
ALTER TABLE t ALTER a SET STORAGE plain, ALTER b SET STATISTICS -1, ALTER d SET COMPRESSION default;
ALTER TABLE t ALTER c RESET (n_distinct), ALTER c SET (n_distinct_inherited = 7);
ALTER TABLE t ALTER d SET STORAGE external, ALTER a SET STATISTICS 0, ALTER b SET COMPRESSION pglz;

--- storage of a column whose type changed
CREATE TABLE t (a text, b varchar(20));
ALTER TABLE t ALTER a SET STORAGE external, ALTER a SET COMPRESSION pglz, ALTER b SET STATISTICS 9;
INSERT INTO t VALUES ('x', 'y');
--- slip
ALTER TABLE t ALTER a TYPE varchar(200), ALTER a SET STORAGE main, ALTER b TYPE text, ALTER b SET STORAGE external;

--- generated expression changed
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED NOT NULL, c int GENERATED ALWAYS AS (a + 1) STORED);
COMMENT ON COLUMN t.b IS 'double';
CREATE INDEX t_b ON t (b);
ALTER TABLE t ADD CONSTRAINT b_even CHECK (b % 2 = 0);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t DROP COLUMN b;
ALTER TABLE t ADD COLUMN b int GENERATED ALWAYS AS (a * 3) STORED;
CREATE INDEX t_b ON t (b);

--- generated became plain
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
CREATE INDEX t_b ON t (b);
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t ALTER b DROP EXPRESSION;

--- plain became generated
-- lost: b
CREATE TABLE t (a int, b int DEFAULT 9);
CREATE INDEX t_b ON t (b);
COMMENT ON COLUMN t.b IS 'plain';
INSERT INTO t VALUES (1), (2);
--- slip
ALTER TABLE t DROP COLUMN b;
ALTER TABLE t ADD COLUMN b bigint GENERATED ALWAYS AS (a * 2) STORED;
CREATE INDEX t_b ON t (b);

--- base of a generated column changed its type
CREATE TABLE t (a int, b int, c bigint GENERATED ALWAYS AS (a + b) STORED);
CREATE UNIQUE INDEX t_c ON t (c);
INSERT INTO t VALUES (1, 2);
--- slip
ALTER TABLE t DROP COLUMN c;
ALTER TABLE t ALTER a TYPE bigint;
ALTER TABLE t ADD COLUMN c bigint GENERATED ALWAYS AS (a + b) STORED;

--- column renamed
CREATE TABLE t (a int PRIMARY KEY, b text, c int GENERATED ALWAYS AS (length(b)) STORED, CHECK (b <> 'z'));
CREATE INDEX t_b ON t (lower(b)) WHERE b IS NOT NULL;
INSERT INTO t VALUES (1, 'one');
--- slip
ALTER TABLE t RENAME COLUMN b TO bb;

--- columns exchanged
CREATE TABLE t (a text, b text, CHECK (a <> 'b'));
INSERT INTO t VALUES ('a', 'c');
--- slip
ALTER TABLE t RENAME COLUMN a TO x;
ALTER TABLE t RENAME COLUMN b TO a;
ALTER TABLE t RENAME COLUMN x TO b;

--- renamed and another put in its place
CREATE TABLE t (a text, b int CHECK (b > 0));
INSERT INTO t VALUES ('a', 1);
--- slip
ALTER TABLE t RENAME COLUMN b TO old_b;
ALTER TABLE t ADD COLUMN b text;
