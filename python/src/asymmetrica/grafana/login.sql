-- The login of Grafana's data source: it may look, and nothing else. Run by an administrator in the database; again for a new password:
--   GRAFANA_DB_PASSWORD=… psql -X -v ON_ERROR_STOP=1 -f login.sql
SET client_min_messages = warning;
\set password ''
\getenv password GRAFANA_DB_PASSWORD
SELECT length(:'password') >= 8 AS enough, r.rolsuper AS super FROM pg_catalog.pg_roles AS r WHERE r.rolname = current_user \gset
\if :enough
\else
\warn 'GRAFANA_DB_PASSWORD is missing or shorter than eight characters'
DO $$ BEGIN RAISE EXCEPTION 'no login was made'; END $$;
\quit
\endif
SELECT 'CREATE ROLE grafana' WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_roles AS r WHERE r.rolname = 'grafana') \gexec
BEGIN;
\if :super
SET LOCAL log_statement = 'none';
SET LOCAL log_min_duration_statement = -1;
SET LOCAL log_min_error_statement = 'panic';
\endif
ALTER ROLE grafana LOGIN CONNECTION LIMIT 20 PASSWORD :'password';
COMMIT;
ALTER ROLE grafana SET default_transaction_read_only = on;
ALTER ROLE grafana SET statement_timeout = '30s';
ALTER ROLE grafana SET search_path = pg_catalog, pg_temp;
GRANT asymm_reader TO grafana;
