=== quoted names
CREATE SCHEMA "My Schema";
CREATE TABLE "My Schema"."Order" ("ID" integer PRIMARY KEY, "user" text, "select" integer DEFAULT 0, "with space" date, "q""uote" text, "a'b" text);
CREATE VIEW "My Schema"."Table" AS SELECT "ID", "user" AS "from" FROM "My Schema"."Order";
CREATE FUNCTION "My Schema"."Do It"("Arg" integer, "end" text) RETURNS integer LANGUAGE sql AS $$ SELECT "Arg" $$;
CREATE TYPE "My Schema"."Type" AS ENUM ('A', 'it''s', '"');
CREATE SEQUENCE "My Schema"."Seq-1";
--- columns
ALTER TABLE "My Schema"."Order" ADD COLUMN "New Column!" integer, DROP COLUMN "a'b";
ALTER TABLE "My Schema"."Order" RENAME "user" TO "User";
COMMENT ON COLUMN "My Schema"."Order"."q""uote" IS 'a "quote"';
--- constraints and indexes
ALTER TABLE "My Schema"."Order" ADD CONSTRAINT "Check This" CHECK ("select" > 0), ADD CONSTRAINT "unique" UNIQUE ("user", "with space");
CREATE INDEX "Idx ""x""" ON "My Schema"."Order" (lower("user"), ("select" + 1));
--- a foreign key
CREATE TABLE "My Schema"."group" ("Order" integer CONSTRAINT "fk Order" REFERENCES "My Schema"."Order" ("ID"));
--- the view with other columns
DROP VIEW "My Schema"."Table";
CREATE VIEW "My Schema"."Table" AS SELECT "user" AS "from", "ID" FROM "My Schema"."Order";
--- the function
DROP FUNCTION "My Schema"."Do It"(integer, text);
CREATE FUNCTION "My Schema"."Do It"("Arg" integer, "end" "My Schema"."Type" DEFAULT 'it''s') RETURNS text LANGUAGE sql AS $$ SELECT "end"::text $$;
--- the type and the sequence
ALTER TYPE "My Schema"."Type" ADD VALUE '"x"' BEFORE '"';
ALTER SEQUENCE "My Schema"."Seq-1" INCREMENT 3;
ALTER TABLE "My Schema"."Order" ADD COLUMN "T" "My Schema"."Type"[] DEFAULT '{"it''s"}';
--- grants to an odd role
GRANT SELECT ON "My Schema"."Order" TO "Odd Role";
GRANT UPDATE ("with space") ON "My Schema"."Order" TO "Odd Role";
ALTER FUNCTION "My Schema"."Do It"(integer, text) OWNER TO "Odd Role";
GRANT USAGE ON SCHEMA "My Schema" TO "Odd Role";
--- a trigger, a rule and a policy
CREATE FUNCTION "My Schema"."T"() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER "On Insert" AFTER INSERT ON "My Schema"."Order" FOR EACH ROW EXECUTE FUNCTION "My Schema"."T"('x y', '''');
CREATE RULE "Rule 1" AS ON DELETE TO "My Schema"."Order" DO INSTEAD NOTHING;
CREATE POLICY "Only mine" ON "My Schema"."Order" TO "Odd Role" USING ("user" = CURRENT_USER);
--- everything gone
DROP SCHEMA "My Schema" CASCADE;

=== names that differ in case only
CREATE TABLE item (id integer PRIMARY KEY, "Id" integer, "ID" text);
CREATE TABLE "Item" (id integer);
CREATE FUNCTION f() RETURNS integer LANGUAGE sql AS $$ SELECT 1 $$;
CREATE FUNCTION "F"() RETURNS integer LANGUAGE sql AS $$ SELECT 2 $$;
--- one of two columns
ALTER TABLE item DROP COLUMN "Id", ALTER "ID" SET DEFAULT 'x';
--- one of two tables
DROP TABLE "Item";
--- one of two functions
CREATE OR REPLACE FUNCTION "F"() RETURNS integer LANGUAGE sql AS $$ SELECT 3 $$;

=== unicode, long and reserved names
CREATE TABLE "größe" ("länge" integer, "日本" text DEFAULT 'é');
CREATE TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123
    (b23456789_123456789_123456789_123456789_123456789_123456789_123 integer);
CREATE TABLE "user" ("table" text, "order" integer, "group" text, "default" text DEFAULT 'x', "check" integer, "primary" integer);
CREATE TABLE name (type text, value text, date date, time time, timestamp timestamptz, year integer, char "char", text text);
--- unicode
ALTER TABLE "größe" ADD COLUMN "ü€" text DEFAULT '–';
CREATE INDEX "größe_länge" ON "größe" ("länge");
COMMENT ON TABLE "größe" IS 'in µm';
CREATE VIEW "Straße" AS SELECT "日本" FROM "größe";
--- long names
ALTER TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123
    ADD UNIQUE (b23456789_123456789_123456789_123456789_123456789_123456789_123);
ALTER TABLE a23456789_123456789_123456789_123456789_123456789_123456789_123 ADD id serial;
--- reserved names
ALTER TABLE "user" ADD CONSTRAINT "references" CHECK ("check" > 0), ADD PRIMARY KEY ("primary"), DROP "group";
CREATE INDEX "index" ON "user" ("table", "order" DESC);
CREATE VIEW "view" AS SELECT "order", "default" FROM "user" WHERE "table" = 'column';
CREATE FUNCTION "function"("in" integer, "out" text) RETURNS text LANGUAGE sql AS 'SELECT $2';
--- names that are types
ALTER TABLE name ADD boolean boolean, ADD json jsonb, ALTER date SET DEFAULT CURRENT_DATE, ADD CHECK (year > 0 AND char <> 'x');
CREATE VIEW names AS SELECT type, value, date, "time", "timestamp", char FROM name;

=== names in each other's way
CREATE TABLE t (id integer);
--- the index of a new constraint has the name of an old index
-- old
CREATE INDEX t_pkey ON t (id);
-- new
ALTER TABLE t ADD PRIMARY KEY (id);
--- a sequence has the name that a table should have
-- old
CREATE SEQUENCE u;
-- new
CREATE TABLE u (id integer);
--- a type has the name of a table
-- old
CREATE TYPE u AS ENUM ('x');
-- new
CREATE TABLE u (x integer);
--- a view has the name of an index
-- old
CREATE VIEW u AS SELECT 1 AS one;
-- new
CREATE INDEX u ON t (id);
--- a composite type has the name of a table
-- old
CREATE TYPE u AS (x integer);
CREATE FUNCTION f(u) RETURNS integer LANGUAGE sql AS $$ SELECT $1.x $$;
-- new
CREATE TABLE u (x integer);
CREATE FUNCTION f(u) RETURNS integer LANGUAGE sql AS $$ SELECT $1.x $$;
--- three names go round
-- old
CREATE TABLE x (a integer);
CREATE TABLE y (b text);
CREATE TABLE z (c date);
-- new
CREATE TABLE y (a integer);
CREATE TABLE z (b text);
CREATE TABLE x (c date);
