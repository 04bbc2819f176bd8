-- What a plan does with the columns of tables: which it compares, joins, sorts and groups by. A plan is what EXPLAIN (FORMAT
-- JSON, VERBOSE) gives; aliases are unique in it, so that a condition is its table's wherever it stands.

CREATE OR REPLACE FUNCTION asymm._plan_nodes(plan jsonb)
RETURNS TABLE (place text, parent text, kind text, parent_kind text, node jsonb)
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH RECURSIVE n AS (
        SELECT '/'::text AS place, NULL::text AS parent, NULL::text AS parent_kind, plan AS node
         WHERE jsonb_typeof(plan) = 'object'
        UNION ALL
        SELECT format('%s%s/', n.place, lpad(c.n::text, 4, '0')), n.place, n.node ->> 'Node Type', c.node
          FROM n CROSS JOIN LATERAL jsonb_array_elements(asymm._texts(n.node -> 'Plans'))
                                    WITH ORDINALITY AS c (node, n)
         WHERE jsonb_typeof(c.node) = 'object')
    SELECT n.place, n.parent, n.node ->> 'Node Type', n.parent_kind, n.node - 'Plans' FROM n;
END
$$;
COMMENT ON FUNCTION asymm._plan_nodes(jsonb) IS 'The nodes of a plan; the place of a node begins with that of every node above it.';

