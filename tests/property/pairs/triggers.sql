=== a journal
CREATE TABLE item (id integer PRIMARY KEY, name text, price numeric, state text, changed_at timestamptz);
CREATE TABLE journal (id bigserial, what text);
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.changed_at := now(); RETURN NEW; END $$;
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO journal (what) VALUES (TG_OP); RETURN NULL; END $$;
CREATE TRIGGER stamp BEFORE UPDATE ON item FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
CREATE RULE no_delete AS ON DELETE TO journal DO INSTEAD NOTHING;
--- added
CREATE TRIGGER price_changed AFTER UPDATE OF price ON item FOR EACH ROW WHEN (OLD.price IS DISTINCT FROM NEW.price) EXECUTE FUNCTION note('price',
    '2');
--- dropped
DROP TRIGGER note ON item;
--- renamed
ALTER TRIGGER note ON item RENAME TO write_journal;
--- before instead of after
CREATE OR REPLACE TRIGGER note BEFORE INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
--- other events
CREATE OR REPLACE TRIGGER note AFTER INSERT OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
--- for the statement
DROP TRIGGER note ON item;
CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON item FOR EACH STATEMENT EXECUTE FUNCTION note();
--- a condition
CREATE OR REPLACE TRIGGER stamp BEFORE UPDATE ON item FOR EACH ROW WHEN (OLD.* IS DISTINCT FROM NEW.*) EXECUTE FUNCTION stamp();
--- columns
CREATE OR REPLACE TRIGGER stamp BEFORE UPDATE OF name, price ON item FOR EACH ROW EXECUTE FUNCTION stamp();
--- arguments
CREATE OR REPLACE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION note('it''s', '', '42');
--- another function
CREATE FUNCTION note2() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON item FOR EACH ROW EXECUTE FUNCTION note2();
--- disabled
ALTER TABLE item DISABLE TRIGGER note;
--- always
ALTER TABLE item ENABLE ALWAYS TRIGGER note;
ALTER TABLE item ENABLE REPLICA TRIGGER stamp;
--- transition tables
CREATE TRIGGER bulk AFTER UPDATE ON item REFERENCING OLD TABLE AS before NEW TABLE AS after FOR EACH STATEMENT EXECUTE FUNCTION note();
--- a constraint trigger
CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON item DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
--- a constraint trigger from another table
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON item FROM journal NOT DEFERRABLE FOR EACH ROW EXECUTE FUNCTION note();
--- a comment
COMMENT ON TRIGGER note ON item IS 'who did it';
--- its function changed too
CREATE OR REPLACE FUNCTION note() RETURNS trigger LANGUAGE plpgsql
    AS $$ BEGIN INSERT INTO journal (what) VALUES (TG_OP || TG_NAME); RETURN NULL; END $$;
CREATE OR REPLACE TRIGGER note AFTER DELETE ON item FOR EACH ROW EXECUTE FUNCTION note();
--- gone with its function
DROP FUNCTION stamp() CASCADE;
--- the column it watches retyped
-- old
CREATE TRIGGER p AFTER UPDATE OF price ON item FOR EACH ROW WHEN (NEW.price > 10) EXECUTE FUNCTION note();
-- new
ALTER TABLE item ALTER price TYPE double precision;
CREATE TRIGGER p AFTER UPDATE OF price ON item FOR EACH ROW WHEN (NEW.price > 10) EXECUTE FUNCTION note();
--- the column it watches renamed
-- old
CREATE TRIGGER p AFTER UPDATE OF price ON item FOR EACH ROW WHEN (NEW.price > 10) EXECUTE FUNCTION note();
-- new
ALTER TABLE item RENAME price TO cost;
CREATE TRIGGER p AFTER UPDATE OF cost ON item FOR EACH ROW WHEN (NEW.cost > 10) EXECUTE FUNCTION note();
--- on a partitioned table
-- old
CREATE TABLE log (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
-- new
CREATE TABLE log (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE log_rest PARTITION OF log DEFAULT;
CREATE TRIGGER note AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION note();
--- disabled on one partition
-- old
CREATE TABLE log (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TRIGGER note AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION note();
-- new
CREATE TABLE log (id integer, at date) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TRIGGER note AFTER INSERT ON log FOR EACH ROW EXECUTE FUNCTION note();
ALTER TABLE log_1 DISABLE TRIGGER note;
--- a rule added
CREATE RULE copy AS ON INSERT TO item DO ALSO INSERT INTO journal (what) VALUES (NEW.name);
--- a rule changed
CREATE OR REPLACE RULE no_delete AS ON DELETE TO journal WHERE OLD.id < 100 DO INSTEAD NOTHING;
--- a rule dropped
DROP RULE no_delete ON journal;
--- a rule disabled and commented
ALTER TABLE journal DISABLE RULE no_delete;
COMMENT ON RULE no_delete ON journal IS 'kept for ever';
--- a rule renamed
ALTER RULE no_delete ON journal RENAME TO keep;
--- a rule of several commands
CREATE RULE many AS ON UPDATE TO item DO ALSO (INSERT INTO journal
    (what) VALUES (OLD.name); INSERT INTO journal (what) VALUES (NEW.name); NOTIFY item);
