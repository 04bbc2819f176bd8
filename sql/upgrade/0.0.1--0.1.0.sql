-- From the first snapshot to 0.1.0. Whatever sql/schema/ holds that 0.0.1 did not have comes here as DDL; functions and
-- views that were dropped or whose signature changed are dropped here, since sql/api/ follows and only replaces.

-- The DDL log can be read for one table alone: another signature.
DROP FUNCTION asymm._process_ddl();

-- More columns.
DROP VIEW asymm.heartbeat;
DROP FUNCTION asymm._process_grants(bigint[]);
DROP FUNCTION asymm._compare_headers(text, bigint);

-- A beat asks at once whether there is anything to do.
DROP FUNCTION asymm._beat_begin(text, text, boolean);
