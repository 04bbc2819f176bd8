=== cities and capitals
CREATE TABLE city (id integer PRIMARY KEY, name text NOT NULL DEFAULT '', population integer CONSTRAINT populated CHECK (population >= 0));
CREATE TABLE capital (country text) INHERITS (city);
CREATE TABLE place (note text);
--- a column in the parent
ALTER TABLE city ADD COLUMN altitude integer DEFAULT 0;
--- a column of the parent dropped
ALTER TABLE city DROP COLUMN population;
--- a column of the parent retyped
ALTER TABLE city ALTER population TYPE bigint;
--- a column of the parent renamed
ALTER TABLE city RENAME name TO label;
--- a check in the parent
ALTER TABLE city ADD CONSTRAINT named CHECK (name <> '');
--- a check dropped in the parent
ALTER TABLE city DROP CONSTRAINT populated;
--- no child any more
ALTER TABLE capital NO INHERIT city;
--- a second parent
ALTER TABLE capital ADD COLUMN note text;
ALTER TABLE capital INHERIT place;
--- another parent
-- old
CREATE TABLE town (note text) INHERITS (place);
-- new
CREATE TABLE town () INHERITS (city);
--- a grandchild
CREATE TABLE old_capital (until date) INHERITS (capital);
--- the child has its own default and not null
ALTER TABLE capital ALTER name SET DEFAULT 'capital', ALTER population SET NOT NULL;
--- the child gone
DROP TABLE capital;
--- both gone
DROP TABLE capital, city;
--- the child made with its own copy of the columns
-- old
CREATE TABLE village (id integer NOT NULL, name text DEFAULT '' NOT NULL, population integer,
    CONSTRAINT populated CHECK (population >= 0)) INHERITS (city);
-- new
CREATE TABLE village () INHERITS (city);
--- comments and grants
COMMENT ON COLUMN capital.name IS 'of the capital';
GRANT SELECT ON capital TO app_reader;
--- a grandchild of a table with a check
-- one way
-- old
CREATE TABLE elder (n integer, CONSTRAINT positive CHECK (n > 0));
CREATE TABLE middle () INHERITS (elder);
CREATE TABLE youngest (n integer, CONSTRAINT positive CHECK (n > 0)) INHERITS (middle);
-- new
CREATE TABLE elder (n integer, CONSTRAINT positive CHECK (n > 0));
CREATE TABLE middle () INHERITS (elder);
CREATE TABLE youngest (n integer);
