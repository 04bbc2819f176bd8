-- query_dependencies(): the mirrored tables a query's result depends on, or why a kept result could be wrong.

CREATE OR REPLACE FUNCTION asymm._mirrored(relids oid[])
RETURNS TABLE (relid oid, mirror bigint, schema_name name, table_name name, epoch bigint, fault text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- What stands in Redis is then another database's.
    v_displaced constant text := asymm._displaced();
BEGIN
    RETURN QUERY
        SELECT r.relid, f.id, f.schema_name, f.table_name, f.epoch, COALESCE(v_displaced, f.fault)
          FROM unnest(relids) AS r (relid)
          JOIN asymm._mirror_in_force AS f ON f.relid = r.relid AND f.shape IS NOT NULL;
END
$$;
COMMENT ON FUNCTION asymm._mirrored(oid[]) IS 'Which of some tables are mirrored, as what, and what is in the way.';

-- Of the server's own functions that are STABLE these depend on settings only (TimeZone, DateStyle, IntervalStyle, lc_monetary,
-- lc_time, default_text_search_config …), which belong to the key of a kept result, or on what only DDL changes. Not among them: what asks
-- for the time, the session, privileges or catalogs, reads texts as dates, or makes XML.
-- Aggregates are called IMMUTABLE whatever they are made of; json constructors call casts to json that somebody made.
CREATE OR REPLACE FUNCTION asymm._unsteady_function(functions oid[], operators oid[]) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_steady constant text[] := '{
        anytextcat,array_out,array_to_json,array_to_string,cash_in,cash_out,concat,concat_ws,convert,convert_from,convert_to,
        date,date_cmp_timestamptz,date_eq_timestamptz,date_ge_timestamptz,date_gt_timestamptz,date_le_timestamptz,
        date_lt_timestamptz,date_ne_timestamptz,date_out,date_part,date_trunc,date_add,date_subtract,enum_first,enum_in,
        enum_last,enum_out,enum_range,extract,format,generate_series,in_range,interval_in,interval_out,interval_pl_timestamptz,
        json_agg,json_agg_transfn,json_agg_strict,json_agg_strict_transfn,json_build_array,json_build_object,json_object_agg,
        json_object_agg_transfn,json_object_agg_strict,json_object_agg_strict_transfn,json_object_agg_unique,
        json_object_agg_unique_transfn,json_object_agg_unique_strict,json_object_agg_unique_strict_transfn,json_to_tsvector,jsonb_agg,
        jsonb_agg_finalfn,jsonb_agg_transfn,jsonb_agg_strict,jsonb_agg_strict_transfn,jsonb_build_array,jsonb_build_object,
        jsonb_object_agg,jsonb_object_agg_finalfn,jsonb_object_agg_transfn,jsonb_object_agg_strict,jsonb_object_agg_strict_transfn,
        jsonb_object_agg_unique,jsonb_object_agg_unique_transfn,jsonb_object_agg_unique_strict,jsonb_object_agg_unique_strict_transfn,
        jsonb_path_exists_tz,jsonb_path_match_tz,jsonb_path_query_array_tz,jsonb_path_query_first_tz,jsonb_path_query_tz,
        jsonb_path_exists_tz_opr,jsonb_to_tsvector,length,make_timestamptz,money,multirange_out,numeric,overlaps,phraseto_tsquery,
        plainto_tsquery,quote_literal,quote_nullable,range_out,record_out,row_to_json,textanycat,time,timestamp,
        timestamp_cmp_timestamptz,timestamp_eq_timestamptz,timestamp_ge_timestamptz,timestamp_gt_timestamptz,timestamp_le_timestamptz,
        timestamp_lt_timestamptz,timestamp_ne_timestamptz,timestamp_out,timestamptz,timestamptz_cmp_date,timestamptz_cmp_timestamp,
        timestamptz_eq_date,timestamptz_eq_timestamp,timestamptz_ge_date,timestamptz_ge_timestamp,timestamptz_gt_date,
        timestamptz_gt_timestamp,timestamptz_le_date,timestamptz_le_timestamp,timestamptz_lt_date,timestamptz_lt_timestamp,
        timestamptz_mi_interval,timestamptz_ne_date,timestamptz_ne_timestamp,timestamptz_out,timestamptz_pl_interval,timezone,
        to_char,to_date,to_json,to_jsonb,to_number,to_timestamp,to_tsquery,to_tsvector,ts_headline,ts_match_tq,ts_match_tt,
        websearch_to_tsquery}';
    v_called oid[] := functions || ARRAY(SELECT o.oprcode FROM pg_operator AS o WHERE o.oid = ANY (operators));
