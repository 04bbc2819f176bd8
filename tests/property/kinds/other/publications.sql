--- publication missing
CREATE TABLE t_{n} (a int PRIMARY KEY, b text, "C c" int);
CREATE TABLE u_{n} (a int PRIMARY KEY);
CREATE SCHEMA s_{n};
CREATE PUBLICATION p_{n} FOR TABLE t_{n} (a, "C c") WHERE (a > 5 AND a < 10), TABLE u_{n}
    WITH (publish = 'insert, delete', publish_via_partition_root);
CREATE PUBLICATION q_{n} FOR TABLES IN SCHEMA s_{n}, TABLE u_{n};
COMMENT ON PUBLICATION p_{n} IS 'p';
--- slip
DROP PUBLICATION p_{n}, q_{n};

--- publication extra
CREATE TABLE t_{n} (a int);
--- slip
CREATE PUBLICATION p_{n} FOR TABLE t_{n};
CREATE PUBLICATION q_{n} FOR ALL TABLES WITH (publish = '');
ALTER PUBLICATION p_{n} OWNER TO {ann};

--- publication options and members
CREATE TABLE t_{n} (a int, b text);
CREATE TABLE u_{n} (a int);
CREATE TABLE v_{n} (a int, "B" varchar(5));
CREATE SCHEMA s_{n};
CREATE SCHEMA z_{n};
CREATE PUBLICATION p_{n} FOR TABLE t_{n}, v_{n} WHERE (a IN (1, 2)), TABLES IN SCHEMA s_{n} WITH (publish = 'insert');
ALTER PUBLICATION p_{n} OWNER TO {ann};
--- slip
ALTER PUBLICATION p_{n} SET TABLE u_{n}, v_{n}, t_{n} (a, b);
ALTER PUBLICATION p_{n} SET (publish = 'insert, update', publish_via_partition_root = true);
ALTER PUBLICATION p_{n} OWNER TO postgres;
COMMENT ON PUBLICATION p_{n} IS 'slipped';

--- publication of all tables and back
CREATE TABLE t_{n} (a int);
CREATE PUBLICATION p_{n} FOR ALL TABLES;
CREATE PUBLICATION q_{n} FOR TABLE t_{n};
COMMENT ON PUBLICATION q_{n} IS 'q';
--- slip
DROP PUBLICATION p_{n}, q_{n};
CREATE PUBLICATION p_{n} FOR TABLE t_{n} WHERE (a = 1);
CREATE PUBLICATION q_{n} FOR ALL TABLES;

--- publication with generated columns
-- only: SELECT current_setting('server_version_num')::int >= 180000
CREATE PUBLICATION p_{n} WITH (publish_generated_columns = stored);
CREATE PUBLICATION q_{n};
--- slip
ALTER PUBLICATION p_{n} SET (publish_generated_columns = none);
ALTER PUBLICATION q_{n} SET (publish_generated_columns = stored);

--- publication with a table too many
CREATE TABLE t_{n} (a int);
CREATE PUBLICATION p_{n};
--- slip
ALTER PUBLICATION p_{n} ADD TABLE t_{n};

--- publication hostile
CREATE SCHEMA {hostile};
CREATE TABLE {hostile}.{hostile} ({hostile} int, b text);
CREATE PUBLICATION {hostile} FOR TABLE {hostile}.{hostile} ({hostile}) WHERE ({hostile} > 1);
--- slip
DROP PUBLICATION {hostile};

--- subscription owner and comment
CREATE SUBSCRIPTION u_{n} CONNECTION 'host=nowhere password=secret' PUBLICATION p WITH (connect = false, slot_name = NONE);
--- slip
COMMENT ON SUBSCRIPTION u_{n} IS 'slipped';

--- subscription options
CREATE SUBSCRIPTION u_{n} CONNECTION 'host=nowhere' PUBLICATION p, "P"
    WITH (connect = false, slot_name = NONE, binary = true, streaming = true);
--- slip
ALTER SUBSCRIPTION u_{n} SET (binary = false, streaming = false, synchronous_commit = remote_write);
ALTER SUBSCRIPTION u_{n} SET PUBLICATION p WITH (refresh = false);

--- event trigger missing
CREATE EVENT TRIGGER g_{n} ON ddl_command_end WHEN TAG IN ('CREATE TABLE', 'ALTER TABLE') EXECUTE FUNCTION on_ddl();
ALTER EVENT TRIGGER g_{n} DISABLE;
COMMENT ON EVENT TRIGGER g_{n} IS 'g';
CREATE EVENT TRIGGER h_{n} ON sql_drop EXECUTE FUNCTION on_ddl();
ALTER EVENT TRIGGER h_{n} ENABLE ALWAYS;
--- slip
DROP EVENT TRIGGER g_{n};
DROP EVENT TRIGGER h_{n};

--- event trigger extra
SELECT 'g_{n}';
--- slip
CREATE EVENT TRIGGER g_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl();
CREATE EVENT TRIGGER {hostile} ON table_rewrite EXECUTE FUNCTION on_ddl_too();
COMMENT ON EVENT TRIGGER g_{n} IS 'extra';
ALTER EVENT TRIGGER g_{n} ENABLE REPLICA;

--- event trigger state
CREATE EVENT TRIGGER g_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl();
CREATE EVENT TRIGGER h_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl();
ALTER EVENT TRIGGER h_{n} DISABLE;
--- slip
ALTER EVENT TRIGGER g_{n} DISABLE;
ALTER EVENT TRIGGER h_{n} ENABLE;

--- event trigger with other tags, function, event
CREATE EVENT TRIGGER g_{n} ON ddl_command_start WHEN TAG IN ('DROP TABLE') EXECUTE FUNCTION on_ddl();
COMMENT ON EVENT TRIGGER g_{n} IS 'g';
CREATE EVENT TRIGGER h_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl();
CREATE EVENT TRIGGER i_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl();
--- slip
DROP EVENT TRIGGER g_{n};
CREATE EVENT TRIGGER g_{n} ON ddl_command_start WHEN TAG IN ('DROP TABLE', 'DROP VIEW') EXECUTE FUNCTION on_ddl();
DROP EVENT TRIGGER h_{n};
CREATE EVENT TRIGGER h_{n} ON ddl_command_start EXECUTE FUNCTION on_ddl_too();
DROP EVENT TRIGGER i_{n};
CREATE EVENT TRIGGER i_{n} ON ddl_command_end EXECUTE FUNCTION on_ddl();
