=== domains
CREATE DOMAIN email AS text CONSTRAINT email_at CHECK (VALUE ~ '@');
CREATE DOMAIN cents AS integer DEFAULT 0 NOT NULL;
CREATE TABLE person (id integer PRIMARY KEY, email email, owes cents);
CREATE VIEW debtors AS SELECT id, email FROM person WHERE owes > 0;
CREATE FUNCTION host(e email) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT split_part(e, '@', 2) $$;
--- a default
ALTER DOMAIN email SET DEFAULT 'nobody@example.org';
--- the default dropped
ALTER DOMAIN cents DROP DEFAULT;
--- another default
ALTER DOMAIN cents SET DEFAULT 5;
--- not null
ALTER DOMAIN email SET NOT NULL;
ALTER DOMAIN cents DROP NOT NULL;
--- a check more
ALTER DOMAIN cents ADD CONSTRAINT cents_positive CHECK (VALUE >= 0);
--- a check less
ALTER DOMAIN email DROP CONSTRAINT email_at;
--- another check
ALTER DOMAIN email DROP CONSTRAINT email_at;
ALTER DOMAIN email ADD CONSTRAINT email_at CHECK (VALUE ~ '^[^@]+@[^@]+$' AND length(VALUE) < 255);
--- a check not validated
ALTER DOMAIN email ADD CONSTRAINT email_short CHECK (length(VALUE) < 99) NOT VALID;
--- a check renamed and with a comment
ALTER DOMAIN email RENAME CONSTRAINT email_at TO has_at;
COMMENT ON CONSTRAINT has_at ON DOMAIN email IS 'at least';
--- a new one over another
CREATE DOMAIN work_email AS email CHECK (VALUE LIKE '%@example.org');
ALTER TABLE person ADD COLUMN work work_email;
--- renamed
ALTER DOMAIN email RENAME TO address;
--- dropped
DROP FUNCTION host(email);
DROP VIEW debtors;
ALTER TABLE person ALTER email TYPE text;
DROP DOMAIN email;
--- another base
-- old
-- new
DROP VIEW debtors;
ALTER TABLE person ALTER owes TYPE integer;
DROP DOMAIN cents;
CREATE DOMAIN cents AS bigint DEFAULT 0 NOT NULL;
ALTER TABLE person ALTER owes TYPE cents;
CREATE VIEW debtors AS SELECT id, email FROM person WHERE owes > 0;
--- a collation
CREATE DOMAIN code AS varchar(10) COLLATE "C" DEFAULT 'x';
--- owner, grants and comment
ALTER DOMAIN email OWNER TO app_owner;
GRANT USAGE ON DOMAIN email TO app_user;
REVOKE USAGE ON DOMAIN cents FROM PUBLIC;
COMMENT ON DOMAIN email IS 'roughly';
--- in another schema
CREATE SCHEMA kinds;
ALTER DOMAIN email SET SCHEMA kinds;

=== a domain in arrays
CREATE DOMAIN email AS text;
CREATE TABLE person (id integer PRIMARY KEY, emails email[]);
--- a check more
-- old
-- new
DROP TABLE person;
ALTER DOMAIN email ADD CONSTRAINT email_at CHECK (VALUE ~ '@');
CREATE TABLE person (id integer PRIMARY KEY, emails email[]);
--- a default and a comment
ALTER DOMAIN email SET DEFAULT 'x';
COMMENT ON DOMAIN email IS 'in arrays';

=== composite types
CREATE TYPE address AS (street text, zip varchar(10), city text COLLATE "C");
CREATE TABLE house (id integer PRIMARY KEY, address address, former address[]);
CREATE FUNCTION one_line(a address) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a.street || ', ' || a.city $$;
CREATE VIEW cities AS SELECT id, (address).city AS city FROM house;
--- an attribute more
ALTER TYPE address ADD ATTRIBUTE country text;
--- an attribute less
ALTER TYPE address DROP ATTRIBUTE zip;
--- an attribute renamed
ALTER TYPE address RENAME ATTRIBUTE zip TO postcode;
--- comments
COMMENT ON TYPE address IS 'where';
COMMENT ON COLUMN address.zip IS 'may be empty';
--- renamed
ALTER TYPE address RENAME TO postal_address;
--- dropped
DROP VIEW cities;
DROP FUNCTION one_line(address);
ALTER TABLE house DROP address, DROP former;
DROP TYPE address;
--- nested
CREATE TYPE place AS (name text, address address, tags text[]);
ALTER TABLE house ADD COLUMN place place;
--- of another type
-- old
CREATE TYPE size AS (w integer, h integer);
CREATE FUNCTION area(size) RETURNS bigint LANGUAGE sql AS $$ SELECT $1.w * $1.h $$;
-- new
CREATE TYPE size AS (w numeric, h numeric(8,2), d numeric);
CREATE FUNCTION area(size) RETURNS numeric LANGUAGE sql AS $$ SELECT $1.w * $1.h $$;
--- its attributes in another order
-- old
CREATE TYPE size AS (w integer, h integer);
-- new
CREATE TYPE size AS (h integer, w integer);
--- a table of the type
CREATE TABLE addresses OF address (PRIMARY KEY (street), zip DEFAULT '0');
--- owner and grants
ALTER TYPE address OWNER TO app_owner;
GRANT USAGE ON TYPE address TO app_user WITH GRANT OPTION;

=== ranges
CREATE FUNCTION time_diff(a time, b time) RETURNS double precision
    LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT extract(epoch FROM (a - b))::double precision $$;
CREATE TYPE time_range AS RANGE (subtype = time, subtype_diff = time_diff);
CREATE TABLE opening (day integer, during time_range, EXCLUDE USING gist (during WITH &&));
--- another one
CREATE TYPE word_range AS RANGE (subtype = text, collation = "C", subtype_opclass = text_pattern_ops, multirange_type_name = word_ranges);
ALTER TABLE opening ADD COLUMN words word_ranges;
--- without the difference
-- old
-- new
DROP TABLE opening;
DROP TYPE time_range;
CREATE TYPE time_range AS RANGE (subtype = time);
CREATE TABLE opening (day integer, during time_range, EXCLUDE USING gist (during WITH &&));
--- dropped
DROP TABLE opening;
DROP TYPE time_range;
DROP FUNCTION time_diff(time, time);
--- owner and comment
ALTER TYPE time_range OWNER TO app_owner;
COMMENT ON TYPE time_range IS 'within a day';

=== a base type
CREATE TYPE colour;
CREATE FUNCTION colour_in(cstring) RETURNS colour LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION colour_out(colour) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE colour (INPUT = colour_in, OUTPUT = colour_out, LIKE = text, CATEGORY = 'S');
--- a table with it
CREATE TABLE paint (c colour);
--- a comment and an owner
COMMENT ON TYPE colour IS 'red';
ALTER TYPE colour OWNER TO app_owner;
--- other properties
ALTER TYPE colour SET (STORAGE = external);
--- a shell beside it
CREATE TYPE later;