BEGIN
    v_called := v_called || ARRAY(SELECT f.id FROM pg_aggregate AS a
                                 CROSS JOIN LATERAL unnest(ARRAY[a.aggtransfn, a.aggfinalfn, a.aggcombinefn, a.aggserialfn, a.aggdeserialfn,
                                                                 a.aggmtransfn, a.aggminvtransfn, a.aggmfinalfn]::oid[]) AS f (id)
                                  WHERE a.aggfnoid = ANY (v_called) AND f.id <> 0);
    IF EXISTS (SELECT FROM pg_proc AS p WHERE p.oid = ANY (v_called) AND p.oid < 16384 AND p.proname LIKE '%json%') THEN
        v_called := v_called || ARRAY(SELECT c.castfunc FROM pg_cast AS c WHERE c.casttarget = 'json'::regtype AND c.castfunc >= 16384);
    END IF;
    RETURN (
        SELECT format('function %s is %s', p.oid::regprocedure, CASE p.provolatile WHEN 'v' THEN 'VOLATILE' ELSE 'STABLE' END)
            || CASE WHEN p.oid < 16384 AND p.provolatile = 's' THEN ' and depends on more than settings' ELSE '' END
          FROM pg_proc AS p
         WHERE p.oid = ANY (v_called) AND p.provolatile <> 'i'
           AND NOT (p.provolatile = 's' AND p.oid < 16384 AND p.pronamespace = 'pg_catalog'::regnamespace
                    AND p.proname = ANY (v_steady)
                    -- A time of day with a zone is given the offset of today.
                    AND 'timetz'::regtype <> ALL (p.proargtypes::oid[]))
         ORDER BY p.provolatile DESC, p.oid LIMIT 1);
END
$$;
COMMENT ON FUNCTION asymm._unsteady_function(oid[], oid[])
    IS 'One of some functions, or of those behind operators and aggregates, whose result may differ from call to call; NULL: none.';

