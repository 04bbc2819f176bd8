-- When the graph is brought up to date: by an organ, where a source moved; all of it when somebody asks.

CREATE OR REPLACE FUNCTION asymm._graph_refresh(whole boolean) RETURNS TABLE (source text, nodes bigint, flows bigint, ms double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_state asymm.graph_state;
    v_begun timestamptz;
    v_writes constant bigint[] := asymm._catalog_writes();
    v_ddl bigint;
    v_query bigint;
    v_looked timestamptz;
    v_copies text;
    v_ids bigint[];
    v_entities boolean := false;
    v_changed bigint := 0;
BEGIN
    SELECT s.* INTO v_state FROM asymm.graph_state AS s;
    SELECT max(l.id) INTO v_ddl FROM asymm.ddl_log AS l;
    SELECT COALESCE(max(q.id), 0) INTO v_query FROM asymm.query AS q;
    SELECT COALESCE(max(k.at), '-infinity') INTO v_looked FROM asymm.query_look AS k;
    SELECT format('%s %s %s', count(*), max(m.id), (SELECT format('%s %s', count(*), max(q.last_seen)) FROM asymm.read_query AS q))
      INTO v_copies FROM asymm.mirror_table AS m;
    -- Once an hour all names are compared, whatever the counters say.
    IF whole OR v_state.whole_at IS NULL OR NOT v_state.whole_at BETWEEN clock_timestamp() - interval '1 hour' AND clock_timestamp()
       OR v_writes IS DISTINCT FROM v_state.catalog_writes OR v_ddl IS DISTINCT FROM v_state.ddl_id THEN
        v_begun := clock_timestamp();
        source := 'catalogs';
        nodes := asymm._graph_entities_now();
        flows := asymm._graph_structure_now();
        ms := extract(epoch FROM clock_timestamp() - v_begun) * 1000;
        v_changed := v_changed + nodes + flows;
        v_entities := nodes > 0;
        RETURN NEXT;
        UPDATE asymm.graph_state SET catalog_writes = v_writes, ddl_id = v_ddl, whole_at = clock_timestamp();
    END IF;
    IF whole OR v_query <> v_state.query_id OR v_looked <> v_state.looked_at
       -- Statements that are forgotten leave no other trace.
       OR (SELECT count(*) FROM asymm.query) <> (SELECT count(*) FROM asymm.node AS n WHERE n.query_id IS NOT NULL) THEN
        v_begun := clock_timestamp();
        source := 'workload';
        nodes := asymm._graph_drop(ARRAY(SELECT n.id FROM asymm.node AS n WHERE n.kind = 'query' AND n.gone_at IS NULL
                                                         AND NOT EXISTS (SELECT FROM asymm.query AS q WHERE q.id = n.query_id)))
               + (SELECT asymm._graph_add(array_agg('query'::text), array_agg(q.id::text), array_agg(q.command), array_agg(NULL::oid),
                                          array_agg(q.id))
                    FROM asymm.query AS q WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.query_id = q.id));
        -- A look is booked before the plan is there, and two loops may look at a time.
        v_ids := CASE WHEN NOT whole THEN ARRAY(
                     SELECT k.query_id FROM asymm.query_look AS k WHERE k.at > v_state.looked_at - interval '1 min'
                     UNION SELECT q.id FROM asymm.query AS q WHERE q.id > v_state.query_id) END;
        flows := asymm._graph_queries_now(v_ids);
        ms := extract(epoch FROM clock_timestamp() - v_begun) * 1000;
        v_changed := v_changed + nodes + flows;
        RETURN NEXT;
        UPDATE asymm.graph_state SET query_id = v_query, looked_at = v_looked;
    END IF;
    -- A copy may have been waiting for its table to be known.
    IF whole OR v_entities OR v_copies IS DISTINCT FROM v_state.copies THEN
        v_begun := clock_timestamp();
        source := 'copies';
        SELECT c.nodes, c.flows INTO nodes, flows FROM asymm._graph_copies_now() AS c;
        ms := extract(epoch FROM clock_timestamp() - v_begun) * 1000;
        v_changed := v_changed + nodes + flows;
        RETURN NEXT;
        UPDATE asymm.graph_state SET copies = v_copies;
    END IF;
    -- Searches are planned by what the tables hold.
    IF v_changed > 1000 THEN
        ANALYZE asymm.node, asymm.flow;
    END IF;
    UPDATE asymm.graph_state SET refreshed_at = clock_timestamp();
END
$$;
COMMENT ON FUNCTION asymm._graph_refresh(boolean) IS 'Brings nodes and flows up to date, from the sources that moved or from all; returns what changed.';

CREATE OR REPLACE FUNCTION asymm.refresh_graph() RETURNS TABLE (source text, nodes bigint, flows bigint, ms double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM asymm.graph_state FOR UPDATE;
    RETURN QUERY SELECT r.* FROM asymm._graph_refresh(true) AS r;
END
$$;
COMMENT ON FUNCTION asymm.refresh_graph()
    IS 'Derives the whole graph anew from catalogs, workload and copies, and writes what differs: how many nodes and flows changed, by source, and the time it took. An organ does the same where something moved.';

-- Two loops would do the same work twice.
CREATE OR REPLACE FUNCTION asymm._tend_graph() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM FROM asymm.graph_state FOR UPDATE SKIP LOCKED;
    IF FOUND THEN
        PERFORM FROM asymm._graph_refresh(false);
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._tend_graph() IS 'Organ: brings the graph up to date where catalogs, workload or copies moved.';

-- Nodes that are gone, when nobody speaks of them.
CREATE OR REPLACE FUNCTION asymm._purge_graph() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_since constant timestamptz := clock_timestamp() - (asymm._settings()).retention;
BEGIN
    DELETE FROM asymm.node AS n WHERE n.gone_at < v_since OR n.kind = 'query' AND n.gone_at < clock_timestamp() - interval '1 day';
    DELETE FROM asymm.annotation_proposal AS p
     WHERE NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.kind || ':' || n.name = p.node);
    -- The number of a query is never given again.
    DELETE FROM asymm.node_annotation AS a
     WHERE a.node LIKE 'query:%' AND NOT EXISTS (SELECT FROM asymm.node AS n WHERE n.kind = 'query' AND n.name = substr(a.node, 7));
END
$$;
COMMENT ON FUNCTION asymm._purge_graph() IS 'Forgets nodes that have been gone for longer than the retention, and what was proposed of them.';
