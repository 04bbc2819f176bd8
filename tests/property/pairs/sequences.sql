=== a sequence for itself
CREATE SEQUENCE invoice_number START WITH 1000;
CREATE TABLE invoice (id integer, number bigint DEFAULT nextval('invoice_number'));
--- another step
ALTER SEQUENCE invoice_number INCREMENT BY 2;
--- its limits
ALTER SEQUENCE invoice_number MINVALUE 100 MAXVALUE 99999 CYCLE CACHE 10;
--- where it starts
ALTER SEQUENCE invoice_number START WITH 2000;
--- a smaller type
-- old
-- new
ALTER TABLE invoice ALTER number DROP DEFAULT;
DROP SEQUENCE invoice_number;
CREATE SEQUENCE invoice_number AS integer START WITH 1000;
ALTER TABLE invoice ALTER number SET DEFAULT nextval('invoice_number');
--- downwards
CREATE SEQUENCE countdown INCREMENT BY -1 MINVALUE -100 MAXVALUE 100 START WITH 100;
--- a new one
CREATE SEQUENCE ticket_number;
COMMENT ON SEQUENCE ticket_number IS 'tickets';
GRANT USAGE, SELECT ON SEQUENCE ticket_number TO app_user;
--- renamed
ALTER SEQUENCE invoice_number RENAME TO invoice_numbers;
--- dropped with the default that used it
ALTER TABLE invoice ALTER number DROP DEFAULT;
DROP SEQUENCE invoice_number;
--- owned by a column
ALTER SEQUENCE invoice_number OWNED BY invoice.number;
--- owned by another column
-- old
ALTER SEQUENCE invoice_number OWNED BY invoice.number;
-- new
ALTER SEQUENCE invoice_number OWNED BY invoice.id;
--- shared by two tables
CREATE TABLE credit_note (number bigint DEFAULT nextval('invoice_number') PRIMARY KEY);
--- its owner, grants and comment
ALTER SEQUENCE invoice_number OWNER TO app_owner;
GRANT ALL ON SEQUENCE invoice_number TO app_user;
COMMENT ON SEQUENCE invoice_number IS 'no gaps, please';
--- in another schema
CREATE SCHEMA numbers;
ALTER SEQUENCE invoice_number SET SCHEMA numbers;
--- unlogged
CREATE UNLOGGED TABLE cache (id serial PRIMARY KEY, v text);
--- in a function
CREATE FUNCTION next_invoice() RETURNS bigint LANGUAGE sql AS $$ SELECT nextval('invoice_number') $$;

=== serial, identity and plain keys
CREATE TABLE a (id serial PRIMARY KEY, v text);
CREATE TABLE b (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, v text);
CREATE TABLE c (id integer PRIMARY KEY, v text);
--- each as the next one
ALTER TABLE a ALTER id DROP DEFAULT;
DROP SEQUENCE a_id_seq;
ALTER TABLE a ALTER id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE b ALTER id DROP IDENTITY;
CREATE SEQUENCE c_id_seq AS integer OWNED BY c.id;
ALTER TABLE c ALTER id SET DEFAULT nextval('c_id_seq');
--- each as the one before
ALTER TABLE a ALTER id DROP DEFAULT;
DROP SEQUENCE a_id_seq;
ALTER TABLE b ALTER id DROP IDENTITY;
CREATE SEQUENCE b_id_seq AS integer OWNED BY b.id;
ALTER TABLE b ALTER id SET DEFAULT nextval('b_id_seq');
ALTER TABLE c ALTER id ADD GENERATED ALWAYS AS IDENTITY (SEQUENCE NAME c_numbers START WITH 7);
--- all of them bigint
ALTER TABLE a ALTER id TYPE bigint;
ALTER SEQUENCE a_id_seq AS bigint;
ALTER TABLE b ALTER id TYPE bigint;
ALTER SEQUENCE b_id_seq AS bigint;
ALTER TABLE c ALTER id TYPE bigint;
--- all of them smallint
ALTER TABLE a ALTER id TYPE smallint;
ALTER SEQUENCE a_id_seq AS smallint;
ALTER TABLE b ALTER id TYPE smallint;
ALTER SEQUENCE b_id_seq AS smallint;
ALTER TABLE c ALTER id TYPE smallint;
--- tables renamed, sequences not
ALTER TABLE a RENAME TO alpha;
ALTER TABLE b RENAME TO beta;
--- grants on the sequence of a column
GRANT USAGE ON SEQUENCE a_id_seq TO app_user;
GRANT SELECT ON SEQUENCE b_id_seq TO app_reader;
COMMENT ON SEQUENCE a_id_seq IS 'of a';
--- two columns from one sequence
ALTER TABLE a ADD COLUMN other integer DEFAULT nextval('a_id_seq');
