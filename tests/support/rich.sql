-- One schema with every kind of part a table can have; nothing in it may look like drift unless it changes.
CREATE SCHEMA rich;
CREATE TYPE rich.mood AS ENUM ('sad', 'ok');
CREATE TYPE rich.pair AS (a int, b text);
CREATE DOMAIN rich.short AS varchar(10) CHECK (VALUE <> '');
CREATE FUNCTION rich.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION rich.double(n int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT n * 2';
CREATE TABLE rich.customer (
    id bigint GENERATED ALWAYS AS IDENTITY (START 10 INCREMENT 5) PRIMARY KEY,
    code varchar(20) NOT NULL UNIQUE DEFERRABLE INITIALLY DEFERRED CHECK (code IN ('a', 'b', 'it''s, [c')),
    kind varchar(5) DEFAULT 'x' CHECK (kind NOT IN ('y', 'z')),
    "Odd ""Name""" text COLLATE "C" DEFAULT E'it''s\n$1 %',
    mood rich.mood DEFAULT 'ok',
    short rich.short,
    pairs rich.pair[],
    span tstzrange,
    amount numeric(10, 3) DEFAULT 0,
    gross numeric(12, 3) GENERATED ALWAYS AS (amount * 1.2) STORED,
    at timestamptz DEFAULT now(),
    since timestamptz DEFAULT '2020-03-04 05:06:07+02',
    born date DEFAULT '2020-03-04',
    wait interval DEFAULT '1 day 2 hours',
    ratio float8 DEFAULT 0.1,
    raw bytea DEFAULT '\x4142',
    path text DEFAULT 'a\b',
    tags text[] DEFAULT ARRAY['a', 'b'],
    doc jsonb DEFAULT '{"a": 1}',
    no serial
) WITH (fillfactor = 80, autovacuum_enabled = off);
ALTER TABLE rich.customer ALTER doc SET STORAGE EXTERNAL, ALTER code SET STATISTICS 500,
    ALTER amount SET (n_distinct = -0.5), ALTER tags SET COMPRESSION pglz;
CREATE INDEX ON rich.customer (lower(code)) WHERE kind IN ('a', 'b');
CREATE INDEX by_span ON rich.customer USING gist (span) WITH (fillfactor = 70);
CREATE INDEX by_sum ON rich.customer ((rich.double(no)), amount DESC NULLS LAST) INCLUDE (mood);
ALTER INDEX rich.by_sum ALTER COLUMN 1 SET STATISTICS 300;
CREATE TABLE rich.invoice (
    id int PRIMARY KEY,
    customer bigint REFERENCES rich.customer ON UPDATE CASCADE ON DELETE SET NULL DEFERRABLE,
    during tstzrange, EXCLUDE USING gist (during WITH &&)
);
ALTER TABLE rich.invoice ADD CONSTRAINT later CHECK (id > 0) NOT VALID, REPLICA IDENTITY FULL,
    ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY mine ON rich.invoice AS RESTRICTIVE FOR SELECT TO PUBLIC USING (id::text IN ('1', '2') OR customer IS NULL);
CREATE TRIGGER touch BEFORE INSERT OR UPDATE OF id ON rich.invoice FOR EACH ROW WHEN (NEW.id > 1) EXECUTE FUNCTION rich.touch();
ALTER TABLE rich.invoice DISABLE TRIGGER touch;
CREATE RULE quiet AS ON DELETE TO rich.invoice WHERE OLD.id < 0 DO INSTEAD NOTHING;
CREATE TABLE rich.event (at date NOT NULL, kind varchar(9) CHECK (kind IN ('in', 'out')), n int) PARTITION BY RANGE (at);
CREATE TABLE rich.event_2025 PARTITION OF rich.event FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
CREATE TABLE rich.event_rest PARTITION OF rich.event DEFAULT;
CREATE INDEX ON rich.event (n);
CREATE TABLE rich.base (a int CHECK (a > 0), b text);
CREATE TABLE rich.heir (c int) INHERITS (rich.base);
CREATE UNLOGGED TABLE rich.scratch (a int);
CREATE TABLE rich.typed OF rich.pair (a WITH OPTIONS NOT NULL);
CREATE TABLE rich.empty ();
CREATE VIEW rich.seen AS SELECT id, code FROM rich.customer;
COMMENT ON TABLE rich.customer IS 'Who pays; it''s';
COMMENT ON COLUMN rich.customer.code IS 'Short';
COMMENT ON CONSTRAINT later ON rich.invoice IS 'Not yet';
COMMENT ON INDEX rich.by_span IS 'When';
GRANT SELECT, UPDATE (amount) ON rich.customer TO PUBLIC;
CLUSTER rich.invoice USING invoice_pkey;
INSERT INTO rich.customer (code, kind) VALUES ('a', 'k'), ('b', NULL);
INSERT INTO rich.invoice VALUES (1, 10, '[2025-01-01,2025-02-01)');
INSERT INTO rich.event VALUES ('2025-05-05', 'in', 1), ('2027-05-05', 'out', 2);
