=== collations and conversions
CREATE COLLATION german (provider = icu, locale = 'de');
CREATE TABLE person (id integer, name text COLLATE german, nick text);
CREATE INDEX person_name ON person (name);
CREATE VIEW people AS SELECT name COLLATE german AS name FROM person ORDER BY nick COLLATE "C";
--- one more
CREATE COLLATION numeric_order (provider = icu, locale = 'en-u-kn-true');
CREATE COLLATION plain FROM "C";
--- a column with another
CREATE COLLATION french (provider = icu, locale = 'fr');
DROP VIEW people;
ALTER TABLE person ALTER name TYPE text COLLATE french, ALTER nick TYPE text COLLATE "C";
--- not deterministic
CREATE COLLATION no_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
ALTER TABLE person ADD login text COLLATE no_case UNIQUE;
--- another locale
-- old
-- new
DROP VIEW people;
DROP TABLE person;
DROP COLLATION german;
CREATE COLLATION german (provider = icu, locale = 'de-AT');
CREATE TABLE person (id integer, name text COLLATE german, nick text);
CREATE INDEX person_name ON person (name);
CREATE VIEW people AS SELECT name COLLATE german AS name FROM person ORDER BY nick COLLATE "C";
--- gone
DROP VIEW people;
ALTER TABLE person ALTER name TYPE text COLLATE "default";
DROP COLLATION german;
--- renamed and with an owner
ALTER COLLATION german RENAME TO deutsch;
ALTER COLLATION deutsch OWNER TO app_owner;
COMMENT ON COLLATION deutsch IS 'ä like ae';
--- a conversion
CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
--- a default conversion
-- old
CREATE CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
-- new
CREATE DEFAULT CONVERSION latin FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;

=== extended statistics
CREATE TABLE address (zip text, city text, country text, n integer);
CREATE STATISTICS place (dependencies, ndistinct) ON zip, city FROM address;
--- one more
CREATE STATISTICS other (mcv) ON city, country FROM address;
COMMENT ON STATISTICS other IS 'of towns';
--- gone
DROP STATISTICS place;
--- other kinds
DROP STATISTICS place;
CREATE STATISTICS place (mcv) ON zip, city FROM address;
--- other columns
DROP STATISTICS place;
CREATE STATISTICS place (dependencies, ndistinct) ON zip, city, country FROM address;
--- all kinds
DROP STATISTICS place;
CREATE STATISTICS place ON zip, city FROM address;
--- expressions
CREATE STATISTICS lowered ON lower(city), (n % 10) FROM address;
CREATE STATISTICS one ON (n * 2) FROM address;
--- the target
ALTER STATISTICS place SET STATISTICS 500;
--- renamed, with an owner
ALTER STATISTICS place RENAME TO place_stats;
ALTER STATISTICS place_stats OWNER TO app_owner;
--- a column below retyped
ALTER TABLE address ALTER zip TYPE varchar(10);
--- a column below dropped
ALTER TABLE address DROP COLUMN zip;

=== text search
CREATE TEXT SEARCH DICTIONARY stem_de (TEMPLATE = snowball, LANGUAGE = german, STOPWORDS = german);
CREATE TEXT SEARCH CONFIGURATION german2 (COPY = simple);
ALTER TEXT SEARCH CONFIGURATION german2 ALTER MAPPING FOR asciiword, word WITH stem_de;
CREATE TABLE doc (id integer, body text, words tsvector GENERATED ALWAYS AS (to_tsvector('german2', body)) STORED);
CREATE INDEX doc_body ON doc USING gin (to_tsvector('german2'::regconfig, body));
--- another mapping
ALTER TEXT SEARCH CONFIGURATION german2 ALTER MAPPING FOR asciiword WITH stem_de, simple;
--- a mapping less
ALTER TEXT SEARCH CONFIGURATION german2 DROP MAPPING FOR url, host, email;
--- options of the dictionary
ALTER TEXT SEARCH DICTIONARY stem_de (StopWords = english);
--- a configuration more
CREATE TEXT SEARCH DICTIONARY plain (TEMPLATE = simple, STOPWORDS = english, ACCEPT = false);
CREATE TEXT SEARCH CONFIGURATION plain_english (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION plain_english ADD MAPPING FOR asciiword WITH plain, english_stem;
COMMENT ON TEXT SEARCH CONFIGURATION plain_english IS 'plain';
--- without any
DROP TABLE doc;
DROP TEXT SEARCH CONFIGURATION german2;
DROP TEXT SEARCH DICTIONARY stem_de;
--- renamed
ALTER TEXT SEARCH CONFIGURATION german2 RENAME TO german_words;
--- a parser and a template
CREATE TEXT SEARCH PARSER my_parser (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype,
    HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE my_template (INIT = dsimple_init, LEXIZE = dsimple_lexize);
COMMENT ON TEXT SEARCH PARSER my_parser IS 'mine';
