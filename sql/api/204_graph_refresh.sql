-- The graph is brought up to date source by source: one that did not move is not asked, and only what differs is written.

CREATE OR REPLACE FUNCTION asymm._graph_add(kinds text[], names text[], sorts text[], relids oid[], queries bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
DECLARE
    v_added bigint;
BEGIN
    IF COALESCE(cardinality(names), 0) = 0 THEN
        RETURN 0;
    END IF;
    -- The lowest numbers that are free.
    WITH new AS MATERIALIZED (
        SELECT u.*, row_number() OVER () AS place FROM unnest(kinds, names, sorts, relids, queries) AS u (kind, name, what, relid, query_id)
         WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.kind = u.kind AND n.name = u.name)),
    free AS (
        SELECT g.id, row_number() OVER (ORDER BY g.id) AS place
          FROM generate_series(1, (SELECT count(*) FROM asymm.node)::integer + cardinality(names)) AS g (id)
         WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.id = g.id)),
    back AS (
        UPDATE asymm.node AS n SET relid = u.relid, query_id = u.query_id, what = u.what, gone_at = NULL
          FROM unnest(kinds, names, sorts, relids, queries) AS u (kind, name, what, relid, query_id)
         WHERE n.kind = u.kind AND n.name = u.name RETURNING n.id),
    added AS (
        INSERT INTO asymm.node (id, kind, name, what, relid, query_id)
        SELECT f.id, w.kind, w.name, w.what, w.relid, w.query_id FROM new AS w JOIN free AS f USING (place) RETURNING id)
    SELECT (SELECT count(*) FROM back) + (SELECT count(*) FROM added) INTO v_added;
    RETURN v_added;
END
$$;
COMMENT ON FUNCTION asymm._graph_add(text[], text[], text[], oid[], bigint[]) IS 'Adds nodes, or brings back those of that name that were gone; returns how many.';

