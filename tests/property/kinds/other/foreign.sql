--- wrapper missing
CREATE FOREIGN DATA WRAPPER w_{n} OPTIONS (debug 'true', host 'it''s');
COMMENT ON FOREIGN DATA WRAPPER w_{n} IS 'w';
GRANT USAGE ON FOREIGN DATA WRAPPER w_{n} TO {ann} WITH GRANT OPTION;
--- slip
DROP FOREIGN DATA WRAPPER w_{n};

--- wrapper extra
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
--- slip
CREATE FOREIGN DATA WRAPPER w_{n} VALIDATOR postgres_fdw_validator;
GRANT USAGE ON FOREIGN DATA WRAPPER w_{n} TO {ann};

--- wrapper functions and options
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE FOREIGN DATA WRAPPER w_{n} HANDLER postgres_fdw_handler VALIDATOR postgres_fdw_validator;
CREATE FOREIGN DATA WRAPPER x_{n} OPTIONS (debug 'a', host 'b');
CREATE FOREIGN DATA WRAPPER y_{n};
--- slip
ALTER FOREIGN DATA WRAPPER w_{n} NO HANDLER NO VALIDATOR;
ALTER FOREIGN DATA WRAPPER x_{n} OPTIONS (SET debug 'c', DROP host, ADD port '1', ADD "Odd Name" 'x');
ALTER FOREIGN DATA WRAPPER y_{n} HANDLER postgres_fdw_handler VALIDATOR postgres_fdw_validator;

--- wrapper with a secret that came
-- no revert
CREATE FOREIGN DATA WRAPPER w_{n};
--- slip
ALTER FOREIGN DATA WRAPPER w_{n} OPTIONS (password 'x');

--- server missing
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} TYPE 'ty''pe' VERSION '1.0' FOREIGN DATA WRAPPER w_{n} OPTIONS (host 'h', port '5432', dbname 'd"b');
COMMENT ON SERVER v_{n} IS 'v';
GRANT USAGE ON FOREIGN SERVER v_{n} TO {ann}, PUBLIC;
ALTER SERVER v_{n} OWNER TO {bob};
--- slip
DROP SERVER v_{n};

--- server options, version, owner
CREATE FOREIGN DATA WRAPPER w_{n};
GRANT USAGE ON FOREIGN DATA WRAPPER w_{n} TO {bob};
CREATE SERVER v_{n} VERSION '1.0' FOREIGN DATA WRAPPER w_{n} OPTIONS (host 'h', port '5432');
CREATE SERVER u_{n} FOREIGN DATA WRAPPER w_{n};
--- slip
ALTER SERVER v_{n} VERSION '2' OPTIONS (SET host 'g', DROP port, ADD fetch_size '5');
ALTER SERVER v_{n} OWNER TO {bob};
ALTER SERVER u_{n} VERSION '1';
GRANT USAGE ON FOREIGN SERVER u_{n} TO {odd};

--- server of another type
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} TYPE 'a' FOREIGN DATA WRAPPER w_{n};
CREATE SERVER u_{n} FOREIGN DATA WRAPPER w_{n} OPTIONS (host 'h');
--- slip
DROP SERVER v_{n};
CREATE SERVER v_{n} TYPE 'b' FOREIGN DATA WRAPPER w_{n};
DROP SERVER u_{n};
CREATE FOREIGN DATA WRAPPER x_{n};
CREATE SERVER u_{n} FOREIGN DATA WRAPPER x_{n} OPTIONS (host 'h');
GRANT USAGE ON FOREIGN SERVER u_{n} TO {ann};

--- server whose secret changed
-- stays: not healable: the value of option "password" is not kept
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} FOREIGN DATA WRAPPER w_{n} OPTIONS (password 'old');
--- slip
ALTER SERVER v_{n} OPTIONS (SET password 'new');

--- mapping missing
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} FOREIGN DATA WRAPPER w_{n};
CREATE USER MAPPING FOR {ann} SERVER v_{n} OPTIONS ("user" 'a''b');
CREATE USER MAPPING FOR PUBLIC SERVER v_{n};
CREATE USER MAPPING FOR {odd} SERVER v_{n} OPTIONS ("user" 'x');
--- slip
DROP USER MAPPING FOR {ann} SERVER v_{n};
DROP USER MAPPING FOR PUBLIC SERVER v_{n};
DROP USER MAPPING FOR {odd} SERVER v_{n};

--- mapping extra and changed
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER {hostile} FOREIGN DATA WRAPPER w_{n};
CREATE USER MAPPING FOR {bob} SERVER {hostile} OPTIONS ("user" 'bob');
--- slip
ALTER USER MAPPING FOR {bob} SERVER {hostile} OPTIONS (SET "user" 'rob', ADD password_required 'false');
CREATE USER MAPPING FOR PUBLIC SERVER {hostile};
CREATE USER MAPPING FOR {odd} SERVER {hostile} OPTIONS ("user" 'x');

--- mapping with a password that came
-- no revert
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} FOREIGN DATA WRAPPER w_{n};
CREATE USER MAPPING FOR {bob} SERVER v_{n} OPTIONS ("user" 'bob');
--- slip
ALTER USER MAPPING FOR {bob} SERVER v_{n} OPTIONS (ADD password 'x');
CREATE USER MAPPING FOR {ann} SERVER v_{n} OPTIONS (password 'x');

--- mapping lost with its password
-- stays: not healable: the value of option "password" is not kept
CREATE FOREIGN DATA WRAPPER w_{n};
CREATE SERVER v_{n} FOREIGN DATA WRAPPER w_{n};
CREATE USER MAPPING FOR {bob} SERVER v_{n} OPTIONS ("user" 'bob', password 'x');
--- slip
DROP USER MAPPING FOR {bob} SERVER v_{n};
