-- Nodes by their names, and the settings of the graph.

CREATE OR REPLACE FUNCTION asymm._graph_settings() RETURNS asymm.graph_setting
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.graph_setting;
BEGIN
    SELECT s.* INTO v FROM asymm.graph_settings AS s;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._graph_settings() IS 'The settings of the graph in force as one row.';

CREATE OR REPLACE FUNCTION asymm.configure_graph(
    dormant_after interval DEFAULT NULL, slow_variance double precision DEFAULT NULL, accept_annotations boolean DEFAULT NULL)
RETURNS asymm.graph_setting
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_row asymm.graph_setting;
    v_constraint text;
BEGIN
    PERFORM asymm._require_session();
    -- One writer at a time: the second waits, then sees the first one's row.
    LOCK TABLE asymm.graph_setting IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO asymm.graph_setting DEFAULT VALUES ON CONFLICT DO NOTHING;
    UPDATE asymm.graph_setting AS s
       SET dormant_after = COALESCE(configure_graph.dormant_after, s.dormant_after),
           slow_variance = COALESCE(configure_graph.slow_variance, s.slow_variance),
           accept_annotations = COALESCE(configure_graph.accept_annotations, s.accept_annotations)
    RETURNING s.* INTO v_row;
    PERFORM asymm._record_place();
    RETURN v_row;
EXCEPTION WHEN check_violation THEN
    GET STACKED DIAGNOSTICS v_constraint = CONSTRAINT_NAME;
    PERFORM asymm._refuse_setting('asymm.graph_setting', v_constraint);
END
$$;
COMMENT ON FUNCTION asymm.configure_graph(interval, double precision, boolean)
    IS 'Changes settings of the graph: when a declared flow is dormant, which variance of latency (ms²) is slow, whether proposed annotations are accepted by themselves; NULL leaves one as it is. Raises 22023 for a value out of range.';

-- How much of a name another one has: the share of its pairs of letters.
CREATE OR REPLACE FUNCTION asymm._likeness(name text, other text) RETURNS double precision
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT count(*) FILTER (WHERE strpos(lower(other), p.pair) > 0)::double precision / count(*)
                   / (1 + abs(length(name) - length(other)) / 20.0)
              FROM (SELECT DISTINCT substr(lower(name), g.n, 2) AS pair
                      FROM generate_series(1, GREATEST(LEAST(length(name), 200) - 1, 1)) AS g (n)) AS p);
END
$$;
COMMENT ON FUNCTION asymm._likeness(text, text) IS 'How alike two names are, 0 to 1, for hints.';

-- A node is named kind:name; what has no kind is taken for an entity, and that by its name alone if there is one of that name.
CREATE OR REPLACE FUNCTION asymm._node_named(node text) RETURNS asymm.node
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.node;
    v_kind constant text := substring(node FROM '^(entity|query|cache):.');
    v_found asymm.node[];
BEGIN
    SELECT n.* INTO v FROM asymm.node AS n
     WHERE n.kind = COALESCE(v_kind, 'entity') AND n.name = CASE WHEN v_kind IS NULL THEN node ELSE substr(node, length(v_kind) + 2) END;
    IF NOT FOUND AND v_kind IS NULL THEN
        v_found := ARRAY(SELECT n FROM asymm.node AS n
                          WHERE n.kind = 'entity' AND n.gone_at IS NULL AND right(n.name, length(node) + 1) = '.' || node LIMIT 2);
        IF cardinality(v_found) = 1 THEN
            v := v_found[1];
        END IF;
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._node_named(text) IS 'The node of a name, or NULL.';

CREATE OR REPLACE FUNCTION asymm._nearest_nodes(node text) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (SELECT string_agg(f.name, ', ' ORDER BY f.likeness DESC, f.name)
              FROM (SELECT n.kind || ':' || n.name AS name,
                           asymm._likeness(regexp_replace(node, '^(entity|query|cache):', ''), n.name) AS likeness
                      FROM asymm.node AS n
                     WHERE n.gone_at IS NULL AND n.kind = COALESCE(substring(node FROM '^(entity|query|cache):'), 'entity')
                     ORDER BY 2 DESC, 1 LIMIT 3) AS f
             WHERE f.likeness > 0);
END
$$;
COMMENT ON FUNCTION asymm._nearest_nodes(text) IS 'Up to three nodes whose names are nearest to one that is none.';

CREATE OR REPLACE FUNCTION asymm._require_node(node text, argument text DEFAULT 'node') RETURNS asymm.node
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v asymm.node;
    v_nearest text;
BEGIN
    PERFORM asymm._require_text(node, argument);
    v := asymm._node_named(node);
    IF (v).id IS NULL THEN
        v_nearest := asymm._nearest_nodes(node);
        RAISE EXCEPTION 'node "%" does not exist', left(node, 200)
            USING ERRCODE = 'undefined_object',
                  DETAIL = 'A node is entity:schema.table, query:number, cache:schema.table or cache:fingerprint, names quoted as in SQL.',
                  HINT = COALESCE('Nearest: ' || v_nearest, 'SELECT node FROM asymm.nodes shows all')
                         || '. SELECT * FROM asymm.refresh_graph() looks for new ones.';
    END IF;
    RETURN v;
END
$$;
COMMENT ON FUNCTION asymm._require_node(text, text) IS 'The node of a name; raises 42704 with the nearest names for one that is not there, 22004 and 22023 as asymm._require_text().';
