-- Annotations proposed for nodes of which nobody said anything.

-- Until it is observed, what a table costs is what finding a row of it costs; a copy is asked by its key.
CREATE OR REPLACE FUNCTION asymm._proposed_annotation(node asymm.node, OUT annotation asymm.annotation, OUT evidence jsonb)
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    v_measured constant jsonb := asymm._node_measures(node);
    v_cost text := v_measured ->> 'cost';
BEGIN
    IF v_cost IS NULL THEN
        v_cost := CASE WHEN (node).kind = 'cache' THEN 'O(1)'
                       WHEN EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = (node).relid AND i.indisvalid) THEN 'O(log n)' ELSE 'O(n)' END;
    END IF;
    annotation := ROW(CASE (node).kind WHEN 'entity' THEN 'dataEntity' WHEN 'query' THEN 'dataQuery' ELSE 'dataCache' END,
                      v_measured ->> 'scope', v_measured ->> 'regime', v_cost, asymm._node_lineage(node), 1)::asymm.annotation;
    evidence := v_measured -> 'evidence' || jsonb_build_object('cost', CASE WHEN v_measured ? 'cost' THEN 'by its plan' ELSE 'assumed' END);
END
$$;
COMMENT ON FUNCTION asymm._proposed_annotation(asymm.node) IS 'The annotation of a node as it is measured, and from what each field was concluded.';

CREATE OR REPLACE FUNCTION asymm._decide_annotation(node text, decision text, by_role name) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE asymm.annotation_proposal AS p SET state = decision, decided_by = by_role, decided_at = clock_timestamp()
     WHERE p.node = $1 AND p.state = 'proposed';
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing is proposed for "%"', $1
            USING ERRCODE = 'undefined_object', DETAIL = 'Annotations are proposed for nodes that have none, one at a time.',
                  HINT = 'SELECT node FROM asymm.proposed_annotations WHERE state = ''proposed''';
    END IF;
    IF decision = 'accepted' THEN
        PERFORM asymm._say(p.node, by_role, p.annotation) FROM asymm.annotation_proposal AS p WHERE p.node = $1;
    END IF;
END
$$;
COMMENT ON FUNCTION asymm._decide_annotation(text, text, name) IS 'Accepts or rejects what is proposed for a node; raises 42704 where nothing is.';

CREATE OR REPLACE FUNCTION asymm.accept_annotation(node text)
RETURNS TABLE (name text, state text, agreed asymm.annotation, context asymm.context, said_by name[], fidelity double precision)
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    v_name constant text := asymm._require_voice(asymm._require_node($1));
BEGIN
    PERFORM asymm._decide_annotation(v_name, 'accepted', asymm._caller());
    PERFORM asymm._record_place();
    RETURN QUERY SELECT * FROM asymm.annotation_of(v_name);
END
$$;
COMMENT ON FUNCTION asymm.accept_annotation(text) IS 'Accepts the annotation that is proposed for a node, in the name of the caller. Returns what is said of it now. Raises 42704, 42501.';

CREATE OR REPLACE FUNCTION asymm.reject_annotation(node text) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM asymm._decide_annotation(asymm._require_voice(asymm._require_node($1)), 'rejected', asymm._caller());
END
$$;
COMMENT ON FUNCTION asymm.reject_annotation(text) IS 'Rejects the annotation that is proposed for a node: none will be proposed for it again. Raises 42704, 42501.';

-- A few at a time: tables first, then copies, then the statements that run most. What was proposed is measured anew once a day.
CREATE OR REPLACE FUNCTION asymm._propose_annotations() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v_accept constant boolean := (asymm._graph_settings()).accept_annotations;
    v_node asymm.node;
BEGIN
    FOR v_node IN
        SELECT n.*
          FROM asymm.node AS n
          LEFT JOIN asymm.annotation_proposal AS p ON p.node = n.kind || ':' || n.name
          LEFT JOIN asymm.query_counter AS c ON c.query_id = n.query_id
         WHERE n.gone_at IS NULL AND (p.state IS NULL OR p.state = 'proposed' AND (v_accept OR p.proposed_at < clock_timestamp() - interval '1 day'))
           AND (n.kind <> 'query' OR EXISTS (SELECT FROM asymm.query_look AS k WHERE k.query_id = n.query_id))
           AND NOT EXISTS (SELECT FROM asymm._voice AS v WHERE v.node = n.kind || ':' || n.name)
         ORDER BY array_position('{entity,cache,query}'::text[], n.kind), p.proposed_at NULLS FIRST, c.calls DESC NULLS LAST, n.id LIMIT 25
    LOOP
        INSERT INTO asymm.annotation_proposal AS p (node, annotation, evidence)
        SELECT (v_node).kind || ':' || (v_node).name, a.annotation, a.evidence FROM asymm._proposed_annotation(v_node) AS a
        ON CONFLICT (node) DO UPDATE SET annotation = excluded.annotation, evidence = excluded.evidence, proposed_at = clock_timestamp();
        IF v_accept THEN
            PERFORM asymm._decide_annotation((v_node).kind || ':' || (v_node).name, 'accepted', 'asymmetrica');
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._propose_annotations() IS 'Organ: proposes annotations for nodes that have none, and accepts them where the settings say so.';

CREATE OR REPLACE VIEW asymm.proposed_annotations AS
    SELECT p.node, p.state, asymm.annotation_json(p.annotation) AS annotation, p.evidence, p.proposed_at, p.decided_by, p.decided_at
      FROM asymm.annotation_proposal AS p;
COMMENT ON VIEW asymm.proposed_annotations IS 'Annotations proposed for nodes that have none, from what is measured; see accept_annotation() and reject_annotation().';

-- What is wrong with declared lineage, among the findings.
CREATE OR REPLACE FUNCTION asymm._watch_lineage() RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
AS $$
DECLARE
    v record;
    v_key text;
    v_keys text[] := '{}';
BEGIN
    FOR v IN SELECT f.* FROM asymm.lineage_faults AS f ORDER BY f.fault, f.target, f.source LIMIT 1000 LOOP
        v_key := format('%s %s → %s', v.fault, v.source, v.target);
        v_keys := v_keys || v_key;
        PERFORM asymm._find('graph', v_key, CASE v.fault WHEN 'broken' THEN 'warning' WHEN 'phantom' THEN 'warning' ELSE 'info' END, v.target,
                            format('flow from %s: %s', v.source, v.seen), v.evidence,
                            format('SELECT * FROM asymm.lineage_faults WHERE target = %L', v.target), v.recommended);
    END LOOP;
    PERFORM asymm._close_findings('graph', v_keys);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION asymm._watch_lineage() IS 'Organ: opens and closes findings of asymm.lineage_faults.';