CREATE OR REPLACE FUNCTION asymm._unkept_relation(relids oid[], OUT fault text, OUT remedy text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    SELECT CASE
               WHEN n.nspname IN ('pg_catalog', 'information_schema', 'asymm', 'pg_toast') AND (n.nspname, c.relname) <> ('asymm', 'data_entity')
                    OR c.relkind NOT IN ('r', 'p', 'v', 'm', 'f')
                   THEN format('%s is part of the system or no table', c.oid::regclass)
               WHEN c.relpersistence = 't' THEN format('%s is temporary', c.oid::regclass)
               WHEN c.relkind = 'm' THEN format('%s is a materialized view, and nothing tells when it is refreshed', c.oid::regclass)
               WHEN c.relrowsecurity THEN format('%s has row-level security', c.oid::regclass)
           END,
           CASE WHEN c.relkind = 'm' THEN 'Read from the tables behind it: their results are kept for as long as they are right.'
                ELSE 'Ask Postgres for it.' END
      INTO fault, remedy
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.oid = ANY (relids)
       AND (n.nspname IN ('pg_catalog', 'information_schema', 'asymm', 'pg_toast') AND (n.nspname, c.relname) <> ('asymm', 'data_entity')
            OR c.relkind NOT IN ('r', 'p', 'v', 'f')
            OR c.relpersistence = 't' OR c.relrowsecurity)
     LIMIT 1;
END
$$;
COMMENT ON FUNCTION asymm._unkept_relation(oid[]) IS 'The first of some relations of which nothing read can be kept, and why; NULL: they are tables and views.';

-- Views are followed as they stand in the catalog: there the rewriter has not yet put its own in.
CREATE OR REPLACE FUNCTION asymm._tree_reads(
    query text, tree text, OUT tables oid[], OUT fault text, OUT remedy text)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_trees text[] := ARRAY[tree];
    v_tree text;
    v_seen oid[] := '{}';
    v_fresh oid[];
    v_functions oid[] := '{}';
    v_operators oid[] := '{}';
    v_domains oid[];
    v record;
BEGIN
    fault := asymm._clock_fault(query, tree);
    remedy := 'Write the date, pass it as a parameter, or read it with to_date() or to_timestamp().';
    WHILE fault IS NULL AND cardinality(v_trees) > 0 LOOP
        v_tree := v_trees[1];
        v_trees := v_trees[2:];
        fault := asymm._tree_fault(v_tree);
        IF fault IS NULL AND v_tree <> tree THEN
            fault := asymm._clock_fault('', v_tree);
        END IF;
        remedy := 'Ask Postgres for it, or write the query so that the same rows always give the same result.';
        SELECT p.* INTO v FROM asymm._tree_parts(v_tree) AS p;
        v_functions := v_functions || v.functions;
        v_operators := v_operators || v.operators;
        v_fresh := ARRAY(SELECT u.id FROM unnest(v.relations) AS u (id) WHERE u.id <> ALL (v_seen));
        IF fault IS NULL AND cardinality(v_fresh) > 0 THEN
            v_seen := v_seen || v_fresh;
            SELECT u.fault, u.remedy INTO fault, remedy FROM asymm._unkept_relation(v_fresh) AS u;
            v_trees := v_trees || ARRAY(SELECT w.ev_action::text FROM pg_rewrite AS w JOIN pg_class AS c ON c.oid = w.ev_class
                                         WHERE w.ev_class = ANY (v_fresh) AND w.ev_type = '1' AND c.relkind = 'v');
        END IF;
        -- What a domain checks can refuse a value, and so is asked as well.
        IF fault IS NULL AND strpos(v_tree, '{COERCETODOMAIN ') > 0 THEN
            v_domains := v.coerced;
            WHILE cardinality(v_domains) > 0 LOOP
                FOR v IN SELECT p.functions, p.operators FROM pg_constraint AS k CROSS JOIN LATERAL asymm._tree_parts(k.conbin::text) AS p
                          WHERE k.contypid = ANY (v_domains) AND k.conbin IS NOT NULL LOOP
                    v_functions := v_functions || v.functions;
                    v_operators := v_operators || v.operators;
                END LOOP;
                v_domains := ARRAY(SELECT t.typbasetype FROM pg_type AS t WHERE t.oid = ANY (v_domains) AND t.typbasetype <> 0);
            END LOOP;
        END IF;
    END LOOP;
    IF fault IS NULL THEN
        fault := 'it touches ' || asymm._touched_protected(tree, false) || ', which is protected';
        remedy := 'Ask Postgres for it: what is protected never reaches Redis.';
    END IF;
    IF fault IS NULL THEN
        fault := asymm._unsteady_function(v_functions, v_operators);
        remedy := 'If it always gives the same for the same arguments, say so: ALTER FUNCTION … IMMUTABLE. Else pass its value as a parameter.';
    END IF;
    IF fault IS NULL THEN
        remedy := NULL;
        tables := ARRAY(SELECT DISTINCT CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END
                          FROM pg_class AS c WHERE c.oid = ANY (v_seen) AND c.relkind <> 'v' ORDER BY 1);
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._tree_reads(text, text) IS 'The tables (partitions by their root) that a parsed query reads, through views too; or why its result cannot be kept.';

CREATE OR REPLACE FUNCTION asymm.query_dependencies(
    query text, parameter_types oid[] DEFAULT NULL, search_path text DEFAULT pg_catalog.current_setting('search_path'))
RETURNS TABLE (cacheable boolean, reason text, remedy text, tables text[], mirrors bigint[], epochs bigint[], types oid[],
               clock_parameters integer[])
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
-- For all that is called here: planning anew for each list of numbers would cost more than the rest.
SET plan_cache_mode = force_generic_plan SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_tree text;
    v_relids oid[];
    v_known oid[];
BEGIN
    PERFORM asymm._require_text(query_dependencies.query, 'query');
    IF current_setting('transaction_read_only')::boolean THEN
        RAISE EXCEPTION 'what a query depends on cannot be asked here'
            USING ERRCODE = 'read_only_sql_transaction',
                  DETAIL = CASE WHEN pg_is_in_recovery() THEN 'This server is a standby, and the question needs to write for a moment.'
                                ELSE 'The transaction is read-only, and the question needs to write for a moment.' END,
                  HINT = 'Ask the primary, outside of a read-only transaction; the answer holds on its standbys too.';
    END IF;
    SELECT t.tree, t.types, t.fault INTO v_tree, types, reason
      FROM asymm._query_tree($1, COALESCE($3, ''), $2) AS t;
    IF reason IS NULL THEN
        SELECT r.tables, r.fault, r.remedy INTO v_relids, reason, remedy FROM asymm._tree_reads($1, v_tree) AS r;
    ELSE
        remedy := 'Ask Postgres for it.';
    END IF;
    IF reason IS NULL THEN
        SELECT array_agg(format('%s.%s', m.schema_name, m.table_name) ORDER BY m.mirror), array_agg(m.mirror ORDER BY m.mirror),
               array_agg(m.epoch ORDER BY m.mirror), array_agg(m.relid),
               min(format('%s is not mirrored from here any more: %s', m.relid::regclass, m.fault)) FILTER (WHERE m.fault IS NOT NULL)
          INTO tables, mirrors, epochs, v_known, reason
          FROM asymm._mirrored(v_relids) AS m;
        remedy := CASE WHEN reason IS NOT NULL THEN 'SELECT * FROM asymm.mirror_status(); tells more.' END;
    END IF;
    IF reason IS NULL AND NOT v_relids <@ COALESCE(v_known, '{}') THEN
        SELECT format('%s is not mirrored%s', r.relid::regclass, COALESCE(': ' || k.fault, '')),
               CASE WHEN k.fault IS NULL THEN format('SELECT * FROM asymm.mirror(%L)', r.relid::regclass) ELSE k.remedy END
          INTO reason, remedy
          FROM unnest(v_relids) AS r (relid) CROSS JOIN LATERAL asymm._mirror_kind_fault(r.relid) AS k
         WHERE r.relid <> ALL (COALESCE(v_known, '{}')) LIMIT 1;
    END IF;
    cacheable := reason IS NULL;
    tables := CASE WHEN cacheable THEN COALESCE(tables, '{}') END;
    mirrors := CASE WHEN cacheable THEN COALESCE(mirrors, '{}') END;
    epochs := CASE WHEN cacheable THEN COALESCE(epochs, '{}') END;
    clock_parameters := CASE WHEN types = '{}' THEN '{}' ELSE ARRAY(SELECT u.n::integer FROM unnest(types) WITH ORDINALITY AS u (type, n)
                               WHERE asymm._holds_times(ARRAY[u.type]) ORDER BY u.n) END;
    RETURN NEXT;
END
$$;
COMMENT ON FUNCTION asymm.query_dependencies(text, oid[], text)
    IS 'Whether the result of one SELECT may be kept, and on which mirrored tables it depends until a version of theirs or any DDL is newer; or why not and what to do. Types of parameters that are not given (0) are found; clock_parameters take texts like ''now'', with which nothing may be kept. Runs nothing of the text. Raises 22004, 22023, 25006.';
