-- Planning somebody's text can run code: the planner evaluates functions of constants. So a text is first only parsed, and
-- planned if every function it could reach belongs to a superuser or to the owner one acts for.

-- Texts of pg_stat_statements that nobody can parse, since a constant stood where only a constant may: typed literals, the
-- field of EXTRACT, operators between parameters.
CREATE OR REPLACE FUNCTION asymm._preparable(statement text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_text text := asymm._bare_statement(statement);
BEGIN
    v_text := regexp_replace(v_text, '\minterval\s+(\$\d+)(\s+(year|month|day|hour|minute|second)s?\M)?', '\1::interval', 'gi');
    v_text := regexp_replace(v_text, '\m(date|timestamptz|timestamp|timetz|time|uuid|inet|jsonb|json)\s+(\$\d+)', '\2::\1', 'gi');
    -- The field stays a parameter: the others keep their numbers, and an expression of one field is not taken for that of another.
    v_text := regexp_replace(v_text, '\mextract\s*\(\s*(\$\d+)\s+from\M', 'date_part(\1::text,', 'gi');
    RETURN regexp_replace(v_text, '(\$\d+)(\s*[-+*/]\s*)(?=\$\d+(?!\d*::))', '\1::numeric\2', 'g');
END
$$;
COMMENT ON FUNCTION asymm._preparable(text) IS 'A statement with parameters in a form that can be parsed: date $1 as $1::date and the like.';

-- Functions, by owners that are neither a superuser nor the owner acted for, that planning could reach from some objects:
-- through operators, casts, domains, views, and what hangs on tables (checks, defaults, policies, indexes, statistics).
CREATE OR REPLACE FUNCTION asymm._untrusted_functions(class_ids oid[], object_ids oid[]) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    RETURN (
        WITH RECURSIVE reached AS (
            SELECT u.class_id, u.object_id FROM unnest(class_ids, object_ids) AS u (class_id, object_id)
            UNION
            SELECT n.class_id, n.object_id
              FROM reached AS r
             CROSS JOIN LATERAL (
                   -- What an object is made of.
                   SELECT d.refclassid AS class_id, d.refobjid AS object_id FROM pg_depend AS d
                    WHERE d.classid = r.class_id AND d.objid = r.object_id
                   UNION ALL
                   -- What hangs on a relation.
                   SELECT d.classid, d.objid FROM pg_depend AS d
                    WHERE r.class_id = 'pg_class'::regclass AND d.refclassid = r.class_id AND d.refobjid = r.object_id
                      AND (d.classid IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_policy'::regclass, 'pg_statistic_ext'::regclass)
                           OR d.classid = 'pg_rewrite'::regclass AND d.deptype = 'i'
                           OR d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i', 'P', 'S'))
                   UNION ALL
                   SELECT r.class_id, i.inhrelid FROM pg_inherits AS i WHERE r.class_id = 'pg_class'::regclass AND i.inhparent = r.object_id
                   UNION ALL
                   -- An operator can be turned round or negated.
                   SELECT CASE x.n WHEN 1 THEN 'pg_proc'::regclass::oid ELSE 'pg_operator'::regclass::oid END, x.object_id
                     FROM pg_operator AS o
                    CROSS JOIN LATERAL (VALUES (1, o.oprcode::oid), (2, o.oprcom), (3, o.oprnegate), (1, o.oprrest::oid), (1, o.oprjoin::oid))
                               AS x (n, object_id)
                    WHERE r.class_id = 'pg_operator'::regclass AND o.oid = r.object_id AND x.object_id <> 0
                   UNION ALL
                   SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint AS c
                    WHERE r.class_id = 'pg_type'::regclass AND c.contypid = r.object_id) AS n
             -- Schemas, roles, extensions and languages run nothing.
             WHERE n.class_id IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_constraint'::regclass,
                                  'pg_attrdef'::regclass, 'pg_policy'::regclass, 'pg_statistic_ext'::regclass, 'pg_rewrite'::regclass,
                                  'pg_cast'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass))
        SELECT array_agg(DISTINCT p.oid::regprocedure::text)
          FROM reached AS r JOIN pg_proc AS p ON r.class_id = 'pg_proc'::regclass AND p.oid = r.object_id
          JOIN pg_roles AS o ON o.oid = p.proowner
         -- A superuser is a member of every role, and so trusts none of them.
         WHERE NOT o.rolsuper
           AND (pg_has_role(session_user, p.proowner, 'MEMBER') IS NOT TRUE
                OR (SELECT r.rolsuper FROM pg_roles AS r WHERE r.rolname = session_user)));
END
$$;
COMMENT ON FUNCTION asymm._untrusted_functions(oid[], oid[]) IS 'Functions of others that planning could run, in text form; NULL when there is none.';

-- Parsing alone reads literals, and of a domain, also as the element of an array or a column of a row, that runs what checks its values.
-- Which types the literals of a text would have is known only then: while a stranger has such a domain, none is parsed that has one.
CREATE OR REPLACE FUNCTION asymm._untrusted_checks() RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT asymm._untrusted_functions(array_agg('pg_constraint'::regclass::oid), array_agg(k.oid))
              FROM pg_constraint AS k WHERE k.contypid >= 16384);
