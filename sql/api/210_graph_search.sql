-- What is touched if a node changes, and how one gets from one node to another.

-- Breadth first, a level at a time, with an array by node number for what was reached: a recursive query would follow every path. One
-- plan for all: in a plan of its own the array would be a constant, whose elements are found by going through it.
CREATE OR REPLACE FUNCTION asymm._graph_reach(start integer, furthest integer, goal integer DEFAULT NULL)
RETURNS TABLE (id integer, node text, distance integer, via integer, path text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off SET plan_cache_mode = force_generic_plan SET enable_sort = off
AS $$
DECLARE
    v_names text[];
    v_paths text[];
    v_reached integer[];
    v_level integer[] := ARRAY[start];
    v_via integer[];
    v_node integer;
BEGIN
    -- Numbers are dense, but some may be free.
    SELECT array_agg(COALESCE(n.kind || ':' || n.name, '') ORDER BY g.id) INTO v_names
      FROM generate_series(1, (SELECT max(m.id) FROM asymm.node AS m)) AS g (id) LEFT JOIN asymm.node AS n ON n.id = g.id;
    v_paths := v_names;
    v_reached := array_fill(0, ARRAY[cardinality(v_names)]);
    v_reached[start] := 1;
    distance := 0;
    WHILE distance < furthest LOOP
        distance := distance + 1;
        SELECT array_agg(t.target), array_agg(t.source) INTO v_level, v_via
          FROM (SELECT f.target, min(f.source) AS source FROM asymm.flow AS f
                 WHERE f.source = ANY (v_level) AND v_reached[f.target] = 0 GROUP BY f.target) AS t;
        EXIT WHEN v_level IS NULL;
        FOR v_place IN 1 .. cardinality(v_level) LOOP
            v_node := v_level[v_place];
            v_reached[v_node] := 1;
            v_paths[v_node] := v_paths[v_via[v_place]] || ' → ' || v_names[v_node];
        END LOOP;
        RETURN QUERY SELECT u.id, v_names[u.id], distance, u.via, v_paths[u.id] FROM unnest(v_level, v_via) AS u (id, via);
        EXIT WHEN goal = ANY (v_level);
    END LOOP;
END
$$;
COMMENT ON FUNCTION asymm._graph_reach(integer, integer, integer) IS 'Nodes that a change of one reaches, the nearest first, with the shortest way; up to a distance, or until a goal is reached.';

CREATE OR REPLACE FUNCTION asymm.impact(node text, operation text DEFAULT 'amplify')
RETURNS TABLE (touched text, kind text, distance integer, attenuation double precision, path text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_node constant asymm.node := asymm._require_node($1);
    v_loss constant double precision := asymm._loss(asymm._require_text($2, 'operation'));
    v_fidelity constant double precision := COALESCE((asymm._node_context(v_node)).fidelity, 1);
BEGIN
    -- How far it is told follows from a change that is wholly believed: what is touched is so, whatever the annotation is worth.
    RETURN QUERY
        SELECT r.node, split_part(r.node, ':', 1), r.distance, v_fidelity * exp(-v_loss * r.distance), r.path
          FROM asymm._graph_reach((v_node).id, floor(asymm.horizon(1, $2))::integer) AS r;
END
$$;
COMMENT ON FUNCTION asymm.impact(text, text)
    IS 'Who is touched if a node changes, the nearest first: distance in flows, what is left of the change (fidelity of the node''s annotation × e^(−l·distance)), and the shortest way there. Up to the horizon, where a hundredth is left of a fidelity of 1; resolve does not travel. Raises 42704 with the nearest names, 22023.';

CREATE OR REPLACE FUNCTION asymm.path(source text, target text)
RETURNS TABLE (place integer, node text, kind text, flow text)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    v_from constant asymm.node := asymm._require_node($1, 'source');
    v_to constant asymm.node := asymm._require_node($2, 'target');
BEGIN
    RETURN QUERY
    WITH RECURSIVE reached AS MATERIALIZED (SELECT r.id, r.via FROM asymm._graph_reach((v_from).id, 1000000, (v_to).id) AS r),
    back AS (
        SELECT (v_to).id AS id, NULL::integer AS next, 0 AS n
         WHERE (v_to).id = (v_from).id OR EXISTS (SELECT FROM reached AS r WHERE r.id = (v_to).id)
        UNION ALL
        SELECT r.via, b.id, b.n + 1 FROM back AS b JOIN reached AS r ON r.id = b.id WHERE b.id <> (v_from).id)
    SELECT (row_number() OVER (ORDER BY b.n DESC))::integer, n.kind || ':' || n.name, n.kind,
           (SELECT string_agg(f.kind, ', ' ORDER BY f.kind) FROM asymm.flow AS f WHERE f.source = b.id AND f.target = b.next)
      FROM back AS b JOIN asymm.node AS n ON n.id = b.id ORDER BY b.n DESC;
END
$$;
COMMENT ON FUNCTION asymm.path(text, text)
    IS 'The shortest way along flows from one node to another: each node on it with the kind of flow that leads on from it; no row where there is none. Raises 42704 with the nearest names.';
