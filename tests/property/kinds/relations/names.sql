--- hostile names
CREATE TABLE "a"";--" ("x'; DROP" int, "$1 %s %I" text);
CREATE VIEW "v"" '%s' $$" AS SELECT "x'; DROP", "$1 %s %I" FROM "a"";--";
CREATE VIEW "ALTER TABLE" AS SELECT 1 AS "select";
CREATE MATERIALIZED VIEW "m'; --" AS SELECT "x'; DROP", "$1 %s %I" FROM "a"";--";
CREATE INDEX "i"" ' %L" ON "m'; --" ("$1 %s %I");
CREATE SEQUENCE "s"" ' %L \";
CREATE FOREIGN TABLE "f"" ' %L \" ("c' """ int OPTIONS ("o'""" 'v''"\')) SERVER near OPTIONS ("k'"" %s" 'v''"\ %s');
COMMENT ON VIEW "v"" '%s' $$" IS 'ALTER TABLE "v"" ''%s'' $$" \ ';
COMMENT ON COLUMN "v"" '%s' $$"."$1 %s %I" IS E'\\ '' %s $$';
COMMENT ON SEQUENCE "s"" ' %L \" IS '%s';
GRANT SELECT ON "v"" '%s' $$", "m'; --", "f"" ' %L \" TO {odd};
GRANT UPDATE ("x'; DROP") ON "v"" '%s' $$" TO {odd};
GRANT USAGE ON SEQUENCE "s"" ' %L \" TO {odd};
--- slip
DROP VIEW "v"" '%s' $$", "ALTER TABLE";
CREATE VIEW "v"" '%s' $$" AS SELECT "$1 %s %I" FROM "a"";--";
CREATE VIEW "ALTER TABLE" AS SELECT 2 AS "from";
DROP INDEX "i"" ' %L";
ALTER MATERIALIZED VIEW "m'; --" OWNER TO {odd};
DROP SEQUENCE "s"" ' %L \";
ALTER FOREIGN TABLE "f"" ' %L \" OPTIONS (DROP "k'"" %s"), ALTER "c' """ OPTIONS (SET "o'""" '%I');