-- The flows of nodes that go, go with them.
CREATE OR REPLACE FUNCTION asymm._graph_drop(nodes integer[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_dropped bigint;
BEGIN
    IF COALESCE(cardinality(nodes), 0) = 0 THEN
        RETURN 0;
    END IF;
    DELETE FROM asymm.flow AS f WHERE f.source = ANY (nodes);
    DELETE FROM asymm.flow AS f WHERE f.target = ANY (nodes);
    UPDATE asymm.node AS n SET gone_at = clock_timestamp(), relid = NULL, query_id = NULL WHERE n.id = ANY (nodes);
    GET DIAGNOSTICS v_dropped = ROW_COUNT;
    RETURN v_dropped;
END
$$;
COMMENT ON FUNCTION asymm._graph_drop(integer[]) IS 'Marks nodes as gone and removes their flows; returns how many.';

CREATE OR REPLACE FUNCTION asymm._graph_entities_now() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
DECLARE
    v_relids oid[];
    v_names text[];
    v_sorts text[];
    v_renamed integer[];
    v_changed bigint;
BEGIN
    SELECT array_agg(e.relid), array_agg(e.name), array_agg(e.what) INTO v_relids, v_names, v_sorts FROM asymm._graph_entities() AS e;
    v_changed := asymm._graph_drop(ARRAY(
        SELECT n.id FROM asymm.node AS n
         WHERE n.kind = 'entity' AND n.gone_at IS NULL AND NOT EXISTS (SELECT FROM unnest(v_relids) AS e (relid) WHERE e.relid = n.relid)));
    -- What was renamed is the same node. Names may have been exchanged, so all are first taken away.
    v_renamed := ARRAY(SELECT n.id FROM asymm.node AS n JOIN unnest(v_relids, v_names) AS e (relid, name) ON e.relid = n.relid
                        WHERE n.kind = 'entity' AND n.gone_at IS NULL AND n.name <> e.name);
    IF cardinality(v_renamed) > 0 THEN
        DELETE FROM asymm.node AS n WHERE n.kind = 'entity' AND n.gone_at IS NOT NULL AND n.name = ANY (v_names);
        PERFORM asymm._graph_renamed(n.name, e.name)
           FROM asymm.node AS n JOIN unnest(v_relids, v_names) AS e (relid, name) ON e.relid = n.relid
          WHERE n.id = ANY (v_renamed) AND n.name <> ALL (v_names);
        UPDATE asymm.node AS n SET name = n.relid::text WHERE n.id = ANY (v_renamed);
        UPDATE asymm.node AS n SET name = e.name, what = e.what FROM unnest(v_relids, v_names, v_sorts) AS e (relid, name, what)
         WHERE n.id = ANY (v_renamed) AND e.relid = n.relid;
    END IF;
    RETURN v_changed + cardinality(v_renamed) + (
        SELECT asymm._graph_add(array_agg('entity'::text), array_agg(e.name), array_agg(e.what), array_agg(e.relid), array_agg(NULL::bigint))
          FROM unnest(v_relids, v_names, v_sorts) AS e (relid, name, what)
         WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.relid = e.relid AND n.gone_at IS NULL));
END
$$;
COMMENT ON FUNCTION asymm._graph_entities_now() IS 'Brings the nodes of tables and views up to date; returns how many changed.';

-- What was said of a table goes with it, unless its old name means another one now: then it was said of the name.
CREATE OR REPLACE FUNCTION asymm._graph_renamed(former text, name text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_from constant text := 'entity:' || former;
    v_to constant text := 'entity:' || $2;
BEGIN
    UPDATE asymm.node_annotation AS a SET node = v_to
     WHERE a.node = v_from AND NOT EXISTS (SELECT FROM asymm.node_annotation AS o WHERE o.node = v_to AND o.annotated_by = a.annotated_by);
    UPDATE asymm.declared_flow AS d SET source = v_to
     WHERE d.source = v_from AND NOT EXISTS (SELECT FROM asymm.declared_flow AS o WHERE o.source = v_to AND o.target = d.target);
    UPDATE asymm.declared_flow AS d SET target = v_to
     WHERE d.target = v_from AND NOT EXISTS (SELECT FROM asymm.declared_flow AS o WHERE o.target = v_to AND o.source = d.source);
    UPDATE asymm.annotation_proposal AS p SET node = v_to
     WHERE p.node = v_from AND NOT EXISTS (SELECT FROM asymm.annotation_proposal AS o WHERE o.node = v_to);
END
$$;
COMMENT ON FUNCTION asymm._graph_renamed(text, text) IS 'Has annotations and declared flows follow an entity that was renamed.';

-- What flows are wanted is written as it differs from what there is: all of some kinds, or those of some statements (nodes), which reads lead
-- to and writes lead from.
CREATE OR REPLACE FUNCTION asymm._graph_flows_now(of_kinds text[], nodes integer[], sources integer[], targets integer[], kinds text[])
RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = on SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_changed bigint;
BEGIN
    -- The planner takes arrays for short.
    PERFORM set_config('enable_nestloop', (nodes IS NOT NULL)::text, true);
    WITH wanted AS MATERIALIZED (SELECT DISTINCT u.source, u.target, u.kind FROM unnest(sources, targets, kinds) AS u (source, target, kind)),
    removed AS (
        DELETE FROM asymm.flow AS f
         WHERE f.kind = ANY (of_kinds)
           AND (nodes IS NULL OR f.kind = 'reads' AND f.target = ANY (nodes) OR f.kind = 'writes' AND f.source = ANY (nodes))
           AND NOT EXISTS (SELECT FROM wanted AS w WHERE (w.source, w.target, w.kind) = (f.source, f.target, f.kind)) RETURNING f.source),
    added AS (
        INSERT INTO asymm.flow (source, target, kind)
        SELECT w.source, w.target, w.kind FROM wanted AS w
         WHERE NOT EXISTS (SELECT FROM asymm.flow AS f WHERE (f.source, f.target, f.kind) = (w.source, w.target, w.kind)) RETURNING source)
    SELECT (SELECT count(*) FROM removed) + (SELECT count(*) FROM added) INTO v_changed;
    RETURN v_changed;
END
$$;
COMMENT ON FUNCTION asymm._graph_flows_now(text[], integer[], integer[], integer[], text[])
    IS 'Makes the flows of some kinds, of all nodes (NULL) or of some statements, those that are given; returns how many changed.';

CREATE OR REPLACE FUNCTION asymm._graph_structure_now() RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = off
AS $$
BEGIN
    RETURN (
        WITH seen AS MATERIALIZED (SELECT s.* FROM asymm._graph_structure() AS s),
        root AS MATERIALIZED (
            SELECT r.* FROM asymm._graph_roots(ARRAY(SELECT s.source FROM seen AS s UNION SELECT s.target FROM seen AS s)) AS r)
        SELECT asymm._graph_flows_now('{references,view,rule,function,inherits}', NULL, array_agg(a.node), array_agg(b.node), array_agg(s.kind))
          FROM seen AS s JOIN root AS a ON a.relid = s.source JOIN root AS b ON b.relid = s.target WHERE a.node <> b.node);
END
$$;
COMMENT ON FUNCTION asymm._graph_structure_now() IS 'Brings the flows that the catalogs tell of up to date; returns how many changed.';

-- Of some statements, or of all (NULL). Both are read the same way; only what is worth joining how differs.
CREATE OR REPLACE FUNCTION asymm._graph_queries_now(queries bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off SET enable_nestloop = on SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
    v_nodes constant integer[] := CASE WHEN queries IS NOT NULL THEN ARRAY(SELECT n.id FROM asymm.node AS n WHERE n.query_id = ANY (queries)) END;
BEGIN
    PERFORM set_config('enable_nestloop', (queries IS NOT NULL)::text, true);
    RETURN (
        WITH seen AS MATERIALIZED (SELECT s.* FROM asymm._graph_queries(queries) AS s),
        root AS MATERIALIZED (SELECT r.* FROM asymm._graph_roots(ARRAY(SELECT DISTINCT s.relid FROM seen AS s)) AS r)
        SELECT asymm._graph_flows_now('{reads,writes}', v_nodes, array_agg(CASE s.kind WHEN 'reads' THEN r.node ELSE n.id END),
                                      array_agg(CASE s.kind WHEN 'reads' THEN n.id ELSE r.node END), array_agg(s.kind))
          FROM seen AS s JOIN root AS r ON r.relid = s.relid JOIN asymm.node AS n ON n.query_id = s.query);
END
$$;
COMMENT ON FUNCTION asymm._graph_queries_now(bigint[]) IS 'Brings the flows of statements up to date, of some or of all (NULL); returns how many changed.';

CREATE OR REPLACE FUNCTION asymm._graph_copies_now(OUT nodes bigint, OUT flows bigint)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
BEGIN
    nodes := asymm._graph_drop(ARRAY(
        SELECT n.id FROM asymm.node AS n
         WHERE n.kind = 'cache' AND n.gone_at IS NULL AND NOT EXISTS (SELECT FROM asymm._graph_copies() AS c WHERE c.copy = n.name)));
    nodes := nodes + (
        SELECT asymm._graph_add(array_agg('cache'::text), array_agg(c.copy), array_agg(c.what), array_agg(NULL::oid), array_agg(NULL::bigint))
          FROM (SELECT DISTINCT c.copy, c.what FROM asymm._graph_copies() AS c) AS c
         WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.kind = 'cache' AND n.name = c.copy AND n.gone_at IS NULL));
    SELECT asymm._graph_flows_now('{mirror,cached}', NULL, array_agg(e.id), array_agg(k.id), array_agg(c.kind)) INTO flows
      FROM asymm._graph_copies() AS c
      JOIN asymm.node AS e ON e.kind = 'entity' AND e.name = format('%I.%I', c.schema_name, c.table_name) AND e.gone_at IS NULL
      JOIN asymm.node AS k ON k.kind = 'cache' AND k.name = c.copy;
END
$$;
COMMENT ON FUNCTION asymm._graph_copies_now() IS 'Brings mirrored tables and cached queries up to date; returns how many nodes and flows changed.';