END
$$;
COMMENT ON FUNCTION asymm._untrusted_checks() IS 'Functions of others that reading a literal of some domain could run, in text form; NULL when there is none.';

-- The path a statement of a role was most likely run with: as set for the role in this database, for the role, for the
-- database, else the server's.
CREATE OR REPLACE FUNCTION asymm._path_of(role name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT replace(COALESCE((
               SELECT substr(c.setting, 13)
                 FROM pg_db_role_setting AS s CROSS JOIN unnest(s.setconfig) AS c (setting)
                WHERE c.setting LIKE 'search\_path=%' AND s.setrole IN (0, role::regrole) AND s.setdatabase IN (0, d.oid)
                ORDER BY s.setrole = 0, s.setdatabase = 0 LIMIT 1), g.reset_val), '"$user"', quote_ident(role))
      FROM pg_settings AS g JOIN pg_database AS d ON d.datname = current_database()
     WHERE g.name = 'search_path'
$$;
COMMENT ON FUNCTION asymm._path_of(name) IS 'The search path that sessions of a role begin with.';

-- What was found safe must still be so when it is planned: a stranger could put an index, a check or an operator of his in between. DDL
-- that is under way has written to the log, or waits to: while this is held, none comes to its end.
CREATE OR REPLACE FUNCTION asymm._hold_ddl() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET lock_timeout = '50ms'
AS $$
BEGIN
    LOCK TABLE asymm.ddl_log IN SHARE MODE;
END
$$;
COMMENT ON FUNCTION asymm._hold_ddl() IS 'Holds DDL back until the transaction or its part ends; fails where some is under way for longer than 50 ms.';

-- First only parsed: as a prepared statement, for the types of its parameters, and as the body of a function whose dependencies
-- can be read and which is rolled back. What is planned then is that body as the server prints it, with every name qualified, and by
-- our own path: functions that planning evaluates look names up by the path of the session, so one that a stranger set would choose
-- what those of an owner we trust call. Without values EXPLAIN runs nothing of it. A text with a semicolon could be several
-- statements, and one with a backslash may read differently elsewhere: neither is parsed at all. While the path is not ours, nothing
-- but a prepared string is run: no operator of ours is looked up in it.
CREATE OR REPLACE FUNCTION asymm._plan_statement(statement text, path text) RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET check_function_bodies = off
SET plan_cache_mode = force_generic_plan
SET lock_timeout = '50ms'
AS $$
DECLARE
    v_text text := asymm._preparable(statement);
    v_command text := format('PREPARE asymm_probe AS %s', v_text);
    v_types regtype[];
    v_class_ids oid[];
    v_object_ids oid[];
    v_relations oid[];
    v_untrusted text[];
    v_body text;
    v_qualified text;
    v_written jsonb;
    v_touched text;
    v_plan jsonb;
    v_whole jsonb;
    v_reason text;
    v_state text;
BEGIN
    IF asymm._command(v_text) IS NULL THEN
        RETURN jsonb_build_object('reason', 'not a statement that can be planned');
    ELSIF v_text ~ '[;\\]' THEN
        RETURN jsonb_build_object('reason', 'not planned: it holds a semicolon or a backslash');
    END IF;
    PERFORM asymm._forget_probe();
    BEGIN
        IF v_text ~ '''|\$\D' THEN
            PERFORM asymm._hold_ddl();
            v_untrusted := asymm._untrusted_checks();
            IF v_untrusted IS NOT NULL THEN
                RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'not parsed';
            END IF;
        END IF;
        PERFORM pg_catalog.set_config('search_path', path, true);
        EXECUTE v_command;
        PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
        PERFORM asymm._hold_ddl();
        SELECT p.parameter_types INTO v_types FROM pg_prepared_statements AS p WHERE p.name = 'asymm_probe';
        v_command := format('CREATE FUNCTION pg_temp.asymm_probe(%s) RETURNS void LANGUAGE sql BEGIN ATOMIC %s; END',
                            array_to_string(v_types, ', '), v_text);
        BEGIN
            PERFORM pg_catalog.set_config('search_path', path, true);
            EXECUTE v_command;
            PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
            SELECT array_agg(d.refclassid), array_agg(d.refobjid),
                   array_agg(DISTINCT d.refobjid) FILTER (WHERE d.refclassid = 'pg_class'::regclass)
              INTO v_class_ids, v_object_ids, v_relations
              FROM pg_depend AS d
             WHERE d.classid = 'pg_proc'::regclass AND d.refclassid <> 'pg_namespace'::regclass
               AND d.objid = (SELECT p.oid FROM pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema() AND p.proname = 'asymm_probe');
            SELECT p.prosqlbody::text, pg_get_function_sqlbody(p.oid) INTO v_body, v_qualified
              FROM pg_proc AS p WHERE p.pronamespace = pg_my_temp_schema() AND p.proname = 'asymm_probe';
            RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'parsed';
        EXCEPTION WHEN SQLSTATE 'SY011' THEN
            v_untrusted := asymm._untrusted_functions(v_class_ids, v_object_ids);
            v_written := asymm._columns_set(v_body);
            v_touched := COALESCE(asymm._touched_protected(v_body, true), '');
            v_qualified := regexp_replace(v_qualified, '^\s*BEGIN ATOMIC\s+|;\s*END\s*$', '', 'g');
        END;
        IF v_untrusted IS NULL THEN
            PERFORM asymm._forget_probe();
            EXECUTE asymm._probe(v_qualified, v_types::text[]);
            EXECUTE asymm._probe_plan('FORMAT JSON, VERBOSE', cardinality(v_types)) INTO v_plan;
            -- Partitions that no row of an open parameter can be in are not shown at all: what is done with them is seen by a second plan.
            IF v_plan::text ~ '"Subplans Removed": [1-9]' THEN
                PERFORM asymm._forget_probe();
                PERFORM pg_catalog.set_config('enable_partition_pruning', 'off', true);
                EXECUTE asymm._probe(v_qualified, v_types::text[]);
                EXECUTE asymm._probe_plan('FORMAT JSON, VERBOSE', cardinality(v_types)) INTO v_whole;
            END IF;
        END IF;
        RAISE EXCEPTION USING ERRCODE = 'SY011', MESSAGE = 'planned';
    EXCEPTION WHEN SQLSTATE 'SY011' THEN
        -- Rolled back, no lock on anybody's tables is left.
        NULL;
    WHEN OTHERS THEN
        GET STACKED DIAGNOSTICS v_reason = MESSAGE_TEXT, v_state = RETURNED_SQLSTATE;
        v_reason := format('not planned: %s (%s)', v_reason, v_state);
    END;
    PERFORM asymm._forget_probe();
    -- Names are printed as our path wants them.
    v_plan := v_plan #> '{0,Plan}' || '{"Search Path": []}';
    RETURN jsonb_strip_nulls(jsonb_build_object('plan', v_plan, 'whole', v_whole #> '{0,Plan}' || '{"Search Path": []}',
        'relations', to_jsonb(v_relations::bigint[]), 'written', v_written, 'touched', v_touched,
        'statement', CASE WHEN v_plan IS NOT NULL THEN v_qualified END, 'types', CASE WHEN v_plan IS NOT NULL THEN to_jsonb(v_types::text[]) END,
        'reason', COALESCE(v_reason, 'not planned: untrusted function ' || array_to_string(v_untrusted, ', '))));
END
$$;
COMMENT ON FUNCTION asymm._plan_statement(text, text)
    IS 'Plan of a statement with its parameters open, if planning it runs nobody''s code: {plan, whole (with the partitions that values would rule out), relations, written, touched (a protected column, or nothing), statement, types}, or {reason} why there is none.';

CREATE OR REPLACE FUNCTION asymm._probe(statement text, types text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format(CASE WHEN types = '{}' THEN 'PREPARE asymm_probe AS %2$s' ELSE 'PREPARE asymm_probe (%1$s) AS %2$s' END,
                  array_to_string(types, ', '), statement);
END
$$;
COMMENT ON FUNCTION asymm._probe(text, text[]) IS 'PREPARE for a statement as asymm._plan_statement() gives it back, with the types of its parameters.';

CREATE OR REPLACE FUNCTION asymm._probe_plan(options text, parameters integer) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN format(CASE WHEN parameters = 0 THEN 'EXPLAIN (%s) EXECUTE asymm_probe' ELSE 'EXPLAIN (%s) EXECUTE asymm_probe (%s)' END, options,
                  array_to_string(array_fill('NULL'::text, ARRAY[parameters]), ', '));
END
$$;
COMMENT ON FUNCTION asymm._probe_plan(text, integer) IS 'EXPLAIN for what was prepared, with its parameters open.';

-- The parser notes the columns whose change needs a privilege, with each table: up to version 15 in the entry of the table, then
-- in one of its own. It counts from the first system column, seven before the first of the user's.
CREATE OR REPLACE FUNCTION asymm._columns_set(body text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
        SELECT jsonb_object_agg(w.relid, w.columns)
          FROM (SELECT m[1] AS relid, jsonb_agg(DISTINCT c.number::integer - 7 ORDER BY c.number::integer - 7) AS columns
                  FROM regexp_matches(body, ':relid (\d+) [^{}]*?:updatedCols \(b((?: \d+)+)\)', 'g') AS m
                 CROSS JOIN LATERAL string_to_table(btrim(m[2]), ' ') AS c (number)
                 WHERE c.number::integer > 7 GROUP BY 1) AS w);
END
$$;
COMMENT ON FUNCTION asymm._columns_set(text) IS 'Numbers of the columns that a parsed statement updates, by the oid of the table; NULL where there are none.';

CREATE OR REPLACE FUNCTION asymm._forget_probe() RETURNS void
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_prepared_statements AS p WHERE p.name = 'asymm_probe') THEN
        DEALLOCATE asymm_probe;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._forget_probe() IS 'Drops the prepared statement of asymm._plan_statement(), which outlives what is rolled back.';
