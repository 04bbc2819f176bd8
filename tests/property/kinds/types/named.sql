-- Collations, conversions, text search objects, extended statistics.
--- collation: determinism, locale and provider under columns
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE COLLATION co (lc_collate = 'C', lc_ctype = 'C.utf8');
CREATE COLLATION de (provider = icu, locale = 'de');
COMMENT ON COLLATION ci IS 'ci';
CREATE DOMAIN d AS text COLLATE ci;
CREATE TABLE t (id integer PRIMARY KEY, n text COLLATE ci UNIQUE, m text DEFAULT 'x' COLLATE ci, d d, o text);
CREATE INDEX i ON t (o COLLATE ci, n);
CREATE INDEX j ON t ((n || 'x'));
ALTER TABLE t ADD CONSTRAINT k CHECK (o COLLATE ci <> 'x');
INSERT INTO t VALUES (1, 'a', 'b', 'c', 'd');
--- slip
DROP TABLE t;
DROP DOMAIN d;
DROP COLLATION ci, co, de;
CREATE COLLATION ci (provider = icu, locale = 'und');
CREATE COLLATION co (locale = 'C');
CREATE COLLATION de (provider = icu, locale = 'de', deterministic = false);
COMMENT ON COLLATION co IS 'co';
CREATE DOMAIN d AS text COLLATE ci;
CREATE TABLE t (id integer PRIMARY KEY, n text COLLATE ci UNIQUE, m text DEFAULT 'x' COLLATE ci, d d, o text);
CREATE INDEX i ON t (o COLLATE ci, n);
CREATE INDEX j ON t ((n || 'x'));
ALTER TABLE t ADD CONSTRAINT k CHECK (o COLLATE ci <> 'x');
INSERT INTO t VALUES (1, 'a', 'b', 'c', 'd');
--- collation: gone and extra
CREATE COLLATION "C I" (provider = icu, locale = 'de', deterministic = false);
ALTER COLLATION "C I" OWNER TO {ann};
--- slip
DROP COLLATION "C I";
CREATE COLLATION x FROM "C";
--- conversion: changed, gone, extra
CREATE DEFAULT CONVERSION a FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE CONVERSION b FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
COMMENT ON CONVERSION a IS 'a';
--- slip
DROP CONVERSION a;
CREATE CONVERSION a FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
DROP CONVERSION b;
CREATE CONVERSION c FOR 'UTF8' TO 'LATIN1' FROM utf8_to_iso8859_1;
--- text search: mappings, options
CREATE TEXT SEARCH DICTIONARY d (template = simple, stopwords = english, accept = false);
CREATE TEXT SEARCH DICTIONARY e (template = snowball, language = english);
CREATE TEXT SEARCH CONFIGURATION c (copy = english);
ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH d, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION c IS 'c';
--- slip
ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH english_stem, simple;
ALTER TEXT SEARCH CONFIGURATION c DROP MAPPING FOR email, "int";
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR tag WITH simple;
ALTER TEXT SEARCH CONFIGURATION c OWNER TO {bob};
ALTER TEXT SEARCH DICTIONARY d (accept = true, stopwords);
ALTER TEXT SEARCH DICTIONARY e (stopwords = english);
--- text search: template of a dictionary, parser of a configuration
CREATE TEXT SEARCH DICTIONARY d (template = snowball, language = english);
COMMENT ON TEXT SEARCH DICTIONARY d IS 'd';
CREATE TEXT SEARCH CONFIGURATION c (parser = "default");
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR word WITH d;
CREATE TEXT SEARCH PARSER p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, headline = prsd_headline, lextypes = prsd_lextype);
CREATE TABLE t (id integer PRIMARY KEY, a text);
CREATE INDEX i ON t USING gin (to_tsvector('c', a));
--- slip
DROP TABLE t;
DROP TEXT SEARCH CONFIGURATION c;
DROP TEXT SEARCH DICTIONARY d;
CREATE TEXT SEARCH DICTIONARY d (template = simple, stopwords = english);
CREATE TEXT SEARCH CONFIGURATION c (parser = p);
ALTER TEXT SEARCH CONFIGURATION c ADD MAPPING FOR tag WITH d;
CREATE TABLE t (id integer PRIMARY KEY, a text);
CREATE INDEX i ON t USING gin (to_tsvector('c', a));
--- text search: gone and extra
CREATE TEXT SEARCH PARSER p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, headline = prsd_headline, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE "T" (init = dsimple_init, lexize = dsimple_lexize);
CREATE TEXT SEARCH DICTIONARY "D" (template = "T", stopwords = english);
CREATE TEXT SEARCH CONFIGURATION "C" (parser = p);
ALTER TEXT SEARCH CONFIGURATION "C" ADD MAPPING FOR word WITH "D";
COMMENT ON TEXT SEARCH PARSER p IS 'p';
COMMENT ON TEXT SEARCH TEMPLATE "T" IS 't';
--- slip
DROP TEXT SEARCH CONFIGURATION "C";
DROP TEXT SEARCH DICTIONARY "D";
DROP TEXT SEARCH TEMPLATE "T";
DROP TEXT SEARCH PARSER p;
CREATE TEXT SEARCH PARSER q (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE u (lexize = dsimple_lexize, init = dsimple_init);
CREATE TEXT SEARCH DICTIONARY v (template = u);
CREATE TEXT SEARCH CONFIGURATION w (parser = q);
ALTER TEXT SEARCH CONFIGURATION w ADD MAPPING FOR word WITH v;
--- text search: functions of parser and template
CREATE TEXT SEARCH PARSER p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, headline = prsd_headline, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE t (init = dsimple_init, lexize = dsimple_lexize);
--- slip
DROP TEXT SEARCH PARSER p;
DROP TEXT SEARCH TEMPLATE t;
CREATE TEXT SEARCH PARSER p (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end, lextypes = prsd_lextype);
CREATE TEXT SEARCH TEMPLATE t (lexize = dsimple_lexize);
--- statistics: kinds, columns, expressions, target
CREATE TABLE t (a integer, b integer, c varchar, "D" date);
CREATE STATISTICS s (ndistinct, dependencies) ON a, b FROM t;
CREATE STATISTICS x ON a, b, c FROM t;
CREATE STATISTICS e ON (c IN ('x', 'y')), "D" FROM t;
CREATE STATISTICS "S S" (mcv) ON a, b FROM t;
ALTER STATISTICS "S S" SET STATISTICS 100;
COMMENT ON STATISTICS e IS 'e';
--- slip
DROP STATISTICS s, x, e;
CREATE STATISTICS s (ndistinct, mcv) ON a, b FROM t;
CREATE STATISTICS x ON a, b FROM t;
CREATE STATISTICS e ON (c IN ('x')), "D" FROM t;
ALTER STATISTICS "S S" SET STATISTICS -1;
ALTER STATISTICS x SET STATISTICS 0;
ALTER STATISTICS "S S" OWNER TO {ann};
--- statistics: gone and extra
CREATE TABLE t (a integer, b integer);
CREATE STATISTICS "S" (mcv) ON a, b, (a + b) FROM t;
ALTER STATISTICS "S" SET STATISTICS 100;
COMMENT ON STATISTICS "S" IS 's';
CREATE STATISTICS one ON (a * b) FROM t;
--- slip
DROP STATISTICS "S", one;
CREATE STATISTICS two ON b, a FROM t;
--- collation: under a view, a partitioned table and a function
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE t (id integer PRIMARY KEY, n text COLLATE ci NOT NULL DEFAULT 'x');
CREATE VIEW v AS SELECT n FROM t ORDER BY n COLLATE ci;
CREATE TABLE p (id integer, n text COLLATE ci) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p (n DEFAULT 'y') FOR VALUES IN (1);
CREATE INDEX pi ON p (n);
INSERT INTO t VALUES (1, 'a');
INSERT INTO p VALUES (1, 'a');
--- slip
DROP TABLE t, p CASCADE;
DROP COLLATION ci;
CREATE COLLATION ci (provider = icu, locale = 'und');
CREATE TABLE t (id integer PRIMARY KEY, n text COLLATE ci NOT NULL DEFAULT 'x');
CREATE VIEW v AS SELECT n FROM t ORDER BY n COLLATE ci;
CREATE TABLE p (id integer, n text COLLATE ci) PARTITION BY LIST (id);
CREATE TABLE p1 PARTITION OF p (n DEFAULT 'y') FOR VALUES IN (1);
CREATE INDEX pi ON p (n);
INSERT INTO t VALUES (1, 'a');
INSERT INTO p VALUES (1, 'a');
--- statistics: a column came back at another place
CREATE TABLE t (z integer, "B\b" integer, a integer);
CREATE STATISTICS s ON z, "B\b", a FROM t;
COMMENT ON STATISTICS s IS 's';
--- slip
ALTER TABLE t DROP z, DROP "B\b";
ALTER TABLE t ADD "B\b" integer, ADD z integer;
CREATE STATISTICS s ON z, "B\b", a FROM t;
