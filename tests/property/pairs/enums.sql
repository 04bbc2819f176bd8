=== the state of a ticket
CREATE TYPE state AS ENUM ('new', 'open', 'waiting', 'closed');
CREATE TABLE ticket (id integer PRIMARY KEY, state state DEFAULT 'new' NOT NULL, history state[] DEFAULT '{}'::state[]);
COMMENT ON TYPE state IS 'of a ticket';
--- a label at the end
ALTER TYPE state ADD VALUE 'archived';
--- a label at the front
ALTER TYPE state ADD VALUE 'draft' BEFORE 'new';
--- a label in the middle
ALTER TYPE state ADD VALUE 'assigned' AFTER 'open';
--- several labels everywhere
ALTER TYPE state ADD VALUE 'a' BEFORE 'new';
ALTER TYPE state ADD VALUE 'b' AFTER 'new';
ALTER TYPE state ADD VALUE 'c' AFTER 'b';
ALTER TYPE state ADD VALUE 'z';
--- a label renamed
ALTER TYPE state RENAME VALUE 'waiting' TO 'on hold';
--- two labels renamed, one added
ALTER TYPE state RENAME VALUE 'waiting' TO 'on hold';
ALTER TYPE state RENAME VALUE 'new' TO 'fresh';
ALTER TYPE state ADD VALUE 'archived';
--- labels in another order
-- old
-- new
DROP TABLE ticket;
DROP TYPE state;
CREATE TYPE state AS ENUM ('closed', 'waiting', 'open', 'new');
CREATE TABLE ticket (id integer PRIMARY KEY, state state DEFAULT 'new' NOT NULL, history state[] DEFAULT '{}'::state[]);
COMMENT ON TYPE state IS 'of a ticket';
--- the default is the new label
ALTER TYPE state ADD VALUE 'draft' BEFORE 'new';
-- commit
ALTER TABLE ticket ALTER state SET DEFAULT 'draft';
--- the type renamed
ALTER TYPE state RENAME TO ticket_state;
--- the column made text
ALTER TABLE ticket ALTER state DROP DEFAULT, ALTER state TYPE text, ALTER state SET DEFAULT 'new';
--- the column made text, the type gone
ALTER TABLE ticket ALTER state DROP DEFAULT, ALTER state TYPE text, ALTER state SET DEFAULT 'new', DROP history;
DROP TYPE state;
--- a type more
CREATE TYPE priority AS ENUM ('low', 'high');
ALTER TABLE ticket ADD COLUMN priority priority DEFAULT 'low';
GRANT USAGE ON TYPE priority TO app_user;
--- a type nobody uses
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'happy :-)', '');
--- without a label
CREATE TYPE nothing AS ENUM ();
--- owner, grants and comment
ALTER TYPE state OWNER TO app_owner;
REVOKE USAGE ON TYPE state FROM PUBLIC;
GRANT USAGE ON TYPE state TO app_user;
COMMENT ON TYPE state IS 'life of a ticket';
--- in another schema
CREATE SCHEMA kinds;
ALTER TYPE state SET SCHEMA kinds;

=== a state that is used everywhere
CREATE TYPE state AS ENUM ('new', 'open', 'closed');
CREATE DOMAIN open_state AS state CHECK (VALUE <> 'closed');
CREATE TYPE change AS (was state, is_now state);
CREATE TABLE ticket (id integer PRIMARY KEY, state state DEFAULT 'new', CONSTRAINT not_new CHECK (state <> 'new' OR id > 0), log change[]);
CREATE INDEX ticket_open ON ticket (id) WHERE state = 'open';
CREATE INDEX ticket_state ON ticket (state);
CREATE VIEW open_tickets AS SELECT id, state FROM ticket WHERE state IN ('new', 'open');
CREATE MATERIALIZED VIEW counts AS SELECT state, count(*) FROM ticket GROUP BY state;
CREATE FUNCTION is_open(s state) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT s <> 'closed' $$;
CREATE FUNCTION close_all(s state DEFAULT 'closed') RETURNS SETOF state LANGUAGE plpgsql AS $$ BEGIN RETURN NEXT s; END $$;
CREATE TABLE parted (state state, n integer) PARTITION BY LIST (state);
CREATE TABLE parted_new PARTITION OF parted FOR VALUES IN ('new');
ALTER TABLE ticket ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON ticket USING (state <> 'closed');
--- a label at the end
ALTER TYPE state ADD VALUE 'archived';
--- a label in the middle
ALTER TYPE state ADD VALUE 'waiting' BEFORE 'closed';
--- a label renamed
ALTER TYPE state RENAME VALUE 'closed' TO 'done';
--- a label and what uses it
ALTER TYPE state ADD VALUE 'waiting' BEFORE 'closed';
-- commit
CREATE TABLE parted_waiting PARTITION OF parted FOR VALUES IN ('waiting');
CREATE OR REPLACE VIEW open_tickets AS SELECT id, state FROM ticket WHERE state IN ('new', 'open', 'waiting');

=== a state in a simple table under views
CREATE TYPE state AS ENUM ('new', 'open', 'closed', 'lost');
CREATE TABLE ticket (id integer PRIMARY KEY, state state DEFAULT 'new', CONSTRAINT not_new CHECK (state <> 'new' OR id > 0));
CREATE INDEX ticket_open ON ticket (id) WHERE state = 'open';
CREATE VIEW tickets AS SELECT id, state FROM ticket;
CREATE FUNCTION is_open(s state) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT s <> 'closed' $$;
GRANT USAGE ON TYPE state TO app_user;
--- a label removed in the way people do it
-- old
-- new
DROP VIEW tickets;
DROP FUNCTION is_open(state);
DROP INDEX ticket_open;
ALTER TABLE ticket DROP CONSTRAINT not_new, ALTER state DROP DEFAULT;
ALTER TYPE state RENAME TO state_old;
CREATE TYPE state AS ENUM ('new', 'open', 'closed');
ALTER TABLE ticket ALTER state TYPE state USING state::text::state, ALTER state SET DEFAULT 'new',
    ADD CONSTRAINT not_new CHECK (state <> 'new' OR id > 0);
DROP TYPE state_old;
CREATE INDEX ticket_open ON ticket (id) WHERE state = 'open';
CREATE VIEW tickets AS SELECT id, state FROM ticket;
CREATE FUNCTION is_open(s state) RETURNS boolean LANGUAGE sql IMMUTABLE AS $$ SELECT s <> 'closed' $$;
GRANT USAGE ON TYPE state TO app_user;

=== kept as a check, an enum or a table
CREATE TABLE job (id integer PRIMARY KEY);
--- a check or an enum
-- old
ALTER TABLE job ADD state text DEFAULT 'new' CHECK (state IN ('new', 'done'));
-- new
CREATE TYPE job_state AS ENUM ('new', 'done');
ALTER TABLE job ADD state job_state DEFAULT 'new';
--- an enum or a table
-- old
CREATE TYPE job_state AS ENUM ('new', 'done');
ALTER TABLE job ADD state job_state DEFAULT 'new';
-- new
CREATE TABLE job_state (name text PRIMARY KEY);
ALTER TABLE job ADD state text DEFAULT 'new' REFERENCES job_state;