CREATE OR REPLACE FUNCTION asymm._texts(value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN CASE jsonb_typeof(value) WHEN 'array' THEN value WHEN 'string' THEN jsonb_build_array(value) ELSE '[]' END; END $$;
COMMENT ON FUNCTION asymm._texts(jsonb) IS 'One text or several of a plan, as an array.';

-- Partitions of one table below one Append are one thing: their first stands for all. What is read from nowhere else (system
-- tables, temporary and foreign ones, our own) has no alias here.
CREATE OR REPLACE FUNCTION asymm._scanned_relations(plan jsonb)
RETURNS TABLE (alias text, place text, instance text, relid oid, own oid, rows_before double precision, rows_after double precision)
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY
    WITH nodes AS MATERIALIZED (SELECT n.* FROM asymm._plan_nodes(plan) AS n),
    scan AS (
        SELECT n.place, n.node ->> 'Alias' AS alias, c.oid AS own,
               CASE WHEN c.relispartition THEN pg_partition_root(c.oid)::oid ELSE c.oid END AS relid,
               c.reltuples::double precision AS tuples,
               CASE WHEN jsonb_typeof(n.node -> 'Plan Rows') = 'number' THEN (n.node ->> 'Plan Rows')::double precision END AS rows
          FROM nodes AS n
          JOIN pg_namespace AS s ON s.nspname = n.node ->> 'Schema'
          JOIN pg_class AS c ON c.relnamespace = s.oid AND c.relname = n.node ->> 'Relation Name'
         WHERE c.relkind IN ('r', 'm', 'p') AND c.relpersistence <> 't' AND s.nspname NOT IN ('pg_catalog', 'information_schema', 'asymm', 'pg_toast')
           AND n.node ? 'Alias' AND n.kind <> 'ModifyTable'),
    grouped AS (
        SELECT s.*, CASE WHEN s.relid = s.own THEN s.place
                         ELSE COALESCE((SELECT max(n.place) FROM nodes AS n
                                         WHERE n.kind IN ('Append', 'Merge Append') AND starts_with(s.place, n.place)), s.place) END AS above
          FROM scan AS s)
    SELECT DISTINCT ON (g.alias) g.alias, g.place, first_value(g.alias) OVER w, g.relid, g.own, sum(GREATEST(g.tuples, 0)) OVER w, sum(g.rows) OVER w
      FROM grouped AS g WINDOW w AS (PARTITION BY g.relid, g.above ORDER BY g.place ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)
     ORDER BY g.alias, g.place;
END
$$;
COMMENT ON FUNCTION asymm._scanned_relations(jsonb)
    IS 'The tables a plan reads, by alias; partitions below one Append have the same instance and the relid of their root.';

-- For asymm._read(): of each alias its instance, table, place, rows, and columns with their types; of a partitioned table also
-- the alias it has as a whole, which no node carries: the name before the number, or the number before its first partition's.
CREATE OR REPLACE FUNCTION asymm._scanned_names(plan jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    v_names jsonb;
    v_count integer;
BEGIN
    WITH relation AS MATERIALIZED (SELECT r.* FROM asymm._scanned_relations(plan) AS r),
    part AS (
        SELECT r.*, regexp_replace(r.alias, '_\d+$', '') AS base, substring(r.alias FROM '_(\d{1,6})$')::integer AS number
          FROM relation AS r WHERE r.own <> r.relid AND r.alias = r.instance AND r.alias ~ '_\d{1,6}$'),
    named AS (
        SELECT r.alias, r.instance, r.own, r.relid, true AS listed, r.place, r.rows_before, r.rows_after FROM relation AS r
        UNION ALL
        SELECT x.alias, x.instance, x.own, NULL, false, NULL, NULL, NULL
          FROM (SELECT DISTINCT ON (x.alias) x.alias, p.instance, p.own
                  FROM part AS p
                 CROSS JOIN LATERAL (VALUES (CASE WHEN p.number = 1 THEN p.base ELSE format('%s_%s', p.base, p.number - 1) END, 0),
                                            (p.base, 1)) AS x (alias, n)
                 ORDER BY x.alias, x.n, p.number) AS x
         WHERE x.alias NOT IN (SELECT r.alias FROM relation AS r))
    SELECT jsonb_object_agg(n.alias, jsonb_build_object('s', n.instance, 'c', c.columns, 'r', n.relid, 'own', n.listed, 'p', n.place,
                                                       'before', n.rows_before, 'after', n.rows_after)), count(DISTINCT n.instance)
      INTO v_names, v_count
      FROM named AS n
     CROSS JOIN LATERAL (SELECT COALESCE(jsonb_object_agg(a.attname, a.atttypid), '{}') AS columns
                           FROM pg_attribute AS a WHERE a.attrelid = n.own AND a.attnum > 0 AND NOT a.attisdropped) AS c;
    v_names := COALESCE(v_names, '{}');
    -- Where there is one table, columns may stand without alias.
    RETURN v_names || jsonb_build_object('', jsonb_build_object(
        'path', (SELECT COALESCE(jsonb_agg(n.oid ORDER BY p.n), '[]')
                   FROM jsonb_array_elements_text(CASE WHEN plan ? 'Search Path' THEN asymm._texts(plan -> 'Search Path') ELSE '["public"]' END)
                        WITH ORDINALITY AS p (name, n) JOIN pg_namespace AS n ON n.nspname = p.name))
        || CASE WHEN v_count = 1 THEN (SELECT jsonb_build_object('n', min(k.key), 'c', v_names #> ARRAY[min(k.key), 'c'])
                                         FROM jsonb_object_keys(v_names) AS k (key)) ELSE '{}' END);
END
$$;
COMMENT ON FUNCTION asymm._scanned_names(jsonb) IS 'The aliases of a plan and their columns, as asymm._read() wants them.';

-- Each comparison of a column, or of an expression of one table, with something else.
CREATE OR REPLACE FUNCTION asymm._condition_terms(item jsonb, arm text, names jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_kind text := item ->> 'k';
    v_side jsonb;
    v_other jsonb;
    v_term jsonb;
BEGIN
    IF v_kind IN ('and', 'or') AND jsonb_array_length(item -> 'a') < 100 THEN
        RETURN QUERY SELECT t.term
                       FROM jsonb_array_elements(item -> 'a') WITH ORDINALITY AS a (part, n)
                      CROSS JOIN LATERAL asymm._condition_terms(
                            a.part, CASE WHEN v_kind = 'or' THEN format('%s%s.', COALESCE(arm, ''), a.n) ELSE arm END, names) AS t (term);
        -- What holds as a whole can be the predicate of an index.
        IF v_kind = 'and' OR item -> 'i' <> 'true' OR arm IS NOT NULL THEN
            RETURN;
        END IF;
    END IF;
    v_term := jsonb_build_object('g', arm, 'w', CASE WHEN item -> 'i' = 'true' AND jsonb_array_length(item -> 'n') = 1 THEN item ->> 't' END);
    IF v_kind IN ('op', 'any') AND jsonb_array_length(item -> 'a') = 2 THEN
        FOR v_place IN 0 .. CASE WHEN v_kind = 'any' THEN 0 ELSE 1 END LOOP
            v_side := item #> ARRAY['a', v_place::text];
            v_other := item #> ARRAY['a', (1 - v_place)::text];
            IF v_side ->> 'k' <> 'row' AND jsonb_array_length(v_side -> 'n') = 1 AND names ? (v_side #>> '{n,0}')
               AND NOT v_other -> 'n' @> (v_side -> 'n') THEN
                RETURN QUERY SELECT v_term || jsonb_build_object('v', v_side, 'u', CASE WHEN v_kind = 'any' THEN 'any' ELSE 'op' END,
                    'o', item -> 'o', 'f', CASE WHEN v_place = 1 THEN item -> 'm' ELSE item -> 'f' END, 'all', item -> 'all', 's', item -> 's',
                    'j', v_other -> 'n' <> '[]', 'x', CASE WHEN v_other ->> 'k' = 'const' THEN v_other ->> 't' END, 'z', v_other -> 'y');
            -- ROW (a, b) > ROW (1, 2): the first decides, the others follow.
            ELSIF v_side ->> 'k' = 'row' AND v_place = 0 AND v_other ->> 'k' = 'row' THEN
                RETURN QUERY SELECT v_term - 'w' || jsonb_build_object('v', r.part, 'u', 'row', 'o', item -> 'o', 'j', false, 'q', r.n)
                               FROM jsonb_array_elements(v_side -> 'a') WITH ORDINALITY AS r (part, n)
                              WHERE jsonb_array_length(r.part -> 'n') = 1 AND names ? (r.part #>> '{n,0}') AND item ->> 'o' ~ '^[<>]=?$';
            END IF;
        END LOOP;
    ELSIF v_kind IN ('test', 'column', 'not', 'or') AND jsonb_array_length(item -> 'n') = 1 AND names ? (item #>> '{n,0}') THEN
        v_side := CASE WHEN v_kind IN ('test', 'not') THEN item #> '{a,0}' ELSE item END;
        RETURN QUERY SELECT v_term || jsonb_build_object('v', v_side, 'u', v_kind, 'j', false,
                                                       'o', COALESCE(item ->> 'o', CASE WHEN v_kind = 'not' THEN 'NOT' ELSE '' END));
    ELSIF item -> 'n' <> '[]' THEN
        RETURN QUERY SELECT v_term || jsonb_build_object('v', jsonb_build_object('n', jsonb_build_array(n.name), 't', item -> 't', 'k', 'expr'),
                                                         'u', 'unread', 'j', false)
                       FROM jsonb_array_elements_text(item -> 'n') AS n (name) WHERE names ? n.name;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._condition_terms(jsonb, text, jsonb) IS 'The comparisons a condition consists of; of an OR each with its arm.';
