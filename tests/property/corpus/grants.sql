--- grant and revoke
CREATE TABLE t (a int);
GRANT SELECT, INSERT ON t TO {ann};
--- slip
REVOKE INSERT ON t FROM {ann};
GRANT UPDATE, DELETE ON t TO {ann};
GRANT SELECT ON t TO PUBLIC;

--- grant option
CREATE TABLE t (a int);
GRANT SELECT ON t TO {ann} WITH GRANT OPTION;
GRANT INSERT ON t TO {ann};
--- slip
REVOKE GRANT OPTION FOR SELECT ON t FROM {ann};
GRANT INSERT ON t TO {ann} WITH GRANT OPTION;

--- passed on
-- grantors
CREATE TABLE t (a int);
GRANT SELECT ON t TO {ann} WITH GRANT OPTION;
GRANT USAGE ON SCHEMA {schema} TO {ann};
--- slip
SET ROLE {ann};
GRANT SELECT ON t TO {eve};
RESET ROLE;

--- passed on and taken away
-- grantors
CREATE TABLE t (a int);
GRANT SELECT, UPDATE ON t TO {ann} WITH GRANT OPTION;
GRANT USAGE ON SCHEMA {schema} TO {ann};
SET ROLE {ann};
GRANT SELECT ON t TO {eve};
RESET ROLE;
--- slip
REVOKE ALL ON t FROM {ann} CASCADE;

--- revoked from the owner
CREATE TABLE t (a int);
ALTER TABLE t OWNER TO {bob};
--- slip
REVOKE DELETE, TRUNCATE ON t FROM {bob};

--- declared without the owner
CREATE TABLE t (a int);
ALTER TABLE t OWNER TO {bob};
REVOKE ALL ON t FROM {bob};
--- slip
GRANT SELECT ON t TO {bob};
GRANT SELECT ON t TO {ann};

--- everything to the public
CREATE TABLE t (a int);
--- slip
GRANT ALL ON t TO PUBLIC;

--- column grants
CREATE TABLE t (a int, b int, "C c" int);
GRANT SELECT (a, b), UPDATE ("C c") ON t TO {ann};
GRANT REFERENCES (a) ON t TO {eve} WITH GRANT OPTION;
--- slip
REVOKE SELECT (a) ON t FROM {ann};
GRANT INSERT (b) ON t TO PUBLIC;
REVOKE GRANT OPTION FOR REFERENCES (a) ON t FROM {eve};

--- column grants swept by a revoke on the table
CREATE TABLE t (a int, b int);
GRANT SELECT (a), UPDATE (b) ON t TO {ann};
--- slip
GRANT SELECT, UPDATE ON t TO {ann};

--- column grants lost to a revoke on the table
CREATE TABLE t (a int, b int);
GRANT SELECT (a) ON t TO {ann};
--- slip
REVOKE ALL ON t FROM {ann};

--- odd role names
CREATE TABLE t (a int);
GRANT SELECT ON t TO {odd};
--- slip
REVOKE SELECT ON t FROM {odd};
GRANT INSERT (a) ON t TO {odd};

--- default privileges reach a table that is made again
-- rows gone
CREATE TABLE t (id serial, a int);
CREATE TABLE u (id int GENERATED ALWAYS AS IDENTITY);
GRANT SELECT ON t TO {ann};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT ALL ON TABLES TO {eve};
ALTER DEFAULT PRIVILEGES IN SCHEMA {schema} GRANT ALL ON SEQUENCES TO PUBLIC;
--- slip
DROP TABLE t;
DROP TABLE u;
