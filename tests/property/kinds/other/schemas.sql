--- schema missing
CREATE SCHEMA s_{n} AUTHORIZATION {ann};
COMMENT ON SCHEMA s_{n} IS 'it''s "s"';
GRANT USAGE ON SCHEMA s_{n} TO {bob};
GRANT CREATE ON SCHEMA s_{n} TO {eve} WITH GRANT OPTION;
--- slip
DROP SCHEMA s_{n};

--- schema extra
SELECT 'e_{n}';
--- slip
CREATE SCHEMA e_{n};
COMMENT ON SCHEMA e_{n} IS 'extra';
GRANT ALL ON SCHEMA e_{n} TO PUBLIC;
ALTER SCHEMA e_{n} OWNER TO {bob};

--- schema owner, comment, grants
CREATE SCHEMA s_{n};
COMMENT ON SCHEMA s_{n} IS 'one';
GRANT USAGE ON SCHEMA s_{n} TO {ann}, {bob} WITH GRANT OPTION;
--- slip
COMMENT ON SCHEMA s_{n} IS NULL;
REVOKE GRANT OPTION FOR USAGE ON SCHEMA s_{n} FROM {ann};
REVOKE ALL ON SCHEMA s_{n} FROM {bob};
GRANT CREATE ON SCHEMA s_{n} TO {odd} WITH GRANT OPTION;
ALTER SCHEMA s_{n} OWNER TO {eve};

--- schema given by somebody else
CREATE SCHEMA s_{n};
GRANT USAGE ON SCHEMA s_{n} TO {ann} WITH GRANT OPTION;
--- slip
SET ROLE {ann};
GRANT USAGE ON SCHEMA s_{n} TO {eve};
RESET ROLE;

--- schema owner without his own
CREATE SCHEMA s_{n} AUTHORIZATION {ann};
REVOKE CREATE ON SCHEMA s_{n} FROM {ann};
--- slip
GRANT CREATE ON SCHEMA s_{n} TO {ann};
REVOKE USAGE ON SCHEMA s_{n} FROM {ann};

--- schema taken over by one it was granted to
CREATE SCHEMA s_{n} AUTHORIZATION {ann};
GRANT USAGE ON SCHEMA s_{n} TO {bob} WITH GRANT OPTION;
--- slip
ALTER SCHEMA s_{n} OWNER TO {bob};

--- schema hostile
CREATE SCHEMA {hostile} AUTHORIZATION {odd};
COMMENT ON SCHEMA {hostile} IS E'\\ '' " $1 %I';
--- slip
DROP SCHEMA {hostile};

--- extension missing
CREATE SCHEMA s_{n};
CREATE EXTENSION hstore SCHEMA s_{n};
COMMENT ON EXTENSION hstore IS 'ours {n}';
--- slip
DROP EXTENSION hstore;

--- extension extra
SELECT 'citext {n}';
--- slip
CREATE EXTENSION citext;
COMMENT ON EXTENSION citext IS 'theirs {n}';

--- extension moved
CREATE SCHEMA s_{n};
CREATE EXTENSION pg_trgm SCHEMA s_{n};
--- slip
ALTER EXTENSION pg_trgm SET SCHEMA public;
COMMENT ON EXTENSION pg_trgm IS NULL;

--- extension behind
-- no revert
CREATE EXTENSION ltree;
--- slip
DROP EXTENSION ltree;
CREATE EXTENSION ltree VERSION '1.1';

--- extension ahead
CREATE EXTENSION intarray VERSION '1.2';
--- slip
ALTER EXTENSION intarray UPDATE;

--- extensions that need each other
CREATE EXTENSION cube;
CREATE EXTENSION earthdistance;
COMMENT ON EXTENSION earthdistance IS 'number {n}';
--- slip
DROP EXTENSION earthdistance, cube;

--- extensions too many that need each other
SELECT 'bloom', 'seg', {n};
--- slip
CREATE EXTENSION seg;
CREATE EXTENSION bloom;

