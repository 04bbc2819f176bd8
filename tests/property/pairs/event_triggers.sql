=== somebody watches
CREATE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'DROP VIEW') EXECUTE FUNCTION look();
CREATE TABLE t (id integer);
--- one more
CREATE EVENT TRIGGER watch_drops ON sql_drop EXECUTE FUNCTION look();
COMMENT ON EVENT TRIGGER watch_drops IS 'what goes';
--- one less
DROP EVENT TRIGGER watch_tables;
--- disabled
ALTER EVENT TRIGGER watch_tables DISABLE;
--- always
ALTER EVENT TRIGGER watch_tables ENABLE ALWAYS;
--- other tags
DROP EVENT TRIGGER watch_tables;
CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE VIEW') EXECUTE FUNCTION look();
--- another event
DROP EVENT TRIGGER watch_tables;
CREATE EVENT TRIGGER watch_tables ON ddl_command_start WHEN TAG IN ('CREATE VIEW', 'DROP VIEW') EXECUTE FUNCTION look();
--- another function
DROP EVENT TRIGGER watch_tables;
CREATE FUNCTION look_again() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN NULL; END $$;
CREATE EVENT TRIGGER watch_tables ON ddl_command_end WHEN TAG IN ('CREATE VIEW', 'DROP VIEW') EXECUTE FUNCTION look_again();
--- renamed
ALTER EVENT TRIGGER watch_tables RENAME TO watch_views;
--- on a rewrite
CREATE EVENT TRIGGER watch_rewrites ON table_rewrite EXECUTE FUNCTION look();
--- another body
CREATE OR REPLACE FUNCTION look() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE DEBUG 'x'; END $$;
--- gone with its function
DROP FUNCTION look() CASCADE;
--- one that refuses
CREATE FUNCTION refuse() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE EVENT TRIGGER refuse ON sql_drop WHEN TAG IN ('DROP SEQUENCE') EXECUTE FUNCTION refuse();
