=== helpers
CREATE TABLE account (id integer PRIMARY KEY, name text, balance numeric DEFAULT 0);
CREATE FUNCTION add_tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT amount * 1.077 $$;
CREATE FUNCTION find_account(account_id integer) RETURNS account LANGUAGE sql STABLE AS $$ SELECT * FROM account WHERE id = account_id $$;
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    RAISE NOTICE 'changed: %', NEW;
    RETURN NEW;
END
$body$;
CREATE PROCEDURE close_account(account_id integer) LANGUAGE plpgsql AS $$ BEGIN DELETE FROM account WHERE id = account_id; END $$;
COMMENT ON FUNCTION add_tax(numeric) IS '7.7 %';
--- another body
CREATE OR REPLACE FUNCTION add_tax(amount numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT amount * 1.081 $$;
--- another language
CREATE OR REPLACE FUNCTION add_tax(amount numeric) RETURNS numeric LANGUAGE plpgsql IMMUTABLE STRICT AS $$ BEGIN RETURN amount * 1.077; END $$;
--- volatility and strictness
CREATE OR REPLACE FUNCTION add_tax(amount numeric) RETURNS numeric LANGUAGE sql VOLATILE CALLED ON NULL INPUT AS $$ SELECT amount * 1.077 $$;
--- security, cost, parallel, leakproof
ALTER FUNCTION find_account(integer) SECURITY DEFINER COST 500 PARALLEL SAFE LEAKPROOF;
--- settings
ALTER FUNCTION find_account(integer) SET search_path = public, pg_temp;
ALTER FUNCTION audit() SET work_mem = '64MB';
ALTER FUNCTION audit() SET "TimeZone" = 'Europe/Zurich';
--- an argument renamed
DROP FUNCTION add_tax(numeric);
CREATE FUNCTION add_tax(net numeric) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT net * 1.077 $$;
COMMENT ON FUNCTION add_tax(numeric) IS '7.7 %';
--- an argument with a default
CREATE OR REPLACE FUNCTION add_tax(amount numeric DEFAULT 0) RETURNS numeric LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT amount * 1.077 $$;
--- one argument more
DROP FUNCTION add_tax(numeric);
CREATE FUNCTION add_tax(amount numeric, rate numeric DEFAULT 0.077) RETURNS numeric LANGUAGE sql IMMUTABLE AS $$ SELECT amount * (1 + rate) $$;
--- an overload
CREATE FUNCTION add_tax(amount money) RETURNS money LANGUAGE sql STABLE AS $$ SELECT amount * 1.077 $$;
CREATE FUNCTION add_tax(amount integer, VARIADIC rates numeric[]) RETURNS numeric LANGUAGE sql AS $$ SELECT amount * rates[1] $$;
--- another return type
DROP FUNCTION add_tax(numeric);
CREATE FUNCTION add_tax(amount numeric) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$ SELECT amount * 1.077 $$;
--- out arguments
-- old
CREATE FUNCTION minmax(VARIADIC n integer[], OUT low integer, OUT high integer) LANGUAGE sql AS $$ SELECT min(x), max(x) FROM unnest(n) AS x $$;
-- new
CREATE FUNCTION minmax(VARIADIC n integer[], OUT low integer, OUT high integer, OUT middle numeric) LANGUAGE sql
    AS $$ SELECT min(x), max(x), avg(x) FROM unnest(n) AS x $$;
--- returns a table
-- old
CREATE FUNCTION list_accounts(pattern text DEFAULT '%') RETURNS TABLE (id integer, name text) LANGUAGE sql STABLE ROWS 50 AS $$ SELECT id,
    name FROM account $$;
-- new
CREATE FUNCTION list_accounts(pattern text DEFAULT '%') RETURNS TABLE (id integer, name text, balance numeric) LANGUAGE sql STABLE ROWS 10
    AS $$ SELECT id, name, balance FROM account WHERE name LIKE pattern $$;
--- returns a set
-- old
CREATE FUNCTION names() RETURNS text LANGUAGE sql STABLE AS $$ SELECT name FROM account $$;
-- new
CREATE FUNCTION names() RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT name FROM account $$;
--- a body of standard SQL
-- old
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE RETURN n * 2;
-- new
CREATE FUNCTION twice(n integer) RETURNS integer LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT n + n; END;
--- a body of standard SQL that reads a table
CREATE FUNCTION richest() RETURNS integer LANGUAGE sql STABLE BEGIN ATOMIC SELECT a.id FROM account AS a ORDER BY a.balance DESC LIMIT 1; END;
--- a body of standard SQL under a change of the table
-- old
CREATE FUNCTION worth(account_id integer) RETURNS numeric LANGUAGE sql STABLE BEGIN ATOMIC SELECT balance FROM account WHERE id = account_id; END;
-- new
ALTER TABLE account ALTER balance TYPE bigint, ADD COLUMN closed boolean;
CREATE FUNCTION worth(account_id integer) RETURNS numeric LANGUAGE sql STABLE
    BEGIN ATOMIC SELECT balance FROM account WHERE id = account_id AND NOT closed; END;
--- dropped
DROP FUNCTION audit();
DROP PROCEDURE close_account(integer);
--- renamed
ALTER FUNCTION add_tax(numeric) RENAME TO with_tax;
--- a procedure changed
CREATE OR REPLACE PROCEDURE close_account(account_id integer) LANGUAGE plpgsql AS $$
BEGIN
    UPDATE account SET balance = NULL WHERE id = account_id;
    COMMIT;
END $$;
--- a procedure with out arguments
CREATE PROCEDURE take(INOUT amount numeric, OUT left_over numeric) LANGUAGE plpgsql AS $$ BEGIN left_over := amount; END $$;
GRANT EXECUTE ON PROCEDURE take(numeric, numeric) TO app_user;
--- a procedure made a function
DROP PROCEDURE close_account(integer);
CREATE FUNCTION close_account(account_id integer) RETURNS void LANGUAGE sql AS $$ DELETE FROM account WHERE id = account_id $$;
--- owner and grants
ALTER FUNCTION add_tax(numeric) OWNER TO app_owner;
REVOKE ALL ON FUNCTION find_account(integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION find_account(integer) TO app_user, app_reader;
--- nobody may call anything
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
REVOKE ALL ON ALL PROCEDURES IN SCHEMA public FROM PUBLIC;
--- comments
COMMENT ON FUNCTION add_tax(numeric) IS '8.1 %';
COMMENT ON PROCEDURE close_account(integer) IS 'for good';
--- in another schema
CREATE SCHEMA util;
ALTER FUNCTION add_tax(numeric) SET SCHEMA util;
--- odd bodies
CREATE FUNCTION odd(text DEFAULT $q$it's $$odd$$$q$) RETURNS text LANGUAGE plpgsql AS $_$
BEGIN
    -- a comment with a " and a '
    RETURN $x$a \ $x$ || E'\n' || $1;
END
$_$;
--- a polymorphic function
CREATE FUNCTION first_of(anyarray) RETURNS anyelement LANGUAGE sql IMMUTABLE AS $$ SELECT $1[1] $$;
CREATE FUNCTION choose(anycompatible, anycompatible DEFAULT NULL) RETURNS anycompatible LANGUAGE sql AS $$ SELECT COALESCE($1, $2) $$;
--- calling one another
CREATE FUNCTION a(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN b(n - 1); END $$;
CREATE FUNCTION b(n integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RETURN CASE WHEN n > 0 THEN a(n) END; END $$;
CREATE FUNCTION c() RETURNS integer LANGUAGE sql AS $$ SELECT b(3) $$;
--- the row type it returns changed
ALTER TABLE account ADD COLUMN opened date, DROP COLUMN balance;
--- the table it returns dropped
DROP FUNCTION find_account(integer);
DROP TABLE account;
--- a window function and one in C
CREATE FUNCTION my_rank() RETURNS bigint LANGUAGE internal WINDOW IMMUTABLE AS 'window_rank';
CREATE FUNCTION my_length(text) RETURNS integer LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textlen';
--- a support function
CREATE FUNCTION numbers(integer, integer) RETURNS SETOF integer LANGUAGE internal IMMUTABLE STRICT SUPPORT generate_series_int4_support
    ROWS 1000 AS 'generate_series_int4';
--- in Python
CREATE EXTENSION plpython3u;
CREATE FUNCTION py(n integer) RETURNS integer LANGUAGE plpython3u AS $$
return n + 1
$$;
CREATE EXTENSION jsonb_plpython3u;
CREATE FUNCTION py_json(j jsonb) RETURNS jsonb LANGUAGE plpython3u TRANSFORM FOR TYPE jsonb AS $$ return j $$;