--- privileges on members of an extension
CREATE SCHEMA s_{n};
CREATE EXTENSION pg_buffercache SCHEMA s_{n};
GRANT SELECT ON s_{n}.pg_buffercache TO {ann}, {odd};
REVOKE SELECT ON s_{n}.pg_buffercache FROM pg_monitor;
CREATE EXTENSION fuzzystrmatch;
REVOKE EXECUTE ON FUNCTION levenshtein(text, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION soundex(text) TO {bob} WITH GRANT OPTION;
--- slip
ALTER EXTENSION pg_buffercache SET SCHEMA public;
GRANT SELECT ON pg_buffercache TO pg_monitor, {eve};
REVOKE SELECT ON pg_buffercache FROM {ann};
GRANT EXECUTE ON FUNCTION levenshtein(text, text) TO PUBLIC;
REVOKE EXECUTE ON FUNCTION soundex(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION metaphone(text, int) TO {ann};

--- privileges on a wrapper of an extension
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {ann};
--- slip
GRANT USAGE ON FOREIGN DATA WRAPPER postgres_fdw TO {bob};
REVOKE USAGE ON FOREIGN DATA WRAPPER postgres_fdw FROM {ann};

--- privileges on members of an extension that went
CREATE EXTENSION pgrowlocks;
GRANT EXECUTE ON FUNCTION pgrowlocks(text) TO {ann};
CREATE EXTENSION tablefunc;
REVOKE ALL ON FUNCTION normal_rand(int, float8, float8) FROM PUBLIC;
COMMENT ON EXTENSION tablefunc IS 'number {n}';
--- slip
DROP EXTENSION pgrowlocks, tablefunc;

--- extension that can't be moved, but made anew
-- only: SELECT EXISTS (SELECT FROM pg_available_extensions WHERE name = 'xml2')
CREATE SCHEMA s_{n};
CREATE EXTENSION xml2 SCHEMA s_{n};
COMMENT ON EXTENSION xml2 IS 'number {n}';
--- slip
DROP EXTENSION xml2;
CREATE EXTENSION xml2 SCHEMA public;

--- default privileges missing
CREATE ROLE role_{n};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT SELECT, INSERT ON TABLES TO {ann};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT SELECT ON TABLES TO {bob} WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE ALL ON SEQUENCES FROM role_{n};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT USAGE ON SCHEMAS TO PUBLIC;
CREATE SCHEMA s_{n};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} IN SCHEMA s_{n} GRANT EXECUTE ON FUNCTIONS TO {odd}, role_{n};
--- slip
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE ALL ON TABLES FROM {ann}, {bob};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT EXECUTE ON FUNCTIONS TO PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT ALL ON SEQUENCES TO role_{n};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE ALL ON SCHEMAS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} IN SCHEMA s_{n} REVOKE ALL ON FUNCTIONS FROM {odd}, role_{n};

--- default privileges extra
CREATE ROLE role_{n};
CREATE SCHEMA s_{n};
--- slip
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} IN SCHEMA s_{n} GRANT ALL ON TABLES TO {ann} WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE USAGE ON TYPES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE DELETE ON TABLES FROM role_{n};

--- default privileges changed
CREATE ROLE role_{n};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT SELECT, INSERT ON TABLES TO {ann};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT SELECT ON TABLES TO {bob} WITH GRANT OPTION;
--- slip
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT SELECT ON TABLES TO {ann} WITH GRANT OPTION;
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} REVOKE GRANT OPTION FOR SELECT ON TABLES FROM {bob};
ALTER DEFAULT PRIVILEGES FOR ROLE role_{n} GRANT UPDATE ON TABLES TO {bob}, PUBLIC;

--- made under default privileges
CREATE SCHEMA s_{n};
--- slip
DROP SCHEMA s_{n};
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {bob};
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SCHEMAS FROM postgres;
